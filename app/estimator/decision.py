"""The rule of the verdict, on draws alone: which choice, how probable, and what knowing is worth.

`app.estimator.turns` asks what would change it, and `app.estimator.verdict.decide` makes the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.estimator.constants import ConstantValues
from app.estimator.methods import LABELS
from app.estimator.pilot_offer import TELLS_ALL, PilotOffer
from app.estimator.uncertainty import PresentDraws

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Terms:
    """What the worth of one method is made of, for the question what would change the verdict.

    Parameters
    ----------
    answer_pv : what of `Contender.volume_pv` is proportional to `Value.usd_per_error`. (draws,)
        [USD]
    worth_of : present worth over the horizon of gains, at a value factor of 1. [points] to [USD]
    value_factor : on that worth. (draws,)
    gain : score less that of the base model, below 0 where it tests worse. (draws,) [points]
    room : 100 less the score of the base model. (draws,) [points]
    at_weeks : what the method earns and costs with so many weeks of engineering, under the same
        plan and on the same draws.
    """

    answer_pv: Floats
    worth_of: Callable[[Floats], Floats]
    value_factor: Floats
    gain: Floats
    room: Floats
    at_weeks: Callable[[float], PresentDraws]


@dataclass(frozen=True, slots=True)
class Contender:
    """One feasible method, in present values.

    Parameters
    ----------
    key : full, lora or qlora.
    volume_pv : worth that is proportional to the answers a month. (draws,) [USD]
    other_pv : worth that is not, such as what is forgotten outside the task. (draws,) [USD]
    gpu_pv : cost of GPU time for training. (draws,) [USD]
    fixed_pv : all other cost. [USD]
    total_usd : cost over the horizon, undiscounted; gpu_usd : what of it is GPU time. [USD]
    run_usd : GPU time that one run on all data uses, after the tax that it saves. [USD]
    terms : None leaves out the changes that need them.
    other_usd : what of the total is not GPU time, by category of `MoneyLine`. [USD]
    """

    key: str
    volume_pv: Floats
    other_pv: Floats
    gpu_pv: Floats
    fixed_pv: float
    total_usd: float
    gpu_usd: float
    run_usd: float = 0.0
    terms: Terms | None = None
    other_usd: Mapping[str, float] = field(default_factory=dict)

    @property
    def npv(self) -> Floats:
        """Net present value. (draws,) [USD]"""
        return np.asarray(self.volume_pv + self.other_pv - self.gpu_pv - self.fixed_pv)

    @property
    def name(self) -> str:
        """Name within a sentence."""
        return "full fine-tuning" if self.key == "full" else LABELS[self.key]

    @property
    def expected_npv(self) -> float:
        """Mean over the draws. [USD]"""
        return float(self.npv.mean())

    @property
    def probability_pays(self) -> float:
        """Share of draws with a net present value above 0."""
        return share(self.npv > 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rule says.

    Parameters
    ----------
    choice : full, lora, qlora, pilot or neither.
    why : which clause of `choose` it is: decided, too-close, may-not-pay, small, pilot-too-dear,
        nothing-pays or unclear.
    best : the method with the highest expected worth; rival : the other one, if there is one.
    probability : that the choice is the best of full, the adapter and doing nothing; for a pilot,
        that full beats the adapter (or, with one method, that it pays); for neither, that doing
        nothing is best.
    probability_best_pays : of `best`.
    information_usd : expected gain of knowing all before choosing. [USD]
    pilot_usd : cost of a pilot of the methods that stand. [USD]
    pilot_value_usd : what it is expected to be worth, before its cost. [USD]
    """

    choice: str
    why: str
    best: str
    rival: str | None
    probability: float
    probability_best_pays: float
    information_usd: float
    pilot_usd: float
    pilot_value_usd: float


def share(holds: Booleans) -> float:
    """Share of the draws in which something holds."""
    return int(np.count_nonzero(holds)) / holds.size


def better_adapter(npv: Mapping[str, Floats], decisive: float) -> str:
    """LoRA, unless it is absent or QLoRA is worth more in at least so many of the draws."""
    if "lora" in npv and "qlora" in npv:
        return "qlora" if share(npv["qlora"] > npv["lora"]) >= decisive else "lora"
    return next(iter(npv))


def probabilities_best(contenders: Mapping[str, Contender]) -> dict[str, float]:
    """Share of draws in which each method has the highest NPV, above doing nothing."""
    npvs = [contender.npv for contender in contenders.values()]
    winner = np.argmax(np.stack([np.zeros_like(npvs[0]), *npvs]), axis=0)
    return {key: share(winner == i + 1) for i, key in enumerate(contenders)}


def perfect_information_usd(npvs: Mapping[str, Floats]) -> float:
    """Expected gain of knowing every uncertain figure before choosing. [USD] >= 0

    Parameters
    ----------
    npvs : by method. (draws,) [USD]

    References
    ----------
    Raiffa and Schlaifer, "Applied Statistical Decision Theory", 1961, chapter 4 (EVPI).
    """
    knowing = float(np.maximum(np.max(list(npvs.values()), axis=0), 0.0).mean())
    choosing = max(0.0, *(float(npv.mean()) for npv in npvs.values()))
    return max(0.0, knowing - choosing)


