"""Risk: histograms, tornadoes and the map, against plain counts and against new estimates."""

from __future__ import annotations

import dataclasses
import warnings
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.case import Case
from app.estimator.estimate import Workings, estimate, workings_of
from app.estimator.fleet import fleet_of
from app.estimator.ledger import TooMuchMoney
from app.estimator.report import MethodReport, Report
from app.estimator.risk import figures_of, histogram_of, value_map
from app.estimator.tornado import tornado_of, tornado_of_lead
from app.estimator.uncertainty import quantiles
from app.estimator.worked import contender_of
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.situations import SITUATIONS

TODAY = date(2026, 11, 23)
PLAIN = ScenarioInput(
    draws=4_000, accelerators=("H100-SXM-80GB",), max_gpus=8, methods=("full", "lora")
)
RICH = PLAIN.model_copy(
    update={
        "growth_per_point_percent": 0.5,
        "margin_per_answer_usd": 0.02,
        "latency_value_usd_per_second": 0.001,
        "tax_percent": 20.0,
        "other_answers_per_month": 10_000.0,
        "other_value_usd": 0.2,
        "lora_rank": 8,
        "serving": "unmerged",
        "variants": 3,
    }
)


@dataclasses.dataclass(frozen=True)
class Made:
    case: Case
    workings: Workings
    report: Report


@pytest.fixture(scope="module", params=["plain", "rich", *(s.key for s in SITUATIONS)])
def made(request: pytest.FixtureRequest, catalog: Catalog) -> Made:
    ready = {s.key: s.scenario.model_copy(update={"draws": 4_000}) for s in SITUATIONS}
    scenario = (ready | {"plain": PLAIN, "rich": RICH})[request.param]
    case = case_of(scenario, catalog, TODAY)
    return Made(case, workings_of(case), estimate(case, "1", "hash", "2026-11-01"))


@given(
    draws=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300),
    bins=st.integers(1, 50),
)
def test_every_draw_is_in_one_bin(draws: list[float], bins: int) -> None:
    found = histogram_of(np.array(draws), bins)
    assert sum(found.counts) == len(draws)
    assert len(found.edges_usd) == len(found.counts) + 1
    assert list(found.edges_usd) == sorted(found.edges_usd)


def test_a_histogram_is_that_of_numpy_within_its_edges() -> None:
    draws = np.random.default_rng(2).standard_normal(5_000)
    found = histogram_of(draws)
    low, high = np.quantile(draws, (0.005, 0.995))
    assert found.edges_usd[0] == low
    assert found.edges_usd[-1] == pytest.approx(high)
    theirs, _ = np.histogram(np.clip(draws, low, high), bins=40, range=(low, high))
    assert list(found.counts) == theirs.tolist()


def test_bars_hold_one_figure_in_every_draw(made: Made) -> None:
    """The same estimate with a figure that does not vary, put where the bar ends."""
    factors = made.workings.factors
    for worked in made.workings.worked.values():
        for bar in tornado_of(made.case, worked, factors):
            assert bar.low < bar.high
            assert bar.low_usd != bar.high_usd
            # Dearer and slower lowers the worth, better, more valued and more used raises it.
            if bar.key in {"gpu_price", "training_time"}:
                assert bar.low_usd > bar.high_usd
            if bar.key == "accuracy":
                assert bar.low_usd <= bar.high_usd
        widths = [abs(b.high_usd - b.low_usd) for b in tornado_of(made.case, worked, factors)]
        assert widths == sorted(widths, reverse=True)


def test_a_bar_of_the_worth_is_the_estimate_at_that_worth(catalog: Catalog) -> None:
    """Held at its P90, the worth of an answer is as if that had been entered for certain."""
    certain = PLAIN.model_copy(
        update={
            "value_uncertainty_percent": 30.0,
            "adoption_uncertainty_percent": 0.0,
            "assumptions": {"correlation_adoption_accuracy": 0.0},
        }
    )
    case = case_of(certain, catalog, TODAY)
    workings = workings_of(case)
    bars = {b.key: b for b in tornado_of(case, workings.worked["full"], workings.factors)}
    assert "adoption" not in bars  # it moves nothing
    bar = bars["value"]
    for at, usd in ((bar.low, bar.low_usd), (bar.high, bar.high_usd)):
        asked = certain.model_copy(
            update={
                "value_uncertainty_percent": 0.0,
                "value_per_correct_answer_usd": 0.5 * at,
            }
        )
        again = workings_of(case_of(asked, catalog, TODAY)).worked["full"]
        assert again.choice == workings.worked["full"].choice
        assert float(again.money.npv.mean()) == pytest.approx(usd, rel=1e-9)


