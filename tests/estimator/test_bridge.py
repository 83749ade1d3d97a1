"""A waterfall that sums exactly, whatever the amounts, and whatever cannot be computed between."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.bridge import RECOMMENDED, Group, Stage, bridges, grouped

amounts = st.one_of(
    st.floats(-1e15, 1e15, allow_nan=False),
    st.sampled_from([0.0, 0.1, -0.1, 1 / 3, 1e-9, 123_456_789.123_456_789, 5e-324]),
)
stages = st.lists(st.one_of(st.none(), amounts), max_size=14)


@settings(max_examples=200)
@given(amounts, stages, amounts, st.randoms(use_true_random=False))
def test_the_changes_sum_to_the_difference_exactly_in_any_order(
    start: float, between: list[float | None], end: float, order: random.Random
) -> None:
    levels = [start, *between, end]
    made = [Stage({} if usd is None else {"lora": usd}) for usd in levels]
    (found,) = bridges(made)
    changes = [span.change_usd for span in found.spans]
    assert sum(changes) == found.change_usd == found.to_usd - found.from_usd
    order.shuffle(changes)
    assert sum(changes) == found.change_usd
    assert sum(map(Fraction, changes)) == Fraction(found.to_usd) - Fraction(found.from_usd)
    # One after another, without a gap: each begins where the one before it ended.
    assert found.spans[0].before_usd == found.from_usd
    assert found.spans[-1].after_usd == found.to_usd
    at = found.from_usd
    for place, span in enumerate(found.spans):
        assert span.before_usd == at
        at += span.change_usd
        assert span.after_usd == at
        assert span.first == (found.spans[place - 1].last + 1 if place else 0)
    assert found.spans[-1].last == len(levels) - 2


@given(amounts, stages, amounts)
def test_amounts_are_those_of_the_stages_but_for_the_last_bits(
    start: float, between: list[float | None], end: float
) -> None:
    levels = [start, *between, end]
    (found,) = bridges([Stage({} if usd is None else {"lora": usd}) for usd in levels])
    known = [usd for usd in levels if usd is not None]
    assert len(found.spans) == len(known) - 1
    slack = 1e-13 * sum(map(abs, known)) + 1e-40
    for span, before, after in zip(found.spans, known, known[1:], strict=False):
        assert abs(span.before_usd - before) <= slack
        assert abs(span.after_usd - after) <= slack


def test_a_change_after_which_the_method_fits_nowhere_is_counted_with_the_next() -> None:
    made = [
        Stage({"full": 10.0, "lora": 1.0}, "full"),
        Stage({"lora": 2.0}, "lora"),
        Stage({"full": 14.0, "lora": 4.0}, "full"),
    ]
    best, full, lora = bridges(made)
    assert [(s.first, s.last, s.change_usd) for s in full.spans] == [(0, 1, 4.0)]
    assert [(s.first, s.last, s.change_usd) for s in lora.spans] == [(0, 0, 1.0), (1, 1, 2.0)]
    assert best.method == RECOMMENDED
    assert [(s.method_before, s.method_after, s.change_usd) for s in best.spans] == [
        ("full", "lora", -8.0),
        ("lora", "full", 12.0),
    ]


def test_a_method_that_one_end_lacks_has_no_bridge() -> None:
    found = bridges([Stage({"full": 1.0}, "full"), Stage({"lora": 2.0}, "lora")])
    assert [bridge.method for bridge in found] == [RECOMMENDED]
    assert found[0].change_usd == 1.0
    assert bridges([Stage({}), Stage({"lora": 2.0}, "lora")]) == ()


def test_what_a_change_does_alone_is_counted_from_where_inputs_begin() -> None:
    made = [Stage({"lora": usd}) for usd in (90.0, 100.0, 130.0, 120.0)]
    alone = [None, Stage({"lora": 130.0}), Stage({"lora": 75.0})]
    (found,) = bridges(made, alone, base=1)
    assert [span.alone_usd for span in found.spans] == [None, 30.0, -25.0]
    # Not where it fits nowhere by itself, nor for changes that are counted together.
    (found,) = bridges(made, [None, Stage({}), None], base=1)
    assert [span.alone_usd for span in found.spans] == [None, None, None]
    (found,) = bridges([made[0], Stage({}), made[2]], [alone[1], alone[2]])
    assert [span.alone_usd for span in found.spans] == [None]


def test_no_change_is_no_span() -> None:
    (found,) = bridges([Stage({"lora": 0.1})])
    assert (found.spans, found.change_usd) == ((), 0.0)


FIELDS = [f"f{i}" for i in range(20)]
TOGETHER = [Group("Pair", ("f2", "f9")), Group("Three", ("f4", "f5", "f6"))]
SECTIONS = [Group("One", tuple(FIELDS[:10])), Group("Two", tuple(FIELDS[10:15]))]


@given(st.lists(st.sampled_from(FIELDS), unique=True).map(sorted), st.integers(1, 20))
def test_every_change_is_in_one_group_in_the_order_of_the_form(
    changed: list[str], most: int
) -> None:
    found = grouped(changed, TOGETHER, SECTIONS, most)
    assert sorted(member for group in found for member in group.members) == changed
    firsts = [group.members[0] for group in found]
    assert firsts == sorted(firsts)
    assert all(group.label == "" for group in found if len(group.members) == 1)
    if len(found) > most:
        assert len(found) <= len(SECTIONS) + sum(1 for name in changed if name >= "f15")


@pytest.mark.parametrize(("most", "labels"), [(3, ["Pair", "", ""]), (2, ["One", ""])])
def test_too_many_changes_are_counted_by_part_of_the_form(most: int, labels: list[str]) -> None:
    found = grouped(["f2", "f4", "f9", "f16"], TOGETHER, SECTIONS, most)
    assert [group.label for group in found] == labels
