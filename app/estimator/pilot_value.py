"""What a pilot of a given size and cost is expected to be worth before it is run (EVSI)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import QUANTITIES
from app.estimator.constants import ConstantValues
from app.estimator.decision import (
    Contender,
    PilotOffer,
    perfect_information_usd,
    pilot_cost_usd,
    standing,
)
from app.estimator.errors import InvalidSpec
from app.estimator.pilot_outcomes import Told, outcomes_of, pilot_scores, told_of, weighed
from app.estimator.report_risk import PilotDesign

Floats = NDArray[np.float64]

TEST_SIZES: Final = (100, 2_000)
"""Test sets whose worth is shown beside that of the default. [count]"""

DATA_FRACTIONS: Final = (0.3, 1.0)
"""Shares of the training set whose worth is shown beside that of the default."""

MOST_DRAWS: Final = 20_000
"""Draws that pilots are weighed on; of more, every second or third and so on."""

NO_CHANGE: Final = 1e-9
"""Gain of another choice below which it is rounding, as a share of what is at stake."""


def pilot_design_values(
    contenders: Mapping[str, Contender],
    quantities: Floats,
    target_examples: int,
    constants: ConstantValues,
    *,
    test_questions: int,
    other_cost_usd: float = 0.0,
    generator: np.random.Generator,
) -> tuple[PilotDesign, ...]:
    """Cost and expected worth of the default pilot, and of some with more or less of each.

    Parameters
    ----------
    contenders : feasible methods by key; those that stand (`decision.standing`) are tried.
    quantities : the draws of the belief that the contenders were made from, in the same order, as
        `Belief.draw` gives them; after the pilot that was already run, if one was. (draws, 6)
    target_examples : planned size of the training set. [count] >= 1
    test_questions : by which the default pilot scores every model. [count] >= 1
    other_cost_usd : what each costs besides GPU time. [USD] >= 0
    generator : of the simulated scores; the same state gives the same numbers.

    Returns
    -------
    The smallest first, by data and then by questions; one of them is the default.

    Raises
    ------
    InvalidSpec : no question, no example, a cost below 0, or not one row of quantities a draw.

    Notes
    -----
    EVSI = E[max_a E[NPV_a | scores]] - max_a E[NPV_a], over a = doing nothing, full fine-tuning and
    the adapter that stands. The scores are those of the base model and of these methods, trained
    once on the share of the data and asked the same questions, which no score so far was asked.

    Every pilot becomes an experiment on the draws with about a hundred outcomes, each with its
    chance in every draw; see `app.estimator.pilot_outcomes`. So a value is never below 0 nor above
    that of knowing all, exactly and not up to chance. A larger pilot is worth what a smaller one
    of the list is, or more: questions and data can be left out. Of more than 20,000 draws some
    stand for all: the share that they find told is taken of EVPI over all.

    How exact it is, against a simulation of 8,000 to 20,000 pilots each weighed by 100,000 draws in
    the situations that come with Tunecase and two more, as a share of EVPI: the mean over many
    seeds is within 0.01, which is the error of that simulation; 80, 120 or 256 outcomes agree to
    0.006 for small pilots; only a pilot that tells nearly all is valued up to 0.02 too low with 80.
    From one seed to another it varies by 0.01 with 10,000 draws and by 0.05 with 1,000, mostly
    because EVPI itself does. There is no bias upward with few draws beyond 0.01 at 1,000.

    References
    ----------
    Raiffa and Schlaifer, "Applied Statistical Decision Theory", 1961, sections 4.5 and 5.9.
    Menzies, "An efficient estimator for the expected value of sample information", Med. Decis.
    Making 36, 2016: the likelihood as importance weights over one set of draws.
    Strong, Oakley, Brennan and Breeze, "Estimating the expected value of sample information using
    the probabilistic sensitivity analysis sample", Med. Decis. Making 35, 2015: summaries of data.
    Heath et al., "Calculating the expected value of sample information in practice", Med. Decis.
    Making 40, 2020: how these compare.
    """
    stand = standing(contenders, constants)
    draws = len(next(iter(stand.values())))
    _check(quantities, draws, target_examples, test_questions, other_cost_usd)
    step = -(-draws // MOST_DRAWS)
    some = {key: npv[::step] for key, npv in stand.items()}
    normal = generator.standard_normal((len(quantities[::step]), 2))
    knowing, of_all = perfect_information_usd(some), perfect_information_usd(stand)
    offer = PilotOffer(other_cost_usd=other_cost_usd)
    default = (constants["pilot_data_fraction"], test_questions)
    designs: list[PilotDesign] = []
    for fraction, questions in _sizes(*default):
        examples = max(1, round(fraction * target_examples))
        scores = pilot_scores(
            quantities[::step], tuple(stand), examples, questions, target_examples, constants
        )
        value_usd, changes = experiment_value(told_of(scores, tuple(some.values())), some, normal)
        # The share that is told, of what knowing all is worth over all draws.
        value_usd = of_all * (value_usd / knowing) if knowing > 0 else 0.0
        design = PilotDesign(
            data_fraction=fraction,
            examples=examples,
            test_questions=questions,
            cost_usd=pilot_cost_usd(contenders, stand, constants, offer, fraction),
            value_usd=value_usd,
            probability_changes=changes,
            default=(fraction, questions) == default,
        )
        designs.append(_at_least(design, designs))
    return tuple(designs)


def experiment_value(told: Told, npvs: Mapping[str, Floats], normal: Floats) -> tuple[float, float]:
    """Expected gain of choosing after what is told [USD], and how likely it changes the choice.

    Parameters
    ----------
    told : of every draw.
    npvs : of the methods that stand, by key. (draws,) [USD]
    normal : standard normal, for the simulated outcomes. (draws, 2)

    Notes
    -----
    All is counted as gain over what is best now, so an outcome that changes nothing adds 0.
    """
    choices = np.stack([np.zeros(len(normal)), *npvs.values()])
    now = int(np.argmax(choices.mean(axis=1)))
    gains = np.delete(choices - choices[now], now, axis=0)
    if told.centre.shape[1] == 0:
        return 0.0, 0.0
    amounts = np.concatenate([gains, np.ones((1, len(normal)))])
    outcomes = weighed(told, outcomes_of(told, normal), amounts)
    best = np.maximum(outcomes[:-1].max(axis=0), 0.0)
    at_stake = float(np.abs(gains).mean())
    changes = float(outcomes[-1][best > NO_CHANGE * at_stake * outcomes[-1]].sum())
    return min(float(best.sum()), perfect_information_usd(npvs)), min(changes, 1.0)


def told_fraction(designs: Sequence[PilotDesign], perfect_usd: float) -> float:
    """What the default pilot is worth over what knowing all is worth. 0 to 1

    Parameters
    ----------
    perfect_usd : `decision.perfect_information_usd` of the methods that stand.

    Notes
    -----
    1 where knowing all is worth nothing: there it makes no difference, and where a figure is moved
    until knowing is worth something, it errs towards measuring.
    """
    if perfect_usd <= 0:
        return 1.0
    (default,) = (design for design in designs if design.default)
    return min(default.value_usd / perfect_usd, 1.0)


def pilot_offer(
    designs: Sequence[PilotDesign], perfect_usd: float, other_cost_usd: float = 0.0
) -> PilotOffer:
    """The default pilot as the rule of the verdict weighs it.

    Parameters
    ----------
    perfect_usd : `decision.perfect_information_usd` of the methods that stand.
    other_cost_usd : as the designs were made with.
    """
    (default,) = (design for design in designs if design.default)
    return PilotOffer(
        told_fraction=told_fraction(designs, perfect_usd),
        other_cost_usd=other_cost_usd,
        test_questions=default.test_questions,
    )


def _check(
    quantities: Floats,
    draws: int,
    target_examples: int,
    test_questions: int,
    other_cost_usd: float,
) -> None:
    if quantities.shape != (draws, len(QUANTITIES)):
        raise InvalidSpec(
            f"quantities of shape {quantities.shape}: a pilot needs one row of {len(QUANTITIES)} "
            f"for each of the {draws} draws"
        )
    if target_examples < 1:
        raise InvalidSpec(f"{target_examples} examples: a pilot needs one or more to train on")
    if test_questions < 1:
        raise InvalidSpec(f"{test_questions} test questions: a pilot needs one or more")
    if not other_cost_usd >= 0:
        raise InvalidSpec(f"other cost of a pilot of {other_cost_usd}: it is 0 or more")


def _sizes(data_fraction: float, test_questions: int) -> list[tuple[float, int]]:
    """Share of the data and questions of each design, increasing."""
    questions = {(data_fraction, size) for size in TEST_SIZES}
    shares = {(fraction, test_questions) for fraction in DATA_FRACTIONS}
    return sorted(questions | shares | {(data_fraction, test_questions)})


def _at_least(design: PilotDesign, smaller: Sequence[PilotDesign]) -> PilotDesign:
    """The design, used as one on no more data that it contains where that is worth more."""
    within = [d for d in smaller if d.test_questions <= design.test_questions]
    best = max([design, *within], key=lambda d: d.value_usd)
    return replace(design, value_usd=best.value_usd, probability_changes=best.probability_changes)
