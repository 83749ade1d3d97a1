"""Cash flow by fiscal year, quarter and month as the result page shows it: it adds up as shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyReport, Period, Timeline
from app.web import show_dates, show_numbers, show_units, show_words
from app.web.figures import currency_of, name_of
from app.web.result_costs import reserved
from app.web.result_parts import Detail

_MONTHS = 12
_WHOLE_FROM = 1000.0
"""Size of the largest amount from which on amounts have no minor units."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One kind of flow, or one period, and its amounts."""

    label: str
    cells: tuple[str, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class FlowGroup:
    """One method: its rows, each over the same columns."""

    method: str
    label: str
    rows: tuple[FlowRow, ...]
    total: FlowRow | None = None


@dataclass(frozen=True, slots=True)
class CashFlowView:
    """The cash flow of every method.

    Parameters
    ----------
    unit : what amounts are in, as a sentence.
    years : label of each column, and how many months it has where it has not twelve.
    by_year : rows of kinds, columns of years and their total.
    columns : of the next two, kinds of flow.
    by_quarter, by_month : rows of periods.
    terms : how the amounts are dated, discounted, taxed and said.
    """

    unit: str
    years: tuple[tuple[str, str], ...]
    by_year: tuple[FlowGroup, ...]
    columns: tuple[str, ...]
    by_quarter: tuple[FlowGroup, ...]
    by_month: tuple[FlowGroup, ...]
    terms: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """Amounts in whole units: months add up to quarters, quarters to years, years to the total."""

    total: int
    years: tuple[int, ...]
    quarters: tuple[int, ...]
    months: tuple[int, ...]


def nested(
    by_month: Sequence[float], quarters: Sequence[Period], years: Sequence[Period]
) -> Nested:
    """Amounts by month, rounded from the total down; none is off by a whole unit.

    Parameters
    ----------
    by_month : month 0, which belongs to the period of month 1, and so on. (months + 1,)
    quarters, years : of the fiscal calendar; every quarter lies within one year.

    Examples
    --------
    >>> q, r = (Period("", 1, 1, "", ""), Period("", 2, 3, "", ""))
    >>> nested([0.3, 0.3, 0.3, 0.3], [q, r], [Period("", 1, 3, "", "")])
    Nested(total=1, years=(1,), quarters=(1, 0), months=(1, 0, 0, 0))
    """
    inside = [_slice(period) for period in quarters]
    quarter_sums = [math.fsum(by_month[place]) for place in inside]
    of_year = [
        [
            i
            for i, quarter in enumerate(quarters)
            if year.first_month <= quarter.first_month <= year.last_month
        ]
        for year in years
    ]
    year_sums = [math.fsum(quarter_sums[i] for i in within) for within in of_year]
    total = round(math.fsum(year_sums))
    by_year = show_numbers.whole_to_sum(year_sums, total)
    by_quarter = [0] * len(quarters)
    for within, whole in zip(of_year, by_year, strict=True):
        parts = show_numbers.whole_to_sum([quarter_sums[i] for i in within], whole)
        for i, part in zip(within, parts, strict=True):
            by_quarter[i] = part
    months = [0] * len(by_month)
    for place, whole in zip(inside, by_quarter, strict=True):
        months[place] = show_numbers.whole_to_sum(by_month[place], whole)
    return Nested(total, tuple(by_year), tuple(by_quarter), tuple(months))


def _slice(period: Period) -> slice:
    return slice(0 if period.first_month == 1 else period.first_month, period.last_month + 1)


def view(report: Report) -> CashFlowView | None:
    """The cash flow; None in reports without money by month."""
    calendar = report.timeline
    found = [(m, m.money) for m in report.methods if m.money is not None]
    if calendar is None or not found:
        return None
    currency = currency_of(report)
    flows = [_flows(report, m, money) for m, money in found]
    largest = max(abs(value) for flow in flows for kind in flow.kinds for value in kind.amounts)
    digits = 0 if largest >= _WHOLE_FROM else currency.digits
    made = [_Rounded.of(flow, calendar, digits) for flow in flows]
    return CashFlowView(
        unit=f"Amounts are in {currency.sign.strip()}, expected and undiscounted except for the "
        "present value; costs and tax that is paid are below 0. All columns and rows add up.",
        years=tuple((period.label, _short(period)) for period in calendar.years),
        by_year=tuple(rounded.by_year() for rounded in made),
        columns=(*(kind.label for kind in made[0].flow.kinds[:-1]), "Net", "Cumulative"),
        by_quarter=tuple(
            rounded.by_period([p.label for p in calendar.quarters], "quarters") for rounded in made
        ),
        by_month=tuple(
            rounded.by_period(
                [f"0 (start {calendar.start})", *(p.label for p in calendar.months)], "months"
            )
            for rounded in made
        ),
        terms=tuple(terms(report, calendar)),
    )


def _short(period: Period) -> str:
    months = period.last_month - period.first_month + 1
    return "" if months == _MONTHS else show_words.plural(months, "month")


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of flow in the shown currency, with the sign that it has in the net. (months + 1,)"""

    key: str
    label: str
    amounts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Flow:
    method: str
    kinds: tuple[_Kind, ...]


def _flows(report: Report, m: MethodReport, money: MoneyReport) -> _Flow:
    currency = currency_of(report)
    taxed = any(other.money and any(other.money.tax_by_month) for other in report.methods)
    kinds = [
        ("capex", "Capex", money.capex_by_month, -1.0),
        ("opex", "Opex", money.opex_by_month, -1.0),
        ("benefit", "Benefits", money.benefit_by_month, 1.0),
        *([("tax", "Tax", money.tax_by_month, -1.0)] if taxed else []),
        ("present", "Present value", money.present_by_month, 1.0),
    ]
    return _Flow(
        m.method,
        tuple(
            _Kind(key, label, tuple(sign * currency.of(value) for value in values))
            for key, label, values, sign in kinds
        ),
    )


@dataclass(frozen=True, slots=True)
class _Rounded:
    """The flows of a method in whole units of 10^-digits; the net is made of what is shown."""

    flow: _Flow
    digits: int
    parts: tuple[Nested, ...]

    @classmethod
    def of(cls, flow: _Flow, calendar: Timeline, digits: int) -> _Rounded:
        parts = (
            nested(
                [value * 10**digits for value in kind.amounts], calendar.quarters, calendar.years
            )
            for kind in flow.kinds
        )
        return cls(flow, digits, tuple(parts))

    def _net(self, periods: str) -> list[int]:
        rows = [
            getattr(part, periods)
            for kind, part in zip(self.flow.kinds, self.parts, strict=True)
            if kind.key != "present"
        ]
        return [sum(column) for column in zip(*rows, strict=True)]

    def _said(self, amount: int) -> str:
        return show_numbers.number(amount / 10**self.digits, self.digits)

    def by_year(self) -> FlowGroup:
        """Rows of kinds, columns of years and their total."""
        net = self._net("years")
        present = self.parts[-1]

        def row(label: str, years: Sequence[int], total: int | None, strong: bool) -> FlowRow:
            last = "" if total is None else self._said(total)
            return FlowRow(label, (*(self._said(y) for y in years), last), strong)

        return FlowGroup(
            self.flow.method,
            name_of(self.flow.method),
            (
                *(
                    row(kind.label, part.years, part.total, strong=False)
                    for kind, part in zip(self.flow.kinds[:-1], self.parts[:-1], strict=True)
                ),
                row("Net", net, sum(net), strong=True),
                row("Cumulative", _running(net), None, strong=False),
                row("Present value", present.years, present.total, strong=False),
            ),
        )

    def by_period(self, labels: Sequence[str], periods: str) -> FlowGroup:
        """Rows of quarters or months, columns of kinds, net and cumulative."""
        net = self._net(periods)
        columns = [getattr(part, periods) for part in self.parts[:-1]]
        rows = zip(*columns, net, _running(net), strict=True)
        totals = [sum(column) for column in (*columns, net)]
        return FlowGroup(
            self.flow.method,
            name_of(self.flow.method),
            tuple(
                FlowRow(label, tuple(self._said(amount) for amount in row))
                for label, row in zip(labels, rows, strict=True)
            ),
            FlowRow("Total", (*(self._said(amount) for amount in totals), ""), strong=True),
        )


def _running(net: Sequence[int]) -> list[int]:
    sums, at = [], 0
    for amount in net:
        at += amount
        sums.append(at)
    return sums


def terms(report: Report, calendar: Timeline) -> list[Detail]:
    """How the amounts are dated, discounted, taxed and said, a line each."""
    months = report.horizon_months
    last = date.fromisoformat(calendar.flow_dates[-1])
    rate, monthly = calendar.discount_rate_fraction, calendar.monthly_rate_fraction
    found = [
        Detail(
            "Months",
            f"What is paid at the start, {show_dates.day(calendar.start)}, is month 0. Later "
            f"amounts fall on the last day of their month, up to {show_dates.day(last)}.",
        ),
        Detail(
            "Discounting",
            f"{show_numbers.share(rate, 4)} a year, which is i = (1 + "
            f"{show_numbers.share(rate, 4)})^(1/12) − 1 = {show_numbers.share(monthly, 4)} a "
            f"month. Month 0 counts in full: in Excel, =C0 + NPV(i, C1:C{months}).",
        ),
        Detail("Prices", _prices(calendar, reserved(report))),
        Detail("Tax", _tax(calendar)),
        Detail("Fiscal years", _fiscal(calendar)),
    ]
    if returns := _returns(report):
        found.append(Detail("Rates of return", returns))
    return found


def _prices(calendar: Timeline, reservations: bool) -> str:
    rise = show_numbers.share(calendar.inflation_fraction)
    if calendar.money_terms == "real":
        said = "Real: all amounts are in money of month 0, and the discount rate is a real one"
        if calendar.inflation_fraction:
            also = ", and what a reservation costs, whose price is fixed" if reservations else ""
            return f"{said}. Inflation of {rise} a year shrinks what is written off for tax{also}."
        return f"{said}."
    if calendar.inflation_fraction:
        other = ", but for those of a reservation, which are fixed" if reservations else ""
        return f"Nominal: all prices and worths rise by {rise} a year from month 0{other}."
    return "Nominal, with prices that stay as they are: no inflation is entered."


def _tax(calendar: Timeline) -> str:
    if not calendar.tax_fraction:
        return "None is counted: all amounts are before tax."
    said = (
        f"{show_numbers.share(calendar.tax_fraction, 4)} of profit, in the month in which it "
        "arises; losses are set off at once against other profit of the company."
    )
    if not calendar.capitalised_fraction:
        return f"{said} All costs are deducted when they are paid."
    return (
        f"{said} {show_numbers.share(calendar.capitalised_fraction, 4)} of capex is written off in "
        f"equal parts over {show_units.months(calendar.write_off_months)} of use."
    )


def _fiscal(calendar: Timeline) -> str:
    first = date(2000, calendar.fiscal_year_start, 1)
    whole = next((p for p in calendar.years if not _short(p)), calendar.years[0])
    ends = date.fromisoformat(whole.end) - timedelta(days=1)
    if _short(whole):
        return f"They begin on 1 {first:%B} and have the number of the year that they end in."
    return f"They begin on 1 {first:%B}; {whole.label} ends on {show_dates.day(ends)}."


def _returns(report: Report) -> str:
    """Internal rates of return by months and by dates, with none and several said."""
    said = []
    for m in report.methods:
        if m.money is None:
            continue
        name = name_of(m.method)
        if not m.money.xirr_fractions and not m.irr_fractions:
            said.append(f"{name}: none, since {m.money.xirr_note or m.irr_note}.")
            continue
        text = (
            f"{name}: IRR {show_numbers.rates(m.irr_fractions)} a year, XIRR "
            f"{show_numbers.rates(m.money.xirr_fractions)}."
        )
        if len(m.money.xirr_fractions) > 1 or len(m.irr_fractions) > 1:
            text += " At several rates it is worth nothing, so none of them is its return."
        said.append(text)
    if not said:
        return ""
    return " ".join(
        [*said, "IRR counts months of equal length; XIRR actual days over 365, as Excel does."]
    )
