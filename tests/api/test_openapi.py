"""The description of the API: it is valid, its examples work, and what it says is what is sent."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis.checks import load_all_checks
from schemathesis.generation import GenerationMode

OPENAPI = "/api/v1/openapi.json"


@pytest.fixture(scope="module")
def application(client: TestClient) -> FastAPI:
    """The application, started."""
    app = client.app
    assert isinstance(app, FastAPI)
    return app


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    """The OpenAPI document."""
    found: dict[str, Any] = client.get(OPENAPI).json()
    return found


def test_it_is_openapi_3_1_and_describes_every_route(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    assert set(description["paths"]) == {
        "/api/v1/estimates",
        "/api/v1/bridges",
        "/api/v1/plans",
        "/api/v1/workbook",
        "/api/v1/scenarios",
        "/api/v1/scenarios/{token}",
        "/api/v1/scenarios/{token}/today",
        "/api/v1/scenarios/{token}/actuals",
        "/api/v1/scenarios/{token}/cash-flow",
        "/api/v1/scenarios/{token}/lines",
        "/api/v1/scenarios/{token}/totals",
        "/api/v1/scenarios/{token}/periods",
        "/api/v1/scenarios/{token}/summary",
        "/api/v1/scenarios/{token}/focus",
        "/api/v1/models",
        "/api/v1/accelerators",
        "/api/v1/offers",
        "/api/v1/price-books",
        "/api/v1/price-books/{token}",
        "/api/v1/price-books/{token}/changes",
        "/api/v1/prices/managed",
        "/api/v1/prices/servers",
        "/api/v1/prices/exchange-rates",
    }
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)


def test_it_is_valid(application: FastAPI) -> None:
    schema = schemathesis.openapi.from_asgi(OPENAPI, application)
    schema.validate()
    assert schema.statistic.operations.total == 29


def test_every_problem_is_described_as_one(description: dict[str, Any]) -> None:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                if status >= "400":
                    assert list(response["content"]) == ["application/problem+json"], (
                        method,
                        path,
                        status,
                    )


def test_units_and_labels_are_described(description: dict[str, Any]) -> None:
    fields = description["components"]["schemas"]["ScenarioInput"]["properties"]
    assert fields["tokens_per_example"]["unit"] == "tokens"
    for name, field in fields.items():
        assert field["title"], name
        assert field["description"], name
        # FastAPI leaves out a default of null; `blank` says what that stands for.
        left_out = name in {"assumptions", "config_json"} or "blank" in field
        assert ("default" in field) != left_out, name


def _examples(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [
        (path, example["value"])
        for path, item in description["paths"].items()
        for operation in item.values()
        for example in operation.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("examples", {})
        .values()
    ]
    found += [
        ("/api/v1/estimates", example)
        for example in description["components"]["schemas"]["ScenarioInput"]["examples"]
    ]
    return found


def test_the_examples_work(client: TestClient, description: dict[str, Any]) -> None:
    examples = _examples(description)
    assert len(examples) >= 5
    for path, example in examples:
        response = client.post(path, json=example)
        assert response.status_code in (200, 201), response.text


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_what_is_sent_is_what_is_described(application: FastAPI, mode: GenerationMode) -> None:
    """Generated requests, valid and not: no error of ours, and answers as described."""
    schema = schemathesis.openapi.from_asgi(OPENAPI, application)
    load_all_checks()
    wanted = (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    )
    checks = schemathesis.checks.CHECKS.get_by_names(list(wanted))

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=40,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    @hypothesis.given(case=schema.as_strategy(generation_mode=mode))
    def conforms(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=checks, base_url="http://localhost")

    conforms()
