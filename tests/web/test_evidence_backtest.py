"""What is said of the back-test, also where it goes against us."""

from __future__ import annotations

from dataclasses import replace

from app.estimator.backtest_figures import Backtest, Errors, PilotErrors, StudyErrors
from app.services.backtests import BacktestReport
from app.web.evidence_backtest import backtest_view

EVERY = Errors(
    n=200,
    studies=8,
    mean_absolute_error={
        "model": 5.1,
        "lora_equals_full": 7.9,
        "global_mean": 6.1,
        "group_mean": 6.0,
        "ridge": 6.4,
    },
    coverage80=0.79,
    interval_score=22.4,
    residual_interval_score=31.0,
)
BASE = replace(EVERY, n=120, studies=5, coverage80=0.71, interval_score=25.0)
ONE = Errors(12, 1, {"model": 4.0, "lora_equals_full": 9.0}, 0.5, 1.0, 2.0)
FOUND = Backtest(
    every=EVERY,
    with_base=BASE,
    pilot=PilotErrors(90, 6, 0.33, 0.22),
    by_study=(StudyErrors("one", ONE), StudyErrors("two", replace(ONE, n=3))),
    predicted=(),
)
TITLES = {"one": "One et al., 2024", "two": "Two et al., 2023"}


def report(found: Backtest = FOUND) -> BacktestReport:
    return BacktestReport(found, TITLES, {})


def test_it_says_by_how_much_the_model_is_better() -> None:
    errors, studies, intervals, pilot, seen = backtest_view(report()).sentences
    assert "chosen with sight of these studies" in seen
    # 4.0 against 9.0 in both.
    assert studies == (
        "It is nearer than “LoRA equals full” in 2 of 2 studies. Most hangs on a few: without One "
        "et al., 2024, where it helps most, the two are off by 4.0 and 9.0 points."
    )
    assert errors.startswith("200 rows of 8 studies were predicted without their study")
    assert "off by 5.1 points on average. The best simpler predictor, the mean of the kind of" in (
        errors
    )
    assert "held 79% of what was measured, and 71% where a base score is stated" in intervals
    assert "22.4, better than the 31.0" in intervals
    assert "falls by 33%, from 33% to 22% of the gain" in pilot


def test_it_says_where_a_simpler_predictor_wins() -> None:
    worse = replace(
        FOUND,
        every=replace(
            EVERY,
            mean_absolute_error={**EVERY.mean_absolute_error, "model": 6.2},
            interval_score=40.0,
        ),
        pilot=PilotErrors(90, 6, 0.33, 0.66),
    )
    errors, _, intervals, pilot, _ = backtest_view(report(worse)).sentences
    assert (
        "no better than the mean of all studies (6.1) and the mean of the kind of task (6.0)"
        in errors
    )
    assert "no better than the 31.0" in intervals
    assert "rises by 100%" in pilot


def test_no_pilot_is_not_spoken_of() -> None:
    without = replace(FOUND, pilot=PilotErrors(0, 0, None, None))
    assert len(backtest_view(report(without)).sentences) == 4


def test_the_tables_hold_every_predictor_and_study() -> None:
    errors, intervals, studies = backtest_view(report()).tables
    assert errors.ours_first
    assert errors.rows[0] == ("Our model", "5.1", "5.1")
    assert errors.rows[-1] == ("Ridge regression on descriptors", "6.4", "6.4")
    assert intervals.rows == (
        ("200", "8", "79%", "22.4", "31.0"),
        ("120 that state a base", "5", "71%", "25.0", "31.0"),
    )
    assert studies.folded
    assert studies.rows == (
        ("One et al., 2024", "12", "4.0", "9.0", "50%"),
        ("Two et al., 2023", "3", "4.0", "9.0", "50%"),
    )
