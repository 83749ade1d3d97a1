"""What a pilot is worth, held against nested simulation and a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from app.estimator.belief import BASE, FULL, LORA
from app.estimator.constants import constant_values
from app.estimator.decision import choose, perfect_information_usd
from app.estimator.errors import InvalidSpec
from app.estimator.knowing import knowing_one
from app.estimator.pilot_offer import PilotOffer
from app.estimator.pilot_outcomes import Told, outcomes_of, pilot_scores, told_of, weighed
from app.estimator.pilot_value import MOST_DRAWS, Pilots, pilots_of, table_of
from app.estimator.report_risk import PilotDesign
from tests.estimator.beliefs import belief_of
from tests.estimator.pilot_references import (
    as_contenders,
    by_posteriors,
    by_weights,
    drawn,
    unit_normal_loss,
)
from tests.soak import cases

Floats = NDArray[np.float64]

PLANNED = 50_000
CONSTANT = constant_values()
POINT_USD = 1_000.0


def worth_of(quantities: Floats, lora_usd: float = 4_000.0, full_usd: float = 7_000.0) -> dict:
    """Gains that are put to use, less what each method costs."""
    return {
        "full": POINT_USD * np.maximum(quantities[:, FULL], 0) - full_usd,
        "lora": POINT_USD * np.maximum(quantities[:, LORA], 0) - lora_usd,
    }


def value_of(
    quantities: Floats,
    worth: dict[str, Floats],
    fraction: float = 0.1,
    questions: int = 500,
    constant: dict | None = None,
    seed: int = 1,
) -> float:
    """Worth of one pilot."""
    constant = constant or CONSTANT
    examples = max(1, round(fraction * PLANNED))
    scores = pilot_scores(quantities, tuple(worth), examples, questions, PLANNED, constant)
    normal = np.random.default_rng(seed).standard_normal((len(quantities), 2))
    return told_usd(told_of(scores, tuple(worth.values())), worth, normal)


def told_usd(told: Told, worth: dict[str, Floats], normal: Floats) -> float:
    return table_of(told, worth, normal).told(worth)[0]


def tried(
    quantities: Floats,
    worth: dict[str, Floats],
    questions: int = 500,
    seed: int = 1,
    other_cost_usd: float = 200.0,
) -> Pilots:
    return pilots_of(
        as_contenders(worth),
        quantities,
        PLANNED,
        CONSTANT,
        test_questions=questions,
        other_cost_usd=other_cost_usd,
        generator=np.random.default_rng(seed),
    )


def designs_of(
    quantities: Floats, worth: dict[str, Floats], questions: int = 500, seed: int = 1
) -> tuple[PilotDesign, ...]:
    return tried(quantities, worth, questions, seed).designs


# Against what others say


@pytest.mark.parametrize("common", [0.0, 0.5])
@pytest.mark.parametrize("questions", [50, 400, 5_000])
@pytest.mark.parametrize("mean", [-3.0, 0.0, 6.0])
def test_a_normal_gain_against_doing_nothing_is_the_closed_form(
    mean: float, questions: int, common: float
) -> None:
    """Raiffa and Schlaifer 1961, chapter 5: sd of the posterior mean x unit normal loss.

    Gain ~ N(mean, 6^2) over a base that is known, all data, one method. Questions that both
    models are asked tell of their luck, so that a share common^2 of its variance is taken off.
    """
    constant = constant_values({"paired_questions_correlation": common})
    gain = np.random.default_rng(7).standard_normal(20_000)
    gain = mean + 6 * (gain - gain.mean()) / gain.std()
    quantities = np.zeros((len(gain), 6))
    quantities[:, BASE], quantities[:, FULL] = 50.0 - mean, gain
    usd = POINT_USD * gain
    found = value_of(quantities, {"full": usd}, 1.0, questions, constant)
    # Scores lie around 50, where p (1 - p) is 0.25 and hardly less 6 points away.
    chance = float(np.mean((50 - mean + gain) * (50 + mean - gain))) / questions
    noise = chance * (1 - common**2) + constant["run_sd_points"] ** 2
    sd = POINT_USD * 36 / np.sqrt(36 + noise)
    of_all = 6 * POINT_USD * unit_normal_loss(abs(mean) / 6)
    # A few draws decide where it is nearly sure that nothing changes.
    assert found == pytest.approx(
        sd * unit_normal_loss(abs(mean) * POINT_USD / sd), abs=0.015 * of_all
    )


BELIEFS = {
    "close": belief_of(full=10.0, full_sd=5.0, loss=2.5),
    "tails": belief_of(full=10.0, full_sd=5.0, loss=2.5, tails=True),
    "rarely pays": belief_of(full=4.0, full_sd=4.0, loss=0.5),
    "base unknown": belief_of(base_sd=4.0, full=10.0, full_sd=5.0, loss=3.0),
}


@pytest.mark.soak
@pytest.mark.parametrize(("fraction", "questions"), [(0.1, 500), (1, 2000)])
@pytest.mark.parametrize("name", BELIEFS)
def test_it_is_that_of_a_nested_simulation_by_likelihood(
    name: str, fraction: float, questions: int
) -> None:
    """All three scores, each draw's own noise, no strata and no summaries."""
    quantities = drawn(BELIEFS[name], cases(10_000, 100_000))
    worth = worth_of(quantities)
    examples = round(fraction * PLANNED)
    known, error = by_weights(
        quantities, worth, examples, questions, PLANNED, CONSTANT, cases(400, 2_000)
    )
    found = value_of(quantities, worth, fraction, questions)
    # Summaries and strata may lose a hundredth or two of what there is to know.
    slack = 0.02 * perfect_information_usd(worth)
    assert known - 3.5 * error - slack <= found <= known + 3.5 * error + slack / 2


