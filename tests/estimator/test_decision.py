"""The verdict: its rule on hand-made contenders, and that it never says more than the draws do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.decision import (
    DECISIVE,
    Contender,
    decide,
    perfect_information_usd,
    probabilities_best,
)
from app.estimator.report import Comparison, Distribution, Verdict


def contender(key: str, npv: list[float], gain: float = 5.0) -> Contender:
    return Contender(key, np.array(npv, dtype=np.float64), gain, 1000.0, 2000.0)


def against(
    full: Contender, adapter: Contender, break_even: float | None = 1.0
) -> tuple[dict[str, Contender], Comparison]:
    """Both methods, and the comparison that their draws make."""
    comparison = Comparison(
        adapter_method=adapter.key,
        gap_points=Distribution(0.3, -2.4, 0.2, 3.1),
        break_even_gap_points=break_even,
        probability_full_beats_adapter=float(np.mean(full.npv > adapter.npv)),
        extra_cost_usd=full.total_usd - adapter.total_usd,
    )
    return {"full": full, adapter.key: adapter}, comparison


def verdict_of(full: list[float], lora: list[float], break_even: float | None = 1.0) -> Verdict:
    contenders, comparison = against(contender("full", full), contender("lora", lora), break_even)
    return decide(contenders, {}, comparison)


def test_full_wins_clearly() -> None:
    verdict = verdict_of([30, 30, 30, 0], [10, 10, 10, 10])
    assert verdict.choice == "full"
    assert verdict.headline.startswith("Full fine-tuning. ")
    assert "1.0 accuracy points over LoRA" in verdict.headline
    assert "expects +0.3 (80% range -2.4 to +3.1)" in verdict.headline
    assert "Probability that full fine-tuning is worth more: 75%." in verdict.sentences


def test_the_adapter_wins_clearly() -> None:
    verdict = verdict_of([0, 0, 0, 30], [10, 10, 10, 10])
    assert verdict.choice == "lora"
    assert verdict.headline.startswith("LoRA. ")


def test_too_close_to_call() -> None:
    verdict = verdict_of([30, 30, 0, 0], [10, 10, 10, 10])
    assert verdict.choice == "undecided"
    assert verdict.headline.startswith("Too close to call")
    assert "full fine-tuning leads lora" in verdict.headline.lower()


def test_winning_often_and_losing_on_average_is_no_win() -> None:
    assert verdict_of([11, 11, 11, -100], [10, 10, 10, 10]).choice == "undecided"
    assert verdict_of([9, 9, 9, 200], [10, 10, 10, 10]).choice == "undecided"


def test_nothing_pays() -> None:
    verdict = verdict_of([-30, -30, 20, -30], [-10, -10, -10, -10])
    assert verdict.choice == "neither"
    assert "LoRA" in verdict.headline
    assert "pays in under 1% of cases" in verdict.headline
    # What the numbers would be worth is said all the same.
    assert any("80% range" in sentence for sentence in verdict.sentences)


def test_nothing_pays_where_accuracy_is_worth_nothing() -> None:
    assert verdict_of([-30, -30], [-10, -10], break_even=None).choice == "neither"


def test_full_may_fall_short_where_it_is_cheaper() -> None:
    verdict = verdict_of([30, 30, 30], [10, 10, 10], break_even=-0.4)
    assert "may fall 0.4 accuracy points short of LoRA" in verdict.headline


def test_one_method_alone() -> None:
    verdict = decide({"lora": contender("lora", [5, 5])}, {"full": "Full fine-tuning"}, None)
    assert verdict.choice == "lora"
    assert "Full fine-tuning fits on none of the chosen GPUs." in verdict.sentences


def test_probability_of_being_best_counts_doing_nothing() -> None:
    methods = {
        "full": contender("full", [5, -1, 7, -2]),
        "lora": contender("lora", [3, -3, 9, -1]),
    }
    assert probabilities_best(methods) == {"full": 0.25, "lora": 0.25}


def test_perfect_information_by_hand() -> None:
    methods = {"full": contender("full", [8, -4]), "lora": contender("lora", [2, 2])}
    # Knowing: 8 or 2, 5 on average. Choosing now: full and LoRA both expect 2.
    assert perfect_information_usd(methods) == 3


money = st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8)


@given(full=money, lora=money)
@hypothesis_settings(max_examples=300)
def test_the_verdict_keeps_to_its_rule(full: list[float], lora: list[float]) -> None:
    contenders, comparison = against(contender("full", full), contender("lora", lora))
    verdict = decide(contenders, {}, comparison)
    means = {key: c.expected_npv for key, c in contenders.items()}
    p = comparison.probability_full_beats_adapter
    assert (verdict.choice == "neither") == (max(means.values()) <= 0)
    if verdict.choice == "full":
        assert p >= DECISIVE
        assert means["full"] >= means["lora"]
    if verdict.choice == "lora":
        assert p <= 1 - DECISIVE
        assert means["lora"] >= means["full"]
    # No winner is named in the headline below the threshold.
    if 1 - DECISIVE < p < DECISIVE and max(means.values()) > 0:
        assert verdict.choice == "undecided"


@given(draws=st.lists(money, min_size=1, max_size=3))
@hypothesis_settings(max_examples=200)
def test_information_is_never_worth_less_than_nothing(draws: list[list[float]]) -> None:
    keys = ("full", "lora", "qlora")[: len(draws)]
    contenders = {key: contender(key, npv) for key, npv in zip(keys, draws, strict=True)}
    worth = perfect_information_usd(contenders)
    best = [max(0.0, *column) for column in zip(*draws, strict=True)]
    now = max(0.0, *(sum(npv) / len(npv) for npv in draws))
    assert worth >= 0
    assert worth == pytest.approx(max(0.0, sum(best) / len(best) - now), abs=1e-6)
    probabilities = probabilities_best(contenders)
    assert sum(probabilities.values()) <= 1 + 1e-12
    for key, probability in probabilities.items():
        assert probability <= float(np.mean(contenders[key].npv > 0))
