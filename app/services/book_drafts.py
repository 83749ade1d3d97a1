"""Price books as somebody types, pastes or uploads them, and the same texts back again."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from app.catalog.book_rows import plain
from app.catalog.catalog import Catalog
from app.catalog.importers import read_discounts, read_rates
from app.catalog.price_books import BookRow, Discount, PriceBook
from app.catalog.tables import CatalogError
from app.services.problems import MOST_PROBLEMS, PriceBookProblems, Problem

BASES = ("built-in", "none")
LONGEST_NAME = 80
LONGEST_DISCOUNTS = 20_000
"""Characters of discounts."""
MOST_ROWS = 100_000
LONGEST_PART = 200
"""Characters of a provider, an instance or a region."""

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
            discounts = read_discounts(draft.discounts, "Discounts", catalog.providers)
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
        problems += row_problems(rows)
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
    return name


def row_problems(rows: Iterable[BookRow]) -> list[Problem]:
    """What keeps rows out of a book whoever wrote them: too many, two for one place, odd names."""
    rows = tuple(rows)
    problems = count_problems(len(rows))
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


def count_problems(rows: int) -> list[Problem]:
    """A problem where a book would hold too many rows."""
    if rows <= MOST_ROWS:
        return []
    return [Problem("/rates", f"{rows:,} rates are too many; a price book holds {MOST_ROWS:,}.")]


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
