"""From a case to the report: the parts fit together."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.estimator import estimate as module
from app.estimator.case import Case
from app.estimator.estimate import estimate
from app.estimator.finance import npv_usd, payback_months
from app.estimator.fleet import fleet_of
from app.estimator.flows import GPU_LINES, IDLE_LINES
from app.estimator.memory import LINE_LABELS
from app.estimator.report import MethodReport, Report
from app.estimator.schedule import schedule_of
from app.estimator.score_draws import Scores, believed_scores
from app.estimator.uncertainty import distribution
from app.estimator.worked import contender_of
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.situations import SITUATIONS, ReadyMade

TODAY = date(2026, 11, 23)
MAIN = ScenarioInput(
    model="meta-llama/Meta-Llama-3.1-8B",
    examples=50_000,
    tokens_per_example=900,
    epochs=3,
    lora_rank=64,
    qlora_rank=16,
    accelerators=("H100-SXM-80GB", "A100-SXM-80GB"),
)
SCENARIOS = {
    "main": MAIN,
    **{ready.key: ready.scenario for ready in SITUATIONS},
    "every way to buy": MAIN.model_copy(
        update={
            "include_spot": True,
            "include_reserved": True,
            "include_capacity_blocks": True,
            "currency": "EUR",
        }
    ),
    "own servers": MAIN.model_copy(update={"assumptions": {"server_usd_per_gpu": 30_000.0}}),
    "cheapest": MAIN.model_copy(update={"objective": "cheapest"}),
    "fastest": MAIN.model_copy(update={"objective": "fastest"}),
    # The base is nearly always right, so that a model often tests below it.
    "below the base": MAIN.model_copy(
        update={"task_group": "narrow", "base_accuracy_points": 95.0, "test_set_size": 100}
    ),
}


def report_of(scenario: ScenarioInput, catalog: Catalog) -> Report:
    return estimate(case_of(scenario, catalog, TODAY), "1", "hash", "2026-11-01")


@pytest.fixture(scope="module", params=SCENARIOS)
def pair(request: pytest.FixtureRequest, catalog: Catalog) -> tuple[Case, Report]:
    """A case and its report, for the issue's main job and for every ready-made situation."""
    case = case_of(SCENARIOS[request.param], catalog, TODAY)
    return case, estimate(case, "1", "hash", "2026-11-01")


def test_figures_of_a_method_agree(pair: tuple[Case, Report]) -> None:
    case, report = pair
    for m in report.methods:
        assert m.plan is not None
        assert m.cash_flow is not None
        assert m.npv_usd is not None
        assert m.total_usd_range is not None
        assert m.accuracy is not None
        # Lines and totals.
        assert sum(line.usd for line in m.cost_lines) == m.total_usd
        assert m.total_usd_range.mean == pytest.approx(m.total_usd, rel=1e-9)
        assert sum(line.bytes for line in m.plan.memory_lines) == pytest.approx(m.plan.memory_bytes)
        assert [line.key for line in m.plan.memory_lines] == list(LINE_LABELS)
        assert m.plan.memory_bytes <= m.plan.memory_capacity_bytes * 15 / 16  # a margin of 1/16
        parts = dataclasses.astuple(m.plan.step_time)
        assert sum(parts[:-1]) == pytest.approx(parts[-1])
        # The plan.
        run = next(line for line in m.cost_lines if line.key == "release_run")
        assert run.usd == pytest.approx(m.plan.usd)
        assert m.plan.gpus == m.plan.nodes * m.plan.gpus_per_instance
        assert m.plan.gpu_hours == pytest.approx(m.plan.hours * m.plan.gpus) == run.quantity
        assert m.plan.hours_range.mean == pytest.approx(m.plan.hours)
        assert 0 < m.plan.model_flop_utilisation_fraction < 1
        wall = dataclasses.astuple(m.plan.wall_clock)
        assert sum(wall) == pytest.approx(m.plan.hours)
        assert (m.plan.wall_clock.interruptions_h > 0) == (m.plan.purchase_option == "spot")
        # Ways to pay: the chosen one is that of the lines.
        gpu_lines = tuple(x for x in m.cost_lines if x.key in GPU_LINES | IDLE_LINES)
        assert m.ways[0].chosen
        assert m.ways[0].key == m.plan.purchase_option
        assert [x.key for x in m.ways[0].lines] == [x.key for x in gpu_lines]
        for way_line, line in zip(m.ways[0].lines, gpu_lines, strict=True):
            assert way_line.usd == pytest.approx(line.usd)
        assert m.ways[0].hours_per_run == m.plan.hours
        assert m.ways[0].total_usd == pytest.approx(
            m.total_usd - sum(x.usd for x in m.cost_lines if x not in gpu_lines)
        )
        # Money.
        flow = m.cash_flow.monthly_usd
        assert len(flow) == case.value.horizon_months + 1
        size = float(np.abs(flow).sum())
        assert m.npv_usd.mean == pytest.approx(
            npv_usd(flow, case.value.discount_rate_fraction), abs=1e-6 * size
        )
        assert m.cash_flow.cumulative_usd == pytest.approx(np.cumsum(flow))
        assert m.payback_months == payback_months(flow)
        # Distributions.
        for found in (
            m.npv_usd,
            m.total_usd_range,
            m.accuracy.final_points,
            m.accuracy.gain_points,
            m.plan.hours_range,
        ):
            assert found.p10 <= found.p50 <= found.p90
        assert m.probability_best is not None
        assert m.probability_pays is not None
        assert 0 <= m.probability_best <= m.probability_pays <= 1
    assert sum(m.probability_best or 0 for m in report.methods) <= 1 + 1e-12


