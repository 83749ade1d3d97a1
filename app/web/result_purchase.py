"""What to know of the prices behind the chosen plans before the answer is relied on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from app.estimator.hardware import STALE_PRICE_DAYS
from app.estimator.report import MethodReport, Report
from app.estimator.report_plans import PlanReport
from app.web import show_dates, show_numbers, show_words
from app.web.figures import name_of

_TERMS = {"reserved-1y": "1 year", "reserved-3y": "3 years"}
_AT_PRICES = {
    "spot": "at spot prices",
    "reserved-1y": "with a 1-year commitment",
    "reserved-3y": "with a 3-year commitment",
    "capacity-block": "as a capacity block",
}
_LEAST_IDLE = 0.005
"""A smaller share of idle time is not worth a word."""


def at_prices(plan: PlanReport | None) -> str:
    """At what kind of price a cost is, where that is not a firm list price on demand.

    Notes
    -----
    In the words of a note below an amount; empty for a firm list price on demand.
    """
    if plan is None:
        return ""
    said = _AT_PRICES.get(plan.purchase_option, "")
    if plan.tier != "marketplace":
        return said
    return "at marketplace spot prices" if said == "at spot prices" else "at marketplace prices"


def notes(report: Report, today: date) -> Iterator[str]:
    """A sentence for each risk of the prices behind the chosen plans.

    Parameters
    ----------
    today : day to which the age of prices is counted.
    """
    plans = [(m, m.plan) for m in report.methods if m.plan is not None]

    def of(test: Callable[[PlanReport], bool]) -> str:
        return _names([m for m, plan in plans if test(plan)])

    market = of(lambda plan: plan.tier == "marketplace")
    if market:
        yield (
            f"{market} planned on a marketplace: its lowest asking price may be gone tomorrow, and "
            "no company stands behind it."
        )
    spot = of(lambda plan: plan.purchase_option == "spot")
    if spot:
        yield f"{spot} planned on spot instances, which can be taken away at short notice."
    block = of(lambda plan: plan.purchase_option == "capacity-block")
    if block:
        yield (
            f"{block} planned on a capacity block: it is paid in advance, begins on a booked day "
            "and is sold by the day."
        )
    for m, plan in plans:
        if plan.purchase_option in _TERMS:
            yield _commitment(m, plan)
    yield from _ages(plans, today)


def _names(methods: list[MethodReport]) -> str:
    """Subject and verb of a sentence; empty for no method.

    Notes
    -----
    "Full fine-tuning is", "LoRA and QLoRA are".
    """
    if not methods:
        return ""
    return f"{_joined(methods)} {'is' if len(methods) == 1 else 'are'}"


def _joined(methods: list[MethodReport]) -> str:
    names = [name_of(m.method) for m in methods]
    return show_words.join_words(names)


def _commitment(m: MethodReport, plan: PlanReport) -> str:
    what = f"{plan.nodes} × {plan.instance}" if plan.nodes > 1 else plan.instance
    said = (
        f"{name_of(m.method)} needs a commitment: {_TERMS[plan.purchase_option]} of {what} at "
        f"{plan.provider_name}, paid whether it is used or not"
    )
    if plan.idle_fraction < _LEAST_IDLE:
        return f"{said}."
    return f"{said}; {show_numbers.share(plan.idle_fraction)} of what is paid stays idle."


def _ages(plans: list[tuple[MethodReport, PlanReport]], today: date) -> Iterator[str]:
    """One sentence for each day of a price that is too old."""
    by_day: dict[str, list[MethodReport]] = {}
    for m, plan in plans:
        by_day.setdefault(plan.price_valid_from, []).append(m)
    for day, methods in sorted(by_day.items()):
        age = (today - date.fromisoformat(day)).days
        if age > STALE_PRICE_DAYS:
            yield (
                f"The price behind {_within_sentence(methods)} is {age:,} days old (of "
                f"{show_dates.day(day)}): ask for today's before you rely on it."
            )


def _within_sentence(methods: list[MethodReport]) -> str:
    joined = _joined(methods)
    return joined[0].lower() + joined[1:] if methods[0].method == "full" else joined
