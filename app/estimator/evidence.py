"""Head-to-heads of full fine-tuning and adapters, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TaskGroup = Literal["narrow", "general", "skill", "far", "continued", "rl"]
"""Kinds of task: the one list of them."""


@dataclass(frozen=True, slots=True)
class HeadToHead:
    """One published comparison on one metric, in points of 0 to 100.

    Parameters
    ----------
    key : identifier of the row.
    study : key of the study; every study weighs the same.
    group : kind of task, a `TaskGroup`.
    metric_kind : share (of right answers), overlap (ROUGE, BLEU) or judge (a judged mark); only a
        share has 100 as its end.
    method : lora, qlora, or a named variant (dora, pissa, lora-ga, ...).
    base, full, adapter : scores; base is None where the study reports none. [points]
    rank : adapter rank, None where it is not stated. [count]
    retention : the score is of a task that was not trained on (forgetting).
    base_same_harness : the base score was measured by the study itself.
    """

    key: str
    study: str
    group: str
    domain: str
    base_model: str
    metric: str
    metric_kind: str
    method: str
    rank: int | None
    targets: str
    base: float | None
    full: float
    adapter: float
    retention: bool
    base_same_harness: bool
    locator: str
