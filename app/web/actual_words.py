"""Words of actual spend: months, categories, and the sentence that says how it went."""

from __future__ import annotations

from datetime import date

from app.estimator.currency import Currency
from app.estimator.variance import COST_CATEGORIES, UNASSIGNED, Compared, VarianceReport
from app.web import show_amounts, show_numbers, show_words
from app.web.figures import name_within
from app.web.result_costs import CATEGORY_LABELS

CATEGORIES = {
    **{category: CATEGORY_LABELS[category] for category in COST_CATEGORIES},
    UNASSIGNED: "No category",
}

SMALLEST_SAID = 0.0005
"""Share of the plan below which a difference is none in a sentence."""
LEAST_PLANNED_USD = 1.0
"""A difference is not shown as a share of less: any spend is many times a plan of cents."""


def month_name(label: str) -> str:
    """A month in words.

    Examples
    --------
    >>> month_name("2027-03")
    'March 2027'
    """
    return f"{date.fromisoformat(label + '-01'):%B %Y}"


def month_short(label: str) -> str:
    """A month where there is little room.

    Examples
    --------
    >>> month_short("2027-03")
    'Mar 2027'
    """
    return f"{date.fromisoformat(label + '-01'):%b %Y}"


def months_said(labels: tuple[str, ...], most: int = 4) -> str:
    """Months in a sentence; of many only the first.

    Examples
    --------
    >>> months_said(("2027-02",)), months_said(("2027-02", "2027-03", "2027-05"), most=2)
    ('February 2027', 'February 2027, March 2027 and 1 more')
    """
    named = [month_name(label) for label in labels[:most]]
    more = len(labels) - len(named)
    return f"{', '.join(named)} and {more} more" if more else show_words.join_words(named)


def difference_share(compared: Compared, *, trim: bool = True) -> str:
    """The difference as a share of what was planned, with its sign.

    Parameters
    ----------
    trim : leave out zeros at the end; not where shares stand below each other.

    Examples
    --------
    >>> difference_share(Compared(200.0, 216.2, 16.2, 0.081))
    '+8.1%'
    >>> difference_share(Compared(0.0, 5.0, 5.0, None))
    '—'
    >>> difference_share(Compared(0.03, 500.03, 500.0, 16666.7))
    '—'
    """
    fraction = compared.difference_fraction
    if fraction is None or compared.planned_usd < LEAST_PLANNED_USD:
        return show_numbers.NONE
    said = show_numbers.share(abs(fraction), trim=trim)
    return said if not fraction else f"{'−' if fraction < 0 else '+'}{said}"


def is_as_planned(compared: Compared) -> bool:
    """Whether the difference is too small to be said."""
    if not compared.planned_usd:
        return not compared.difference_usd
    return abs(compared.difference_usd) < SMALLEST_SAID * abs(compared.planned_usd)


def sentence(found: VarianceReport, method: str, currency: Currency) -> str:
    """What was spent, how far that is from the plan, and what accounts for most of it."""
    to_date = found.to_date
    if to_date is None:
        if found.not_begun:
            labels = tuple(month.label for month in found.not_begun)
            return (
                f"Nothing to compare yet: {months_said(labels)} "
                f"{'has' if len(labels) == 1 else 'have'} not begun."
            )
        return "No month of the plan has any spend yet, so there is nothing to compare."
    spent = show_amounts.usd(to_date.actual_usd, currency)
    until = f"To the end of {month_name(found.last_reported)}: {spent} spent"
    plan = f"planned for {name_within(method)}"
    if found.billed_only:
        until += " with providers"
        plan = f"planned for them with {name_within(method)}"
    if is_as_planned(to_date):
        return f"{until}, as {plan}."
    away = show_amounts.usd(abs(to_date.difference_usd), currency)
    share = difference_share(to_date)
    share = "" if share == show_numbers.NONE else f" ({share[1:]})"
    direction = "more" if to_date.difference_usd > 0 else "less"
    said = f"{until}, {away}{share} {direction} than {plan}"
    if found.driver is None:
        return f"{said}."
    return f"{said}; most of it is {CATEGORIES[found.driver].lower()}."
