"""The verdict in words that the report's own numbers support."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.estimator import verdict_sentences as sentences
from app.estimator.decision import Choice, Contender, choose
from app.estimator.report import Comparison, Verdict
from app.estimator.turn_sentences import turns_of
from app.estimator.verdict_numbers import deciding_numbers
from app.estimator.verdict_setting import Setting, nothing_pays
from app.estimator.wording import percent, sentence_start

__all__ = ["Setting", "decide"]


def decide(
    contenders: Mapping[str, Contender],
    infeasible: Mapping[str, str],
    comparison: Comparison | None,
    setting: Setting,
) -> Verdict:
    """The verdict by the rule of `app.estimator.decision.choose`, said for a leader.

    Parameters
    ----------
    contenders : feasible methods by key; at least one.
    infeasible : label of each method that fits nowhere, by key.
    comparison : full against `better_adapter(npv, constants["decisive_probability"])`, where both
        are feasible.
    """
    choice = choose(contenders, setting.constants, setting.pilot)
    adapter = None if comparison is None else comparison.adapter_method
    return Verdict(
        choice=choice.choice,
        headline=_headline(contenders, comparison, choice, setting),
        sentences=_sentences(contenders, infeasible, comparison, choice, setting),
        perfect_information_usd=choice.information_usd,
        probability=choice.probability,
        pilot_usd=None if choice.rival is None else choice.pilot_usd,
        pilot_value_usd=None if choice.rival is None else choice.pilot_value_usd,
        numbers=deciding_numbers(contenders, comparison, choice, setting),
        turns=turns_of(contenders, adapter, setting),
    )


def _headline(
    contenders: Mapping[str, Contender],
    comparison: Comparison | None,
    choice: Choice,
    setting: Setting,
) -> str:
    """What a leader reads first: the choice, and the one reason for it."""
    if choice.choice == "neither":
        return _neither(contenders, choice, setting)
    if choice.choice == "pilot":
        return f"{setting.measure_first}. {_why_measure(contenders, choice, setting)}"
    chosen = contenders[choice.choice]
    name = sentence_start(chosen.name)
    if choice.why == "small":
        return f"{name}. {_small(contenders, choice, setting)}"
    if choice.why == "pilot-too-dear":
        return f"{name}. {_too_dear(contenders, choice, setting)}"
    if comparison is None:
        return (
            f"{name}. It is expected to be worth {setting.said(chosen.expected_npv)} and pays in "
            f"{percent(choice.probability_best_pays)} of cases."
        )
    because = _because(contenders, comparison, setting)
    return f"{name}. {because.replace(name, 'It', 1) if because.startswith(name) else because}"


def _because(contenders: Mapping[str, Contender], comparison: Comparison, setting: Setting) -> str:
    """The gap that full fine-tuning needs, the gap that is expected, and how likely it pays."""
    adapter = contenders[comparison.adapter_method]
    needed = sentences.condition(adapter, comparison.break_even_gap_points)
    return (
        f"{needed}; {setting.evidence_expects} {sentences.expected_gap(comparison)}. "
        "The chance that full fine-tuning is worth more is "
        f"{percent(comparison.probability_full_beats_adapter)}."
    )


def _neither(contenders: Mapping[str, Contender], choice: Choice, setting: Setting) -> str:
    best = contenders[choice.best]
    headline = f"{nothing_pays(len(contenders))}. "
    if len(contenders) > 1:
        headline += f"The best, {best.name}, is expected to lose "
    else:
        headline += f"{sentence_start(best.name)} is expected to lose "
    headline += (
        f"{setting.said(-best.expected_npv)} over the horizon and pays in "
        f"{percent(choice.probability_best_pays)} of cases"
    )
    if choice.why == "small":
        headline += "; finding out more would cost more than it can save"
    elif choice.why == "pilot-too-dear":
        headline += f"; {sentences.too_dear(choice, setting)}"
    return headline + "."


def _why_measure(contenders: Mapping[str, Contender], choice: Choice, setting: Setting) -> str:
    """Why nothing is chosen yet, and what to do about it."""
    best = contenders[choice.best]
    name = sentence_start(best.name)
    if choice.why == "unclear":
        loss = setting.said(-best.expected_npv)
        some = 1.0 - float(np.mean(np.max([c.npv for c in contenders.values()], axis=0) <= 0))
        who = f"{name}, the best," if choice.rival else name
        what = "one of the methods" if choice.rival else "it"
        why = (
            f"{who} is expected to lose {loss} on average, but {what} pays in {percent(some)} of "
            "cases"
        )
    elif choice.why == "may-not-pay":
        why = (
            f"{name} is expected to be worth {setting.said(best.expected_npv)} on average, but it "
            f"pays in only {percent(choice.probability_best_pays)} of cases"
        )
    else:
        assert choice.rival is not None  # noqa: S101 - two are needed to be close
        leads = sentences.lead(best, contenders[choice.rival], setting)
        why = f"{leads}: full wins in {percent(choice.probability)} of cases"
    return f"{why}. {_how_to_measure(choice, setting)}"


def _how_to_measure(choice: Choice, setting: Setting) -> str:
    both = "both" if choice.rival is not None else "it"
    if setting.measured:
        return f"Score {both} on a larger test set, or after training on all of the data."
    worth, cost = setting.said(choice.pilot_value_usd), setting.said_cost(choice.pilot_usd)
    at = "" if choice.pilot_usd <= 0 else f" at {cost}"
    return f"A pilot of {both}{at} would be worth {worth}."


def _small(contenders: Mapping[str, Contender], choice: Choice, setting: Setting) -> str:
    """That a method is taken because finding out would cost more than being wrong."""
    limit = (
        f"knowing the outcome would be worth {setting.said(choice.information_usd)}, less than the "
        f"{setting.said_cost(choice.pilot_usd)} of a pilot"
    )
    if choice.rival is None:
        return (
            f"It pays in {percent(choice.probability_best_pays)} of cases, and there is little to "
            f"lose: {limit}."
        )
    other = choice.rival if choice.rival != choice.choice else choice.best
    return (
        f"It or {contenders[other].name}, either would do: {limit}."
        if choice.probability_best_pays >= setting.constants["least_probability_pays"]
        else f"It may not pay, but there is little to lose: {limit}."
    )


def _too_dear(contenders: Mapping[str, Contender], choice: Choice, setting: Setting) -> str:
    """That the best is taken because a pilot would tell less than it costs."""
    best = contenders[choice.best]
    reason = sentences.too_dear(choice, setting)
    if choice.probability_best_pays < setting.constants["least_probability_pays"]:
        return (
            f"It pays in only {percent(choice.probability_best_pays)} of cases, but is expected to "
            f"be worth {setting.said(best.expected_npv)} on average, and {reason}."
        )
    assert choice.rival is not None  # noqa: S101 - one method that pays is decided on
    leads = sentences.leads(best, contenders[choice.rival], setting)
    name = sentence_start(best.name)
    return f"{leads.replace(name, 'It', 1)}, and {reason}."


def _sentences(
    contenders: Mapping[str, Contender],
    infeasible: Mapping[str, str],
    comparison: Comparison | None,
    choice: Choice,
    setting: Setting,
) -> tuple[str, ...]:
    """What stands behind the headline."""
    best = contenders[choice.best]
    said: list[str] = [sentences.surprising(setting)]
    if comparison is not None:
        full, adapter = contenders["full"], contenders[comparison.adapter_method]
        if choice.why != "decided":
            needed = sentences.condition(adapter, comparison.break_even_gap_points)
            if (
                choice.why in ("too-close", "small", "pilot-too-dear")
                and choice.choice != "neither"
            ):
                said.append(
                    f"{needed}; {setting.evidence_expects} {sentences.expected_gap(comparison)}."
                )
            else:
                said.append(sentences.evidence(adapter, comparison, setting))
        said.append(sentences.on_the_edge(contenders, choice, setting))
        if choice.why == "too-close":
            said.append(sentences.wins_less_often(best, full if best is adapter else adapter))
        said.append(sentences.costs(full, adapter, setting))
        if choice.why not in ("decided", "too-close"):
            said.append(sentences.chance(adapter, comparison))
    said_in_headline = choice.why in ("may-not-pay", "unclear") or (
        comparison is None and choice.why == "decided"
    )
    if choice.choice != "neither" and not said_in_headline:
        said.append(sentences.worth(contenders.get(choice.choice, best), setting))
    said.extend(sentences.unfitting(infeasible, setting))
    said.append(sentences.thin(setting))
    if choice.choice != "pilot" or setting.measured:
        said.append(sentences.information(choice, setting))
    return tuple(sentence for sentence in said if sentence)
