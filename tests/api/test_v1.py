"""Every route of the API, what it refuses, and that all ways in give the same answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

from app.catalog.catalog import Catalog
from app.cli import main
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.settings import Settings

ESTIMATES = "/api/v1/estimates"
SCENARIOS = "/api/v1/scenarios"
PROBLEM = "application/problem+json"
Rows = Callable[[], int]


def pointers(response: Any, status: int) -> dict[str, str]:
    """The problems of a problem+json answer, by pointer."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    body = response.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"].endswith(".")
    assert "Traceback" not in response.text
    return {error["pointer"]: error["detail"] for error in body["errors"]}


def without_day(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what changes at midnight."""
    text = json.dumps({**report, "as_of": None})
    return json.loads(
        text,
        object_hook=lambda found: {k: v for k, v in found.items() if k != "price_age_days"},
    )


def test_all_ways_in_give_the_same_answer(
    client: TestClient, catalog: Catalog, main_job: dict[str, Any], rows: Rows, tmp_path: Path
) -> None:
    response = client.post(ESTIMATES, json=main_job)
    assert response.status_code == 200
    by_api = without_day(response.json())
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(main_job))
    printed = CliRunner().invoke(main, ["estimate", str(file), "--json"])
    assert printed.exit_code == 0
    report = estimate(ScenarioInput.model_validate(main_job), catalog, datetime.now(UTC).date())
    assert by_api == without_day(json.loads(printed.stdout))
    assert by_api == without_day(json.loads(TypeAdapter(Report).dump_json(report)))
    assert [method["method"] for method in by_api["methods"]] == ["full", "lora", "qlora"]
    assert rows() == 0


def test_every_field_has_a_default(client: TestClient) -> None:
    assert client.post(ESTIMATES, json={}).status_code == 200


def test_a_saved_scenario_is_read_back_bit_for_bit(
    client: TestClient, main_job: dict[str, Any], rows: Rows
) -> None:
    saved = client.post(SCENARIOS, json=main_job)
    assert saved.status_code == 201
    body = saved.json()
    key = body.pop("workspace_key")
    assert key
    assert saved.headers["location"] == f"{SCENARIOS}/{body['token']}"
    read = client.get(saved.headers["location"])
    assert read.status_code == 200
    # Not only equal: the same digits of every number.
    assert json.dumps(read.json()) == json.dumps(body)
    assert "workspace_key" not in read.json()
    assert body["path"] == f"/s/{body['token']}"
    assert body["title"] == "Legal documents"
    assert without_day(body["report"]) == without_day(client.post(ESTIMATES, json=main_job).json())
    assert rows() == 2
    for response in (saved, read):
        assert "no-store" in response.headers["cache-control"]


def test_a_workspace_is_kept_with_its_key(client: TestClient, rows: Rows) -> None:
    key = client.post(SCENARIOS, json={}).json()["workspace_key"]
    again = client.post(SCENARIOS, json={}, headers={"Authorization": f"Bearer {key}"})
    assert again.json()["workspace_key"] is None
    assert rows() == 3  # one workspace, two scenarios
    stranger = client.post(SCENARIOS, json={}, headers={"Authorization": "Bearer made-up"})
    assert stranger.json()["workspace_key"] not in (None, "made-up", key)


def test_withdrawing(client: TestClient) -> None:
    first, other = (client.post(SCENARIOS, json={}).json() for _ in range(2))
    url = f"{SCENARIOS}/{first['token']}"

    def bearer(key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    pointers(client.delete(url), 403)
    pointers(client.delete(url, headers=bearer(other["workspace_key"])), 403)
    pointers(client.delete(url, headers={"Authorization": "Basic eDp5"}), 403)
    assert client.get(url).status_code == 200
    for _ in range(2):
        gone = client.delete(url, headers=bearer(first["workspace_key"]))
        assert gone.status_code == 204
        assert gone.content == b""
    pointers(client.get(url), 410)
    assert client.get(f"{SCENARIOS}/{other['token']}").status_code == 200


@pytest.mark.parametrize("token", ["x", "A" * 32, "%00", "A" * 5000, "..%2F..", "é"])
def test_an_unknown_token(client: TestClient, token: str) -> None:
    pointers(client.get(f"{SCENARIOS}/{token}"), 404)
    pointers(client.delete(f"{SCENARIOS}/{token}"), 404)


@pytest.mark.parametrize("url", [ESTIMATES, SCENARIOS])
@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"methods": []}, "/methods"),
        ({"methods": ["dora"]}, "/methods/0"),
        ({"model": "nobody/nothing"}, "/model"),
        ({"epoch": 3}, "/epoch"),
        ({"examples": -1}, "/examples"),
        ({"epochs": "1e309"}, "/epochs"),
        ({"accelerators": ["H100"]}, "/accelerators/0"),
        ({"providers": ["nobody"]}, "/providers/0"),
        ({"lora_targets": "w_pack"}, "/lora_targets"),
        ({"assumptions": {"no_such": 1}}, "/assumptions/no_such"),
        ({"assumptions": {"software_overhead": 1e6}}, "/assumptions/software_overhead"),
        ({"config_json": {"model_type": "mamba"}}, "/config_json/model_type"),
        ({"config_json": "{"}, "/config_json"),
        ({"max_gpus": 1, "methods": ["full"], "accelerators": ["L4-24GB"]}, "/max_gpus"),
        ([], ""),
        ("text", ""),
        (None, ""),
        (3, ""),
    ],
)
def test_refused_at_its_member(
    client: TestClient, rows: Rows, url: str, document: Any, pointer: str
) -> None:
    found = pointers(client.post(url, json=document), 422)
    assert set(found) == {pointer}
    assert found[pointer].endswith(".")
    assert "Input should" not in found[pointer]
    assert rows() == 0


@pytest.mark.parametrize("url", [ESTIMATES, SCENARIOS])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"epochs": NaN}', "/epochs"),
        (b'{"epochs": Infinity}', "/epochs"),
        (b'{"epochs": -Infinity}', "/epochs"),
        (b'{"epochs": 1e309}', "/epochs"),
        (b'{"examples": 1e309}', "/examples"),
        (b'{"assumptions": {"software_overhead": NaN}}', "/assumptions/software_overhead"),
    ],
)
def test_numbers_that_json_does_not_have(
    client: TestClient, rows: Rows, url: str, body: bytes, pointer: str
) -> None:
    response = client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert set(pointers(response, 422)) == {pointer}
    assert rows() == 0


def test_several_problems_at_once(client: TestClient) -> None:
    found = pointers(client.post(ESTIMATES, json={"epochs": 0, "seed": -1, "x": 1}), 422)
    assert set(found) == {"/epochs", "/seed", "/x"}


@pytest.mark.parametrize("url", [ESTIMATES, SCENARIOS])
@pytest.mark.parametrize(
    "body",
    [b"{", b"{'a': 1}", b'{"epochs": }', b"\xff\xfe{}", b"[" * 100_000, b'{"seed": ' + b"9" * 9000],
    ids=["cut", "quotes", "gap", "bytes", "deep", "digits"],
)
def test_malformed_json(client: TestClient, rows: Rows, url: str, body: bytes) -> None:
    response = client.post(url, content=body, headers={"Content-Type": "application/json"})
    assert pointers(response, 400) == {}
    assert rows() == 0


@pytest.mark.parametrize("depth", [50, 200, 400, 900])
@pytest.mark.parametrize("url", [ESTIMATES, SCENARIOS])
def test_deep_nesting_is_answered(
    client: TestClient, rows: Rows, catalog: Catalog, url: str, depth: int
) -> None:
    """Within a config.json that is otherwise fine: either it works, or it is refused."""
    nested: Any = 1
    for _ in range(depth):
        nested = {"a": nested}
    config = {
        "model_type": "llama",
        "hidden_size": 4096,
        "intermediate_size": 14336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128256,
        "rope_scaling": nested,
    }
    response = client.post(url, json={"config_json": config})
    if response.status_code in (200, 201):
        if url == SCENARIOS:
            assert client.get(response.headers["location"]).status_code == 200
        return
    pointers(response, response.status_code)
    assert response.status_code in (400, 422)
    assert rows() == 0


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_wrong_content_type(client: TestClient, rows: Rows, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = client.post(ESTIMATES, content=b'{"epochs": 3}', headers=headers)
    found = pointers(response, response.status_code)
    assert response.status_code in (415, 422)
    said = " ".join((response.json()["detail"], *found.values()))
    assert "application/json" in said or "JSON object" in said
    assert rows() == 0


def test_no_body(client: TestClient) -> None:
    assert set(pointers(client.post(ESTIMATES), 422)) == {""}


def test_too_large(client: TestClient, rows: Rows, settings: Settings) -> None:
    body = b'{"title": "' + b"x" * settings.max_body_bytes + b'"}'
    response = client.post(SCENARIOS, content=body, headers={"Content-Type": "application/json"})
    assert pointers(response, 413) == {}
    assert rows() == 0


def test_from_another_site(client: TestClient, rows: Rows) -> None:
    pointers(client.post(SCENARIOS, json={}, headers={"Sec-Fetch-Site": "cross-site"}), 403)
    assert rows() == 0


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ESTIMATES, "POST"),
        ("DELETE", ESTIMATES, "POST"),
        ("PUT", SCENARIOS, "POST"),
        ("POST", "/api/v1/models", "GET"),
    ],
)
def test_a_method_that_is_not_there(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = client.request(method, path)
    pointers(response, 405)
    assert allowed in response.headers["allow"]


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v2/estimates", "/api/", "/api/v1/"])
def test_a_path_that_is_not_there(client: TestClient, path: str) -> None:
    pointers(client.get(path), 404)


def test_models(client: TestClient, catalog: Catalog) -> None:
    found = {row["model"]: row for row in client.get("/api/v1/models").json()}
    assert list(found) == list(catalog.models)
    llama = found["meta-llama/Meta-Llama-3.1-8B"]
    assert llama["parameters"] == 8_030_261_248
    assert llama["source"]["title"]


def test_accelerators(client: TestClient, catalog: Catalog) -> None:
    found = {row["accelerator"]: row for row in client.get("/api/v1/accelerators").json()}
    assert list(found) == list(catalog.accelerators)
    assert found["H100-SXM-80GB"]["memory_gib"] == 80
    assert found["H100-SXM-80GB"]["bf16_dense_tflop_per_s"] == pytest.approx(989, abs=1)


def test_offers_and_their_filters(client: TestClient, catalog: Catalog) -> None:
    every = client.get("/api/v1/offers").json()
    assert [row["offer"] for row in every] == [offer.key for offer in catalog.listed]
    for field, value in (
        ("accelerator", "H100-SXM-80GB"),
        ("provider", "aws"),
        ("tier", "list"),
        ("region", "us-east-1"),
        ("purchase_option", "spot"),
        ("planned", True),
        ("planned", False),
    ):
        some = client.get("/api/v1/offers", params={field: value}).json()
        assert some == [row for row in every if row[field] == value]
        assert 0 < len(some) < len(every)
    both = client.get("/api/v1/offers?provider=aws&accelerator=H100-SXM-80GB").json()
    assert {(row["provider"], row["accelerator"]) for row in both} == {("aws", "H100-SXM-80GB")}
    assert client.get("/api/v1/offers?provider=nobody").json() == []
    for row in every:
        assert row["usd_per_gpu_hour"] * row["gpus_per_instance"] == pytest.approx(
            row["usd_per_instance_hour"]
        )


def test_an_unexpected_error_is_a_problem_too(settings: Settings) -> None:
    from app.main import create_app

    application = create_app(settings)

    def fails() -> None:
        raise RuntimeError("secret detail")

    application.add_api_route("/api/v1/fails", fails)
    with TestClient(application, raise_server_exceptions=False) as client:
        response = client.get("/api/v1/fails")
    pointers(response, 500)
    assert "secret" not in response.text


PLANS = "/api/v1/plans"


def test_plans_hold_the_frontier_and_recipes(client: TestClient, main_job: dict[str, Any]) -> None:
    body = client.post(PLANS, json=main_job).json()
    report = client.post(ESTIMATES, json=main_job).json()
    for found, reported in zip(body["methods"], report["methods"], strict=True):
        assert found["plan"] == reported["plan"]
        assert found["frontier"] == reported["frontier"]
        hours = [point["hours"] for point in found["frontier"]]
        assert hours == sorted(hours, reverse=True)
        assert found["recipe_refused"] == ""
        assert found["recipe"]["files"][0]["name"] == "settings.txt"
        said = {setting["field"]: setting["value"] for setting in found["recipe"]["settings"]}
        assert said["micro_batch"] == str(found["plan"]["micro_batch"])
        assert said["model"] == "'meta-llama/Meta-Llama-3.1-8B'"


def test_plans_by_address_are_those_by_body(client: TestClient, main_job: dict[str, Any]) -> None:
    query = ScenarioInput.model_validate(main_job).to_query()
    by_address = client.get(f"{PLANS}?{query}&provider=aws")
    by_body = client.post(f"{PLANS}?provider=aws", json=main_job)
    assert by_address.status_code == by_body.status_code == 200
    assert without_day(by_address.json()) == without_day(by_body.json())
    offers = {
        p["offer_key"].split(".")[0] for m in by_body.json()["methods"] for p in m["frontier"]
    }
    assert offers == {"aws"}


def test_plans_of_one_way_to_pay(client: TestClient, main_job: dict[str, Any]) -> None:
    asked = {**main_job, "methods": ["lora"], "include_spot": True}
    [found] = client.post(f"{PLANS}?option=spot", json=asked).json()["methods"]
    assert {plan["purchase_option"] for plan in found["frontier"]} == {"spot"}


def test_plans_refuse_what_cannot_be_used(client: TestClient) -> None:
    assert "/epochs" in pointers(client.get(f"{PLANS}?epochs=x"), 422)
    assert "/region" in pointers(client.post(f"{PLANS}?region=nowhere", json={}), 422)
    assert "/option" in pointers(client.post(f"{PLANS}?option=spot", json={}), 422)
    assert "/model" in pointers(client.post(PLANS, json={"model": "nobody/nothing"}), 422)
