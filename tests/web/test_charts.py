"""Scales, ticks and labels: whatever the data, the drawing stays inside its frame."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.estimator.leading import leading_method
from app.estimator.memory import MOMENTS
from app.estimator.report import MethodReport, Report
from app.estimator.report_values import Distribution
from app.web import figures
from app.web.charts import Scale, area, nice_step, nice_ticks, path, spread, text_width
from app.web.figure_cash_flow import cash_flow, month_ticks
from app.web.figure_cost_gain import cost_gain
from app.web.figure_memory import PEAKS, memory

values = st.floats(-1e12, 1e12, allow_nan=False)


@example(0.0, 5e-324)
@given(values, values)
def test_ticks_enclose_the_data_in_equal_round_steps(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = nice_ticks(low, high, 5)
    slack = 1e-6 * max(abs(low), abs(high), 1e-9)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 9
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)


@pytest.mark.parametrize("span", [0.0, -1.0, math.nan, math.inf])
def test_a_span_that_is_none_has_a_step(span: float) -> None:
    assert nice_step(span, 5) == 1.0


def test_data_that_is_not_finite_has_ticks() -> None:
    assert nice_ticks(math.nan, 1, 5) == [0.0, 1.0]


@given(st.lists(st.floats(0, 300), min_size=1, max_size=6))
def test_labels_keep_their_distance_their_order_and_the_frame(wanted: list[float]) -> None:
    placed = spread(wanted, 30, 0, 300)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    gap = min(30, 300 / max(len(wanted) - 1, 1))
    for before, after in itertools.pairwise(order):
        assert placed[after] - placed[before] >= gap - 0.11
    assert all(-0.06 <= at <= 300.06 for at in placed)


def test_labels_with_room_stay_where_they_belong() -> None:
    assert spread([10.0, 100.0, 200.0], 30, 0, 300) == [10, 100, 200]
    assert spread([], 30, 0, 300) == []


def test_a_scale_may_point_upwards() -> None:
    scale = Scale(-10, 10, 300, 100)
    assert (scale(-10), scale(0), scale(10)) == (300, 200, 100)


def test_paths() -> None:
    assert path([0, 1, 2], [5, 6, 7.5]) == "M0 5L1 6L2 7.5"
    assert area([0, 1], [9, 9], [1, 2]) == "M0 1L1 2L1 9L0 9Z"


def _changed(report: Report, method: str, **changes: object) -> Report:
    methods = tuple(
        dataclasses.replace(m, **changes) if m.method == method else m  # type: ignore[arg-type]
        for m in report.methods
    )
    return dataclasses.replace(report, methods=methods)


def _inside(frame: figures.Frame, x: float, y: float) -> bool:
    return -1 <= x <= frame.width + 1 and -1 <= y <= frame.height + 1


def test_cost_and_gain_lie_inside_their_frame(report: Report) -> None:
    figure = cost_gain(report)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        assert len(drawing.lanes) == 3
        for lane in drawing.lanes:
            for extent, panel in zip(lane.extents, drawing.panels, strict=True):
                assert extent.low <= extent.high
                for x in (extent.low, extent.x, extent.high):
                    assert panel.scale.start <= x <= panel.scale.end
                    assert _inside(drawing.frame, x, lane.y)
                half = text_width(extent.text, 12.5) / 2
                assert _inside(drawing.frame, extent.text_x - half, lane.text_y)
                assert _inside(drawing.frame, extent.text_x + half, lane.text_y)
        ys = [lane.y for lane in drawing.lanes]
        assert all(b - a > 30 for a, b in itertools.pairwise(ys)), "lanes cover each other"
        assert drawing.panels[0].scale.end < drawing.panels[1].scale.start


def test_costs_stand_where_they_are(report: Report) -> None:
    close = _changed(_changed(report, "lora", total_usd=281_000.0), "full", total_usd=291_000.0)
    figure = cost_gain(close)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        scale = drawing.panels[0].scale
        shown = [lane.extents[0].x for lane in drawing.lanes]
        assert shown == [scale(m.total_usd or 0.0) for m in close.methods]


def test_cost_and_gain_say_the_conclusion_and_hold_the_numbers(report: Report) -> None:
    figure = cost_gain(report)
    assert figure is not None
    assert "Full fine-tuning costs" in figure.conclusion
    assert [row[0] for row in figure.table.rows] == ["Full fine-tuning", "LoRA", "QLoRA"]
    assert all(len(row) == len(figure.table.columns) for row in figure.table.rows)


def test_a_method_that_costs_nothing_and_loses_accuracy_is_drawn(report: Report) -> None:
    lora = next(m for m in report.methods if m.method == "lora")
    assert lora.accuracy is not None
    worse = dataclasses.replace(lora.accuracy, gain_points=Distribution(-3, -8, -3, 2))
    figure = cost_gain(
        _changed(report, "lora", total_usd=0.0, total_usd_range=None, accuracy=worse)
    )
    assert figure is not None
    gains = figure.wide.panels[1]
    assert gains.zero_x > gains.scale.start
    assert figure.wide.lanes[1].extents[1].x < gains.zero_x
    assert figure.wide.lanes[1].extents[0].x == figure.wide.panels[0].zero_x


def test_the_band_belongs_to_the_method_that_leads(report: Report) -> None:
    leader = leading_method(report)
    figure = cash_flow(report)
    assert leader is not None
    assert figure is not None
    assert figure.wide.band_method == leader.method
    assert len(figure.table.rows) == report.horizon_months + 1


@pytest.mark.parametrize("factor", [1, -1, 1e3, -1e3, -1e6])
def test_amounts_beside_the_cash_flow_lie_inside_the_drawing(report: Report, factor: float) -> None:
    changed = report
    for m in report.methods:
        assert m.cash_flow is not None
        flow = dataclasses.replace(
            m.cash_flow, cumulative_usd=tuple(v * factor for v in m.cash_flow.cumulative_usd)
        )
        changed = _changed(changed, m.method, cash_flow=flow)
    figure = cash_flow(changed)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        for tick in drawing.y_ticks:
            assert drawing.frame.left - 8 - text_width(tick.label, 12.5) >= 0


def test_no_payback_is_said(report: Report) -> None:
    leader = leading_method(report)
    assert leader is not None
    figure = cash_flow(_changed(report, leader.method, payback_months=None))
    assert figure is not None
    assert "not expected to pay back" in figure.conclusion
    assert figure.wide.payback_x is None


@pytest.mark.parametrize("horizon", [1, 7, 36, 120])
def test_months_are_ticked_in_round_steps(horizon: int) -> None:
    ticks = month_ticks(horizon, 12)
    assert ticks[0] == 0
    assert 2 <= len(ticks) <= 13


def test_memory_segments_fill_the_bar_up_to_the_peak(report: Report) -> None:
    figure = memory(report)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        for bar, m in zip(drawing.bars, report.methods, strict=True):
            assert m.plan is not None
            scale = (bar.capacity_x - drawing.frame.left) / m.plan.memory_capacity_bytes
            end = bar.segments[-1].x + bar.segments[-1].width
            assert end - drawing.frame.left == pytest.approx(m.plan.memory_bytes * scale, abs=1)
            assert end <= bar.capacity_x + 0.2
            assert bar.low_x is not None
            assert bar.high_x is not None
            assert bar.low_x < end < bar.high_x <= drawing.frame.right
            assert _inside(drawing.frame, text_width(bar.risk, 12.5), bar.risk_y)


def test_a_memory_without_a_range_is_drawn_without_one(report: Report) -> None:
    changed = report
    for m in report.methods:
        assert m.plan is not None
        size = m.plan.memory_bytes
        plan = dataclasses.replace(m.plan, memory_range_bytes=Distribution(size, size, size, size))
        changed = _changed(changed, m.method, plan=plan)
    figure = memory(changed)
    assert figure is not None
    assert all(bar.low_x is None and bar.risk == "" for bar in figure.wide.bars)
    assert "running out" not in figure.conclusion
    assert not any(row[0] in {"80% range", "Allocated"} for row in figure.table.rows)


def test_memory_lines_are_numbered_in_their_fixed_order(report: Report) -> None:
    figure = memory(report)
    assert figure is not None
    assert dict(figure.legend)[1] == "Model weights"
    labels = [label for _, label in figure.legend]
    assert labels.index("Model weights") == 0
    assert labels.index("Adapters") < labels.index("Optimizer states") < labels.index("Activations")


def test_a_memory_line_keeps_its_number_whatever_others_there_are(report: Report) -> None:
    alone = dataclasses.replace(report, methods=report.methods[:1])
    all_of_them, one = memory(report), memory(alone)
    assert all_of_them is not None
    assert one is not None
    assert set(one.legend) < set(all_of_them.legend)


def test_every_bar_says_when_its_peak_is_reached(report: Report) -> None:
    figure = memory(report)
    assert figure is not None
    for bar, m in zip(figure.narrow.bars, report.methods, strict=True):
        assert m.plan is not None
        assert bar.peak == f"peak: {PEAKS[m.plan.memory_peak]}"
        assert PEAKS[m.plan.memory_peak] in figure.conclusion
    assert set(PEAKS) == set(MOMENTS)


def test_no_feasible_method_means_no_charts(report: Report) -> None:
    def bare(m: MethodReport) -> MethodReport:
        return dataclasses.replace(
            m, feasible=False, plan=None, accuracy=None, total_usd=None, cash_flow=None,
            npv_usd=None,
        )  # fmt: skip

    nothing = dataclasses.replace(
        report, methods=tuple(bare(m) for m in report.methods), comparison=None
    )
    assert cost_gain(nothing) is None
    assert cash_flow(nothing) is None
    assert memory(nothing) is None
    assert leading_method(nothing) is None
