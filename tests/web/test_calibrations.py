"""The calibration on the method page."""

from __future__ import annotations

import pytest

from app.catalog.calibration import CalibrationDocument
from app.web.calibrations import CalibrationView, calibration_view

ERROR = {
    "split": "group", "target": "time", "method": "lora", "grade": "A", "source": "", "n": 40,
    "median_ape": 0.061, "p90_ape": 0.182, "coverage80": 0.8, "winkler": 0.3,
    "winkler_constant": 0.4, "median_width": 0.25,
}  # fmt: skip


@pytest.fixture
def view() -> CalibrationView:
    """Two errors and a curve."""
    return calibration_view(
        CalibrationDocument.model_validate(
            {
                "fitted_on": "2026-11-23",
                "data_hash": "0123456789abcdef",
                "runs": 60,
                "rows": {"time": 50, "memory": 30},
                "folds": {"time_group": 6, "time_source": 3, "memory_group": 4, "memory_source": 2},
                "constants": {"a": 1.0, "b": 2.0},
                "difficulty": {},
                "frameworks": {},
                "chips": ["ampere"],
                "new_chip": {"full": 0.1, "lora": 0.1, "qlora": 0.1},
                "spreads": [],
                "errors": [ERROR, ERROR | {"split": "source", "method": "", "source": "mlperf"}],
                "out_of_memory": {
                    "n": 110, "brier": 0.05, "base_rate_brier": 0.25,
                    "curve": [
                        {"predicted": 0.0, "observed": 0.0, "n": 50},
                        {"predicted": 0.5, "observed": 0.75, "n": 10},
                        {"predicted": 0.6, "observed": 0.0, "n": 0},
                        {"predicted": 1.0, "observed": 1.0, "n": 50},
                    ],
                },
            }
        )
    )  # fmt: skip


def test_errors_of_left_out_runs_stand_by_method_and_by_source(view: CalibrationView) -> None:
    (method,), (source,) = view.errors, view.sources
    assert (method.detail, method.median, method.p90, method.coverage, method.width) == (
        "LoRA", "6.1%", "18%", "80%", "25%",
    )  # fmt: skip
    assert (source.split, source.detail) == ("A source never seen", "MLPerf Training")


def test_the_sentence_counts(view: CalibrationView) -> None:
    assert view.sentence.startswith("2 constants were fitted on 50 speeds and 30 memory peaks.")
    assert "10 groups" in view.sentence
    assert "5 whole sources" in view.sentence
    assert (view.fitted_on, view.data_hash) == ("23 November 2026", "0123456789ab")


def test_the_curve_runs_from_never_to_always(view: CalibrationView) -> None:
    for drawing in (view.curve.wide, view.curve.narrow):
        frame = drawing.frame
        assert len(drawing.points) == 3, "a bin without cases is no point"
        assert drawing.points[0] == (frame.left, frame.bottom)
        assert drawing.points[-1] == (frame.right, frame.top)
        above = (frame.bottom - drawing.points[1][1]) / (frame.bottom - frame.top)
        assert above == pytest.approx(0.75, abs=0.01)
    assert "110 cases" in view.curve.conclusion
    assert "is 0.05, against 0.25" in view.curve.conclusion
    assert view.curve.table.rows[1] == ("50%", "75%", "10")
