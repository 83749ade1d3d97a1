"""The rule of the verdict on hand-made draws, and that it never says more than they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.constants import constant_values
from app.estimator.decision import (
    Choice,
    Contender,
    better_adapter,
    choice_of,
    choose,
    perfect_information_usd,
    probabilities_best,
)
from app.estimator.pilot_offer import PilotOffer
from tests.estimator.deciding import CONSTANTS, DECISIVE, contender


def chosen(full: list[float], lora: list[float], run_usd: float = 0.0, **changed: float) -> Choice:
    methods = {
        "full": contender("full", full, run_usd=run_usd),
        "lora": contender("lora", lora, run_usd=run_usd),
    }
    return choose(methods, constant_values(changed))


def test_worth_is_what_is_earned_less_what_is_paid() -> None:
    one = Contender(
        "full", np.array([10.0, 4.0]), np.array([-1.0, 0.0]), np.array([2.0, 3.0]), 3.0, 5, 2
    )
    assert one.npv.tolist() == [4.0, -2.0]
    assert one.expected_npv == 1
    assert one.probability_pays == 0.5


@pytest.mark.parametrize(
    ("full", "lora", "run_usd", "choice", "why", "probability"),
    [
        # Full wins three of four draws, pays in three, and has the higher mean.
        ([30, 30, 30, -1], [10, 10, 10, 10], 0, "full", "decided", 0.75),
        # LoRA wins three of four.
        ([0, 0, 0, 30], [10, 10, 10, 10], 0, "lora", "decided", 0.75),
        # Two of four: too close. For a pilot, the chance that full beats the adapter.
        ([30, 30, 0, 0], [10, 10, 10, 10], 0, "pilot", "too-close", 0.5),
        # Winning often and losing on average is no win, and the other way round.
        ([11, 11, 11, -100], [10, 10, 10, 10], 0, "pilot", "too-close", 0.75),
        ([9, 9, 9, 200], [10, 10, 10, 10], 0, "pilot", "too-close", 0.25),
        # The best is worth 17.5 on average and loses in three of four.
        ([-10, -10, -10, 100], [-20, -20, -20, -20], 0, "pilot", "may-not-pay", 1.0),
        # Nothing is best in three of four draws.
        ([-30, -30, 20, -30], [-10, -10, -10, -10], 0, "neither", "nothing-pays", 0.75),
        # Neither is expected to pay, and doing nothing is best in only half of the draws.
        ([-60, -60, 20, 20], [-70, -70, 10, 10], 0, "pilot", "unclear", 1.0),
        # Knowing would be worth 10, and a pilot of both costs 0.1 x (60 + 60) = 12.
        ([-60, -60, 20, 20], [-70, -70, 10, 10], 60, "neither", "small", 0.5),
        # Knowing would be worth 5, a pilot of both costs 6; with hindsight LoRA is 10 short.
        ([30, 30, 0, 0], [10, 10, 10, 10], 30, "full", "small", 0.5),
        # Knowing would be worth 5, a pilot of both costs 12: either would do.
        ([30, 30, 0, 0], [10, 10, 10, 10], 60, "lora", "small", 0.5),
    ],
)
def test_the_rule_by_hand(
    full: list[float],
    lora: list[float],
    run_usd: float,
    choice: str,
    why: str,
    probability: float,
) -> None:
    found = chosen(full, lora, run_usd)
    assert (found.choice, found.why) == (choice, why)
    assert found.probability == probability
    assert found.pilot_usd == pytest.approx(0.1 * 2 * run_usd)


@pytest.mark.parametrize(("wins", "choice"), [(6, "pilot"), (7, "full"), (10, "full")])
def test_two_draws_of_three_decide_for_full(wins: int, choice: str) -> None:
    """0.6 is too close, 0.7 is not."""
    assert chosen([30] * wins + [9] * (10 - wins), [10] * 10).choice == choice


@pytest.mark.parametrize(("wins", "choice"), [(6, "pilot"), (7, "lora"), (10, "lora")])
def test_two_draws_of_three_decide_for_the_adapter(wins: int, choice: str) -> None:
    assert chosen([5] * wins + [11] * (10 - wins), [10] * 10).choice == choice


@pytest.mark.parametrize(
    ("full", "lora", "told", "other_usd", "choice", "why"),
    [
        # Knowing would be worth 10, a pilot tells a half of it and costs 4, 5 or 6, 9 or 10.
        ([30, 30, 0, 0], [5, 5, 20, 20], 0.5, 4, "pilot", "too-close"),
        ([30, 30, 0, 0], [5, 5, 20, 20], 0.5, 5, "full", "pilot-too-dear"),
        ([30, 30, 0, 0], [5, 5, 20, 20], 0.5, 9, "full", "pilot-too-dear"),
        # Nothing of it is left to find out cheaply: with hindsight LoRA is 12.5 short.
        ([30, 30, 0, 0], [5, 5, 20, 20], 0.5, 10, "full", "small"),
        # The adapter leads, and full would have been better by 7.5 at times.
        ([20, 20, 0, 0], [5, 5, 30, 30], 0.5, 3, "pilot", "too-close"),
        ([20, 20, 0, 0], [5, 5, 30, 30], 0.5, 4, "lora", "pilot-too-dear"),
        # The best is worth 17.5 on average and loses in three of four; knowing is worth 7.5.
        ([-10, -10, -10, 100], [-20] * 4, 0.4, 2, "pilot", "may-not-pay"),
        ([-10, -10, -10, 100], [-20] * 4, 0.4, 4, "full", "pilot-too-dear"),
        # Knowing would be worth 10 where nothing is best in half of the draws.
        ([-60, -60, 20, 20], [-70, -70, 10, 10], 0.5, 4, "pilot", "unclear"),
        ([-60, -60, 20, 20], [-70, -70, 10, 10], 0.5, 6, "neither", "pilot-too-dear"),
        ([-60, -60, 20, 20], [-70, -70, 10, 10], 0.5, 12, "neither", "small"),
        # What is decided, or lost in most cases, is so at any price and worth of a pilot.
        ([30, 30, 30, -1], [10] * 4, 0.9, 0, "full", "decided"),
        ([-30, -30, 20, -30], [-10] * 4, 0.9, 0, "neither", "nothing-pays"),
        # A pilot that tells nothing is never run, though it is free.
        ([30, 30, 0, 0], [10] * 4, 0.0, 0, "full", "pilot-too-dear"),
    ],
)
def test_the_rule_with_a_pilot_that_tells_a_share(
    full: list[float], lora: list[float], told: float, other_usd: float, choice: str, why: str
) -> None:
    methods = {"full": contender("full", full), "lora": contender("lora", lora)}
    offer = PilotOffer(told_fraction=told, other_cost_usd=other_usd)
    found = choose(methods, CONSTANTS, offer)
    assert (found.choice, found.why) == (choice, why)
    assert choice_of(methods, CONSTANTS, offer) == choice
    assert found.pilot_usd == other_usd
    assert found.pilot_value_usd == pytest.approx(told * found.information_usd)


def test_a_dearer_pilot_never_becomes_one_and_one_that_tells_more_never_ceases_to_be() -> None:
    random = np.random.default_rng(6)
    for _ in range(200):
        methods = {
            key: contender(key, random.normal(0, 10, 8).tolist(), run_usd=5)
            for key in ("full", "lora")
        }
        told, other_usd = float(random.random()), float(random.random() * 5)
        offer = PilotOffer(told, other_usd)
        cheap = choose(methods, CONSTANTS, replace(offer, other_cost_usd=0.0))
        full_told = choose(methods, CONSTANTS, replace(offer, told_fraction=1.0))
        if choose(methods, CONSTANTS, offer).choice == "pilot":
            assert cheap.choice == full_told.choice == "pilot"


def test_thresholds_are_assumptions_that_can_be_changed() -> None:
    draws = [30.0, 30.0, 30.0, 0.0], [10.0] * 4
    assert chosen(*draws).choice == "full"
    assert chosen(*draws, decisive_probability=0.8).choice == "pilot"
    rarely = [-1.0, -1.0, -1.0, 100.0], [-20.0] * 4
    assert chosen(*rarely).choice == "pilot"
    assert chosen(*rarely, least_probability_pays=0.2).choice == "full"
    # Half of the data instead of a tenth: 0.5 x (60 + 60).
    assert chosen(*draws, run_usd=60, pilot_data_fraction=0.5).pilot_usd == 60


@pytest.mark.parametrize(("wins", "better"), [(5, "lora"), (6, "lora"), (7, "qlora")])
def test_qlora_stands_for_the_adapters_only_where_it_wins_clearly(wins: int, better: str) -> None:
    npv = {
        "qlora": np.array([20.0] * wins + [9.0] * (10 - wins)),
        "lora": np.full(10, 10.0),
    }
    assert better_adapter(npv, DECISIVE) == better
    assert better_adapter({"qlora": npv["qlora"]}, DECISIVE) == "qlora"
    # Without full fine-tuning, too: QLoRA has the higher mean all along.
    contenders = {key: contender(key, draws.tolist()) for key, draws in npv.items()}
    assert choose(contenders, CONSTANTS).choice == better


def test_a_pilot_is_of_the_methods_that_stand() -> None:
    methods = {
        "full": contender("full", [30, 0], run_usd=500),
        "lora": contender("lora", [10, 10], run_usd=200),
        "qlora": contender("qlora", [9, 9], run_usd=7_000),
    }
    found = choose(methods, CONSTANTS)
    assert found.pilot_usd == pytest.approx(0.1 * (500 + 200))
    assert (found.best, found.rival) == ("full", "lora")


def test_one_method_alone() -> None:
    assert choose({"lora": contender("lora", [5, 5])}, CONSTANTS).choice == "lora"
    found = choose({"lora": contender("lora", [-1, -1, -1, 9])}, CONSTANTS)
    assert (found.choice, found.why, found.rival) == ("pilot", "may-not-pay", None)
    # There is nothing to beat: how likely it pays.
    assert found.probability == 0.25
    found = choose({"full": contender("full", [-5, -5, -5, 1])}, CONSTANTS)
    assert (found.choice, found.probability) == ("neither", 0.75)
    # A gain that is missed by so little is not worth a pilot.
    found = choose({"full": contender("full", [-1, -1, -1, 9], run_usd=50)}, CONSTANTS)
    assert (found.choice, found.why, found.probability) == ("full", "small", 0.25)


def test_probability_of_being_best_counts_doing_nothing() -> None:
    methods = {
        "full": contender("full", [5, -1, 7, -2]),
        "lora": contender("lora", [3, -3, 9, -1]),
    }
    assert probabilities_best(methods) == {"full": 0.25, "lora": 0.25}


def test_perfect_information_by_hand() -> None:
    npvs = {"full": np.array([8.0, -4.0]), "lora": np.array([2.0, 2.0])}
    # Knowing: 8 or 2, 5 on average. Choosing now: full and LoRA both expect 2.
    assert perfect_information_usd(npvs) == 3


money = st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8)


@given(full=money, lora=money, run_usd=st.floats(0, 1e6))
@hypothesis_settings(max_examples=400)
def test_no_verdict_that_its_draws_do_not_support(
    full: list[float], lora: list[float], run_usd: float
) -> None:
    found = chosen(full, lora, run_usd)
    draws = {"full": np.array(full), "lora": np.array(lora)}
    nothing = np.zeros(len(full))
    best = np.max([*draws.values(), nothing], axis=0)
    mean = {key: npv.mean() for key, npv in draws.items()}
    information = best.mean() - max(0.0, *mean.values())
    assert found.information_usd == pytest.approx(max(0.0, information), abs=1e-6)
    cheap = found.information_usd <= found.pilot_usd
    if found.choice == "neither":
        assert max(mean.values()) <= 0
        assert found.probability == np.mean(best <= 0)
        assert found.probability >= DECISIVE or cheap
    elif found.choice == "pilot":
        assert not cheap
        assert found.probability == np.mean(draws["full"] > draws["lora"])
    else:
        own = draws.pop(found.choice)
        (other,) = draws.values()
        assert found.probability == np.mean((own > other) & (own > 0))
        supported = np.mean(own > other) >= DECISIVE and np.mean(own > 0) >= 0.5
        assert (supported and own.mean() >= other.mean() and own.mean() > 0) or cheap
        if cheap and not supported:
            # With hindsight no other choice is worth more than a pilot costs.
            assert (best - own).mean() <= found.pilot_usd + 1e-6 or own.mean() == max(mean.values())


@given(draws=st.lists(money, min_size=1, max_size=3))
@hypothesis_settings(max_examples=200)
def test_information_is_never_worth_less_than_nothing(draws: list[list[float]]) -> None:
    keys = ("full", "lora", "qlora")[: len(draws)]
    npvs = {key: np.array(npv) for key, npv in zip(keys, draws, strict=True)}
    worth = perfect_information_usd(npvs)
    best = [max(0.0, *column) for column in zip(*draws, strict=True)]
    now = max(0.0, *(sum(npv) / len(npv) for npv in draws))
    assert worth >= 0
    assert worth == pytest.approx(max(0.0, sum(best) / len(best) - now), abs=1e-6)
    contenders = {key: contender(key, npv.tolist()) for key, npv in npvs.items()}
    probabilities = probabilities_best(contenders)
    assert sum(probabilities.values()) <= 1 + 1e-12
    for key, probability in probabilities.items():
        assert probability <= float(np.mean(npvs[key] > 0))


def test_an_adapter_that_loses_money_is_never_the_easy_way_out() -> None:
    """Where a pilot costs more than all it could tell, the adapter is taken only if it pays."""
    full, lora = [40.0, -10.0, 40.0, -20.0], [-60.0, 20.0, -20.0, 10.0]
    found = chosen(full, lora, run_usd=50_000)
    assert (found.best, found.choice, found.why) == ("full", "full", "small")
    # One that pays is, though the other one is worth a little more.
    assert chosen(full, [10.0, 20.0, 10.0, -10.0], run_usd=50_000).choice == "lora"
