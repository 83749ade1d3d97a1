"""The verdict: which method, in words that the report's own numbers support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.methods import LABELS
from app.estimator.report import Comparison, Verdict
from app.estimator.wording import dollars, percent, points, sentence_start, signed_points

Floats = NDArray[np.float64]

DECISIVE = 2 / 3
"""Assumption: a method is recommended over another when it wins in two draws of three."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One feasible method.

    Parameters
    ----------
    npv : (draws,) [USD]
    gain : mean expected gain. [points]
    upfront_usd, total_usd : [USD]
    """

    key: str
    npv: Floats
    gain: float
    upfront_usd: float
    total_usd: float

    @property
    def name(self) -> str:
        """Name within a sentence."""
        return "full fine-tuning" if self.key == "full" else LABELS[self.key]

    @property
    def expected_npv(self) -> float:
        """Mean over the draws. [USD]"""
        return float(self.npv.mean())


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
) -> Verdict:
    """The verdict.

    Parameters
    ----------
    contenders : feasible methods by key; at least one.
    infeasible : label of each method that fits nowhere, by key.
    comparison : full against the better adapter method, where both are feasible.

    Notes
    -----
    "Neither" where no method is expected to pay, and undecided where the best one loses money more
    often than not. Full against an adapter is decided when one wins
    in `DECISIVE` of the draws, else it is said to be undecided. QLoRA stands for the adapters where
    it beats LoRA by the same rule, or LoRA fits nowhere.
    """
    worth = perfect_information_usd(contenders)
    best = _best(contenders, comparison)
    sentences: list[str] = []
    gap_is_said = False
    pays = float(np.mean(best.npv > 0))
    if best.expected_npv <= 0:
        choice = "neither"
        none = {1: "It does not pay", 2: "Neither pays"}.get(len(contenders), "None pays")
        headline = (
            f"{none}. The best, {best.name}, is expected to lose "
            f"{dollars(-best.expected_npv)} over the horizon and pays in {percent(pays)} of cases."
        )
    elif pays < 0.5:
        choice = "undecided"
        headline = (
            f"It may not pay. {sentence_start(best.name)} is expected to be worth "
            f"{dollars(best.expected_npv)} on average, but it loses money more often than not: "
            "run a pilot first."
        )
    elif comparison is None:
        choice = best.key
        headline = (
            f"{sentence_start(best.name)}. It is expected to be worth "
            f"{dollars(best.expected_npv)} and pays in {percent(pays)} of cases."
        )
    else:
        choice, headline, *sentences = _between(contenders, comparison, best)
        gap_is_said = True
    if comparison is not None:
        adapter = contenders[comparison.adapter_method]
        gap = comparison.gap_points
        if not gap_is_said:
            sentences.append(
                f"Published evidence expects full fine-tuning {signed_points(gap.mean)} points "
                f"against {adapter.name} (80% range {signed_points(gap.p10)} to "
                f"{signed_points(gap.p90)})."
            )
        full = contenders["full"]
        more = comparison.extra_cost_usd
        sentences.append(
            f"Over the horizon full fine-tuning costs {dollars(full.total_usd)} and {adapter.name} "
            f"{dollars(adapter.total_usd)}: {dollars(abs(more))} "
            f"{'more' if more >= 0 else 'less'} for full."
        )
        sentences.append(
            "Probability that full fine-tuning is worth more: "
            f"{percent(comparison.probability_full_beats_adapter)}."
        )
    sentences.extend(f"{label} fits on none of the chosen GPUs." for label in infeasible.values())
    if choice != "neither" and comparison is not None:
        chosen = contenders.get(choice, best)
        sentences.append(
            f"{sentence_start(chosen.name)} is expected to be worth "
            f"{dollars(chosen.expected_npv)} after all cost and pays in "
            f"{percent(float(np.mean(chosen.npv > 0)))} of cases."
        )
    sentences.append(
        f"Knowing the outcome before choosing would be worth {dollars(worth)}: a pilot that costs "
        "more than that cannot pay."
    )
    return Verdict(choice, headline, tuple(sentences), worth)


def _best(contenders: Mapping[str, Contender], comparison: Comparison | None) -> Contender:
    """The highest expected NPV; of two adapter methods only the better one stands."""
    if comparison is not None:
        contenders = {key: contenders[key] for key in ("full", comparison.adapter_method)}
    return max(contenders.values(), key=lambda contender: contender.expected_npv)


def _between(
    contenders: Mapping[str, Contender], comparison: Comparison, best: Contender
) -> tuple[str, ...]:
    """Choice, headline and first sentences where full and an adapter method are both feasible."""
    adapter = contenders[comparison.adapter_method]
    full = contenders["full"]
    p = comparison.probability_full_beats_adapter
    gap = comparison.gap_points
    evidence = (
        f"published evidence expects {signed_points(gap.mean)} (80% range {signed_points(gap.p10)} "
        f"to {signed_points(gap.p90)})"
    )
    threshold = comparison.break_even_gap_points
    if threshold is None:
        return adapter.key, (
            f"{adapter.name}. Full fine-tuning would not be released within the horizon."
        )
    if threshold > 100:
        condition = (
            f"No accuracy that full fine-tuning could add over {adapter.name} would pay for it"
        )
    elif threshold > 0:
        condition = (
            f"Full fine-tuning would have to add {points(threshold)} accuracy points over "
            f"{adapter.name} to pay for itself"
        )
    else:
        condition = (
            f"Full fine-tuning may fall {points(-threshold)} accuracy points short of "
            f"{adapter.name} and still pay for itself"
        )
    if p >= DECISIVE and best.key == "full":
        return "full", f"Full fine-tuning. {condition}; {evidence}."
    if p <= 1 - DECISIVE and best.key != "full":
        return adapter.key, f"{adapter.name}. {condition}; {evidence}."
    lead, behind = (full, adapter) if best.key == "full" else (adapter, full)
    return (
        "undecided",
        f"Too close to call. {sentence_start(lead.name)} leads {behind.name} by "
        f"{dollars(lead.expected_npv - behind.expected_npv)} on average, but the evidence is wide: "
        f"start with {adapter.name} and measure both on a pilot.",
        f"{condition}; {evidence}.",
    )