def test_bars_of_the_lead_are_differences(made: Made) -> None:
    worked, factors = made.workings.worked, made.workings.factors
    assert made.report.comparison is not None
    adapter = worked[made.report.comparison.adapter_method]
    of_each = [
        {b.key: b for b in tornado_of(made.case, w, factors)} for w in (worked["full"], adapter)
    ]
    lead = {b.key: b for b in tornado_of_lead(made.case, worked["full"], adapter, factors)}
    for key in ("value", "adoption", "gpu_price", "training_time"):
        if key in of_each[0] and key in of_each[1]:
            size = abs(of_each[0][key].low_usd) + abs(of_each[1][key].low_usd)
            for end in ("low_usd", "high_usd"):
                expected = getattr(of_each[0][key], end) - getattr(of_each[1][key], end)
                assert getattr(lead[key], end) == pytest.approx(expected, abs=1e-9 * size)
    gap = lead["accuracy"]
    drawn = worked["full"].use.score - adapter.use.score
    assert [gap.low, gap.high] == quantiles(drawn, (0.1, 0.9)).tolist()
    assert gap.low_usd < gap.high_usd


def test_the_middle_of_the_map_is_the_scenario(made: Made) -> None:
    contenders = {k: contender_of(made.case, w) for k, w in made.workings.worked.items()}
    assert made.report.comparison is not None
    adapter = made.report.comparison.adapter_method
    found = value_map(made.case, contenders, adapter)
    assert found is not None
    middle = len(found.answers_per_month) // 2
    assert found.answers_per_month[middle] == pytest.approx(found.now_answers_per_month)
    assert found.value_per_point_usd[middle] == pytest.approx(found.now_value_per_point_usd)
    npvs = {key: c.expected_npv for key, c in contenders.items()}
    best = max(npvs, key=lambda key: npvs[key])
    assert found.best[middle][middle] == (best if npvs[best] > 0 else "neither")
    size = max(map(abs, npvs.values()))
    assert found.lead_usd[middle][middle] == pytest.approx(
        npvs["full"] - npvs[adapter], abs=1e-9 * size
    )


def test_a_corner_of_the_map_is_the_estimate_there(catalog: Catalog) -> None:
    """Without serving nothing is held but the plan, so a new estimate says the same."""
    base = PLAIN.model_copy(update={"serving": "none", "objective": "cheapest"})
    case = case_of(base, catalog, TODAY)
    worked = workings_of(case).worked
    found = value_map(case, {k: contender_of(case, w) for k, w in worked.items()}, "lora")
    assert found is not None
    last = len(found.answers_per_month) - 1
    for row, column in ((0, 0), (0, last), (last, 0), (last, last)):
        asked = base.model_copy(
            update={
                "answers_per_month": found.answers_per_month[row],
                "value_per_correct_answer_usd": found.value_per_point_usd[column] / 10,
            }
        )
        again = workings_of(case_of(asked, catalog, TODAY)).worked
        lead = float((again["full"].money.npv - again["lora"].money.npv).mean())
        assert found.lead_usd[row][column] == pytest.approx(lead, rel=1e-6)


def test_no_map_without_worth(catalog: Catalog) -> None:
    asked = PLAIN.model_copy(update={"value_per_correct_answer_usd": 0.0})
    case = case_of(asked, catalog, TODAY)
    worked = workings_of(case).worked
    assert value_map(case, {k: contender_of(case, w) for k, w in worked.items()}, "lora") is None


def test_the_report_holds_its_risk(made: Made) -> None:
    report, risk = made.report, made.report.risk
    assert risk is not None
    feasible = [m.method for m in report.methods if m.feasible]
    assert [m.method for m in risk.methods] == [*feasible, "difference"]
    for m in risk.methods:
        assert sum(m.histogram.counts) == report.draws
    information = risk.information
    assert information.perfect_usd == report.verdict.perfect_information_usd
    for figure in information.figures:
        assert 0 <= figure.value_usd <= information.perfect_usd
    assert sum(design.default for design in information.designs) == 1
    for design in information.designs:
        assert 0 <= design.value_usd <= information.perfect_usd
        assert 0 <= design.probability_changes <= 1
    assert risk.correlations == (("adoption", "accuracy", 0.3),)
    assert set(figures_of(made.workings.worked, made.workings.factors)) == {
        figure.key for figure in information.figures
    }


def test_a_brief_report_differs_in_what_it_leaves_out_alone(made: Made) -> None:
    brief, whole = estimate(made.case, "1", "hash", "2026-11-01", brief=True), made.report
    of_brief = {source.key for source in brief.sources}
    assert of_brief < {source.key for source in whole.sources}
    assert set(brief.assumptions) <= set(whole.assumptions)
    assert all(m.plan is not None and m.plan.price_source_key in of_brief for m in brief.methods)

    def less(m: MethodReport) -> MethodReport:
        """A method without other plans than the chosen one, and without other ways to pay."""
        others = {
            name: plan if (plan := getattr(m, name)) == m.plan else None
            for name in ("cheapest", "fastest", "best_value")
        }
        return dataclasses.replace(m, ways=(), buying=None, frontier=(), **others)

    left = dataclasses.replace(
        whole,
        risk=None,
        serving=None,
        methods=tuple(less(m) for m in whole.methods),
        assumptions=brief.assumptions,
        sources=brief.sources,
    )
    assert brief == left


