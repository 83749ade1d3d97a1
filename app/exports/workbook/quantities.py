"""Quantities of lines that follow from inputs, month by month, and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.estimator.report import MethodReport
from app.estimator.report_money import MoneyReport, Timeline
from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.columns import FIRST_MONTH, LABEL, QUANTITY
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.live import Live, Span, choose, live, weighted, whole_up
from app.exports.workbook.paper import Sheet
from app.exports.workbook.rows import SERVING

ROUNDING = 1e-9
"""Of a month, by which a release may seem later than it is."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """What Tunecase expects of a method, held, and what follows.

    Parameters
    ----------
    answers : of the tuned model, without those that accuracy brings; a formula.
    won_right, won, won_used : answers that accuracy brings, for each answer without it; None where
        none come.
    worth_mean : mean of the factors on worth and answers; the rest as in
        `app.estimator.report_money.UseDrivers`.
    """

    live_months: Span
    answers: Span
    gain: Live
    released: Live
    seconds: Live
    forgotten: Live
    worth_mean: Live
    release: Live
    won_right: Span | None
    won: Span | None
    won_used: Span | None


@dataclass(frozen=True, slots=True)
class Weights:
    """What a dollar of each month counts today. (months + 1,)

    Parameters
    ----------
    write_off : what of a capitalised dollar is written off in each month.
    running : a dollar of running cost or of benefit, after tax; capital : of capital cost, less the
        tax that it saves, at once and as it is written off.
    """

    write_off: Span
    running: Span
    capital: Span


def write_drivers(
    sheet: Sheet, m: MethodReport, money: MoneyReport, inputs: Inputs, at: int
) -> tuple[Drivers, int]:
    """Write them; and the next free row."""
    drivers = money.drivers
    sheet.text(at, LABEL, "Held from the estimate, with its plan and its simulation", "section")
    scalars = []
    for place, (label, value) in enumerate(
        (
            ("Expected gain over the base model [points]", drivers.gain_points),
            ("Chance that it is put to use", drivers.released_fraction),
            ("Seconds that an answer takes longer", drivers.extra_seconds),
            ("Points lost on other tasks", drivers.forgotten_points),
            ("Mean of the factors on worth and answers", drivers.worth_mean),
            ("Month of the first release", m.time_to_release_months or 0.0),
        ),
        at + 1,
    ):
        sheet.text(place, LABEL, label)
        scalars.append(sheet.number(place, QUANTITY, value, "held_factor"))
    gain, released, seconds, forgotten, worth_mean, release = scalars
    at += 1 + len(scalars)

    def held(label: str, values: Sequence[float]) -> Span:
        nonlocal at
        sheet.text(at, LABEL, label)
        at += 1
        return sheet.numbers(at - 1, FIRST_MONTH, values, "held_factor")

    live_months = held("Share of the month in which it is in use", drivers.live_by_month)
    use = held("Share of the answers that it gives", drivers.use_by_month)
    years = held("Years of growth of the answers until then", drivers.growth_years_by_month)
    won: list[Span | None] = [None, None, None]
    if any(drivers.won_by_month) or any(drivers.won_right_by_month):
        won = [
            held("Answers that being better brings, right more, each", drivers.won_right_by_month),
            held("Answers that being better brings, each", drivers.won_by_month),
            held("The same, not weighed with their worth", drivers.won_released_by_month),
        ]
    sheet.text(at, LABEL, "Answers of the tuned model")
    volume, growth = inputs["answers_per_month"], inputs["answers_growth"]
    answers = sheet.formulas(
        at,
        FIRST_MONTH,
        [volume * share * (1 + growth) ** year for share, year in zip(use, years, strict=True)],
        "count",
    )
    return (
        Drivers(
            live_months,
            answers,
            gain,
            released,
            seconds,
            forgotten,
            worth_mean,
            release,
            won[0],
            won[1],
            won[2],
        ),
        at + 1,
    )


def write_weights(
    sheet: Sheet, drivers: Drivers, timeline: Timeline, inputs: Inputs, calendar: Calendar, at: int
) -> tuple[Weights, int]:
    """Write what is written off when, and what a dollar of each month counts; the next free row."""
    months, span = calendar.months, inputs["write_off_months"]
    sheet.text(at, LABEL, "First whole month in use")
    first = sheet.formula(at, QUANTITY, whole_up(drivers.release - ROUNDING) + 1, "whole")
    at += 1
    written = []
    real = timeline.money_terms == "real"
    terms = inputs["money_terms"]
    for month in months:
        number = month.number
        within = first.number <= number < first.number + span.number and number > 0
        deflated = choose(
            f'{terms.text}="real"', real, (1 + inputs["inflation"]) ** (month / 12), 1
        )
        asked = f"AND({month.text}>={first.text},{month.text}<{first.text}+{span.text})"
        written.append(choose(asked, within, 1 / span / deflated, 0))
    sheet.text(at, LABEL, "Written off of a capitalised dollar")
    write_off = sheet.formulas(at, FIRST_MONTH, written, "factor")
    at += 1
    tax, share = inputs["tax_rate"], inputs["capitalised_share"]
    sheet.text(at, LABEL, "Present value of that")
    saved = sheet.formula(at, QUANTITY, weighted(write_off, calendar.factors), "factor")
    sheet.text(at + 1, LABEL, "A dollar of running cost or benefit counts today, after tax")
    running = sheet.formulas(
        at + 1, FIRST_MONTH, [factor * (1 - tax) for factor in calendar.factors], "factor"
    )
    sheet.text(at + 2, LABEL, "A dollar of capital cost counts today, less tax saved")
    capital = sheet.formulas(
        at + 2,
        FIRST_MONTH,
        [factor * (1 - tax * (1 - share)) - tax * share * saved for factor in calendar.factors],
        "factor",
    )
    return Weights(write_off, running, capital), at + 3


def quantity_of(row_key: str, drivers: Drivers, inputs: Inputs) -> list[Live] | None:
    """Formulas of a line's quantity by month; None where it is held from the estimate."""
    answers = drivers.answers
    right = [a * drivers.gain / 100 for a in answers]
    match row_key:
        case "right_answers":
            return right
        case "believed_errors":
            return [r * inputs["hallucination_share"] for r in right]
        case "incidents":
            return [r * inputs["violation_share"] * inputs["incident_share"] for r in right]
        case "won_answers" if drivers.won is not None:
            return [a * w for a, w in zip(answers, drivers.won, strict=True)]
        case "won_right_answers" if drivers.won_right is not None:
            return [a * w for a, w in zip(answers, drivers.won_right, strict=True)]
        case "waiting":
            used = [a * drivers.released for a in answers]
            if drivers.won_used is not None:
                more = zip(used, answers, drivers.won_used, strict=True)
                used = [u + a * w for u, a, w in more]
            return [-(drivers.seconds * u) for u in used]
        case "forgotten":
            others = inputs["other_answers_per_month"]
            return [-(others * share * drivers.forgotten / 100) for share in drivers.live_months]
        case key if key == SERVING:
            return [live(share) for share in drivers.live_months]
        case _:
            return None
