"""Use case: hold measured runs against what is predicted of them, misses included."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from app.catalog.catalog import Catalog
from app.estimator.architecture import Architecture
from app.estimator.errors import EstimatorError
from app.estimator.hardware import Accelerator
from app.estimator.measured import SCORED_GRADES, SPEED_METRIC, MeasuredRun, Measurement
from app.estimator.prediction import Prediction, RunPrediction, predict_run
from app.estimator.scoring import Score, Scored, score
from app.services.measured_facts import Config, UnknownFact, accelerator_of, architecture_of

Predictor = Callable[[MeasuredRun, Architecture, Accelerator], RunPrediction]
NO_CONFIGS: Mapping[str, Config] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ValidationRow:
    """One measured figure beside its prediction.

    Parameters
    ----------
    id, run, source : names of the row, of its run and of where the run was published.
    gpu, accelerator : as the run names it, and the key that it was predicted for.
    measured, predicted, low, high : in the unit of the metric; low to high is the 80% interval.
    error : predicted over measured, less 1. [fraction]
    skipped : why there is no prediction, None where there is one.
    known_stack : the constants of this software stack were fitted on published runs.
    """

    id: str
    run: str
    source: str
    model: str
    method: str
    gpu: str
    accelerator: str
    gpus: int
    sequence_length: int | None
    framework: str
    metric: str
    quality: str
    measured: float
    predicted: float | None
    low: float | None
    high: float | None
    error: float | None
    skipped: str | None
    known_stack: bool | None
    reference: str

    @property
    def scored(self) -> Scored:
        """The figures that are scored."""
        return Scored(self.measured, self.predicted, self.low, self.high)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """All rows that are scored, and how many were only read.

    Parameters
    ----------
    unscored : measurements that were read but not scored, counted by the reason.
    """

    rows: tuple[ValidationRow, ...]
    unscored: Mapping[str, int]

    def scores(self, *keys: str) -> dict[tuple[str, ...], Score]:
        """Figures of every group of rows that agree in some columns, sorted.

        Parameters
        ----------
        keys : names of columns of `ValidationRow`, for example metric and method.
        """
        return scores(self.rows, *keys)

    @property
    def skips(self) -> dict[str, int]:
        """How many rows were skipped for which reason, the most frequent first."""
        return dict(Counter(row.skipped for row in self.rows if row.skipped).most_common())


def scores(rows: Iterable[ValidationRow], *keys: str) -> dict[tuple[str, ...], Score]:
    """Figures of every group of rows that agree in some columns, sorted by them."""
    groups: dict[tuple[str, ...], list[Scored]] = {}
    for row in rows:
        name = tuple(str(getattr(row, key)) for key in keys)
        groups.setdefault(name, []).append(row.scored)
    return {name: score(groups[name]) for name in sorted(groups)}


def document(report: ValidationReport) -> dict[str, Any]:
    """The report as plain JSON: rows, figures by metric and method, by grade and by source."""
    summary: dict[str, dict[str, Any]] = {}
    for (metric, method), found in report.scores("metric", "method").items():
        summary.setdefault(metric, {})[method] = asdict(found)
    by_quality: dict[str, dict[str, dict[str, Any]]] = {}
    for (quality, metric, method), found in report.scores("quality", "metric", "method").items():
        by_quality.setdefault(quality, {}).setdefault(metric, {})[method] = asdict(found)
    by_source: dict[str, dict[str, Any]] = {}
    for (source, metric), found in report.scores("source", "metric").items():
        by_source.setdefault(source, {})[metric] = asdict(found)
    return {
        "rows": [asdict(row) for row in report.rows],
        "summary": summary,
        "by_quality": by_quality,
        "by_source": by_source,
        "skips": report.skips,
        "unscored": dict(report.unscored),
    }


def validate(
    runs: Sequence[MeasuredRun],
    catalog: Catalog,
    models: Mapping[str, Config] = NO_CONFIGS,
    predict: Predictor | None = None,
) -> ValidationReport:
    """Predict every run, and hold the prediction against what was measured.

    Parameters
    ----------
    models : parsed ``config.json`` documents by model name, for models that are not built in.
    predict : what predicts a run; by default `predict_run` with the catalogue's calibration.

    Notes
    -----
    Rows graded A or B with a metric that is predicted are scored, tokens/s once a run. A run that
    cannot be predicted keeps its rows, with the reason.
    """
    rows: list[ValidationRow] = []
    unscored: Counter[str] = Counter()
    predict = predict or calibrated(catalog)
    for run in runs:
        scored = run.scored
        kept = {measured.id for measured in scored}
        unscored.update(_why_unscored(m) for m in run.measurements if m.id not in kept)
        if scored:
            rows += _rows(run, scored, catalog, models, predict)
    return ValidationReport(tuple(rows), dict(unscored.most_common()))


def calibrated(catalog: Catalog) -> Predictor:
    """The product's own prediction of a run."""

    def predict(
        run: MeasuredRun, architecture: Architecture, accelerator: Accelerator
    ) -> RunPrediction:
        return predict_run(run, architecture, accelerator, catalog.calibration)

    return predict


