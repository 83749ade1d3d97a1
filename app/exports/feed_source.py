"""What feeds and exports read of a report: who has money, when, and what sources are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.estimator.no_money import NoMoney
from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyLine, MoneyReport, Period, Timeline

INPUT, DEFAULT = "input", "default"
"""Sources of prices that a field of the scenario holds: entered, or as we or the situation have
it."""
SOURCE_TITLES = {
    INPUT: "Entered in the scenario",
    DEFAULT: "Our default, not changed",
    "assumption": "Assumption of Tunecase",
}


def timeline_of(report: Report) -> Timeline:
    """The calendar of a report.

    Raises
    ------
    NoMoney : it has none.
    """
    if report.timeline is None:
        raise NoMoney
    return report.timeline


def index_of(timeline: Timeline, line: MoneyLine) -> tuple[float, ...]:
    """By which the unit price of a line is multiplied in each month. (months + 1,)"""
    return timeline.contract_index if line.fixed_price else timeline.price_index


def with_money(report: Report) -> Iterator[tuple[MethodReport, MoneyReport]]:
    """Methods that have any, in their order."""
    for method in report.methods:
        if method.money is not None:
            yield method, method.money


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods that each month belongs to; month 0 to those of month 1."""

    months: tuple[Period, ...]
    quarters: tuple[str, ...]
    years: tuple[str, ...]

    @classmethod
    def of(cls, timeline: Timeline) -> Calendar:
        """Of the months of a timeline."""
        return cls(
            timeline.months,
            _labels(timeline.quarters, len(timeline.months)),
            _labels(timeline.years, len(timeline.months)),
        )

    def month(self, month: int) -> Period:
        """The month itself."""
        return self.months[max(month, 1) - 1]

    def quarter(self, month: int) -> str:
        """Label of its fiscal quarter."""
        return self.quarters[max(month, 1) - 1]

    def year(self, month: int) -> str:
        """Label of its fiscal year."""
        return self.years[max(month, 1) - 1]


def _labels(periods: Sequence[Period], months: int) -> tuple[str, ...]:
    """Label of the period that each month from 1 on is in. (months,)"""
    found = {
        month: period.label
        for period in periods
        for month in range(period.first_month, period.last_month + 1)
    }
    return tuple(found[month] for month in range(1, months + 1))


def lines_by_month(money: MoneyReport) -> Iterator[MoneyLine]:
    """Lines that have a row for each of their months: not costs that come to nothing."""
    return (line for line in money.lines if line.side != "cost" or line.usd)


def months_of(line: MoneyLine) -> list[int]:
    """Months in which there is any of a line."""
    both = zip(line.quantity_by_month, line.usd_by_month, strict=True)
    return [month for month, (quantity, usd) in enumerate(both) if quantity or usd]


@dataclass(frozen=True, slots=True)
class PriceSources:
    """Where the prices of lines come from.

    Parameters
    ----------
    titles : what a source is called, by its key.
    defaults : fields of the scenario that are not changed.
    """

    titles: Mapping[str, str]
    defaults: frozenset[str]

    @classmethod
    def of(cls, report: Report) -> PriceSources:
        """Of a report, whose assumptions say what was changed."""
        return cls(
            SOURCE_TITLES | {source.key: source.title for source in report.sources},
            frozenset(a.key for a in report.assumptions if a.kind == DEFAULT),
        )

    def key(self, line: MoneyLine) -> str:
        """The key of a source, `input`, `default` or `assumption`.

        Notes
        -----
        A price of several fields was entered where one of them was.
        """
        if line.source != INPUT:
            return line.source
        fields = [field for field in line.inputs if _of_price(field, line)]
        return DEFAULT if fields and self.defaults.issuperset(fields) else INPUT

    def title(self, line: MoneyLine) -> str:
        """What that is called."""
        key = self.key(line)
        return self.titles.get(key, key)


def _of_price(field: str, line: MoneyLine) -> bool:
    """Whether a field of a line is of its price; the others are of its quantity."""
    return "usd" in field or field in _SHARES_OF_PRICES.get(line.key, ())


_SHARES_OF_PRICES = {
    "release_checks": ("adapter_release_percent",),
    "retraining_checks": ("adapter_release_percent",),
    "won_right_answers": (
        "hallucination_percent",
        "violation_percent",
        "incident_percent",
    ),
}
"""Shares by which amounts in dollars are multiplied to be the price of a line, by its key."""
