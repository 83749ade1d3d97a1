"""The evidence page in texts: its conclusion, its filter and what passes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.catalog.catalog import Catalog, Study
from app.estimator.accuracy import Range
from app.estimator.constants import constant_values
from app.estimator.evidence import PLAIN_ADAPTERS, HeadToHead
from app.web import show_numbers, show_words
from app.web.evidence_numbers import gap, recovery_with, sharing, weighed
from app.web.evidence_query import (
    KEPT,
    NOT_STATED,
    PLAIN,
    RANK_LABELS,
    TRAINED,
    VARIANTS,
    EvidenceQuery,
    has_foreign_base,
    looser,
    selected,
)
from app.web.evidence_studies import StudyView, study_views
from app.web.evidence_words import (
    GROUPS,
    METHODS,
    WITHIN,
    method_name,
    points_span,
    whole_percent,
)
from app.web.figure_adapter_scatter import AdapterScatter, adapter_scatter
from app.web.figure_recovery import Read, RecoveryDrawing, recovery_figure
from app.web.figures import Figure
from app.web.forms import Option
from app.web.plan_views import FilterSelect
from app.web.price_views import PriceFigure


@dataclass(frozen=True, slots=True)
class LooserLink:
    """A part of the filter that can be left out, and what would pass then."""

    label: str
    address: str
    count: str


@dataclass(frozen=True, slots=True)
class EvidenceListView:
    """What passes the filter.

    Parameters
    ----------
    summary : how many rows of how many studies pass.
    looser : ways on where nothing passes.
    file : address of the rows as CSV.
    everything : address without the filter, empty where nothing is left out.
    scatter, recovery : None without rows that they can show.
    no_recovery : why there is no second chart; empty where there is one.
    """

    summary: str
    looser: tuple[LooserLink, ...]
    file: str
    everything: str
    scatter: AdapterScatter | None
    recovery: Figure[RecoveryDrawing] | None
    no_recovery: str
    studies: tuple[StudyView, ...]


def recovery_of(catalog: Catalog) -> Read:
    """How a share of the gain is read, with the constant of the catalogue."""
    constants = constant_values(catalog.calibration.constants)
    return recovery_with(constants["least_gain_for_recovery_points"])


# ------------------------------------------------------------------------ conclusion


def conclusion(rows: Sequence[HeadToHead], read: Read) -> tuple[str, str]:
    """What the studies say, and how far to trust it: one sentence, and a few."""
    trained = [row for row in rows if not row.retention]
    plain = [row for row in trained if row.method in PLAIN_ADAPTERS]
    kept = {
        group: found
        for group in GROUPS
        if group != "rl" and (found := weighed((r for r in plain if r.group == group), read))
    }
    parts = [f"{whole_percent(found.mean)} in {WITHIN[group]}" for group, found in kept.items()]
    studies = show_words.plural(len({row.study for row in rows}), "study", "studies")
    said = f"{studies} hold {show_words.plural(len(rows), 'head-to-head')}"
    if parts:
        said += f": of the gain of full fine-tuning, LoRA kept {show_words.join_words(parts)}"
    rewarded = weighed((row for row in plain if row.group == "rl"), gap)
    if rewarded is not None:
        side = "ahead" if rewarded.mean >= 0 else "behind"
        said += (
            f"; in {WITHIN['rl']} it ended {show_numbers.number(abs(rewarded.mean), 1)} points "
            f"{side} on average"
        )
    return f"{said}.", " ".join(_caveats(plain, kept))


def _caveats(plain: Sequence[HeadToHead], kept: Mapping[str, object]) -> list[str]:
    found = {g: w for g in kept if (w := weighed((r for r in plain if r.group == g), gap))}
    if not found:
        return []
    most = Counter(row.study for row in plain).most_common(1)[0][1] / len(plain)
    widest = max(found, key=lambda group: found[group].high - found[group].low)
    few = [WITHIN[group] for group, w in found.items() if w.studies == 1]
    span = points_span(found[widest].low, found[widest].high)
    said = [
        "Every study weighs the same, and they disagree: in "
        f"{WITHIN[widest]} four rows in five lie {span} points from full fine-tuning."
    ]
    if few:
        each = "" if len(few) == 1 else " each"
        said.append(f"What is said of {show_words.join_words(few)} rests on one study{each}.")
    said.append(
        f"{whole_percent(most)} of the rows come from one study, most models have 7 to 8 billion "
        "parameters, and learning rate, rank and layers separate results more than the kind of "
        "task does. So the estimate uses wide ranges, and a small pilot of your own tells more."
    )
    return said


def figures(rows: Sequence[HeadToHead]) -> tuple[PriceFigure, ...]:
    """How much there is, of what."""
    trained = [row for row in rows if not row.retention]
    plain = [row for row in trained if row.method in PLAIN_ADAPTERS]
    foreign = sum(has_foreign_base(row) for row in rows)
    shared = sum(count > 1 for count in sharing(rows).values())
    return (
        PriceFigure("Studies", f"{len({r.study for r in rows})}", "each weighs the same"),
        PriceFigure(
            "Head-to-heads", f"{len(rows):,}", f"{len(plain):,} of plain LoRA and QLoRA on its task"
        ),
        PriceFigure(
            "Tasks not trained on", f"{len(rows) - len(trained):,}", "what tuning made them forget"
        ),
        PriceFigure("Base of another harness", f"{foreign:,}", "marked; their share kept is weak"),
        PriceFigure("Shared full models", f"{shared:,}", "rows that are not independent"),
    )


# ------------------------------------------------------------------------ filter


def selects(
    rows: Sequence[HeadToHead], studies: Mapping[str, Study], asked: EvidenceQuery
) -> tuple[FilterSelect, ...]:
    """The lists of the filter; what was chosen stays visible, even where it is not among them."""
    groups = [(key, label) for key, label in GROUPS.items() if any(r.group == key for r in rows)]
    there = {row.study for row in rows}
    named = sorted(
        ((s.key, f"{s.authors_short}, {s.year}") for s in studies.values() if s.key in there),
        key=lambda pair: pair[1].lower(),
    )
    used = {row.method for row in rows}
    methods = [(PLAIN, "LoRA and QLoRA"), (VARIANTS, "Variants of LoRA")]
    methods += [(key, label) for key, label in METHODS.items() if key in used]
    methods += [(key, key) for key in sorted(used - set(METHODS))]
    ranks = [
        (key, "Not stated" if key == NOT_STATED else label[0].upper() + label[1:])
        for key, label in RANK_LABELS.items()
    ]
    measured = [(TRAINED, "The trained task"), (KEPT, "Other tasks: what was kept")]
    return (
        _select("group", "Kind of task", "All kinds", asked.group, groups),
        _select("study", "Study", "All studies", asked.study, named),
        _select("method", "Method", "All methods", asked.method, methods),
        _select("measured", "Measured on", "Any task", asked.measured, measured),
        _select("rank", "Rank", "Any rank", asked.rank, ranks),
    )


def _select(
    name: str, label: str, every: str, chosen: str, known: Sequence[tuple[str, str]]
) -> FilterSelect:
    values = [("", every), *known]
    if chosen and chosen not in dict(known):
        values.append((chosen, chosen))
    return FilterSelect(name, label, "", tuple(Option(v, text, v == chosen) for v, text in values))


def part_label(name: str, value: str, studies: Mapping[str, Study]) -> str:
    """What a part of the filter lets through, in words."""
    match name:
        case "group":
            return GROUPS.get(value, value)
        case "study":
            found = studies.get(value)
            return value if found is None else f"{found.authors_short}, {found.year}"
        case "method":
            several = {PLAIN: "LoRA and QLoRA", VARIANTS: "variants of LoRA"}
            return several.get(value) or method_name(value)
        case "measured":
            return {TRAINED: "the trained task", KEPT: "other tasks"}.get(value, value)
        case "rank":
            return f"rank {RANK_LABELS.get(value, value)}"
        case "base":
            return f"base model with “{value}”"
        case _:
            return "base scores of the study itself"


# ------------------------------------------------------------------------ list


def evidence_list(
    catalog: Catalog, asked: EvidenceQuery, expected: Mapping[str, Range], rank: int
) -> EvidenceListView:
    """What passes the filter, drawn and listed.

    Parameters
    ----------
    expected : by kind of task, the share of the gain that the model expects LoRA to keep at `rank`.
    """
    every = catalog.head_to_heads
    rows = selected(every, asked)
    read = recovery_of(catalog)
    # Variants count only where they were asked for: the model learns from plain adapters.
    counted = rows if asked.method else [row for row in rows if row.method in PLAIN_ADAPTERS]
    recovery = recovery_figure(counted, read, expected, rank, _left_out(rows, counted, read))
    return EvidenceListView(
        summary=_summary(rows, every, asked, catalog.studies),
        looser=() if rows else _looser(every, asked, catalog.studies),
        file=asked.address("/evidence.csv"),
        everything=EvidenceQuery().address() if asked.narrows else "",
        scatter=adapter_scatter(rows),
        recovery=recovery,
        no_recovery="" if recovery is not None or not rows else _no_recovery(asked),
        studies=study_views(catalog.studies, rows, every, sharing(every), read),
    )


def _summary(
    rows: Sequence[HeadToHead],
    every: Sequence[HeadToHead],
    asked: EvidenceQuery,
    studies: Mapping[str, Study],
) -> str:
    if not rows:
        return "No row passes this filter."
    of = f"{len({row.study for row in rows})} of {len({row.study for row in every})} studies"
    if not asked.narrows:
        return f"All {len(rows):,} rows of {show_words.plural(len(studies), 'study', 'studies')}."
    parts = [
        part_label(name, value, studies)
        for name in EvidenceQuery.__dataclass_fields__
        if (value := getattr(asked, name))
    ]
    return f"{len(rows):,} of {len(every):,} rows, {of}: {', '.join(parts)}."


def _looser(
    every: Sequence[HeadToHead], asked: EvidenceQuery, studies: Mapping[str, Study]
) -> tuple[LooserLink, ...]:
    return tuple(
        LooserLink(
            part_label(name, value, studies),
            asked.address(**{name: ""}),
            show_words.plural(count, "row"),
        )
        for name, value, count in looser(every, asked)
    )


def _left_out(rows: Iterable[HeadToHead], counted: Sequence[HeadToHead], read: Read) -> str:
    trained = [row for row in rows if not row.retention]
    used = [row for row in counted if read(row) is not None]
    foreign = sum(has_foreign_base(row) for row in used)
    said = (
        f"{len(used)} of {len(trained)} rows on the trained task count: the others state no base "
        "score, gained too little to share, or are of variants of LoRA."
    )
    if foreign:
        said += f" {foreign} of them have a base score of another harness."
    return said


def _no_recovery(asked: EvidenceQuery) -> str:
    if asked.measured == KEPT:
        return "What adapters kept of the gain is not told by tasks that were not trained on."
    return (
        "None of these rows tells what share of the gain was kept: they state no base score, or "
        "full fine-tuning gained too little."
    )
