"""The page for a board: what it says, and what it does not let grow."""

from __future__ import annotations

import dataclasses
import re

import pytest
from fastapi.testclient import TestClient

from app.estimator.report import CurrencyReport, Report, Turn
from app.estimator.report_risk import InformationReport, PilotDesign, RiskReport
from app.web import board_views, show_amounts, show_numbers, show_units, show_words
from tests.web.markup import Document


def view(report: Report, title: str = "", link: str = "") -> board_views.BoardView:
    return board_views.view(report, title=title, day="2026-11-23", link=link, names={})


def test_it_says_what_the_result_says(report: Report) -> None:
    found = view(report)
    lora = next(m for m in report.methods if m.method == "lora")
    assert report.verdict.choice == "lora"
    assert (found.title, found.day, found.headline) == (
        "Contract review", "23 November 2026", "LoRA.",
    )  # fmt: skip
    assert found.because in show_words.typeset(
        " ".join([report.verdict.headline, *report.verdict.sentences])
    )
    figures = {figure.label: figure for figure in found.figures}
    assert lora.npv_usd is not None
    assert figures["Net present value, LoRA"].value == show_amounts.usd_short(lora.npv_usd.mean)
    assert figures["Net present value, LoRA"].range == show_units.span(lora.npv_usd)
    assert figures["Total cost, LoRA"].value == show_amounts.usd_short(lora.total_usd)
    chance = figures["Chance that LoRA is worth more"]
    assert chance.value == show_numbers.percent(report.verdict.probability)
    assert chance.note == "than full fine-tuning and doing nothing"
    assert 4 <= len(found.figures) <= 5
    assert [(row.label, row.chosen) for row in found.rows] == [
        ("Full fine-tuning", False), ("LoRA", True), ("QLoRA", False), ("Doing nothing", False),
    ]  # fmt: skip
    assert found.rows[1].best == show_numbers.percent(lora.probability_best)
    assert found.cash_flow is not None
    assert found.code is None


def test_the_chances_of_being_best_reach_all_cases(report: Report) -> None:
    """Rounded as they are shown, and whatever they are."""
    for chances in ((0.2449, 0.2649, 0.3049), (0.335, 0.334, 0.301)):
        methods = tuple(
            dataclasses.replace(m, probability_best=chance)
            for m, chance in zip(report.methods, chances, strict=True)
        )
        rows = view(dataclasses.replace(report, methods=methods)).rows
        shown = [int(row.best.rstrip("%")) for row in rows if re.fullmatch(r"\d+%", row.best)]
        assert sum(shown) == 100
    neither = dataclasses.replace(report.verdict, choice="neither", probability=0.7)
    found = view(dataclasses.replace(report, verdict=neither))
    assert found.rows[-1].chosen
    assert [f.value for f in found.figures if f.label == "Chance that doing nothing is best"] == [
        "70%"
    ]


def test_five_assumptions_first_those_that_would_turn_the_verdict(report: Report) -> None:
    turns = (
        Turn("gap", "Gap", -0.1, 0.4, "points", "full", "If …"),
        Turn("horizon_months", "Horizon", 36, 12, "months", "neither", "Below …"),
        Turn("answers_per_month", "Answers a month", 100_000, 7e4, "", "neither", "Below …"),
    )
    asked = tuple(
        dataclasses.replace(item, changed=True, value=4_000)
        if item.key == "engineer_week_usd"
        else item
        for item in report.assumptions
    )
    verdict = dataclasses.replace(report.verdict, turns=turns)
    found = view(dataclasses.replace(report, verdict=verdict, assumptions=asked)).assumptions
    assert len(found) == board_views.MOST_ASSUMPTIONS
    assert (found[0].label, found[0].value, found[0].note) == (
        "Horizon", "36 months", "our default; the verdict changes below 12 months",
    )  # fmt: skip
    assert found[1].note == "our default; the verdict changes below 70,000, as now planned"
    assert (found[2].label, found[2].value, found[2].note) == (
        "Cost of an engineer-week", "US$4,000", "as entered",
    )  # fmt: skip
    assert "Worth of one more right answer" in {item.label for item in found}


def test_the_worth_of_a_pilot_is_told_where_it_was_computed(report: Report) -> None:
    bound = view(dataclasses.replace(report, risk=None)).figures[-1]
    assert bound.label == "Worth of a pilot, at most"
    assert bound.value == show_amounts.usd_short(report.verdict.perfect_information_usd)
    alone = dataclasses.replace(report.verdict, pilot_usd=None)
    unasked = view(dataclasses.replace(report, risk=None, verdict=alone)).figures[-1]
    assert (unasked.label, unasked.value) == ("Worth of knowing the outcome", bound.value)
    design = PilotDesign(0.1, 5_000, 500, 310.0, 4_100.0, 0.3, default=True)
    other = dataclasses.replace(design, value_usd=1.0, default=False)
    risk = RiskReport((), None, InformationReport(15_000.0, (), (other, design)), ())
    told = view(dataclasses.replace(report, risk=risk)).figures[-1]
    assert (told.label, told.value, told.note) == (
        "Worth of a pilot", "US$4.10\u00a0k", "before its cost of US$310",
    )  # fmt: skip


