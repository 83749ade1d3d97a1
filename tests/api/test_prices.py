"""Prices, price books and today's numbers of a shared scenario, through the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.main import create_app
from app.settings import Settings
from tests.pricing_folder import PricingFolder

BOOKS = "/api/v1/price-books"
OFFERS = "/api/v1/offers"
PROBLEM = "application/problem+json"
P5 = "aws.p5-48xlarge.us-east-1.on-demand"
HEADER = (
    "provider,instance,accelerator,gpus_per_instance,region,purchase_option,"
    "usd_per_instance_hour,valid_from\n"
)
RATE = "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,40,2026-10-01\n"
OURS = {"name": "Ours", "base": "built-in", "discounts": "aws, 12", "rates": HEADER + RATE}
Rows = Callable[[], int]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(response: Any, status: int) -> dict[str, str]:
    """The problems of a problem+json answer, by pointer."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


@pytest.fixture
def made(client: TestClient) -> dict[str, Any]:
    """A price book, with the key of its workspace."""
    response = client.post(BOOKS, json=OURS)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    assert response.headers["location"] == f"{BOOKS}/{found['token']}"
    assert "no-store" in response.headers["cache-control"]
    return found


# ------------------------------------------------------------------ price books


def test_a_price_book_is_made_read_and_changed(client: TestClient, made: dict[str, Any]) -> None:
    address, key = f"{BOOKS}/{made['token']}", made["workspace_key"]
    read = client.get(address, headers=bearer(key)).json()
    assert {name: read[name] for name in ("name", "version", "rows", "owned")} == {
        "name": "Ours",
        "version": 1,
        "rows": 1,
        "owned": True,
    }
    assert read["discount_text"] == "aws, 12\n"
    assert read["discount_list"] == [{"provider": "aws", "purchase_option": "", "percent": "12"}]
    [row] = read["row_list"]
    assert (row["usd_per_instance_hour"], row["valid_from"]) == ("40", "2026-10-01")

    dearer = {**OURS, "rates": HEADER + RATE.replace(",40,", ",44,")}
    changed = client.put(address, json=dearer, headers=bearer(key))
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert client.put(address, json=dearer, headers=bearer(key)).json()["version"] == 2
    by_version = [
        client.get(address, params={"version": number}, headers=bearer(key)).json()
        for number in (1, 2)
    ]
    assert [found["row_list"][0]["usd_per_instance_hour"] for found in by_version] == ["40", "44"]
    assert [found["number"] for found in by_version[0]["versions"]] == [2, 1]

    expected = {
        "before_version": 1,
        "after_version": 2,
        "changes": [
            {
                "key": "aws / p5.48xlarge / us-east-1 / on-demand",
                "kind": "changed",
                "before_usd": 40.0,
                "after_usd": 44.0,
                "change_percent": 10.0,
                "before_valid_from": "2026-10-01",
                "after_valid_from": "2026-10-01",
            }
        ],
    }
    for query in ("", "?from=1&to=2", "?from=1"):
        assert client.get(f"{address}/changes{query}", headers=bearer(key)).json() == expected
    refused(client.get(f"{address}/changes?from=1&to=3", headers=bearer(key)), 404)
    assert client.get(BOOKS, headers=bearer(key)).json() == [changed.json()]


def test_rows_come_in_pages(client: TestClient) -> None:
    lines = [RATE.replace("us-east-1", f"r{n}") for n in range(5)]
    made = client.post(BOOKS, json={**OURS, "rates": HEADER + "".join(lines)}).json()
    address, key = f"{BOOKS}/{made['token']}", made["workspace_key"]
    found = client.get(f"{address}?limit=2&offset=3", headers=bearer(key)).json()
    assert [row["region"] for row in found["row_list"]] == ["r3", "r4"]
    assert found["rows"] == 5


def test_a_price_book_is_its_workspace_s_alone(client: TestClient, made: dict[str, Any]) -> None:
    address = f"{BOOKS}/{made['token']}"
    other = client.post(BOOKS, json=OURS).json()["workspace_key"]
    for headers in ({}, bearer("made-up"), bearer(other)):
        refused(client.get(address, headers=headers), 404)
        refused(client.get(f"{address}/changes", headers=headers), 404)
        refused(client.put(address, json=OURS, headers=headers), 404)
        refused(client.get(f"{OFFERS}?price_book={made['token']}", headers=headers), 404)
    for token in ("x", "A" * 32, "%00", "A" * 5000):
        refused(client.get(f"{BOOKS}/{token}"), 404)


