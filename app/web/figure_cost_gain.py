"""The chart of what each method costs and what it is expected to add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.estimator.currency import Currency
from app.estimator.report import MethodReport, Report
from app.estimator.report_values import Distribution
from app.web import show_amounts, show_numbers, show_units
from app.web.charts import Scale, nice_ticks, text_width
from app.web.figures import SMALL, DataTable, Figure, Frame, Tick, currency_of, name_of

Writer = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Extent:
    """A value and its 80% range on one scale; `text_x` is the middle of the value in words."""

    x: float
    low: float
    high: float
    text: str
    text_x: float


@dataclass(frozen=True, slots=True)
class Lane:
    """One method in the chart of cost and gain."""

    method: str
    label: str
    label_x: float
    label_y: float
    text_y: float
    y: float
    extents: tuple[Extent, Extent]
    """cost and gain"""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the two scales of the chart of cost and gain."""

    scale: Scale
    ticks: tuple[Tick, ...]
    zero_x: float
    title: str


@dataclass(frozen=True, slots=True)
class CostGainDrawing:
    """A lane for each method: what it costs on the left, what it is expected to add on the
    right."""

    frame: Frame
    panels: tuple[Panel, Panel]
    lanes: tuple[Lane, ...]


def _priced(report: Report) -> list[MethodReport]:
    return [m for m in report.methods if m.feasible and m.accuracy and m.total_usd is not None]


def cost_gain(report: Report) -> Figure[CostGainDrawing] | None:
    """Cost over the horizon against expected accuracy gain; None where no method is priced."""
    methods = _priced(report)
    if not methods:
        return None
    currency = currency_of(report)
    rows = tuple(
        (
            name_of(m.method),
            show_amounts.usd(m.total_usd, currency),
            show_units.span(m.total_usd_range, currency=currency),
            show_numbers.points(m.accuracy.gain_points.mean) if m.accuracy else show_numbers.NONE,
            show_units.span(m.accuracy.gain_points if m.accuracy else None, "points"),
        )
        for m in methods
    )
    conclusion = "; ".join(
        f"{name}: {gain} points expected (80% range {gains}) for {cost}"
        for name, cost, _costs, gain, gains in rows
    )
    compared = report.comparison
    if compared is not None:
        adapter = name_of(compared.adapter_method)
        more = "more" if compared.extra_cost_usd >= 0 else "less"
        extra = show_amounts.usd_short(abs(compared.extra_cost_usd), currency)
        conclusion = (
            f"Full fine-tuning costs {extra} {more} than {adapter} over "
            f"{show_units.months(report.horizon_months)}, and its expected accuracy is "
            f"{show_numbers.number(abs(compared.gap_points.mean), 1)} points "
            f"{'higher' if compared.gap_points.mean >= 0 else 'lower'} (80% range "
            f"{show_units.span(compared.gap_points, 'points')}). {conclusion}"
        )
    return Figure(
        key="cost-gain",
        title="What each method costs, and what it is expected to add",
        conclusion=conclusion + ".",
        caption=f"Total cost over {show_units.months(report.horizon_months)} beside the expected "
        "gain in accuracy over the base model, in points. Lines are 80% ranges; better is a mark "
        "further to the left in cost and further to the right in gain.",
        wide=_cost_gain_drawing(methods, currency, 760, label_above=False),
        narrow=_cost_gain_drawing(methods, currency, 400, label_above=True),
        legend=(),
        table=DataTable(
            ("Method", "Total cost", "80% range", "Expected gain, points", "80% range"), rows
        ),
    )


def _panel(
    start: float, end: float, values: Sequence[float], count: int, write: Writer, title: str
) -> Panel:
    ticks = nice_ticks(min(0.0, *values), max(0.0, *values) or 1.0, count)
    x = Scale(ticks[0], ticks[-1], start, end)
    return Panel(x, tuple(Tick(x(v), write(v)) for v in ticks), x(0.0), title)


def _extent(panel: Panel, value: float, around: Distribution | None, text: str) -> Extent:
    x, half = panel.scale, text_width(text, SMALL) / 2
    return Extent(
        x=x(value),
        low=x(around.p10 if around else value),
        high=x(around.p90 if around else value),
        text=text,
        text_x=round(min(max(x(value), x.start + half), x.end - half), 1),
    )


def _converted(around: Distribution | None, currency: Currency) -> Distribution | None:
    """A range of dollars in the shown currency, so that ticks are round in it."""
    if around is None:
        return None
    values = (around.mean, around.p10, around.p50, around.p90)
    return Distribution(*(currency.of(value) for value in values))


def _cost_gain_drawing(
    methods: Sequence[MethodReport], currency: Currency, width: int, *, label_above: bool
) -> CostGainDrawing:
    """Every method has a lane of its own, so costs that are nearly equal stay where they are.

    Parameters
    ----------
    label_above : the name stands above the lane instead of to its left.
    """
    figures = [
        (
            m,
            currency.of(m.total_usd or 0.0),
            _converted(m.total_usd_range, currency),
            m.accuracy.gain_points,
        )
        for m in methods
        if m.accuracy
    ]
    widest = max(text_width(name_of(m.method), SMALL + 1) for m in methods)
    left, right = 16.0 if label_above else widest + 32, width - 16.0
    gutter, count = (44.0, 2) if label_above else (64.0, 4)
    half = (right - left - gutter) / 2
    costs = _panel(
        left,
        left + half,
        [v for _, cost, r, _ in figures for v in ((cost, r.p10, r.p90) if r else (cost,))],
        count,
        lambda v: show_amounts.amount_short(v, currency, trim=True),
        "Total cost",
    )
    gains = _panel(
        right - half,
        right,
        [v for *_, gain in figures for v in (gain.mean, gain.p10, gain.p90)],
        count + 1,
        lambda v: show_numbers.points(v).removesuffix(".0"),
        "Expected gain, points",
    )
    above, step = (18.0, 68.0) if label_above else (0.0, 50.0)
    lanes = []
    for row, (m, cost, cost_range, gain) in enumerate(figures):
        top = 6.0 + step * row + above
        lanes.append(
            Lane(
                method=m.method,
                label=name_of(m.method),
                label_x=0.0,
                label_y=top - 4 if label_above else top + 36,
                text_y=top + 16,
                y=top + 32,
                extents=(
                    _extent(costs, cost, cost_range, show_amounts.amount_short(cost, currency)),
                    _extent(gains, gain.mean, gain, f"{show_numbers.points(gain.mean)} pts"),
                ),
            )
        )
    bottom = 6.0 + step * len(figures) + 4
    return CostGainDrawing(
        Frame(width, int(bottom + 48), left, right, 6.0, bottom), (costs, gains), tuple(lanes)
    )
