"""Versions of price books as they are written: each holds what differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.catalog.book_rows import (
    discounts_from_json,
    discounts_to_json,
    row_from_json,
    row_key,
    row_to_json,
    same_but_for_its_day,
)
from app.catalog.price_books import BookRow, PriceBook
from app.db.price_book_repository import BookListing, PriceBookRepository, StoredPrice
from app.db.tables import PriceBookVersionRow
from app.services.book_drafts import BookContent
from app.services.problems import PriceBookProblems, Problem

MOST_VERSIONS = 1_000
"""Versions of one price book; a daily change fills them in three years."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what a version did to them; see `BookVersion`."""

    added: int
    changed: int
    confirmed: int
    removed: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class StoredContent:
    """What one version holds, as it is stored; rows are JSON by key."""

    name: str
    base: str
    discounts_json: str
    rows: Mapping[str, str]


def stored_content(content: BookContent) -> StoredContent:
    """The content of a book as it is stored."""
    return StoredContent(
        content.name, content.base, discounts_to_json(content.discounts), row_texts(content.rows)
    )


def row_texts(rows: Iterable[BookRow]) -> dict[str, str]:
    """Rows as they are stored, by their key."""
    return {row_key(row): row_to_json(row) for row in rows}


def stored_rows(books: PriceBookRepository, listing: BookListing) -> dict[str, StoredPrice]:
    """The rows of a version, by their key."""
    return {row.row_key: row for row in books.prices(listing.id, listing.version.number)}


def stored_book(
    books: PriceBookRepository, listing: BookListing, with_rows: bool = True
) -> PriceBook:
    """A version as it was stored."""
    version = listing.version
    rows = books.prices(listing.id, version.number) if with_rows else ()
    return PriceBook(
        token=listing.token,
        version=version.number,
        name=version.name,
        base=version.base,
        discounts=discounts_from_json(version.discounts_json),
        rows=tuple(row_from_json(row.row_json) for row in rows),
    )


def write_version(
    books: PriceBookRepository,
    book_id: int,
    before: BookListing | None,
    stored: Mapping[str, StoredPrice],
    content: StoredContent,
    now: datetime,
) -> tuple[Counts, bool]:
    """Write what differs from the version before as a new one; nothing where nothing does.

    Parameters
    ----------
    before, stored : the newest version and its rows; None and nothing for a new book.

    Returns
    -------
    What differs, and whether a version was written.

    Raises
    ------
    PriceBookProblems : the book has as many versions as one can have.
    """
    wanted = content.rows
    fresh = {
        key: text
        for key, text in wanted.items()
        if key not in stored or stored[key].row_json != text
    }
    replaced = [key for key in fresh if key in stored]
    confirmed = sum(same_but_for_its_day(stored[key].row_json, fresh[key]) for key in replaced)
    gone = [key for key in stored if key not in wanted]
    counts = Counts(
        added=len(fresh) - len(replaced),
        changed=len(replaced) - confirmed,
        confirmed=confirmed,
        removed=len(gone),
        unchanged=len(wanted) - len(fresh),
    )
    said = (content.name, content.base, content.discounts_json)
    number = 0
    if before is not None:
        version = before.version
        number = version.number
        if said == (version.name, version.base, version.discounts_json) and not (fresh or gone):
            return counts, False
    if number >= MOST_VERSIONS:
        problem = Problem(
            "/name",
            f"This price book has {number:,} versions, and no more fit; make a new one with "
            "another name.",
        )
        raise PriceBookProblems([problem])
    books.add_version(
        PriceBookVersionRow(
            book_id=book_id,
            number=number + 1,
            name=content.name,
            base=content.base,
            discounts_json=content.discounts_json,
            row_count=len(wanted),
            added=counts.added,
            changed=counts.changed,
            confirmed=counts.confirmed,
            removed=counts.removed,
            created_at=now,
        )
    )
    books.end_prices((stored[key].id for key in (*replaced, *gone)), number)
    books.add_prices(book_id, number + 1, fresh)
    return counts, True
