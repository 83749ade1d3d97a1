"""The plans page: the frontier, the filter, and the files that launch the chosen plans."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.inputs import ScenarioInput
from app.services.plans import Filters, plan
from app.web import show_amounts, show_units
from tests.web.conftest import TODAY
from tests.web.markup import Document

SCENARIO = "lora_rank=32&methods=full&methods=lora&accelerators=H100-SXM-80GB&max_gpus=16"


def _document(text: str) -> Document:
    document = Document(text)
    assert not document.mismatches
    return document


def test_result_and_plans_lead_to_each_other(reader: TestClient) -> None:
    result = _document(reader.get(f"/result?{SCENARIO}").text)
    (address,) = {a["href"] for a in result.all("a") if a["href"].startswith("/plans?")}
    plans = reader.get(address)
    assert plans.status_code == 200
    back = [a["href"] for a in _document(plans.text).all("a") if a["href"].startswith("/result?")]
    assert [parse_qsl(urlsplit(a).query) for a in back] == [parse_qsl(urlsplit(address).query)]


def test_the_frontier_is_a_chart_a_sentence_and_a_table(reader: TestClient) -> None:
    document = _document(reader.get("/plans").text)
    assert len(document.all("svg", role="img")) == 2
    assert document.all("details", **{"class": "numbers"})
    assert len(document.all("table", **{"class": "frontier"})) == 3
    text = " ".join(document.text.split())
    assert "The cheapest run costs US$" in text
    assert "considered fit" in text
    assert "run out of memory" in text
    assert text.count("chosen") >= 3


def test_the_filter_keeps_the_scenario_and_leaves_offers_out(reader: TestClient) -> None:
    document = _document(reader.get(f"/plans?{SCENARIO}").text)
    hidden = {(f["name"], f["value"]) for f in document.all("input", type="hidden")}
    assert set(parse_qsl(SCENARIO)) <= hidden
    regions = [o["value"] for o in document.all("option") if o["value"] == "us-east-1"]
    assert regions
    filtered = reader.get(f"/plans?{SCENARIO}&provider=aws&region=us-east-1")
    assert filtered.status_code == 200
    body = filtered.text[filtered.text.index("method-plans") :]
    assert "Amazon" in body
    assert "Crusoe" not in body
    assert re.search(r'value="aws" selected', filtered.text)
    assert "All offers</a>" in filtered.text


def test_the_filter_by_purchase_option_and_its_labels(reader: TestClient) -> None:
    both = reader.get(f"/plans?{SCENARIO}&include_spot=true")
    options = {o["value"] for o in _document(both.text).all("option")}
    assert {"on-demand", "spot"} <= options
    spot = reader.get(f"/plans?{SCENARIO}&include_spot=true&option=spot")
    assert spot.status_code == 200
    text = " ".join(_document(spot.text).text.split())
    assert "Only offers bought spot." in text
    assert re.search(r"The cheapest run costs [^;]*, spot\)", text)
    assert '<span class="tag">spot</span>' in spot.text


def test_every_plan_has_the_date_of_its_price(reader: TestClient) -> None:
    text = reader.get(f"/plans?{SCENARIO}").text
    rows = text.count('<td class="num">') // 3
    dates = re.findall(r'<span class="age age-(?:fresh|old|stale)">\d+ \w+ 20\d\d', text)
    assert len(dates) >= rows > 0


def test_plans_are_in_the_currency_of_the_scenario(reader: TestClient) -> None:
    text = _document(reader.get(f"/plans?{SCENARIO}&currency=EUR").text).text
    assert "The cheapest run costs €" in " ".join(text.split())
    assert re.search(r"Amounts are in EUR \(euro\) at 0\.\d+ per US dollar", text, re.IGNORECASE)
    assert "US$" not in text.split("How to launch")[0]
    assert "Amounts are US dollars" not in text


@pytest.mark.parametrize("query", ["gpu=nothing", "provider=aws&gpu=L4-24GB&region=FIN"])
def test_a_filter_that_no_offer_passes_says_so_at_its_list(query: str, reader: TestClient) -> None:
    response = reader.get(f"/plans?{SCENARIO}&{query}")
    assert response.status_code == 422
    document = _document(response.text)
    assert "No offer that the scenario allows passes this filter" in document.text
    assert document.all("select", **{"aria-invalid": "true"})


def test_a_scenario_with_problems_leads_to_the_form(reader: TestClient) -> None:
    response = reader.get("/plans?epochs=x")
    assert response.status_code == 422
    assert _document(response.text).all("input", id="f-epochs")


def test_limits_leave_plans_out_and_are_counted(reader: TestClient) -> None:
    text = " ".join(_document(reader.get("/plans?deadline_hours=1&methods=lora").text).text.split())
    assert re.search(r"[\d,]+ pass the deadline or the budget", text)


def test_every_file_can_be_saved(reader: TestClient) -> None:
    document = _document(reader.get(f"/plans?{SCENARIO}").text)
    addresses = [a["href"] for a in document.all("a") if a["href"].startswith("/plans/files/")]
    assert len(addresses) >= 6
    for address in addresses:
        response = reader.get(address)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        name = urlsplit(address).path.rsplit("/", 1)[1]
        assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
        assert response.text.splitlines()[0] in document.text


@pytest.mark.parametrize(
    "path", ["lora/nothing.py", "dora/settings.txt", "lora/settings.txt?epochs=x", "lora/..%2Fx"]
)
def test_a_file_that_is_not_there(path: str, reader: TestClient) -> None:
    assert reader.get(f"/plans/files/{path}").status_code == 404


def test_what_a_person_types_is_never_markup(reader: TestClient) -> None:
    evil = quote('"><script>alert(1)</script>')
    for address in (f"/plans?title={evil}", f"/plans?region={evil}", f"/plans?gpu={evil}"):
        assert "<script>alert" not in reader.get(address).text


def test_the_page_shows_the_numbers_of_the_result(reader: TestClient, catalog: Catalog) -> None:
    scenario = ScenarioInput(methods=("lora",), max_gpus=8)
    report = plan(scenario, Filters(), catalog, TODAY)
    found = report.methods[0].plan
    assert found is not None
    text = " ".join(_document(reader.get(f"/plans?{scenario.to_query()}").text).text.split())
    assert f"{show_units.hours(found.hours)} a run" in text
    assert show_amounts.usd(found.usd, cents=True) in text
