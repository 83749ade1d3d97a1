"""A shared result beside the same scenario today: what differs, and which prices did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from app.catalog.price_changes import PriceChange
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.estimator.report import Report
from app.services.repricing import Repriced
from app.web import (
    comparisons,
    result_plans,
    show_amounts,
    show_dates,
    show_numbers,
    show_units,
    show_words,
)
from app.web.comparisons import TOTAL_LABEL
from app.web.context_comparisons import ChangeRow, ComparisonView, TodayView
from app.web.figures import currency_of

MOST_ROWS = 200
"""Rows of changed prices on one page."""


def view(
    found: Repriced,
    sides: tuple[comparisons.Side, comparisons.Side] | None,
    offers: Mapping[str, Offer],
    today: date,
) -> TodayView:
    """Both results and the prices between them.

    Parameters
    ----------
    sides : as shared and today; None where the scenario cannot be estimated today.
    offers : of today's price list, by key.
    today : day to which the age of prices is counted.
    """
    comparison = None if sides is None else comparisons.compare(*sides)
    planned = _planned(found.before) | (_planned(found.after) if found.after else set())
    # The prices of the chosen plans first, then those that moved most.
    order = sorted(found.changes, key=lambda c: (c.key not in planned, -_moved(c), c.key))
    shown = order[:MOST_ROWS]
    return TodayView(
        sentence=_sentence(found, comparison),
        totals="" if comparison is None else _totals(found, comparison),
        reasons=tuple(_reasons(found, comparison)),
        comparison=comparison,
        problems=tuple(problem.message for problem in found.problems),
        rows=tuple(_row(change, found, offers, today) for change in shown),
        rest=_rest(found, len(order) - len(shown)),
        newer=_newer(found),
    )


def _planned(report: Report) -> set[str]:
    """Keys of the offers that the chosen plans rent."""
    return {m.plan.offer_key for m in report.methods if m.plan is not None}


def _moved(change: PriceChange) -> float:
    return abs(change.fraction) if change.fraction is not None else 0.0


def _sentence(found: Repriced, comparison: ComparisonView | None) -> str:
    if found.after is None or comparison is None:
        return "This scenario cannot be estimated today."
    verdict = comparison.outcomes[0][1][0]
    if comparison.identical and not found.all_changes:
        return "Nothing has changed: the same numbers as when the link was shared."
    if comparison.identical:
        return "The numbers of this scenario are the same today."
    if verdict.left == verdict.right:
        return f"The choice is the same today: {verdict.right}."
    return f"The choice has changed, from “{verdict.left}” to “{verdict.right}”."


def _totals(found: Repriced, comparison: ComparisonView) -> str:
    """What became of the total cost of each method; nothing where all is the same."""
    moved = [
        f"{heading} {row.right} ({row.change})"
        for heading, rows in comparison.outcomes
        for row in rows
        if row.label == TOTAL_LABEL and row.change[:1] in {"+", "−"}
    ]
    if not moved:
        return ""
    horizon = show_units.months(found.before.horizon_months)
    return f"Total cost over {horizon}: {show_words.join_words(moved)}."


def _reasons(found: Repriced, comparison: ComparisonView | None) -> Iterator[str]:
    """What has changed since, as far as it can be told."""
    before, after = found.before, found.after
    count = len(found.changes)
    if not found.snapshot_known:
        yield (
            "The prices of then were not kept with this link, so the rows that changed cannot be "
            "named."
        )
    elif count:
        yield (
            f"{show_words.plural(count, 'price')} that this scenario may plan on "
            f"{'has' if count == 1 else 'have'} changed since."
        )
    elif found.all_changes:
        yield "No price that this scenario may plan on has changed."
    if after is None or comparison is None:
        return
    if before.estimator_version != after.estimator_version:
        yield (
            f"The estimator is another: {before.estimator_version} then, "
            f"{after.estimator_version} today."
        )
    elif before.catalog_hash != after.catalog_hash and not found.all_changes:
        yield "Other facts have changed: studies, GPU data, exchange rates, or dates and sources."
    elif not count and not comparison.identical:
        yield (
            "Prices have aged: one that is over 180 days old is left out while newer ones exist, "
            "unless the scenario includes it."
        )


def _row(
    change: PriceChange,
    found: Repriced,
    offers: Mapping[str, Offer],
    today: date,
) -> ChangeRow:
    offer = offers.get(change.key)
    name, place = change.key, "no longer listed"
    if offer is not None:
        name = f"{offer.provider_name}, {offer.instance}"
        bought = result_plans.option_tag(offer.purchase_option, offer.tier)
        place = f"{show_words.region(offer.region)}, {bought or PURCHASE_OPTIONS['on-demand']}"
    level, after_date = "fresh", ""
    if change.after_valid_from is not None:
        age = (today - change.after_valid_from).days
        level, after_date = show_dates.price_date(change.after_valid_from.isoformat(), age)
    moved = change.fraction
    said = {"added": "new", "removed": "gone"}.get(change.kind, "")
    if moved is not None:
        said = f"{show_numbers.number(moved * 100, 1, plus=True)}%"
    currency = currency_of(found.before)
    return ChangeRow(
        offer=name,
        place=place,
        tags=tuple(
            tag
            for tag, report in (("chosen then", found.before), ("chosen today", found.after))
            if report is not None and change.key in _planned(report)
        ),
        before=show_amounts.usd(change.before_usd, currency, cents=True),
        before_date=show_dates.day(change.before_valid_from) if change.before_valid_from else "",
        after=show_amounts.usd(change.after_usd, currency, cents=True),
        after_level=level,
        after_date=after_date,
        change=said,
    )


def _rest(found: Repriced, hidden: int) -> str:
    """What is not in the rows, as a sentence; empty where all is."""
    others = found.all_changes - len(found.changes)
    said: Sequence[str] = [
        text
        for count, text in (
            (hidden, f"{show_words.plural(hidden, 'smaller change')} of them"),
            (others, f"{show_words.plural(others, 'change')} of prices that it does not plan on"),
        )
        if count > 0
    ]
    return f"Not shown: {show_words.join_words(said)}." if said else ""


def _newer(found: Repriced) -> str:
    if found.newer_version is None:
        return ""
    return (
        f"Its price book has changed since: it was {found.before.price_book}, and today's numbers "
        f"use version {found.newer_version}."
    )
