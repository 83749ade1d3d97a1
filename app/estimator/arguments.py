"""The arguments that leaders hear, each as a quantity of every method, with its money."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.estimator.case import Case
from app.estimator.methods import LABELS
from app.estimator.report import ArgumentReport, ArgumentValue
from app.estimator.uncertainty import distribution
from app.estimator.units import MONTHS_PER_YEAR
from app.estimator.value import answers_by_month
from app.estimator.worked import Worked

Floats = NDArray[np.float64]
Quantity = Callable[[Case, Worked], "Floats | float | None"]
Money = Callable[[Case, Worked], "float | None"]

VALUE_ARGUMENTS = ("accuracy", "hallucination", "violations", "growth", "latency", "retention")
"""Arguments whose money, less a minus sign, sums to what a method earns over the horizon."""


@dataclass(frozen=True, slots=True)
class Argument:
    """How one argument is computed.

    Parameters
    ----------
    quantity : of a method: draws, one number, or None where it cannot be said.
    usd : what it costs over the horizon, below 0 where it earns; None where no money is at stake.
    inputs : fields of the scenario; counted : whether they put it into the money.
    """

    key: str
    label: str
    quantity_label: str
    unit: str
    quantity: Quantity
    usd: Money
    inputs: tuple[str, ...]
    counted: Callable[[Case], bool]
    note: str
    source: str = "assumption"


def arguments_of(case: Case, worked: Mapping[str, Worked]) -> tuple[ArgumentReport, ...]:
    """Every argument, for every feasible method."""
    return tuple(_report(argument, case, list(worked.values())) for argument in ARGUMENTS)


def _report(argument: Argument, case: Case, worked: Sequence[Worked]) -> ArgumentReport:
    counted = argument.counted(case)
    note = argument.note
    if argument.key == "violations" and counted:
        note += f" {_chance_of_an_incident(case, worked)}"
    return ArgumentReport(
        key=argument.key,
        label=argument.label,
        quantity_label=argument.quantity_label,
        unit=argument.unit,
        values=tuple(_value(argument, case, w, counted) for w in worked),
        inputs=argument.inputs,
        counted=counted,
        note=note,
        source=argument.source,
    )


def _value(argument: Argument, case: Case, worked: Worked, counted: bool) -> ArgumentValue:
    found = argument.quantity(case, worked)
    usd = argument.usd(case, worked) if counted else None
    if found is None or isinstance(found, float):
        return ArgumentValue(worked.method.key, found, None, None, usd)
    spread = distribution(found)
    return ArgumentValue(worked.method.key, spread.mean, spread.p10, spread.p90, usd)


# Quantities


def _errors(case: Case, worked: Worked) -> Floats:
    """Wrong answers a month at the answers of today. (draws,) [count]"""
    return np.asarray(case.value.answers_per_month * (100.0 - worked.final) / 100.0)


def _believed(case: Case, worked: Worked) -> Floats | None:
    share = case.value.hallucination_fraction
    return None if share == 0 else share * _errors(case, worked)


def _incidents(case: Case, worked: Worked) -> Floats | None:
    share = case.value.violation_fraction * case.value.incident_fraction
    return None if share == 0 else MONTHS_PER_YEAR * share * _errors(case, worked)


def _growth(case: Case, worked: Worked) -> Floats | None:
    per_point = case.value.growth_per_point_fraction
    return None if per_point == 0 else 100.0 * per_point * worked.gain


def _seconds(_: Case, worked: Worked) -> float | None:
    way = worked.served.way
    return None if way is None else way.seconds_per_answer


def _gpus(_: Case, worked: Worked) -> float | None:
    way = worked.served.way
    return None if way is None else float(way.gpus)


def _releases(_: Case, worked: Worked) -> float:
    return 1.0 + float(worked.costs.later_releases)


def _share_changed(case: Case, worked: Worked) -> float:
    """Share of the weights that training changes or adds. [%]"""
    architecture = case.model.architecture
    added = worked.method.adapter_parameters(architecture)
    trained = worked.method.trainable_parameters(architecture)
    return 100.0 * trained / (architecture.parameter_count + added)


def _chance_of_an_incident(case: Case, worked: Sequence[Worked]) -> str:
    """Chance of an incident or more while a release is in use, of every method, as a sentence.

    Notes
    -----
    1 - E[exp(-L)], L the expected incidents (Poisson). Assumption: incidents do not cause others.
    """
    share = case.value.violation_fraction * case.value.incident_fraction
    said = []
    for w in worked:
        answers = float(answers_by_month(case.value, w.use).sum())
        expected = share * answers * (100.0 - w.final) / 100.0
        chance = float(np.mean(-np.expm1(-expected)))
        said.append(f"{LABELS[w.method.key]} {_percent(chance)}")
    return f"Chance of at least one incident while in use: {', '.join(said)}."


def _percent(chance: float) -> str:
    if 0 < chance < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < chance < 1 else f"{chance:.0%}"


# Money


def _line(*keys: str) -> Money:
    """What cost lines come to. [USD]"""

    def usd(_: Case, worked: Worked) -> float:
        return float(sum(line.usd for line in worked.costs.lines if line.key in keys))

    return usd


def _brought(*keys: str) -> Money:
    """What lines of benefit bring, with a minus sign. [USD]"""

    def usd(_: Case, worked: Worked) -> float:
        return 0.0 - worked.ledger.brought_by(*keys)

    return usd


def _nothing(_: Case, __: Worked) -> None:
    return None


def _believed_usd(case: Case) -> float:
    """Of one wrong answer, by being believed. [USD]"""
    return case.value.hallucination_fraction * case.value.hallucination_usd


def _incident_usd(case: Case) -> float:
    """Of one wrong answer, by becoming an incident. [USD]"""
    value = case.value
    return value.violation_fraction * value.incident_fraction * value.incident_usd


ARGUMENTS = (
    Argument(
        "accuracy",
        "Right answers",
        "Accuracy over the base model",
        "points",
        lambda _, w: w.gain,
        _brought("right_answers"),
        ("base_accuracy_points", "answers_per_month", "value_per_correct_answer_usd"),
        lambda case: (
            case.value.answers_per_month > 0 and case.value.value_per_correct_answer_usd > 0
        ),
        "The expected gain times the answers and what one more right answer is worth; believed "
        "errors, incidents and growth are in their own rows.",
        "evidence",
    ),
    Argument(
        "hallucination",
        "Hallucination",
        "Errors that are believed",
        "a month",
        _believed,
        _brought("believed_errors"),
        ("hallucination_percent", "hallucination_cost_usd"),
        lambda case: case.value.answers_per_month > 0 and _believed_usd(case) > 0,
        "Assumption: believed errors fall in proportion to wrong answers; no head-to-head of full "
        "and LoRA measured them. Training on facts that are new to a model can raise them: Gekhman "
        "et al. 2024, arXiv:2405.05904. Measure them on a pilot.",
    ),
    Argument(
        "violations",
        "Rules and incidents",
        "Incidents",
        "a year",
        _incidents,
        _brought("incidents"),
        ("violation_percent", "incident_percent", "incident_cost_usd"),
        lambda case: case.value.answers_per_month > 0 and _incident_usd(case) > 0,
        "Assumption: violations fall in proportion to wrong answers; no head-to-head measured them "
        "for both methods.",
    ),
    Argument(
        "audit",
        "Audit and re-validation",
        "Releases that are checked",
        "releases",
        _releases,
        _line("release_checks", "retraining_checks"),
        ("release_fixed_usd", "releases_per_year", "adapter_release_percent"),
        lambda case: case.programme.release_fixed_usd > 0,
        "Releases over the horizon times what the checks of one cost; whether an adapter needs "
        "fewer of them is for those who audit it to say.",
        "input",
    ),
    Argument(
        "governance",
        "Models to govern",
        "Artefacts in the inventory",
        "count",
        lambda _, w: float(w.served.artefacts),
        _line("governance"),
        ("artefact_year_usd", "variants", "serving"),
        lambda case: case.programme.artefact_year_usd > 0,
        "Assumption: a dedicated model is one artefact for each variant; adapters that are not "
        "merged are one each, and their base is one more.",
    ),
    Argument(
        "retention",
        "What is kept elsewhere",
        "Points forgotten on other tasks",
        "points",
        lambda _, w: w.use.forgotten,
        _brought("forgotten"),
        ("other_answers_per_month", "other_value_usd"),
        lambda case: case.value.other_answers_per_month * case.value.other_value_usd > 0,
        "From the studies that scored other tasks too. They disagree: most find that LoRA forgets "
        "less, and at a high rank or learning rate it can forget more. The money is worth that is "
        "lost, and in no cost line.",
        "evidence",
    ),
    Argument(
        "latency",
        "Latency",
        "Time to a whole answer",
        "seconds",
        _seconds,
        _brought("waiting"),
        ("latency_value_usd_per_second", "serving", "prompt_tokens", "completion_tokens"),
        lambda case: (
            case.value.second_usd > 0
            and case.value.answers_per_month > 0
            and case.demand.serving != "none"
        ),
        "In the busiest hour. A merged adapter answers as fast as a fully fine-tuned model, since "
        "both have the shape of the base model; adapters that are not merged "
        "are slower on the same GPUs.",
        "serving",
    ),
    Argument(
        "serving",
        "Serving",
        "GPUs held",
        "count",
        _gpus,
        _line("serving"),
        ("serving", "variants", "prompt_tokens", "completion_tokens", "peak_factor"),
        lambda case: case.demand.serving != "none" and case.value.answers_per_month > 0,
        "What is paid beyond serving the base model, from a throughput model fitted to published "
        "measurements, at list prices on demand.",
        "serving",
    ),
    Argument(
        "development_time",
        "Time to develop",
        "Time to the first release",
        "months",
        lambda _, w: w.costs.release_month,
        _line("engineering"),
        ("engineer_weeks_full", "engineer_weeks_adapter", "engineer_week_usd", "experiments"),
        lambda case: case.programme.engineer_week_usd > 0,
        "Engineering, then experiments and the release run one after the other; the money is that "
        "of people, GPU time is among the cost lines.",
        "input",
    ),
    Argument(
        "delay",
        "Delay",
        "Months until the first release",
        "months",
        lambda case, w: float(min(w.costs.release_month, case.value.horizon_months)),
        _line("delay"),
        ("delay_cost_usd_per_month",),
        lambda case: case.programme.delay_usd_per_month > 0,
        "What waiting costs besides the value that is not yet earned; that comes from the months "
        "in use and is not counted again. Doing nothing is taken to cost no delay.",
        "input",
    ),
    Argument(
        "growth",
        "Differentiation",
        "More answers by being better",
        "% a year",
        _growth,
        _brought("won_answers", "won_right_answers"),
        ("growth_per_point_percent", "margin_per_answer_usd"),
        lambda case: case.value.growth_per_point_fraction > 0 and case.value.answers_per_month > 0,
        "Assumption: each point over the base model brings the growth that was entered, as long as "
        "the model is in use. Small gaps compound; no study ties accuracy to growth.",
        "input",
    ),
    Argument(
        "control",
        "Control",
        "Weights that training changes",
        "%",
        _share_changed,
        _nothing,
        (),
        lambda _: False,
        "Exact counts. An adapter that is kept apart can be taken off again, which restores the "
        "base model; full fine-tuning is rolled back by keeping both models. Neither makes "
        "behaviour certain: the share of weights says nothing of how well rules are kept.",
        "counted",
    ),
)
