"""What a verdict says of its own reach: pilots that do not fit, and chances on the edge."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.estimator.decision import Contender, choose
from app.estimator.pilot_offer import PilotOffer
from app.estimator.report import Comparison
from app.estimator.verdict import decide
from app.estimator.verdict_sentences import costs, on_the_edge, surprising
from tests.estimator.deciding import CONSTANTS, against, contender, of_gains, setting

DRAWS = 9_000


def full_wins(share: float) -> dict[str, list[float]]:
    """Worth by draw where full fine-tuning wins in a share of them."""
    wins = round(share * DRAWS)
    return {"full": [10.0] * wins + [1.0] * (DRAWS - wins), "lora": [5.0] * DRAWS}


def methods(share: float) -> dict[str, Contender]:
    return {key: contender(key, npv) for key, npv in full_wins(share).items()}


@pytest.mark.parametrize(
    ("share", "edge"),
    # Two standard errors of two thirds over 9,000 draws are 0.0099.
    [(0.70, False), (0.674, True), (0.6667, True), (0.66, True), (0.65, False), (0.5, False)],
)
def test_a_chance_within_its_own_error_of_the_limit_is_on_the_edge(
    share: float, edge: bool
) -> None:
    made = methods(share)
    said = on_the_edge(made, choose(made, CONSTANTS), setting())
    assert bool(said) == edge
    if edge:
        assert said.startswith("This is on the edge of the rule, 67%")


def test_one_method_alone_is_on_no_edge() -> None:
    made = {"lora": contender("lora", [1.0, -1.0, 1.0])}
    assert on_the_edge(made, choose(made, CONSTANTS), setting()) == ""


def test_a_pilot_that_does_not_fit_is_said_first() -> None:
    contenders, comparison = against(
        contender("full", [1.0, 2.0, 3.0]), contender("lora", [3.0, 4.0, 5.0])
    )
    plain = setting(measured=True)
    odd = replace(plain, surprise_sd=21.3)
    assert surprising(replace(plain, surprise_sd=2.9)) == ""
    assert "21 standard deviations" in surprising(odd)
    verdict = decide(contenders, {}, comparison, odd)
    assert verdict.sentences[0] == surprising(odd)
    assert surprising(odd) not in decide(contenders, {}, comparison, plain).sentences
    # It warns; it does not decide.
    assert verdict.choice == decide(contenders, {}, comparison, plain).choice


OFFER = PilotOffer(told_fraction=0.5, other_cost_usd=310.0, test_questions=500)


def close(scale: float = 1_000.0) -> tuple[dict[str, Contender], Comparison]:
    """Full leads LoRA by 2.5 thousand on average, and knowing would be worth 10 thousand."""
    return against(
        contender("full", [30 * scale, 30 * scale, 0, 0]),
        contender("lora", [5 * scale, 5 * scale, 20 * scale, 20 * scale]),
    )


def test_a_pilot_is_advised_with_what_it_costs_and_is_worth() -> None:
    contenders, comparison = close()
    verdict = decide(contenders, {}, comparison, replace(setting(), pilot=OFFER))
    assert verdict.choice == "pilot"
    assert verdict.headline.endswith("A pilot of both at US$310 would be worth US$5,000.")
    assert (verdict.pilot_usd, verdict.pilot_value_usd) == (310, 5_000)
    free = replace(setting(), pilot=replace(OFFER, other_cost_usd=0.0))
    assert decide(contenders, {}, comparison, free).headline.endswith(
        "A pilot of both would be worth US$5,000."
    )
    again = decide(contenders, {}, comparison, replace(setting(measured=True), pilot=OFFER))
    assert again.sentences[-1] == (
        "Another pilot of both on 10% of the data, scored on 500 questions, takes about US$310 and "
        "would be worth US$5,000; knowing the outcome before choosing would be worth US$10,000."
    )


def test_a_pilot_that_is_too_dear_is_said_to_be() -> None:
    contenders, comparison = close()
    dear = replace(OFFER, other_cost_usd=6_000.0)
    verdict = decide(contenders, {}, comparison, replace(setting(), pilot=dear))
    assert verdict.choice == "full"
    assert verdict.headline == (
        "Full fine-tuning. It leads LoRA by US$2,500 on average, and a pilot at US$6,000 would be "
        "worth US$5,000, less than it costs."
    )
    assert [number.key for number in verdict.numbers] == [
        "break_even_gap",
        "extra_cost",
        "probability_full",
    ]
    level, comparison = against(
        contender("full", [30_000, 30_000, 0, 0]), contender("lora", [0, 0, 30_000, 30_000])
    )
    verdict = decide(
        level, {}, comparison, replace(setting(), pilot=replace(dear, told_fraction=0.3))
    )
    assert "It and LoRA are expected to be worth the same, and a pilot at" in verdict.headline


def test_what_may_not_pay_and_is_too_dear_to_find_out() -> None:
    dear = replace(OFFER, other_cost_usd=4_000.0)
    rarely, comparison = against(
        contender("full", [-10_000] * 3 + [100_000]), contender("lora", [-20_000] * 4)
    )
    verdict = decide(rarely, {}, comparison, replace(setting(), pilot=dear))
    assert verdict.headline == (
        "Full fine-tuning. It pays in only 25% of cases, but is expected to be worth US$17,500 on "
        "average, and a pilot at US$4,000 would be worth US$3,750, less than it costs."
    )
    alone = {"lora": contender("lora", [-10_000] * 3 + [100_000])}
    verdict = decide(alone, {}, None, replace(setting(measured=True), pilot=dear))
    assert verdict.headline.startswith("LoRA. It pays in only 25% of cases, but is")
    assert "another pilot at US$4,000" in verdict.headline
    assert (verdict.pilot_usd, verdict.pilot_value_usd) == (None, None)
    lost, comparison = against(
        contender("full", [-60_000, -60_000, 20_000, 20_000]),
        contender("lora", [-70_000, -70_000, 10_000, 10_000]),
    )
    verdict = decide(
        lost, {}, comparison, replace(setting(), pilot=replace(dear, told_fraction=0.3))
    )
    assert verdict.choice == "neither"
    assert verdict.headline.endswith(
        "; a pilot at US$4,000 would be worth US$3,000, less than it costs."
    )


def test_equal_numbers_never_stand_on_both_sides() -> None:
    """A turn so near that both figures round alike is said as the slightest of leads."""
    random = np.random.default_rng(4)
    lead = random.normal(0.0, 3.0, DRAWS)
    for verdict in (
        decide(*_pair(lead + shift), setting()) for shift in (1.2, 1.28, 1.291, 1.3, 1.4)
    ):
        for turn in verdict.turns:
            said = re.findall(r"\d+\.\d", turn.sentence)
            assert turn.field != "gap" or len(said) == len(set(said)) > 0


def _pair(lead: NDArray[np.float64]) -> tuple[dict[str, Contender], dict[str, str], Comparison]:
    full = of_gains("full", (10 + lead).tolist(), 1_000, 0, 0)
    lora = of_gains("lora", [10.0] * DRAWS, 1_000, 0, 0)
    contenders, comparison = against(full, lora)
    return contenders, {}, comparison


@pytest.mark.parametrize(
    ("full", "lora", "said"),
    [
        ({"storage": 367.0, "network": 9.0}, {"storage": 22.0}, "; the rest is storage."),
        (
            {"people": 57_600.0, "delay": 9_000.0, "serving": 17_000.0, "storage": 300.0},
            {"people": 38_400.0, "governance": 50.0},
            "; the rest is people, serving and the cost of delay.",
        ),
        ({"people": 800.0, "storage": 85.0, "data": 85.0}, {}, "; the rest is mostly people."),
        ({}, {}, "."),
    ],
)
def test_the_rest_of_a_difference_is_what_the_cost_lines_say(
    full: dict[str, float], lora: dict[str, float], said: str
) -> None:
    pair = [
        replace(contender(key, [0.0], 200.0 + sum(other.values()), 200.0), other_usd=other)
        for key, other in (("full", full), ("lora", lora))
    ]
    assert costs(pair[0], pair[1], setting()).endswith(
        f"GPU time for training is US$200 against US$200{said}"
    )
