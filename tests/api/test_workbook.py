"""The workbook of a scenario by the API."""

from __future__ import annotations

import io

import openpyxl
import pytest
from fastapi.testclient import TestClient

from app.api import workbook
from app.services.slots import Slots

SCENARIO = {"title": '=../../cmd"; x', "methods": ["lora"], "draws": 1_000}


def test_a_scenario_comes_back_as_a_workbook(client: TestClient) -> None:
    answer = client.post("/api/v1/workbook", json=SCENARIO)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="tunecase-cmd-x.xlsx"'
    book = openpyxl.load_workbook(io.BytesIO(answer.content), data_only=True)
    report = client.post("/api/v1/estimates", json=SCENARIO).json()
    label = "Net present value"
    row = next(r for r in book["Summary"].iter_rows(values_only=True) if r[0] == label)
    assert abs(row[1] - report["methods"][0]["money"]["npv_usd"]) < 0.005


def test_bad_input_is_pointed_at(client: TestClient) -> None:
    answer = client.post("/api/v1/workbook", json=SCENARIO | {"tax_percent": 120})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/tax_percent"]


def test_workbooks_are_written_in_turn(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Slots(1, 0.0)
    monkeypatch.setattr(workbook, "WORKBOOKS", slots)
    with slots.one():
        answer = client.post("/api/v1/workbook", json=SCENARIO)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
