"""Predictions of published training runs, by the calibration that comes with the product.

The table is ``app/catalog/measured/runs.csv``; which runs were fitted and which left out is in
``app/catalog/measured/calibration.json``. Bounds are those that are stated to readers, with some
room; ``python -m benchmarks.calibration`` prints the figures themselves.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import replace
from math import log

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.catalog.measured import OWN_RUNS, own_runs
from app.estimator.calibration import ALLOCATED, METHODS, RESERVED, TARGETS, TIME, uncalibrated
from app.estimator.constants import CONSTANTS
from app.estimator.errors import EstimatorError
from app.estimator.measured import SPEED_METRIC, MeasuredRun
from app.estimator.observed import CannotPredict, observe
from app.estimator.prediction import Prediction, RunPrediction, predict_run
from app.estimator.software import Software
from app.services.measured_facts import UnknownFact, accelerator_of, architecture_of

TARGET_OF = {
    SPEED_METRIC: TIME,
    "peak_allocated_gib": ALLOCATED,
    "peak_reserved_gib": RESERVED,
    "smi_gib": RESERVED,
    "peak_unspecified_gib": RESERVED,
}
Found = list[tuple[MeasuredRun, RunPrediction]]


def predicted(run: MeasuredRun, catalog: Catalog) -> RunPrediction:
    architecture = architecture_of(run, catalog, {})
    return predict_run(run, architecture, accelerator_of(run, catalog), catalog.calibration)


def figure(prediction: RunPrediction, metric: str) -> Prediction:
    return prediction.tokens_per_s_per_gpu if metric == SPEED_METRIC else prediction.memory[metric]


@pytest.fixture(scope="module")
def found(catalog: Catalog) -> Found:
    """All runs that can be predicted."""
    every = []
    for run in own_runs():
        try:
            every.append((run, predicted(run, catalog)))
        except (UnknownFact, EstimatorError):
            continue
    return every


@pytest.fixture(scope="module")
def errors(found: Found) -> dict[tuple[str, str, str], list[tuple[float, bool]]]:
    """Absolute error, and whether the interval holds the truth, by target, grade and method."""
    by_kind = defaultdict(list)
    for run, prediction in found:
        for m in run.scored:
            said = figure(prediction, m.metric)
            method = "lora" if run.method == "dora" else run.method
            entry = (abs(said.value / m.value - 1), said.low <= m.value <= said.high)
            by_kind[TARGET_OF[m.metric], m.quality, method].append(entry)
    return by_kind


def test_the_calibration_is_that_of_the_table(catalog: Catalog) -> None:
    assert catalog.calibration.data_hash == hashlib.sha256(OWN_RUNS.read_bytes()).hexdigest()
    assert catalog.calibration.runs == len(own_runs())


def test_nearly_every_row_is_predicted(found: Found) -> None:
    rows = sum(len(run.scored) for run in own_runs())
    assert rows > 900
    assert sum(len(run.scored) for run, _ in found) > 0.9 * rows


@pytest.mark.parametrize("key", sorted(k for k, c in CONSTANTS.items() if c.kind == "fitted"))
def test_constants_stay_near_what_is_known_of_them(catalog: Catalog, key: str) -> None:
    """Within three standard deviations of their prior, and within what a scenario may enter."""
    constant, value = CONSTANTS[key], catalog.calibration.constants[key]
    assert abs(log(value / constant.value)) <= 3 * constant.prior_log_sd
    assert constant.low <= value <= constant.high


def test_few_constants_for_many_rows(catalog: Catalog) -> None:
    document = catalog.calibration_report
    assert document is not None
    assert (
        len(catalog.calibration.constants) < (document.rows["time"] + document.rows["memory"]) / 20
    )


@pytest.mark.parametrize(
    ("target", "method", "median", "p90"),
    [
        (TIME, "full", 0.05, 0.18),
        (TIME, "lora", 0.09, 0.25),
        (TIME, "qlora", 0.08, 0.26),
        (ALLOCATED, "full", 0.04, 0.15),
        (ALLOCATED, "lora", 0.04, 0.15),
        (ALLOCATED, "qlora", 0.04, 0.18),
        (RESERVED, "full", 0.07, 0.20),
        (RESERVED, "lora", 0.09, 0.20),
        (RESERVED, "qlora", 0.09, 0.27),
    ],
)
def test_errors_on_rows_of_grade_a(
    errors: dict[tuple[str, str, str], list[tuple[float, bool]]],
    target: str,
    method: str,
    median: float,
    p90: float,
) -> None:
    ape, _ = np.array(errors[target, "A", method]).T
    assert len(ape) >= 30
    assert np.median(ape) < median
    assert np.quantile(ape, 0.9) < p90


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("grade", ["A", "B"])
def test_intervals_hold_the_truth_as_often_as_they_say(
    errors: dict[tuple[str, str, str], list[tuple[float, bool]]], target: str, grade: str
) -> None:
    """Rows of grade A were fitted, so their intervals hold more than those of new runs."""
    inside = [hit for method in METHODS for _, hit in errors[target, grade, method]]
    assert 0.7 < np.mean(inside) < 0.97


@pytest.mark.parametrize(
    ("split", "target", "median", "p90"),
    [
        ("group", TIME, 0.07, 0.25),
        ("source", TIME, 0.10, 0.28),
        ("group", ALLOCATED, 0.04, 0.18),
        ("source", ALLOCATED, 0.07, 0.20),
        ("group", RESERVED, 0.09, 0.25),
        ("source", RESERVED, 0.10, 0.27),
    ],
)
def test_errors_on_runs_that_were_left_out(
    catalog: Catalog, split: str, target: str, median: float, p90: float
) -> None:
    document = catalog.calibration_report
    assert document is not None
    (entry,) = (
        e
        for e in document.errors
        if (e.split, e.target, e.grade, e.method) == (split, target, "A", "all")
    )
    assert entry.n > 100
    assert entry.median_ape < median
    assert entry.p90_ape < p90
    assert 0.75 <= entry.coverage80 <= 0.85


def test_the_probability_of_running_out_of_memory_tells_something(catalog: Catalog) -> None:
    document = catalog.calibration_report
    assert document is not None
    oom = document.out_of_memory
    assert oom.n > 1000
    assert oom.brier < 0.4 * oom.base_rate_brier
    observed = [point.observed for point in oom.curve]
    assert observed == pytest.approx(sorted(observed), abs=0.1)
    for point in oom.curve:
        assert abs(point.predicted - point.observed) < 0.35


def test_software_that_was_not_fitted_has_wider_intervals(catalog: Catalog) -> None:
    calibration = catalog.calibration
    for target in TARGETS:
        for method in METHODS:
            for grade in ("A", "B"):
                known, unknown = (
                    calibration.half_width(target, method, known=known, grade=grade)
                    for known in (True, False)
                )
                assert 0 < known <= unknown
    with pytest.raises(KeyError):
        calibration.half_width(TIME, "dora", known=True)
    # The same run, said to be of a framework that nobody measured.
    run = next(r for r in own_runs() if r.framework == "llm-foundry" and r.scored)
    other = replace(run, framework="nobody's", variant="", fused_loss=None)
    one, another = predicted(run, catalog), predicted(other, catalog)
    assert one.tokens_per_s_per_gpu.known_stack
    assert not another.tokens_per_s_per_gpu.known_stack
    for said in (another.tokens_per_s_per_gpu, *another.memory.values()):
        assert said.low < said.value < said.high


def test_before_any_fit_intervals_are_wide(catalog: Catalog) -> None:
    run = next(run for run in own_runs() if run.framework == "llm-foundry")
    architecture, accelerator = architecture_of(run, catalog, {}), accelerator_of(run, catalog)
    said = predict_run(run, architecture, accelerator, uncalibrated()).tokens_per_s_per_gpu
    assert not said.known_stack
    assert (
        log(said.high / said.value)
        == pytest.approx(0.7)
        == pytest.approx(log(said.value / said.low))
    )
    changed = predict_run(
        run, architecture, accelerator, uncalibrated(), {"matmul_ceiling": 0.4}
    ).tokens_per_s_per_gpu
    assert changed.value < said.value


@pytest.mark.parametrize("optimizer", ["adafactor", "lion", "muon", "sgd"])
def test_the_stated_optimizer_is_the_one_that_is_predicted(
    optimizer: str, catalog: Catalog
) -> None:
    run = replace(own_runs()[0], optimizer=optimizer)
    architecture = architecture_of(run, catalog, {})
    observed = observe(run, architecture, accelerator_of(run, catalog))
    assert observed.software.optimizer == optimizer


def test_a_run_without_a_year_has_the_software_of_today(catalog: Catalog) -> None:
    """What version 5 of transformers changed is assumed of older publications alone."""
    run = next(r for r in own_runs() if r.framework == "hf-trainer" and r.method == "lora")
    architecture = architecture_of(run, catalog, {})

    def software(**changes: object) -> Software:
        changed = replace(run, **changes)  # type: ignore[arg-type]
        return observe(changed, architecture, accelerator_of(changed, catalog)).software

    for year, loss, old in ((2024, "upcast", True), (2026, "plain", False), (None, "plain", False)):
        found = software(year=year)
        assert (found.loss, found.multi_tensor_update, found.looped_experts) == (loss, old, old)


def test_what_the_measuring_script_writes_is_understood(catalog: Catalog) -> None:
    """A fused update is no fused kernel, and the adapters' dtype is in the variant."""
    run = next(r for r in own_runs() if r.framework == "hf-trainer" and r.method == "lora")
    architecture = architecture_of(run, catalog, {})
    for variant, dtype, many in (
        ("AdamW fused; bf16 adapters", "bf16", False),
        ("AdamW foreach; fp32 adapters", "fp32", True),
    ):
        own = replace(run, framework="transformers", year=2026, variant=variant)
        found = observe(own, architecture, accelerator_of(own, catalog)).software
        assert (found.stack, found.fusion) == ("transformers", "eager")
        assert (found.adapter_dtype, found.multi_tensor_update) == (dtype, many)


def test_the_same_run_gives_the_same_prediction(catalog: Catalog, found: Found) -> None:
    for run, prediction in found[::50]:
        assert predicted(run, catalog) == prediction


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sequence_length": None}, "sequence length"),
        ({"method": "prefix"}, "method prefix"),
        ({"method": ""}, r"\(not stated\)"),
        ({"method": "lora", "lora_targets": "w_pack"}, "adapters are not understood"),
    ],
)
def test_what_cannot_be_predicted_says_why(
    catalog: Catalog, changes: dict[str, object], reason: str
) -> None:
    run = replace(next(r for r in own_runs() if r.model in catalog.models), **changes)  # type: ignore[arg-type]
    with pytest.raises(CannotPredict, match=reason):
        observe(run, architecture_of(run, catalog, {}), accelerator_of(run, catalog))
