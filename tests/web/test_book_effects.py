"""What each own rate of a price book does, so that a slip of the pen is seen at once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.catalog.importers.rates import ENTERED
from app.catalog.price_books import BookRow, PriceBook
from app.catalog.priced import priced
from app.web.book_effects import MOST_EFFECTS, EffectRow, EffectsView, effects_view
from tests.web.markup import Document
from tests.web.test_book_pages import GOOD


def _row(**changes: object) -> BookRow:
    values: dict[str, object] = {
        "provider": "aws", "instance": "p5.48xlarge", "accelerator": "H100-SXM-80GB",
        "gpus_per_instance": 8, "gpu_memory_gib": None, "vcpus": None, "host_memory_gib": None,
        "inter_node_gbit_per_s": None, "region": "us-east-1", "purchase_option": "on-demand",
        "usd_per_instance_hour": Decimal("27.52"), "tier": "list",
        "valid_from": date(2026, 11, 1), "source": ENTERED,
    }  # fmt: skip
    return BookRow(**(values | changes))  # type: ignore[arg-type]


def _view(catalog: Catalog, *rows: BookRow, base: str = "built-in") -> EffectsView:
    book = PriceBook("t", 1, "Ours", base, (), rows)
    found = effects_view(catalog, priced(catalog, book), book)
    assert found is not None
    return found


def _only(catalog: Catalog, **changes: object) -> EffectRow:
    (row,) = _view(catalog, _row(**changes)).rows
    return row


def test_a_rate_says_which_price_it_replaces(catalog: Catalog) -> None:
    before = next(o for o in catalog.listed if o.key == "aws.p5-48xlarge.us-east-1.on-demand")
    half = Decimal(str(before.usd_per_instance_hour)) / 2
    row = _only(catalog, usd_per_instance_hour=half)
    assert row.what == "replaces a built-in price"
    assert row.place == "aws, p5.48xlarge, us-east-1, on demand"
    assert row.before == f"{before.usd_per_instance_hour:,.2f}"
    assert (row.change, row.hint) == ("−50.0%", "")
    assert _view(catalog, _row()).sentence == "1 rate replaces built-in prices."


def test_a_rate_for_every_region_counts_them(catalog: Catalog) -> None:
    regions = {
        o.region
        for o in catalog.listed
        if (o.provider, o.instance, o.purchase_option) == ("aws", "p5.48xlarge", "on-demand")
    }
    assert len(regions) > 1
    row = _only(catalog, region="*")
    assert row.what == f"replaces the price in {len(regions)} regions"
    assert " to " in row.before
    single = _view(catalog, _row(region="*"), _row())
    assert f"replaces the price in {len(regions) - 1} regions" in [r.what for r in single.rows]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"region": "us-eats-1"}, "Did you mean us-east-1?"),
        ({"instance": "p5.48xlrage"}, "Did you mean p5.48xlarge?"),
        ({"provider": "asw"}, "Did you mean aws?"),
        ({"region": "mars"}, ""),
        ({"provider": "our-datacentre"}, ""),
        ({"gpus_per_instance": 4}, "has 8 × H100-SXM-80GB: is this another instance?"),
    ],
)
def test_a_new_offer_that_is_nearly_a_known_one_is_asked_about(
    catalog: Catalog, changes: dict[str, object], hint: str
) -> None:
    row = _only(catalog, **changes)
    assert row.what == "new offer"
    assert (row.before, row.change) == ("—", "")
    assert row.hint.endswith(hint) if hint else not row.hint


def test_what_may_be_a_slip_comes_first(catalog: Catalog) -> None:
    view = _view(catalog, _row(), _row(provider="our-datacentre"), _row(region="us-eats-1"))
    assert [bool(row.hint) for row in view.rows] == [True, False, False]
    assert view.sentence == (
        "1 rate replaces built-in prices and 2 are new offers. 1 rate may hold a slip of the pen: "
        "see the question."
    )


def test_many_rates_are_cut_and_counted(catalog: Catalog) -> None:
    rows = [_row(provider="ours", instance=f"x{n}") for n in range(MOST_EFFECTS + 5)]
    view = _view(catalog, *rows)
    assert len(view.rows) == MOST_EFFECTS
    assert view.more == "5 rates more are not listed here."


def test_a_book_without_built_in_prices_replaces_nothing(catalog: Catalog) -> None:
    view = _view(catalog, _row(), base="none")
    assert view.sentence == "1 rate; no built-in price is in this book."
    assert view.rows[0].what == "new offer"
    book = PriceBook("t", 1, "Ours", "built-in", (), ())
    assert effects_view(catalog, catalog, book) is None


def test_a_slip_is_seen_at_once_on_the_page(client: TestClient) -> None:
    rates = str(GOOD["rates"]).replace("us-east-1", "us-eats-1")
    page = client.post("/prices/books", data=GOOD | {"rates": rates})
    text = " ".join(Document(page.text).text.split())
    assert "What its own rates do" in text
    assert "Did you mean us-east-1?" in text
