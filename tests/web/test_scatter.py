"""Predicted against measured: every point is inside, and stands where it says."""

from __future__ import annotations

import dataclasses
import itertools
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.estimator.measured import SPEED_METRIC
from app.services.validation import ValidationRow
from app.web.charts import text_width
from app.web.scatter import LogScale, ScatterDrawing, log_ticks, mark, scatters

PLAIN = ValidationRow(
    id="a", run="a", source="s", model="m", method="lora", gpu="g", accelerator="g", gpus=1,
    sequence_length=1, framework="", metric="smi_gib", quality="A", measured=10.0, predicted=11.0,
    low=9.0, high=13.0, error=0.1, skipped=None, known_stack=True, reference="",
)  # fmt: skip
values = st.floats(1e-3, 1e7)


def row(measured: float, predicted: float | None, **changes: Any) -> ValidationRow:
    return dataclasses.replace(
        PLAIN,
        measured=measured,
        predicted=predicted,
        low=None if predicted is None else predicted * 0.8,
        high=None if predicted is None else predicted * 1.2,
        **changes,
    )


def starts(drawing: ScatterDrawing) -> list[tuple[float, float]]:
    """Where each mark begins, at its left or upper edge."""
    return [
        (float(x), float(y))
        for cloud in drawing.clouds
        for x, y in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", cloud.d)
    ]


@given(values, values)
def test_ticks_enclose_the_data(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = log_ticks(low, high, 9)
    assert ticks[0] <= low * 1.001
    assert ticks[-1] >= high * 0.999
    assert len(ticks) >= 2
    assert all(one < other for one, other in itertools.pairwise(ticks))


def test_ticks_are_few() -> None:
    assert len(log_ticks(1, 1e6, 9)) <= 9
    assert len(log_ticks(20, 80, 6)) <= 6


@given(st.lists(st.tuples(values, values), min_size=1, max_size=20))
def test_points_lie_inside_the_frame(points: list[tuple[float, float]]) -> None:
    (chart,) = scatters([row(m, p) for m, p in points], "c")
    for drawing in (chart.wide, chart.narrow):
        found = starts(drawing)
        assert len(found) == len(points)
        frame = drawing.frame
        for x, y in found:
            assert frame.left - 5 <= x <= frame.right
            assert frame.top - 5 <= y <= frame.bottom
        for tick in drawing.y_ticks:
            assert frame.left - 8 - text_width(tick.label, 12.5) >= 0
        for tick in drawing.x_ticks:
            assert tick.at + text_width(tick.label, 12.5) / 2 <= frame.width


def test_equal_values_stand_on_the_diagonal() -> None:
    (chart,) = scatters([row(2.0, 2.0), row(50.0, 50.0)], "c")
    frame = chart.wide.frame
    for x, y in starts(chart.wide):
        across = (x + 3.5 - frame.left) / (frame.right - frame.left)
        upward = (frame.bottom - y) / (frame.bottom - frame.top)
        assert across == pytest.approx(upward, abs=0.005)


def test_methods_differ_in_shape_as_well_as_colour() -> None:
    shapes = {re.sub(r"^M[-\d.]+ [-\d.]+", "", mark(method, 10, 10)) for method in
              ("full", "lora", "qlora")}  # fmt: skip
    assert len(shapes) == 3


def test_memory_and_speed_have_a_chart_each() -> None:
    rows = [row(10, 12, metric="smi_gib"), row(1000, 900, metric=SPEED_METRIC, method="full")]
    memory, speed = scatters(rows, "runs")
    assert (memory.key, speed.key) == ("runs-memory", "runs-speed")
    assert memory.wide.x_title == "Measured, GiB"
    assert speed.y_title == "Predicted, tokens/s"
    assert [cloud.label for cloud in speed.wide.clouds] == ["Full fine-tuning"]


def test_the_conclusion_counts_and_names_what_is_left_out() -> None:
    rows = [row(10, 11), row(10, 15), row(10, 7), row(10, None, skipped="why")]
    (chart,) = scatters(rows, "c")
    assert chart.conclusion == (
        "1 of 3 predictions lies within 20% of what was measured; 2 are too high and 1 too low. "
        "1 of the 80% ranges holds the measured value. 1 row could not be predicted and is not "
        "drawn."
    )
    assert scatters([row(10, None)], "c") == ()


def test_a_logarithmic_scale_may_point_upwards() -> None:
    scale = LogScale(1, 100, 300, 100)
    assert (scale(1), scale(10), scale(100)) == (300, 200, 100)
