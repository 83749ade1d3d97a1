"""The money of a saved scenario by the API: records as in the CSV, problems as problem+json."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.exports.feeds import FEEDS
from app.services.scenarios import ScenarioService, SharedScenario


@pytest.fixture(scope="module")
def token(client: TestClient) -> str:
    """A saved scenario."""
    body = {"title": "-1+1", "methods": ["full", "lora"], "tax_percent": 20}
    saved: dict[str, Any] = client.post("/api/v1/scenarios", json=body).json()
    return str(saved["token"])


@pytest.mark.parametrize("name", [*FEEDS, "focus"])
def test_the_records_are_those_of_the_file(client: TestClient, token: str, name: str) -> None:
    response = client.get(f"/api/v1/scenarios/{token}/{name}")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    records = response.json()
    assert records == client.get(f"/s/{token}/{name}.json").json()
    text = client.get(f"/s/{token}/{name}.csv").text
    assert list(records[0]) == next(csv.reader(io.StringIO(text)))


def test_the_records_of_a_feed_are_typed(client: TestClient) -> None:
    schemas = client.get("/api/v1/openapi.json").json()["components"]["schemas"]
    properties = schemas["CashFlowRow"]["properties"]
    assert tuple(properties) == FEEDS["cash-flow"].columns
    assert properties["month"]["type"] == "integer"
    assert properties["net_usd"]["type"] == "number"


def test_focus_takes_version_method_and_scope(client: TestClient, token: str) -> None:
    asked = {"version": "1.4", "method": "full", "scope": "provider"}
    records = client.get(f"/api/v1/scenarios/{token}/focus", params=asked).json()
    assert {(r["x_Method"], r["x_CostScope"], r["x_FocusVersion"]) for r in records} == {
        ("full", "provider", "1.4")
    }
    assert all(record["x_IsProjection"] is True for record in records)


@pytest.mark.parametrize("field", ["version", "method", "scope"])
def test_what_is_not_there_is_a_problem_at_its_field(
    client: TestClient, token: str, field: str
) -> None:
    response = client.get(f"/api/v1/scenarios/{token}/focus", params={field: "zzz"})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    (problem,) = response.json()["errors"]
    assert problem["pointer"] == f"/{field}"
    assert "choose" in problem["detail"]


@pytest.mark.parametrize("name", [*FEEDS, "focus"])
def test_no_such_scenario_and_no_money(
    client: TestClient, token: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get(f"/api/v1/scenarios/{'x' * 22}/{name}").status_code == 404
    read = ScenarioService.get

    def older(service: ScenarioService, token: str) -> SharedScenario:
        found = read(service, token)
        return replace(found, report=replace(found.report, timeline=None))

    monkeypatch.setattr(ScenarioService, "get", older)
    response = client.get(f"/api/v1/scenarios/{token}/{name}")
    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "save it anew" in response.json()["detail"]