def _expected(report: Report, key: str) -> MethodReport:
    return next(m for m in report.methods if m.method == key)


def test_the_verdict_is_that_of_the_figures(pair: tuple[Case, Report]) -> None:
    """No method is chosen that the figures beside it do not support."""
    case, report = pair
    comparison, verdict = report.comparison, report.verdict
    assert comparison is not None
    full, adapter = (_expected(report, key) for key in ("full", comparison.adapter_method))
    assert full.npv_usd is not None
    assert adapter.npv_usd is not None
    assert full.total_usd is not None
    assert adapter.total_usd is not None
    first, other = (full, adapter) if full.npv_usd.mean > adapter.npv_usd.mean else (adapter, full)
    assert first.npv_usd is not None
    assert first.probability_pays is not None
    p = comparison.probability_full_beats_adapter
    wins = p if first is full else 1 - p
    decisive = case.constants["decisive_probability"]
    if verdict.choice in {"full", "lora", "qlora"}:
        assert first.npv_usd.mean > 0
        if wins < decisive:  # either would do
            assert verdict.pilot_usd is not None
            assert verdict.perfect_information_usd <= verdict.pilot_usd
            assert verdict.choice in {first.method, other.method}
        else:
            assert verdict.choice == first.method
            assert first.probability_pays >= case.constants["least_probability_pays"]
    elif verdict.choice == "neither":
        assert first.npv_usd.mean <= 0
    else:
        assert verdict.choice == "pilot"
        assert verdict.pilot_usd is not None
        assert verdict.perfect_information_usd > verdict.pilot_usd
    assert verdict.perfect_information_usd >= 0
    assert verdict.probability is not None
    assert 0 <= verdict.probability <= 1
    assert comparison.extra_cost_usd == pytest.approx(full.total_usd - adapter.total_usd)


def test_a_model_that_tests_below_the_base_is_not_released(pair: tuple[Case, Report]) -> None:
    """The base stays in use: nothing is gained, nothing is lost, and how often is said."""
    case, report = pair
    scores = believed_scores(case, np.random.default_rng(case.seed)).scores
    base = scores.base
    gain = {key: np.where(drawn > base, drawn - base, 0.0) for key, drawn in scores.final.items()}
    for m in report.methods:
        assert m.accuracy is not None
        assert m.accuracy.gain_points == distribution(gain[m.method])
        assert m.accuracy.gain_points.p10 >= 0
        assert m.accuracy.final_points == distribution(base + gain[m.method])
        assert m.accuracy.probability_worse_than_base == np.mean(scores.final[m.method] < base)
    assert report.comparison is not None
    adapter = report.comparison.adapter_method
    assert report.comparison.gap_points == distribution(gain["full"] - gain[adapter])


def test_what_waiting_costs_by_hand(catalog: Catalog) -> None:
    """8 experiments of 0.3 runs and the release, 10% lost. The release comes after 6 weeks, 1.38
    months; of 2 later ones a year over 3 years, the fifth is due in month 31.4, and a sixth would
    come after the end.
    """
    case = case_of(MAIN, catalog, TODAY)
    waiting = module._waiting(case, np.array([4.0, 16.0]), schedule_of(case.programme, 6.0, 36))
    assert waiting.runs == pytest.approx((1 + 8 * 0.3) * 1.1 + 5 * 1.1) == pytest.approx(9.24)
    # 100,000 answers of 0.5 USD: 500 USD a point and month, 10 points, 730.5 hours a month. An hour
    # more of a run delays the release by the 3.74 runs before it.
    assert waiting.usd_per_hour == pytest.approx(3.74 * 5_000 / 730.5)


