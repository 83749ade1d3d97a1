"""The two charts of the evidence page: what is drawn where, and what they say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from app.catalog.catalog import Catalog
from app.estimator.accuracy import Range
from app.web.evidence_numbers import recovery_with
from app.web.evidence_words import GROUPS
from app.web.figure_adapter_scatter import OUTLINES, SERIES, adapter_scatter, mark
from app.web.figure_recovery import ALL, MODEL, RANK, recovery_figure
from tests.web.test_evidence_numbers import ROW

READ = recovery_with(3.0)
EXPECTED = {"skill": Range(0.7, 0.4, 0.7, 1.0)}


def _places(d: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", d)]


def test_a_row_below_the_diagonal_is_drawn_below_it() -> None:
    figure = adapter_scatter([ROW, replace(ROW, key="b", full=30.0, adapter=40.0)])
    assert figure is not None
    frame = figure.wide.frame
    share = (frame.bottom - frame.top) / (frame.right - frame.left)
    (cloud,) = figure.wide.clouds
    (behind, ahead) = _places(cloud.filled)
    for (x, y), sign in ((behind, 1), (ahead, -1)):
        diagonal = frame.bottom - (x - frame.left) * share
        assert (y - diagonal) * sign > 1
    assert "within 2 points of full fine-tuning, in 1 further ahead and in 1" in figure.conclusion


def test_marks_differ_by_shape_and_a_foreign_base_is_hollow() -> None:
    assert len(set(OUTLINES.values())) == len(SERIES)
    rows = [ROW, replace(ROW, key="b", base_same_harness=False), replace(ROW, key="c", base=None)]
    figure = adapter_scatter(rows)
    assert figure is not None
    (cloud,) = figure.wide.clouds
    assert cloud.count == 3
    assert cloud.hollow.count("M") == 1
    # The same place is drawn once.
    assert cloud.filled.count("M") == 1


def test_other_tasks_are_a_series_of_their_own_and_do_not_count() -> None:
    rows = [ROW, replace(ROW, key="b", retention=True, adapter=90.0)]
    figure = adapter_scatter(rows)
    assert figure is not None
    assert [cloud.key for cloud in figure.wide.clouds] == ["skill", "kept"]
    assert "of 1 row on the trained task" in figure.conclusion
    assert "10.0 points behind" in figure.conclusion
    only = adapter_scatter(rows[1:])
    assert only is not None
    assert "on tasks that were not trained on" in only.conclusion


def test_no_rows_no_charts() -> None:
    assert adapter_scatter([]) is None
    assert recovery_figure([], READ, {}, 16, "") is None
    assert recovery_figure([replace(ROW, base=None)], READ, EXPECTED, 16, "") is None


def test_every_row_is_counted_once(catalog: Catalog) -> None:
    figure = adapter_scatter(catalog.head_to_heads)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        assert sum(cloud.count for cloud in drawing.clouds) == len(catalog.head_to_heads)
        for cloud in drawing.clouds:
            for x, y in _places(cloud.filled + cloud.hollow):
                assert drawing.frame.left <= x <= drawing.frame.right
                assert drawing.frame.top <= y <= drawing.frame.bottom
    size = sum(len(c.filled + c.hollow) for d in (figure.wide, figure.narrow) for c in d.clouds)
    assert size < 60_000


def test_lanes_of_a_kind_of_task() -> None:
    rows = [ROW, replace(ROW, key="b", study="two", rank=256, adapter=60.0)]
    figure = recovery_figure(rows, READ, EXPECTED, 16, "")
    assert figure is not None
    lanes = figure.wide.lanes
    assert [lane.kind for lane in lanes] == [ALL, RANK, RANK, MODEL]
    assert [lane.label for lane in lanes[1:]] == [
        "rank 9 to 32",
        "rank above 128",
        "model, rank 16",
    ]
    assert lanes[0].text.startswith("88%")
    assert lanes[1].x < lanes[0].x < lanes[2].x == figure.wide.equal_x
    assert "88% in code and mathematics (2 studies)" in figure.conclusion
    assert figure.table.rows[0] == (
        "Code and mathematics",
        "all ranks",
        "88%",
        "75 to 100%",
        "2",
        "2",
    )


def test_what_lies_beyond_the_edge_is_marked() -> None:
    figure = recovery_figure([replace(ROW, adapter=-40.0)], READ, {}, 16, "")
    assert figure is not None
    (lane,) = figure.wide.lanes
    assert lane.below
    assert lane.x == lane.low == figure.wide.frame.left


@pytest.mark.parametrize("shape", ["wide", "narrow"])
def test_the_whole_table_fits_its_frame(catalog: Catalog, shape: str) -> None:
    rows = [row for row in catalog.head_to_heads if row.method in {"lora", "qlora"}]
    figure = recovery_figure(rows, READ, EXPECTED, 16, "")
    assert figure is not None
    drawing = getattr(figure, shape)
    assert {lane.group for lane in drawing.lanes} <= set(GROUPS)
    heights = [lane.y for lane in drawing.lanes]
    assert heights == sorted(heights)
    assert drawing.frame.top < heights[0]
    assert heights[-1] < drawing.frame.bottom
    for lane in drawing.lanes:
        for x in (lane.low, lane.x, lane.high):
            assert drawing.frame.left <= x <= drawing.frame.right


def test_a_mark_begins_at_its_middle() -> None:
    assert mark("kept", 1, 2) == "M1 2m-2.5 -2.5l5 5m0-5l-5 5"
