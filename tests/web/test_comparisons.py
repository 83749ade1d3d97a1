"""Comparisons name what differs and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.estimator.report import CurrencyReport, Report
from app.inputs import ScenarioInput
from app.web import comparisons, results


def _side(scenario: ScenarioInput, report: Report) -> comparisons.Side:
    return comparisons.Side("First", scenario, report, "/result", "today", pinned=False)


def test_only_what_differs_is_listed(report: Report) -> None:
    left = ScenarioInput(lora_rank=8, assumptions={"fragmentation": 0.1})
    right = ScenarioInput(lora_rank=16, engineer_week_usd=4000, providers=("aws",))
    view = comparisons.compare(_side(left, report), _side(right, report))
    found = {d.label: (d.left, d.right, d.change) for d in view.inputs}
    assert found == {
        "LoRA rank": ("8", "16", "+8"),
        "Cost of an engineer-week": ("US$3,500", "US$4,000", "+US$500"),
        "Providers to consider": ("all", "aws", ""),
        "fragmentation": ("0.1", "our value", ""),
    }


def test_the_change_of_an_amount_is_exact(report: Report) -> None:
    one, other = (
        ScenarioInput(value_per_correct_answer_usd=usd, data_preparation_usd=entered)
        for usd, entered in ((0.06, 45_000.0), (18.0, 0.0))
    )
    view = comparisons.compare(_side(one, report), _side(other, report))
    found = {d.label: (d.left, d.right, d.change) for d in view.inputs}
    assert found["Worth of one more right answer"] == ("US$0.06", "US$18", "+US$17.94")
    assert "−US$45,000" in [change for _, _, change in found.values()]


def test_a_price_that_was_left_blank_is_said_in_words(report: Report) -> None:
    left, right = ScenarioInput(), ScenarioInput(storage_usd_per_gb_month=0)
    view = comparisons.compare(_side(left, report), _side(right, report))
    assert [(d.label, d.left, d.right, d.change) for d in view.inputs] == [
        ("Price of storage", "as published", "US$0", "")
    ]


def test_equal_answers_are_called_the_same(report: Report) -> None:
    side = _side(ScenarioInput(), report)
    view = comparisons.compare(side, side)
    assert view.inputs == ()
    assert {d.change for _, rows in view.outcomes for d in rows} <= {"same", ""}
    assert view.identical


def test_a_change_is_that_of_what_is_shown(report: Report) -> None:
    def with_gain(points: float) -> Report:
        lora = report.methods[1]
        assert lora.accuracy is not None
        gain = replace(lora.accuracy.gain_points, mean=points)
        lora = replace(lora, accuracy=replace(lora.accuracy, gain_points=gain))
        return replace(report, methods=(report.methods[0], lora, report.methods[2]))

    left, right = (_side(ScenarioInput(), with_gain(points)) for points in (8.549, 8.851))
    rows = dict(comparisons.compare(left, right).outcomes)["LoRA"]
    assert (rows[0].left, rows[0].right, rows[0].change) == (
        "+8.55 points",
        "+8.85 points",
        "+0.30 points",
    )


def test_a_bound_has_no_difference_in_numbers(report: Report) -> None:
    def with_best(p: float) -> Report:
        return replace(report, methods=(replace(report.methods[0], probability_best=p),))

    left, right = (_side(ScenarioInput(), with_best(p)) for p in (0.004, 0.2))
    rows = dict(comparisons.compare(left, right).outcomes)["Full fine-tuning"]
    found = {d.label: (d.left, d.right, d.change) for d in rows}
    assert found["Chance that it is the best choice"] == ("under 1%", "20%", "higher")


def test_amounts_are_rounded_once(report: Report) -> None:
    """US$118,400 and US$118,490 are both US$118 k: the change is not that of the short texts."""

    def with_npv(usd: float) -> Report:
        m = report.methods[0]
        assert m.npv_usd is not None
        return replace(report, methods=(replace(m, npv_usd=replace(m.npv_usd, mean=usd)),))

    euro = CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb")
    yen = CurrencyReport("JPY", 0, 154.0, "2026-10-30", "ecb")
    left = _side(ScenarioInput(), replace(with_npv(118_455.0), currency=euro))
    right = _side(ScenarioInput(), replace(with_npv(118_545.4), currency=yen))
    rows = dict(comparisons.compare(left, right).outcomes)["Full fine-tuning"]
    (npv,) = (d for d in rows if d.label == "Net present value")
    # 106,609.5 and 106,690.86 euros.
    assert (npv.left, npv.right, npv.change) == ("€106,610", "€106,691", "+€81")
    rows = dict(comparisons.compare(right, left).outcomes)["Full fine-tuning"]
    (npv,) = (d for d in rows if d.label == "Net present value")
    assert npv.change.startswith("−JPY\u00a0")


def test_what_a_leader_reads_has_no_words_of_the_trade(report: Report) -> None:
    side = _side(ScenarioInput(), report)
    labels = [d.label for d in dict(comparisons.compare(side, side).outcomes)["Verdict"]]
    assert "Knowing the outcome before choosing would be worth" in labels


def test_the_verdict_is_said_as_on_the_result_page(report: Report) -> None:
    side = _side(ScenarioInput(), report)
    verdict = dict(comparisons.compare(side, side).outcomes)["Verdict"][0]
    assert f"{verdict.left}." == results.view(report).headline


def test_a_method_on_one_side_only_has_a_dash_on_the_other(report: Report) -> None:
    fewer = replace(report, methods=report.methods[:2], comparison=None)
    view = comparisons.compare(_side(ScenarioInput(), report), _side(ScenarioInput(), fewer))
    rows = dict(view.outcomes)["QLoRA"]
    assert {d.right for d in rows} == {"—"}
    assert {d.change for d in rows} == {""}


@pytest.mark.parametrize("text", ["", "hello there", "http://[broken", "?", "javascript:alert(1)"])
def test_what_is_no_scenario_is_not_read_as_one(text: str) -> None:
    assert comparisons.read_side(text) == ("", [])
    assert not comparisons.looks_like_a_scenario(text)


def test_choices_and_lengths_are_said_in_words(report: Report) -> None:
    left = ScenarioInput(stack="torchtune")
    right = ScenarioInput(lengths="500\n700\n900")
    rows = {
        row.label: row
        for row in comparisons.compare(_side(left, report), _side(right, report)).inputs
    }
    assert rows["Training software"].left == "torchtune"
    assert rows["Training software"].right == "Hugging Face Trainer or TRL"
    assert rows["Lengths of your examples"].right == "given (3 lines)"


def test_both_are_in_the_currency_of_the_first(report: Report) -> None:
    euro = replace(report, currency=CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb"))
    view = comparisons.compare(_side(ScenarioInput(), euro), _side(ScenarioInput(), report))
    assert view.currency == (
        "Amounts of both are in EUR at 0.9 per US dollar, as in the first; the sentence of the "
        "second is in USD."
    )
    rows = dict(view.outcomes)["LoRA"]
    total = next(d for d in rows if d.label == "Total cost")
    assert total.left == total.right
    assert total.left.startswith("€")
    back = comparisons.compare(_side(ScenarioInput(), report), _side(ScenarioInput(), euro))
    assert back.currency == (
        "Amounts of both are in USD, as in the first; the sentence of the second is in EUR."
    )
    plain = comparisons.compare(_side(ScenarioInput(), report), _side(ScenarioInput(), report))
    assert plain.currency == ""


def test_a_price_book_is_named_and_its_key_is_not(report: Report) -> None:
    token = "A" * 32
    book = replace(report, price_book="Acme rates, version 3")
    view = comparisons.compare(
        _side(ScenarioInput(price_book=f"{token}@3"), book), _side(ScenarioInput(), report)
    )
    found = {d.label: (d.left, d.right) for d in view.inputs}
    assert found == {"Price book": ("Acme rates, version 3", "built-in list prices")}
