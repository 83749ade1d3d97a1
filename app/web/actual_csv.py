"""Plan against actual as files: a template to fill in, and the variance for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.variance import Compared, MonthVariance, PlannedCosts, VarianceReport

Value = str | float | None

VARIANCE_COLUMNS = (
    "month",
    "state",
    "category",
    "planned_usd",
    "actual_usd",
    "difference_usd",
    "difference_percent",
)
REPORTED, NOT_REPORTED, OUTSIDE = "reported", "not reported", "outside of the plan"


def template_csv(planned: PlannedCosts, currency: Currency) -> str:
    """A row for every month and category of the plan, with its amount to be filled in.

    Parameters
    ----------
    currency : of the amounts. The planned ones beside them are for whoever fills in the file.
    """
    dollars = currency.code == US_DOLLAR.code
    rows = (
        [month, category, "", *([] if dollars else [currency.code]), f"{amount:.2f}", ""]
        for at, month in enumerate(planned.months)
        for category, usd_by_month in planned.usd_by_category.items()
        if round(amount := currency.of(usd_by_month[at]), 2)
    )
    names = ("amount_usd", "planned_usd") if dollars else ("amount", "currency", "planned")
    return _csv(("month", "category", *names, "note"), rows)


def variance_csv(found: VarianceReport) -> str:
    """One line a month, or a month and category where the spend names categories. [USD]

    Notes
    -----
    Amounts of a month add up to it, so that a pivot table counts nothing twice. What was not
    reported is blank, and never 0.
    """
    return _csv(VARIANCE_COLUMNS, _variance_rows(found))


def _variance_rows(found: VarianceReport) -> Iterator[Sequence[Value]]:
    for month in found.months:
        if month.compared is None:
            yield (month.label, NOT_REPORTED, "", month.planned_usd, None, None, None)
        else:
            yield from _reported(month, month.compared)
    for outside in found.outside:
        yield (outside.label, OUTSIDE, "", None, outside.usd, None, None)


def _reported(month: MonthVariance, whole: Compared) -> Iterator[Sequence[Value]]:
    parts = [(c.category or "no category", c.compared) for c in month.by_category]
    for category, compared in parts or [("", whole)]:
        fraction = compared.difference_fraction
        yield (
            month.label,
            REPORTED,
            category,
            compared.planned_usd,
            compared.actual_usd,
            compared.difference_usd,
            None if fraction is None else fraction * 100,
        )


def _csv(names: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Value) -> str:
    """A number without the noise of binary fractions; no text here comes from a reader."""
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value + 0.0:.10g}"
