"""What the model expects of each kind of task, as a table by rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.estimator.accuracy import Range
from app.services.expectations import Expectation
from app.web import show_words
from app.web.evidence_words import GROUPS, percent_span, whole_percent


@dataclass(frozen=True, slots=True)
class Share:
    """A mean and its 80% range."""

    mean: str
    range: str


@dataclass(frozen=True, slots=True)
class ExpectedRow:
    """One kind of task."""

    group: str
    studies: str
    removed: Share
    kept: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class ExpectedView:
    """The table; `ranks` are the headings of `kept`."""

    ranks: tuple[str, ...]
    rows: tuple[ExpectedRow, ...]


def kept_by_group(expected: Sequence[Expectation]) -> Mapping[str, Range]:
    """Share of the gain that LoRA is expected to keep, by kind of task."""
    return {found.group: found.summary.recovery_lora for found in expected}


def expected_view(expected: Sequence[Expectation]) -> ExpectedView:
    """Every kind of task, at every rank that the summaries state."""
    ranks = [rank for rank, _ in expected[0].summary.recovery_by_rank] if expected else []
    return ExpectedView(
        ranks=tuple(f"rank {rank}" for rank in ranks),
        rows=tuple(
            ExpectedRow(
                group=GROUPS[found.group],
                studies=f"{show_words.plural(found.summary.studies, 'study', 'studies')}, "
                f"{show_words.plural(found.summary.rows, 'row')}",
                removed=share(found.summary.error_removed),
                kept=tuple(share(at) for _, at in found.summary.recovery_by_rank),
            )
            for found in expected
        ),
    )


def share(found: Range) -> Share:
    """A share in words."""
    return Share(whole_percent(found.mean), percent_span(found.p10, found.p90))
