"""Who may use a price book, and which book a text names."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from app.db.price_book_repository import BookListing, PriceBookRepository
from app.services.problems import InputProblems, Problem, UnknownPriceBook
from app.services.workspaces import hashed, well_formed


class _Installation(Enum):
    INSTALLATION = "installation"


INSTALLATION: Final = _Installation.INSTALLATION
"""Who may use every book: the command line, and the server itself where it computes a scenario
again that its owner shared. Never on behalf of whoever sends a request with a book in it."""

Asker = str | _Installation | None
"""Key of a workspace, right or wrong; nothing for a reader without one; or `INSTALLATION`."""

_REFERENCE = re.compile(r"([A-Za-z0-9_-]{32})(?:@([1-9][0-9]{0,8}))?")

_UNKNOWN = (
    "No price book has this key and version; choose one from the list, or leave it empty for the "
    "built-in prices."
)
_PRIVATE = (
    "This price book belongs to another workspace, and only its own browser or bearer key computes "
    "with it. Ask its owner to save a scenario and share the link, or choose other prices."
)


def read_reference(reference: str) -> tuple[str, int | None] | None:
    """Token and version that a scenario names a book by; None where it can name none.

    Examples
    --------
    >>> read_reference("A" * 32 + "@3")[1], read_reference("A" * 32)[1], read_reference("A@3")
    (3, None, None)
    """
    match = _REFERENCE.fullmatch(reference)
    return None if match is None else (match[1], int(match[2]) if match[2] else None)


def may_use(listing: BookListing, asker: Asker) -> bool:
    """Whether a book is the asker's own, or the installation's, which is for all."""
    if asker is INSTALLATION or listing.owner_key_hash is None:
        return True
    key = well_formed(asker)
    return key is not None and listing.owner_key_hash == hashed(key)


def referred(books: PriceBookRepository, reference: str, asker: Asker) -> BookListing:
    """The book that a scenario refers to.

    Raises
    ------
    InputProblems : there is no such book or version, or it is another workspace's.
    """
    named = read_reference(reference)
    listing = books.find(*named) if named else None
    if listing is None or not may_use(listing, asker):
        said = _UNKNOWN if listing is None else _PRIVATE
        raise InputProblems([Problem("/price_book", said)])
    return listing


def visible(
    books: PriceBookRepository, token: str, asker: Asker, version: int | None = None
) -> BookListing:
    """A book that the asker may look into, its newest version unless another is named.

    Raises
    ------
    UnknownPriceBook : there is none, it is another workspace's, or it has no such version.
    """
    listing = books.find(token, version) if well_formed(token) else None
    if listing is None or not may_use(listing, asker):
        raise UnknownPriceBook(token[:64])
    return listing


def found(listing: BookListing | None) -> BookListing:
    """A book that is known to be there, as books are never deleted."""
    if listing is None:
        raise UnknownPriceBook
    return listing
