"""The three charts of a result: what is drawn where, and what each says in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.estimator.memory import LINE_LABELS
from app.estimator.report import Distribution, MethodReport, Report
from app.inputs import METHOD_LABELS
from app.web import presenters as show
from app.web.charts import Scale, area, nice_ticks, path, spread, text_width

_SMALL = 12.5
"""Size of the smaller text in a drawing. [px of the viewBox]"""
_LINE = 16.0
_GIB = 2**30
_SHORT = {"full": "Full"}
"""Where a direct label has little room."""
PEAKS = {
    "loss": "around the loss",
    "block": "while a block is recomputed",
    "update": "inside the optimizer step",
}
"""When the memory of a GPU is at its peak."""

Writer = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of a drawing and the rectangle that data is drawn in. [px]"""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float


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


@dataclass(frozen=True, slots=True)
class Line:
    """One method in the cash-flow chart."""

    method: str
    label: str
    detail: str
    d: str
    end_x: float
    end_y: float
    label_x: float
    label_y: float


@dataclass(frozen=True, slots=True)
class CashFlowDrawing:
    """Months to the right, cumulative cash flow upwards; the band belongs to one method."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    y_title: str
    zero_y: float
    band: str
    band_method: str
    lines: tuple[Line, ...]
    payback_x: float | None
    payback_label: str
    payback_anchor: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of the memory of one GPU."""

    index: int
    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The memory of one GPU under one method."""

    label: str
    detail: str
    label_y: float
    peak: str
    """when the peak is reached"""
    peak_y: float
    y: float
    height: float
    capacity_x: float
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class MemoryDrawing:
    """A stacked bar per method, against the capacity of its GPU."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class DataTable:
    """The numbers of a chart, for those who read them instead."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart in two shapes (wide, and narrow for phones), with its words and numbers."""

    key: str
    title: str
    conclusion: str
    caption: str
    wide: CostGainDrawing | CashFlowDrawing | MemoryDrawing
    narrow: CostGainDrawing | CashFlowDrawing | MemoryDrawing
    legend: tuple[tuple[int, str], ...]
    table: DataTable


def name_of(method: str) -> str:
    """What a reader calls a method, without its rank.

    Examples
    --------
    >>> name_of("full"), name_of("lora")
    ('Full fine-tuning', 'LoRA')
    """
    return METHOD_LABELS.get(method, method)


def _tag(method: str) -> str:
    return _SHORT.get(method, name_of(method))


def _priced(report: Report) -> list[MethodReport]:
    return [m for m in report.methods if m.feasible and m.accuracy and m.total_usd is not None]


def leading_method(report: Report) -> MethodReport | None:
    """The method that the verdict chose, else the one with the highest expected NPV.

    Notes
    -----
    Of two adapter methods only the one that the comparison names stands, as in the verdict.
    """
    able = [m for m in report.methods if m.feasible and m.npv_usd is not None]
    if report.comparison is not None:
        able = [m for m in able if m.method in {"full", report.comparison.adapter_method}]
    for method in able:
        if method.method == report.verdict.choice:
            return method
    return max(able, key=lambda m: m.npv_usd.mean if m.npv_usd else 0.0, default=None)


