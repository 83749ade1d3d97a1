"""The sheet on which rates of return are looked for: where a net present value changes its sign.

IRR and XIRR of a spreadsheet search from one guess, and may end nowhere, or at a rate at which the
flows are worth something after all. Here the net present value at many rates tells where to begin,
and what is found counts only where it makes that value 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import TypeAlias

from app.exports.workbook.calendar_sheet import Calendar
from app.exports.workbook.live import Live, Span, at, choose, number_text, words
from app.exports.workbook.paper import LINE_POINTS, Sheet

NONE = words("none")
NOT_FOUND = words("not found")
SEVERAL = words("several now: the lowest is shown")
MONTHS_PER_YEAR, DAYS_PER_YEAR = 12, 365

TRIED: tuple[float, ...] = (
    *(-0.999999, -0.99999, -0.9999, -0.9995, -0.999, -0.998, -0.995, -0.99, -0.98, -0.97, -0.96),
    *(round(-0.95 + 0.05 * step, 2) for step in range(40)),
    *(1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0, 200.0, 500.0),
    *(1e3, 1e4, 1e5, 1e6, 1e9, 1e12, 1e18, 1e24),
)
"""Yearly rates at which net present values are told, ascending. They are nearest to each other
where returns of a project are, so that two of them are seldom between the same neighbours."""
HOLDS = 1e-6
"""Net present value over the sum of its magnitudes below which a rate counts as found."""

LABEL, FIRST = 0, 1
COUNT_ROW, START_ROW, HEAD_ROW = 3, 4, 6
FIRST_ROW = HEAD_ROW + 1

Rates: TypeAlias = "tuple[float, ...]"
"""Every yearly rate of return that Tunecase found, ascending."""


@dataclass(frozen=True, slots=True)
class FoundRate:
    """A rate of return as a formula.

    Parameters
    ----------
    yearly : effective, a year, or words where there is none.
    note : whether there are several; empty where there are not.
    """

    yearly: Live
    note: Live | str


@dataclass(frozen=True, slots=True)
class Sought:
    """Rates of return that are wanted.

    Parameters
    ----------
    label : whose flows they are.
    monthly, dated : as Tunecase found them at export, of flows by month and by day.
    """

    label: str
    monthly: Rates
    dated: Rates


class RateSearch:
    """Net present values of flows at many rates, two columns for each row of flows.

    Parameters
    ----------
    sheet : to fill.
    """

    def __init__(self, sheet: Sheet, calendar: Calendar) -> None:
        self._sheet, self._calendar = sheet, calendar
        self._col = FIRST
        sheet.text(0, 0, "Rates of return", "title")
        sheet.text(
            1,
            0,
            "Net present value at each rate, over the sum of what flows either way at that rate. "
            "Between two rates where its sign changes, there is a rate of return.",
            "note",
        )
        sheet.text(COUNT_ROW, LABEL, "Changes of sign")
        sheet.text(START_ROW, LABEL, "IRR and XIRR are searched from, a year")
        sheet.text(HEAD_ROW, LABEL, "Rate, a year", "head")
        for place, rate in enumerate(TRIED):
            sheet.number(FIRST_ROW + place, LABEL, rate, "head_rate")
        sheet.worksheet.set_row(HEAD_ROW, 3 * LINE_POINTS)
        sheet.widths(36)
        sheet.lay_out(freeze=(FIRST_ROW, 1), repeat=FIRST_ROW)

    def monthly(self, flows: Span, sought: Sought) -> FoundRate:
        """IRR of monthly flows, as an effective yearly rate."""
        months = self._calendar.months
        starts, found, note = self._scan(
            f"{sought.label}: by month",
            flows,
            f"-{months.text}/{MONTHS_PER_YEAR}",
            [-month / MONTHS_PER_YEAR for month in months.numbers],
            sought.monthly,
        )
        tries = []
        for start in starts:
            rate = f"IRR({flows.text},(1+{start})^(1/{MONTHS_PER_YEAR})-1)"
            times = f"-{months.text}"
            tries.append((rate, times, f"(1+{rate})^{MONTHS_PER_YEAR}-1"))
        return FoundRate(_first_that_holds(tries, flows, found), note)

    def dated(self, flows: Span, sought: Sought) -> FoundRate:
        """XIRR of dated flows, likewise."""
        dates = self._calendar.dates
        times = f"-({dates.text}-{dates[0].text})/{DAYS_PER_YEAR}"
        starts, found, note = self._scan(
            f"{sought.label}: by day",
            flows,
            times,
            [-(day - dates[0].number) / DAYS_PER_YEAR for day in dates.numbers],
            sought.dated,
        )
        tries = []
        for start in starts:
            rate = f"XIRR({flows.text},{dates.text},{start})"
            tries.append((rate, times, rate))
        return FoundRate(_first_that_holds(tries, flows, found), note)

    def _scan(
        self, heading: str, flows: Span, powers: str, power_of: Sequence[float], exported: Rates
    ) -> tuple[tuple[str, ...], Live, Live | str]:
        """Where a search is to begin; what it comes to; and a note on several.

        Parameters
        ----------
        powers : of 1 + rate that discount the flows, as a formula of a row; power_of : the same.
        """
        sheet, col = self._sheet, self._col
        self._col += 2
        sheet.worksheet.set_column(col, col, 22)
        sheet.worksheet.set_column(col + 1, col + 1, 9)
        sheet.texts(HEAD_ROW, col, (heading, "sign changes"), "head_right")
        tried = sheet.column(FIRST_ROW, LABEL, TRIED)
        shares = []
        for place, rate in enumerate(tried):
            share = _share(flows, rate, powers, power_of)
            shares.append(sheet.formula(FIRST_ROW + place, col, share, "factor"))
        changes: list[float | str] = []
        for place, (here, above) in enumerate(pairwise(shares), 1):
            changed = (here.number >= 0) != (above.number >= 0)
            term = Live(
                f'IF(({here.text}>=0)<>({above.text}>=0),{place},"")', place if changed else ""
            )
            sheet.formula(FIRST_ROW + place - 1, col + 1, term, "whole")
            changes.append(term.value)
        places = [float(place) for place in changes if not isinstance(place, str)]
        ranged = sheet.column_range(FIRST_ROW, FIRST_ROW + len(changes) - 1, col + 1)
        count = sheet.formula(COUNT_ROW, col, Live(f"COUNT({ranged})", float(len(places))), "whole")
        first = Live(f"MIN({ranged})", min(places, default=1.0))
        spread = sheet.column(FIRST_ROW, col, [share.number for share in shares])
        low, high = at(tried, first), at(tried, first + 1)
        below, above = at(spread, first), at(spread, first + 1)
        start = sheet.formula(
            START_ROW,
            col,
            choose(
                f"{count.text}>0",
                bool(places),
                low + (high - low) * below / (below - above),
                NONE,
            ),
            "percent",
        )
        starts = (start.text, low.text, *(number_text(rate) for rate in exported[:1]))
        inside = [rate for rate in exported if places and low.number <= rate <= high.number]
        yearly = next(iter([*inside, *exported]), None)
        none = choose(f"{count.text}>0", bool(places), NOT_FOUND, NONE)
        found = Live(none.text, none.value if yearly is None else yearly)
        if len(exported) > 1:
            listed = ", ".join(f"{rate:.1%}" for rate in exported)
            return starts, found, f"several as exported: {listed}"
        note = choose(f"{count.text}>1", len(places) > 1, SEVERAL, words(""))
        return starts, found, note


def _share(flows: Span, rate: Live, powers: str, power_of: Sequence[float]) -> Live:
    """Net present value at a rate over the sum of its magnitudes, -1 to 1."""
    weights = [(1 + rate.number) ** power for power in power_of]
    worth = fsum(x * weight for x, weight in zip(flows.numbers, weights, strict=True))
    size = fsum(abs(x) * weight for x, weight in zip(flows.numbers, weights, strict=True))
    factors = f"(1+{rate.text})^({powers})"
    return Live(
        f"IFERROR(SUMPRODUCT({flows.text},{factors})/SUMPRODUCT(ABS({flows.text}),{factors}),0)",
        worth / size if size else 0.0,
    )


def _first_that_holds(tries: Sequence[tuple[str, str, str]], flows: Span, otherwise: Live) -> Live:
    """The first rate at which the flows are worth nothing.

    Parameters
    ----------
    tries : the rate of a period, powers of 1 + rate that discount, and what is shown of it.
    otherwise : its text is what is said where none holds; its value is what is found.

    Notes
    -----
    A search may also end below -100%, where powers of a number below 0 add up to nothing. Its size
    alone is discounted with, so that such a rate does not hold.
    """
    text = otherwise.text
    for rate, powers, shown in reversed(tries):
        factors = f"ABS(1+{rate})^({powers})"
        worth = f"ABS(SUMPRODUCT({flows.text},{factors}))"
        size = f"SUMPRODUCT(ABS({flows.text}),{factors})"
        text = f"IFERROR(IF({worth}<={number_text(HOLDS)}*{size},{shown},NA()),{text})"
    return Live(text, otherwise.value)