def test_bars_move_all_that_a_figure_moves(catalog: Catalog) -> None:
    """Where hardly anything is asked of the task and much elsewhere, accuracy costs: the more often
    a model is put to use, the more is forgotten."""
    asked = PLAIN.model_copy(
        update={
            "other_answers_per_month": 1e6,
            "other_value_usd": 1.0,
            "answers_per_month": 1_000.0,
        }
    )
    case = case_of(asked, catalog, TODAY)
    workings = workings_of(case)
    full = workings.worked["full"]
    bars = {b.key: b for b in tornado_of(case, full, workings.factors)}
    assert bars["accuracy"].low < 0 < bars["accuracy"].high
    # Below the base it is not put to use: nothing is earned or lost, and the cost stays.
    assert bars["accuracy"].low_usd == pytest.approx(float(-full.ledger.costs.total_usd), rel=0.05)
    assert bars["accuracy"].high_usd < bars["accuracy"].low_usd
    assert bars["forgetting"].low_usd > bars["forgetting"].high_usd
    figures = figures_of(workings.worked, workings.factors)
    assert figures["forgetting"].shape == (case.draws, 2)


def test_no_gap_goes_beyond_all_answers_right(catalog: Catalog) -> None:
    """At 97 points there are 3 left to gain: the worth of the lead ends there."""
    asked = PLAIN.model_copy(update={"base_accuracy_points": 97.0, "serving": "none"})
    case = case_of(asked, catalog, TODAY)
    workings = workings_of(case)
    full, lora = workings.worked["full"], workings.worked["lora"]
    lead = {b.key: b for b in tornado_of_lead(case, full, lora, workings.factors)}["accuracy"]
    best = np.minimum(lora.use.score + lead.high, 100.0 - full.base)
    month_usd = case.value.answers_per_month * case.value.value_per_correct_answer_usd / 100
    months = float(full.use.live_by_month @ case.accounting.kept(case.value.horizon_months, 0.10))
    worth = float((np.maximum(best, 0.0) * full.worth_factor).mean()) * month_usd * months
    cost = float(full.money.present.fixed + full.money.present.gpu.mean())
    expected = worth - cost - float(lora.money.npv.mean())
    assert lead.high_usd == pytest.approx(expected, rel=1e-9)


def test_tax_takes_of_a_pilot_what_it_takes_of_all(catalog: Catalog) -> None:
    """A tax on everything scales every worth and every cost, so it changes no choice."""
    found = []
    for percent in (0.0, 50.0):
        asked = PLAIN.model_copy(
            update={"tax_percent": percent, "pilot_other_cost_usd": 2_000.0, "draws": 2_000}
        )
        found.append(estimate(case_of(asked, catalog, TODAY), "1", "h", "2026-11-01").verdict)
    plain, taxed = found
    assert plain.choice == taxed.choice
    assert plain.pilot_usd is not None
    assert plain.pilot_value_usd is not None
    assert taxed.pilot_usd == pytest.approx(plain.pilot_usd / 2)
    assert taxed.pilot_value_usd == pytest.approx(plain.pilot_value_usd / 2, rel=1e-4)


def test_a_pilot_uses_hours_and_buys_no_term(catalog: Catalog) -> None:
    reserved = ScenarioInput(
        draws=1_000, methods=("full", "lora"), include_reserved=True, providers=("azure",)
    )
    case = case_of(reserved, catalog, TODAY)
    offers = tuple(o for o in case.fleet.offers if o.purchase_option == "reserved-3y")
    assert offers
    case = dataclasses.replace(case, fleet=fleet_of(offers))
    worked = workings_of(case).worked
    for w in worked.values():
        offer = case.fleet.offers[w.choice.offer]
        gpus = int(w.planned.evaluation.plans.gpus[w.choice.plan])
        used = w.choice.hours * gpus * offer.usd_per_gpu_hour
        assert contender_of(case, w).run_usd == pytest.approx(used)
        assert w.choice.usd > 10 * used


def test_enormous_amounts_overflow_nowhere(catalog: Catalog) -> None:
    """The most that inputs allow is refused; what is just taken is worked out."""

    def answer(worth_usd: float) -> Report:
        changes = {
            "growth_percent": 1_000.0,
            "growth_per_point_percent": 100.0,
            "margin_per_answer_usd": worth_usd,
            "value_per_correct_answer_usd": worth_usd,
            "horizon_months": 120,
            "draws": 1_000,
        }
        case = case_of(PLAIN.model_copy(update=changes), catalog, TODAY)
        return estimate(case, "1", "h", "2026-11-01")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TooMuchMoney, match="exact to the cent"):
            answer(1e3)
        risk = answer(1e-19).risk
    assert risk is not None
    assert risk.information.perfect_usd > 1e9
    values = [design.value_usd for design in risk.information.designs]
    assert all(0 <= value <= risk.information.perfect_usd for value in values)
    assert max(values) > 0
