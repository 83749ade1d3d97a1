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
    better_adapter,
    decide,
    perfect_information_usd,
    probabilities_best,
)
from app.estimator.report import Comparison, Distribution, Verdict


def contender(
    key: str, npv: list[float], total_usd: float = 2000.0, gpu_usd: float = 500.0
) -> Contender:
    return Contender(key, np.array(npv, dtype=np.float64), total_usd, gpu_usd)


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
    return decide(contenders, {}, comparison, studies=5, max_gpus=64)


def test_full_wins_clearly() -> None:
    verdict = verdict_of([30, 30, 30, 0], [10, 10, 10, 10])
    assert verdict.choice == "full"
    assert verdict.headline.startswith("Full fine-tuning. ")
    assert "1.0 accuracy points over LoRA" in verdict.headline
    assert "expects +0.3 (80% range -2.4 to +3.1)" in verdict.headline
    assert "Chance that full fine-tuning is worth more than LoRA: 75%." in verdict.sentences
    assert (
        "Full fine-tuning is expected to be worth US$22 after all cost and pays in 75% of cases."
        in verdict.sentences
    )


def test_the_adapter_wins_clearly() -> None:
    verdict = verdict_of([0, 0, 0, 30], [10, 10, 10, 10])
    assert verdict.choice == "lora"
    assert verdict.headline.startswith("LoRA. ")


def test_too_close_to_call() -> None:
    verdict = verdict_of([30, 30, 0, 0], [10, 10, 10, 10])
    assert verdict.choice == "undecided"
    assert verdict.headline.startswith("Too close to call")
    assert "Full fine-tuning leads LoRA by US$5 on average" in verdict.headline
    assert "start with LoRA and measure both on a pilot" in verdict.headline


@pytest.mark.parametrize(("wins", "choice"), [(6, "undecided"), (7, "full"), (10, "full")])
def test_two_draws_of_three_decide_for_full(wins: int, choice: str) -> None:
    """0.6 is too close, 0.7 is not."""
    verdict = verdict_of([30] * wins + [9] * (10 - wins), [10] * 10)
    assert verdict.choice == choice
    assert verdict.headline.startswith("Full" if choice == "full" else "Too close to call")


@pytest.mark.parametrize(("wins", "choice"), [(6, "undecided"), (7, "lora"), (10, "lora")])
def test_two_draws_of_three_decide_for_the_adapter(wins: int, choice: str) -> None:
    verdict = verdict_of([5] * wins + [11] * (10 - wins), [10] * 10)
    assert verdict.choice == choice
    assert verdict.headline.startswith("LoRA" if choice == "lora" else "Too close to call")


@pytest.mark.parametrize(("wins", "better"), [(5, "lora"), (6, "lora"), (7, "qlora")])
def test_qlora_stands_for_the_adapters_only_where_it_wins_clearly(wins: int, better: str) -> None:
    npv = {
        "qlora": np.array([20.0] * wins + [9.0] * (10 - wins)),
        "lora": np.full(10, 10.0),
    }
    assert better_adapter(npv) == better
    assert better_adapter({"qlora": npv["qlora"]}) == "qlora"
    # Without full fine-tuning, too: QLoRA has the higher mean all along.
    contenders = {key: contender(key, draws.tolist()) for key, draws in npv.items()}
    assert decide(contenders, {}, None, studies=5, max_gpus=64).choice == better


def test_the_best_may_not_pay() -> None:
    """Worth something on average, and a loss more often than not."""
    verdict = verdict_of([-10, -10, -10, 100], [-20, -20, -20, -20])
    assert verdict.choice == "undecided"
    assert verdict.headline == (
        "It may not pay. Full fine-tuning is expected to be worth US$18 on average, but it loses "
        "money more often than not: run a pilot first."
    )
    # What the studies say is not left out, and the figures are those of the best.
    assert any("80% range" in sentence for sentence in verdict.sentences)
    assert (
        "Full fine-tuning is expected to be worth US$18 after all cost and pays in 25% of cases."
        in verdict.sentences
    )
    # Paying in half of the draws is not "more often than not".
    assert not verdict_of([-10, -10, 40, 100], [-20] * 4).headline.startswith("It may not pay")