def test_a_book_of_the_installation_is_read_only(client: TestClient, catalog: Catalog) -> None:
    from app.catalog.importers import read_rates

    rows = read_rates(
        HEADER + RATE,
        "Rates",
        accelerators=catalog.accelerators,
        providers=catalog.providers,
        today=date(2026, 11, 24),
    )
    books = client.app.state.price_books  # type: ignore[attr-defined]
    token = books.import_rows("imported", rows, providers=["aws"]).info.token
    [listed] = client.get(BOOKS).json()
    assert (listed["token"], listed["installation"], listed["owned"]) == (token, True, False)
    assert client.get(f"{BOOKS}/{token}").status_code == 200
    key = client.post(BOOKS, json=OURS).json()["workspace_key"]
    refused(client.put(f"{BOOKS}/{token}", json=OURS, headers=bearer(key)), 403)
    saved = client.post("/api/v1/scenarios", json={"price_book": token}).json()
    shared = client.get(f"/api/v1/scenarios/{saved['token']}").json()
    assert shared["scenario"]["price_book"] == f"{token}@1"
    offers = client.get(OFFERS, params={"price_book": token, "provider": "aws"}).json()
    assert {row["offer"]: row["usd_per_instance_hour"] for row in offers}[P5] == 40


@pytest.mark.parametrize(
    ("changed", "pointer", "said"),
    [
        ({"name": ""}, "/name", "1 to 80"),
        ({"base": "theirs"}, "/base", "built-in"),
        ({"discounts": "aws 12"}, "/discounts", "line 1"),
        ({"rates": HEADER + RATE + RATE}, "/rates", "line 3"),
        ({"rates": HEADER + RATE.replace(",40,", ",-40,")}, "/rates", "line 2"),
        ({"rates": 3}, "/rates", "text"),
        ({"surprise": 1}, "/surprise", "known"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_used(
    client: TestClient, rows: Rows, changed: dict[str, Any], pointer: str, said: str
) -> None:
    found = refused(client.post(BOOKS, json={**OURS, **changed}), 422)
    assert set(found) == {pointer}
    assert said in found[pointer]
    assert rows() == 0


def test_a_large_book_passes_and_a_huge_one_is_refused(client: TestClient, rows: Rows) -> None:
    lines = [RATE.replace("us-east-1", f"region-{n}") for n in range(6_000)]
    large = {**OURS, "rates": HEADER + "".join(lines)}
    assert "2,000" in refused(client.post(BOOKS, json=large), 422)["/rates"]
    assert rows() == 0
    key = client.post(BOOKS, json=OURS).json()["workspace_key"]
    made = client.post(BOOKS, json=large, headers=bearer(key))
    assert made.status_code == 201, made.text[:500]
    assert made.json()["rows"] == 6_000
    before = rows()
    refused(client.post(BOOKS, json={**OURS, "rates": "x" * (9 * 1024 * 1024)}), 413)
    assert rows() == before


# ------------------------------------------------------------------ use


def test_a_scenario_is_computed_with_a_price_book_and_pinned_to_it(
    client: TestClient, made: dict[str, Any], main_job: dict[str, Any]
) -> None:
    asked = {**main_job, "methods": ["full"], "providers": ["aws"], "price_book": made["token"]}
    key = bearer(made["workspace_key"])
    report = client.post("/api/v1/estimates", json=asked, headers=key).json()
    assert report["price_book"] == "Ours, version 1"
    assert report["methods"][0]["plan"]["price_book"] == "Ours, version 1"
    plans = client.post("/api/v1/plans", json=asked, headers=key).json()
    assert plans["methods"][0]["plan"]["price_book"] == "Ours, version 1"
    saved = client.post("/api/v1/scenarios", json=asked, headers=key).json()
    assert saved["scenario"]["price_book"] == f"{made['token']}@1"
    client.put(
        f"{BOOKS}/{made['token']}", json={**OURS, "discounts": "aws, 5", "rates": ""}, headers=key
    )
    found = client.get(f"/api/v1/scenarios/{saved['token']}/today", headers=key).json()
    assert found["before"]["price_book"] == "Ours, version 1"
    assert found["after"]["price_book"] == "Ours, version 2"
    assert found["newer_version"] == 2
    assert found["changes"]
    pinned = client.get(f"/api/v1/scenarios/{saved['token']}/today").json()
    assert pinned["after"]["methods"] == pinned["before"]["methods"]
    assert (pinned["newer_version"], pinned["changes"]) == (None, [])
    newest = client.post("/api/v1/estimates", json=asked, headers=key).json()
    assert newest["price_book"] == "Ours, version 2"


def test_a_link_hands_out_its_numbers_and_not_its_price_book(
    client: TestClient, made: dict[str, Any]
) -> None:
    book, key = made["token"], bearer(made["workspace_key"])
    asked = {"methods": ["full"], "providers": ["aws"], "price_book": book}
    saved = client.post("/api/v1/scenarios", json=asked, headers=key).json()
    client.put(f"{BOOKS}/{book}", json={**OURS, "discounts": "aws, 5"}, headers=key)
    address = f"/api/v1/scenarios/{saved['token']}"
    other = client.post(BOOKS, json=OURS).json()["workspace_key"]
    assert client.get(address, headers=key).json()["scenario"]["price_book"] == f"{book}@1"
    for headers in ({}, bearer(other), bearer("made-up"), bearer(book)):
        shared = client.get(address, headers=headers)
        assert shared.json()["scenario"]["price_book"] == ""
        assert shared.json()["report"] == saved["report"]
        today = client.get(f"{address}/today", headers=headers)
        assert today.json()["after"]["price_book"] == "Ours, version 1"
        assert today.json()["newer_version"] is None
        assert book not in shared.text + today.text
    assert client.get(f"{address}/today", headers=key).json()["newer_version"] == 2


@pytest.mark.parametrize("withdrawn", [False, True], ids=["shared", "withdrawn"])
def test_a_token_of_a_price_book_opens_nothing(
    client: TestClient, made: dict[str, Any], rows: Rows, withdrawn: bool
) -> None:
    """Whoever has seen it cannot compute with the book, or with what it becomes."""
    key = bearer(made["workspace_key"])
    asked = {"methods": ["full"], "providers": ["aws"], "price_book": made["token"]}
    saved = client.post("/api/v1/scenarios", json=asked, headers=key).json()
    if withdrawn:
        assert client.delete(f"/api/v1/scenarios/{saved['token']}", headers=key).is_success
    other = bearer(client.post(BOOKS, json=OURS).json()["workspace_key"])
    before = rows()
    for reference in (made["token"], f"{made['token']}@1"):
        body = {**asked, "price_book": reference}
        for headers in ({}, other):
            answers = [
                client.post(f"/api/v1/{path}", json=body, headers=headers)
                for path in ("estimates", "plans", "scenarios")
            ]
            query = {"price_book": reference}
            answers.append(client.get("/api/v1/plans", params=query, headers=headers))
            for answer in answers:
                found = refused(answer, 422)
                assert set(found) == {"/price_book"}
                assert "share the link, or choose other prices" in found["/price_book"]
            refused(client.get(OFFERS, params=query, headers=headers), 404)
        read = client.get("/api/v1/plans", params={"price_book": reference}, headers=key)
        assert read.json()["price_book"] == "Ours, version 1"
    assert rows() == before


@pytest.mark.parametrize("reference", ["A" * 32, "A" * 32 + "@1"])
@pytest.mark.parametrize("url", ["/api/v1/estimates", "/api/v1/scenarios", "/api/v1/plans"])
def test_an_unknown_price_book(client: TestClient, rows: Rows, url: str, reference: str) -> None:
    assert set(refused(client.post(url, json={"price_book": reference}), 422)) == {"/price_book"}
    assert rows() == 0


def test_offers_of_a_price_book(client: TestClient, made: dict[str, Any]) -> None:
    headers = bearer(made["workspace_key"])
    for reference in (made["token"], f"{made['token']}@1"):
        query = {"price_book": reference, "provider": "aws", "purchase_option": "on-demand"}
        found = {
            row["offer"]: row for row in client.get(OFFERS, params=query, headers=headers).json()
        }
        own = found.pop(P5)
        assert (own["usd_per_instance_hour"], own["list_usd_per_instance_hour"]) == (40, 55.04)
        assert own["discount_percent"] == pytest.approx(100 * (1 - 40 / 55.04), abs=1e-5)
        assert own["price_book"] == "Ours, version 1"
        assert {row["discount_percent"] for row in found.values()} == {12}
    for wrong in (f"{made['token']}@2", f"{made['token']}@x", "nobody"):
        refused(client.get(OFFERS, params={"price_book": wrong}, headers=headers), 404)


def test_offers_come_in_pages(client: TestClient, catalog: Catalog) -> None:
    keys = [offer.key for offer in catalog.listed]
    found = client.get(OFFERS, params={"limit": 7, "offset": 3}).json()
    assert [row["offer"] for row in found] == keys[3:10]
    assert client.get(OFFERS, params={"offset": len(keys)}).json() == []
    refused(client.get(OFFERS, params={"limit": 0}), 422)


def test_an_offer_says_what_its_price_is_worth(client: TestClient, catalog: Catalog) -> None:
    found = {row["offer"]: row for row in client.get(OFFERS).json()}
    today = datetime.now(UTC).date()
    for offer in catalog.listed:
        row = found[offer.key]
        assert row["age_days"] == (today - offer.valid_from).days
        assert (row["trainable"], row["planned"]) == (offer.trainable, offer.can_be_planned)
        assert row["source"]["title"]
        assert (row["list_usd_per_instance_hour"], row["discount_percent"]) == (None, 0)


def test_market_facts(client: TestClient, catalog: Catalog) -> None:
    managed = client.get("/api/v1/prices/managed").json()
    assert [row["managed"] for row in managed] == [price.key for price in catalog.managed]
    servers = client.get("/api/v1/prices/servers").json()
    assert [row["server"] for row in servers] == [server.key for server in catalog.servers]
    rates = {row["currency"]: row for row in client.get("/api/v1/prices/exchange-rates").json()}
    assert set(rates) == set(catalog.exchange_rates)
    assert (rates["USD"]["per_usd"], rates["JPY"]["digits"]) == (1, 0)
    for row in [*managed, *servers, *rates.values()]:
        assert row["valid_from"]
        assert row["age_days"] >= 0
        assert row["source"]["title"]


# ------------------------------------------------------------------ then and today


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[tuple[TestClient, PricingFolder]]:
    """An application of its own, with tables that a test may change."""
    pricing = PricingFolder(tmp_path)
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'own.sqlite3'}")
    application = create_app(settings)
    application.state.catalog = pricing.load()
    with TestClient(application, base_url="http://localhost") as client:
        yield client, pricing


def test_a_scenario_saved_before_a_price_change(
    changing: tuple[TestClient, PricingFolder],
) -> None:
    client, pricing = changing
    offer = "lambda.gpu-8x-h100-sxm5.all.on-demand"
    asked = {"methods": ["full"], "providers": ["lambda"], "accelerators": ["H100-SXM-80GB"]}
    saved = client.post("/api/v1/scenarios", json=asked).json()
    address = f"/api/v1/scenarios/{saved['token']}"
    assert saved["report"]["methods"][0]["plan"]["offer_key"] == offer
    day = datetime.now(UTC).date()
    pricing.append(offer, "28.728", day)
    client.app.state.catalog = pricing.load()  # type: ignore[attr-defined]

    assert client.get(address).json()["report"] == saved["report"]
    found = client.get(f"{address}/today").json()
    assert found["before"] == saved["report"]
    before, after = (found[side]["methods"][0]["plan"] for side in ("before", "after"))
    assert (before["usd_per_instance_hour"], after["usd_per_instance_hour"]) == (31.92, 28.728)
    assert after["usd"] == pytest.approx(before["usd"] * 0.9)
    [change] = found["changes"]
    assert change["key"] == offer
    assert (change["before_usd"], change["after_usd"]) == (31.92, 28.728)
    assert change["change_percent"] == -10
    assert change["after_valid_from"] == day.isoformat()
    assert (found["all_changes"], found["snapshot_known"]) == (1, True)


def test_today_of_an_unknown_or_withdrawn_scenario(client: TestClient) -> None:
    refused(client.get(f"/api/v1/scenarios/{'A' * 32}/today"), 404)
    saved = client.post("/api/v1/scenarios", json={}).json()
    address = f"/api/v1/scenarios/{saved['token']}"
    client.delete(address, headers=bearer(saved["workspace_key"]))
    refused(client.get(f"{address}/today"), 410)