def test_a_plan_too_slow_for_its_releases_does_not_look_cheap(catalog: Catalog) -> None:
    """Every plan is weighed by the releases that are wanted, engineering and the first campaign
    apart, and not by those that it finds time for.
    """
    case = case_of(MAIN, catalog, TODAY)
    schedule = schedule_of(case.programme, 130.0, 36)
    # 130 weeks are 29.9 months: of a third to come, one is wanted, in month 35.9, after the end.
    assert module._waiting(case, np.array([1.0]), schedule).runs == pytest.approx(3.74)
    often = schedule_of(dataclasses.replace(case.programme, releases_per_year=24), 6.0, 36)
    wanted = module._waiting(case, np.array([1.0]), often).runs
    # Runs of a month, 30 of them: fewer releases than wanted, and none fewer in the count.
    slow = often.campaigns(730.5)
    assert slow.runs[0] < wanted == often.campaigns(0.0).runs[0]


def test_below_the_base_happens(catalog: Catalog) -> None:
    report = report_of(SCENARIOS["below the base"], catalog)
    lora = _expected(report, "lora").accuracy
    assert lora is not None
    assert 0.1 < lora.probability_worse_than_base < 0.9


def test_every_key_leads_to_its_source(pair: tuple[Case, Report]) -> None:
    _, report = pair
    known = {source.key for source in report.sources}
    for m in report.methods:
        assert {line.source for line in m.cost_lines} <= known | {"input", "assumption"}
        for way in m.ways:
            assert way.source_key in known | {"input"}
            assert {line.source for line in way.lines} <= known | {"input", "assumption"}
        assert m.plan is not None
        assert m.plan.energy is not None
        assert m.plan.energy.grid_source_key in known | {""}
        plans = (m.plan, m.cheapest, m.fastest, m.best_value)
        assert {p.price_source_key for p in plans if p} <= known
    assert report.currency.source_key in known | {"", "input"}
    facts = {a.source for a in report.assumptions if a.kind == "fact" and "." in a.key}
    assert facts <= known


GROWING = {"growth_percent": 20.0, "growth_per_point_percent": 1.5, "margin_per_answer_usd": 0.02}


@pytest.mark.parametrize("growth", [{}, GROWING], ids=["steady", "growing"])
@pytest.mark.parametrize("uncertainty", [0.0, 60.0])
@pytest.mark.parametrize("ready", SITUATIONS, ids=lambda ready: ready.key)
def test_at_the_break_even_gap_both_methods_are_worth_the_same(
    catalog: Catalog, ready: ReadyMade, uncertainty: float, growth: dict[str, float]
) -> None:
    """Full fine-tuning given exactly the gap over the adapter earns exactly as much."""
    scenario = ready.scenario.model_copy(
        update={
            "value_uncertainty_percent": uncertainty,
            "methods": ("full", "lora"),
            # A model that is lifted over the base would begin to forget; here nothing is at stake.
            "other_value_usd": 0.0,
            **growth,
        }
    )
    case = case_of(scenario, catalog, TODAY)
    report = estimate(case, "1", "hash", "2026-11-01")
    assert report.comparison is not None
    gap = report.comparison.break_even_gap_points
    assert gap is not None
    workings = module.workings_of(case)
    scores = workings.believed.scores
    lifted = Scores(scores.base, {"full": scores.base + scores.gain("lora") + gap})
    full = contender_of(case, workings.worked["full"], lifted).npv
    lora = workings.worked["lora"].money.npv
    if gap < 0:
        # Below the base nothing is released, so not every draw can be lowered by the gap.
        assert full.mean() >= lora.mean()
        return
    assert full.mean() == pytest.approx(lora.mean(), rel=1e-5, abs=0.01)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task_group": "narrow", "base_accuracy_points": 95.0, "engineer_weeks_full": 12.0},
        {"task_group": "narrow", "base_accuracy_points": 95.0, "answers_per_month": 1e6},
        {"task_group": "skill", "base_accuracy_points": 95.0, "test_set_size": 10},
        {"task_group": "narrow", "base_accuracy_points": 80.0},
        {"task_group": "far", "base_accuracy_points": 40.0},
    ],
)
def test_the_expected_gap_and_the_break_even_gap_tell_the_same_story(
    catalog: Catalog, changes: dict[str, object]
) -> None:
    """Both stand in one headline: full is ahead exactly where more is expected than is needed."""
    report = report_of(MAIN.model_copy(update=changes), catalog)
    comparison = report.comparison
    assert comparison is not None
    assert comparison.break_even_gap_points is not None
    full, adapter = (_expected(report, key).npv_usd for key in ("full", comparison.adapter_method))
    assert full is not None
    assert adapter is not None
    more_than_needed = comparison.gap_points.mean - comparison.break_even_gap_points
    if abs(more_than_needed) > 0.02:  # nearer than that is the noise of the draws
        assert (more_than_needed > 0) == (full.mean > adapter.mean)


