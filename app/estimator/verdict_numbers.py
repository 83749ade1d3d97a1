"""The two or three numbers that decide, each with what it is held against."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.decision import Choice, Contender
from app.estimator.report import Comparison, DecidingNumber
from app.estimator.turns import effective_gain
from app.estimator.verdict_sentences import expected_gap
from app.estimator.verdict_setting import Setting
from app.estimator.wording import amounts_and_difference, percent, points, sentence_start

BETWEEN_TWO = ("decided", "too-close", "small", "pilot-too-dear")
"""Clauses that weigh two methods against each other, and not one against doing nothing."""


def deciding_numbers(
    contenders: Mapping[str, Contender],
    comparison: Comparison | None,
    choice: Choice,
    setting: Setting,
) -> tuple[DecidingNumber, ...]:
    """The numbers that the verdict rests on.

    Notes
    -----
    Between two methods: the lead that full fine-tuning needs, what it costs more, and how likely it
    is worth that. Where it is open whether any pays: what the best is worth, how often it pays, and
    what a point of accuracy is worth.
    """
    if comparison is not None and choice.why in BETWEEN_TWO:
        return _between(contenders, comparison, setting)
    return _alone(contenders[choice.best], choice, setting)


def _between(
    contenders: Mapping[str, Contender], comparison: Comparison, setting: Setting
) -> tuple[DecidingNumber, ...]:
    full, adapter = contenders["full"], contenders[comparison.adapter_method]
    one, other, _ = amounts_and_difference(full.total_usd, adapter.total_usd, setting.currency)
    decisive = setting.constants["decisive_probability"]
    numbers = [
        DecidingNumber(
            "extra_cost",
            "Extra cost of full fine-tuning",
            full.total_usd - adapter.total_usd,
            "USD",
            f"{one} against {other} for {adapter.name}, over the horizon.",
        ),
        DecidingNumber(
            "probability_full",
            f"Chance that full fine-tuning is worth more than {adapter.name}",
            comparison.probability_full_beats_adapter,
            "fraction",
            f"{percent(decisive)} or more would speak for it, {percent(1 - decisive)} or less for "
            f"{adapter.name}.",
        ),
    ]
    threshold = comparison.break_even_gap_points
    if threshold is not None and abs(threshold) <= 100:  # points of 100
        needed = DecidingNumber(
            "break_even_gap",
            f"Accuracy that full fine-tuning must add over {adapter.name}"
            if threshold >= 0
            else f"Accuracy that full fine-tuning may give up against {adapter.name}",
            abs(threshold),
            "points",
            f"{sentence_start(setting.evidence_expects)} {expected_gap(comparison)}.",
        )
        numbers.insert(0, needed)
    return tuple(numbers)


def _alone(best: Contender, choice: Choice, setting: Setting) -> tuple[DecidingNumber, ...]:
    name = best.name
    expected = best.expected_npv
    numbers = [
        DecidingNumber(
            "expected_worth",
            f"Expected worth of {name}, the best" if choice.rival else f"Expected worth of {name}",
            expected,
            "USD",
            "After all cost, over the horizon.",
        ),
        DecidingNumber(
            "probability_pays",
            f"Chance that {name} pays",
            choice.probability_best_pays,
            "fraction",
            f"{percent(setting.constants['least_probability_pays'])} or more is asked of a method.",
        ),
    ]
    if best.terms is not None:
        gain = float(effective_gain(best).mean())
        numbers.append(
            DecidingNumber(
                "point_month",
                "Worth of one accuracy point for a month",
                setting.value.usd_per_point_month,
                "USD",
                f"{sentence_start(name)} is expected to gain {points(gain)} points.",
            )
        )
    return tuple(numbers)
