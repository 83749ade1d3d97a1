"""What knowing more before choosing is worth: everything, one figure, or what a pilot tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.report import Report
from app.estimator.report_risk import InformationReport, PilotDesign
from app.web import figure_pilot_value, show_amounts, show_numbers, show_words
from app.web.figure_pilot_value import BOUND, PILOT, PilotValueDrawing, Worth
from app.web.figures import DataTable, Figure, currency_of, within, writer

_NO_COST_USD = 0.5
"""Costs below it are not worth a word."""
_LITTLE = 0.005
"""Share of the worth of knowing all below which a figure tells nothing."""


@dataclass(frozen=True, slots=True)
class PilotRow:
    """One pilot that could be run."""

    share: str
    examples: str
    questions: str
    cost: str
    value: str
    net: str
    changes: str
    default: bool


@dataclass(frozen=True, slots=True)
class KnowingView:
    """What knowing more is worth.

    Parameters
    ----------
    sentence : on the pilot that the verdict speaks of; empty without pilots.
    figures : on knowing all, and single figures.
    chart : None where knowing all is worth nothing.
    """

    sentence: str
    figures: str
    chart: Figure[PilotValueDrawing] | None
    rows: tuple[PilotRow, ...]
    cost: str
    """what the column of costs is called"""


def view(report: Report) -> KnowingView | None:
    """The part; None in reports that do not say."""
    if report.risk is None:
        return None
    found = report.risk.information
    return KnowingView(
        sentence=pilot_sentence(report, found.designs),
        figures=_figures(report, found),
        chart=_chart(report, found),
        rows=tuple(_row(report, design) for design in found.designs),
        cost=f"Cost{after_tax(report)}",
    )


def after_tax(report: Report) -> str:
    """What to add to the cost of a pilot: its bill is higher where tax is counted."""
    return " after tax" if report.timeline is not None and report.timeline.tax_fraction else ""


def _row(report: Report, design: PilotDesign) -> PilotRow:
    currency = currency_of(report)
    return PilotRow(
        share=show_numbers.share(design.data_fraction),
        examples=f"{design.examples:,}",
        questions=f"{design.test_questions:,}",
        cost=show_amounts.usd_short(design.cost_usd, currency),
        value=show_amounts.usd_short(design.value_usd, currency),
        net=show_amounts.usd_short(design.value_usd - design.cost_usd, currency),
        changes=show_numbers.percent(design.probability_changes),
        default=design.default,
    )


def default_pilot(designs: Sequence[PilotDesign]) -> PilotDesign | None:
    """The pilot that the verdict speaks of."""
    return next((design for design in designs if design.default), None)


def pilot_sentence(report: Report, designs: Sequence[PilotDesign]) -> str:
    """What the default pilot costs and is worth, and what more of it would add."""
    default = default_pilot(designs)
    if default is None:
        return ""
    currency = currency_of(report)

    def money(usd: float) -> str:
        return show_amounts.usd_short(usd, currency)

    said = (
        f"A pilot on {_of_data(default)}, scored on "
        f"{show_words.plural(default.test_questions, 'question')}, costs "
        f"{money(default.cost_usd)}{after_tax(report)} and would be worth "
        f"{money(default.value_usd)}"
    )
    said += ", less than it costs" if default.value_usd < default.cost_usd else ""
    more: list[str] = []
    for design in (
        _next(designs, default, "test_questions", "data_fraction"),
        _next(designs, default, "data_fraction", "test_questions"),
    ):
        if design is None:
            continue
        what = (
            show_words.plural(design.test_questions, "question")
            if design.data_fraction == default.data_fraction
            else _of_data(design)
        )
        extra, cost = design.value_usd - default.value_usd, design.cost_usd - default.cost_usd
        gain = money(extra) if extra > 0 else "nothing"
        gain += f" for {money(cost)} more" if cost >= _NO_COST_USD else ""
        more.append(f"{what} would add {gain}" if not more else f"{what} {gain}")
    if more:
        said += f"; {', and '.join(more)}"
    return (
        f"{said}. It would change the choice in "
        f"{show_numbers.percent(default.probability_changes)} of cases."
    )


def _next(
    designs: Sequence[PilotDesign], default: PilotDesign, larger: str, same: str
) -> PilotDesign | None:
    """The next design that is larger in one respect and the same in the other."""
    found = [
        design
        for design in designs
        if getattr(design, same) == getattr(default, same)
        and getattr(design, larger) > getattr(default, larger)
    ]
    return min(found, key=lambda design: float(getattr(design, larger)), default=None)


def _of_data(design: PilotDesign) -> str:
    if design.data_fraction >= 1.0:
        return "all the data"
    return f"{show_numbers.share(design.data_fraction)} of the data"


def _figures(report: Report, found: InformationReport) -> str:
    currency = currency_of(report)
    if found.perfect_usd < 0.5:
        return (
            "Knowing more before choosing is worth nothing: whatever the uncertain figures turn "
            "out to be, the choice stays the same."
        )
    said = (
        f"Knowing every uncertain figure before choosing would be worth "
        f"{show_amounts.usd_short(found.perfect_usd, currency)}: no study is worth more."
    )
    telling = [one for one in found.figures if one.value_usd > _LITTLE * found.perfect_usd]
    silent = [one for one in found.figures if one not in telling]
    if telling:
        first, *others = (
            (within(one.key), show_amounts.usd_short(one.value_usd, currency)) for one in telling
        )
        worths = [f"{first[0]} would be worth {first[1]}", *(" ".join(other) for other in others)]
        said += f" Known alone, {show_words.join_words(worths)}."
    if silent:
        names = show_words.join_words([within(one.key) for one in silent], "or")
        said += f" Knowing {names} alone would not change the choice."
    return said


def _chart(report: Report, found: InformationReport) -> Figure[PilotValueDrawing] | None:
    if found.perfect_usd < 0.5 or not found.designs:
        return None
    currency = currency_of(report)
    write = writer(currency)
    worths = [
        Worth(
            PILOT,
            f"{_of_data(d)}, {show_words.plural(d.test_questions, 'question')}".capitalize()
            if d.data_fraction >= 1.0
            else f"{_of_data(d)}, {show_words.plural(d.test_questions, 'question')}",
            currency.of(d.value_usd),
            f"{show_amounts.usd_short(d.value_usd, currency)} for "
            f"{show_amounts.usd_short(d.cost_usd, currency)}",
            d.default,
        )
        for d in found.designs
    ]
    worths += [
        Worth(
            BOUND,
            f"{one.label}, known exactly",
            currency.of(one.value_usd),
            show_amounts.usd_short(one.value_usd, currency),
        )
        for one in found.figures[:1]
        if one.value_usd > _LITTLE * found.perfect_usd
    ]
    most = currency.of(found.perfect_usd)
    worths.append(
        Worth(
            BOUND,
            "Everything, known exactly",
            most,
            show_amounts.usd_short(found.perfect_usd, currency),
        )
    )
    wide, narrow = (
        figure_pilot_value.drawing(
            worths, most, "Expected worth, before its cost", width, write, beside=beside
        )
        for width, beside in ((760, True), (400, False))
    )
    conclusion = pilot_sentence(report, found.designs)
    return Figure(
        key="pilot-value",
        title="What knowing more is worth",
        conclusion=conclusion,
        caption=_figures(report, found),
        wide=wide,
        narrow=narrow,
        legend=(),
        lead=conclusion,
        table=DataTable((), ()),
    )
