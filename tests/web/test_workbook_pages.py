"""The workbook at the address of a result and of a shared link."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from urllib.parse import urlencode

import openpyxl
import pytest
from fastapi.testclient import TestClient
from openpyxl.workbook import Workbook

from app.inputs import ScenarioInput
from app.services.scenarios import ScenarioService, SharedScenario

QUERY = urlencode({"title": "Verträge / 2027", "methods": "lora", "draws": 1_000})
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _saved(client: TestClient) -> str:
    scenario = ScenarioInput(title="Contract review", methods=("lora",), draws=1_000)
    answer = client.post(
        "/scenarios", data={"scenario": scenario.to_query()}, follow_redirects=False
    )
    assert answer.status_code == 303
    return str(answer.headers["location"])


def _links(book: Workbook) -> list[str]:
    cells = (cell for row in book["Summary"].iter_rows() for cell in row)
    return [cell.hyperlink.target for cell in cells if cell.hyperlink]


def test_the_workbook_of_a_result_is_a_file_to_save(reader: TestClient) -> None:
    answer = reader.get(f"/result/workbook.xlsx?{QUERY}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPE
    assert answer.headers["content-disposition"] == (
        'attachment; filename="tunecase-vertrage-2027.xlsx"'
    )
    assert answer.headers["cache-control"] == "private, no-cache"
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book["Summary"]["A1"].value == "Verträge / 2027"
    links = _links(book)
    assert len(links) == 1
    assert links[0].startswith("http://localhost/result?")
    assert reader.get(links[0]).status_code == 200


def test_a_scenario_that_cannot_be_estimated_leads_back_to_the_form(reader: TestClient) -> None:
    answer = reader.get("/result/workbook.xlsx?epochs=-1")
    assert answer.status_code == 422
    assert "Epochs must be more than 0" in answer.text


def test_the_workbook_of_a_shared_link_holds_what_was_shared(client: TestClient) -> None:
    path = _saved(client)
    answer = client.get(f"{path}/workbook.xlsx")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-store"
    assert 'filename="tunecase-contract-review.xlsx"' in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content), data_only=True)
    shown = client.get(f"/api/v1{path.replace('/s/', '/scenarios/')}").json()["report"]
    label = "Net present value"
    row = next(r for r in book["Summary"].iter_rows(values_only=True) if r[0] == label)
    assert abs(row[1] - shown["methods"][0]["money"]["npv_usd"]) < 0.005
    assert _links(book) == [f"http://localhost{path}"]


def test_an_unknown_link_has_no_workbook_and_a_withdrawn_one_has_none_any_more(
    client: TestClient,
) -> None:
    assert client.get("/s/nothing-of-the-kind/workbook.xlsx").status_code == 404
    path = _saved(client)
    client.post(f"{path}/revoke")
    assert client.get(f"{path}/workbook.xlsx").status_code == 410


def test_a_price_book_is_not_named_in_the_file(client: TestClient) -> None:
    rates = (
        "provider,instance,accelerator,gpus_per_instance,region,purchase_option,"
        "usd_per_instance_hour,valid_from\n"
        "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,29.92,2026-10-01\n"
    )
    made = client.post("/api/v1/price-books", json={"name": "Ours", "rates": rates}).json()
    client.cookies.set("workspace", made["workspace_key"])
    scenario = {"methods": "lora", "draws": 1_000, "price_book": made["token"]}
    answer = client.get(f"/result/workbook.xlsx?{urlencode(scenario)}")
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    text = " ".join(
        str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value
    )
    assert not re.search(re.escape(made["token"]), text)
    assert "Ours" in text


def test_a_result_that_kept_no_money_says_what_would_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _saved(client)
    read = ScenarioService.get

    def older(service: ScenarioService, token: str) -> SharedScenario:
        found = read(service, token)
        methods = tuple(replace(method, money=None) for method in found.report.methods)
        return replace(found, report=replace(found.report, timeline=None, methods=methods))

    monkeypatch.setattr(ScenarioService, "get", older)
    answer = client.get(f"{path}/workbook.xlsx")
    assert answer.status_code == 409
    assert "save it anew" in answer.text
