"""The evidence page: its sentence, its filter, its file, and the check of own comparisons."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.estimator.accuracy import Range
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.backtests import BacktestReport
from app.services.own_evidence import EXAMPLE_CSV
from app.web import evidence_views
from app.web.evidence_csv import as_csv
from app.web.evidence_numbers import recovery_with, sharing
from app.web.evidence_pages import LONGEST
from app.web.evidence_query import EvidenceQuery
from tests.web.markup import Document
from tests.web.test_evidence_backtest import report as made_backtest
from tests.web.test_evidence_numbers import ROW

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def _document(text: str) -> Document:
    document = Document(text)
    assert not document.mismatches
    assert not [name for name, times in document.ids().items() if times > 1]
    return document


def _words(text: str) -> str:
    return " ".join(_document(text).text.split())


def _rows(client: TestClient, query: str = "") -> list[dict[str, str]]:
    response = client.get(f"/evidence.csv?{query}")
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text)))


# ------------------------------------------------------------------------ page


def test_every_row_is_there_with_its_source(reader: TestClient, catalog: Catalog) -> None:
    response = reader.get("/evidence")
    assert response.status_code == 200
    document = _document(response.text)
    words = " ".join(document.text.split())
    count, studies = len(catalog.head_to_heads), len(catalog.studies)
    assert f"{studies} studies hold {count} head-to-heads" in words
    assert f"All {count} rows of {studies} studies." in words
    assert len(re.findall(r'<th scope="row" role="rowheader">', response.text)) == count + studies
    links = {a["href"] for a in document.all("a", rel="noreferrer")}
    assert {study.address for study in catalog.studies.values()} <= links
    for row in catalog.head_to_heads:
        assert row.locator in document.text
    for study in catalog.studies:
        assert document.all("details", id=f"rows-{study}")
    assert document.all("a", href="/evidence", **{"aria-current": "page"})


def test_the_page_stays_small(reader: TestClient) -> None:
    assert len(gzip.compress(reader.get("/evidence").content)) < 100_000


def test_the_conclusion_is_made_from_the_numbers(catalog: Catalog) -> None:
    rows = [
        ROW,
        replace(ROW, key="b", study="two", group="narrow", base=10.0, full=50.0, adapter=50.0),
        replace(ROW, key="c", study="two", group="rl", base=None, adapter=63.0),
    ]
    said, caveat = evidence_views.conclusion(rows, recovery_with(3.0))
    assert said == (
        "2 studies hold 3 head-to-heads: of the gain of full fine-tuning, LoRA kept 100% in narrow "
        "tasks and 75% in code and mathematics; in reinforcement learning it ended 3.0 points "
        "ahead on average."
    )
    assert "rests on one study each" in caveat
    assert evidence_views.conclusion([], recovery_with(3.0)) == (
        "0 studies hold 0 head-to-heads.",
        "",
    )
    _, whole = evidence_views.conclusion(catalog.head_to_heads, evidence_views.recovery_of(catalog))
    assert "a small pilot of your own tells more" in whole


@pytest.mark.parametrize(
    ("query", "column", "values"),
    [
        ("group=far", "group", {"far"}),
        ("study=hu-2021", "study", {"hu-2021"}),
        ("method=plain", "method", {"lora", "qlora"}),
        ("method=dora", "method", {"dora"}),
        ("measured=kept", "retention", {"yes"}),
        ("measured=trained", "retention", {"no"}),
        ("rank=above-128", "rank", {"256"}),
        ("foreign=no", "base_same_harness", {"yes", ""}),
    ],
)
def test_the_filter_leaves_rows_out(
    reader: TestClient, query: str, column: str, values: set[str]
) -> None:
    every, found = _rows(reader), _rows(reader, query)
    assert 0 < len(found) < len(every)
    assert {row[column] for row in found} == values
    words = _words(reader.get(f"/evidence?{query}").text)
    assert f"{len(found)} of {len(every)} rows" in words


def test_what_is_chosen_stays_chosen(reader: TestClient) -> None:
    text = reader.get("/evidence?group=skill&base=llama&foreign=no&rank=9-32").text
    assert re.search(r'value="skill" selected', text)
    assert re.search(r'value="9-32" selected', text)
    assert re.search(r'name="base" value="llama"', text)
    assert re.search(r'name="foreign" value="no" checked', text)
    assert 'href="/evidence">Show all</a>' in text
    assert 'href="/evidence.csv?group=skill&amp;rank=9-32&amp;base=llama&amp;foreign=no"' in text


def test_nothing_passes_and_what_to_loosen_is_said(reader: TestClient) -> None:
    response = reader.get("/evidence?group=rl&measured=kept")
    assert response.status_code == 200
    document = _document(response.text)
    assert "No row passes this filter." in document.text
    assert document.all("a", href="/evidence?measured=kept")
    assert document.all("a", href="/evidence?group=rl")
    assert not document.all("figure")
    unknown = reader.get("/evidence?group=%3Cb%3E&study=nobody")
    assert unknown.status_code == 200
    assert "&lt;b&gt;" in unknown.text


def test_variants_count_only_where_they_are_asked_for(catalog: Catalog) -> None:
    expected = {"skill": Range(0.7, 0.4, 0.7, 1.0)}
    found = {
        method: evidence_views.evidence_list(
            catalog, EvidenceQuery(method=method, measured="trained"), expected, 16
        ).recovery
        for method in ("", "plain", "variants")
    }
    assert found[""] is not None
    assert found["plain"] is not None
    assert found["variants"] is not None
    assert found[""].table == found["plain"].table != found["variants"].table


def test_only_other_tasks_have_no_share(reader: TestClient) -> None:
    text = reader.get("/evidence?measured=kept").text
    assert "is not told by tasks that were not trained on" in text
    assert 'id="chart-recovery"' not in text
    assert 'id="chart-adapter-scatter"' in text


def test_a_swap_is_a_part_of_the_page(reader: TestClient) -> None:
    response = reader.get("/evidence?group=far", headers=PARTIAL)
    assert response.status_code == 200
    assert "<h1>" not in response.text
    assert "hx-partial" in response.text
    assert response.headers["HX-Push-Url"] == "/evidence?group=far"
    assert "HX-Request-Type" in response.headers["Vary"]


def test_the_model_is_shown_for_every_kind_of_task(reader: TestClient) -> None:
    text = reader.get("/evidence").text
    section = text[text.index('id="expected"') : text.index('id="own"')]
    for name in ("Narrow task", "Code and mathematics", "Reinforcement learning", "rank 256"):
        assert name in section


def test_the_back_test_is_shown(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        def published(self) -> BacktestReport:
            return made_backtest()

    monkeypatch.setitem(reader.app.state._state, "backtests", Made())  # type: ignore[attr-defined]
    document = _document(reader.get("/evidence").text)
    assert document.all("a", href="#backtest")
    words = " ".join(document.text.split())
    assert "is off by 5.1 points on average" in words
    assert "Ridge regression on descriptors" in words


def test_the_method_page_explains_the_model(reader: TestClient) -> None:
    words = _words(reader.get("/method").text)
    for said in ("A hierarchical model of studies", "weak evidence", "Forgetting", "Recovery"):
        assert said in words


# ------------------------------------------------------------------------ file


def test_the_file_holds_every_row_and_its_source(reader: TestClient, catalog: Catalog) -> None:
    rows = _rows(reader)
    assert [row["result"] for row in rows] == [row.key for row in catalog.head_to_heads]
    for row, fact in zip(rows, catalog.head_to_heads, strict=True):
        assert float(row["gap_points"]) == pytest.approx(fact.adapter - fact.full)
        assert row["source"].startswith("https://")
        assert row["locator"].lstrip("'") == fact.locator


def test_no_cell_is_a_formula(catalog: Catalog) -> None:
    row = replace(ROW, study="hu-2021", base_model="=1+1", rank=None, base=None)
    text = as_csv([row], catalog.studies, sharing([row]), recovery_with(3.0))
    (found,) = csv.DictReader(io.StringIO(text))
    assert found["base_model"] == "'=1+1"
    assert found["rank"] == found["base_points"] == found["recovery_fraction"] == ""
    assert found["retention"] == "no"


# ------------------------------------------------------------------------ own evidence


def test_own_comparisons_are_read_and_lead_to_a_scenario(reader: TestClient) -> None:
    response = reader.post("/evidence/own", data={"own_evidence": EXAMPLE_CSV})
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-store"
    document = _document(response.text)
    words = " ".join(document.text.split())
    assert "3 comparisons of 2 projects read." in words
    assert "contract-review-2025" in words
    hidden = {field["name"]: field["value"] for field in document.all("input", type="hidden")}
    assert hidden["task_group"] == "far"
    scenario = ScenarioInput.model_validate(fields_from_pairs(hidden.items()))
    assert scenario.own_evidence == EXAMPLE_CSV.strip()
    assert parse_qs(scenario.to_query())["own_evidence"] == [EXAMPLE_CSV.strip()]


def test_a_file_does_as_well_as_a_paste(reader: TestClient) -> None:
    content = ("\ufeff" + EXAMPLE_CSV.replace("\n", "\r\n")).encode()
    sent = reader.post("/evidence/own", files={"file": ("own.csv", content, "text/csv")})
    pasted = reader.post("/evidence/own", data={"own_evidence": EXAMPLE_CSV})
    assert sent.status_code == 200
    assert sent.text == pasted.text


def test_every_problem_is_listed_and_the_text_is_kept(reader: TestClient) -> None:
    text = "study,group,metric,full,adapter\nA,none,acc,500,x\n"
    response = reader.post("/evidence/own", data={"own_evidence": text})
    assert response.status_code == 422
    document = _document(response.text)
    summary = response.text[response.text.index('id="problems"') :]
    assert summary.count('<li><a href="#f-own">') == 3
    assert "A,none,acc,500,x" in document.text
    assert "<title>Error: " in response.text


@pytest.mark.parametrize("case", ["nothing", "both", "bytes", "long"])
def test_what_cannot_be_read_is_refused(reader: TestClient, case: str) -> None:
    file = {"file": ("own.csv", EXAMPLE_CSV.encode(), "text/csv")}
    sent = {
        "nothing": {"data": {"own_evidence": " "}},
        "both": {"data": {"own_evidence": EXAMPLE_CSV}, "files": file},
        "bytes": {"files": {"file": ("own.csv", b"\xff\xfe\x00x", "text/csv")}},
        "long": {"data": {"own_evidence": EXAMPLE_CSV + "x" * LONGEST}},
    }[case]
    wanted = {
        "nothing": "one of both",
        "both": "one of both",
        "bytes": "not UTF-8 text",
        "long": f"give at most {LONGEST:,}",
    }[case]
    response = reader.post("/evidence/own", **sent)  # type: ignore[arg-type]
    assert response.status_code == 422
    assert wanted in _words(response.text)


def test_the_example_and_the_empty_form(reader: TestClient) -> None:
    assert reader.get("/evidence/example.csv").text == EXAMPLE_CSV
    page = reader.get("/evidence/own")
    assert page.status_code == 200
    assert _document(page.text).all("textarea", id="f-own")


def test_markup_in_a_table_is_text(reader: TestClient) -> None:
    text = EXAMPLE_CSV.replace("Ticket routing", "<b>x</b>")
    response = reader.post("/evidence/own", data={"own_evidence": text})
    assert "<b>" not in response.text
