"""Actual spend through the API: upload, read beside the plan, remove."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.api.actuals import EXAMPLE_CSV, LARGEST_ACTUALS_BYTES

PROBLEM = "application/problem+json"
CSV = {"Content-Type": "text/csv; charset=utf-8"}
NOBODY = "A" * 32
SPEND = EXAMPLE_CSV.replace("2027-", "2025-")
"""The example, of months that have begun."""
Rows = Callable[[], int]


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def refused(response: Any, status: int) -> dict[str, str]:
    """The problems of a problem+json answer, by pointer."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    return {error["pointer"]: error["detail"] for error in response.json()["errors"]}


@pytest.fixture(scope="module")
def saved(client: TestClient) -> dict[str, Any]:
    """A scenario that begins in January 2025, with the key of its workspace."""
    scenario = {"start_month": "2025-01", "horizon_months": 12, "currency": "EUR"}
    response = client.post("/api/v1/scenarios", json=scenario)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


@pytest.fixture
def address(saved: dict[str, Any]) -> str:
    return f"/api/v1/scenarios/{saved['token']}/actuals"


@pytest.fixture
def key(client: TestClient, saved: dict[str, Any], address: str) -> dict[str, str]:
    """The header of the owner; nothing is uploaded yet."""
    header = bearer(saved["workspace_key"])
    assert client.delete(address, headers=header).status_code == 204
    return header


def test_the_example_is_read_beside_the_plan(
    client: TestClient, saved: dict[str, Any], address: str, key: dict[str, str]
) -> None:
    response = client.put(address, content=SPEND, headers=key | CSV)
    assert response.status_code == 200, response.text
    assert "no-store" in response.headers["cache-control"]
    found = response.json()
    assert client.get(address, headers=key).json() == found
    assert found["path"] == f"/s/{saved['token']}/actuals"
    assert found["method"] == saved["report"]["verdict"]["choice"]
    assert found["rows"][0] == {
        "month": "2025-01",
        "category": "people",
        "amount": "30250.00",
        "currency": "USD",
        "note": "",
    }
    variance = found["variance"]
    assert variance["to_date"]["actual_usd"] == 31454.5
    assert len(variance["months"]) == 12
    assert [m["compared"] is None for m in variance["months"]] == [False] + [True] * 11
    money = next(m for m in saved["report"]["methods"] if m["method"] == found["method"])["money"]
    assert variance["months"][0]["planned_usd"] == pytest.approx(sum(money["cost_by_month"][:2]))


def test_json_rows_are_the_same_spend(
    client: TestClient, saved: dict[str, Any], address: str, key: dict[str, str]
) -> None:
    rows = [
        {"month": "2025-01-31", "category": "People", "amount": "30250.00"},
        {"month": "2025-01", "category": "serving", "amount": 1204.5, "currency": "usd"},
        {"month": "2025-02", "amount": -10, "currency": "EUR", "note": "credit"},
    ]
    response = client.put(
        address, json={"rows": rows}, params={"method": "full", "shown": True}, headers=key
    )
    assert response.status_code == 200, response.text
    found = response.json()
    assert (found["method"], found["shown"], found["kind"]) == ("full", True, "plain")
    assert [row["month"] for row in found["rows"]] == ["2025-01", "2025-01", "2025-02"]
    rate = saved["report"]["currency"]["per_usd"]
    assert found["variance"]["to_date"]["actual_usd"] == pytest.approx(31454.5 - 10 / rate)


def test_others_see_it_only_where_it_is_shown(
    client: TestClient, address: str, key: dict[str, str]
) -> None:
    refused(client.get(address, headers=key), 404)
    client.put(address, content=SPEND, headers=key | CSV)
    refused(client.get(address), 404)
    refused(client.get(address, headers=bearer(NOBODY)), 404)
    client.put(address, content=SPEND, params={"shown": True}, headers=key | CSV)
    assert client.get(address).status_code == 200
    assert client.delete(address, headers=key).status_code == 204
    refused(client.get(address), 404)


