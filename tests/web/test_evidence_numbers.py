"""Means in which every study weighs the same, worked by hand, and the filter of head-to-heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.catalog.catalog import Catalog
from app.estimator.evidence import HeadToHead
from app.web.evidence_numbers import gap, recovery_with, sharing, weighed, weighted_quantile
from app.web.evidence_query import EvidenceQuery, has_foreign_base, looser, rank_range, selected

ROW = HeadToHead(
    key="a",
    study="one",
    group="skill",
    domain="math",
    base_model="Llama-2-7B",
    metric="GSM8K",
    metric_kind="share",
    method="lora",
    rank=16,
    targets="all-linear",
    base=20.0,
    full=60.0,
    adapter=50.0,
    retention=False,
    base_same_harness=True,
    locator="table 1",
)
RECOVERY = recovery_with(3.0)


def test_gap_and_recovery_of_one_row() -> None:
    assert gap(ROW) == -10.0
    assert RECOVERY(ROW) == 0.75


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, base=None),
        replace(ROW, base=57.1),
        replace(ROW, base=65.0),
        replace(ROW, retention=True),
    ],
    ids=["no base", "little gain", "a loss", "another task"],
)
def test_no_recovery_is_read(row: HeadToHead) -> None:
    assert RECOVERY(row) is None


def test_a_gain_of_exactly_the_least_counts() -> None:
    assert RECOVERY(replace(ROW, base=57.0, adapter=60.0)) == 1.0


def test_every_study_weighs_the_same() -> None:
    """Nine rows of -10 and one of +2 of another study: the mean is -4, not -8.8."""
    rows = [replace(ROW, key=str(n)) for n in range(9)]
    rows.append(replace(ROW, key="x", study="two", adapter=62.0))
    found = weighed(rows, gap)
    assert found is not None
    assert (found.studies, found.rows) == (2, 10)
    assert found.mean == pytest.approx(-4.0)
    assert (found.low, found.high) == (-10.0, 2.0)


def test_nothing_to_weigh() -> None:
    assert weighed([], gap) is None
    assert weighed([replace(ROW, base=None)], RECOVERY) is None


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.1, 1.0), (0.5, 1.0), (0.51, 2.0), (0.9, 4.0), (1.0, 4.0)]
)
def test_quantiles_by_weight(share: float, wanted: float) -> None:
    assert weighted_quantile([4.0, 1.0, 2.0], [0.25, 0.5, 0.25], share) == wanted


def test_rows_of_one_full_model_are_counted() -> None:
    rows = [ROW, replace(ROW, key="b", adapter=40.0), replace(ROW, key="c", full=61.0)]
    assert sharing(rows) == {"a": 2, "b": 2, "c": 1}


# ------------------------------------------------------------------------ filter


@pytest.mark.parametrize(
    ("rank", "key"),
    [(1, "to-8"), (8, "to-8"), (9, "9-32"), (32, "9-32"), (128, "33-128"), (129, "above-128")],
)
def test_ranges_of_ranks(rank: int, key: str) -> None:
    assert rank_range(rank) == key


@pytest.mark.parametrize(
    ("asked", "passes"),
    [
        ({"group": "skill"}, True),
        ({"group": "far"}, False),
        ({"study": "one"}, True),
        ({"study": "two"}, False),
        ({"method": "plain"}, True),
        ({"method": "lora"}, True),
        ({"method": "variants"}, False),
        ({"measured": "trained"}, True),
        ({"measured": "kept"}, False),
        ({"rank": "9-32"}, True),
        ({"rank": "none"}, False),
        ({"base": "LLAMA"}, True),
        ({"base": "gemma"}, False),
        ({"foreign": "no"}, True),
    ],
)
def test_each_part_of_the_filter(asked: dict[str, str], passes: bool) -> None:
    assert EvidenceQuery(**asked).pass_on(ROW) is passes


def test_a_foreign_base_can_be_left_out() -> None:
    foreign = replace(ROW, base_same_harness=False)
    assert has_foreign_base(foreign)
    assert not EvidenceQuery(foreign="no").pass_on(foreign)
    # Without a base score none is foreign.
    assert EvidenceQuery(foreign="no").pass_on(replace(foreign, base=None))


def test_the_filter_splits_the_table(catalog: Catalog) -> None:
    """What passes and what is left out are the whole table, by each part of the filter."""
    every = catalog.head_to_heads
    for name, values in (
        ("measured", ("trained", "kept")),
        ("method", ("plain", "variants")),
        ("rank", ("to-8", "9-32", "33-128", "above-128", "none")),
    ):
        found = [len(selected(every, EvidenceQuery(**{name: value}))) for value in values]
        assert sum(found) == len(every)
        assert all(found)


def test_what_to_loosen() -> None:
    asked = EvidenceQuery(group="skill", rank="to-8", base="llama")
    assert looser([ROW], asked) == [("rank", "to-8", 1)]
    assert looser([ROW], EvidenceQuery(group="far", base="gemma")) == []
