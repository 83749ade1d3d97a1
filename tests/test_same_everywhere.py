"""The main job on real input: page, API and command line show the same numbers, digit by digit."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.cli import main
from app.inputs import ScenarioInput
from app.services.scenarios import report_from_json
from app.web.plan_views import Facts
from app.web.plan_views import view as plans_view
from app.web.requests import currency_names, unfitted_classes
from app.web.results import view

MAIN_JOB = {
    "title": "Legal documents",
    "model": "meta-llama/Meta-Llama-3.1-8B",
    "examples": 50_000,
    "tokens_per_example": 900,
    "epochs": 3,
    "methods": ["full", "lora", "qlora"],
    "lora_rank": 64,
    "qlora_rank": 16,
    "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
}


def without_day(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what changes at midnight: each way in reads the clock for itself."""
    text = json.dumps({**report, "as_of": None})
    return json.loads(
        text,
        object_hook=lambda found: {k: v for k, v in found.items() if k != "price_age_days"},
    )


def text_of(page: str) -> str:
    """The words of a page, white space made plain."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


BOUGHT: dict[str, dict[str, Any]] = {
    "on demand": {},
    "every way, in euro": {
        "include_spot": True,
        "include_reserved": True,
        "include_capacity_blocks": True,
        "currency": "EUR",
    },
}


@pytest.mark.parametrize("bought", BOUGHT)
def test_the_main_job_is_the_same_everywhere(
    client: TestClient, tmp_path: Path, bought: str
) -> None:
    job = MAIN_JOB | BOUGHT[bought]
    query = ScenarioInput.model_validate(job).to_query()
    page = client.get(f"/result?{query}")
    api = client.post("/api/v1/estimates", json=job)
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(job))
    as_json = CliRunner().invoke(main, ["estimate", str(path), "--json"])
    as_text = CliRunner().invoke(main, ["estimate", str(path)])
    assert page.status_code == api.status_code == 200
    assert as_json.exit_code == as_text.exit_code == 0

    assert without_day(json.loads(as_json.output)) == without_day(api.json())
    shown = view(report_from_json(api.text))
    assert {m.method for m in shown.methods if m.feasible} == {"full", "lora", "qlora"}
    words = text_of(page.text)
    printed = re.sub(r"\s+", " ", as_text.output)
    assert shown.headline in words
    assert shown.headline in printed
    labels = {row.label for row in shown.rows}
    for wanted in (
        "Expected accuracy gain",
        "Cost per accuracy point",
        "Net present value",
        "GPUs",
    ):
        assert wanted in labels
    assert any(label.startswith("Total cost") for label in labels)
    for row in shown.rows:
        for cell in row.cells:
            both = " ".join(f"{cell.value} {cell.range}".split())
            assert both in words
            assert both in printed

    # And what is saved is what was shown.
    saved = client.post("/api/v1/scenarios", json=job).json()
    assert without_day(saved["report"]) == without_day(api.json())
    assert shown.headline in text_of(client.get(saved["path"]).text)


FREE = {"storage_usd_per_gb_month": 0, "egress_usd_per_gb": 0}
STORED = {"storage", "egress"}


def stored_usd(report: dict[str, Any]) -> dict[str, float]:
    """What storage and traffic of LoRA come to, by the key of their line."""
    (lora,) = report["methods"]
    return {line["key"]: line["usd"] for line in lora["money"]["lines"] if line["key"] in STORED}


def test_storage_that_is_free_is_so_everywhere(client: TestClient, tmp_path: Path) -> None:
    """0 is a price of nothing; blank, in a form or as null, is the published one."""
    job = {"methods": ["lora"], "draws": 1_000, "serving": "none"}
    published = client.post("/api/v1/estimates", json=job).json()
    assert set(stored_usd(published)) == STORED
    assert all(usd > 0 for usd in stored_usd(published).values())
    as_null = client.post("/api/v1/estimates", json=job | dict.fromkeys(FREE)).json()
    assert without_day(as_null) == without_day(published)

    free = client.post("/api/v1/estimates", json=job | FREE).json()
    assert stored_usd(free) == dict.fromkeys(STORED, 0.0)
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(job | FREE))
    printed = CliRunner().invoke(main, ["estimate", str(path), "--json"])
    assert without_day(json.loads(printed.output)) == without_day(free)

    # As a form sends them: what is blank leaves the address, a 0 stays in it and in the form.
    sent = {"methods": "lora", "draws": "1000", "serving": "none", "epochs": "3"}
    blank = client.get("/estimate", params=sent | dict.fromkeys(FREE, ""))
    assert not set(FREE) & set(blank.url.params)
    assert blank.text.count('placeholder="as published"') == 2
    typed = client.get("/estimate", params=sent | dict.fromkeys(FREE, "0"))
    assert {name: typed.url.params[name] for name in FREE} == dict.fromkeys(FREE, "0")
    assert text_of(typed.text).count("Default: as published.") == 2
    for name in FREE:
        assert f'name="{name}" value="0"' in typed.text
    billed = {
        "Storage of data, weights and checkpoints",
        "Moving released models to where they serve",
    }
    for page, lines in ((blank, billed), (typed, set())):
        words = text_of(client.get(f"/result?{page.url.query.decode()}").text)
        assert {line for line in billed if line in words} == lines
    rows = {a["key"]: a for a in published["assumptions"]}
    assert [(rows[n]["value"], rows[n]["unit"], rows[n]["kind"]) for n in FREE] == (
        [("as published", "", "default")] * 2
    )


def test_the_plans_are_the_same_everywhere(
    client: TestClient, tmp_path: Path, catalog: Catalog
) -> None:
    facts = Facts(
        offers={offer.key: offer for offer in catalog.offers},
        today=datetime.now(UTC).date(),
        unfitted=unfitted_classes(catalog),
        currency_names=currency_names(catalog),
    )
    query = ScenarioInput.model_validate(MAIN_JOB).to_query()
    page = client.get(f"/plans?{query}")
    api = client.post("/api/v1/plans", json=MAIN_JOB)
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(MAIN_JOB))
    as_json = CliRunner().invoke(main, ["plan", str(path), "--json"])
    as_text = CliRunner().invoke(main, ["plan", str(path)])
    assert page.status_code == api.status_code == 200
    assert as_json.exit_code == as_text.exit_code == 0
    assert without_day(json.loads(as_json.output)) == without_day(api.json())

    report = report_from_json(client.post("/api/v1/estimates", json=MAIN_JOB).text)
    shown = plans_view(report, (), "", facts)
    words = text_of(page.text)
    printed = re.sub(r"\s+", " ", as_text.output)
    for m in shown.methods:
        for said in (m.headline, " ".join(m.figures.split()), m.counts):
            assert said in words
            assert said in printed
        for row in m.rows:
            for said in (row.gpus, row.hours, row.cost, row.where, row.risk):
                assert said in words
                assert said in printed
        assert m.recipe is not None
        for file in m.recipe.files:
            assert file.text.rstrip() in as_text.output
            assert html.escape(file.text.rstrip(), quote=False) in page.text.replace(
                "&#34;", '"'
            ).replace("&#39;", "'")