@pytest.mark.parametrize(
    ("content", "headers", "status", "pointer", "said"),
    [
        ("month,amount_usd\n2025-01,x\n", CSV, 422, "/file", "body line 2, amount_usd: 'x'"),
        ("month,amount_usd\n2025-01,1\n", {"Content-Type": "text/html"}, 415, "", ""),
        ("{", {"Content-Type": "application/json"}, 400, "", ""),
        ("[" * 100_000, {"Content-Type": "application/json"}, 400, "", ""),
        (b"\xff", {"Content-Type": "application/json"}, 400, "", ""),
        ("{}", {"Content-Type": "application/json"}, 422, "/rows", "is missing"),
        ('{"rows": []}', {"Content-Type": "application/json"}, 422, "/rows", "at least one"),
        (
            '{"rows": [{"month": "soon", "amount": 1}]}',
            {"Content-Type": "application/json"},
            422,
            "/rows/0/month",
            "'soon' is not a month",
        ),
        (
            '{"rows": [{"month": "2025-01", "amount": NaN}]}',
            {"Content-Type": "application/json"},
            422,
            "/rows/0/amount",
            "'nan' is not an amount",
        ),
        (
            '{"rows": [{"month": "2025-01", "amount": true}]}',
            {"Content-Type": "application/json"},
            422,
            "/rows/0/amount",
            "must be a number",
        ),
        (
            '{"rows": [{"month": "2025-01", "amount": 1}, '
            '{"month": "2025-01", "amount": 1, "currency": "GBP"}]}',
            {"Content-Type": "application/json"},
            422,
            "/rows/1/currency",
            "'GBP' cannot be converted",
        ),
        (
            '{"rows": [{"month": "2025-01", "amount": 1, "category": "gpu"}]}',
            {"Content-Type": "application/json"},
            422,
            "/rows/0/category",
            "'gpu' is not one of",
        ),
    ],
    ids=[
        *("an amount", "HTML", "half an object", "nested", "no text", "no rows", "none", "a month"),
        *("not a number", "a truth", "a currency", "a category"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_written(
    client: TestClient,
    address: str,
    key: dict[str, str],
    rows: Rows,
    content: str | bytes,
    headers: dict[str, str],
    status: int,
    pointer: str,
    said: str,
) -> None:
    problems = refused(client.put(address, content=content, headers=key | headers), status)
    if pointer:
        assert said in problems[pointer]
        assert "(got" not in problems[pointer]
    assert rows() <= 0
    refused(client.get(address, headers=key), 404)


def test_what_is_not_said_again_stays_as_it_was(
    client: TestClient, address: str, key: dict[str, str]
) -> None:
    asked = {"method": "qlora", "shown": True}
    client.put(address, content=SPEND, params=asked, headers=key | CSV)
    again = client.put(address, content=SPEND, headers=key | CSV).json()
    assert (again["method"], again["shown"]) == ("qlora", True)
    other = {"method": "full", "shown": False}
    said = client.put(address, content=SPEND, params=other, headers=key | CSV).json()
    assert (said["method"], said["shown"]) == ("full", False)


def test_a_result_of_an_earlier_version_has_no_plan(
    client: TestClient, address: str, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the feeds answer."""
    service = client.app.state.scenarios  # type: ignore[attr-defined]
    found = service.get(address.split("/")[-2])
    old = replace(found, report=replace(found.report, timeline=None))
    monkeypatch.setattr(service, "get", lambda _: old)
    for response in (
        client.put(address, content=SPEND, headers=key | CSV),
        client.get(address.replace("actuals", "lines")),
    ):
        refused(response, 409)
        assert "save it anew" in response.json()["detail"]


def test_an_unknown_method_is_refused(
    client: TestClient, address: str, key: dict[str, str]
) -> None:
    response = client.put(address, content=SPEND, params={"method": "dora"}, headers=key | CSV)
    assert "full, lora, qlora" in refused(response, 422)["/method"]


def test_only_the_owner_may_change_it(
    client: TestClient, address: str, key: dict[str, str]
) -> None:
    for headers in ({}, bearer(NOBODY)):
        refused(client.put(address, content=SPEND, headers=headers | CSV), 403)
        refused(client.delete(address, headers=headers), 403)
    unknown = f"/api/v1/scenarios/{NOBODY}/actuals"
    refused(client.put(unknown, content=SPEND, headers=key | CSV), 404)
    refused(client.get(unknown, headers=key), 404)
    refused(client.delete(unknown, headers=key), 404)


def test_a_withdrawn_scenario_has_no_spend(client: TestClient) -> None:
    made = client.post("/api/v1/scenarios", json={"start_month": "2025-01"}).json()
    header = bearer(made["workspace_key"])
    address = f"/api/v1/scenarios/{made['token']}"
    assert client.put(f"{address}/actuals", content=SPEND, headers=header | CSV).is_success
    assert client.delete(address, headers=header).status_code == 204
    refused(client.get(f"{address}/actuals", headers=header), 410)
    refused(client.put(f"{address}/actuals", content=SPEND, headers=header | CSV), 410)


def test_a_file_that_is_too_long_is_refused(
    client: TestClient, address: str, key: dict[str, str]
) -> None:
    long = b"x" * (LARGEST_ACTUALS_BYTES + 1)
    refused(client.put(address, content=long, headers=key | CSV), 413)
    little = b"month,amount_usd\n" + b"2025-01,1\n" * (LARGEST_ACTUALS_BYTES // 10 - 100)
    problems = refused(client.put(address, content=little, headers=key | CSV), 422)
    assert "MiB" in problems["/file"]


def test_another_site_cannot_upload(client: TestClient, address: str, key: dict[str, str]) -> None:
    elsewhere = key | CSV | {"Sec-Fetch-Site": "cross-site"}
    refused(client.put(address, content=SPEND, headers=elsewhere), 403)
