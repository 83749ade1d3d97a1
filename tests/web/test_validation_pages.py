"""The page for own runs over HTTP, and the files beside it."""

from __future__ import annotations

import csv
import io
import itertools
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.catalog.measured import read_measured
from app.services.own_runs import ValidationService
from app.services.problems import Busy
from app.web.validation_pages import EXAMPLE, LARGEST_UPLOAD_BYTES
from tests.web.markup import Document

SMOL = (
    b'{"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "vocab_size": 49152,'
    b'"num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3}'
)


def document(response: Response) -> Document:
    """The page, checked for what every page keeps."""
    found = Document(response.text)
    assert not found.mismatches
    ids = found.ids()
    assert [name for name, count in ids.items() if count > 1] == []
    for what in ("aria-describedby", "aria-labelledby", "for"):
        for _, element in found.elements:
            assert all(name in ids for name in element.get(what, "").split())
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels
    return found


def test_the_form_takes_files_without_a_script(reader: TestClient) -> None:
    response = reader.get("/validate")
    assert response.status_code == 200
    page = document(response)
    (form,) = page.all("form", action="/validate")
    assert (form["method"], form["enctype"]) == ("post", "multipart/form-data")
    assert {found["name"] for found in page.all("input", type="file")} == {"file", "configs"}
    assert page.all("a", href="/validate/example.csv")
    assert page.all("a", href="/validate")[0].get("aria-current") == "page"


