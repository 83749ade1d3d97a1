"""Drawings of risk: geometry that stays in its frame and shows what it is given."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.currency import Currency
from app.estimator.report_risk import Histogram, ValueMap
from app.estimator.risk import histogram_of
from app.web import figure_histogram, figure_pilot_value, figure_tornado, figure_value_map
from app.web.charts import text_width, ticks_with_room
from app.web.figure_histogram import Spread, heights
from app.web.figure_pilot_value import Worth
from app.web.figure_tornado import Swing
from app.web.figure_value_map import ADAPTER, FULL, NEITHER, border, edges, stretches
from app.web.figures import SMALL, writer

WRITE = writer(Currency("USD", 2, 1.0))
amounts = st.floats(-1e9, 1e9)


@given(amounts, amounts, st.floats(60, 700))
def test_labels_of_ticks_have_room(a: float, b: float, room: float) -> None:
    low, high = min(a, b), max(a, b)
    ticks = ticks_with_room(low, high, room, WRITE, SMALL)
    slack = 1e-6 * max(abs(low), abs(high), 1e-9)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    widest = max(text_width(WRITE(tick), SMALL) for tick in ticks)
    assert len(ticks) <= 4 or room / (len(ticks) - 1) > widest


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=40))
def test_bars_are_as_tall_as_their_share_and_one_is_cut_at_most(counts: list[int]) -> None:
    tall, cut = heights(counts, 60.0)
    assert all(0 <= height <= 60 for height in tall)
    if cut is not None:
        assert counts[cut] > figure_histogram.BREAK_FROM * sorted(counts)[-2]
    whole = [(c, h) for i, (c, h) in enumerate(zip(counts, tall, strict=True)) if i != cut and c]
    for (count_a, a), (count_b, b) in pairwise(whole):
        assert a * count_b == pytest.approx(b * count_a, abs=0.051 * (count_a + count_b))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 99), st.floats(-1e6, 1e6)), min_size=1, max_size=3))
def test_histograms_stay_in_their_frame(rows: list[tuple[int, float]]) -> None:
    spreads = []
    for seed, shift in rows:
        draws = np.random.default_rng(seed).normal(shift, 1e5, 500)
        low, middle, high = np.quantile(draws, (0.1, 0.5, 0.9))
        spreads.append(Spread("full", "Full", "", histogram_of(draws), low, middle, high))
    for width in (760, 400):
        found = figure_histogram.drawing(spreads, "NPV", width, WRITE)
        assert found.frame.left <= found.zero_x <= found.frame.right
        for lane, spread in zip(found.lanes, spreads, strict=True):
            bars = re.findall(r"M([\d.]+) ([\d.]+)v-([\d.]+)h([\d.]+)", lane.below + lane.above)
            assert len(bars) == sum(count > 0 for count in spread.histogram.counts)
            for x, y, height, wide in ((float(a) for a in bar) for bar in bars):
                assert found.frame.left - 0.1 <= x
                assert x + wide <= found.frame.right + 2
                assert y == lane.base_y
                assert height <= lane.base_y - lane.label_y
            assert [mark.x for mark in lane.marks] == sorted(mark.x for mark in lane.marks)
            assert all(0 <= mark.text_x <= width for mark in lane.marks)
        assert all(a.text_y < b.label_y for a, b in pairwise(found.lanes))


def test_bars_below_zero_are_told_apart() -> None:
    spread = Spread("full", "Full", "", Histogram((-2.0, -1.0, 1.5, 4.0), (3, 2, 1)), -1, 0, 3)
    (lane,) = figure_histogram.drawing([spread], "NPV", 760, WRITE).lanes
    assert lane.below.count("M") == 1
    assert lane.above.count("M") == 2


@settings(max_examples=40)
@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6), amounts)
def test_bars_of_a_tornado_show_their_ends(ends: list[tuple[float, float]], middle: float) -> None:
    swings = [Swing("Training time", "×0.7", "×1.3", low, high) for low, high in ends]
    for width, beside in ((760, True), (400, False)):
        found = figure_tornado.drawing(swings, middle, "NPV", width, WRITE, beside=beside)
        frame = found.frame
        assert all(a.y < b.y for a, b in pairwise(found.bars))
        for bar, swing in zip(found.bars, swings, strict=True):
            assert (bar.low_x <= bar.high_x) == (swing.low <= swing.high) or bar.left == bar.right
            assert {bar.left, bar.right} == {bar.low_x, bar.high_x}
            assert frame.left <= bar.left <= bar.right <= frame.right
            for text, at, anchor in (
                (bar.low_text, bar.low_text_x, bar.low_anchor),
                (bar.high_text, bar.high_text_x, bar.high_anchor),
            ):
                reach = text_width(text, SMALL) * (1 if anchor == "start" else -1)
                assert min(at, at + reach) >= 0
                assert max(at, at + reach) <= width
            assert {bar.low_anchor, bar.high_anchor} == {"start", "end"}
        assert frame.left <= found.middle_x <= frame.right
        assert frame.left <= found.zero_x <= frame.right


def test_edges_of_cells_lie_between_their_centres() -> None:
    centres = np.geomspace(3, 7000, 15).tolist()
    found = edges(centres)
    assert len(found) == 16
    assert all(a < c < b for (a, b), c in zip(pairwise(found), centres, strict=True))


def test_choices_along_a_line_change_where_the_lead_does() -> None:
    kinds = [NEITHER, ADAPTER, ADAPTER, FULL]
    at = [1.0, 10.0, 100.0, 1000.0]
    found = stretches(kinds, at, [-5.0, -3.0, -1.0, 3.0])
    assert [kind for kind, _ in found] == [NEITHER, ADAPTER, FULL]
    assert found[1][1] == pytest.approx(10**0.5)
    assert found[2][1] == pytest.approx(100 * 10**0.25), "a quarter of the way from -1 to 3"


def _map(best: list[list[str]], lead: list[list[float]]) -> ValueMap:
    count = len(best)
    places = tuple(np.geomspace(1, 100, count).tolist())
    return ValueMap(
        places,
        tuple(1000 * place for place in places),
        tuple(tuple(row) for row in best),
        tuple(tuple(row) for row in lead),
        places[count // 2],
        1000 * places[count // 2],
    )


choices = st.sampled_from([NEITHER, "lora", "qlora", FULL])


@settings(max_examples=40)
@given(st.lists(st.lists(choices, min_size=5, max_size=5), min_size=5, max_size=5))
def test_every_cell_of_the_map_is_in_one_region(best: list[list[str]]) -> None:
    lead = [[1.0 if choice == FULL else -1.0 for choice in row] for row in best]
    for size in ((760, 430), (400, 400)):
        names = {FULL: "Full fine-tuning", ADAPTER: "An adapter", NEITHER: "Doing nothing"}
        found = figure_value_map.drawing(
            _map(best, lead), 1.0, names, ("", ""), size, 6, WRITE, compared=True
        )
        assert sum(region.cells for region in found.regions) == 25
        assert sum(region.d.count("M") for region in found.regions) == 25
        frame = found.frame
        for region in found.regions:
            half = text_width(region.label, 13) / 2
            assert frame.left <= region.label_x - half
            assert region.label_x + half <= frame.right
            assert frame.top <= region.label_y <= frame.bottom
        assert all(a.label_y != b.label_y for a, b in pairwise(found.regions))
        assert found.now_x == pytest.approx((frame.left + frame.right) / 2, abs=0.2)
        assert found.now_y == pytest.approx((frame.top + frame.bottom) / 2, abs=0.2)
        adjoining = sum(
            (a == FULL) != (b == FULL)
            for grid in (best, [list(column) for column in zip(*best, strict=True)])
            for row in grid
            for a, b in pairwise(row)
        )
        assert found.break_even.count("M") == adjoining


def test_who_leads_does_not_matter_where_nothing_pays() -> None:
    lines = border([[-1.0, 1.0, 1.0]], [[NEITHER, NEITHER, FULL]], [0, 1, 2, 3], [1, 0])
    assert lines == ""


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e8), min_size=1, max_size=7))
def test_worths_of_knowing_are_as_long_as_they_are(values: list[float]) -> None:
    most = max(*values, 1.0)
    worths = [
        Worth("pilot", "10% of the data, 500 questions", v, WRITE(v), strong=True) for v in values
    ]
    for width, beside in ((760, True), (400, False)):
        found = figure_pilot_value.drawing(worths, most, "Worth", width, WRITE, beside=beside)
        whole = found.most_x - found.frame.left
        for bar, value in zip(found.bars, values, strict=True):
            assert bar.width == pytest.approx(whole * value / most, abs=0.11)
            assert bar.text_x + text_width(bar.text, SMALL) <= width
            assert bar.text_x >= found.frame.right
        assert all(a.y + found.bar_height < b.y for a, b in pairwise(found.bars))
