"""What the services tell of a price book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.catalog.book_rows import discounts_from_json
from app.db.price_book_repository import BookListing
from app.db.tables import PriceBookVersionRow
from app.services.workspaces import hashed, well_formed


@dataclass(frozen=True, slots=True)
class BookInfo:
    """A price book in one version, without its rows.

    Parameters
    ----------
    owned : whether the workspace that asked may change it.
    installation : whether it belongs to the installation, for all to use.
    discounts, rows : how many. [count]
    created_at, changed_at : of the book, and of this version.
    """

    token: str
    name: str
    version: int
    base: str
    owned: bool
    installation: bool
    discounts: int
    rows: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class SavedBook:
    """What was created. The key is there only when a workspace was created for it just now."""

    info: BookInfo
    workspace_key: str | None


@dataclass(frozen=True, slots=True)
class BookVersion:
    """One version in the history of a price book, with what it changed of the one before.

    Parameters
    ----------
    changed : rows with another price or other facts; confirmed : with another date alone. [count]
    """

    number: int
    created_at: datetime
    name: str
    base: str
    discounts: int
    rows: int
    added: int
    changed: int
    confirmed: int
    removed: int


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import did to its book.

    Parameters
    ----------
    changed, confirmed : see `BookVersion`.
    unchanged : rows that are as before, those of other providers and formats among them.
    kept : those of the unchanged whose places the import was told to leave alone, or that have a
        newer price already.
    new_version : whether anything was written.
    """

    info: BookInfo
    added: int
    changed: int
    confirmed: int
    removed: int
    unchanged: int
    kept: int
    new_version: bool


def info_of(listing: BookListing, workspace_key: str | None) -> BookInfo:
    """A stored book as it is told of."""
    key = well_formed(workspace_key)
    version = listing.version
    return BookInfo(
        token=listing.token,
        name=version.name,
        version=version.number,
        base=version.base,
        owned=key is not None and listing.owner_key_hash == hashed(key),
        installation=listing.owner_key_hash is None,
        discounts=len(discounts_from_json(version.discounts_json)),
        rows=version.row_count,
        created_at=listing.created_at,
        changed_at=version.created_at,
    )


def version_of(row: PriceBookVersionRow) -> BookVersion:
    """A stored version as it is told of."""
    return BookVersion(
        number=row.number,
        created_at=row.created_at,
        name=row.name,
        base=row.base,
        discounts=len(discounts_from_json(row.discounts_json)),
        rows=row.row_count,
        added=row.added,
        changed=row.changed,
        confirmed=row.confirmed,
        removed=row.removed,
    )