def test_a_release_beyond_the_horizon_is_not_called_worthless(catalog: Catalog) -> None:
    """Full fine-tuning comes too late here; a point of accuracy is worth a lot all the same."""
    report = report_of(
        MAIN.model_copy(
            update={
                "horizon_months": 6,
                "engineer_weeks_full": 60.0,
                "engineer_weeks_adapter": 1.0,
                "task_group": "skill",
            }
        ),
        catalog,
    )
    lora = _expected(report, "lora")
    assert lora.npv_usd is not None
    assert lora.npv_usd.mean > 0
    assert report.verdict.choice == "lora"
    assert report.value_per_point_month_usd > 0
    assert "worth nothing" not in report.verdict.headline


def test_no_value_no_case(catalog: Catalog) -> None:
    report = report_of(MAIN.model_copy(update={"value_per_correct_answer_usd": 0.0}), catalog)
    assert report.verdict.choice == "neither"
    assert report.comparison is not None
    assert report.comparison.break_even_gap_points is None
    for m in report.methods:
        assert m.payback_months is None
        assert m.probability_pays == 0
        assert m.roi_fraction == -1


def committed(catalog: Catalog, option: str, **changes: object) -> Report:
    """The main job where only one purchase option is sold, for little."""
    case = case_of(MAIN.model_copy(update=changes), catalog, TODAY)
    offers = [
        dataclasses.replace(offer, purchase_option=option, usd_per_instance_hour=1.0)
        for offer in case.fleet.offers
    ]
    return estimate(dataclasses.replace(case, fleet=fleet_of(offers)), "1", "hash", "2026-11-01")


@pytest.mark.parametrize("option", ["reserved-1y", "reserved-3y", "capacity-block"])
def test_a_commitment_costs_what_is_paid_for(catalog: Catalog, option: str) -> None:
    """Idle hours are in the total, in the cash flow and in the price of a run."""
    report = committed(catalog, option)
    for m in report.methods:
        plan = m.plan
        assert plan is not None
        assert m.cash_flow is not None
        assert m.total_usd is not None
        lines = {line.key: line for line in m.cost_lines}
        gpu = sum(lines[key].usd for key in lines.keys() & (GPU_LINES | IDLE_LINES))
        used = sum(lines[key].usd for key in lines.keys() & GPU_LINES)
        # The price of a run is its share of everything paid, idle hours too.
        assert used / gpu == pytest.approx(1 - plan.idle_fraction, rel=1e-6)
        assert plan.usd == pytest.approx(lines["release_run"].usd / (1 - plan.idle_fraction))
        assert plan.idle_fraction > 0.3
        assert sum(line.usd for line in m.cost_lines) == m.total_usd
        people = m.total_usd - gpu
        if option == "capacity-block":
            continue
        # Neither the price nor the time is left to chance.
        assert m.total_usd_range is not None
        assert m.total_usd_range.p10 == pytest.approx(m.total_usd_range.p90)
        term = 8760 if option == "reserved-1y" else 3 * 8760
        assert gpu / term / plan.nodes == pytest.approx(round(gpu / term / plan.nodes))
        assert people > 0


def test_a_reservation_that_stays_idle_never_looks_cheap(catalog: Catalog) -> None:
    """A tenth of the price an hour, and three years of it for a few runs: on demand is chosen."""
    case = case_of(MAIN, catalog, TODAY)
    reserved = [
        dataclasses.replace(
            offer,
            key=offer.key + ".reserved",
            purchase_option="reserved-3y",
            usd_per_instance_hour=offer.usd_per_instance_hour / 10,
        )
        for offer in case.fleet.offers
    ]
    both = dataclasses.replace(case, fleet=fleet_of([*case.fleet.offers, *reserved]))
    report, plain = (estimate(c, "1", "hash", "2026-11-01") for c in (both, case))
    for m, alone in zip(report.methods, plain.methods, strict=True):
        for name in ("plan", "cheapest", "fastest", "best_value"):
            assert getattr(m, name) == getattr(alone, name)


