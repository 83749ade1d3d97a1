"""Blocks that repeat for each method: one of them is open, whatever the verdict is."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from fastapi.testclient import TestClient

from app.estimator.report import Report
from app.services.report_schemas import read_report
from app.web import result_folds, results
from tests.services.test_scenarios import SAVED
from tests.web.conftest import TODAY


def verdict_of(report: Report, choice: str, **npv_usd: float) -> Report:
    """The report with another verdict and other expected NPVs of its methods."""
    methods = tuple(
        dataclasses.replace(m, npv_usd=dataclasses.replace(m.npv_usd, mean=npv_usd[m.method]))
        if m.npv_usd is not None and m.method in npv_usd
        else m
        for m in report.methods
    )
    verdict = dataclasses.replace(report.verdict, choice=choice)
    return dataclasses.replace(report, methods=methods, verdict=verdict)


@pytest.mark.parametrize("worth", [(3.0, 2.0, 1.0), (2.0, 3.0, 4.0)])
@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("full", "full full"),
        ("lora", "lora lora"),
        ("pilot", "full lora"),
        ("neither", "full lora"),
    ],
)
def test_the_chosen_method_is_open_or_the_one_worth_most(
    report: Report, choice: str, expected: str, worth: tuple[float, float, float]
) -> None:
    """QLoRA is worth most once, but LoRA is the adapter method that stands."""
    assert report.comparison is not None
    assert report.comparison.adapter_method == "lora"
    full, lora, qlora = worth
    changed = verdict_of(report, choice, full=full, lora=lora, qlora=qlora)
    opened = expected.split()[0 if full > lora else 1]
    view = results.view(changed, TODAY)
    for blocks in (view.costs, view.ways, view.plans):
        assert [block.method for block in blocks] == ["full", "lora", "qlora"]
        assert [block.method for block in blocks if block.opened] == [opened]


def test_a_report_without_npv_opens_its_first_plan(report: Report) -> None:
    bare = tuple(dataclasses.replace(m, npv_usd=None) for m in report.methods)
    first = dataclasses.replace(bare[0], feasible=False, plan=None)
    assert result_folds.opened(dataclasses.replace(report, methods=bare)) == bare[0].method
    some = dataclasses.replace(report, methods=(first, *bare[1:]))
    assert result_folds.opened(some) == bare[1].method
    none = dataclasses.replace(report, methods=(first,))
    assert result_folds.opened(none) == ""


def test_an_old_report_opens_one_plan() -> None:
    plans = results.view(read_report(json.dumps(SAVED["report_json"]))).plans
    assert [plan.opened for plan in plans].count(True) == 1


def test_the_line_of_a_plan_tells_time_cost_and_an_old_price(report: Report) -> None:
    plan = results.view(report, TODAY).plans[0]
    assert re.fullmatch(r"[\d.,]+ (s|min|h|days|years) and US\$[\d.,]+ a run", plan.summary)
    words = {
        level: dataclasses.replace(plan, price_level=level).price_warning
        for level in ("fresh", "old", "stale")
    }
    assert words == {"fresh": "", "old": "Old price", "stale": "Very old price"}


@pytest.mark.parametrize("section", ["costs", "ways", "plans"])
def test_the_page_opens_what_it_says(reader: TestClient, section: str) -> None:
    text = reader.get("/result").text
    part = text[text.index(f'<section aria-labelledby="{section}"') :]
    folds = re.findall(
        r'<details class="study[^"]*"( open)?>\s*<summary>\s*<h3', part.split("<h2")[1]
    )
    assert sorted(folds) == ["", "", " open"]


def test_sources_are_counted_and_folded(reader: TestClient) -> None:
    part = reader.get("/result").text.split('<h2 id="sources">')[1].split("</section>")[0]
    entries = part.count('<li id="source-')
    assert entries > 5
    assert f'<details class="study">\n    <summary>{entries} sources</summary>' in part
