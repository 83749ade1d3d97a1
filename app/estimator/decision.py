"""The verdict: which method, in words that the report's own numbers support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.methods import LABELS
from app.estimator.report import Comparison, Verdict
from app.estimator.wording import (
    amount,
    amounts_and_difference,
    percent,
    points,
    sentence_start,
    signed_points,
)

Floats = NDArray[np.float64]
Said = Callable[[float], str]
"""An amount of US dollars as a sentence says it, in the currency of the scenario."""

DECISIVE = 2 / 3
"""Assumption: a method is recommended over another when it wins in two draws of three."""


NOTABLE_LEAD = 0.1
"""Assumption: a lead below this share of the spread of the difference is not worth naming."""

FEW_STUDIES = 2
"""Assumption: up to so many studies of a kind of task, the evidence is called thin."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One feasible method.

    Parameters
    ----------
    npv : (draws,) [USD]
    total_usd : cost over the horizon; gpu_usd : what of it is GPU time. [USD]
    """

    key: str
    npv: Floats
    total_usd: float
    gpu_usd: float

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
        return float(np.mean(self.npv > 0))


def better_adapter(npv: Mapping[str, Floats]) -> str:
    """LoRA, unless it is absent or QLoRA is worth more in `DECISIVE` of the draws."""
    if "lora" in npv and "qlora" in npv:
        return "qlora" if float(np.mean(npv["qlora"] > npv["lora"])) >= DECISIVE else "lora"
    return next(iter(npv))


def probabilities_best(contenders: Mapping[str, Contender]) -> dict[str, float]:
    """Share of draws in which each method has the highest NPV, above doing nothing."""
    stacked = np.stack(
        [np.zeros_like(next(iter(contenders.values())).npv)]
        + [contender.npv for contender in contenders.values()]
    )
    winner = np.argmax(stacked, axis=0)
    return {key: float(np.mean(winner == i + 1)) for i, key in enumerate(contenders)}


def perfect_information_usd(contenders: Mapping[str, Contender]) -> float:
    """Expected gain of knowing every uncertain figure before choosing. [USD] >= 0

    References
    ----------
    Raiffa and Schlaifer, "Applied Statistical Decision Theory", 1961, chapter 4 (EVPI).
    """
    stacked = np.stack([contender.npv for contender in contenders.values()])
    knowing = float(np.maximum(stacked.max(axis=0), 0.0).mean())
    choosing = max(0.0, *(contender.expected_npv for contender in contenders.values()))
    return max(0.0, knowing - choosing)


def decide(
    contenders: Mapping[str, Contender],
    infeasible: Mapping[str, str],
    comparison: Comparison | None,
    studies: int,
    max_gpus: int,
    currency: Currency = US_DOLLAR,
) -> Verdict:
    """The verdict.

    Parameters
    ----------
    contenders : feasible methods by key; at least one.
    infeasible : label of each method that fits nowhere, by key.
    comparison : full against the better adapter method, where both are feasible.
    studies : published studies of this kind of task.
    max_gpus : limit under which the infeasible methods do not fit.
    currency : in which amounts are said.

    Notes
    -----
    "Neither" where no method is expected to pay, and undecided where the best one loses money more
    often than not. Full against an adapter is decided when one wins in `DECISIVE` of the draws,
    else it is said to be undecided. QLoRA stands for the adapters where it beats LoRA by the same
    rule, or LoRA fits nowhere.
    """
    said = partial(amount, currency=currency)
    worth = perfect_information_usd(contenders)
    best = _best(contenders, comparison)
    reasons: tuple[str, ...] = ()
    if best.expected_npv <= 0:
        choice = "neither"
        none = {1: "It does not pay", 2: "Neither pays"}.get(len(contenders), "None pays")
        headline = (
            f"{none}. The best, {best.name}, is expected to lose {said(-best.expected_npv)} "
            f"over the horizon and pays in {percent(best.probability_pays)} of cases."
        )
    elif best.probability_pays < 0.5:
        choice = "undecided"
        headline = (
            f"It may not pay. {sentence_start(best.name)} is expected to be worth "
            f"{said(best.expected_npv)} on average, but it loses money more often than not: "
            "run a pilot first."
        )
    elif comparison is None:
        choice = best.key
        headline = (
            f"{sentence_start(best.name)}. It is expected to be worth "
            f"{said(best.expected_npv)} and pays in {percent(best.probability_pays)} of cases."
        )
    else:
        choice, headline, *found = _between(contenders, comparison, best, said)
        reasons = tuple(found)
    sentences = [*reasons]
    if comparison is not None:
        if choice == "neither" or best.probability_pays < 0.5:
            sentences.append(f"{sentence_start(_evidence(contenders, comparison))}.")
        sentences.append(_costs(contenders, comparison, currency))
        sentences.append(
            "Chance that full fine-tuning is worth more than "
            f"{contenders[comparison.adapter_method].name}: "
            f"{percent(comparison.probability_full_beats_adapter)}."
        )
        if choice != "neither":
            chosen = contenders.get(choice, best)
            sentences.append(
                f"{sentence_start(chosen.name)} is expected to be worth "
                f"{said(chosen.expected_npv)} after all cost and pays in "
                f"{percent(chosen.probability_pays)} of cases."
            )
    sentences.extend(
        f"{label} fits on no offer with up to {max_gpus} GPU{'s' if max_gpus > 1 else ''}."
        for label in infeasible.values()
    )
    if studies <= FEW_STUDIES:
        sentences.append(
            f"The evidence is thin: {('no study', 'one study', 'two studies')[studies]} of this "
            "kind of task, the rest borrowed from other kinds."
        )
    sentences.append(
        f"Knowing the outcome before choosing would be worth {said(worth)}: a pilot that costs "
        "more than that cannot pay."
    )
    return Verdict(choice, headline, tuple(sentences), worth)


def _best(contenders: Mapping[str, Contender], comparison: Comparison | None) -> Contender:
    """The highest expected NPV; of two adapter methods only the better one stands."""
    adapters = {key: c.npv for key, c in contenders.items() if key != "full"}
    stand = {"full"} & set(contenders)
    if comparison is not None:
        stand.add(comparison.adapter_method)
    elif adapters:
        stand.add(better_adapter(adapters))
    return max((contenders[key] for key in sorted(stand)), key=lambda c: c.expected_npv)


def _costs(contenders: Mapping[str, Contender], comparison: Comparison, currency: Currency) -> str:
    """What both cost, and what of the difference is GPU time: the rest is people and checks."""
    full, adapter = contenders["full"], contenders[comparison.adapter_method]
    more = full.total_usd - adapter.total_usd
    gpu = full.gpu_usd - adapter.gpu_usd
    costs, other, apart = amounts_and_difference(full.total_usd, adapter.total_usd, currency)
    gpu_full, gpu_other = (amount(usd, currency) for usd in (full.gpu_usd, adapter.gpu_usd))
    return (
        f"Over the horizon full fine-tuning costs {costs} and {adapter.name} {other}: {apart} "
        f"{'more' if more >= 0 else 'less'} for full. GPU time is {gpu_full} against {gpu_other}"
        + (
            "; the rest is the people and checks that were entered or preset."
            if abs(gpu) < abs(more) / 2
            else "."
        )
    )


def _evidence(contenders: Mapping[str, Contender], comparison: Comparison) -> str:
    """What the studies expect of full over the adapter."""
    gap = comparison.gap_points
    return (
        f"published evidence expects {signed_points(gap.mean)} points of full fine-tuning over "
        f"{contenders[comparison.adapter_method].name} (80% range {signed_points(gap.p10)} to "
        f"{signed_points(gap.p90)})"
    )


def _condition(adapter: Contender, threshold: float) -> str:
    """What accuracy full fine-tuning needs against the adapter, for both to be worth the same."""
    if threshold > 100:  # points of 100
        return f"No accuracy that full fine-tuning could add over {adapter.name} would pay for it"
    if abs(threshold) < 0.05:
        return f"Full fine-tuning and {adapter.name} cost about the same, so any lead decides"
    if threshold > 0:
        return (
            f"Full fine-tuning would have to add {points(threshold)} accuracy points over "
            f"{adapter.name} to pay for itself"
        )
    return (
        f"Full fine-tuning may fall {points(-threshold)} accuracy points short of {adapter.name} "
        "and still pay for itself"
    )


def _between(
    contenders: Mapping[str, Contender],
    comparison: Comparison,
    best: Contender,
    said: Said,
) -> tuple[str, ...]:
    """Choice, headline and first sentences where full and an adapter method are both feasible."""
    adapter, full = contenders[comparison.adapter_method], contenders["full"]
    p = comparison.probability_full_beats_adapter
    gap = comparison.gap_points
    threshold = comparison.break_even_gap_points
    if threshold is None:
        return adapter.key, (
            f"{adapter.name}. Full fine-tuning would not be released within the horizon."
        )
    why = (
        f"{_condition(adapter, threshold)}; published evidence expects {signed_points(gap.mean)} "
        f"(80% range {signed_points(gap.p10)} to {signed_points(gap.p90)})."
    )
    if p >= DECISIVE and best.key == "full":
        return "full", f"Full fine-tuning. {why}"
    if p <= 1 - DECISIVE and best.key != "full":
        return adapter.key, f"{adapter.name}. {why}"

    behind = adapter if best.key == "full" else full
    difference = best.npv - behind.npv
    lead = float(difference.mean())
    if lead < NOTABLE_LEAD * float(difference.std()):
        leads = f"{sentence_start(full.name)} and {adapter.name} are expected to be worth the same"
    else:
        leads = f"{sentence_start(best.name)} leads {behind.name} by {said(lead)} on average"
    if adapter.probability_pays < 0.5:
        advice = (
            f"measure both on a pilot before committing, since {adapter.name} alone loses money in "
            f"{percent(1 - adapter.probability_pays)} of cases."
        )
    else:
        advice = f"start with {adapter.name} and measure both on a pilot."
    sentences = [why]
    wins = float(np.mean(difference > 0))
    if lead >= NOTABLE_LEAD * float(difference.std()) and wins < 0.5:
        sentences.append(
            f"{sentence_start(best.name)} wins less often ({percent(wins)}), but by more when it "
            "does."
        )
    return (
        "undecided",
        f"Too close to call. {leads}, and the evidence is wide: {advice}",
        *sentences,
    )