def test_amounts_are_said_in_the_currency_of_the_scenario(catalog: Catalog) -> None:
    """The report stays in US dollars; the words alone are converted."""
    plain = report_of(MAIN, catalog)
    euro = MAIN.model_copy(update={"currency": "EUR", "exchange_rate_per_usd": 0.5})
    report = report_of(euro, catalog)
    assert report.methods == plain.methods
    assert report.verdict.perfect_information_usd == plain.verdict.perfect_information_usd
    said = (report.verdict.headline, *report.verdict.sentences)
    before = (plain.verdict.headline, *plain.verdict.sentences)
    assert not any("US$" in sentence for sentence in said)
    assert sum(x.count("€") for x in said) == sum(x.count("US$") for x in before) > 0


def test_the_same_seed_gives_the_same_report(catalog: Catalog) -> None:
    once, again = (report_of(MAIN, catalog) for _ in range(2))
    assert once == again
    other = report_of(MAIN.model_copy(update={"seed": 2}), catalog)
    assert other.methods[0].npv_usd != once.methods[0].npv_usd
    # Nothing but the draws depends on the seed.
    assert [m.total_usd for m in other.methods] == [m.total_usd for m in once.methods]
    assert [m.plan and m.plan.offer_key for m in other.methods] == [
        m.plan and m.plan.offer_key for m in once.methods
    ]


def test_a_method_that_fits_nowhere_leaves_the_others(catalog: Catalog) -> None:
    report = report_of(
        MAIN.model_copy(update={"accelerators": ("RTX-4090-24GB",), "max_gpus": 1}), catalog
    )
    full, qlora = (_expected(report, key) for key in ("full", "qlora"))
    assert not full.feasible
    assert full.plan is None
    assert "GiB" in full.reasons[0]
    assert qlora.feasible
    assert report.comparison is None
    assert "Full fine-tuning fits on no offer with up to 1 GPU." in report.verdict.sentences


def test_the_objective_chooses_the_plan(catalog: Catalog) -> None:
    value, cheap, fast = (
        _expected(report_of(SCENARIOS[name], catalog), "full")
        for name in ("main", "cheapest", "fastest")
    )
    assert MAIN.objective == "value"
    assert value.plan == value.best_value
    assert cheap.plan == cheap.cheapest
    assert fast.plan == fast.fastest
    # All three are shown whichever is chosen, each with the range of its own time.
    for other in (cheap, fast):
        for name in ("best_value", "cheapest", "fastest"):
            one, same = getattr(value, name), getattr(other, name)
            assert same.hours_range.p90 == pytest.approx(one.hours_range.p90)
            assert dataclasses.replace(same, hours_range=one.hours_range) == one
    assert cheap.plan is not None
    assert fast.plan is not None
    assert fast.plan.hours < cheap.plan.hours
    assert fast.plan.usd > cheap.plan.usd


VALUED: dict[str, dict[str, object]] = {
    "main": {},
    "any GPU": {"accelerators": ()},
    "narrow": {"task_group": "narrow"},
    "worthless": {"value_per_correct_answer_usd": 0.0},
    "precious": {"value_per_correct_answer_usd": 50.0},
    "a long run": {"examples": 100_000_000, "tokens_per_example": 1_000, "epochs": 1.0},
    "a long and precious run": {
        "examples": 100_000_000,
        "tokens_per_example": 1_000,
        "epochs": 1.0,
        "answers_per_month": 1e7,
        "max_gpus": 256,
    },
    "a tiny run": {"examples": 200, "epochs": 1.0},
    "no retraining": {"releases_per_year": 0.0},
    "weekly releases": {"releases_per_year": 52.0},
    "many experiments": {"experiments": 200, "experiment_size_percent": 100.0},
    "a short horizon": {"horizon_months": 6, "answers_per_month": 1e6},
}


@pytest.mark.parametrize("name", [*VALUED, *(ready.key for ready in SITUATIONS)])
def test_no_plan_is_worth_more_than_that_of_best_value(catalog: Catalog, name: str) -> None:
    """Chosen before the money is worked out, so a plan of equal worth may win by a hair."""
    scenario = MAIN.model_copy(update=VALUED[name]) if name in VALUED else SCENARIOS[name]
    by_value, *others = (
        report_of(scenario.model_copy(update={"objective": objective}), catalog)
        for objective in ("value", "cheapest", "fastest")
    )
    for other in others:
        for best, m in zip(by_value.methods, other.methods, strict=True):
            assert best.npv_usd is not None
            assert m.npv_usd is not None
            assert best.total_usd is not None
            assert best.npv_usd.mean >= m.npv_usd.mean - 0.01 * best.total_usd, m.method
