"""What a pilot of a given size and cost is expected to be worth before it is run (EVSI)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.estimator.belief import QUANTITIES
from app.estimator.constants import ConstantValues
from app.estimator.decision import (
    Contender,
    perfect_information_usd,
    pilot_cost_usd,
    standing,
)
from app.estimator.errors import InvalidSpec
from app.estimator.pilot_offer import PilotOffer, PilotTable
from app.estimator.pilot_outcomes import Told, outcomes_of, pilot_scores, told_of, weighed
from app.estimator.report_risk import PilotDesign

Floats = NDArray[np.float64]

TEST_SIZES: Final = (100, 2_000)
"""Test sets whose worth is shown beside that of the default. [count]"""

DATA_FRACTIONS: Final = (0.3, 1.0)
"""Shares of the training set whose worth is shown beside that of the default."""

MOST_DRAWS: Final = 20_000
"""Draws that pilots are weighed on; of more, every second or third and so on."""


@dataclass(frozen=True, slots=True)
class Pilots:
    """Pilots that could be run.

    Parameters
    ----------
    designs : the smallest first, by data and then by questions; one of them is the default.
    offer : the default one, as the rule of the verdict weighs it.
    """

    designs: tuple[PilotDesign, ...]
    offer: PilotOffer


def pilots_of(
    contenders: Mapping[str, Contender],
    quantities: Floats,
    target_examples: int,
    constants: ConstantValues,
    *,
    test_questions: int,
    other_cost_usd: float = 0.0,
    generator: np.random.Generator,
    beside: bool = True,
) -> Pilots:
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
    beside : whether others than the default are worked out too.

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
    stand for all: what outcomes say is asked of them, and laid around the mean worth over all.

    A told fraction of 1 stands where knowing all is worth nothing: there it makes no difference.

    How exact it is, as a share of EVPI: 15 pilots in five situations were simulated 6,000 to 20,000
    times each and weighed by all scores in 100,000 draws. The mean over ten sets of 10,000 draws is
    within 0.013, about the error of that simulation (0.002 to 0.012), but where a base model is
    right in 95% of cases, where it is 0.01 to 0.02 too low: two numbers do not say all there. 64,
    120 or 320 outcomes agree to 0.008; only of a pilot that tells nearly all 64 find 0.03 and 120
    find 0.01 less than 320. Other simulated pilots on the same draws move it by 0.002, other draws
    by 0.01, of 1,000 draws by 0.02 to 0.06, as EVPI itself. With 1,000 it is 0.002 to 0.006 higher
    on average.

    References
    ----------
    Raiffa and Schlaifer, "Applied Statistical Decision Theory", 1961, chapters 4 and 5.
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
    of_all = perfect_information_usd(stand)
    costs = PilotOffer(other_cost_usd=other_cost_usd)
    default = (constants["pilot_data_fraction"], test_questions)
    sizes = [default, *(_sizes(*default) if beside else ())]
    tried: list[tuple[PilotDesign, PilotTable]] = []
    for fraction, questions in sizes:
        examples = max(1, round(fraction * target_examples))
        scores = pilot_scores(
            quantities[::step], tuple(stand), examples, questions, target_examples, constants
        )
        table = table_of(told_of(scores, tuple(some.values())), some, normal)
        value_usd, changes = table.told(stand) if of_all > 0 else (0.0, 0.0)
        design = PilotDesign(
            data_fraction=fraction,
            examples=examples,
            test_questions=questions,
            cost_usd=pilot_cost_usd(contenders, stand, constants, costs, fraction),
            value_usd=min(value_usd, of_all),
            probability_changes=changes,
            default=(fraction, questions) == default,
        )
        tried.append((_beside(design, [d for d, _ in tried]), table))
    chosen, table = tried[0]
    offer = PilotOffer(
        told_fraction=chosen.value_usd / of_all if of_all > 0 else 1.0,
        other_cost_usd=other_cost_usd,
        test_questions=test_questions,
        table=table,
    )
    designs = sorted((d for d, _ in tried), key=lambda d: (d.data_fraction, d.test_questions))
    return Pilots(tuple(designs), offer)


def table_of(told: Told, npvs: Mapping[str, Floats], normal: Floats) -> PilotTable:
    """The outcomes of a pilot, and what each says of what the methods are worth.

    Parameters
    ----------
    told : of every draw; npvs : of the methods that stand, by key. (draws,) [USD]
    normal : standard normal, for the simulated outcomes. (draws, 2)
    """
    spread = {key: float(npv.std()) for key, npv in npvs.items()}
    if told.centre.shape[1] == 0:
        return PilotTable(np.ones(1), {key: np.zeros(1) for key in npvs}, spread)
    # Single precision overflows beyond 1e38, so amounts are counted in their largest one.
    apart = [npv - npv.mean() for npv in npvs.values()]
    largest = max(max(float(np.abs(of).max()) for of in apart), 1e-300)
    apart = [of / largest for of in apart]
    amounts = np.stack([np.ones(len(normal)), *apart])
    chance, *sums = weighed(told, outcomes_of(told, normal), amounts)
    chance = chance / chance.sum()
    # Single precision leaves the sums a little off 0.
    evened = (largest * (row - row.sum() * chance) for row in sums)
    return PilotTable(chance, dict(zip(npvs, evened, strict=True)), spread)


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
    """Share of the data and questions of each design beside the default, increasing."""
    questions = {(data_fraction, size) for size in TEST_SIZES}
    shares = {(fraction, test_questions) for fraction in DATA_FRACTIONS}
    return sorted((questions | shares) - {(data_fraction, test_questions)})


def _beside(design: PilotDesign, others: Sequence[PilotDesign]) -> PilotDesign:
    """The design, worth no less than what it contains and no more than what contains it.

    Parameters
    ----------
    others : the default first, which is left as it is, then by size.
    """
    for other in others:
        contains = _contains(design, other) and design.value_usd < other.value_usd
        within = _contains(other, design) and design.value_usd > other.value_usd
        if contains or within:
            design = replace(
                design,
                value_usd=other.value_usd,
                probability_changes=other.probability_changes,
            )
    return design


def _contains(design: PilotDesign, other: PilotDesign) -> bool:
    """Whether a design has all the data and questions of another."""
    return (
        design.data_fraction >= other.data_fraction
        and design.test_questions >= other.test_questions
    )
