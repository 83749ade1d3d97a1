"""The prices page: its filter, its order, its pages, its file, and the tables below."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.estimator.constants import constant_values
from app.estimator.hardware import Offer
from app.web import price_hardware, price_spread, price_tables, price_views, show_numbers
from app.web.price_csv import as_csv
from app.web.price_lists import (
    ROWS_OF_A_PAGE,
    PriceQuery,
    delivered_by,
    page_of,
    selected,
    usd_per_pflop_hour,
)
from tests.web.conftest import TODAY
from tests.web.markup import Document

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def _document(text: str) -> Document:
    document = Document(text)
    assert not document.mismatches
    assert not [name for name, times in document.ids().items() if times > 1]
    return document


def _rows(client: TestClient, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/prices.csv?{query}")
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text)))


@pytest.fixture(scope="module")
def h100(catalog: Catalog) -> Offer:
    """A list price that can be planned on."""
    return next(
        o
        for o in catalog.listed
        if o.accelerator.key == "H100-SXM-80GB" and o.tier == "list" and o.trainable
    )


# ------------------------------------------------------------------------ page


def test_every_price_in_force_is_listed_with_day_and_source(
    reader: TestClient, catalog: Catalog
) -> None:
    response = reader.get("/prices")
    assert response.status_code == 200
    document = _document(response.text)
    text = " ".join(document.text.split())
    assert f"{len(catalog.listed):,} prices" in text
    anchors = {
        a["href"].removeprefix("#") for a in document.all("a") if a["href"][:8] == "#source-"
    }
    assert anchors
    assert anchors <= set(document.ids())
    assert len(_rows(reader)) == len(catalog.listed)
    assert document.all("a", href="/prices", **{"aria-current": "page"})


@pytest.mark.parametrize(
    ("query", "column", "values"),
    [
        ("provider=aws", "provider", {"aws"}),
        ("gpu=H100-SXM-80GB", "accelerator", {"H100-SXM-80GB"}),
        ("option=on-demand", "purchase_option", {"on-demand"}),
        ("tier=marketplace", "tier", {"marketplace"}),
        ("trains=yes", "trainable", {"yes"}),
        ("region=US-EAST-1&provider=aws", "region", {"us-east-1", "us-east-1-dfw"}),
    ],
)
def test_the_filter_leaves_prices_out(
    reader: TestClient, query: str, column: str, values: set[str]
) -> None:
    every, found = _rows(reader), _rows(reader, query)
    assert 0 < len(found) < len(every)
    assert {row[column] for row in found} == values
    page = " ".join(_document(reader.get(f"/prices?{query}").text).text.split())
    assert f"{len(found):,} of {len(every):,} prices" in page


def test_what_is_chosen_stays_chosen(reader: TestClient) -> None:
    text = reader.get("/prices?gpu=H100-SXM-80GB&trains=yes&region=us&sort=-usd").text
    assert re.search(r'value="H100-SXM-80GB" selected', text)
    assert re.search(r'name="trains" value="yes" checked', text)
    assert re.search(r'name="region" value="us"', text)
    assert re.search(r'name="sort" value="-usd"', text)
    assert 'href="/prices">Show all</a>' in text


def test_nothing_passes(reader: TestClient) -> None:
    response = reader.get("/prices?gpu=nothing")
    assert response.status_code == 200
    document = _document(response.text)
    assert "No price passes this filter." in document.text
    assert document.all("option", value="nothing", selected="")


@pytest.mark.parametrize(
    "column",
    [name for name, _, _ in price_views.COLUMNS],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_column_sorts_both_ways(
    reader: TestClient, catalog: Catalog, column: str, sign: str
) -> None:
    document = _document(reader.get(f"/prices?sort={sign}{column}").text)
    (heading,) = [th for th in document.all("th") if th.get("aria-sort")]
    assert heading["aria-sort"] == ("descending" if sign else "ascending")
    (link,) = document.all("a", id=f"sort-{column}")
    other = "" if sign else "-"
    wanted = f"{other}{column}" if f"{other}{column}" != "gpu" else ""
    assert parse_qs(urlsplit(link["href"]).query).get("sort", [""]) == [wanted]
    delivered = delivered_by(catalog.listed, constant_values())
    found = selected(catalog.listed, PriceQuery(sort=f"{sign}{column}"), delivered)
    assert len(found) == len(catalog.listed)
    values = {
        "usd": lambda o: o.usd_per_instance_hour,
        "gpu_usd": lambda o: o.usd_per_gpu_hour,
        "date": lambda o: o.valid_from,
        "instance": lambda o: o.instance.lower(),
    }.get(column)
    if values:
        shown = [values(o) for o in found]
        assert shown == sorted(shown, reverse=bool(sign))


def test_what_has_no_value_comes_last_in_both_directions(catalog: Catalog) -> None:
    delivered = delivered_by(catalog.listed, constant_values())
    without = sum(not o.accelerator.can_be_planned for o in catalog.listed)
    assert without
    for sort in ("pflop_usd", "-pflop_usd"):
        found = [
            usd_per_pflop_hour(o, delivered)
            for o in selected(catalog.listed, PriceQuery(sort=sort), delivered)
        ]
        assert all(value is None for value in found[-without:])
        known = [value for value in found[:-without] if value is not None]
        assert known == sorted(known, reverse=sort.startswith("-"))
        assert len(known) == len(found) - without


def test_within_a_gpu_what_can_be_signed_today_comes_first(catalog: Catalog) -> None:
    delivered = delivered_by(catalog.listed, constant_values())
    found = selected(catalog.listed, PriceQuery(gpu="H100-SXM-80GB"), delivered)
    tiers = [o.tier for o in found]
    assert tiers[0] == "list"
    assert tiers == sorted(tiers, key=["list", "spot", "capacity-block", "marketplace"].index)


def test_an_unknown_column_sorts_as_usual(reader: TestClient) -> None:
    assert reader.get("/prices?sort=nothing").status_code == 200


def test_pages(catalog: Catalog, h100: Offer, reader: TestClient) -> None:
    many = [
        dataclasses.replace(h100, key=f"k{n}", usd_per_instance_hour=1 + n / 1000)
        for n in range(60_000)
    ]
    delivered = delivered_by(many, constant_values())
    found = selected(many, PriceQuery(sort="usd"), delivered)
    page = page_of(found, 7)
    assert [o.key for o in page.offers[:2]] == ["k600", "k601"]
    assert (page.first, page.page, page.pages, page.total) == (601, 7, 600, 60_000)
    assert len(page.offers) == ROWS_OF_A_PAGE
    asked = PriceQuery(sort="usd", page=7)
    view = price_views.price_list(page, len(many), asked, delivered, TODAY)
    assert view.summary == "60,000 prices; 601 to 700 are shown."
    assert view.previous == "/prices?sort=usd&page=6"
    assert view.next == "/prices?sort=usd&page=8"
    assert view.file == "/prices.csv?sort=usd"
    assert page_of(found, 9_999).page == 600
    last = reader.get("/prices?page=9999")
    assert "Previous page" in last.text
    assert "Next page" not in last.text


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999"])
def test_a_page_that_is_no_page(reader: TestClient, page: str) -> None:
    response = reader.get(f"/prices?page={page}")
    assert response.status_code == 422
    assert "does not fit" in response.text


def test_a_swap_is_the_list_alone(reader: TestClient) -> None:
    response = reader.get("/prices?provider=aws&region=&gpu=", headers=PARTIAL)
    assert response.status_code == 200
    assert "<html" not in response.text
    assert 'hx-target="#status"' in response.text
    assert response.headers["hx-push-url"] == "/prices?provider=aws"
    assert "HX-Request-Type" in response.headers["vary"]


def test_what_a_person_types_is_never_markup(reader: TestClient) -> None:
    for name in ("region", "gpu", "sort", "tier"):
        text = reader.get("/prices", params={name: '"><script>alert(1)</script>'}).text
        assert "<script>alert" not in text


def test_an_unknown_price_book_is_said(reader: TestClient) -> None:
    response = reader.get("/prices?book=" + "A" * 32)
    assert response.status_code == 422
    assert "No price book has this key" in response.text


# ------------------------------------------------------------------------ texts


def _view(offer: Offer, **changes: object) -> price_views.PriceRow:
    changed = dataclasses.replace(offer, **changes)  # type: ignore[arg-type]
    delivered = delivered_by([changed], constant_values())
    page = page_of([changed], 1)
    return price_views.price_list(page, 1, PriceQuery(), delivered, TODAY).rows[0]


@pytest.mark.parametrize(
    ("age", "level", "words"),
    [(0, "fresh", ""), (90, "fresh", ""), (91, "old", "old: 91 days"),
     (180, "old", "old: 180 days"), (181, "stale", "very old: 181 days")],
)  # fmt: skip
def test_old_prices_are_marked(h100: Offer, age: int, level: str, words: str) -> None:
    row = _view(h100, valid_from=TODAY - timedelta(days=age))
    assert (row.day.level, row.day.sub) == (level, words)


def test_prices_per_instance_gpu_and_pflop(h100: Offer) -> None:
    row = _view(h100, usd_per_instance_hour=31.5, gpus_per_instance=8)
    assert row.usd == "31.50"
    assert row.gpu_usd == "3.94"
    rate = delivered_by([h100], constant_values())["H100-SXM-80GB"]
    assert rate is not None
    assert row.pflop_usd == f"{31.5 / 8 / (rate / 1e15):.2f}"


@pytest.mark.parametrize(
    ("listed", "paid", "said"),
    [(100.0, 88.0, "list 100.00, −12%"), (100.0, 104.5, "list 100.00, +4.5%"),
     (None, 88.0, "own rate")],
)  # fmt: skip
def test_a_price_book_shows_what_it_changed(
    h100: Offer, listed: float | None, paid: float, said: str
) -> None:
    fraction = 0.0 if listed is None else 1 - paid / listed
    row = _view(
        h100,
        usd_per_instance_hour=paid,
        list_usd_per_instance_hour=listed,
        discount_fraction=fraction,
        price_book="Ours, version 1",
    )
    assert row.before == said


def test_tiers_and_inference_are_said(h100: Offer) -> None:
    assert _view(h100, tier="marketplace").tier == "marketplace"
    assert _view(h100, tier="list").tier == "list price"
    spot = _view(h100, tier="spot", purchase_option="spot")
    assert (spot.option, spot.tier) == ("spot", "")
    assert _view(h100, trainable=False).not_planned


# ------------------------------------------------------------------------ spread


def test_the_spread_is_of_the_cheapest_listing_of_each_firm_provider(h100: Offer) -> None:
    prices = {"a": (3.0, 5.0), "b": (2.0,), "c": (9.0,)}
    offers = [
        dataclasses.replace(
            h100, provider=name, provider_name=name.upper(), gpus_per_instance=1,
            usd_per_instance_hour=usd, purchase_option="on-demand",
        )
        for name, every in prices.items()
        for usd in every
    ]  # fmt: skip
    others = [
        dataclasses.replace(offers[0], usd_per_instance_hour=0.5, tier="marketplace"),
        dataclasses.replace(offers[0], usd_per_instance_hour=0.5, purchase_option="spot"),
        dataclasses.replace(offers[0], usd_per_instance_hour=0.5, trainable=False),
    ]
    (spread,) = price_spread.spreads([*offers, *others])
    assert (spread.low, spread.median, spread.high) == (2.0, 3.0, 9.0)
    assert [name for _, name in spread.prices] == ["B", "A", "C"]
    view = price_spread.spread_view(offers, lambda gpu: f"/prices?gpu={gpu}")
    assert view is not None
    (row,) = view.rows
    assert (row.low, row.median, row.high) == ("2.00", "3.00", "9.00")
    assert row.low_x < row.median_x < row.high_x
    assert row.address == "/prices?gpu=H100-SXM-80GB"
    assert "4.5 times as much" in view.sentence


def test_without_a_list_price_there_is_no_spread(h100: Offer) -> None:
    assert price_spread.spread_view([], str) is None
    alone = price_spread.spread_view([dataclasses.replace(h100, purchase_option="on-demand")], str)
    assert alone is not None
    assert alone.sentence.startswith("No GPU is listed by more than one firm provider")


# ------------------------------------------------------------------------ other tables


def test_other_prices_have_a_day_and_a_source(catalog: Catalog, reader: TestClient) -> None:
    tables = price_tables.fact_tables(catalog, TODAY)
    keys = {"managed", "servers", "owning", "electricity", "storage", "labour", "rates"}
    assert {table.key for table in tables} == keys
    for table in tables:
        for row in table.rows:
            assert len(row) == len(table.columns)
            if table.key == "electricity":
                # The carbon has a year and a source of its own; the price may not be known.
                assert re.fullmatch(r"20\d\d", row[2].text)
                assert row[3].anchor.startswith("source-")
                if row[4].text == show_numbers.NONE:
                    continue
            assert row[-1].anchor.startswith("source-")
            assert re.fullmatch(r"(read\xa0)?\d{1,2}\xa0\w{3}\xa0\d{4}", row[-2].text)
    document = _document(reader.get("/prices").text)
    assert keys <= set(document.ids())


# ------------------------------------------------------------------------ file


def test_the_file_holds_what_is_shown_in_its_order(reader: TestClient) -> None:
    response = reader.get("/prices.csv?gpu=H100-SXM-80GB&sort=-gpu_usd")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="prices.csv"'
    rows = list(csv.DictReader(io.StringIO(response.text)))
    prices = [float(row["usd_per_gpu_hour"]) for row in rows]
    assert prices == sorted(prices, reverse=True)
    for row in rows:
        per_gpu = float(row["usd_per_instance_hour"]) / int(row["gpus_per_instance"])
        assert float(row["usd_per_gpu_hour"]) == pytest.approx(per_gpu)
        assert date.fromisoformat(row["valid_from"])
        assert int(row["age_days"]) >= 0
        assert row["source_locator"]


def test_no_cell_is_read_as_a_formula(h100: Offer) -> None:
    evil = dataclasses.replace(h100, instance="=cmd|' /C calc'!A0", region="@SUM(A1)")
    text = as_csv([evil], delivered_by([evil], constant_values()), TODAY)
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["instance"] == "'=cmd|' /C calc'!A0"
    assert row["region"] == "'@SUM(A1)"


def test_what_is_second_hand_says_so(catalog: Catalog, reader: TestClient) -> None:
    quoted = next(o for o in catalog.listed if o.evidence == "quoted")
    sample = dataclasses.replace(quoted, evidence="sample")
    firsthand = dataclasses.replace(quoted, evidence="price-page")
    own = dataclasses.replace(
        quoted, source=dataclasses.replace(quoted.source, key="price-book"), price_book="Ours"
    )
    found = [
        price_tables.source_cell(o.source, o.evidence).sub for o in (quoted, sample, firsthand, own)
    ]
    assert found == ["second hand", "second hand", "", ""]
    page = reader.get(f"/prices?provider={quoted.provider}&gpu={quoted.accelerator.key}").text
    assert '<span class="tag">second hand</span>' in page
    assert "second hand" in page[page.index('id="servers"') :]


def test_a_page_without_a_day_is_not_called_fresh(catalog: Catalog, h100: Offer) -> None:
    day, later = date(2026, 11, 20), date(2026, 11, 22)
    dated = dataclasses.replace(h100, valid_from=day, retrieved=later)
    undated = dataclasses.replace(h100, valid_from=day, retrieved=day)
    own = dataclasses.replace(
        undated, source=dataclasses.replace(h100.source, key="price-book"), price_book="Ours"
    )
    texts = [price_tables.day_cell(o, TODAY).text.replace("\u00a0", " ") for o in (dated, own)]
    assert texts == ["20 Nov 2026", "20 Nov 2026"]
    assert price_tables.day_cell(undated, TODAY).text == "read\u00a020\u00a0Nov\u00a02026"
    tables = {table.key: table for table in price_tables.fact_tables(catalog, TODAY)}
    server = next(s for s in catalog.servers if s.valid_from == s.retrieved)
    row = next(row for row in tables["servers"].rows if row[0].text == server.name)
    assert row[4].text.startswith("read\u00a0")
    # Read again on a later day, and still without one of its own.
    again = [o for o in catalog.ownership.values() if "not dated" in o.note]
    assert again
    labels = {row[0].text: row[3].text for row in tables["owning"].rows}
    assert all(labels[o.label].startswith("read\u00a0") for o in again)


def test_every_accelerator_is_listed_with_what_plans_rest_on(
    catalog: Catalog, reader: TestClient
) -> None:
    table = price_hardware.hardware_table(catalog.accelerators.values())
    assert len(table.rows) == len(catalog.accelerators)
    assert {len(row) for row in table.rows} == {len(table.columns)}
    planned = sum(a.can_be_planned for a in catalog.accelerators.values())
    assert table.text.startswith(f"{planned} of {len(catalog.accelerators)} can be planned on.")
    rows = {row[0].text: row for row in table.rows}
    h100 = [cell.text for cell in rows["NVIDIA H100 SXM 80 GB"]]
    assert h100[:6] == ["NVIDIA H100 SXM 80 GB", "yes", "80", "3,350", "989", "989"]
    assert rows["NVIDIA H100 SXM 80 GB"][9] == price_tables.FactCell("NVLink", "450")
    t4 = rows["NVIDIA T4 16 GB"]
    assert (t4[1].text, t4[1].sub, t4[4].text) == ("no", "no bf16 units", "—")
    assert rows["Google TPU v5e"][1].sub == "software of its own"
    assert sum(row[1].text == "yes" for row in table.rows) == planned
    document = _document(reader.get("/prices").text)
    assert document.ids()["accelerators"] == 1
