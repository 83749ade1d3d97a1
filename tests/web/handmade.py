"""Parts of a report made by hand: each case of a page is there whatever an estimate says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

from app.estimator.report import (
    ArgumentReport,
    ArgumentValue,
    DecidingNumber,
    MethodReport,
    Report,
    Turn,
)
from app.estimator.report_accuracy import (
    AccuracyReport,
    CurveReport,
    EvidenceReport,
    PilotReport,
    PilotScoreReport,
    RankRecovery,
)
from app.estimator.report_values import Distribution


def around(mean: float, half: float) -> Distribution:
    """A range of the same width on both sides."""
    return Distribution(mean, mean - half, mean, mean + half)


EVIDENCE = EvidenceReport(
    task_group="far",
    regime="sft",
    distance="far",
    studies=4,
    rows=37,
    own_studies=0,
    own_rows=0,
    share_from_other_groups=0.35,
    error_removed=around(0.31, 0.17),
    recovery=around(0.91, 0.12),
    recovery_by_rank=(RankRecovery(8, around(0.83, 0.2)), RankRecovery(64, around(0.9, 0.14))),
)

PILOT = PilotReport(
    scores=(
        PilotScoreReport("base", 0, 48.5, 500, 2.2),
        PilotScoreReport("full", 6_000, 55.2, 500, 2.4),
        PilotScoreReport("lora", 6_000, 54.6, 500, 2.4),
        PilotScoreReport("lora", 24_000, 58.1, 500, 2.4),
    ),
    choice_before="pilot",
    choice_after="lora",
    probability_full_before=0.41,
    probability_full_after=0.18,
    gap_before=around(1.2, 3.1),
    gap_after=around(0.3, 1.6),
    surprise_sd=0.8,
)

TURNS = (
    Turn(
        "answers_per_month",
        "Answers a month",
        4_000,
        310_000,
        "a month",
        "full",
        "Above 310,000 answers a month (now 4,000) the verdict becomes full fine-tuning.",
    ),
    Turn(
        "gap",
        "Gap",
        0.3,
        -2.3,
        "points",
        "neither",
        "If LoRA were -2.3 points from full fine-tuning, neither would pay.",
    ),
)

NUMBERS = (
    DecidingNumber(
        "gap", "Expected lead of full over LoRA", 0.3, "points", "It takes +1.9 points."
    ),
    DecidingNumber("extra", "Extra cost of full", 31_240.0, "USD", "Over 36 months."),
    DecidingNumber("chance", "Chance that full is worth more", 0.18, "fraction", "-2.4 to +3.1."),
)


def argument(key: str, label: str, **changes: object) -> ArgumentReport:
    """One argument with a value for every method."""
    made = ArgumentReport(
        key=key,
        label=label,
        quantity_label="Points gained over the base model",
        unit="points",
        values=(
            ArgumentValue("full", 14.2, 8.0, 20.1, -410_000.0),
            ArgumentValue("lora", 13.1, 7.7, 18.2, -380_000.0),
            ArgumentValue("qlora", 12.6, 7.0, 17.9, None),
        ),
        inputs=("value_per_correct_answer_usd",),
        counted=True,
        note="Assumption: it holds as it was -0.5 before.",
        source="assumption",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


ARGUMENTS = (
    argument(
        "hallucination",
        "Hallucinations",
        quantity_label="Errors that are believed",
        unit="a month",
        inputs=("hallucination_percent", "hallucination_cost_usd"),
        counted=False,
        values=(ArgumentValue("full", 0.0, None, None, None),),
    ),
    argument("accuracy", "Niche accuracy"),
    argument(
        "control",
        "Control",
        quantity_label="Share of the weights that change",
        unit="share",
        inputs=(),
        counted=False,
        values=(
            ArgumentValue("full", 1.0, None, None, None),
            ArgumentValue("lora", 0.0208, None, None, None),
        ),
    ),
    argument(
        "governance",
        "Artefacts to govern",
        quantity_label="Artefacts",
        unit="count",
        values=(
            ArgumentValue("full", 1.0, None, None, 12_000.0),
            ArgumentValue("lora", 2.0, None, None, 24_000.0),
        ),
    ),
)


def curve(final: float, base: float, planned: int) -> CurveReport:
    """A curve that grows with the logarithm of the data to the final score at the planned size."""
    sizes = tuple(round(planned / 100 * 400 ** (i / 19)) for i in range(20))
    means = tuple(base + (final - base) * (1 + log(size / planned) / log(1000)) for size in sizes)
    return CurveReport(
        sizes, means, tuple(v - 3 for v in means), tuple(min(100.0, v + 3) for v in means)
    )


def _accurate(m: MethodReport, planned: int, *, curves: bool) -> MethodReport:
    if m.accuracy is None:
        return m
    found: AccuracyReport = m.accuracy
    mean = found.final_points.mean
    return replace(
        m,
        accuracy=replace(
            found,
            prior_points=around(min(94.0, mean - 0.8), 6.0) if curves else None,
            recovery=None if m.rank is None else around(0.93, 0.2),
            learning_curve=curve(mean, found.base_points, planned) if curves else None,
        ),
    )


def with_evidence(report: Report, evidence: EvidenceReport = EVIDENCE) -> Report:
    """The report with studies behind it and no pilot."""
    methods = tuple(_accurate(m, report.data.examples, curves=False) for m in report.methods)
    return replace(report, evidence=evidence, pilot=None, methods=methods)


def with_pilot(report: Report, pilot: PilotReport = PILOT) -> Report:
    """The report with studies and a pilot behind it."""
    methods = tuple(_accurate(m, report.data.examples, curves=True) for m in report.methods)
    return replace(report, evidence=EVIDENCE, pilot=pilot, methods=methods)


def with_verdict(report: Report, choice: str, probability: float | None = 0.72) -> Report:
    """The report with another choice, its numbers and what would turn it."""
    verdict = replace(
        report.verdict,
        choice=choice,
        probability=probability,
        pilot_usd=310.0,
        perfect_information_usd=4_100.0,
        numbers=NUMBERS,
        turns=TURNS,
    )
    return replace(report, verdict=verdict)


def with_arguments(report: Report, found: Sequence[ArgumentReport] = ARGUMENTS) -> Report:
    """The report with these arguments."""
    return replace(report, arguments=tuple(found))


def unsaid(report: Report) -> Report:
    """The report as earlier schemas kept it: none of these parts."""
    methods = tuple(
        m
        if m.accuracy is None
        else replace(
            m, accuracy=replace(m.accuracy, prior_points=None, recovery=None, learning_curve=None)
        )
        for m in report.methods
    )
    verdict = replace(
        report.verdict, choice="undecided", probability=None, pilot_usd=None, numbers=(), turns=()
    )
    return replace(
        report,
        evidence=None,
        pilot=None,
        arguments=(),
        serving=None,
        methods=methods,
        verdict=verdict,
    )
