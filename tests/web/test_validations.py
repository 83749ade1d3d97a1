"""Measured runs as pages and files show them."""

from __future__ import annotations

import csv
import dataclasses
import io
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.estimator.measured import SPEED_METRIC
from app.estimator.recalibration import Multiplier
from app.services.own_runs import Check
from app.services.validation import ValidationReport, ValidationRow
from app.web import validations
from tests.web.test_scatter import PLAIN, row

SPEED = dataclasses.replace(
    PLAIN, id="b", source="mlperf", method="full", metric=SPEED_METRIC, measured=1000.0,
    predicted=700.0, low=600.0, high=800.0, error=-0.3, quality="B", known_stack=False, gpus=64,
    gpu="H100", accelerator="H100-SXM-80GB", sequence_length=8192,
)  # fmt: skip
SKIPPED = dataclasses.replace(
    row(10.0, None), id="c", error=None, skipped="why not", known_stack=None
)
ROWS = (PLAIN, SPEED, SKIPPED)


def test_a_row_says_what_a_reader_should_know() -> None:
    plain, speed, skipped = validations.runs_view(ROWS, {}).rows
    assert (plain.error, plain.level, plain.note) == ("+10.0%", "near", "")
    assert (speed.measured, speed.predicted, speed.interval) == (
        "1,000 tokens/s", "700", "600 to 800",
    )  # fmt: skip
    assert (speed.error, speed.level) == ("−30.0%", "far")
    assert speed.note == (
        "outside the 80% range; software that nothing was calibrated on; printed as H100; graded B"
    )
    assert speed.hardware == "64 × H100-SXM-80GB, 8,192 tokens"
    assert speed.source == "MLPerf Training"
    assert (skipped.predicted, skipped.interval, skipped.error) == ("—", "—", "skipped")
    assert skipped.note == "why not"


def test_figures_count_a_skip_as_an_error_of_one() -> None:
    view = validations.runs_view(ROWS, {"graded C": 2, "metric other": 1})
    memory, speed = view.sentences
    assert "2 rows, 1 of them skipped (each counts as an error of 100%)" in memory
    assert "within 55%" in memory
    assert speed.startswith("Tokens/s: 1 row. The prediction is 30% off, and its measured value")
    assert [(s.name, s.detail, s.rows, s.skipped) for s in view.summary] == [
        ("Memory seen by nvidia-smi", "LoRA", "2", "1"),
        ("Tokens/s per GPU", "Full", "1", "0"),
    ]
    assert len(view.sources) == 2
    assert view.unscored == "graded C (2) and metric other (1)"


def test_nothing_that_could_be_predicted_is_said() -> None:
    view = validations.runs_view([SKIPPED], {})
    assert view.sentences == ("Memory: 1 row, none of which could be predicted.",)
    assert view.charts == ()
    assert view.sources == ()
    assert view.summary[0].coverage == "—"


def test_long_tables_are_cut_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validations, "MOST_ROWS_SHOWN", 2)
    view = validations.runs_view(ROWS, {})
    assert (len(view.rows), view.more) == (2, 1)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ([], "acb"),
        ([("source", "mlperf")], "b"),
        ([("method", "lora"), ("kind", "memory")], "ac"),
        ([("gpus", "64"), ("kind", "")], "b"),
        ([("kind", "speed"), ("method", "lora")], ""),
        ([("unknown", "x")], "acb"),
        ([("source", "<script>")], ""),
    ],
)
def test_a_filter_leaves_the_rows_that_agree(asked: list[tuple[str, str]], left: str) -> None:
    assert {found.id for found in validations.filtered(ROWS, asked)} == set(left)


def test_the_filter_shows_what_was_chosen() -> None:
    shown = validations.published_view(ValidationReport(ROWS, {}), [("source", "mlperf")])
    assert not shown.whole
    assert shown.download == "/method/runs.csv?source=mlperf"
    source = shown.filters[0]
    assert [(o.label, o.chosen) for o in source.options] == [
        ("All", False), ("MLPerf Training", True), ("s", False),
    ]  # fmt: skip
    gpus = next(select for select in shown.filters if select.name == "gpus")
    assert [o.value for o in gpus.options] == ["", "1", "64"]
    nothing = validations.published_view(ValidationReport(ROWS, {}), [("source", "none")])
    assert nothing.view is None


def test_factors_are_carried_into_the_estimate() -> None:
    multiplier = Multiplier("time", 1.1234, 1.0, 1.3, 0.1, 1.2, 0.6, 4, 3, 0.2, 0.1)
    check = Check(ValidationReport(ROWS, {}), {"time": multiplier})
    scenario = [("epochs", "2"), ("assumptions.cluster_time_factor", "9")]
    view = validations.check_view(check, scenario)
    address = urlsplit(view.estimate)
    assert address.path == "/estimate"
    assert parse_qsl(address.query) == [
        ("epochs", "2"), ("assumptions.cluster_time_factor", "1.123"),
    ]  # fmt: skip
    (factor,) = view.factors
    assert (factor.label, factor.factor) == ("Step time", "× 1.12")
    assert "Your 3 runs take 1.20 times the estimated time on average; 60%" in factor.basis
    assert "20% before, 10% after" in factor.effect
    alone = dataclasses.replace(multiplier, kind="memory", runs=1, after=None)
    (factor,) = validations.check_view(
        Check(ValidationReport(ROWS, {}), {"memory": alone}), []
    ).factors
    assert "Your 1 run needs 1.20 times the estimated memory" in factor.basis
    assert "a second run is needed" in factor.effect
    assert not validations.check_view(Check(ValidationReport(ROWS, {}), {}), []).estimate


def test_no_cell_of_a_file_is_a_formula() -> None:
    evil: ValidationRow = dataclasses.replace(
        SPEED, id="=cmd|' /C calc'!A0", model="@evil", reference="+1+1", error=-0.3
    )
    read = list(csv.DictReader(io.StringIO(validations.as_csv([evil, SKIPPED]))))
    assert read[0]["id"].startswith("'=")
    assert read[0]["model"] == "'@evil"
    assert read[0]["reference"] == "'+1+1"
    assert read[0]["error"] == "-0.3"
    assert read[0]["known_stack"] == "no"
    assert read[1]["predicted"] == read[1]["known_stack"] == ""
