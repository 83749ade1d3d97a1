"""The chart of what fills the memory of one GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.memory import LINE_LABELS
from app.estimator.report import MethodReport, Report
from app.estimator.report_plans import PlanReport
from app.web import show_numbers, show_units
from app.web.charts import Scale, nice_ticks
from app.web.figures import DataTable, Figure, Frame, Tick, name_of

_GIB = 2**30
PEAKS = {
    "loss": "around the loss",
    "block": "while a block runs backward",
    "update": "inside the optimizer step",
}
"""When the memory of a GPU is at its peak."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of the memory of one GPU."""

    index: int
    x: float
    width: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """The memory of one GPU under one method; without a range, `low_x` and `high_x` are None."""

    label: str
    detail: str
    label_y: float
    peak: str
    """when the peak is reached"""
    peak_y: float
    risk: str
    """the range and the chance of running out of memory, in words"""
    risk_y: float
    y: float
    height: float
    capacity_x: float
    segments: tuple[Segment, ...]
    low_x: float | None
    high_x: float | None
    range_y: float


@dataclass(frozen=True, slots=True)
class MemoryDrawing:
    """A stacked bar per method, against the capacity of its GPU."""

    frame: Frame
    x_ticks: tuple[Tick, ...]
    x_title: str
    bars: tuple[Bar, ...]


def has_range(plan: PlanReport) -> bool:
    """Whether the plan says how sure its memory is; reports of the first schema do not."""
    return plan.memory_range_bytes.p90 > plan.memory_range_bytes.p10


def memory(report: Report) -> Figure[MemoryDrawing] | None:
    """Memory of one GPU by line, for every method that has a plan."""
    plans = [(m, m.plan) for m in report.methods if m.plan is not None]
    if not plans:
        return None
    used = {line.key for _, plan in plans for line in plan.memory_lines if line.bytes > 0}
    # A line has its number and colour whatever other lines there are.
    index = {key: i for i, key in enumerate(LINE_LABELS, start=1)}
    labels = {key: label for key, label in LINE_LABELS.items() if key in used}
    said = "; ".join(
        f"{name_of(m.method)} takes {show_units.gib(plan.memory_bytes)} of "
        f"{show_units.gib(plan.memory_capacity_bytes)} ({plan.accelerator_name}), at its peak "
        f"{PEAKS[plan.memory_peak]}{_risk_in_sentence(plan)}"
        for m, plan in plans
    )
    ranged = any(has_range(plan) for _, plan in plans)
    return Figure(
        key="memory",
        title="What fills the memory of one GPU",
        conclusion=f"{said}.",
        caption="Peak memory of one GPU under the chosen plan of each method, as the driver sees "
        "it. The vertical mark is the capacity of that GPU."
        + (" The line below each bar is the 80% range." if ranged else ""),
        wide=_drawing(plans, index, 760, 5),
        narrow=_drawing(plans, index, 400, 4),
        legend=tuple((index[key], label) for key, label in labels.items()),
        table=DataTable(
            ("Line", *(name_of(m.method) for m, _ in plans)),
            _rows([plan for _, plan in plans], labels),
        ),
    )


def _rows(plans: Sequence[PlanReport], labels: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    held = [{line.key: line.bytes for line in plan.memory_lines} for plan in plans]
    rows = [
        (label, *(show_units.gib(lines.get(key, 0.0)) for lines in held))
        for key, label in labels.items()
    ]
    rows.append(("Together", *(show_units.gib(plan.memory_bytes) for plan in plans)))
    if any(has_range(plan) for plan in plans):
        rows += [
            ("80% range", *(show_units.span(plan.memory_range_bytes, "gib") for plan in plans)),
            ("Allocated", *(show_units.gib(plan.memory_allocated_bytes) for plan in plans)),
            ("Reserved", *(show_units.gib(plan.memory_reserved_bytes) for plan in plans)),
        ]
    rows.append(("Peak", *(PEAKS[plan.memory_peak] for plan in plans)))
    rows.append(("Capacity", *(show_units.gib(plan.memory_capacity_bytes) for plan in plans)))
    if any(has_range(plan) for plan in plans):
        rows.append(
            (
                "Chance of running out",
                *(show_numbers.percent(plan.probability_out_of_memory) for plan in plans),
            )
        )
    return tuple(rows)


def _risk_in_sentence(plan: PlanReport) -> str:
    if not has_range(plan):
        return ""
    return (
        f", with a chance of {show_numbers.percent(plan.probability_out_of_memory)} of running out "
        "of memory"
    )


def _risk(plan: PlanReport) -> str:
    if not has_range(plan):
        return ""
    return (
        f"80% range {show_units.span(plan.memory_range_bytes, 'gib')}; runs out: "
        f"{show_numbers.percent(plan.probability_out_of_memory)}"
    )


def _drawing(
    plans: Sequence[tuple[MethodReport, PlanReport]],
    index: dict[str, int],
    width: int,
    ticks: int,
) -> MemoryDrawing:
    step, top = 112.0, 6.0
    bottom = top + step * len(plans)
    frame = Frame(width, int(bottom + 46), 8, width - 12, top, bottom)
    high = (
        max(
            max(p.memory_bytes, p.memory_range_bytes.p90, p.memory_capacity_bytes) for _, p in plans
        )
        / _GIB
    )
    x_values = [v for v in nice_ticks(0, high, ticks) if v <= high * 1.001]
    x = Scale(0, high, frame.left, frame.right)
    bars = []
    for row, (m, plan) in enumerate(plans):
        y = top + step * row
        ranged = has_range(plan)
        bars.append(
            Bar(
                label=name_of(m.method),
                detail=f"{show_numbers.number(plan.memory_bytes / _GIB, 1)} of "
                f"{show_units.gib(plan.memory_capacity_bytes)}",
                label_y=y + 18,
                peak=f"peak: {PEAKS[plan.memory_peak]}",
                peak_y=y + 83 if ranged else y + 73,
                risk=_risk(plan),
                risk_y=y + 99,
                y=y + 26,
                height=30,
                capacity_x=x(plan.memory_capacity_bytes / _GIB),
                segments=_segments(plan, index, x),
                low_x=x(plan.memory_range_bytes.p10 / _GIB) if ranged else None,
                high_x=x(plan.memory_range_bytes.p90 / _GIB) if ranged else None,
                range_y=y + 64,
            )
        )
    return MemoryDrawing(
        frame=frame,
        x_ticks=tuple(Tick(x(v), show_numbers.significant(v)) for v in x_values),
        x_title="GiB of one GPU",
        bars=tuple(bars),
    )


def _segments(plan: PlanReport, index: dict[str, int], x: Scale) -> tuple[Segment, ...]:
    used = 0.0
    found = []
    for line in plan.memory_lines:
        if line.bytes <= 0:
            continue
        start, end = x(used / _GIB), x((used + line.bytes) / _GIB)
        used += line.bytes
        number = index[line.key]
        # A number needs room: 10 px for one digit.
        fits = end - start >= 9 * len(str(number)) + 2
        found.append(Segment(number, start, round(end - start, 1), str(number) if fits else ""))
    return tuple(found)
