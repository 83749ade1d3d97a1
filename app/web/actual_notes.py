"""What to know of a comparison with actual spend, as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import ceil, fsum

from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.report import Report
from app.estimator.variance import UNASSIGNED, VarianceReport
from app.services.actual_cells import USD
from app.services.actual_files import FOCUS, FOCUS_PERIOD
from app.services.actuals import Actuals
from app.web import result_currency, show_amounts, show_words
from app.web.actual_words import month_name, months_said

COMPLETION = (
    "Both estimates at completion take the work that was planned for the reported months to be "
    "done: spend alone cannot tell. The rest as planned is actual + plan − earned; at this rate "
    "the plan is divided by the cost performance index (PMI, The Standard for Earned Value "
    "Management; SAE EIA-748). Costs that fall once, at the start, say little of those that recur."
)


def notes(
    report: Report,
    actuals: Actuals,
    found: VarianceReport,
    currency: Currency,
    today: date,
    names: Mapping[str, str],
) -> tuple[str, ...]:
    """How the spend was read, what is left out of the comparison, and how far it carries.

    Parameters
    ----------
    names : of currencies by code.
    """
    said = [
        *_left_out(found, currency),
        *_paid_at_the_start(report, actuals.method, found, currency),
        *_unfinished(found, today),
        *_categories(found, currency),
        *_reading(actuals),
        *_converted(report, actuals, names),
    ]
    if found.completion is not None:
        said.append(COMPLETION)
    return tuple(said)


def _left_out(found: VarianceReport, currency: Currency) -> list[str]:
    said = []
    if found.not_reported:
        said.append(
            f"{months_said(found.not_reported)} {_has(found.not_reported)} no row. A month without "
            "one counts as not reported, and not as nothing spent: its plan is left out of what is "
            "compared, and stays in both estimates at completion."
        )
    if found.outside:
        total = show_amounts.usd(sum(month.usd for month in found.outside), currency)
        labels = tuple(month.label for month in found.outside)
        said.append(
            f"{total} was spent in months outside of the plan ({months_said(labels)}); no figure "
            "above counts it."
        )
    if found.not_begun:
        total = show_amounts.usd(sum(month.usd for month in found.not_begun), currency)
        labels = tuple(month.label for month in found.not_begun)
        said.append(
            f"{total} is dated in {months_said(labels)}, which {_has(labels)} not begun. What lies "
            "ahead is no spend yet: no figure above counts it, and both estimates at completion "
            "take the plan in its place."
        )
    if found.unbilled_usd:
        said.append(
            f"{show_amounts.usd(found.unbilled_usd, currency)} of the forecast is paid to no "
            "provider: people, data, audits, delay, and whatever has a price that was entered. A "
            "provider's bill cannot hold it, so it is not part of the plan here."
        )
    if found.left_out_usd:
        said.append(
            f"{show_amounts.usd(found.left_out_usd, currency)} of the forecast is the cost of "
            "delay, a chance that is lost and no bill. It is not part of the plan here unless a "
            "row names the category delay."
        )
    if found.inflated:
        said.append(
            "The result is in money of its start. For this comparison the plan is brought to the "
            "money of each month with its inflation, since bills are paid in that."
        )
    return said


def _has(labels: tuple[str, ...]) -> str:
    return "has" if len(labels) == 1 else "have"


def _paid_at_the_start(
    report: Report, method: str, found: VarianceReport, currency: Currency
) -> list[str]:
    """That spend lags behind a plan that pays months of work at once, until they are over."""
    of = next((m for m in report.methods if m.method == method), None)
    if of is None or of.money is None or not of.time_to_release_months:
        return []
    before = ceil(of.time_to_release_months)
    at_start = fsum(
        line.usd_by_month[0]
        for line in of.money.lines
        if line.side == "cost" and (line.provider or not found.billed_only)
    )
    reported_to = sum(month.label <= found.last_reported for month in found.months)
    if not 0 < reported_to < before <= len(found.months) or not at_start:
        return []
    return [
        f"The plan pays {show_amounts.usd(at_start, currency)} at the start, for work that goes on "
        f"until {month_name(found.months[before - 1].label)}. Where it is paid as it is done, "
        "spend lags behind the plan until then."
    ]


def _unfinished(found: VarianceReport, today: date) -> list[str]:
    # Where clocks are ahead of UTC, the last month may be one that has not begun by it.
    if not found.last_reported or found.last_reported < f"{today:%Y-%m}":
        return []
    return [
        f"{month_name(found.last_reported)} is not over: its spend may be incomplete, and its plan "
        "is counted in full."
    ]


def _categories(found: VarianceReport, currency: Currency) -> list[str]:
    if not found.by_category:
        return []
    open_usd = sum(c.compared.actual_usd for c in found.by_category if c.category == UNASSIGNED)
    said = ["A category without a row in a reported month counts as nothing spent on it."]
    if open_usd:
        said.append(
            f"{show_amounts.usd(open_usd, currency)} has no category. The other categories look "
            "cheaper by what of it is theirs, so none is said to account for the difference."
        )
    return said


def _reading(actuals: Actuals) -> list[str]:
    file = actuals.file
    said = []
    if file.kind == FOCUS:
        said.append(
            f"Read as a FOCUS cost file: {show_words.plural(file.read_rows, 'charge')}, their "
            f"{file.amount_column} summed by the month of {FOCUS_PERIOD}, credits and taxes "
            "included. What a service is does not tell what it was used for, so they have no "
            "category."
        )
    if file.summed_rows:
        said.append(
            f"{show_words.plural(file.summed_rows, 'row')} with month and category of an earlier "
            "one: such rows were summed."
        )
    if file.blank_rows:
        said.append(f"{show_words.plural(file.blank_rows, 'row')} without an amount: left out.")
    if file.rewritten_months:
        said.append(
            "Months such as Jan-27, as a spreadsheet rewrites 2027-01, were read as that month of "
            "this century."
        )
    return said


def _converted(report: Report, actuals: Actuals, names: Mapping[str, str]) -> list[str]:
    line = result_currency.line(report, names)
    if line is None:
        return []
    source = f": {line.source.text}" if line.source.text else ""
    said = [f"{line.text}{source}, the rate that the result was saved with."]
    given = {row.currency for row in actuals.file.rows}
    if given == {USD} and report.currency.code != US_DOLLAR.code:
        said.append("The amounts of the file are US dollars, and are shown at that rate.")
    return said
