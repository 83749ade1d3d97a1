"""`python -m benchmarks.serving`: fit, then the errors of the runs that the fit had not seen.

Prints the constants to be written into `app/estimator/constants/serving.py`; changes nothing.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.optimize import least_squares

from app.catalog.calibration import load_calibration
from app.catalog.catalog import Catalog, load_catalog
from app.catalog.serving import ServingRun, serving_runs
from app.estimator.constants import CONSTANTS, constant_values
from app.estimator.serving_measured import Served, predicted

FITTED = (
    "serving_bandwidth_efficiency",
    "serving_decode_efficiency",
    "serving_prefill_efficiency",
    "serving_step_ms",
    "serving_sequence_us",
    "serving_link_efficiency",
    "serving_reduction_us",
)
PRIOR_LOG_SD = 0.7


def served(run: ServingRun, catalog: Catalog) -> Served:
    """A row as the estimator takes it."""
    return Served(
        architecture=catalog.models[run.model].architecture,
        accelerator=catalog.accelerators[run.accelerator],
        gpus=run.gpus,
        dtype=run.dtype,
        prompt_tokens=run.prompt_tokens,
        completion_tokens=run.completion_tokens,
        concurrency=run.concurrency,
        requests_per_s=run.requests_per_s,
    )


def main() -> None:
    """Fit and show."""
    catalog = load_catalog(Path("pricing"))
    calibration, _ = load_calibration()
    runs = [(run, served(run, catalog)) for run in serving_runs()]
    seen = [pair for pair in runs if pair[0].purpose == "fit"]
    start = np.log([CONSTANTS[key].value for key in FITTED])
    counts: dict[str, int] = defaultdict(int)
    for run, _ in seen:
        counts[run.source] += 1
    # Sources weigh by the square root of their runs: many runs of one source share its errors.
    weight = np.array([counts[run.source] ** -0.25 for run, _ in seen])

    def values(logs: np.ndarray) -> dict[str, float]:
        return dict(
            constant_values(
                calibration.constants, dict(zip(FITTED, np.exp(logs).tolist(), strict=True))
            )
        )

    def errors(pairs: list[tuple[ServingRun, Served]], logs: np.ndarray) -> np.ndarray:
        constants = values(logs)
        return np.array(
            [np.log(predicted(s, run.metric, constants) / run.value) for run, s in pairs]
        )

    def objective(logs: np.ndarray) -> np.ndarray:
        prior = (logs - start) / PRIOR_LOG_SD
        return np.concatenate([weight * errors(seen, logs) / 0.2, prior * 0.3])

    found = start
    if "--errors" not in sys.argv:
        bounds = (
            np.log([max(CONSTANTS[key].low, 1e-3) for key in FITTED]),
            np.log([CONSTANTS[key].high for key in FITTED]),
        )
        found = least_squares(objective, start, loss="soft_l1", bounds=bounds).x
    for key, value in zip(FITTED, np.exp(found), strict=True):
        print(f"{key:40} {value:.3f}")
    for purpose in ("fit", "test"):
        pairs = [pair for pair in runs if pair[0].purpose == purpose]
        show(purpose, pairs, errors(pairs, found))


def show(title: str, pairs: list[tuple[ServingRun, Served]], logs: np.ndarray) -> None:
    """Errors of some runs, together and by source."""
    print(f"\n{title}: {line(logs)}; each source alike: {by_source(pairs, logs, 0.8):.2f}")
    groups: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for (run, _), log in zip(pairs, logs, strict=True):
        groups[run.source, run.metric, run.accelerator, str(run.gpus), run.model].append(log)
    for key, found in sorted(groups.items()):
        print(f"  {' '.join(key):100} {line(np.array(found))}")


def by_source(pairs: list[tuple[ServingRun, Served]], logs: np.ndarray, level: float) -> float:
    """Quantile of the error as a factor, every source weighing the same."""
    counts: dict[str, int] = defaultdict(int)
    for run, _ in pairs:
        counts[run.source] += 1
    weights = np.array([1 / counts[run.source] for run, _ in pairs])
    order = np.argsort(np.abs(logs))
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(np.exp(np.abs(logs)[order][np.searchsorted(reached, level)]))


def line(logs: np.ndarray) -> str:
    """Number, bias, median error, 80th percentile of the error as a factor."""
    return (
        f"n {len(logs):3}  bias {np.exp(np.median(logs)):.2f}  "
        f"median error {np.median(np.abs(np.expm1(logs))):.0%}  "
        f"factor 80% {np.exp(np.quantile(np.abs(logs), 0.8)):.2f}"
    )


if __name__ == "__main__":
    main()
