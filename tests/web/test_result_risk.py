"""Words and numbers of risk on a result page, against the report."""

from __future__ import annotations

import dataclasses
import json

import pytest

from app.catalog.catalog import Catalog
from app.estimator.report import BreakEven, Report
from app.estimator.report_risk import (
    InformationReport,
    KnowingOne,
    PilotDesign,
    RiskReport,
    Stretch,
    TornadoBar,
    ValueMap,
)
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.report_schemas import read_report
from app.services.situations import CORE_PRODUCT
from app.web import (
    board_views,
    result_knowing,
    result_map,
    result_risk,
    results,
    show_amounts,
    show_numbers,
)
from app.web.figures import name_of
from app.web.result_break_even import ALWAYS, NEVER
from tests.services.test_scenarios import SAVED
from tests.web.conftest import TODAY


def _view(report: Report) -> result_risk.RiskView:
    found = result_risk.view(report)
    assert found is not None
    return found


def _with(report: Report, **changes: object) -> Report:
    assert report.risk is not None
    risk: RiskReport = dataclasses.replace(report.risk, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(report, risk=risk)


def test_rows_are_what_stands_and_their_difference(report: Report) -> None:
    view = _view(report)
    assert report.comparison is not None
    assert view.spread is not None
    adapter = report.comparison.adapter_method
    assert [lane.method for lane in view.spread.wide.lanes] == ["full", adapter, "difference"]
    by_method = {m.method: m for m in report.methods}
    for lane, key in zip(view.spread.wide.lanes[:2], ("full", adapter), strict=True):
        m = by_method[key]
        assert m.npv_usd is not None
        assert m.probability_pays is not None
        said = [mark.text for mark in lane.marks]
        assert said == [
            f"P10 {show_amounts.usd_short(m.npv_usd.p10)}",
            f"P50 {show_amounts.usd_short(m.npv_usd.p50)}",
            f"P90 {show_amounts.usd_short(m.npv_usd.p90)}",
        ]
        assert (
            lane.detail == f"below zero in {show_numbers.percent(1 - m.probability_pays)} of cases"
        )
    against = 1 - report.comparison.probability_full_beats_adapter
    assert f"{show_numbers.percent(against)}." in view.spread.conclusion
    assert len(view.spread.table.rows) == 3 * 40
    assert "is not released" in view.spread.caption


def test_the_tornado_shows_the_difference_first(report: Report) -> None:
    view = _view(report)
    assert view.tornado is not None
    assert view.tornado.key == "tornado-difference"
    assert [figure.key for figure in view.others] == ["tornado-full", "tornado-lora"]
    assert report.risk is not None
    bars = report.risk.methods[-1].tornado
    shown = view.tornado.table.rows
    assert shown[0][0] == "Accuracy over LoRA"
    assert [row[2] for row in shown] == [show_amounts.usd_short(bar.low_usd) for bar in bars]
    assert [row[4] for row in shown] == [show_amounts.usd_short(bar.high_usd) for bar in bars]
    lead = [m.npv_usd.mean for m in report.methods[:2] if m.npv_usd]
    assert view.tornado.wide.middle_text == f"Expected: {show_amounts.usd_short(lead[0] - lead[1])}"


def _hangs_on(report: Report, *bars: TornadoBar) -> str:
    assert report.risk is not None
    (*others, last) = report.risk.methods
    changed = dataclasses.replace(last, tornado=bars)
    figure = _view(_with(report, methods=(*others, changed))).tornado
    assert figure is not None
    return figure.conclusion


def test_what_takes_the_lead_across_zero_is_said(report: Report) -> None:
    accuracy = TornadoBar("accuracy", "Accuracy", "points", -4.0, 5.0, -60_000.0, 50_000.0)
    value = TornadoBar("value", "Worth of an answer", "times", 0.7, 1.3, -10_000.0, 10_000.0)
    price = TornadoBar("gpu_price", "GPU prices", "times", 0.9, 1.1, -12_010.0, -12_000.0)
    said = _hangs_on(report, accuracy, value, price)
    assert said == (
        "Accuracy over LoRA matters most: the lead goes from −US$60.0\xa0k to US$50.0\xa0k with "
        "it. The worth of an answer can take it across zero too. Hardly anything hangs on GPU "
        "prices."
    )
    said = _hangs_on(report, dataclasses.replace(accuracy, high_usd=-1_000.0))
    assert said.endswith("The lead of full stays below zero over all of these ranges.")


def test_without_two_methods_there_is_one_row_and_no_pilot(catalog: Catalog) -> None:
    alone = estimate(ScenarioInput(methods=("lora",)), catalog, TODAY)
    view = _view(alone)
    assert view.spread is not None
    assert view.tornado is not None
    assert [lane.method for lane in view.spread.wide.lanes] == ["lora"]
    assert view.tornado.title == "What LoRA hangs on"
    assert view.others == ()
    assert view.value_map is not None
    assert view.value_map.wide.break_even == ""
    assert view.knowing is not None


def _map(best: str, leads: list[float]) -> ValueMap:
    names = {"n": "neither", "l": "lora", "q": "qlora", "f": "full"}
    row = tuple(names[letter] for letter in best)
    places = (10.0, 40.0, 160.0, 640.0, 2560.0)
    return ValueMap(places, tuple(100 * p for p in places), (row,) * 5, (tuple(leads),) * 5, 160.0,
                    16_000.0)  # fmt: skip


LEADS = [-2.0, -1.0, -1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("best", "leads", "title", "said"),
    [
        ("nllff", LEADS, "Where full fine-tuning is worth most",
         "With 16,000 answers a month, full fine-tuning is worth most only above about US$320 a "
         "point for 1,000 answers, LoRA from about US$20 a point up to there, and doing "
         "nothing below."),
        ("nnfff", LEADS, "Where full fine-tuning is worth most",
         "full fine-tuning is worth most only above about US$80 a point for 1,000 answers, and "
         "doing nothing below. With US$160 a point, full fine-tuning is worth most throughout, "
         "from 1,000 to 260,000 answers a month. LoRA is worth most nowhere on the map."),
        ("nqqqq", LEADS, "Where QLoRA is worth most",
         "QLoRA is worth most above about US$20 a point"),
        ("nnnnn", LEADS, "What answers would have to be worth",
         "doing nothing is worth most throughout, from US$10 to US$2.56"),
    ],
)  # fmt: skip
def test_the_map_says_where_choices_change(
    report: Report, best: str, leads: list[float], title: str, said: str
) -> None:
    figure = result_map.figure(_with(report, value_map=_map(best, leads)))
    assert figure is not None
    assert figure.title == title
    assert said in figure.conclusion
    assert ("dashed line" in figure.caption) == bool(figure.wide.break_even)


def test_a_strip_between_two_cells_is_said(report: Report) -> None:
    found = dataclasses.replace(
        _map("nnfff", LEADS),
        along_value=(Stretch("neither", 10.0), Stretch("lora", 85.4), Stretch("full", 96.1)),
        along_answers=(
            Stretch("neither", 1_000.0),
            Stretch("lora", 9_912.71),
            Stretch("full", 12_103.14),
        ),
    )
    figure = result_map.figure(_with(report, value_map=found))
    assert figure is not None
    assert figure.conclusion == (
        "With 16,000 answers a month, full fine-tuning is worth most only above about US$96 a "
        "point for 1,000 answers, LoRA from about US$85 a point up to there, and doing nothing "
        "below. With US$160 a point, full fine-tuning is worth most only above about 12,100 "
        "answers a month, LoRA from about 9,910 answers a month up to there, and doing nothing "
        "below."
    )


def test_the_words_of_the_map_agree_with_the_table_of_break_evens(catalog: Catalog) -> None:
    report = estimate(CORE_PRODUCT.scenario, catalog, TODAY)
    assert report.risk is not None
    assert report.comparison is not None
    found = report.risk.value_map
    assert found is not None
    stand = {"full", report.comparison.adapter_method}
    told = {
        round(point.value)
        for points in (
            report.comparison.break_evens,
            *(m.break_evens for m in report.methods if m.method in stand),
        )
        for point in points
        if point.key == "answers_per_month"
    }
    starts = [stretch.start for stretch in found.along_answers[1:]]
    assert starts
    assert {round(start) for start in starts} <= told


def test_the_map_of_the_report_holds_the_scenario(report: Report) -> None:
    assert report.risk is not None
    found = report.risk.value_map
    figure = result_map.figure(report)
    assert found is not None
    assert figure is not None
    assert len(figure.table.rows) == len(found.answers_per_month)
    middle = figure.table.rows[7]
    assert middle[0] == show_numbers.significant(found.now_answers_per_month)
    assert figure.table.columns[8] == show_amounts.usd_short(found.now_value_per_point_usd)


def test_worthless_answers_have_no_map(report: Report) -> None:
    assert result_map.figure(_with(report, value_map=None)) is None


DESIGNS = (
    PilotDesign(0.1, 5_000, 100, 3.0, 2_000.0, 0.26, default=False),
    PilotDesign(0.1, 5_000, 500, 3.0, 4_700.0, 0.38, default=True),
    PilotDesign(0.1, 5_000, 5_000, 3.0, 6_100.0, 0.38, default=False),
    PilotDesign(1.0, 50_000, 500, 33.0, 12_000.0, 0.48, default=False),
)


def test_a_pilot_is_said_in_one_sentence(report: Report) -> None:
    assert result_knowing.pilot_sentence(report, DESIGNS) == (
        "A pilot on 10% of the data, scored on 500 questions, costs US$3.00 and would be worth "
        "US$4.70\xa0k; 5,000 questions would add US$1.40\xa0k, and all the data US$7.30\xa0k for "
        "US$30 more. It would change the choice in 38% of cases."
    )
    dear = dataclasses.replace(DESIGNS[1], cost_usd=9_000.0)
    said = result_knowing.pilot_sentence(report, (dear,))
    assert "worth US$4.70\xa0k, less than it costs. It would" in said
    assert result_knowing.pilot_sentence(report, ()) == ""


def test_what_single_figures_are_worth_is_said(report: Report) -> None:
    figures = (
        KnowingOne("accuracy", "Accuracy", 14_000.0),
        KnowingOne("value", "Worth of an answer", 2_000.0),
        KnowingOne("gpu_price", "GPU prices", 0.0),
    )
    view = result_knowing.view(
        _with(report, information=InformationReport(15_400.0, figures, DESIGNS))
    )
    assert view is not None
    assert view.figures == (
        "Knowing every uncertain figure before choosing would be worth US$15.4\xa0k: no study is "
        "worth more. Known alone, accuracy would be worth US$14.0\xa0k and the worth of an answer "
        "US$2.00\xa0k. Knowing GPU prices alone would not change the choice."
    )
    assert view.chart is not None
    bars = view.chart.wide.bars
    assert [bar.kind for bar in bars] == ["pilot"] * 4 + ["bound"] * 2
    assert [bar.strong for bar in bars] == [False, True, False, False, False, False]
    assert [row.net for row in view.rows][1] == "US$4.70\xa0k"


def test_nothing_to_learn_has_no_chart(report: Report) -> None:
    view = result_knowing.view(_with(report, information=InformationReport(0.0, (), ())))
    assert view is not None
    assert view.chart is None
    assert "worth nothing" in view.figures


def test_correlations_are_said(report: Report) -> None:
    said = _view(_with(report, correlations=(("adoption", "accuracy", 0.3),))).correlations
    assert said.startswith(
        "Drawn together, with their correlation: the number of answers with accuracy (+0.3)."
    )
    assert "independently" in _view(_with(report, correlations=())).correlations


def test_amounts_are_in_the_shown_currency(report: Report) -> None:
    yen = dataclasses.replace(report.currency, code="JPY", digits=0, per_usd=150.0)
    view = results.view(dataclasses.replace(report, currency=yen))
    assert view.risk is not None
    assert view.risk.spread is not None
    assert view.risk.value_map is not None
    texts = [mark.text for lane in view.risk.spread.wide.lanes for mark in lane.marks]
    texts += [tick.label for tick in view.risk.value_map.wide.x_ticks]
    assert all("JPY" in text for text in texts)
    assert "US$" not in view.risk.value_map.conclusion


def test_reports_of_earlier_schemas_have_no_such_sections(report: Report) -> None:
    old = read_report(json.dumps(SAVED["report_json"]))
    view = results.view(old)
    assert view.risk is None
    assert view.money is None


@pytest.mark.parametrize("tax_percent", [0, 40])
def test_that_a_pilot_costs_less_after_tax_than_its_bill_is_said(
    tax_percent: float, catalog: Catalog
) -> None:
    asked = ScenarioInput(
        pilot_other_cost_usd=10_000, tax_percent=tax_percent, methods=("full", "lora"), draws=1_000
    )
    report = estimate(asked, catalog, TODAY)
    view = results.view(report)
    assert view.risk is not None
    assert view.risk.knowing is not None
    verdict = " ".join((report.verdict.headline, *report.verdict.sentences))
    board = board_views.view(report, title="", day="2026-11-23", link="", names={})
    said = {
        "words": verdict + view.risk.knowing.sentence,
        "table": view.risk.knowing.cost,
        "figures": " ".join(figure.note for figure in view.key_figures),
        "board": " ".join(figure.note for figure in board.figures),
    }
    about_pilots = {"words": "ilot", "table": "Cost", "figures": "questions", "board": "its cost"}
    for place, words in about_pilots.items():
        assert words in said[place], place
        assert ("after tax" in said[place]) == bool(tax_percent), place
    assert ("US$6.0" in said["words"]) == bool(tax_percent)


def test_a_pilot_is_a_key_figure_where_the_verdict_does_not_ask_for_one(report: Report) -> None:
    assert report.risk is not None
    (default,) = (d for d in report.risk.information.designs if d.default)
    for choice, there in (("lora", True), ("pilot", False)):
        verdict = dataclasses.replace(report.verdict, choice=choice)
        figures = results.view(dataclasses.replace(report, verdict=verdict)).key_figures
        shown = [f.value for f in figures if f.label == "A pilot first would be worth"]
        assert shown == ([show_amounts.usd_short(default.value_usd)] if there else [])
        assert len(figures) <= 5


def test_break_evens_are_those_of_the_report(report: Report) -> None:
    assert report.comparison is not None
    found = _view(report).break_evens
    assert found is not None
    assert found.columns[0] == f"Full instead of {name_of(report.comparison.adapter_method)}"
    rows = {row.label: row for row in found.rows}
    points = {p.key: p for p in report.comparison.break_evens}
    answers = rows["Answers a month"]
    assert answers.now == "100,000"
    point = points.get("answers_per_month")
    assert report.comparison.incremental is not None
    expected = ALWAYS if report.comparison.incremental.npv_usd > 0 else NEVER
    if point is not None:
        side = "above" if point.above else "below"
        expected = f"{side} {show_numbers.significant(point.value)}"
    assert answers.cells[0] == expected
    pays = {p.key: p for p in report.methods[0].break_evens}
    assert answers.cells[1] == f"above {show_numbers.significant(pays['answers_per_month'].value)}"


def test_a_price_of_gpus_has_one_unit_in_all_cells(report: Report) -> None:
    """Prices that differ by plan are told in the first column, and their multiples beside it."""
    prices = {"full": (2.0, 5.0), "lora": (1.6, 8.0)}
    assert report.comparison is not None
    chosen = dataclasses.replace(
        report,
        comparison=dataclasses.replace(
            report.comparison, break_evens=(BreakEven("gpu_price", 1.0, 0.25, above=False),)
        ),
        methods=tuple(
            dataclasses.replace(
                m, break_evens=(BreakEven("gpu_price", *prices[m.method], above=False),)
            )
            for m in report.methods
            if m.method in prices
        ),
    )
    found = _view(chosen).break_evens
    assert found is not None
    [row] = found.rows
    assert row.label == "Price of GPU time"
    assert row.now == "US$2.00 an hour, US$1.60 an hour"
    assert row.cells == (
        "below 0.25 times today's", "below 2.5 times today's", "below 5 times today's",
    )  # fmt: skip


def test_a_gpu_price_that_turns_nothing_is_told_too(report: Report) -> None:
    far = tuple(
        dataclasses.replace(
            m, break_evens=tuple(p for p in m.break_evens if p.key == "answers_per_month")
        )
        for m in report.methods
    )
    found = _view(dataclasses.replace(report, methods=far)).break_evens
    assert found is not None
    row = next(row for row in found.rows if row.label == "Price of GPU time")
    plan = report.methods[0].plan
    assert plan is not None
    assert f"{show_amounts.unit_price(plan.usd_per_gpu_hour)} an hour" in row.now
    assert row.cells[1:] == (ALWAYS, ALWAYS)


def test_without_break_evens_there_is_no_table(report: Report) -> None:
    bare = dataclasses.replace(
        report,
        methods=tuple(dataclasses.replace(m, break_evens=()) for m in report.methods),
    )
    assert _view(bare).break_evens is None