def test_a_verdict_that_asks_for_a_pilot_says_how_close_it_is(report: Report) -> None:
    asked = dataclasses.replace(report.verdict, choice="pilot")
    labels = [f.label for f in view(dataclasses.replace(report, verdict=asked)).figures]
    assert any(label.startswith("Chance that full beats") for label in labels)


def test_every_text_has_an_end(report: Report) -> None:
    long = "word " * 400
    verdict = dataclasses.replace(report.verdict, headline=f"LoRA. {long}", sentences=(long,))
    model = dataclasses.replace(report.model, label=long)
    found = view(
        dataclasses.replace(report, verdict=verdict, model=model, price_book=long), title=long
    )
    assert len(found.title) <= board_views.MOST_TITLE
    assert len(found.because) <= board_views.MOST_WORDS
    assert len(found.subject) <= 250
    assert all(len(line) <= board_views.MOST_LINE for line in found.sources)


def test_a_method_that_fits_nowhere_is_a_row_too(report: Report) -> None:
    gone = dataclasses.replace(
        report.methods[0], feasible=False, plan=None, npv_usd=None, total_usd=None, accuracy=None,
        payback_months=None, probability_best=None, cash_flow=None,
    )  # fmt: skip
    methods = (gone, *report.methods[1:])
    verdict = dataclasses.replace(report.verdict, turns=())
    found = view(dataclasses.replace(report, methods=methods, comparison=None, verdict=verdict))
    assert "Engineering, full fine-tuning" not in {item.label for item in found.assumptions}
    row = found.rows[0]
    assert (row.total, row.npv, row.npv_range, row.payback, row.gain) == (
        "—", "—", "", "does not fit", "—",
    )  # fmt: skip


def test_another_currency_is_named_with_its_day(report: Report) -> None:
    euro = dataclasses.replace(report, currency=CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb"))
    found = view(euro)
    assert any("EUR at 0.9 per US dollar" in line for line in found.sources)
    assert found.figures[0].value.startswith("€")
    # What was entered is in dollars, and says so.
    amounts = [item.value for item in found.assumptions if item.value.startswith("US$")]
    assert amounts
    for amount in amounts:
        dollars, euros = re.findall(r"(?:US\$|€)([\d,.]+)", amount)
        assert float(euros.replace(",", "")) == pytest.approx(
            0.9 * float(dollars.replace(",", "")), rel=1e-3
        )


def test_the_code_holds_the_link_between_its_three_corners() -> None:
    """The corners of ISO/IEC 18004: rings of 7 modules, of which the first row is dark."""
    code = board_views.qr_code("https://tunecase.example/s/abc")
    runs = {(int(x), int(y)): int(n) for x, y, n in re.findall(r"M(\d+) (\d+)h(\d+)v1", code.d)}
    assert code.size == 29 + 8
    for corner in ((4, 4), (4 + 22, 4), (4, 4 + 22)):
        assert runs[corner] == 7
    assert all(x >= 4 and x + n <= code.size - 4 for (x, _), n in runs.items())


# ---------------------------------------------------------------------- the pages

QUERY = "methods=full&methods=lora&draws=1000&title=Contracts"


def test_a_result_without_a_link_says_so(reader: TestClient) -> None:
    answer = reader.get(f"/result/board?{QUERY}")
    assert answer.status_code == 200
    document = Document(answer.text)
    assert not document.mismatches
    assert "This result has no link yet." in document.text
    assert "Not saved: this page has no link yet." in document.text
    assert document.all("meta", name="robots", content="noindex")
    assert not document.all("svg", **{"class": "qr"})


def test_a_mistake_leads_to_the_form(reader: TestClient) -> None:
    answer = reader.get("/result/board?epochs=-1")
    assert answer.status_code == 422
    assert "must be more than 0" in answer.text


def test_a_saved_result_carries_its_link(client: TestClient) -> None:
    saved = client.post("/scenarios", data={"scenario": QUERY}, follow_redirects=False)
    address = saved.headers["location"]
    answer = client.get(f"{address}/board")
    assert answer.headers["cache-control"] == "private, no-store"
    document = Document(answer.text)
    assert not document.mismatches
    assert f"http://localhost{address}" in document.text
    assert document.all("svg", **{"class": "qr"})
    assert "no link yet" not in document.text
    client.post(f"{address}/revoke")
    assert client.get(f"{address}/board").status_code == 410


@pytest.mark.parametrize("token", ["A" * 32, "x"])
def test_a_link_that_is_not_there(reader: TestClient, token: str) -> None:
    assert reader.get(f"/s/{token}/board").status_code == 404
