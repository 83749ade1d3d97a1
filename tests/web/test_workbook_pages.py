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

from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.scenarios import ScenarioService, SharedScenario
from app.services.slots import Slots
from app.web import workbook_pages

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
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-robots-tag"] == "noindex"
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


def test_who_has_it_already_gets_it_no_second_time(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = (f"/result/workbook.xlsx?{QUERY}", f"{_saved(client)}/workbook.xlsx")
    tags = [client.get(address).headers["etag"] for address in addresses]
    assert len(set(tags)) == 2

    def never(report: Report, link: str) -> bytes:
        raise AssertionError("nothing is written")

    monkeypatch.setattr(workbook_pages, "workbook_bytes", never)
    for address, tag in zip(addresses, tags, strict=True):
        again = client.get(address, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
    other = {"If-None-Match": tags[0]}
    with pytest.raises(AssertionError, match="nothing is written"):
        client.get(f"{addresses[0]}&epochs=2", headers=other)


def test_workbooks_are_written_in_turn(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _saved(client)
    slots = Slots(1, 0.0)
    monkeypatch.setattr(workbook_pages, "WORKBOOKS", slots)
    with slots.one():
        # In a thread of the server, not in this one.
        answer = client.get(f"{path}/workbook.xlsx")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert client.get(f"{path}/workbook.xlsx").status_code == 200
