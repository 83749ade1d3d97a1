"""The sheet of lines of one method: what it costs and brings, quantity x unit price by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, isclose

from xlsxwriter.utility import xl_col_to_name

from app.estimator.report import MethodReport
from app.estimator.report_money import MoneyReport, Timeline
from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.columns import (
    CATEGORY,
    FIRST_MONTH,
    LABEL,
    NATURE,
    PRESENT,
    PRICE,
    QUANTITY,
    TOTAL,
    UNIT,
    WIDTHS,
)
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.live import Live, Span, total, weighted
from app.exports.workbook.months import head_months
from app.exports.workbook.paper import Sheet
from app.exports.workbook.prices import price_key
from app.exports.workbook.quantities import (
    Drivers,
    Weights,
    quantity_of,
    write_drivers,
    write_weights,
)
from app.exports.workbook.rows import (
    BENEFIT,
    CAPEX,
    COST,
    GPU_UNIT,
    LIVE_INPUTS,
    OPEX,
    SERVING,
    USD,
    Row,
    benefit_rows,
    cost_rows,
)
from app.exports.workbook.serving_sheet import Rent

SAME = 1e-9
"""Relative difference up to which a formula is the figure of the report."""
SIDES = (
    (COST, "Costs", ((CAPEX, "Capital cost (until the first release)"), (OPEX, "Running cost"))),
    (BENEFIT, "Benefits", ((BENEFIT, "Benefits"),)),
)
HEADS = ("category", "kind", "unit", "unit price", "quantity", "total", "today, after tax")


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was written.

    Parameters
    ----------
    price : its cell; follows : whether that is a formula.
    total : over the horizon; present : what it counts today, after tax. [USD]
    """

    row: Row
    price: Live
    follows: bool
    total: Live
    present: Live
    usd: Span


@dataclass(frozen=True, slots=True)
class Lines:
    """All lines of one method.

    Parameters
    ----------
    capex, opex, benefit : sums by month. [USD]
    month_usd : what a dollar a month, in prices of month 0, counts today while it is in use.
    by_category : of cost and of benefit, the ranges of categories and of totals.
    """

    lines: tuple[Line, ...]
    capex: Span
    opex: Span
    benefit: Span
    drivers: Drivers
    weights: Weights
    month_usd: Live
    by_category: Mapping[str, tuple[str, str]]

    def of(self, *keys: str) -> list[Line]:
        """Lines of these keys."""
        return [line for line in self.lines if line.row.key in keys]

    def side(self, side: str) -> list[Line]:
        """Lines of cost, or of benefit."""
        return [line for line in self.lines if line.row.side == side]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the lines of a method are written with.

    Parameters
    ----------
    rent : of GPUs for serving; None where none are counted.
    """

    sheet: Sheet
    m: MethodReport
    money: MoneyReport
    timeline: Timeline
    inputs: Inputs
    calendar: Calendar
    rent: Rent | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Where a sum stands: its row, and the first and last row of what it sums."""

    at: int
    within: tuple[int, int]


def write_lines(desk: Desk) -> Lines:
    """Fill the sheet."""
    sheet, calendar = desk.sheet, desk.calendar
    sheet.text(0, 0, f"{desk.m.label}: lines of cost and benefit", "title")
    head_months(sheet, calendar, "Expected, by month; month 0 is paid at the start")
    drivers, at = write_drivers(sheet, desk.m, desk.money, desk.inputs, 4)
    weights, at = write_weights(sheet, drivers, desk.timeline, desk.inputs, calendar, at)
    rows = (*cost_rows(desk.money), *benefit_rows(desk.money))
    amounts, at = _write_quantities(desk, drivers, rows, at + 1)
    lines: list[Line] = []
    sums: dict[str, Span] = {}
    by_category = {}
    for side, heading, natures in SIDES:
        sheet.text(at + 1, LABEL, f"{heading}, USD", "section")
        sheet.texts(at + 1, CATEGORY, HEADS[:3], "section")
        sheet.texts(at + 1, PRICE, HEADS[3:], "section_right")
        at = first = at + 2
        for row, amount in zip(rows, amounts, strict=True):
            if row.side == side:
                lines.append(_write_line(desk, row, amount, weights, at))
                at += 1
        by_category[side] = (
            f"{sheet.own}$B${first + 1}:$B${at}",
            f"{sheet.own}$G${first + 1}:$G${at}",
        )
        within = (first, at - 1)
        for nature, label in natures:
            of = [line for line in lines if nature in {line.row.nature, line.row.side}]
            sums[nature] = _write_sum(desk, nature, label, of, Rows(at, within))
            at += 1
    sheet.text(at + 1, LABEL, "A dollar a month while it is in use counts today, after tax")
    each = [
        share * index * kept
        for share, index, kept in zip(
            drivers.live_months, calendar.prices, weights.running, strict=True
        )
    ]
    month = sheet.formulas(at + 1, FIRST_MONTH, each, "factor")
    month_usd = sheet.formula(at + 1, PRESENT, total(month), "factor")
    sheet.widths(*WIDTHS)
    return Lines(
        tuple(lines),
        sums[CAPEX],
        sums[OPEX],
        sums[BENEFIT],
        drivers,
        weights,
        month_usd,
        by_category,
    )


