"""Discounts of a price book, as somebody types them: ``aws, 12`` or ``aws, reserved-1y, 20``."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from difflib import get_close_matches

from app.catalog.importers.problems import raise_problems
from app.catalog.price_books import Discount
from app.estimator.hardware import PURCHASE_OPTIONS

HIGHEST_PERCENT = Decimal(100)
LOWEST_PERCENT = Decimal(-100)
NUMBER = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,6})?")


def read_discounts(text: str, name: str, providers: Collection[str]) -> tuple[Discount, ...]:
    """Discounts, one a line: provider, purchase option if it is for one only, per cent.

    Parameters
    ----------
    text : lines; blank ones and those that begin with ``#`` are passed over. A surcharge is a
        discount below 0.
    name : what to call it in messages.
    providers : keys of those that have built-in prices.

    Raises
    ------
    CatalogError : with every problem, by line.

    Examples
    --------
    >>> read_discounts("aws, 12%", "Discounts", ["aws"])
    (Discount(provider='aws', purchase_option='', percent=Decimal('12')),)
    """
    discounts: dict[tuple[str, str], tuple[int, Discount]] = {}
    problems: list[str] = []
    for line, content in enumerate(text.splitlines(), start=1):
        words = content.strip()
        if not words or words.startswith("#"):
            continue
        found = _discount(words, providers)
        if isinstance(found, str):
            problems.append(f"{name} line {line}: {found}")
            continue
        key = (found.provider, found.purchase_option)
        if key in discounts:
            problems.append(
                f"{name} line {line}: line {discounts[key][0]} already has a discount for "
                f"{' '.join(key).strip()}; keep one"
            )
        discounts.setdefault(key, (line, found))
    raise_problems(problems)
    return tuple(discount for _, (_, discount) in sorted(discounts.items()))


def _discount(words: str, providers: Collection[str]) -> Discount | str:
    """The discount of one line, or what is wrong with it."""
    cells = [cell.strip() for cell in words.split(",")]
    if len(cells) not in (2, 3):
        return (
            f"{words[:60]!r} is not a discount; write provider, per cent or "
            "provider, purchase option, per cent"
        )
    provider, option = cells[0].lower(), cells[1].lower() if len(cells) == 3 else ""
    if provider not in providers:
        near = get_close_matches(provider, list(providers), n=1)
        meant = f"; did you mean {near[0]}?" if near else ""
        return f"{cells[0][:40]!r} is not a provider with built-in prices{meant}"
    if len(cells) == 3 and option not in PURCHASE_OPTIONS:
        return f"{cells[1][:40]!r} is not one of {', '.join(PURCHASE_OPTIONS)}"
    percent = cells[-1].removesuffix("%").strip()
    if not NUMBER.fullmatch(percent):
        return f"{cells[-1][:40]!r} is not a percentage such as 12.5"
    value = Decimal(percent)
    if not LOWEST_PERCENT <= value < HIGHEST_PERCENT:
        return (
            f"{percent} is out of range; a discount is at least -100 (a surcharge of the same "
            "again) and below 100 per cent"
        )
    return Discount(provider, option, value)