def _rows(
    run: MeasuredRun,
    scored: Iterable[Measurement],
    catalog: Catalog,
    models: Mapping[str, Config],
    predict: Predictor,
) -> Iterable[ValidationRow]:
    key, reason = "", ""
    prediction: RunPrediction | None = None
    try:
        _check(run)
        accelerator = accelerator_of(run, catalog)
        key = accelerator.key
        prediction = predict(run, architecture_of(run, catalog, models), accelerator)
    except (UnknownFact, EstimatorError) as error:
        reason = str(error)
    for measured in scored:
        found = None if prediction is None else _of_metric(prediction, measured.metric)
        if prediction is not None and found is None:
            reason = f"no prediction of {measured.metric} for this run"
        yield _row(run, measured, key, found, reason)


def _row(
    run: MeasuredRun, measured: Measurement, accelerator: str, found: Prediction | None, reason: str
) -> ValidationRow:
    figures = Scored(
        measured.value,
        None if found is None else found.value,
        None if found is None else found.low,
        None if found is None else found.high,
    )
    return ValidationRow(
        id=measured.id,
        run=run.run,
        source=run.source,
        model=run.model or "(model_shape)",
        method=run.method or "(not stated)",
        gpu=run.gpu,
        accelerator=accelerator,
        gpus=run.gpus,
        sequence_length=run.sequence_length,
        framework=run.framework,
        metric=measured.metric,
        quality=measured.quality,
        measured=measured.value,
        predicted=figures.predicted,
        low=figures.low,
        high=figures.high,
        error=figures.error,
        skipped=None if found is not None else reason,
        known_stack=None if found is None else found.known_stack,
        reference=run.reference,
    )


def _check(run: MeasuredRun) -> None:
    """What every prediction needs.

    Raises
    ------
    UnknownFact : it is not in the table, or contradicts itself.
    """
    if run.sequence_length is None:
        raise UnknownFact("seq_len is blank; a whole number of tokens is needed")
    if not run.method:
        raise UnknownFact("method is blank; full, lora, qlora or dora is needed")
    if run.gpus % (run.tensor * run.pipeline * run.context):
        raise UnknownFact(
            f"tp x pp x cp is {run.tensor * run.pipeline * run.context}, which does not divide "
            f"n_gpus ({run.gpus})"
        )


def _of_metric(prediction: RunPrediction, metric: str) -> Prediction | None:
    found = (
        prediction.tokens_per_s_per_gpu if metric == SPEED_METRIC else prediction.memory.get(metric)
    )
    if found is None:
        return None
    figures = (found.value, found.low, found.high)
    usable = all(math.isfinite(figure) and figure > 0 for figure in figures)
    return found if usable else None


def _why_unscored(measured: Measurement) -> str:
    if measured.quality not in SCORED_GRADES:
        return f"graded {measured.quality}"
    if measured.metric == SPEED_METRIC:
        return "another speed of the same run"
    return f"metric {measured.metric}"
