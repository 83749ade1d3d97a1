"""Plan against actual as files: a template to fill in, and the variance for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.variance import Compared, MonthVariance, PlannedCosts, VarianceReport
from app.exports.csv_text import Value, csv_text

VARIANCE_COLUMNS = (
    "month",
    "state",
    "category",
    "planned_usd",
    "actual_usd",
    "difference_usd",
    "difference_percent",
    "currency",
    "currency_per_usd",
)
REPORTED, NOT_REPORTED = "reported", "not reported"
OUTSIDE, NOT_BEGUN = "outside of the plan", "not begun"


def template_csv(planned: PlannedCosts, currency: Currency) -> str:
    """A row for every month and category of the plan, with its amount to be filled in.

    Parameters
    ----------
    currency : of the amounts. The planned ones beside them are for whoever fills in the file.
    """
    dollars = currency.code == US_DOLLAR.code
    rows = (
        [month, category, None, *([] if dollars else [currency.code]), amount, None]
        for at, month in enumerate(planned.months)
        for category, usd_by_month in planned.usd_by_category.items()
        if (amount := round(currency.of(usd_by_month[at]), 2))
    )
    names = ("amount_usd", "planned_usd") if dollars else ("amount", "currency", "planned")
    return csv_text(("month", "category", *names, "note"), rows)


def variance_csv(found: VarianceReport, currency: Currency) -> str:
    """One line a month, or a month and category where the spend names categories. [USD]

    Parameters
    ----------
    currency : that the page shows; its rate stands in every row, so that amounts can be converted.

    Notes
    -----
    Amounts of a month add up to it, so that a pivot table counts nothing twice. What was not
    reported is blank, and never 0.
    """
    rate = (currency.code, float(currency.per_usd))
    return csv_text(VARIANCE_COLUMNS, ((*row, *rate) for row in _variance_rows(found)))


def _variance_rows(found: VarianceReport) -> Iterator[Sequence[Value]]:
    for month in found.months:
        if month.compared is None:
            planned = _rounded(month.planned_usd)
            yield (month.label, NOT_REPORTED, None, planned, None, None, None)
        else:
            yield from _reported(month, month.compared)
    # The plan of a month that has not begun is in its row above.
    for state, months in ((NOT_BEGUN, found.not_begun), (OUTSIDE, found.outside)):
        for other in months:
            yield (other.label, state, None, None, _rounded(other.usd), None, None)


def _reported(month: MonthVariance, whole: Compared) -> Iterator[Sequence[Value]]:
    parts: list[tuple[str | None, Compared]] = [
        (c.category or "no category", c.compared) for c in month.by_category
    ]
    for category, compared in parts or [(None, whole)]:
        fraction = compared.difference_fraction
        yield (
            month.label,
            REPORTED,
            category,
            _rounded(compared.planned_usd),
            _rounded(compared.actual_usd),
            _rounded(compared.difference_usd),
            _rounded(None if fraction is None else fraction * 100),
        )


def _rounded(value: float | None) -> float | None:
    """Without the noise of binary fractions; a millionth is less than any bill."""
    return None if value is None else round(value, 6) + 0.0
