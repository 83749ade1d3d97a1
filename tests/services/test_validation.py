"""Measured runs beside predictions: what is scored, what is skipped, and the figures of both."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec
from app.estimator.hardware import Accelerator
from app.estimator.measured import SPEED_METRIC, MeasuredRun, Measurement
from app.estimator.prediction import Prediction, RunPrediction
from app.services.validation import ValidationReport, document, validate

MODEL = "meta-llama/Llama-2-7b-hf"


def predicted(*_: object) -> RunPrediction:
    return RunPrediction(
        {"peak_allocated_gib": Prediction(50, 45, 58, True)}, Prediction(900, 700, 1100, False)
    )


def made(*measurements: tuple[str, str, float, str], **changes: Any) -> MeasuredRun:
    plain = MeasuredRun(
        run="me-1",
        source="me",
        model=MODEL,
        method="lora",
        gpu="A100 (80GB)",
        gpu_proxy="A100-SXM-80GB",
        gpus=8,
        sequence_length=4096,
        measurements=tuple(Measurement(*m) for m in measurements),
        framework="trl",
        reference="a page",
    )
    return dataclasses.replace(plain, **changes)


MEMORY = ("me-1-mem", "peak_allocated_gib", 40.0, "A")
SPEED = ("me-1-tps", SPEED_METRIC, 1000.0, "B")


def checked(catalog: Catalog, *runs: MeasuredRun, predict: Any = predicted) -> ValidationReport:
    return validate(runs, catalog, predict=predict)


def test_every_scored_row_stands_beside_its_prediction(catalog: Catalog) -> None:
    memory, speed = checked(catalog, made(MEMORY, SPEED)).rows
    assert (memory.measured, memory.predicted, memory.low, memory.high) == (40, 50, 45, 58)
    assert memory.error == pytest.approx(0.25)
    assert speed.error == pytest.approx(-0.1)
    assert (memory.known_stack, speed.known_stack) == (True, False)
    assert (memory.gpu, memory.accelerator) == ("A100 (80GB)", "A100-SXM-80GB")
    assert (memory.source, memory.reference, memory.framework) == ("me", "a page", "trl")
    assert memory.skipped is speed.skipped is None


def test_model_and_accelerator_are_looked_up_for_the_prediction(catalog: Catalog) -> None:
    seen: list[tuple[str, str]] = []

    def look(run: MeasuredRun, architecture: Architecture, accelerator: Accelerator) -> Any:
        seen.append((architecture.name, accelerator.key))
        return predicted()

    checked(catalog, made(MEMORY), predict=look)
    assert seen == [(MODEL, "A100-SXM-80GB")]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": "org/none"}, "org/none is not built in"),
        ({"gpu": "TPU", "gpu_proxy": ""}, "GPU 'TPU' is not known"),
        ({"sequence_length": None}, "seq_len is blank"),
        ({"method": ""}, "method is blank"),
        ({"tensor": 3}, "tp x pp x cp is 3, which does not divide n_gpus (8)"),
    ],
)
def test_a_run_that_cannot_be_predicted_keeps_its_rows(
    changes: dict[str, Any], reason: str, catalog: Catalog
) -> None:
    report = checked(catalog, made(MEMORY, SPEED, **changes))
    assert len(report.rows) == 2
    for row in report.rows:
        assert row.skipped is not None
        assert reason in row.skipped
        assert row.predicted is row.low is row.error is row.known_stack is None
    ((found),) = (report.scores("metric", "method")[("peak_allocated_gib", row.method)],)
    assert (found.n, found.skipped, found.median_ape) == (1, 1, 1.0)


def test_what_the_estimator_refuses_is_the_reason(catalog: Catalog) -> None:
    def refuse(*_: object) -> Any:
        raise InvalidSpec("no such thing")

    report = checked(catalog, made(MEMORY), predict=refuse)
    assert report.skips == {"no such thing": 1}


@pytest.mark.parametrize("value", [math.nan, 0.0, math.inf])
def test_a_metric_without_a_figure_is_a_skip(value: float, catalog: Catalog) -> None:
    def predict(*_: object) -> RunPrediction:
        return RunPrediction({}, Prediction(value, 1, 2, True))

    memory, speed = checked(catalog, made(MEMORY, SPEED), predict=predict).rows
    assert memory.skipped == "no prediction of peak_allocated_gib for this run"
    assert speed.skipped == "no prediction of tokens_per_s_per_gpu for this run"


def test_what_is_only_read_is_counted(catalog: Catalog) -> None:
    report = checked(
        catalog,
        made(
            MEMORY,
            SPEED,
            ("x1", SPEED_METRIC, 990.0, "B"),
            ("x2", "mfu_percent", 40.0, "A"),
            ("x3", "peak_reserved_gib", 50.0, "C"),
        ),
        made(("x4", "other", -1.0, "C"), run="me-2", model="org/none"),
    )
    assert [row.id for row in report.rows] == ["me-1-mem", "me-1-tps"]
    assert report.unscored == {
        "graded C": 2, "another speed of the same run": 1, "metric mfu_percent": 1,
    }  # fmt: skip


def test_figures_by_any_columns(catalog: Catalog) -> None:
    report = checked(catalog, made(MEMORY, SPEED), made(MEMORY, run="you-1", source="you"))
    assert list(report.scores("metric", "method")) == [
        ("peak_allocated_gib", "lora"),
        (SPEED_METRIC, "lora"),
    ]
    assert {key: found.n for key, found in report.scores("source").items()} == {
        ("me",): 2, ("you",): 1,
    }  # fmt: skip


def test_the_document_is_plain_json(catalog: Catalog) -> None:
    report = checked(catalog, made(MEMORY, SPEED), made(SPEED, run="b-1", model="org/none"))
    read = json.loads(json.dumps(document(report), allow_nan=False))
    assert len(read["rows"]) == 3
    assert {
        "id", "run", "source", "model", "method", "gpu", "gpus", "metric", "quality", "measured",
        "predicted", "low", "high", "error", "skipped", "known_stack",
    } <= set(read["rows"][0])  # fmt: skip
    found = read["summary"][SPEED_METRIC]["lora"]
    assert (found["n"], found["skipped"], found["coverage80"]) == (2, 1, 1.0)
    assert found["median_ape"] == pytest.approx(0.55)
    assert read["by_quality"]["A"]["peak_allocated_gib"]["lora"]["n"] == 1
    assert read["by_source"]["me"]["peak_allocated_gib"]["n"] == 1
    assert list(read["skips"].values()) == [1]