def _write_quantities(
    desk: Desk, drivers: Drivers, rows: Sequence[Row], at: int
) -> tuple[list[Span], int]:
    """Quantities of all lines by month; and the next free row."""
    sheet = desk.sheet
    sheet.text(at, LABEL, "Quantities", "section")
    sheet.texts(at, CATEGORY, ("category", "kind", "unit"), "section")
    sheet.texts(at, PRICE, ("", "total", "", ""), "section_right")
    spans = []
    for place, row in enumerate(rows, at + 1):
        sheet.text(place, LABEL, row.label, "wrap")
        sheet.texts(place, CATEGORY, (row.category, row.nature, row.unit))
        formulas = quantity_of(row.key, drivers, desk.inputs)
        if formulas is not None:
            span = sheet.formulas(place, FIRST_MONTH, formulas, "count")
        else:
            held = row.line.quantity_by_month if row.line else ()
            span = sheet.numbers(place, FIRST_MONTH, held, "held_count")
        sheet.formula(place, QUANTITY, total(span), "count")
        spans.append(span)
    return spans, at + 1 + len(rows)


def _write_line(desk: Desk, row: Row, amount: Span, weights: Weights, at: int) -> Line:
    """One line: its price, its quantity, and what it comes to by month."""
    sheet = desk.sheet
    sheet.text(at, LABEL, row.label, "wrap")
    sheet.texts(at, CATEGORY, (row.category, row.nature, row.unit))
    formula = _price_formula(desk, row)
    if formula is not None:
        price = sheet.formula(at, PRICE, formula, "price")
    else:
        price = sheet.number(at, PRICE, row.line.unit_price_usd if row.line else 0.0, "held_price")
    fixed = row.line is not None and row.line.fixed_price
    indices = desk.calendar.contracts if fixed else desk.calendar.prices
    usd = sheet.formulas(
        at,
        FIRST_MONTH,
        [q * price * index for q, index in zip(amount, indices, strict=True)],
        "usd",
    )
    sheet.formula(at, QUANTITY, total(amount), "count")
    whole = sheet.formula(at, TOTAL, total(usd), "usd")
    weight = weights.capital if row.nature == CAPEX else weights.running
    present = sheet.formula(at, PRESENT, weighted(usd, weight), "usd")
    return Line(row, price, formula is not None, whole, present, usd)


def _price_formula(desk: Desk, row: Row) -> Live | None:
    """The price as a formula of named inputs; None where it stands for itself."""
    candidate = _candidate(desk, row)
    listed = row.line.unit_price_usd if row.line else None
    if candidate is None or listed is None:
        return candidate
    return candidate if isclose(candidate.number, listed, rel_tol=SAME, abs_tol=SAME) else None


def _candidate(desk: Desk, row: Row) -> Live | None:
    """The formula that the price should be, by what the line is."""
    inputs = desk.inputs
    if (key := price_key(row)) is not None:
        return inputs.others.get(key)
    if row.key == SERVING:
        return desk.rent.extra[1.0] if desk.rent else None
    if row.unit == GPU_UNIT:
        return inputs.gpu_hours.get(desk.m.method)
    if row.key == "won_right_answers":
        return inputs["usd_per_error"]
    named = [
        inputs.of_field(f) for f in row.fields if f in LIVE_INPUTS and LIVE_INPUTS[f][1] == USD
    ]
    if not named:
        return None
    if "adapter_release_percent" in row.fields:
        return named[0] * inputs["adapter_release_share"]
    return named[0]


def _write_sum(desk: Desk, nature: str, label: str, lines: Sequence[Line], rows: Rows) -> Span:
    """Sum of lines by month and over the horizon, in the row below them all."""
    sheet, (first, last), at = desk.sheet, rows.within, rows.at
    for col in (CATEGORY, NATURE, UNIT, PRICE, QUANTITY):
        sheet.text(at, col, "", "text_total")
    sheet.text(at, LABEL, label, "text_total")

    def summed(col: int, values: Sequence[float]) -> Live:
        letters = xl_col_to_name(col)
        column = f"{letters}{first + 1}:{letters}{last + 1}"
        value = fsum(values)
        if nature == BENEFIT:
            return Live(f"SUM({column})", value)
        return Live(f'SUMIF($C{first + 1}:$C{last + 1},"{nature}",{column})', value)

    months = len(desk.calendar.months)
    span = sheet.formulas(
        at,
        FIRST_MONTH,
        [summed(FIRST_MONTH + m, [line.usd[m].number for line in lines]) for m in range(months)],
        "usd_total",
    )
    sheet.formula(at, TOTAL, total(span), "usd_total")
    present = [line.present.number for line in lines]
    sheet.formula(at, PRESENT, summed(PRESENT, present), "usd_total")
    return span