def cost_gain(report: Report) -> Figure | None:
    """Cost over the horizon against expected accuracy gain; None where no method is priced."""
    methods = _priced(report)
    if not methods:
        return None
    rows = tuple(
        (
            name_of(m.method),
            show.usd(m.total_usd),
            show.span(m.total_usd_range),
            show.points(m.accuracy.gain_points.mean) if m.accuracy else show.NONE,
            show.span(m.accuracy.gain_points if m.accuracy else None, "points"),
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
        conclusion = (
            f"Full fine-tuning costs {show.usd_short(abs(compared.extra_cost_usd))} {more} than "
            f"{adapter} over {show.months(report.horizon_months)}, and its expected accuracy is "
            f"{show.number(abs(compared.gap_points.mean), 1)} points "
            f"{'higher' if compared.gap_points.mean >= 0 else 'lower'} (80% range "
            f"{show.span(compared.gap_points, 'points')}). {conclusion}"
        )
    return Figure(
        key="cost-gain",
        title="What each method costs, and what it is expected to add",
        conclusion=conclusion + ".",
        caption=f"Total cost over {show.months(report.horizon_months)} beside the expected gain in "
        "accuracy over the base model, in points. Lines are 80% ranges; better is a mark further "
        "to the left in cost and further to the right in gain.",
        wide=_cost_gain_drawing(methods, 760, label_above=False),
        narrow=_cost_gain_drawing(methods, 400, label_above=True),
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
    x, half = panel.scale, text_width(text, _SMALL) / 2
    return Extent(
        x=x(value),
        low=x(around.p10 if around else value),
        high=x(around.p90 if around else value),
        text=text,
        text_x=round(min(max(x(value), x.start + half), x.end - half), 1),
    )


def _cost_gain_drawing(
    methods: Sequence[MethodReport], width: int, *, label_above: bool
) -> CostGainDrawing:
    """Every method has a lane of its own, so costs that are nearly equal stay where they are.

    Parameters
    ----------
    label_above : the name stands above the lane instead of to its left.
    """
    figures = [
        (m, m.total_usd or 0.0, m.total_usd_range, m.accuracy.gain_points)
        for m in methods
        if m.accuracy
    ]
    widest = max(text_width(name_of(m.method), _SMALL + 1) for m in methods)
    left, right = 16.0 if label_above else widest + 32, width - 16.0
    gutter, count = (44.0, 2) if label_above else (64.0, 4)
    half = (right - left - gutter) / 2
    costs = _panel(
        left,
        left + half,
        [v for _, cost, r, _ in figures for v in ((cost, r.p10, r.p90) if r else (cost,))],
        count,
        lambda v: show.usd_short(v, trim=True),
        "Total cost",
    )
    gains = _panel(
        right - half,
        right,
        [v for *_, gain in figures for v in (gain.mean, gain.p10, gain.p90)],
        count + 1,
        lambda v: show.points(v).removesuffix(".0"),
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
                    _extent(costs, cost, cost_range, show.usd_short(cost)),
                    _extent(gains, gain.mean, gain, f"{show.points(gain.mean)} pts"),
                ),
            )
        )
    bottom = 6.0 + step * len(figures) + 4
    return CostGainDrawing(
        Frame(width, int(bottom + 48), left, right, 6.0, bottom), (costs, gains), tuple(lanes)
    )


def _month_ticks(horizon: int, most: int) -> list[int]:
    step = next(s for s in (1, 2, 3, 6, 12, 24, 48) if horizon / s <= most)
    return list(range(0, horizon + 1, step))


def cash_flow(report: Report) -> Figure | None:
    """Cumulative expected cash flow of every method, with the range of the leading one."""
    methods = [m for m in report.methods if m.cash_flow is not None]
    leader = leading_method(report)
    if not methods:
        return None
    banded = leader if leader in methods and leader is not None else methods[0]
    payback = show.months(banded.payback_months)
    says = (
        f"{name_of(banded.method)} is expected to pay back after {payback}"
        if banded.payback_months is not None
        else f"{name_of(banded.method)} is not expected to pay back within "
        f"{show.months(report.horizon_months)}"
    )
    ends = show.join_words(
        [
            f"{name_of(m.method)} at {show.usd_short(m.cash_flow.cumulative_usd[-1])}"
            for m in methods
            if m.cash_flow
        ]
    )
    columns = ["Month"]
    for m in methods:
        columns += [name_of(m.method), f"{name_of(m.method)}, 80% range"]
    rows = []
    for month in range(report.horizon_months + 1):
        row = [str(month)]
        for m in methods:
            flow = m.cash_flow
            assert flow is not None  # noqa: S101 - kept above
            row += [
                show.usd(flow.cumulative_usd[month]),
                f"{show.usd_short(flow.cumulative_p10_usd[month])} to "
                f"{show.usd_short(flow.cumulative_p90_usd[month])}",
            ]
        rows.append(tuple(row))
    return Figure(
        key="cash-flow",
        title="When the money comes back",
        conclusion=f"{says}. Expected cumulative cash flow after "
        f"{show.months(report.horizon_months)}: {ends}.",
        caption="Cumulative cash flow at month ends, undiscounted; month 0 is everything spent "
        f"before the first release. The band is the 80% range of {name_of(banded.method)}; the "
        "table has the ranges of all.",
        wide=_cash_flow_drawing(report, methods, banded, Frame(760, 360, 76, 620, 22, 306), 12),
        narrow=_cash_flow_drawing(report, methods, banded, Frame(400, 360, 68, 300, 22, 306), 4),
        legend=(),
        table=DataTable(tuple(columns), tuple(rows)),
    )


def _cash_flow_drawing(
    report: Report, methods: Sequence[MethodReport], banded: MethodReport, frame: Frame, most: int
) -> CashFlowDrawing:
    flows = [(m, m.cash_flow) for m in methods if m.cash_flow is not None]
    band_flow = banded.cash_flow or flows[0][1]
    values = [v for _, flow in flows for v in flow.cumulative_usd]
    values += [*band_flow.cumulative_p10_usd, *band_flow.cumulative_p90_usd, 0.0]
    y_values = nice_ticks(min(values), max(values), 5)
    y_labels = [show.usd_short(v, trim=True) for v in y_values]
    # Amounts may be long, and with a minus sign longer: the frame begins where they end.
    frame = replace(frame, left=math.ceil(max(text_width(t, _SMALL) for t in y_labels)) + 18.0)
    x = Scale(0, report.horizon_months, frame.left, frame.right)
    y = Scale(y_values[0], y_values[-1], frame.bottom, frame.top)
    xs = [x(month) for month in range(report.horizon_months + 1)]
    wanted = [y(flow.cumulative_usd[-1]) for _, flow in flows]
    label_ys = spread(wanted, 2 * _LINE + 4, frame.top + 8, frame.bottom - 8)
    lines = tuple(
        Line(
            method=m.method,
            label=_tag(m.method),
            detail=show.usd_short(flow.cumulative_usd[-1]),
            d=path(xs, [y(v) for v in flow.cumulative_usd]),
            end_x=frame.right,
            end_y=end_y,
            label_x=frame.right + 14,
            label_y=label_y,
        )
        for (m, flow), end_y, label_y in zip(flows, wanted, label_ys, strict=True)
    )
    payback = banded.payback_months
    at = None if payback is None else x(min(payback, report.horizon_months))
    return CashFlowDrawing(
        frame=frame,
        x_ticks=tuple(Tick(x(v), str(v)) for v in _month_ticks(report.horizon_months, most)),
        y_ticks=tuple(Tick(y(v), t) for v, t in zip(y_values, y_labels, strict=True)),
        x_title="Months after the start",
        y_title="Cumulative cash flow",
        zero_y=y(0),
        band=area(
            xs,
            [y(v) for v in band_flow.cumulative_p10_usd],
            [y(v) for v in band_flow.cumulative_p90_usd],
        ),
        band_method=banded.method,
        lines=lines,
        payback_x=at,
        payback_label=f"{_tag(banded.method)} pays back: {show.months(payback)}",
        payback_anchor="end" if at is not None and at > (frame.left + frame.right) / 2 else "start",
    )


def memory(report: Report) -> Figure | None:
    """Memory of one GPU by line, for every method that has a plan."""
    methods = [m for m in report.methods if m.plan is not None]
    if not methods:
        return None
    lines = [line for m in methods if m.plan for line in m.plan.memory_lines]
    used = {line.key for line in lines if line.bytes > 0}
    # A line has its number and colour whatever other lines there are.
    index = {key: i for i, key in enumerate(LINE_LABELS, start=1)}
    labels = {key: label for key, label in LINE_LABELS.items() if key in used}
    held = {
        m.method: {line.key: line.bytes for line in m.plan.memory_lines} if m.plan else {}
        for m in methods
    }
    rows = [
        (label, *(show.gib(held[m.method].get(key, 0.0)) for m in methods))
        for key, label in labels.items()
    ]
    rows.append(("Together", *(show.gib(m.plan.memory_bytes if m.plan else None) for m in methods)))
    rows.append(("Peak", *(PEAKS[m.plan.memory_peak] if m.plan else show.NONE for m in methods)))
    rows.append(
        ("Capacity", *(show.gib(m.plan.memory_capacity_bytes if m.plan else None) for m in methods))
    )
    said = "; ".join(
        [
            f"{name_of(m.method)} takes {show.gib(m.plan.memory_bytes)} of "
            f"{show.gib(m.plan.memory_capacity_bytes)} ({m.plan.accelerator_name}), at its peak "
            f"{PEAKS[m.plan.memory_peak]}"
            for m in methods
            if m.plan
        ]
    )
    return Figure(
        key="memory",
        title="What fills the memory of one GPU",
        conclusion=f"{said}.",
        caption="Peak memory of one GPU under the chosen plan of each method. The vertical mark is "
        "the capacity of that GPU.",
        wide=_memory_drawing(methods, index, 760, 5),
        narrow=_memory_drawing(methods, index, 400, 4),
        legend=tuple((index[key], label) for key, label in labels.items()),
        table=DataTable(("Line", *(name_of(m.method) for m in methods)), tuple(rows)),
    )


def _memory_drawing(
    methods: Sequence[MethodReport], index: dict[str, int], width: int, ticks: int
) -> MemoryDrawing:
    step, top = 92.0, 6.0
    bottom = top + step * len(methods)
    frame = Frame(width, int(bottom + 46), 8, width - 12, top, bottom)
    plans = [(m, m.plan) for m in methods if m.plan is not None]
    high = max(max(p.memory_bytes, p.memory_capacity_bytes) for _, p in plans) / _GIB
    x_values = [v for v in nice_ticks(0, high, ticks) if v <= high * 1.001]
    x = Scale(0, high, frame.left, frame.right)
    bars = []
    for row, (m, plan) in enumerate(plans):
        y = top + step * row
        used = 0.0
        segments = []
        for line in plan.memory_lines:
            if line.bytes <= 0:
                continue
            start, end = x(used / _GIB), x((used + line.bytes) / _GIB)
            used += line.bytes
            number = index[line.key]
            # A number needs room: 10 px for one digit.
            fits = end - start >= 9 * len(str(number)) + 2
            segments.append(
                Segment(number, start, round(end - start, 1), str(number) if fits else "")
            )
        bars.append(
            Bar(
                label=name_of(m.method),
                detail=f"{show.number(plan.memory_bytes / _GIB, 1)} of "
                f"{show.gib(plan.memory_capacity_bytes)}",
                label_y=y + 18,
                peak=f"peak: {PEAKS[plan.memory_peak]}",
                peak_y=y + 73,
                y=y + 26,
                height=30,
                capacity_x=x(plan.memory_capacity_bytes / _GIB),
                segments=tuple(segments),
            )
        )
    return MemoryDrawing(
        frame=frame,
        x_ticks=tuple(Tick(x(v), show.significant(v)) for v in x_values),
        x_title="GiB of one GPU",
        bars=tuple(bars),
    )
