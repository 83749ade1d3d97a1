"""Risk as the result page shows it: what could come, what it hangs on, what knowing is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.estimator.report import MethodReport, Report
from app.estimator.report_risk import Histogram, MethodRisk, TornadoBar
from app.estimator.wording import sentence_start
from app.web import (
    figure_histogram,
    figure_tornado,
    result_break_even,
    result_knowing,
    result_map,
    show_amounts,
    show_numbers,
    show_words,
)
from app.web.figure_histogram import HistogramDrawing, Spread
from app.web.figure_tornado import Swing, TornadoDrawing
from app.web.figure_value_map import MapDrawing
from app.web.figures import (
    DataTable,
    Figure,
    currency_of,
    name_of,
    name_within,
    tag,
    within,
    writer,
)
from app.web.result_break_even import BreakEvenView
from app.web.result_knowing import KnowingView

LEAD = "difference"
_WORTH_SAYING = 0.05
"""Share of the cases from which on those without a release are explained."""
_NOTHING = 0.005
"""Width of a bar over the widest one below which the figure hardly matters."""


@dataclass(frozen=True, slots=True)
class RiskView:
    """The section of risk.

    Parameters
    ----------
    spread : histograms; None where nothing varies.
    tornado : of full less the adapter, or of the only method; others : of the methods.
    value_map : None where answers are worth nothing.
    break_evens : where choices are worth as much as each other; None where they nowhere are.
    knowing : None without two methods to choose between.
    correlations : which figures were drawn together, as a sentence.
    """

    spread: Figure[HistogramDrawing] | None
    tornado: Figure[TornadoDrawing] | None
    others: tuple[Figure[TornadoDrawing], ...]
    value_map: Figure[MapDrawing] | None
    break_evens: BreakEvenView | None
    knowing: KnowingView | None
    correlations: str


def view(report: Report) -> RiskView | None:
    """The section; None in reports that do not say."""
    if report.risk is None or not report.risk.methods:
        return None
    tornadoes = {risk.method: _tornado(report, risk) for risk in _standing(report)}
    main = LEAD if LEAD in tornadoes else next(iter(tornadoes))
    return RiskView(
        spread=_spread(report),
        tornado=tornadoes[main],
        others=tuple(
            figure for key, figure in tornadoes.items() if key != main and figure is not None
        ),
        value_map=result_map.figure(report),
        break_evens=result_break_even.view(report),
        knowing=result_knowing.view(report),
        correlations=_correlations(report),
    )


def _standing(report: Report) -> list[MethodRisk]:
    """Full, the adapter that it stands against, and their difference; or all that fit."""
    assert report.risk is not None  # noqa: S101 - kept by the caller
    against = report.comparison
    stands = None if against is None else {"full", against.adapter_method, LEAD}
    return [risk for risk in report.risk.methods if stands is None or risk.method in stands]


def _method(report: Report, key: str) -> MethodReport | None:
    return next((m for m in report.methods if m.method == key and m.npv_usd is not None), None)


def _short_name(report: Report, key: str) -> str:
    if key != LEAD or report.comparison is None:
        return name_of(key)
    return f"Full less {name_of(report.comparison.adapter_method)}"


def _below(report: Report, key: str) -> float | None:
    """Share of the draws that are worth nothing or less; of the difference, in which the adapter is
    worth as much or more."""
    if key == LEAD:
        found = report.comparison
        return None if found is None else 1.0 - found.probability_full_beats_adapter
    m = _method(report, key)
    return None if m is None or m.probability_pays is None else 1.0 - m.probability_pays


def _expected_usd(report: Report, key: str) -> float | None:
    """Mean of the net present value. [USD]"""
    against = report.comparison
    if key == LEAD and against is not None:
        pair = [_method(report, name) for name in ("full", against.adapter_method)]
        worths = [m.npv_usd.mean for m in pair if m is not None and m.npv_usd is not None]
        return worths[0] - worths[1] if len(worths) == 2 else None
    m = _method(report, key)
    return m.npv_usd.mean if m is not None and m.npv_usd is not None else None


def _spread(report: Report) -> Figure[HistogramDrawing] | None:
    currency = currency_of(report)
    found = [risk for risk in _standing(report) if len(risk.histogram.counts) > 1]
    if not found:
        return None
    adapter = "" if report.comparison is None else name_of(report.comparison.adapter_method)
    rows, said = [], []
    for risk in found:
        quantiles = risk.npv_usd.p10, risk.npv_usd.p50, risk.npv_usd.p90
        below = _below(report, risk.method)
        detail = ""
        if below is not None:
            where = f"{adapter} as good or better" if risk.method == LEAD else "below zero"
            detail = f"{where} in {show_numbers.percent(below)} of cases"
            said.append((risk.method, below))
        rows.append(
            Spread(
                risk.method,
                _short_name(report, risk.method),
                detail,
                _converted(risk, currency.of),
                *(currency.of(value) for value in quantiles),
            )
        )
    conclusion = _spread_said(said, adapter)
    title = "Net present value"
    write = writer(currency)
    return Figure(
        key="npv-spread",
        title="What could come of it",
        conclusion=conclusion,
        caption=f"Each row shows how {report.draws:,} simulated cases are spread, in "
        "bars of a height of its own; the outer bars hold what lies beyond them too, and a bar "
        f"that is cut says its share.{_unreleased(report)}",
        wide=figure_histogram.drawing(rows, title, 760, write),
        narrow=figure_histogram.drawing(rows, title, 400, write),
        legend=(),
        lead=conclusion,
        table=DataTable(
            ("Method", "From", "To", "Cases"),
            tuple(
                (
                    row.label,
                    write(low),
                    write(high),
                    f"{count:,}",
                )
                for row in rows
                for low, high, count in zip(
                    row.histogram.edges_usd,
                    row.histogram.edges_usd[1:],
                    row.histogram.counts,
                    strict=False,
                )
            ),
        ),
    )


def _converted(risk: MethodRisk, of: Callable[[float], float]) -> Histogram:
    """The histogram in the shown currency."""
    return Histogram(tuple(of(edge) for edge in risk.histogram.edges_usd), risk.histogram.counts)


def _spread_said(said: Sequence[tuple[str, float]], adapter: str) -> str:
    """Shares of the cases at or below zero, as sentences."""
    alone = [
        f"{name_within(key)} {'ends below zero ' if not i else ''}in {show_numbers.percent(share)}"
        f"{' of cases' if not i else ''}"
        for i, (key, share) in enumerate((k, s) for k, s in said if k != LEAD)
    ]
    sentences = [f"{sentence_start(show_words.join_words(alone))}."] if alone else []
    sentences += [
        f"{adapter} is worth as much as full fine-tuning or more in {show_numbers.percent(share)}."
        for key, share in said
        if key == LEAD
    ]
    return " ".join(sentences)


def _unreleased(report: Report) -> str:
    """Why many cases are worth the same, where they are."""
    shares = [
        (name_within(m.method), m.accuracy.probability_worse_than_base)
        for m in report.methods
        if m.accuracy is not None
        and any(risk.method == m.method for risk in _standing(report))
        and m.accuracy.probability_worse_than_base >= _WORTH_SAYING
    ]
    if not shares:
        return ""
    said = show_words.join_words(
        [f"{show_numbers.percent(share)} for {name}" for name, share in shares]
    )
    return (
        " A model that tests below the base is not released, and what it cost is lost: that is so "
        f"in {said}."
    )


def _figure_at(bar: TornadoBar, value: float) -> str:
    """A figure at one of its ends."""
    if bar.unit == "points":
        return f"{show_numbers.points(value)} points"
    return f"×{show_numbers.significant(value, 3, trim=False)}"


def _tornado(report: Report, risk: MethodRisk) -> Figure[TornadoDrawing] | None:
    expected = _expected_usd(report, risk.method)
    if expected is None or not risk.tornado:
        return None
    currency = currency_of(report)
    write = writer(currency)
    lead = risk.method == LEAD and report.comparison is not None
    swings = [
        Swing(
            _figure_label(report, bar, lead=lead),
            _figure_at(bar, bar.low),
            _figure_at(bar, bar.high),
            currency.of(bar.low_usd),
            currency.of(bar.high_usd),
        )
        for bar in risk.tornado
    ]
    middle = currency.of(expected)
    axis = "Net present value"
    if lead and report.comparison is not None:
        axis = f"Net present value of full less that of {tag(report.comparison.adapter_method)}"
    conclusion = _hangs_on(report, risk, lead=lead)
    wide, narrow = (
        figure_tornado.drawing(swings, middle, axis, width, write, beside=beside)
        for width, beside in ((760, True), (400, False))
    )
    return Figure(
        key=f"tornado-{risk.method}",
        title=f"What the lead of full over {name_of(report.comparison.adapter_method)} hangs on"
        if lead and report.comparison is not None
        else f"What {name_within(risk.method)} hangs on",
        conclusion=conclusion,
        caption="Each bar moves one figure from its P10 (hollow end) to its P90 "
        "(solid end) while all others vary as they do; × is a factor on what is expected.",
        wide=wide,
        narrow=narrow,
        legend=(),
        lead=conclusion,
        table=DataTable(
            ("Figure", "P10", "Worth there", "P90", "Worth there"),
            tuple((s.label, s.low_text, write(s.low), s.high_text, write(s.high)) for s in swings),
        ),
    )


def _figure_label(report: Report, bar: TornadoBar, *, lead: bool) -> str:
    if bar.key == "accuracy":
        if lead and report.comparison is not None:
            return f"Accuracy over {tag(report.comparison.adapter_method)}"
        return "Accuracy over the base"
    return bar.label


def _hangs_on(report: Report, risk: MethodRisk, *, lead: bool) -> str:
    """The widest bar, whether it turns the sign, and what hardly matters, as sentences."""
    currency = currency_of(report)
    first = risk.tornado[0]
    what = _figure_label(report, first, lead=lead)
    low, high = sorted((first.low_usd, first.high_usd))
    subject = "The lead of full" if lead else sentence_start(name_within(risk.method))
    said = (
        f"{sentence_start(what)} matters most: {'the lead' if lead else 'the worth'} goes from "
        f"{show_amounts.usd_short(low, currency)} to {show_amounts.usd_short(high, currency)} with "
        "it."
    )
    turning = [bar for bar in risk.tornado if bar.low_usd * bar.high_usd < 0]
    others = [within(bar.key) for bar in turning[1:]]
    if not turning:
        said += f" {subject} stays {'above' if low > 0 else 'below'} zero over all of these ranges."
    elif not others:
        said += " No other figure takes it across zero by itself."
    elif len(turning) < len(risk.tornado):
        said += f" {sentence_start(show_words.join_words(others))} can take it across zero too."
    small = [
        within(bar.key)
        for bar in risk.tornado
        if abs(bar.high_usd - bar.low_usd) < _NOTHING * (high - low)
    ]
    if small:
        said += f" Hardly anything hangs on {show_words.join_words(small, 'or')}."
    return said


def _correlations(report: Report) -> str:
    assert report.risk is not None  # noqa: S101 - kept by the caller
    pairs = [
        f"{within(first)} with {within(second)} "
        f"({show_numbers.number(value, 2, plus=True).rstrip('0').rstrip('.')})"
        for first, second, value in report.risk.correlations
    ]
    if not pairs:
        return "All uncertain figures are drawn independently of each other."
    return (
        f"Drawn together, with their correlation: {show_words.join_words(pairs)}. All other "
        "figures are drawn independently; the accuracies of the methods go together as the studies "
        "say."
    )