def test_the_example_can_be_sent_back(reader: TestClient) -> None:
    response = reader.get("/validate/example.csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'attachment; filename="runs.csv"' in response.headers["content-disposition"]
    assert len(read_measured(response.content, "runs.csv")) == 2
    shown = reader.post("/validate", files={"file": ("runs.csv", response.content)})
    assert shown.status_code == 200
    page = document(shown)
    assert "mine-1-memory" in page.text
    assert "skipped" not in page.text.lower().replace("a skipped row", "").replace("skippedmed", "")


def test_pasted_lines_are_checked_and_stay(reader: TestClient) -> None:
    response = reader.post("/validate", data={"cases": EXAMPLE})
    assert response.status_code == 200
    assert response.headers["cache-control"] == "private, no-store"
    page = document(response)
    assert "mine-2-speed" in page.text
    assert len(page.all("svg", role="img")) == 4
    assert page.all("meta", name="robots", content="noindex")
    for chart in page.all("svg", role="img"):
        assert all(name in page.ids() for name in chart["aria-labelledby"].split())


def test_factors_lead_into_an_estimate_that_has_them(reader: TestClient) -> None:
    response = reader.post("/validate", data={"cases": EXAMPLE, "scenario": "epochs=2"})
    (link,) = [a["href"] for a in document(response).all("a") if a["href"].startswith("/estimate?")]
    query = dict(parse_qsl(urlsplit(link).query))
    assert query["epochs"] == "2"
    assert set(query) == {
        "epochs", "assumptions.cluster_time_factor", "assumptions.cluster_memory_factor",
    }  # fmt: skip
    assert reader.get(link).status_code == 200


def test_a_model_may_come_with_its_configuration(reader: TestClient) -> None:
    cases = EXAMPLE.replace("meta-llama/Meta-Llama-3.1-8B", "org/smol")
    without = reader.post("/validate", data={"cases": cases})
    assert "give its config.json as org__smol.json" in without.text
    given = reader.post(
        "/validate", data={"cases": cases}, files=[("configs", ("org__smol.json", SMOL))]
    )
    assert given.status_code == 200
    assert "give its config.json" not in given.text


@pytest.mark.parametrize(
    ("data", "files", "said", "field"),
    [
        ({}, {}, "Choose a CSV file, or paste its lines", "f-cases"),
        ({"cases": "x"}, {"file": ("a.csv", b"x")}, "one of both", "f-cases"),
        ({"cases": EXAMPLE.replace("lora,16", "lara,16")}, {}, "is not one of full", "f-cases"),
        ({}, {"file": ("a.csv", b"\xff")}, "a.csv: is not UTF-8", "f-cases"),
        ({}, {"file": ("a.csv", b"")}, "a.csv", "f-cases"),
        ({"cases": EXAMPLE}, {"configs": ("m.json", b"[")}, "m.json holds no JSON", "f-configs"),
        ({"cases": EXAMPLE.replace("tokens_per_s_per_gpu", "other").replace(
            "peak_allocated_gib", "other")}, {}, "nothing to check", "f-cases"),
    ],
)  # fmt: skip
def test_problems_lead_to_their_field(
    data: dict[str, str], files: dict[str, tuple[str, bytes]], said: str, field: str,
    reader: TestClient,
) -> None:  # fmt: skip
    response = reader.post("/validate", data=data, files=files)
    assert response.status_code == 422
    page = document(response)
    assert said in page.text
    assert page.all("a", href=f"#{field}")
    assert page.text.strip().startswith("Error: ")
    wrong = [found["id"] for _, found in page.elements if found.get("aria-invalid")]
    assert field in wrong


def test_the_result_can_be_a_file(reader: TestClient) -> None:
    response = reader.post("/validate", data={"cases": EXAMPLE, "format": "csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [row["id"] for row in rows] == ["mine-1-memory", "mine-1-speed", "mine-2-speed"]
    assert all(float(row["low"]) < float(row["predicted"]) < float(row["high"]) for row in rows)


def test_a_file_may_be_larger_than_other_forms_but_not_too_large(reader: TestClient) -> None:
    padded = EXAMPLE.replace("\n", "," + "x" * 90_000 + "\n").replace("value,", "value,note")
    assert len(padded) > 256 * 1024
    assert reader.post("/validate", files={"file": ("a.csv", padded)}).status_code == 200
    huge = b"x" * (LARGEST_UPLOAD_BYTES + 1)
    assert reader.post("/validate", files={"file": ("a.csv", huge)}).status_code == 413
    assert reader.post("/scenarios", data={"scenario": "x" * 300_000}).status_code == 413


def test_what_is_sent_is_never_markup(reader: TestClient) -> None:
    evil = '"><script>alert(1)</script>'
    cases = EXAMPLE.replace("mine-1-memory", evil.replace('"', "")).replace(
        ",trl,", f",{evil[2:]},"
    )
    response = reader.post("/validate", data={"cases": cases, "scenario": evil})
    assert response.status_code == 200
    assert "<script>alert" not in response.text
    assert "alert(1)" in response.text


def test_a_busy_server_says_so(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise Busy

    monkeypatch.setattr(ValidationService, "check", busy)
    response = reader.post("/validate", data={"cases": EXAMPLE})
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "We are busy" in document(response).text


def test_a_page_of_another_site_cannot_send(reader: TestClient) -> None:
    response = reader.post(
        "/validate", data={"cases": EXAMPLE}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert response.status_code == 403


# ---------------------------------------------------------------------------- the method page


def test_every_published_run_is_on_the_method_page(reader: TestClient) -> None:
    page = document(reader.get("/method"))
    assert page.text.count("torchtune-01-tps") == 1
    assert page.text.count("mlperf-") >= 10
    assert len(page.all("svg", role="img")) == 6, "out of memory, memory and speed"
    assert "Errors of runs that were left out" in page.text
    assert page.all("a", href="/method?source=mlperf#runs")
    assert "misses included" in page.text


@pytest.mark.parametrize("query", ["source=mlperf", "gpus=8", "source=fms", "source=mbridge"])
def test_runs_can_be_filtered(query: str, reader: TestClient) -> None:
    response = reader.get(f"/method?{query}")
    page = document(response)
    assert page.all("meta", name="robots", content="noindex")
    assert "litgpt-03-mem" not in page.text
    file = reader.get(f"/method/runs.csv?{query}")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    name, value = query.split("=")
    assert rows
    assert all(row[name] == value for row in rows)
    assert all(row["id"] in page.text for row in rows)


def test_a_filter_that_leaves_nothing_says_so(reader: TestClient) -> None:
    response = reader.get("/method?source=%3Cscript%3E")
    assert response.status_code == 200
    assert "No run is like that." in document(response).text
    assert "<script>" not in response.text.replace("<script src", "")


def test_the_page_has_its_size_under_control(reader: TestClient) -> None:
    whole = reader.get("/method", headers={"Accept-Encoding": "identity"})
    assert len(whole.content) < 900_000


def test_the_style_sheet_knows_all_marks(templates: Path) -> None:
    sheet = (templates.parent / "static" / "css" / "app.css").read_text()
    for name in (".m-dora", ".cloud", ".near-band", ".tall", ".runs .why"):
        assert name in sheet