def choose(
    contenders: Mapping[str, Contender], constants: ConstantValues, offer: PilotOffer = TELLS_ALL
) -> Choice:
    """The rule of the verdict.

    Parameters
    ----------
    contenders : feasible methods by key; at least one.
    offer : the pilot that could be run first.

    Notes
    -----
    Full fine-tuning, one adapter method and doing nothing stand against each other; QLoRA stands
    for the adapters where it beats LoRA in `decisive_probability` of the draws, or where LoRA fits
    nowhere. `decisive_probability`, `least_probability_pays` and `pilot_data_fraction` are
    assumptions that a scenario may change. A pilot pays where choosing after it is expected to be
    worth more than choosing now by more than it costs. In this order:

    1. No method is expected to be worth more than doing nothing.
       Nothing is best in `decisive_probability` of the draws: neither (nothing-pays). Else a pilot,
       if it pays (unclear), and neither if not (small, or pilot-too-dear).
    2. The method of the highest expected worth beats the other one in `decisive_probability` of the
       draws and pays in `least_probability_pays` of them: that method (decided). It also is with
       one method alone.
    3. A pilot pays: a pilot, because the best loses money too often (may-not-pay) or because the
       two are too close (too-close).
    4. Even knowing all is worth no more than a pilot costs, so there is little to lose by either
       (small): the adapter, if hindsight would add less to it than a pilot costs; else the best.
    5. Knowing all is worth more than a pilot costs, but what it can tell is not (pilot-too-dear):
       the best. It is what is left to expect the most of; nothing cheaper tells more.

    What a pilot is worth is its expected value before it is run (`app.estimator.pilot_value`).
    """
    stand = standing(contenders, constants)
    pilot_usd = pilot_cost_usd(contenders, stand, constants, offer)
    choice, why = _rule(stand, constants, pilot_usd, offer)
    best = max(stand, key=lambda key: float(stand[key].mean()))
    rival = next((key for key in stand if key != best), None)
    pays = share(stand[best] > 0)
    if choice == "neither":
        probability = share(_top(stand) <= 0)
    elif choice == "pilot":
        other = stand.get("full", 0.0) if best != "full" else stand[rival or best]
        full_wins = share(stand[best] > other if best == "full" else other > stand[best])
        probability = pays if rival is None else full_wins
    else:
        others = {key: npv for key, npv in stand.items() if key != choice}
        probability = share(stand[choice] > (_top(others) if others else 0.0))
    information_usd = perfect_information_usd(stand)
    return Choice(
        choice=choice,
        why=why,
        best=best,
        rival=rival,
        probability=probability,
        probability_best_pays=pays,
        information_usd=information_usd,
        pilot_usd=pilot_usd,
        pilot_value_usd=offer.value_usd(stand, information_usd),
    )


def choice_of(
    contenders: Mapping[str, Contender], constants: ConstantValues, offer: PilotOffer = TELLS_ALL
) -> str:
    """What `choose` chooses, alone."""
    stand = standing(contenders, constants)
    pilot_usd = pilot_cost_usd(contenders, stand, constants, offer)
    return _rule(stand, constants, pilot_usd, offer)[0]


def standing(contenders: Mapping[str, Contender], constants: ConstantValues) -> dict[str, Floats]:
    """Worth of full fine-tuning and of the adapter that stands against it. (draws,) each [USD]"""
    npvs = {key: contender.npv for key, contender in contenders.items()}
    adapters = {key: npv for key, npv in npvs.items() if key != "full"}
    stand = {key: npv for key, npv in npvs.items() if key == "full"}
    if adapters:
        adapter = better_adapter(adapters, constants["decisive_probability"])
        stand[adapter] = adapters[adapter]
    return stand


def _top(npvs: Mapping[str, Floats]) -> Floats:
    """Worth of the best of them and of doing nothing. (draws,) [USD]"""
    top = np.zeros(1)
    for npv in npvs.values():
        top = np.maximum(top, npv)
    return top


def pilot_cost_usd(
    contenders: Mapping[str, Contender],
    stand: Iterable[str],
    constants: ConstantValues,
    offer: PilotOffer = TELLS_ALL,
    data_fraction: float | None = None,
) -> float:
    """Cost of a pilot that trains every method that stands once. [USD]

    Parameters
    ----------
    stand : keys of `standing`.
    data_fraction : of the training set; None is `pilot_data_fraction`.
    """
    fraction = constants["pilot_data_fraction"] if data_fraction is None else data_fraction
    return fraction * sum(contenders[key].run_usd for key in stand) + offer.other_cost_usd


def _rule(
    stand: Mapping[str, Floats], constants: ConstantValues, pilot_usd: float, offer: PilotOffer
) -> tuple[str, str]:
    """The choice and its clause, as `choose` states them."""
    decisive, least = constants["decisive_probability"], constants["least_probability_pays"]
    means = {key: float(npv.mean()) for key, npv in stand.items()}
    best = max(means, key=lambda key: means[key])
    rival = next((key for key in stand if key != best), None)
    top = _top(stand)
    # Knowing all, less what choosing now is expected to be worth.
    information_usd = float(top.mean()) - max(0.0, means[best])
    could_be_worth_it = information_usd > pilot_usd
    too_little = "pilot-too-dear" if could_be_worth_it else "small"
    if means[best] <= 0:
        if share(top <= 0) >= decisive:
            return "neither", "nothing-pays"
        worth_it = could_be_worth_it and offer.value_usd(stand, information_usd) > pilot_usd
        return ("pilot", "unclear") if worth_it else ("neither", too_little)
    pays = share(stand[best] > 0) >= least
    if pays and (rival is None or share(stand[best] > stand[rival]) >= decisive):
        return best, "decided"
    if could_be_worth_it and offer.value_usd(stand, information_usd) > pilot_usd:
        return "pilot", "too-close" if pays else "may-not-pay"
    adapter = next((key for key in stand if key != "full"), None)
    if adapter is not None and means[adapter] > 0:
        hindsight_usd = float((top - stand[adapter]).mean())
        if hindsight_usd <= pilot_usd:
            return adapter, "small"
    return best, too_little
