"""POST /api/v1/bridges: what each change moved, of scenarios and of links."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

ADDRESS = "/api/v1/bridges"
FIRST: dict[str, Any] = {"methods": ["full", "lora"], "draws": 1_000, "serving": "none"}
SECOND: dict[str, Any] = {**FIRST, "answers_per_month": 130_000, "engineer_week_usd": 4_000}


def test_two_scenarios(client: TestClient) -> None:
    answer = client.post(ADDRESS, json={"from": FIRST, "to": SECOND, "alone": True})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    found = answer.json()
    assert [step["key"] for step in found["steps"]] == ["engineer_week_usd", "answers_per_month"]
    assert found["steps"][1]["changes"] == [
        {
            "field": "answers_per_month",
            "label": "Answers a month",
            "before": 100_000.0,
            "after": 130_000.0,
        }
    ]
    assert [m["method"] for m in found["methods"]] == ["recommended", "full", "lora"]
    for method in found["methods"]:
        changes = [span["change_usd"] for span in method["spans"]]
        # Exactly, after a journey through JSON too.
        assert sum(changes) == method["change_usd"] == method["to_usd"] - method["from_usd"]
        assert all(span["alone_usd"] is not None for span in method["spans"])
    ends = [client.post("/api/v1/estimates", json=end).json() for end in (FIRST, SECOND)]
    for method in found["methods"][1:]:
        before, after = (
            next(m["npv_usd"]["mean"] for m in end["methods"] if m["method"] == method["method"])
            for end in ends
        )
        assert method["from_usd"] == pytest.approx(before, rel=1e-12)
        assert method["to_usd"] == pytest.approx(after, rel=1e-12)


def test_a_link_and_a_scenario(client: TestClient) -> None:
    token = client.post("/api/v1/scenarios", json=FIRST).json()["token"]
    found = client.post(ADDRESS, json={"from": token, "to": SECOND}).json()
    assert [step["key"] for step in found["steps"]] == ["engineer_week_usd", "answers_per_month"]
    assert found["methods"][0]["spans"][0]["alone_usd"] is None
    same = client.post(ADDRESS, json={"from": token, "to": token}).json()
    assert same == {"steps": [], "methods": [], "left_out": []}


def test_a_link_that_is_not_there(client: TestClient) -> None:
    answer = client.post(ADDRESS, json={"from": "A" * 32, "to": FIRST})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    saved = client.post("/api/v1/scenarios", json=FIRST).json()
    bearer = {"Authorization": f"Bearer {saved['workspace_key']}"}
    assert client.delete(f"/api/v1/scenarios/{saved['token']}", headers=bearer).status_code == 204
    assert client.post(ADDRESS, json={"from": FIRST, "to": saved["token"]}).status_code == 410


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (
            {"from": {"epochs": -1}, "to": {}},
            "/from/epochs",
            "From: Epochs must be more than 0 (got -1).",
        ),
        ({"from": {}, "to": {"lora_rnk": 1}}, "/to/lora_rnk", "is not a known field"),
        ({"from": {}, "to": {"model": "none/such"}}, "/to/model", "is not built in"),
        ({"from": "short", "to": {}}, "/from", "must be a scenario, or the token of a saved one"),
        ({"from": 3, "to": {}}, "/from", "must be a JSON object"),
        ({"to": {}}, "/from", "is missing"),
        ({"from": {}, "to": {}, "other": 1}, "/other", "is not a known field"),
        ({"from": {}, "to": {}, "alone": "maybe"}, "/alone", "must be true or false"),
    ],
)
def test_what_is_wrong_is_said_at_its_member(
    client: TestClient, body: dict[str, Any], pointer: str, said: str
) -> None:
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 422, answer.text
    problems = answer.json()["errors"]
    assert [problem["pointer"] for problem in problems] == [pointer]
    assert said in problems[0]["detail"]


def test_a_private_price_book_is_not_named(client: TestClient) -> None:
    made = client.post(
        "/api/v1/price-books", json={"name": "Ours", "base": "built-in", "discounts": "lambda, 50"}
    ).json()
    bearer = {"Authorization": f"Bearer {made['workspace_key']}"}
    reference = made["token"]
    saved = client.post(
        "/api/v1/scenarios", json={**FIRST, "price_book": reference}, headers=bearer
    ).json()
    body = {"from": saved["token"], "to": FIRST}
    [step] = client.post(ADDRESS, json=body).json()["steps"]
    assert step["changes"][0]["field"] == "price_book"
    assert step["changes"][0]["before"] is None
    [step] = client.post(ADDRESS, json=body, headers=bearer).json()["steps"]
    assert step["changes"][0]["before"] == f"{reference}@1"


def test_too_much_work_is_refused_at_the_members_that_make_it(client: TestClient) -> None:
    """100,000 draws over ten years, eleven changes, each alone as well: 20 estimates in between."""
    one = {"draws": 100_000, "horizon_months": 120, "methods": ["lora"], "serving": "none"}
    two = {
        **one, "epochs": 2, "lora_rank": 8, "experiments": 4, "max_gpus": 16,
        "engineer_weeks_adapter": 8, "engineer_week_usd": 4_000, "answers_per_month": 120_000,
        "test_set_size": 900, "examples": 60_000, "base_accuracy_points": 55,
        "discount_rate_percent": 8,
    }  # fmt: skip
    answer = client.post(ADDRESS, json={"from": one, "to": two, "alone": True})
    assert answer.status_code == 422, answer.text
    problems = {problem["pointer"]: problem["detail"] for problem in answer.json()["errors"]}
    assert set(problems) == {
        "/from/draws", "/from/horizon_months", "/to/draws", "/to/horizon_months",
    }  # fmt: skip
    assert "use fewer draws, such as 10,000," in problems["/to/draws"]
    assert "shorten the horizon" in problems["/to/horizon_months"]
