"""The sheet that compares the methods: full less adapter by month, break-even, cost by category."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from app.estimator.report import Comparison, Report
from app.estimator.returns import irr, xirr
from app.exports.feed_source import with_money
from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.cash_flow_sheet import Block, Flows, Returns, write_returns
from app.exports.workbook.columns import LABEL, PRICE, TOTAL
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.lines_sheet import Line, Lines
from app.exports.workbook.live import ATOM, Live, added, choose, least, live, most, total
from app.exports.workbook.months import head_months
from app.exports.workbook.paper import Sheet, day_number
from app.exports.workbook.rates_sheet import NONE, RateSearch, Sought
from app.exports.workbook.rows import BENEFIT, COST, GPU_UNIT

LARGEST_GAP = 1e6
"""Points beyond which a gap is stated as this."""
VOLUME_LINES = (
    "right_answers",
    "believed_errors",
    "incidents",
    "won_answers",
    "won_right_answers",
    "waiting",
)
"""Benefits that are proportional to the answers a month."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What the comparison gives to other sheets.

    Parameters
    ----------
    gap : break-even gap, or the word none; None without both methods.
    gap_held : whether it is a value of Tunecase, because growth by accuracy bends it.
    returns : of full less adapter; None without both.
    volume, gpu : break-even answers a month and price of a GPU-hour, by label of the method.
    categories : where the table of cost by category stands: first row, last row, first column.
    """

    gap: Live | None
    gap_held: bool
    returns: Returns | None
    volume: Mapping[str, Live]
    gpu: Mapping[str, Live]
    categories: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """One method with all that was written of it."""

    method: str
    label: str
    lines: Lines
    flows: Flows


def present_of(lines: Sequence[Line]) -> Live:
    """What lines count today, after tax; costs below 0. [USD]"""
    terms = [line.present if line.row.side == BENEFIT else -line.present for line in lines]
    return added(terms)


def write_comparison(
    sheet: Sheet,
    report: Report,
    sides: Sequence[Side],
    inputs: Inputs,
    calendar: Calendar,
    search: RateSearch,
) -> Compared:
    """Fill the sheet."""
    sheet.text(0, 0, "Comparison", "title")
    head_months(sheet, calendar, "USD, expected, by month", narrow=3)
    sheet.text(1, TOTAL, "Total", "head_right")
    block = Block(sheet, 4)
    gap, returns, held = None, None, False
    by_method = {side.method: side for side in sides}
    found = report.comparison
    if found and "full" in by_method and found.adapter_method in by_method:
        full, adapter = by_method["full"], by_method[found.adapter_method]
        sought = _sought(report, found, f"{full.label} less {adapter.label}")
        returns = _difference(block, full, adapter, inputs, calendar, search, sought)
        bends = any(a.value for a in report.assumptions if a.key == "growth_per_point_percent")
        gap, held = _gap(block, full, adapter, found, inputs, calendar, bends=bends)
        _break_even_between(block, full, adapter, returns.npv, inputs)
    block.at += 1
    volume, gpu = _break_even(block, sides, inputs)
    block.at += 1
    categories = _categories(block, sides)
    return Compared(gap, held, returns, volume, gpu, categories)


def _difference(
    block: Block,
    full: Side,
    adapter: Side,
    inputs: Inputs,
    calendar: Calendar,
    search: RateSearch,
    sought: Sought,
) -> Returns:
    """Full fine-tuning instead of the adapter, month by month."""
    block.sheet.text(block.at, LABEL, sought.label, "section")
    block.at += 1

    def difference(label: str, row: str) -> None:
        pairs = zip(getattr(full.flows, row), getattr(adapter.flows, row), strict=True)
        block.row(label, [a - b for a, b in pairs])

    for label, row in (
        ("Benefit", "benefit"),
        ("Capital cost", "capex"),
        ("Running cost", "opex"),
        ("Tax", "tax"),
    ):
        difference(label, row)
    pairs = zip(full.flows.returns.net, adapter.flows.returns.net, strict=True)
    net = block.row("Net cash flow", [a - b for a, b in pairs], "usd_total")
    return write_returns(block, net, inputs, calendar, search, sought)


def _sought(report: Report, found: Comparison, label: str) -> Sought:
    """Every rate of return of the difference, of monthly and of dated flows."""
    money = {m.method: money for m, money in with_money(report)}
    pairs = zip(money["full"].net_by_month, money[found.adapter_method].net_by_month, strict=True)
    flows = [full - adapter for full, adapter in pairs]
    dates = report.timeline.flow_dates if report.timeline else ()
    days = [day_number(day) - day_number(dates[0]) for day in dates]
    return Sought(label, irr(flows).yearly, xirr(flows, days).yearly)


def _gap(
    block: Block,
    full: Side,
    adapter: Side,
    found: Comparison,
    inputs: Inputs,
    calendar: Calendar,
    *,
    bends: bool,
) -> tuple[Live, bool]:
    """Points that full has to add to be worth as much; and whether that is held.

    Parameters
    ----------
    bends : whether being better brings answers, so that a point is not worth the same everywhere.
    """
    label = "Break-even gap: points that full has to add to the gain of the adapter"
    if bends:
        value = found.break_even_gap_points
        block.sheet.text(
            block.at, LABEL, f"{label} (value of Tunecase: growth by accuracy bends it)"
        )
        if value is None:
            block.sheet.text(block.at, TOTAL, "none", "held_text")
        else:
            block.sheet.number(block.at, TOTAL, value, "held_count")
        cell = block.sheet.cell(block.at, TOTAL, "none" if value is None else value)
        block.at += 1
        return cell, True
    worth = block.row(
        "What a point of full counts today, after tax",
        [
            answers * inputs["usd_per_error"] / 100 * index * kept
            for answers, index, kept in zip(
                full.lines.drivers.answers,
                calendar.prices,
                full.lines.weights.running,
                strict=True,
            )
        ],
    )
    point = block.sheet.cell(block.at - 1, TOTAL, fsum(worth.numbers))
    behind = (adapter.flows.returns.npv - full.flows.returns.npv) / point
    gains = full.lines.drivers.gain - adapter.lines.drivers.gain
    exact = (behind + gains) / full.lines.drivers.worth_mean
    within = most(least(exact, LARGEST_GAP), live(-LARGEST_GAP))
    term = choose(f"{point.text}>0", point.number > 0, within, NONE)
    return block.figure(label, term, "count"), False


def _break_even(
    block: Block, sides: Sequence[Side], inputs: Inputs
) -> tuple[dict[str, Live], dict[str, Live]]:
    """Volume and GPU price at which each method is worth nothing more than the base model."""
    block.sheet.text(block.at, LABEL, "Break-even of each method against doing nothing", "section")
    block.at += 1
    volumes, prices = {}, {}
    for side in sides:
        npv = side.flows.returns.npv
        worth = block.figure(
            f"{side.label}: answers count today, after tax", _answers_of(side), "usd"
        )
        volumes[side.label] = block.figure(
            f"{side.label}: break-even answers a month, with serving as it is",
            _where_even(inputs["answers_per_month"], npv, worth),
            "count",
        )
        cost = block.figure(
            f"{side.label}: GPU time of training counts today", _gpus_of(side), "usd"
        )
        prices[side.label] = block.figure(
            f"{side.label}: break-even price of a GPU-hour of training",
            _where_even(inputs.gpu_hours.get(side.method, live(0)), npv, -cost),
            "price",
        )
    return volumes, prices


def _break_even_between(block: Block, full: Side, adapter: Side, npv: Live, inputs: Inputs) -> None:
    """The same for full fine-tuning instead of the adapter."""
    worth = block.figure(
        "Answers count today, after tax", _answers_of(full) - _answers_of(adapter), "usd"
    )
    block.figure(
        "Answers a month at which both are worth the same, with serving as it is",
        _where_even(inputs["answers_per_month"], npv, worth),
        "count",
    )
    cost = block.figure(
        "GPU time of training counts today", _gpus_of(full) - _gpus_of(adapter), "usd"
    )
    block.figure(
        "GPU prices of both at which they are worth the same, times those of now",
        _where_even(live(1), npv, -cost),
        "factor",
    )


def _answers_of(side: Side) -> Live:
    """What is proportional to the answers, at present, after tax. [USD]"""
    return present_of(side.lines.of(*VOLUME_LINES))


def _gpus_of(side: Side) -> Live:
    """Cost of GPU time for training, at present, after tax. [USD]"""
    gpus = [line for line in side.lines.lines if line.row.unit == GPU_UNIT]
    return -present_of(gpus)


def _where_even(now: Live, npv: Live, part: Live) -> Live:
    """Where a figure makes the net present value 0, all else held; none where it cannot.

    Parameters
    ----------
    now : the figure; part : what of the net present value is proportional to it. [USD]
    """
    there = now * (1 - npv / part)
    holds = part.number != 0 and there.number >= 0
    asked = f"IF({part.within(ATOM)}<>0,{there.text}>=0,FALSE)"
    return choose(asked, holds, there, NONE)


def _categories(block: Block, sides: Sequence[Side]) -> tuple[int, int, int]:
    """Table of cost by category and method; where it stands."""
    sheet = block.sheet
    names = dict.fromkeys(line.row.category for side in sides for line in side.lines.side(COST))
    sheet.text(block.at, LABEL, "Cost by category, USD over the horizon", "section")
    block.at += 1
    sheet.text(block.at, LABEL, "Category", "head")
    sheet.texts(block.at, PRICE, [side.label for side in sides], "head_right")
    first = block.at + 1
    for row, name in enumerate(names, first):
        sheet.text(row, LABEL, name)
        for col, side in enumerate(sides, PRICE):
            categories, totals = side.lines.by_category[COST]
            inside = [x.total.number for x in side.lines.side(COST) if x.row.category == name]
            term = Live(f"SUMIF({categories},$A{row + 1},{totals})", fsum(inside))
            sheet.formula(row, col, term, "usd")
    last = first + len(names) - 1
    sheet.text(last + 1, LABEL, "Total", "text_total")
    for col, side in enumerate(sides, PRICE):
        column = sheet.column(
            first,
            col,
            [
                fsum(x.total.number for x in side.lines.side(COST) if x.row.category == name)
                for name in names
            ],
        )
        sheet.formula(last + 1, col, total(column), "usd_total")
    block.at = last + 3
    return first, last, PRICE
