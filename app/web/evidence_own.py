"""A company's own head-to-heads: what was read, and what they change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.evidence import HeadToHead
from app.services.expectations import SHOWN_RANK, Effect
from app.web import show_numbers, show_words
from app.web.evidence_expected import Share, share
from app.web.evidence_numbers import gap
from app.web.evidence_words import GROUPS, WITHIN, method_name, percent_span, whole_percent
from app.web.figure_recovery import Read


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One comparison as it was read."""

    study: str
    group: str
    metric: str
    method: str
    base: str
    full: str
    adapter: str
    gap: str
    kept: str


@dataclass(frozen=True, slots=True)
class EffectRow:
    """What is expected of a kind of task, without and with the own comparisons."""

    group: str
    own: str
    kept_before: Share
    kept_after: Share
    change: str
    removed_before: Share
    removed_after: Share


@dataclass(frozen=True, slots=True)
class OwnEvidenceView:
    """Everything that is said of own comparisons.

    Parameters
    ----------
    hidden : names and values of the form that leads to a new scenario.
    """

    sentence: str
    rows: tuple[OwnRow, ...]
    effects: tuple[EffectRow, ...]
    rank: int
    hidden: tuple[tuple[str, str], ...]


def own_view(
    text: str, rows: Sequence[HeadToHead], effects: Sequence[Effect], read: Read
) -> OwnEvidenceView:
    """Own comparisons and their effect.

    Parameters
    ----------
    text : the table as it was given.
    """
    most = Counter(row.group for row in rows).most_common(1)[0][0]
    return OwnEvidenceView(
        sentence=_sentence(rows, effects, most),
        rows=tuple(_row(row, read) for row in rows),
        effects=tuple(_effect(effect) for effect in effects),
        rank=SHOWN_RANK,
        hidden=(("task_group", most), ("own_evidence", text)),
    )


def _sentence(rows: Sequence[HeadToHead], effects: Sequence[Effect], most: str) -> str:
    effect = next(found for found in effects if found.group == most)
    before, after = effect.before.recovery_lora, effect.after.recovery_lora
    old, new = (
        f"{whole_percent(found.mean)} (80% range {percent_span(found.p10, found.p90)})"
        for found in (before, after)
    )
    projects = show_words.plural(len({row.study for row in rows}), "project")
    return (
        f"{show_words.plural(len(rows), 'comparison')} of {projects} read. In {WITHIN[most]} the "
        f"share of the gain that LoRA is expected to keep moves from {old} to {new}."
    )


def _row(row: HeadToHead, read: Read) -> OwnRow:
    kept = read(row)
    rank = "" if row.rank is None else f", rank {row.rank}"
    return OwnRow(
        study=row.study.removeprefix("own-"),
        group=GROUPS[row.group],
        metric=row.metric,
        method=f"{method_name(row.method)}{rank}",
        base=show_numbers.number(row.base, 1),
        full=show_numbers.number(row.full, 1),
        adapter=show_numbers.number(row.adapter, 1),
        gap=show_numbers.points(gap(row)),
        kept=show_numbers.NONE if kept is None else whole_percent(kept),
    )


def _effect(effect: Effect) -> EffectRow:
    before, after = effect.before.recovery_lora, effect.after.recovery_lora
    return EffectRow(
        group=GROUPS[effect.group],
        own=f"{effect.own_rows}" if effect.own_rows else "none",
        kept_before=share(before),
        kept_after=share(after),
        change=show_numbers.number((after.mean - before.mean) * 100, plus=True),
        removed_before=share(effect.before.error_removed),
        removed_after=share(effect.after.error_removed),
    )