@pytest.mark.soak
@pytest.mark.parametrize(("fraction", "questions"), [(0.3, 300), (1, 1000)])
def test_it_is_that_of_pilots_that_are_entered(fraction: float, questions: int) -> None:
    """Simulated scores through `observe_pilot`, and the worth of what is believed after."""
    belief = BELIEFS["close"]
    known, error = by_posteriors(
        belief,
        worth_of,
        ["full", "lora"],
        round(fraction * PLANNED),
        questions,
        PLANNED,
        CONSTANT,
        cases(150, 2_000),
    )
    quantities = drawn(belief, 40_000)
    worth = worth_of(quantities)
    # A score that is entered moves a belief by a line at the mode: not quite as it should.
    slack = 0.03 * perfect_information_usd(worth)
    assert value_of(quantities, worth, fraction, questions) == pytest.approx(
        known, abs=3.5 * error + slack
    )


@pytest.mark.parametrize("name", BELIEFS)
def test_more_outcomes_and_other_pilots_say_the_same(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quantities = drawn(BELIEFS[name], 10_000)
    worth = worth_of(quantities)
    of_all = perfect_information_usd(worth)
    found = [value_of(quantities, worth, seed=seed) for seed in range(4)]
    assert np.ptp(found) < 0.03 * of_all
    monkeypatch.setattr("app.estimator.pilot_outcomes.STRATA", (24, 20))
    more = [value_of(quantities, worth, seed=seed) for seed in range(4)]
    assert np.mean(more) == pytest.approx(np.mean(found), abs=0.015 * of_all)


# What must hold exactly


@settings(max_examples=40, deadline=None)
@given(
    full=st.floats(-10, 20),
    full_sd=st.floats(0, 12),
    loss_sd=st.floats(0, 8),
    tails=st.booleans(),
    noise_usd=st.floats(0, 20_000),
    cost_usd=st.floats(0, 20_000),
    draws=st.sampled_from([1, 2, 7, 60, 1_000]),
    questions=st.sampled_from([1, 50, 1_000, 1_000_000]),
    methods=st.sampled_from([("full", "lora"), ("lora",), ("full",)]),
)
def test_never_below_nothing_nor_above_knowing_all(
    full: float,
    full_sd: float,
    loss_sd: float,
    tails: bool,
    noise_usd: float,
    cost_usd: float,
    draws: int,
    questions: int,
    methods: tuple[str, ...],
) -> None:
    belief = belief_of(full=full, full_sd=full_sd, loss_sd=loss_sd, tails=tails)
    quantities = drawn(belief, draws)
    other = np.random.default_rng(5).standard_normal((2, draws))
    both = worth_of(quantities, cost_usd / 2, cost_usd)
    worth = {key: both[key] + noise_usd * other[at] for at, key in enumerate(methods)}
    of_all = perfect_information_usd(worth)
    designs = designs_of(quantities, worth, questions)
    for design in designs:
        assert 0 <= design.value_usd <= of_all
        assert 0 <= design.probability_changes <= 1
        assert (design.value_usd > 0) <= (design.probability_changes > 0)
    for one in designs:
        for other_design in designs:
            if (
                one.data_fraction <= other_design.data_fraction
                and one.test_questions <= other_design.test_questions
            ):
                assert one.value_usd <= other_design.value_usd
    offer = tried(quantities, worth, questions).offer
    (default,) = (design for design in designs if design.default)
    assert 0 <= offer.told_fraction <= 1
    assert offer.value_usd(worth, of_all) == default.value_usd


def test_every_draw_has_every_outcome_in_shares_of_one() -> None:
    quantities = drawn(BELIEFS["tails"], 3_000)
    worth = worth_of(quantities)
    scores = pilot_scores(quantities, ("full", "lora"), 5_000, 500, PLANNED, CONSTANT)
    told = told_of(scores, tuple(worth.values()))
    outcomes = outcomes_of(told, np.random.default_rng(1).standard_normal((3_000, 2)))
    draws = [0, 1_234, int(np.argmax(quantities[:, FULL]))]
    one_draw = np.eye(3_000)[draws]
    shares = weighed(told, outcomes, one_draw)
    assert shares.min() >= 0
    assert shares.sum(axis=1) * 3_000 == pytest.approx(1, abs=1e-5)
    # Means are kept: nothing is gained by an outcome that nobody listens to.
    means = weighed(told, outcomes, np.array(list(worth.values()))).sum(axis=1)
    assert means == pytest.approx([npv.mean() for npv in worth.values()], rel=1e-5)


def test_the_same_seed_gives_the_same_bits_and_the_next_one_others() -> None:
    quantities = drawn(BELIEFS["close"], 5_000)
    worth = worth_of(quantities)
    assert designs_of(quantities, worth, seed=3) == designs_of(quantities.copy(), worth, seed=3)
    assert designs_of(quantities, worth, seed=3) != designs_of(quantities, worth, seed=4)


# What tells nothing, and what tells all


def test_a_pilot_that_tells_nothing_is_worth_nothing() -> None:
    belief = belief_of(full=10.0, full_sd=3.0, loss=3.0, loss_sd=1.0)
    quantities = drawn(belief, 10_000)
    worth = worth_of(quantities, full_usd=10_000)
    tiny = value_of(quantities, worth, 1 / PLANNED, 1)
    assert tiny < 0.01 * perfect_information_usd(worth)


def test_nothing_is_told_of_what_is_known() -> None:
    quantities = drawn(belief_of(sure=True), 1_000)
    worth = worth_of(quantities)
    assert value_of(quantities, worth) == 0
    # Nor of a worth that does not hang on accuracy.
    same = {key: np.full(1_000, float(npv.mean())) for key, npv in worth.items()}
    assert value_of(drawn(BELIEFS["close"], 1_000), same) == 0


@pytest.mark.parametrize("price_sd", [0.0, 2_000.0])
def test_a_huge_pilot_tells_the_accuracy_and_no_more(price_sd: float) -> None:
    exact = constant_values({"run_sd_points": 0.0, "pilot_transfer_sd_points": 0.0})
    quantities = drawn(BELIEFS["close"], 20_000)
    price = price_sd * np.random.default_rng(3).standard_normal((2, 20_000))
    worth = {key: npv + price[at] for at, (key, npv) in enumerate(worth_of(quantities).items())}
    (accuracy,) = knowing_one(worth, {"a": quantities[:, [FULL, LORA]]}, {"a": "Accuracy"})
    found = value_of(quantities, worth, 1.0, 1_000_000, exact)
    of_all = perfect_information_usd(worth)
    assert found == pytest.approx(accuracy.value_usd, abs=0.03 * of_all)
    if price_sd == 0:
        assert found > 0.97 * of_all
    else:
        assert found < 0.9 * of_all


def test_more_questions_and_more_data_tell_more() -> None:
    quantities = drawn(BELIEFS["close"], 10_000)
    worth = worth_of(quantities)
    by_questions = [value_of(quantities, worth, 0.1, n) for n in (10, 100, 1_000, 10_000)]
    by_data = [value_of(quantities, worth, share, 500) for share in (0.01, 0.1, 0.3, 1.0)]
    assert by_questions == sorted(by_questions)
    assert by_data == sorted(by_data)
    assert by_data[-1] > 1.3 * by_data[0]


def test_told_in_one_number_is_the_same_as_in_two_of_which_one_is_noise() -> None:
    normal = np.random.default_rng(1).standard_normal((20_000, 4))
    worth = {"full": POINT_USD * (normal[:, 0] + 0.3)}
    one = Told(normal[:, :1], np.full((20_000, 1), 0.5))
    two = Told(
        np.stack([normal[:, 0], 0 * normal[:, 0]], axis=1), np.tile([0.5, 0.0, 1.0], (20_000, 1))
    )
    assert told_usd(two, worth, normal[:, 2:]) == pytest.approx(
        told_usd(one, worth, normal[:, 2:]), rel=0.01
    )


# The designs and the rule


def test_the_designs_by_hand() -> None:
    quantities = drawn(BELIEFS["close"], 2_000)
    designs = designs_of(quantities, worth_of(quantities))
    assert [(d.data_fraction, d.test_questions) for d in designs] == [
        (0.1, 100),
        (0.1, 500),
        (0.1, 2_000),
        (0.3, 500),
        (1.0, 500),
    ]
    (default,) = (d for d in designs if d.default)
    assert (default.data_fraction, default.test_questions, default.examples) == (0.1, 500, 5_000)
    # Two runs of US$50 on a tenth of the data, and what people cost.
    assert default.cost_usd == pytest.approx(0.1 * 100 + 200)
    assert designs[-1].cost_usd == pytest.approx(100 + 200)


def test_the_adapter_that_stands_is_tried_alone() -> None:
    quantities = drawn(BELIEFS["close"], 2_000)
    worth = worth_of(quantities)
    poor = as_contenders({"qlora": worth["lora"] - 9_000}, run_usd=9_999)
    with_it = pilots_of(
        {**as_contenders(worth), **poor},
        quantities,
        PLANNED,
        CONSTANT,
        test_questions=500,
        other_cost_usd=200,
        generator=np.random.default_rng(1),
    )
    assert with_it.designs == designs_of(quantities, worth)
    assert with_it.offer == tried(quantities, worth).offer


def test_many_draws_are_stood_for_by_some() -> None:
    quantities = drawn(BELIEFS["close"], 2 * MOST_DRAWS)
    worth = worth_of(quantities)
    few = {key: npv[::2] for key, npv in worth.items()}
    many, half = designs_of(quantities, worth), designs_of(quantities[::2], few)
    of_many, of_half = perfect_information_usd(worth), perfect_information_usd(few)
    for one, other in zip(many, half, strict=True):
        assert one.value_usd / of_many == pytest.approx(other.value_usd / of_half, abs=0.01)
        assert one.value_usd <= of_many


@pytest.mark.parametrize("more_usd", [-1.0, 1.0])
def test_the_rule_weighs_the_pilot_by_its_own_worth(more_usd: float) -> None:
    """A pilot that costs a dollar more than it is worth is not run, and one for less is."""
    quantities = drawn(BELIEFS["close"], 5_000)
    worth = worth_of(quantities, full_usd=6_400)
    contenders = as_contenders(worth)
    (default,) = (d for d in designs_of(quantities, worth) if d.default)
    other_usd = default.value_usd - 0.1 * 100 + more_usd
    offer = tried(quantities, worth, other_cost_usd=other_usd).offer
    assert offer.test_questions == 500
    found = choose(contenders, CONSTANT, offer)
    assert found.pilot_value_usd == pytest.approx(default.value_usd)
    assert found.pilot_usd == pytest.approx(default.value_usd + more_usd)
    assert found.information_usd > found.pilot_usd
    assert (found.choice == "pilot") == (more_usd < 0)
    assert found.why == ("too-close" if more_usd < 0 else "pilot-too-dear")


def test_where_knowing_is_worth_nothing_the_share_is_one() -> None:
    quantities = drawn(BELIEFS["close"], 1_000)
    worth = {"full": quantities[:, FULL] * 0 + 9.0, "lora": quantities[:, FULL] * 0 + 1.0}
    found = tried(quantities, worth)
    assert {d.value_usd for d in found.designs} == {0.0}
    assert found.offer == PilotOffer(1.0, 200.0, 500)
    assert found.offer.value_usd(worth, 0.0) == 0


def test_the_default_alone_is_the_default_among_others() -> None:
    quantities = drawn(BELIEFS["close"], 2_000)
    alone = pilots_of(
        as_contenders(worth_of(quantities)),
        quantities,
        PLANNED,
        CONSTANT,
        test_questions=500,
        other_cost_usd=200,
        generator=np.random.default_rng(1),
        beside=False,
    )
    assert alone.designs == tuple(
        d for d in designs_of(quantities, worth_of(quantities)) if d.default
    )


@pytest.mark.parametrize("moved_usd", [-4_000.0, 0.0, 3_000.0])
@pytest.mark.parametrize("stretched", [0.5, 3.0])
def test_a_worth_that_is_moved_is_told_as_if_it_had_been_so(
    moved_usd: float, stretched: float
) -> None:
    """One worth moved and both stretched: what the verdict's turns ask of the table."""
    quantities = drawn(BELIEFS["close"], 10_000)
    worth = worth_of(quantities)
    moved = {"full": stretched * worth["full"] + moved_usd, "lora": stretched * worth["lora"]}
    of_all = perfect_information_usd(moved)
    table_says = tried(quantities, worth).offer.value_usd(moved, of_all)
    anew = tried(quantities, moved).offer.value_usd(moved, of_all)
    assert table_says == pytest.approx(anew, abs=0.02 * of_all)
    # Another adapter stands: the share holds.
    other = {"full": moved["full"], "qlora": moved["lora"]}
    offer = tried(quantities, worth).offer
    assert offer.value_usd(other, of_all) == offer.told_fraction * of_all


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test_questions": 0}, "0 test questions: a pilot needs one or more"),
        ({"target_examples": 0}, "0 examples: a pilot needs one or more"),
        ({"other_cost_usd": -1.0}, "it is 0 or more"),
        ({"other_cost_usd": float("nan")}, "it is 0 or more"),
        ({"quantities": np.zeros((7, 6))}, "one row of 6 for each of the 100 draws"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict, said: str) -> None:
    quantities = drawn(BELIEFS["close"], 100)
    arguments: dict = {
        "quantities": quantities,
        "target_examples": PLANNED,
        "constants": CONSTANT,
        "test_questions": 500,
        "other_cost_usd": 0.0,
        "generator": np.random.default_rng(1),
    } | changed
    with pytest.raises(InvalidSpec, match=said):
        pilots_of(as_contenders(worth_of(quantities)), **arguments)
