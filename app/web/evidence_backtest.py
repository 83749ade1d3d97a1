"""How the model did on studies that it had not seen, as sentences and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.estimator.backtest_figures import Backtest, Errors, PilotErrors, StudyErrors
from app.services.backtests import BacktestReport
from app.web import show_numbers, show_words
from app.web.evidence_words import whole_percent

MODEL, PLAINEST = "model", "lora_equals_full"
PREDICTORS: Mapping[str, str] = {
    MODEL: "Our model",
    "lora_equals_full": "“LoRA equals full”",
    "global_mean": "Mean of all studies",
    "group_mean": "Mean of the kind of task",
    "ridge": "Ridge regression on descriptors",
}
"""What predictors are called, ours first."""


SEEN = (
    "The form of the model and some of its constants were chosen with sight of these studies and "
    "of these figures, so studies that nobody has looked at may be predicted less well."
)
"""What a back-test cannot leave out."""


@dataclass(frozen=True, slots=True)
class BacktestTable:
    """Texts in rows; the first cell of a row heads it.

    Parameters
    ----------
    ours_first : whether the first row is our model.
    folded : whether it is shown on demand.
    """

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ours_first: bool = False
    folded: bool = False


@dataclass(frozen=True, slots=True)
class BacktestView:
    """What is said of the back-test."""

    sentences: tuple[str, ...]
    tables: tuple[BacktestTable, ...]


def backtest_view(report: BacktestReport) -> BacktestView:
    """The back-test in words and tables; where a simpler predictor wins, it says so.

    Parameters
    ----------
    report : of one row or more.
    """
    found = report.found
    return BacktestView(
        sentences=(
            _errors(found.every),
            *_by_study(found, report.titles),
            _intervals(found),
            *_pilot(found.pilot),
            SEEN,
        ),
        tables=(
            BacktestTable(
                "Errors of predictors",
                "Mean absolute error of LoRA's score in points, given that of full fine-tuning and "
                "that of the base where one is stated. Every study weighs the same, and every "
                "predictor was fitted without the study that it predicts.",
                ("Predictor", "All rows", "Rows that state a base"),
                tuple(
                    (
                        label,
                        *(
                            _points(errors.mean_absolute_error.get(key))
                            for errors in (found.every, found.with_base)
                        ),
                    )
                    for key, label in PREDICTORS.items()
                ),
                ours_first=True,
            ),
            BacktestTable(
                "Intervals",
                "What the 80% intervals hold, and their interval score in points: their width and "
                "ten times what lies outside of them. Lower is better.",
                ("Rows", "Studies", "Held", "Interval score", "One width for every task"),
                (
                    _held("all", found.every),
                    _held("that state a base", found.with_base),
                ),
            ),
            BacktestTable(
                "By study",
                "Mean absolute error of LoRA's score in points.",
                (
                    "Study",
                    "Rows",
                    *(PREDICTORS[key] for key in (MODEL, "lora_equals_full")),
                    "Held",
                ),
                tuple(_study(study, report.titles) for study in found.by_study),
                folded=True,
            ),
        ),
    )


def _points(value: float | None) -> str:
    return show_numbers.NONE if value is None else show_numbers.number(value, 1)


def _share(value: float | None) -> str:
    return show_numbers.NONE if value is None else whole_percent(value)


def _held(name: str, errors: Errors) -> tuple[str, ...]:
    return (
        f"{errors.n} {name}" if name != "all" else f"{errors.n}",
        f"{errors.studies}",
        _share(errors.coverage80),
        _points(errors.interval_score),
        _points(errors.residual_interval_score),
    )


def _study(study: StudyErrors, titles: Mapping[str, str]) -> tuple[str, ...]:
    errors = study.errors
    values = (errors.mean_absolute_error.get(key) for key in (MODEL, "lora_equals_full"))
    return (
        titles[study.study],
        f"{errors.n}",
        *(_points(value) for value in values),
        _share(errors.coverage80),
    )


def _errors(found: Errors) -> str:
    ours = found.mean_absolute_error[MODEL]
    others = {key: error for key, error in found.mean_absolute_error.items() if key != MODEL}
    best = min(others, key=lambda key: others[key])
    said = (
        f"{show_words.plural(found.n, 'row')} of "
        f"{show_words.plural(found.studies, 'study', 'studies')} "
        f"{'was' if found.n == 1 else 'were'} predicted without their study: LoRA's score, given "
        f"that of full fine-tuning, is off by {_points(ours)} points on average"
    )
    if ours < others[best]:
        return (
            f"{said}. The best simpler predictor, {_within(best)}, is off by "
            f"{_points(others[best])}."
        )
    ahead = [f"{_within(key)} ({_points(error)})" for key, error in others.items() if error <= ours]
    return f"{said}. That is no better than {show_words.join_words(ahead)}."


def _by_study(found: Backtest, titles: Mapping[str, str]) -> tuple[str, ...]:
    """In how many studies it is nearer than the plainest guess, and how much hangs on one study."""
    pairs = {
        one.study: tuple(one.errors.mean_absolute_error[key] for key in (MODEL, PLAINEST))
        for one in found.by_study
    }
    if len(pairs) < 2:
        return ()
    nearer = sum(ours < plain for ours, plain in pairs.values())
    best = max(pairs, key=lambda study: pairs[study][1] - pairs[study][0])
    rest = [pair for study, pair in pairs.items() if study != best]
    ours, plain = (sum(pair[k] for pair in rest) / len(rest) for k in (0, 1))
    return (
        f"It is nearer than {PREDICTORS[PLAINEST]} in {nearer} of {len(pairs)} studies. Most hangs "
        f"on a few: without {titles[best]}, where it helps most, the two are off by "
        f"{_points(ours)} and {_points(plain)} points.",
    )


def _within(key: str) -> str:
    label = PREDICTORS.get(key, key)
    return label if label.startswith("“") else f"the {label[0].lower()}{label[1:]}"


def _intervals(found: Backtest) -> str:
    every, base = found.every, found.with_base
    score, residual = every.interval_score or 0.0, every.residual_interval_score or 0.0
    said = f"The 80% intervals held {_share(every.coverage80)} of what was measured"
    if base.n not in (0, every.n):
        said += f", and {_share(base.coverage80)} where a base score is stated"
    return (
        f"{said}. Their interval score (lower is better) is {_points(score)}, "
        f"{'better' if score < residual else 'no better'} than the {_points(residual)} of one "
        "width for every task."
    )


def _pilot(found: PilotErrors) -> tuple[str, ...]:
    before, after = found.before, found.after
    if before is None or after is None or not before:
        return ()
    change = after / before - 1
    direction = "falls" if change < 0 else "rises"
    return (
        f"One small pilot tells more: in {show_words.plural(found.studies, 'study', 'studies')} "
        "with one, the error of the share kept "
        f"{direction} by {whole_percent(abs(change))}, from {whole_percent(before)} to "
        f"{whole_percent(after)} of the gain.",
    )
