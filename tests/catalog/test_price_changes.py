"""What changed between two price lists."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.catalog.price_changes import (
    ListedPrice,
    PriceChange,
    changes,
    listed_price,
    packed,
    unpacked,
)

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def price(key: str, usd: float, day: date = MAY) -> ListedPrice:
    return ListedPrice(key, usd, day, "aws", "L4-24GB", "on-demand", "list", True)


PRICES = st.lists(
    st.builds(price, st.sampled_from("abcdef"), st.floats(0.1, 100), st.sampled_from([MAY, JUNE])),
    unique_by=lambda found: found.key,
)


def test_what_was_added_removed_and_changed() -> None:
    before = [price("gone", 1), price("kept", 2), price("dearer", 4)]
    after = [price("new", 3, JUNE), price("kept", 2), price("dearer", 5, JUNE)]
    assert changes(before, after) == (
        PriceChange("dearer", "changed", 4, 5, MAY, JUNE),
        PriceChange("gone", "removed", 1, None, MAY, None),
        PriceChange("new", "added", None, 3, None, JUNE),
    )
    assert [change.fraction for change in changes(before, after)] == [0.25, None, None]


def test_a_price_that_was_only_confirmed_has_not_changed() -> None:
    assert changes([price("k", 2, MAY)], [price("k", 2, JUNE)]) == ()


@given(PRICES, PRICES)
def test_the_way_back_undoes_the_way_there(old: list[ListedPrice], new: list[ListedPrice]) -> None:
    there, back = changes(old, new), changes(new, old)
    assert [change.key for change in there] == [change.key for change in back]
    opposite = {"added": "removed", "removed": "added", "changed": "changed"}
    for one, other in zip(there, back, strict=True):
        assert opposite[one.kind] == other.kind
        assert (one.before_usd, one.after_usd) == (other.after_usd, other.before_usd)
    assert changes(old, old) == ()


@given(PRICES)
def test_a_price_list_survives_being_stored(prices: list[ListedPrice]) -> None:
    assert list(unpacked(packed(prices))) == sorted(prices, key=lambda found: found.key)
    assert packed(prices) == packed(prices[::-1])


def test_the_built_in_price_list_is_stored_small(catalog: Catalog) -> None:
    prices = [listed_price(offer) for offer in catalog.listed]
    body = packed(prices)
    assert unpacked(body) == tuple(prices)
    assert len(body) < 30 * len(prices)


@pytest.mark.parametrize("missing", ["before", "after"])
def test_there_is_no_share_without_both_prices(missing: str) -> None:
    pair = {"before": 2.0, "after": 2.0, missing: None}
    assert PriceChange("k", "x", pair["before"], pair["after"], None, None).fraction is None
