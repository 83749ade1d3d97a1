"""Expected accuracy of a result: from which studies, and how far a pilot moved it."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.pilot import SURPRISING_SD
from app.estimator.report import MethodReport, Report
from app.estimator.report_accuracy import EvidenceReport, PilotReport
from app.estimator.report_values import Distribution
from app.inputs import TASK_GROUP_LABELS
from app.web import show_numbers, show_units, show_words
from app.web.figure_learning_curve import LearningCurveDrawing, learning_curve
from app.web.figures import Figure, name_of
from app.web.result_parts import Cell, Detail
from app.web.result_verdict import PILOT_CHOICES, choice_name

REGIMES = {
    "sft": "training on answers",
    "continued": "continued training on text",
    "rl": "reinforcement learning",
}
DISTANCES = {
    "near": "near to what the base model knows",
    "medium": "at a medium distance from what the base model knows",
    "far": "far from what the base model knows",
}


@dataclass(frozen=True, slots=True)
class AccuracyRow:
    """One method: from the base score to the expected one.

    Parameters
    ----------
    kept : share of full fine-tuning's gain; a dash for full itself.
    prior : what the studies alone expect; empty without a pilot.
    """

    method: str
    label: str
    base: str
    expected: Cell
    gain: Cell
    kept: Cell
    prior: Cell


@dataclass(frozen=True, slots=True)
class PilotMove:
    """How far a pilot moved the answer; `warning` is empty where it does not surprise."""

    sentences: tuple[str, ...]
    warning: str


@dataclass(frozen=True, slots=True)
class AccuracyView:
    """The section on expected accuracy.

    Parameters
    ----------
    evidence : which studies it rests on, as sentences.
    evidence_address : the studies of this kind of task.
    by_rank : what LoRA keeps at other ranks.
    pilot, curve : None without a pilot.
    """

    rows: tuple[AccuracyRow, ...]
    evidence: tuple[str, ...]
    evidence_address: str
    by_rank: tuple[Detail, ...]
    pilot: PilotMove | None
    curve: Figure[LearningCurveDrawing] | None


def accuracy(report: Report) -> AccuracyView | None:
    """The section; None in reports that do not say which studies they rest on."""
    found = report.evidence
    rows = tuple(_row(m) for m in report.methods if m.accuracy is not None)
    if found is None or not rows:
        return None
    return AccuracyView(
        rows=rows,
        evidence=_evidence(report, found),
        evidence_address=f"/evidence?group={found.task_group}",
        by_rank=tuple(
            Detail(f"Rank {at.rank:,}", f"{_shares(at.recovery)}") for at in found.recovery_by_rank
        ),
        pilot=None if report.pilot is None else _pilot(report, report.pilot),
        curve=learning_curve(report),
    )


def _row(m: MethodReport) -> AccuracyRow:
    found = m.accuracy
    assert found is not None  # noqa: S101 - kept by the caller
    return AccuracyRow(
        method=m.method,
        label=name_of(m.method),
        base=show_numbers.number(found.base_points, 1),
        expected=_score(found.final_points),
        gain=Cell(
            show_numbers.points(found.gain_points.mean),
            show_units.span(found.gain_points, "points"),
        ),
        kept=Cell(show_numbers.NONE) if found.recovery is None else _kept(found.recovery),
        prior=Cell("") if found.prior_points is None else _score(found.prior_points),
    )


def _score(found: Distribution) -> Cell:
    return Cell(
        show_numbers.number(found.mean, 1),
        f"{show_numbers.number(found.p10, 1)} to {show_numbers.number(found.p90, 1)}",
    )


def _kept(found: Distribution) -> Cell:
    return Cell(_share(found.mean), f"{_share(found.p10)} to {_share(found.p90)}")


def _share(fraction: float) -> str:
    """A share of a gain: may be below 0 and above 1.

    Examples
    --------
    >>> _share(0.934), _share(-0.2), _share(1.07)
    ('93%', '−20%', '107%')
    """
    return f"{show_numbers.number(100 * fraction)}%"


def _shares(found: Distribution) -> str:
    return f"{_share(found.mean)} ({_share(found.p10)} to {_share(found.p90)})"


def _evidence(report: Report, found: EvidenceReport) -> tuple[str, ...]:
    """Which studies, what they say, and how much is borrowed."""
    task = TASK_GROUP_LABELS.get(found.task_group, found.task_group)
    task = str(task).split(":")[0].lower()
    studies = show_words.plural(found.studies, "study", "studies")
    said = (
        f"{studies} with {show_words.plural(found.rows, 'comparison')} of this kind of task "
        f"({task}; {REGIMES.get(found.regime, found.regime)}, "
        f"{DISTANCES.get(found.distance, found.distance)})"
    )
    if found.own_rows:
        own = show_words.plural(found.own_rows, "comparison")
        said += f", and {own} of your own"
    borrowed = (
        f" {_share(found.share_from_other_groups)} of the weight is borrowed from other kinds of "
        "task, since these studies are few or disagree."
        if round(100 * found.share_from_other_groups) > 0
        else ""
    )
    ranks = [m.rank for m in report.methods if m.method == "lora" and m.rank is not None]
    adapter = f"LoRA at rank {ranks[0]:,}" if ranks else "LoRA"
    alone = "By them, before your pilot" if report.pilot is not None else "By them"
    return (
        f"The expectation rests on {said}.{borrowed}",
        f"{alone}, full fine-tuning removes {_shares(found.error_removed)} of the base model's "
        f"errors, and {adapter} keeps {_shares(found.recovery)} of that gain. Ranges are 80%.",
    )


def _pilot(report: Report, found: PilotReport) -> PilotMove:
    """What was expected before and after."""
    methods = sum(m.feasible for m in report.methods)
    before = choice_name(found.choice_before, methods)
    after = choice_name(found.choice_after, methods, measured=True)
    if found.choice_before != found.choice_after:
        sentences = [f"Your pilot moved the verdict from “{before}” to “{after}”."]
    elif found.choice_after in PILOT_CHOICES:
        sentences = ["Your pilot does not decide it: the verdict asks to measure again."]
    else:
        sentences = [f"Your pilot leaves the verdict as it was: {after}."]
    if found.probability_full_before is not None and found.probability_full_after is not None:
        sentences.append(
            "The chance that full fine-tuning is worth more "
            + _moved(
                show_numbers.percent(found.probability_full_before),
                show_numbers.percent(found.probability_full_after),
            )
        )
    if found.gap_before is not None and found.gap_after is not None:
        compared = report.comparison
        adapter = "the adapter" if compared is None else name_of(compared.adapter_method)
        sentences.append(
            f"Its expected lead over {adapter} "
            + _moved(_gap(found.gap_before), _gap(found.gap_after))
        )
    warning = ""
    if found.surprise_sd > SURPRISING_SD:
        warning = (
            f"The scores lie {show_numbers.number(found.surprise_sd, 1)} standard deviations from "
            "what the studies expect. Before you rely on them, check that they are points of 0 to "
            "100, of one test set, and that nothing of the test set was trained on; or the studies "
            "are not of your kind of task."
        )
    return PilotMove(tuple(sentences), warning)


def _moved(before: str, after: str) -> str:
    return f"stays at {after}." if before == after else f"went from {before} to {after}."


def _gap(found: Distribution) -> str:
    return f"{show_numbers.points(found.mean)} points ({show_units.span(found, 'points')})"