def test_one_method_that_may_not_pay() -> None:
    alone = {"lora": contender("lora", [-1, -1, -1, 9])}
    verdict = decide(alone, {}, None, studies=5, max_gpus=64)
    assert verdict.choice == "undecided"
    assert verdict.headline.startswith("It may not pay. LoRA ")


def test_a_lead_within_the_noise_is_not_named() -> None:
    """A tenth of the spread is the least that is named: here 1 of about 20, then 3 of about 20."""
    behind = [1000.0] * 4
    verdict = verdict_of([1021, 981, 1021, 981], behind)
    assert verdict.choice == "undecided"
    assert "Full fine-tuning and LoRA are expected to be worth the same" in verdict.headline
    assert "leads" not in verdict.headline
    verdict = verdict_of([1023, 983, 1023, 983], behind)
    assert "Full fine-tuning leads LoRA by US$3 on average" in verdict.headline


def test_winning_less_often_but_by_more_is_said() -> None:
    wins_less = "Full fine-tuning wins less often (40%), but by more when it does."
    assert wins_less in verdict_of([60, 60, 9, 9, 9], [10] * 5).sentences
    assert not any("wins less often" in s for s in verdict_of([60, 60, 0, 0], [10] * 4).sentences)


def test_no_accuracy_pays_for_it() -> None:
    """There are only 100 points."""
    verdict = verdict_of([0, 0, 0, 0], [10] * 4, break_even=100.1)
    assert verdict.headline.startswith(
        "LoRA. No accuracy that full fine-tuning could add over LoRA would pay for it; "
    )
    verdict = verdict_of([0, 0, 0, 0], [10] * 4, break_even=100.0)
    assert "would have to add 100.0 accuracy points over LoRA" in verdict.headline


@pytest.mark.parametrize(
    ("studies", "said"), [(0, "no study"), (1, "one study"), (2, "two studies"), (3, None)]
)
def test_thin_evidence_is_said(studies: int, said: str | None) -> None:
    contenders, comparison = against(contender("full", [30]), contender("lora", [10]))
    sentences = decide(contenders, {}, comparison, studies, 64).sentences
    thin = [sentence for sentence in sentences if "evidence is thin" in sentence]
    assert thin == (
        [f"The evidence is thin: {said} of this kind of task, the rest borrowed from other kinds."]
        if said
        else []
    )


@pytest.mark.parametrize(
    ("gpu_usd", "rest"), [(900.0, True), (1_100.0, False), (1_510.0, False), (2_500.0, False)]
)
def test_what_both_cost_and_what_of_it_is_gpu_time(gpu_usd: float, rest: bool) -> None:
    """The rest is people and checks where GPU time is less than half of the difference."""
    full = contender("full", [30], total_usd=4_000, gpu_usd=gpu_usd)
    lora = contender("lora", [10], total_usd=3_000, gpu_usd=500)
    contenders, comparison = against(full, lora)
    (said,) = (
        sentence
        for sentence in decide(contenders, {}, comparison, 5, 64).sentences
        if sentence.startswith("Over the horizon")
    )
    assert said == (
        "Over the horizon full fine-tuning costs US$4,000 and LoRA US$3,000: US$1,000 more for "
        f"full. GPU time is US${gpu_usd:,.0f} against US$500"
        + ("; the rest is the people and checks that were entered or preset." if rest else ".")
    )


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
    verdict = decide(
        {"lora": contender("lora", [5, 5])}, {"full": "Full fine-tuning"}, None, 5, max_gpus=8
    )
    assert verdict.choice == "lora"
    assert "Full fine-tuning fits on no offer with up to 8 GPUs." in verdict.sentences


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
    verdict = decide(contenders, {}, comparison, studies=5, max_gpus=64)
    means = {key: c.expected_npv for key, c in contenders.items()}
    p = comparison.probability_full_beats_adapter
    assert (verdict.choice == "neither") == (max(means.values()) <= 0)
    if verdict.choice == "full":
        assert p >= DECISIVE
        assert means["full"] >= means["lora"]
    if verdict.choice == "lora":
        assert p <= 1 - DECISIVE
        assert means["lora"] >= means["full"]
    best = max(contenders.values(), key=lambda c: c.expected_npv)
    if best.expected_npv > 0:
        may_not_pay = sum(npv > 0 for npv in best.npv) < len(best.npv) / 2
        assert verdict.headline.startswith("It may not pay") == may_not_pay
        if may_not_pay:
            assert verdict.choice == "undecided"
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
