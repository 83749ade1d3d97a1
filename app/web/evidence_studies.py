"""The studies of the evidence page: one line each, and below it every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.catalog.catalog import Study
from app.estimator.evidence import HeadToHead
from app.web import show_numbers
from app.web.evidence_numbers import Weighed, gap, weighed
from app.web.evidence_query import has_foreign_base
from app.web.evidence_words import (
    GROUPS,
    METRIC_KINDS,
    method_name,
    percent_span,
    points_span,
    whole_percent,
)
from app.web.figure_recovery import Read


@dataclass(frozen=True, slots=True)
class RowView:
    """One head-to-head.

    Parameters
    ----------
    kept : share of the gain; empty where no share is read.
    marks : what is special about it, in two or three words each.
    """

    task: str
    metric: str
    model: str
    method: str
    adapters: str
    data: str
    base: str
    full: str
    adapter: str
    gap: str
    kept: str
    locator: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StudyView:
    """A study with the rows that pass the filter.

    Parameters
    ----------
    count : rows, as a phrase that tells those that do not pass, too.
    gap, kept : on the trained task; empty where no row tells it. The ranges are of its rows.
    note : how its numbers were read; may be empty.
    facts : how it stands with base scores and shared models, as sentences.
    """

    key: str
    title: str
    authors: str
    address: str
    note: str
    groups: str
    count: str
    gap: str
    gap_range: str
    kept: str
    kept_range: str
    facts: tuple[str, ...]
    rows: tuple[RowView, ...]


def study_views(
    studies: Mapping[str, Study],
    shown: Sequence[HeadToHead],
    every: Sequence[HeadToHead],
    shared: Mapping[str, int],
    read: Read,
) -> tuple[StudyView, ...]:
    """Studies with rows that are shown, by year and title.

    Parameters
    ----------
    shown, every : rows with and without the filter.
    shared : see `evidence_numbers.sharing`; of all rows.
    read : share of the gain of full that a row's adapter kept.
    """
    total = Counter(row.study for row in every)
    mine: dict[str, list[HeadToHead]] = {}
    for row in shown:
        mine.setdefault(row.study, []).append(row)
    found = sorted(
        (studies[key] for key in mine), key=lambda study: (study.year, study.title.lower())
    )
    return tuple(_study(s, mine[s.key], total[s.key], shared, read) for s in found)


def _study(
    study: Study, rows: Sequence[HeadToHead], total: int, shared: Mapping[str, int], read: Read
) -> StudyView:
    trained = [row for row in rows if not row.retention]
    gaps, kept = weighed(trained, gap), weighed(trained, read)
    return StudyView(
        key=study.key,
        title=study.title,
        authors=f"{study.authors_short}, {study.year}",
        address=study.address,
        note=study.note,
        groups="; ".join(GROUPS[g] for g in GROUPS if any(row.group == g for row in rows)),
        count=f"{len(rows)}" if len(rows) == total else f"{len(rows)} of {total}",
        gap="" if gaps is None else show_numbers.points(gaps.mean),
        gap_range=_range(gaps, points_span),
        kept="" if kept is None else whole_percent(kept.mean),
        kept_range=_range(kept, percent_span),
        facts=tuple(_facts(rows, shared)),
        rows=tuple(_row(row, shared[row.key], read) for row in rows),
    )


def _range(found: Weighed | None, write: object) -> str:
    if found is None or found.rows < 2 or not callable(write):
        return ""
    return str(write(found.low, found.high))


def _facts(rows: Sequence[HeadToHead], shared: Mapping[str, int]) -> list[str]:
    foreign = sum(has_foreign_base(row) for row in rows)
    without = sum(row.base is None for row in rows)
    together = sum(shared[row.key] > 1 for row in rows)
    other = sum(row.retention for row in rows)
    rivals = sum(not row.full_same_study for row in rows)
    facts = []
    if other:
        facts.append(f"{other} on tasks not trained on")
    if foreign:
        facts.append(f"{foreign} with a base score of another harness")
    if without:
        facts.append(f"{without} without a base score")
    if rivals:
        facts.append(f"{rivals} against a full model of another team")
    if together:
        facts.append(f"{together} share a fully tuned model with another row")
    return facts


def _row(row: HeadToHead, sharing: int, read: Read) -> RowView:
    kept = read(row)
    marks = []
    if row.retention:
        marks.append("not trained on")
    if has_foreign_base(row):
        marks.append("base of another harness")
    if not row.full_same_study:
        marks.append("full model of another team")
    if sharing > 1:
        marks.append(f"full model shared by {sharing}")
    kind = "" if row.metric_kind == "share" else f", {METRIC_KINDS[row.metric_kind]}"
    return RowView(
        task=f"{GROUPS[row.group]}: {row.domain}" if row.domain else GROUPS[row.group],
        metric=f"{row.metric}{kind}",
        model=row.base_model,
        method=method_name(row.method),
        adapters=", ".join(_adapters(row)),
        data=_data(row),
        base="" if row.base is None else show_numbers.number(row.base, 1),
        full=show_numbers.number(row.full, 1),
        adapter=show_numbers.number(row.adapter, 1),
        gap=show_numbers.points(gap(row)),
        kept="" if kept is None else whole_percent(kept),
        locator=row.locator,
        marks=tuple(marks),
    )


def _adapters(row: HeadToHead) -> list[str]:
    """Rank and targets, as far as they are stated."""
    found = [] if row.rank is None else [f"rank {row.rank}"]
    return found + ([row.targets.replace("+", ", ")] if row.targets else [])


def _data(row: HeadToHead) -> str:
    if row.train_tokens is not None:
        return f"{show_numbers.count_short(row.train_tokens)} tokens"
    if row.train_examples is not None:
        return f"{show_numbers.count_short(row.train_examples)} examples"
    return ""
