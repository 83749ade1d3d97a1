"""Arguments: quantities worked by hand, and money that is that of the cost lines and of the worth.

The hand-made method is right in 70, 90 and 100 of 100 answers, each in one draw of three. Of 1,000
answers a month, 300, 100 and 0 are wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from math import exp
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.catalog.catalog import Catalog
from app.estimator.arguments import ARGUMENTS, VALUE_ARGUMENTS, arguments_of
from app.estimator.benefits import benefit_flows, use_drivers
from app.estimator.case import Case, Programme, Value
from app.estimator.cost import Upkeep, programme_costs
from app.estimator.estimate import workings_of
from app.estimator.gpu_bill import Run
from app.estimator.ledger import ledger_of
from app.estimator.method_serving import Served
from app.estimator.methods import Method
from app.estimator.planner import Choice, Planned
from app.estimator.report import ArgumentReport, ArgumentValue
from app.estimator.serving_way import Way
from app.estimator.uncertainty import distribution, money_draws
from app.estimator.value import InUse, streams_of
from app.estimator.worked import Worked
from app.inputs import ScenarioInput
from app.services.cases import case_of
from tests.estimator.planning import FULL, LORA, decoder

TODAY = date(2026, 11, 23)
SMALL = ScenarioInput(accelerators=("H100-SXM-80GB",), max_gpus=8, draws=1_000)
EVERYTHING: dict[str, Any] = {
    "hallucination_percent": 20.0,
    "hallucination_cost_usd": 3.0,
    "violation_percent": 5.0,
    "incident_percent": 2.0,
    "incident_cost_usd": 800.0,
    "other_answers_per_month": 20_000.0,
    "other_value_usd": 0.3,
    "growth_percent": 10.0,
    "growth_per_point_percent": 1.0,
    "margin_per_answer_usd": 0.05,
    "latency_value_usd_per_second": 0.001,
    "serving": "unmerged",
    "variants": 3,
    "artefact_year_usd": 5_000.0,
    "delay_cost_usd_per_month": 2_000.0,
    "release_fixed_usd": 1_500.0,
    "adapter_release_percent": 40.0,
}
LookedUp = Callable[[], Case]
"""A function, since the text of a case is too long for a failure of Hypothesis to print."""

KEYS = {
    *("accuracy", "hallucination", "violations", "audit", "governance", "retention", "latency"),
    *("serving", "development_time", "delay", "growth", "control"),
}


@pytest.fixture(scope="module")
def looked_up(catalog: Catalog) -> LookedUp:
    """A case whose value, programme and model are replaced by those of each test."""
    case = case_of(SMALL, catalog, TODAY)
    return lambda: case


def by_key(case: Case, worked: Mapping[str, Worked]) -> dict[str, ArgumentReport]:
    reports = arguments_of(case, worked)
    assert len({report.key for report in reports}) == len(reports)
    return {report.key: report for report in reports}


# --------------------------------------------------------------------------------- one whole case


@dataclasses.dataclass(frozen=True)
class Whole:
    """A case with its methods worked out, and what the arguments say of them."""

    scenario: ScenarioInput
    case: Case
    worked: Mapping[str, Worked]
    told: Mapping[str, ArgumentReport]

    def usd(self, key: str, method: str) -> float:
        """Money of an argument; nothing where none is at stake."""
        found = next(value for value in self.told[key].values if value.method == method)
        return found.usd or 0.0

    def line(self, method: str, *keys: str) -> float:
        """What cost lines come to."""
        return sum(x.usd for x in self.worked[method].costs.lines if x.key in keys)


WHOLE: dict[str, dict[str, Any]] = {
    "everything": EVERYTHING,
    "everything, one variant": EVERYTHING | {"serving": "auto", "variants": 1},
    "everything but growth": EVERYTHING | {"growth_per_point_percent": 0.0},
    "nothing served": EVERYTHING | {"serving": "none"},
    "as it comes": {},
    # Often below the base.
    "below": EVERYTHING | {"task_group": "narrow", "base_accuracy_points": 95.0},
    "too late": EVERYTHING | {"horizon_months": 2, "engineer_weeks_full": 20.0},
}


@pytest.fixture(scope="module", params=WHOLE)
def whole(request: pytest.FixtureRequest, catalog: Catalog) -> Whole:
    scenario = SMALL.model_copy(update=WHOLE[request.param])
    case = case_of(scenario, catalog, TODAY)
    worked = workings_of(case).worked
    return Whole(scenario, case, worked, by_key(case, worked))


def test_every_argument_is_told_for_every_method(whole: Whole) -> None:
    assert set(whole.told) == KEYS == {argument.key for argument in ARGUMENTS}
    assert set(VALUE_ARGUMENTS) < KEYS
    assert set(whole.worked) == {"full", "lora", "qlora"}
    for report in whole.told.values():
        assert [value.method for value in report.values] == list(whole.worked)
        for value in report.values:
            # Money where it is counted, and only there.
            assert (value.usd is not None) == report.counted
            assert (value.p10 is None) == (value.p90 is None)


def test_value_arguments_sum_to_what_a_method_earns(whole: Whole) -> None:
    for key, worked in whole.worked.items():
        said = -sum(whole.usd(argument, key) for argument in VALUE_ARGUMENTS)
        assert said == worked.ledger.benefit_usd


def test_other_arguments_are_their_cost_lines(whole: Whole) -> None:
    for key in whole.worked:
        assert whole.usd("audit", key) == pytest.approx(
            whole.line(key, "release_checks", "retraining_checks")
        )
        for argument, line in (
            ("governance", "governance"),
            ("serving", "serving"),
            ("delay", "delay"),
            ("development_time", "engineering"),
        ):
            assert whole.usd(argument, key) == whole.line(key, line)


def test_no_money_is_told_twice_or_left_out(whole: Whole) -> None:
    """Beside GPU time, data and storage, the arguments are all of the cost and all of the worth."""
    for key, worked in whole.worked.items():
        others = worked.costs.gpu_usd + whole.line(key, "data_preparation", "storage", "egress")
        net = worked.costs.total_usd - worked.ledger.benefit_usd
        assert sum(whole.usd(x, key) for x in KEYS) + others == net


def test_quantities_are_those_of_the_method(whole: Whole) -> None:
    value = whole.case.value
    for i, (key, worked) in enumerate(whole.worked.items()):
        told = {argument: report.values[i] for argument, report in whole.told.items()}
        releases = 1 + worked.costs.later_releases
        assert told["audit"].quantity == releases
        if told["audit"].usd is not None:
            share = 1.0 if key == "full" else 0.4
            assert told["audit"].usd == pytest.approx(1_500 * share * releases)
        assert told["governance"].quantity == worked.served.artefacts
        month = worked.costs.release_month
        assert told["development_time"].quantity == month
        assert told["delay"].quantity == min(month, value.horizon_months)
        if told["delay"].usd is not None:
            assert told["delay"].usd == pytest.approx(2_000 * min(month, value.horizon_months))
        way = worked.served.way
        assert told["serving"].quantity == (None if way is None else way.gpus)
        assert told["latency"].quantity == (None if way is None else way.seconds_per_answer)
        for argument, draws in (("accuracy", worked.gain), ("retention", worked.use.forgotten)):
            spread = distribution(draws)
            found = told[argument]
            assert (found.quantity, found.p10, found.p90) == (spread.mean, spread.p10, spread.p90)


def test_arguments_name_fields_of_the_scenario(whole: Whole) -> None:
    for report in whole.told.values():
        assert set(report.inputs) <= set(ScenarioInput.model_fields)
        assert len(set(report.inputs)) == len(report.inputs)
        assert bool(report.inputs) == (report.key != "control")


def test_every_input_that_is_set_here_is_named(catalog: Catalog) -> None:
    """But for the growth of the market, which is in all that is earned."""
    named = {name for argument in ARGUMENTS for name in argument.inputs}
    assert set(EVERYTHING) - named == {"growth_percent"}


def test_what_is_counted_follows_what_is_entered(whole: Whole) -> None:
    counted = {key for key, report in whole.told.items() if report.counted}
    if whole.scenario == SMALL:
        assert counted == {"accuracy", "serving", "development_time"}
        return
    without = {"control"}
    if whole.scenario.serving == "none":
        without |= {"serving", "latency"}
    if whole.scenario.growth_per_point_percent == 0:
        without |= {"growth"}
    assert counted == KEYS - without


def test_notes_are_sentences_and_the_chance_is_told_where_it_counts(whole: Whole) -> None:
    for report in whole.told.values():
        assert report.note.endswith(".")
        told = "Chance of at least one incident" in report.note
        assert told == (report.key == "violations" and report.counted)


# ----------------------------------------------------------------------------------- one by hand

VALUE = Value(
    base_accuracy_points=60,
    test_set_size=500,
    answers_per_month=1_000,
    value_per_correct_answer_usd=2,
    horizon_months=12,
    discount_rate_fraction=0.1,
    value_uncertainty_fraction=0.3,
    price_uncertainty_fraction=0.2,
    hallucination_fraction=0.1,
    hallucination_usd=5,
    violation_fraction=0.2,
    incident_fraction=0.1,
    incident_usd=50,
    other_answers_per_month=400,
    other_value_usd=0.6,
    growth_per_point_fraction=0.01,
    margin_usd=0.05,
    second_usd=0.01,
)
WEEKS = 1.25 * 30.4375 / 7
"""Of 1.25 months."""
PROGRAMME = Programme(
    experiments=0,
    experiment_fraction=0,
    failed_fraction=0,
    engineer_weeks_full=WEEKS,
    engineer_weeks_adapter=WEEKS,
    engineer_week_usd=4_000,
    data_preparation_usd=700,
    releases_per_year=4,
    release_fixed_usd=1_000,
    adapter_release_fraction=0.4,
    artefact_year_usd=1_200,
    delay_usd_per_month=500,
)
FORGOTTEN = (2.0, 2.0, 5.0)


def won_answers(gains: tuple[float, ...]) -> float:
    """Answers that 1% a point and year brings from month 1.25 to 12, the mean of the draws."""
    won = 0.0
    for month in range(2, 13):
        live = 0.75 if month == 2 else 1.0
        years = (month - live / 2 - 1.25) / 12
        won += sum(1_000 * live * ((1 + 0.01 * g) ** years - 1) for g in gains) / len(gains)
    return won


def of_scores(
    value: Value = VALUE,
    programme: Programme = PROGRAMME,
    method: Method = LORA,
    *,
    score: tuple[float, ...] = (10.0, 30.0, 40.0),
    base: float = 60.0,
    served: bool = True,
) -> Worked:
    """A method whose run takes no time, with three artefacts and half a second of waiting."""
    scores = np.array(score)
    gpus: Any = Way.__new__(Way)
    for field, said in (("gpus", 2), ("seconds_per_answer", 1.75)):
        object.__setattr__(gpus, field, said)
    costs_at = partial(
        programme_costs,
        Run(0.0, 1, 2.0, "a-list"),
        programme,
        horizon_months=value.horizon_months,
        upkeep=Upkeep(
            is_full=method.adapters is None,
            release_fraction=programme.adapter_release_fraction,
            artefacts=3,
            serving_usd_per_month=200.0,
        ),
    )
    costs = costs_at(programme.engineer_weeks(method))
    use = InUse(scores, np.array(FORGOTTEN), 0.5, costs.live_by_month, costs.release_month)
    one = np.ones_like(scores)
    drivers = use_drivers(value, use, one)
    rate = value.discount_rate_fraction
    ledger = ledger_of(costs, benefit_flows(value, use, drivers), rate)
    return Worked(
        method=method,
        planned=cast(Planned, None),
        choice=cast(Choice, None),
        served=Served(gpus if served else None, None, 200.0, 0.5, 3),
        infrastructure=(),
        ledger=ledger,
        drivers=drivers,
        use=use,
        base=base * one,
        final=base + use.gain,
        costs_at=costs_at,
        gpu_factor=one,
        value_factor=one,
        money=money_draws(ledger.costs, streams_of(value, use, one), one, rate),
    )


def case_with(looked_up: LookedUp, value: Value = VALUE, programme: Programme = PROGRAMME) -> Case:
    case = looked_up()
    model = dataclasses.replace(case.model, architecture=decoder("llama"))
    return dataclasses.replace(case, value=value, programme=programme, model=model)


@pytest.mark.parametrize(
    ("key", "quantity", "usd"),
    [
        # Gains of 10, 30 and 40 points; in use for 10.75 months, 2,866.67 answers more are right.
        ("accuracy", 80 / 3, -10_750 * 0.8 / 3 * 2),
        # A tenth of 300, 100 and 0 errors a month; 0.1 x 5 an error.
        ("hallucination", 40 / 3, -10_750 * 0.8 / 3 * 0.5),
        # 2% of 12 months of them; 0.02 x 50 an error.
        ("violations", 32.0, -10_750 * 0.8 / 3 * 1),
        # After month 1.25, every three months: in 4.25, 7.25 and 10.25.
        ("audit", 4.0, 4 * 400),
        ("governance", 3.0, 3 * 1_200 * 10.75 / 12),
        # 400 other answers a month, 3 points on average, 0.60 each.
        ("retention", 3.0, 10.75 * 400 * 0.03 * 0.6),
        # The answers that being better brings take longer too.
        ("latency", 1.75, (10_750 + won_answers((10, 30, 40))) * 0.5 * 0.01),
        ("serving", 2.0, 10.75 * 200),
        ("development_time", 1.25, WEEKS * 4_000),
        ("delay", 1.25, 1.25 * 500),
        # 1% a point and year.
        ("growth", 80 / 3, None),
        # Adapters of rank 16 on 6,738,415,616 weights have 39,976,960.
        ("control", 100 * 39_976_960 / (6_738_415_616 + 39_976_960), None),
    ],
)
def test_an_argument_by_hand(
    looked_up: LookedUp, key: str, quantity: float, usd: float | None
) -> None:
    found = by_key(case_with(looked_up), {"lora": of_scores()})[key]
    (value,) = found.values
    assert value.method == "lora"
    assert value.quantity == pytest.approx(quantity, rel=1e-9)
    if usd is not None:
        assert value.usd == pytest.approx(usd, rel=1e-9)
    assert found.counted == (key != "control")


def test_the_money_of_growth_by_hand(looked_up: LookedUp) -> None:
    """One month, one answer a day of worth: 20% more a year for 20 points, half a month on."""
    value = dataclasses.replace(VALUE, horizon_months=1, second_usd=0.0)
    programme = dataclasses.replace(PROGRAMME, engineer_weeks_adapter=0.0)
    worked = of_scores(value, programme, score=(20.0, 20.0, -1.0))
    (found,) = by_key(case_with(looked_up, value, programme), {"lora": worked})["growth"].values
    # 0.2 x 3.50 and a margin of 0.05 for each answer that comes, in two draws of three.
    more = 1_000 * (1.2 ** (0.5 / 12) - 1)
    assert found.usd == pytest.approx(-more * (0.2 * 3.5 + 0.05) * 2 / 3)
    assert found.quantity == pytest.approx(40 / 3)


def test_spreads_by_hand(looked_up: LookedUp) -> None:
    """Errors of 0, 100 and 300: nine tenths of the way are 0.8 of the way from 100 to 300."""
    told = by_key(case_with(looked_up), {"lora": of_scores()})
    for key, factor in (("hallucination", 0.1), ("violations", 12 * 0.2 * 0.1)):
        (value,) = told[key].values
        assert value.p10 == pytest.approx(factor * 20)
        assert value.p90 == pytest.approx(factor * 260)
    for key in ("audit", "governance", "latency", "serving", "delay", "control"):
        (value,) = told[key].values
        assert value.p10 is value.p90 is None


def test_errors_are_those_of_the_base_where_it_stays(looked_up: LookedUp) -> None:
    """In draws 2 and 3 the base is right in 60 of 100: 300, 400 and 400 errors, a tenth of them."""
    worked = of_scores(score=(10.0, -5.0, -20.0))
    told = by_key(case_with(looked_up), {"lora": worked})
    assert told["hallucination"].values[0].quantity == pytest.approx(110 / 3)
    assert told["accuracy"].values[0].quantity == pytest.approx(10 / 3)
    # Only what is in use is forgotten, waited for or grown by: a third of the 10.75 months.
    assert told["retention"].values[0].usd == pytest.approx(10.75 * 400 * 0.02 * 0.6 / 3)
    waited = 10_750 / 3 + won_answers((10, 0, 0))
    assert told["latency"].values[0].usd == pytest.approx(waited * 0.5 * 0.01)


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"value_per_correct_answer_usd": 0.0}, {"accuracy"}),
        ({"hallucination_fraction": 0.0}, {"hallucination"}),
        ({"hallucination_usd": 0.0}, {"hallucination"}),
        ({"violation_fraction": 0.0}, {"violations"}),
        ({"incident_fraction": 0.0}, {"violations"}),
        ({"incident_usd": 0.0}, {"violations"}),
        ({"other_answers_per_month": 0.0}, {"retention"}),
        ({"other_value_usd": 0.0}, {"retention"}),
        ({"growth_per_point_fraction": 0.0}, {"growth"}),
        ({"second_usd": 0.0}, {"latency"}),
        ({"release_fixed_usd": 0.0}, {"audit"}),
        ({"artefact_year_usd": 0.0}, {"governance"}),
        ({"delay_usd_per_month": 0.0}, {"delay"}),
        ({"engineer_week_usd": 0.0}, {"development_time"}),
        ({"margin_usd": 0.0}, set()),
        ({"data_preparation_usd": 0.0}, set()),
    ],
    ids=lambda x: next(iter(x), "") if isinstance(x, dict) else "",
)
def test_what_is_not_entered_is_not_counted(
    looked_up: LookedUp, changes: dict[str, Any], gone: set[str]
) -> None:
    of_value = {k: v for k, v in changes.items() if hasattr(VALUE, k)}
    value = dataclasses.replace(VALUE, **of_value)
    programme = dataclasses.replace(
        PROGRAMME, **{k: v for k, v in changes.items() if k not in of_value}
    )
    worked = of_scores(value, programme)
    told = by_key(case_with(looked_up, value, programme), {"lora": worked})
    assert {key for key, report in told.items() if not report.counted} == gone | {"control"}
    for report in told.values():
        (found,) = report.values
        assert (found.usd is None) == (not report.counted)
    # The others are worth what they were.
    full = by_key(case_with(looked_up), {"lora": of_scores()})
    grown = {"latency"} if "growth" in gone else set()
    for key in KEYS - gone - grown - {"growth", "control"}:
        assert told[key].values[0].usd == pytest.approx(full[key].values[0].usd)


def test_without_answers_nothing_is_earned(looked_up: LookedUp) -> None:
    value = dataclasses.replace(VALUE, answers_per_month=0.0)
    told = by_key(case_with(looked_up, value), {"lora": of_scores(value)})
    for key in ("accuracy", "hallucination", "violations", "growth", "serving"):
        assert not told[key].counted
        assert told[key].values[0].usd is None
    # What is forgotten is asked of the same model elsewhere.
    assert told["retention"].values[0].usd == pytest.approx(10.75 * 400 * 0.03 * 0.6)


def test_a_quantity_that_cannot_be_said_is_none(looked_up: LookedUp) -> None:
    value = dataclasses.replace(
        VALUE, hallucination_fraction=0.0, violation_fraction=0.0, growth_per_point_fraction=0.0
    )
    told = by_key(case_with(looked_up, value), {"lora": of_scores(value, served=False)})
    for key in ("hallucination", "violations", "growth", "latency", "serving"):
        assert told[key].values[0] == ArgumentValue(
            "lora", None, None, None, told[key].values[0].usd
        )
    # A share without a cost is a quantity without money.
    free = dataclasses.replace(VALUE, hallucination_usd=0.0)
    (found,) = by_key(case_with(looked_up, free), {"lora": of_scores(free)})["hallucination"].values
    assert found.quantity == pytest.approx(40 / 3)
    assert found.usd is None


def test_full_fine_tuning_changes_every_weight(looked_up: LookedUp) -> None:
    worked = of_scores(method=FULL)
    (value,) = by_key(case_with(looked_up), {"full": worked})["control"].values
    assert value.quantity == 100
    assert value.usd is None


def test_a_release_after_the_horizon_waits_for_all_of_it(looked_up: LookedUp) -> None:
    programme = dataclasses.replace(PROGRAMME, engineer_weeks_adapter=100.0)
    told = by_key(
        case_with(looked_up, programme=programme), {"lora": of_scores(programme=programme)}
    )
    assert told["delay"].values[0].quantity == 12
    assert told["delay"].values[0].usd == pytest.approx(12 * 500)
    assert told["development_time"].values[0].quantity == pytest.approx(100 * 7 / 30.4375)
    assert told["governance"].values[0].usd == 0


# ---------------------------------------------------------------------------- chance of an incident


def chance_said(looked_up: LookedUp, value: Value, **changes: Any) -> str:
    worked = of_scores(value, **changes)
    note = by_key(case_with(looked_up, value), {"lora": worked})["violations"].note
    return note.partition("Chance of at least one incident while in use: LoRA ")[2]


def one_in(answers: float, **changes: Any) -> Value:
    """One error of so many becomes an incident."""
    return dataclasses.replace(VALUE, violation_fraction=1 / answers, incident_fraction=1.0)


def test_the_chance_of_an_incident_by_hand(looked_up: LookedUp) -> None:
    """10,750 answers in use, 0.3, 0.1 and 0 of them wrong, one of 1,000 errors an incident: 3.225,
    1.075 and 0 of them are expected. The chance is the mean of three, not that of their mean.
    """
    by_hand = 1 - (exp(-3.225) + exp(-1.075) + 1) / 3
    assert by_hand == pytest.approx(0.5397, abs=1e-4)
    assert chance_said(looked_up, one_in(1_000)) == "54%."
    # Where the base stays in use, its errors count: 0.4 of all.
    assert 1 - exp(-0.43) == pytest.approx(0.3495, abs=1e-4)
    assert chance_said(looked_up, one_in(10_000), score=(-1.0, -1.0, -1.0)) == "35%."


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        (1e-6, "under 1%."),
        (0.0099, "under 1%."),
        (0.0102, "1%."),
        (0.693147, "50%."),
        (4.5, "99%."),  # 0.98889
        (4.7, "over 99%."),
        (30.0, "over 99%."),
    ],
)
def test_the_chance_of_so_many_expected_incidents(
    looked_up: LookedUp, expected: float, said: str
) -> None:
    """4,300 errors in 10.75 months of a base that is right in 60 of 100."""
    value = one_in(4_300 / expected)
    assert chance_said(looked_up, value, score=(0.0, 0.0, 0.0)) == said


def test_no_errors_no_incidents(looked_up: LookedUp) -> None:
    assert chance_said(looked_up, one_in(10), score=(40.0, 40.0, 40.0)) == "0%."
    late = dataclasses.replace(PROGRAMME, engineer_weeks_adapter=100.0)
    assert chance_said(looked_up, one_in(10), programme=late) == "0%."


def test_the_chance_is_told_for_each_method(looked_up: LookedUp) -> None:
    value = one_in(4_300 / 0.693147)
    worked = {
        "full": of_scores(value, method=FULL, score=(0.0, 0.0, 0.0)),
        "lora": of_scores(value, score=(40.0, 40.0, 40.0)),
    }
    note = by_key(case_with(looked_up, value), worked)["violations"].note
    assert note.endswith(
        " Chance of at least one incident while in use: Full fine-tuning 50%, LoRA 0%."
    )


# ------------------------------------------------------------------------------- what always holds

money = st.just(0.0) | st.floats(0.001, 1_000)
share = st.just(0.0) | st.floats(0.001, 1)
answers = st.just(0.0) | st.floats(1, 1e6)


@given(
    changes=st.fixed_dictionaries(
        {
            "answers_per_month": answers,
            "value_per_correct_answer_usd": st.sampled_from([0.0, 2.0]),
            "hallucination_fraction": share,
            "hallucination_usd": money,
            "violation_fraction": share,
            "incident_fraction": share,
            "incident_usd": money,
            "other_answers_per_month": answers,
            "growth_per_point_fraction": st.sampled_from([0.0, 0.02]),
            "growth_fraction": st.floats(-0.5, 1),
            "margin_usd": money,
            "second_usd": st.sampled_from([0.0, 0.01]),
            "horizon_months": st.integers(1, 36),
        }
    ),
    score=st.tuples(*[st.floats(-40, 40)] * 3),
)
@hypothesis_settings(max_examples=40, deadline=None)
def test_value_arguments_always_sum_to_what_is_earned(
    looked_up: LookedUp, changes: dict[str, Any], score: tuple[float, ...]
) -> None:
    value = dataclasses.replace(VALUE, **changes)
    worked = of_scores(value, score=score)
    told = by_key(case_with(looked_up, value), {"lora": worked})
    said = [told[key].values[0].usd or 0.0 for key in VALUE_ARGUMENTS]
    size = sum(map(abs, said))
    benefit = worked.ledger.benefit_usd
    assert -sum(said) == pytest.approx(benefit, rel=1e-9, abs=1e-9 * size)
    # Reasons to want right answers never cost anything.
    assert all(x <= 0 for x in said[:3])
