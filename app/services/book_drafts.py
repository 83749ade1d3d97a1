"""Price books as somebody types, pastes or uploads them, and the same texts back again."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from app.catalog.book_rows import plain
from app.catalog.catalog import Catalog
from app.catalog.importers import read_discounts, read_rates
from app.catalog.importers.shapes import LARGEST_RATIO_TO_LIST
from app.catalog.price_books import BookRow, Discount, PriceBook
from app.catalog.tables import CatalogError
from app.services.problems import MOST_PROBLEMS, PriceBookProblems, Problem

BASES = ("built-in", "none")
LONGEST_NAME = 80
LONGEST_DISCOUNTS = 20_000
"""Characters of discounts."""
MOST_ROWS = 20_000
"""Rows of a book that is sent from a browser or through the API."""
MOST_IMPORTED_ROWS = 100_000
"""Rows of a book that the command line imports."""
LONGEST_PART = 200
"""Characters of a provider, an instance or a region."""

_VERSION_AT_ITS_END = re.compile(r"@[0-9]+\Z")

RATE_COLUMNS = tuple(field.name for field in fields(BookRow))


@dataclass(frozen=True, slots=True)
class BookDraft:
    """What somebody entered.

    Parameters
    ----------
    base : ``built-in`` or ``none``, see `PriceBook`.
    discounts : a line each, such as ``aws, 12`` or ``aws, reserved-1y, 20``.
    rates : CSV, as `app.catalog.read_rates` takes it; text, or a file's bytes.
    """

    name: str
    base: str
    discounts: str
    rates: str | bytes


@dataclass(frozen=True, slots=True)
class BookContent:
    """What one version of a price book holds."""

    name: str
    base: str
    discounts: tuple[Discount, ...]
    rows: tuple[BookRow, ...]


def read_draft(draft: BookDraft, catalog: Catalog, today: date) -> BookContent:
    """The content that a draft describes.

    Raises
    ------
    PriceBookProblems : with every problem at its field; those of lists name line and column.
    """
    problems: list[Problem] = []
    name = checked_name(draft.name, problems)
    if draft.base not in BASES:
        problems.append(Problem("/base", f"Prices must start from {' or '.join(BASES)}."))
    discounts: tuple[Discount, ...] = ()
    if len(draft.discounts) > LONGEST_DISCOUNTS:
        problems.append(
            Problem(
                "/discounts", f"Discounts must be at most {LONGEST_DISCOUNTS:,} characters long."
            )
        )
    elif draft.discounts.strip():
        try:
            # A discount on a seller without a built-in price would do nothing.
            selling = {offer.provider for offer in catalog.listed}
            sellers = {key: catalog.providers[key] for key in selling}
            discounts = read_discounts(draft.discounts, "Discounts", sellers)
        except CatalogError as error:
            problems += _at("/discounts", error)
    rows: tuple[BookRow, ...] = ()
    if draft.rates.strip():
        try:
            rows = read_rates(
                draft.rates,
                "Rates",
                accelerators=catalog.accelerators,
                providers=catalog.providers,
                today=today,
            )
        except CatalogError as error:
            problems += _at("/rates", error)
        problems += row_problems(rows, MOST_ROWS)
        problems += _far_from_list(rows, catalog)
    if draft.base == "none" and not problems:
        if discounts:
            problems.append(
                Problem(
                    "/discounts",
                    "Discounts are taken off the built-in prices, which this book leaves out; "
                    "remove them or start from built-in.",
                )
            )
        if not rows:
            problems.append(
                Problem("/rates", "Without the built-in prices at least one rate is needed.")
            )
    if problems:
        raise PriceBookProblems(problems[:MOST_PROBLEMS])
    return BookContent(name, draft.base, discounts, rows)


def checked_name(name: str, problems: list[Problem]) -> str:
    """The name without blanks around it; a problem where it cannot be one."""
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        problems.append(
            Problem("/name", f"Name must be 1 to {LONGEST_NAME} characters that can be printed.")
        )
    elif _VERSION_AT_ITS_END.search(name):
        problems.append(
            Problem(
                "/name",
                "Name must not end in @ and a number, which stands for a version of a price book.",
            )
        )
    return name


def row_problems(rows: Iterable[BookRow], most: int) -> list[Problem]:
    """What keeps rows out of a book whoever wrote them: too many, two for one place, odd names.

    Parameters
    ----------
    most : see `count_problems`.
    """
    rows = tuple(rows)
    problems = count_problems(len(rows), most)
    if problems:
        return problems
    problems = [
        Problem("/rates", f"Rates hold {count} prices for {' / '.join(place)}; keep one.")
        for place, count in Counter(row.place for row in rows).items()
        if count > 1
    ]
    problems += [
        Problem(
            "/rates",
            f"Rates name {part[:40]!r}; a provider, instance or region has at most "
            f"{LONGEST_PART} characters that can be printed.",
        )
        for row in rows
        for part in row.place
        if len(part) > LONGEST_PART or not part.isprintable()
    ]
    return problems[:MOST_PROBLEMS]


def _far_from_list(rows: Iterable[BookRow], catalog: Catalog) -> list[Problem]:
    """Rates that cannot be of the whole instance: the price of one GPU of eight, another unit."""
    usual: dict[tuple[str, str, str], float] = {}
    for offer in catalog.listed:
        key = (offer.provider, offer.instance, offer.purchase_option)
        usual[key] = min(offer.usd_per_instance_hour, usual.get(key, float("inf")))
    found = []
    for row in rows:
        listed = usual.get((row.provider, row.instance, row.purchase_option))
        if listed is None:
            continue
        share = float(row.usd_per_instance_hour) / listed
        if not 1 / LARGEST_RATIO_TO_LIST <= share <= LARGEST_RATIO_TO_LIST:
            found.append(
                Problem(
                    "/rates",
                    f"Rates: {plain(row.usd_per_instance_hour)} USD for {row.instance} in "
                    f"{row.region} is {share:.0%} of its built-in price, {listed:g}; give the "
                    "price of the whole instance and one hour.",
                )
            )
    return found[:MOST_PROBLEMS]


def count_problems(rows: int, most: int) -> list[Problem]:
    """A problem where a book would hold too many rows.

    Parameters
    ----------
    rows : of the book.
    most : that it may hold: `MOST_ROWS` or `MOST_IMPORTED_ROWS`.
    """
    if rows <= most:
        return []
    said = f"{rows:,} rates are too many; this price book may hold {most:,}."
    return [Problem("/rates", said)]


def draft_of(book: PriceBook) -> BookDraft:
    """The texts that a book is edited by; read again, they give the same content."""
    return BookDraft(book.name, book.base, discounts_text(book.discounts), rates_text(book.rows))


def discounts_text(discounts: Iterable[Discount]) -> str:
    """A line each.

    Examples
    --------
    >>> discounts_text([Discount("aws", "", Decimal(12)), Discount("aws", "spot", Decimal(0))])
    'aws, 12\\naws, spot, 0\\n'
    """
    return "".join(
        ", ".join(part for part in (d.provider, d.purchase_option, plain(d.percent)) if part) + "\n"
        for d in discounts
    )


def rates_text(rows: Iterable[BookRow]) -> str:
    """CSV with all columns; nothing for no rows."""
    lines = [[_cell(getattr(row, column)) for column in RATE_COLUMNS] for row in rows]
    if not lines:
        return ""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(RATE_COLUMNS)
    writer.writerows(lines)
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return plain(value) if isinstance(value, Decimal) else str(value)


def _at(pointer: str, error: CatalogError) -> list[Problem]:
    return [Problem(pointer, f"{text.rstrip('.')}.") for text in error.problems]
