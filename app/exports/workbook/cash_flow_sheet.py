"""The sheet of cash flows: costs, benefits, depreciation, tax and what they come to, by month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.columns import FIRST_MONTH, LABEL, PRESENT, TOTAL
from app.exports.workbook.inputs_sheet import Inputs
from app.exports.workbook.lines_sheet import Lines
from app.exports.workbook.live import Live, Span, choose, most, present_value, total
from app.exports.workbook.months import head_months
from app.exports.workbook.paper import Sheet
from app.exports.workbook.rates_sheet import NONE, RateSearch, Sought


@dataclass(frozen=True, slots=True)
class Returns:
    """What net flows come to.

    Parameters
    ----------
    npv : [USD]; payback, discounted_payback : [months], or the word none.
    irr, xirr : effective, a year, or words where there is none; of several the lowest, which
        Tunecase lists first.
    """

    net: Span
    cumulative: Span
    npv: Live
    payback: Live
    discounted_payback: Live
    irr: Live
    xirr: Live


@dataclass(frozen=True, slots=True)
class Flows:
    """Rows of one method, month 0 first, and sums over the horizon. [USD]"""

    label: str
    capex: Span
    opex: Span
    benefit: Span
    depreciation: Span
    tax: Span
    capex_usd: Live
    cost_usd: Live
    benefit_usd: Live
    tax_usd: Live
    returns: Returns


def running_sum(flows: Sequence[Live]) -> list[float]:
    """Running sums of values. [USD]"""
    sums, so_far = [], 0.0
    for flow in flows:
        so_far += flow.number
        sums.append(so_far)
    return sums


class Block:
    """Rows by month, one below the other.

    Parameters
    ----------
    at : the first of them.
    """

    def __init__(self, sheet: Sheet, at: int) -> None:
        self.sheet, self.at = sheet, at

    def row(
        self, label: str, terms: Sequence[Live], style: str = "usd", *, summed: bool = True
    ) -> Span:
        """One row, with its sum where that means something."""
        self.sheet.text(self.at, LABEL, label)
        span = self.sheet.formulas(self.at, FIRST_MONTH, terms, style)
        if summed:
            self.sheet.formula(self.at, TOTAL, total(span), style)
        self.at += 1
        return span

    def running(self, label: str, flows: Span) -> Span:
        """Running sums of a row."""
        values = running_sum(list(flows))
        here = self.sheet.span(self.at, FIRST_MONTH, values)
        terms = [flows[0], *(here[m - 1] + flows[m] for m in range(1, len(flows)))]
        return self.row(label, terms, summed=False)

    def figure(self, label: str, term: Live, style: str, note: Live | str = "") -> Live:
        """One figure of the whole horizon, in the column of totals, and a note beside it."""
        self.sheet.text(self.at, LABEL, label)
        if isinstance(note, Live):
            self.sheet.formula(self.at, PRESENT, note, "text")
        elif note:
            self.sheet.text(self.at, PRESENT, note)
        cell = self.sheet.formula(self.at, TOTAL, term, style)
        self.at += 1
        return cell


def write_cash_flow(
    sheet: Sheet,
    methods: Sequence[tuple[Lines, Sought]],
    inputs: Inputs,
    calendar: Calendar,
    search: RateSearch,
) -> dict[str, Flows]:
    """Fill the sheet.

    Parameters
    ----------
    methods : lines, and the rates of return that are wanted.
    """
    sheet.text(0, 0, "Cash flow", "title")
    head_months(sheet, calendar, "USD, expected, by month", narrow=5)
    sheet.texts(1, TOTAL, ("Total", "Note"), "head_right")
    found, at = {}, 4
    for lines, sought in methods:
        sheet.text(at, LABEL, sought.label, "section")
        block = Block(sheet, at + 1)
        found[sought.label] = _write_flows(block, lines, inputs, calendar, search, sought)
        at = block.at + 1
    return found


def _write_flows(
    block: Block,
    lines: Lines,
    inputs: Inputs,
    calendar: Calendar,
    search: RateSearch,
    sought: Sought,
) -> Flows:
    tax_rate, share = inputs["tax_rate"], inputs["capitalised_share"]
    benefit = block.row("Benefit", list(lines.benefit))
    capex = block.row("Capital cost (until the first release)", list(lines.capex))
    opex = block.row("Running cost", list(lines.opex))
    brought, capital, running = (
        block.sheet.cell(block.at - 3 + place, TOTAL, fsum(span.numbers))
        for place, span in enumerate((benefit, capex, opex))
    )
    written = block.row(
        "Depreciation of what is capitalised (no flow of money)",
        [weight * (share * capital) for weight in lines.weights.write_off],
    )
    tax = block.row(
        "Tax (below 0: saved elsewhere in the company)",
        [
            tax_rate * (b - o - c * (1 - share) - d)
            for b, o, c, d in zip(benefit, opex, capex, written, strict=True)
        ],
    )
    taxed = block.sheet.cell(block.at - 1, TOTAL, fsum(tax.numbers))
    net = block.row(
        "Net cash flow",
        [b - c - o - t for b, c, o, t in zip(benefit, capex, opex, tax, strict=True)],
        "usd_total",
    )
    returns = write_returns(block, net, inputs, calendar, search, sought)
    return Flows(
        sought.label,
        capex,
        opex,
        benefit,
        written,
        tax,
        capital,
        capital + running,
        brought,
        taxed,
        returns,
    )


def write_returns(
    block: Block,
    net: Span,
    inputs: Inputs,
    calendar: Calendar,
    search: RateSearch,
    sought: Sought,
) -> Returns:
    """Present values, running sums and rates of net flows, below them."""
    factors = calendar.factors
    present = block.row(
        "Present value", [n * factor for n, factor in zip(net, factors, strict=True)]
    )
    cumulative = block.running("Cumulative cash flow", net)
    running = block.running("Cumulative present value", present)

    def below(label: str, sums: Span) -> Span:
        terms = [
            choose(f"{c.text}<0", c.number < 0, month + 1, 0)
            for c, month in zip(sums, calendar.months, strict=True)
        ]
        return block.row(label, terms, "whole", summed=False)

    short = below("Month + 1 where the cumulative cash flow is below 0", cumulative)
    present_short = below("The same of its present value", running)
    npv = block.figure(
        "Net present value: month 0 + NPV(monthly rate, months 1 to the end)",
        present_value(inputs["monthly_rate"], net),
        "usd_total",
    )
    payback = block.figure("Payback [months]", payback_of(net, cumulative, short), "count")
    discounted = block.figure(
        "Discounted payback [months]", payback_of(present, running, present_short), "count"
    )
    monthly, dated = search.monthly(net, sought), search.dated(net, sought)
    irr = block.figure("Internal rate of return, a year", monthly.yearly, "percent", monthly.note)
    xirr = block.figure(
        "Rate of return of the dated flows (XIRR)", dated.yearly, "percent", dated.note
    )
    return Returns(net, cumulative, npv, payback, discounted, irr, xirr)


def payback_of(flows: Span, running: Span, below: Span) -> Live:
    """First moment from which the running sum stays at 0 or above, interpolated; else "none".

    Parameters
    ----------
    below : of each month its number plus 1 where the running sum is below 0, else 0.
    """
    last, count = most(below), len(flows)
    found = round(last.number)
    moment = Live(
        f"{last.text}-1-INDEX({running.text},{last.text})/INDEX({flows.text},{last.text}+1)",
        found - 1 - running[found - 1].number / flows[found].number if 0 < found < count else 0.0,
    )
    otherwise = choose(f"{last.text}={count}", found == count, NONE, moment)
    return choose(f"{last.text}=0", found == 0, 0, otherwise)
