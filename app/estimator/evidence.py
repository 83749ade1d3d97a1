"""Head-to-heads of full fine-tuning and adapters, as plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

TaskGroup = Literal["narrow", "general", "skill", "far", "continued", "rl"]
"""Kinds of task: the one list of them."""

Distance = Literal["near", "medium", "far"]
"""How far the task lies from what the base model knows: form and style, skills that it saw in part,
a new language or specialist knowledge."""

REGIME: Mapping[str, str] = MappingProxyType(
    {
        "narrow": "sft",
        "general": "sft",
        "skill": "sft",
        "far": "sft",
        "continued": "continued",
        "rl": "rl",
    }
)
"""How the model is trained: on answers, on plain text, or by reward."""

DISTANCE: Mapping[str, Distance] = MappingProxyType(
    {
        "narrow": "near",
        "general": "near",
        "skill": "medium",
        "far": "far",
        "continued": "medium",
        "rl": "medium",
    }
)
"""The distance that a kind of task usually has."""

PLAIN_ADAPTERS = frozenset({"lora", "qlora"})
"""Methods that the estimate compares; the others are variants of LoRA."""

OWN = "own"
"""How the key of a company's own study begins."""


@dataclass(frozen=True, slots=True)
class HeadToHead:
    """One comparison on one metric, in points of 0 to 100.

    Parameters
    ----------
    key : identifier of the row.
    study : key of the study; every study weighs the same. A company's own begin with `OWN`.
    group : kind of task, a `TaskGroup`.
    metric_kind : share (of right answers), overlap (ROUGE, BLEU) or judge (a judged mark); only a
        share has 100 as its end.
    method : lora, qlora, or a named variant (dora, pissa, lora-ga, ...).
    base, full, adapter : scores; base is None where the study reports none. [points]
    rank : adapter rank, None where it is not stated. [count]
    retention : the score is of a task that was not trained on (forgetting).
    base_same_harness : the base score was measured by the study itself.
    stated_distance : where it differs from the usual one of the group; else empty.
    params_b : parameters of the base model. [10^9]
    train_examples, train_tokens : what was trained on; None where not stated. [count]
    trainable : parameters of the adapters; None where not stated. [count]
    test_set_size : questions of the metric; None where not known. [count]
    full_same_study : the study itself fully fine-tuned the model that it held LoRA against.
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
    stated_distance: str = ""
    params_b: float | None = None
    train_examples: int | None = None
    train_tokens: int | None = None
    trainable: float | None = None
    test_set_size: int | None = None
    full_same_study: bool = True

    @property
    def regime(self) -> str:
        """sft, continued or rl."""
        return REGIME[self.group]

    @property
    def distance(self) -> str:
        """near, medium or far."""
        return self.stated_distance or DISTANCE[self.group]

    @property
    def is_own(self) -> bool:
        """Whether the company measured it itself."""
        return self.study.startswith(OWN)

    @property
    def attention_only(self) -> bool:
        """Whether the adapters are on attention alone. False where nothing is stated."""
        names = {name.strip() for name in self.targets.replace(",", "+").split("+")} - {""}
        return bool(names) and names <= ATTENTION_TARGETS

    @property
    def shared_full(self) -> tuple[object, ...]:
        """Rows that agree in it were held against the very same fully fine-tuned model.

        Assumption: one study does not tune two models to the same score of the same metric, on the
        same base and data.
        """
        return (
            self.study,
            self.metric,
            self.base_model,
            self.domain,
            self.train_examples,
            self.train_tokens,
            self.full,
        )


ATTENTION_TARGETS = frozenset(
    {"attention", "q", "k", "v", "o", "q_proj", "k_proj", "v_proj", "o_proj", "qkv"}
)
