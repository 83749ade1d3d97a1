"""The fit, in small: deterministic, better than its priors, and true where the truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.catalog.measured import own_runs
from app.estimator.calibration import ALLOCATED, RESERVED, TIME
from benchmarks.calibration.fit import fit, left_out
from benchmarks.calibration.problem import (
    Rows,
    fitted_keys,
    priors,
    time_and_memory_rows,
    with_fitted,
)
from benchmarks.calibration.report import half_width, out_of_memory

KINDS = ("time", "memory")


@pytest.fixture(scope="module")
def few(catalog: Catalog) -> dict[str, Rows]:
    """Every eighth run."""
    time, memory, _ = time_and_memory_rows(own_runs()[::8], catalog)
    return {"time": time, "memory": memory}


@pytest.mark.parametrize("kind", KINDS)
def test_a_refit_of_a_few_rows_is_deterministic(few: dict[str, Rows], kind: str) -> None:
    rows = few[kind]
    assert len(rows) > 20
    once, again = (fit(rows, kind) for _ in range(2))
    assert once.tolist() == again.tolist()
    # And better than before: robustly, on the rows that it saw.
    keys = fitted_keys(rows)
    centre, sd = priors(keys)

    def error(logarithms: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        predicted = rows.predict(with_fitted(keys, logarithms))
        return float(np.mean(np.abs(np.log(predicted / rows.measured))))

    assert error(once) < error(centre)
    assert (np.abs(once - centre) < 4 * sd).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_measured_as_predicted_changes_nothing(few: dict[str, Rows], kind: str) -> None:
    """Where the priors are the truth, the fit stays at the priors."""
    rows = few[kind]
    keys = fitted_keys(rows)
    centre, _ = priors(keys)
    rows = replace(rows, measured=rows.predict(with_fitted(keys, centre)))
    assert fit(rows, kind) == pytest.approx(centre, abs=1e-6)


def test_targets_of_rows(few: dict[str, Rows]) -> None:
    assert set(few["time"].target) == {TIME}
    assert set(few["memory"].target) == {ALLOCATED, RESERVED}
    for kind in KINDS:
        rows = few[kind]
        hard = rows.hard(with_fitted(fitted_keys(rows), priors(fitted_keys(rows))[0]))
        assert ((hard >= 0) & (hard <= 1)).all()


def test_left_out_predictions_do_not_see_their_group(few: dict[str, Rows]) -> None:
    """Another measurement of a group changes the predictions of the others, not its own."""
    rows = few["memory"]
    largest = max(set(rows.group[rows.grade == "A"].tolist()), key=rows.group.tolist().count)
    own = rows.group == largest
    changed = replace(rows, measured=np.where(own, 2 * rows.measured, rows.measured))
    before, after = (left_out(each, "memory", "group") for each in (rows, changed))
    assert after[own].tolist() == before[own].tolist()
    assert np.any(after[~own] != before[~own])


def test_half_widths_hold_four_in_five() -> None:
    """Split conformal: the rank is one more than the share of the rows."""
    residual = np.arange(1, 11) / 10  # 0.1 to 1.0
    # ceil(11 x 0.8) / 10 = 0.9 of the rows.
    assert half_width(residual) == pytest.approx(np.quantile(residual, 0.9))
    assert half_width(-residual) == half_width(residual)
    assert half_width(np.array([0.3])) == pytest.approx(0.3)


def test_out_of_memory_scores(few: dict[str, Rows]) -> None:
    """Sure and right is 0; knowing nothing is the base rate's."""
    rows = few["memory"]
    right = out_of_memory(rows, rows.measured, np.full(len(rows), 1e-6))
    assert right["brier"] == 0
    assert 0.2 < right["base_rate_brier"] < 0.26
    blind = out_of_memory(rows, rows.measured, np.full(len(rows), 1e6))
    assert blind["brier"] == pytest.approx(0.25, abs=1e-3)
