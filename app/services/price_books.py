"""Price books: create, change, import, look at, and the catalogue with their prices in force.

Every version is kept, so a scenario that names one keeps its prices.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from app.catalog.book_rows import (
    catalogue_format,
    discounts_from_json,
    discounts_to_json,
    row_from_json,
    source_of,
)
from app.catalog.catalog import Catalog
from app.catalog.price_books import BookRow, PriceBook
from app.catalog.price_changes import ListedPrice, PriceChange, book_price, changes, unpacked
from app.catalog.priced import priced
from app.db.price_book_repository import BookListing, PriceBookRepository
from app.db.repositories import PriceSnapshotRepository, WorkspaceRepository
from app.services.book_drafts import (
    BookDraft,
    checked_name,
    count_problems,
    read_draft,
    row_problems,
)
from app.services.book_versions import (
    StoredContent,
    row_texts,
    stored_content,
    stored_rows,
    write_version,
)
from app.services.problems import (
    InputProblems,
    PriceBookProblems,
    Problem,
    ReadOnlyPriceBook,
    UnknownPriceBook,
)
from app.services.workspaces import hashed, new_secret, now_utc, well_formed

MOST_BOOKS = 200
"""Price books of one workspace."""
MOST_OFFERS_KEPT = 150_000
"""Offers of catalogues that are kept in memory, all together; about 1 KiB each."""
_REFERENCE = re.compile(r"([A-Za-z0-9_-]{32})(?:@([1-9][0-9]{0,8}))?")


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
    new_version : whether anything was written.
    """

    info: BookInfo
    added: int
    changed: int
    confirmed: int
    removed: int
    unchanged: int
    new_version: bool


class PriceBooks:
    """Use cases of price books; each is one transaction.

    Parameters
    ----------
    sessions : factory of database sessions.
    catalog : the built-in facts, whose GPUs and providers a book may name.
    clock : the time now, with its zone.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        catalog: Catalog,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, str, str], Catalog] = OrderedDict()

    # ------------------------------------------------------------------ use in scenarios

    def priced(self, catalog: Catalog, reference: str) -> Catalog:
        """The catalogue with the prices of a book in force.

        Parameters
        ----------
        reference : nothing for the catalogue itself, ``TOKEN`` for the newest version of a book, or
            ``TOKEN@3``. Whoever has the token may compute with the book, as with a shared link.

        Raises
        ------
        InputProblems : there is no such book or version.
        """
        if not reference:
            return catalog
        with self._sessions() as session:
            listing = _referred(PriceBookRepository(session), reference)
            # The second hash tells catalogues of one content as of several days apart.
            key = (
                *(listing.token, listing.version.number),
                *(catalog.content_hash, catalog.price_list_hash),
            )
            with self._lock:
                kept = self._kept.get(key)
                if kept is not None:
                    self._kept.move_to_end(key)
                    return kept
            book = _book(PriceBookRepository(session), listing)
        made = priced(catalog, book)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > 1 and (
                sum(len(found.listed) for found in self._kept.values()) > MOST_OFFERS_KEPT
            ):
                self._kept.popitem(last=False)
        return made

    def pin(self, reference: str) -> str:
        """The reference with a version, the newest one unless it names one.

        Raises
        ------
        InputProblems : there is no such book or version.
        """
        if not reference:
            return ""
        with self._sessions() as session:
            listing = _referred(PriceBookRepository(session), reference)
        return f"{listing.token}@{listing.version.number}"

    def newer_version(self, reference: str) -> int | None:
        """Number of the newest version, where the reference names an older one; else None."""
        match = _REFERENCE.fullmatch(reference)
        if match is None or match[2] is None:
            return None
        with self._sessions() as session:
            listing = PriceBookRepository(session).find(match[1])
        return listing.newest if listing and listing.newest > int(match[2]) else None

    def price_list(self, price_list_hash: str | None) -> tuple[ListedPrice, ...] | None:
        """The prices that were in force when a scenario was saved; None where they are not kept."""
        if price_list_hash is None:
            return None
        with self._sessions() as session:
            body = PriceSnapshotRepository(session).find(price_list_hash)
        return None if body is None else unpacked(body)

    # ------------------------------------------------------------------ change

    def create(self, draft: BookDraft, workspace_key: str | None) -> SavedBook:
        """Save a new price book in the workspace of this key.

        A key that is missing or unknown gets a new workspace with a key of its own.

        Raises
        ------
        PriceBookProblems : what cannot be used, at its field; nothing was written.
        """
        now = self._clock()
        content = read_draft(draft, self._catalog, now.date())
        new_key: str | None = None
        known_key = well_formed(workspace_key)
        with self._sessions.begin() as session:
            workspaces = WorkspaceRepository(session)
            workspace = workspaces.find(hashed(known_key)) if known_key else None
            if workspace is None:
                new_key = new_secret()
                workspace = workspaces.add(hashed(new_key), now)
            books = PriceBookRepository(session)
            if books.count(workspace.id) >= MOST_BOOKS:
                raise PriceBookProblems(
                    [Problem("/name", f"A workspace holds {MOST_BOOKS} price books; change one.")]
                )
            book = books.add(new_secret(), workspace.id, None, now)
            write_version(books, book.id, None, {}, stored_content(content), now)
            info = _info(_found(books.find(book.token)), new_key or known_key)
        return SavedBook(info, new_key)

    def update(self, token: str, draft: BookDraft, workspace_key: str | None) -> BookInfo:
        """Change a price book: a new version where anything differs, else the same one.

        Raises
        ------
        UnknownPriceBook : there is none, or it is another workspace's.
        ReadOnlyPriceBook : it is the installation's.
        PriceBookProblems : what cannot be used, at its field; nothing was written.
        """
        now = self._clock()
        with self._sessions() as session:
            listing = _visible(PriceBookRepository(session), token, workspace_key)
        if listing.owner_key_hash is None:
            raise ReadOnlyPriceBook(token)
        content = read_draft(draft, self._catalog, now.date())
        with self._sessions.begin() as session:
            books = PriceBookRepository(session)
            # Whoever changes it at the same time goes before or after, and gets a version too.
            books.lock(listing.id)
            listing = _found(books.find(token))
            stored = stored_rows(books, listing)
            write_version(books, listing.id, listing, stored, stored_content(content), now)
            return _info(_found(books.find(token)), workspace_key)

    def import_rows(
        self,
        name: str,
        rows: Iterable[BookRow],
        *,
        providers: Iterable[str],
        workspace_key: str | None = None,
    ) -> ImportOutcome:
        """Take rows of a catalogue into the installation's book of this name, made at first.

        Parameters
        ----------
        providers : whose prices the catalogue lists in full: rows of theirs that are in the book
            from the same format of catalogue, and are not in `rows`, are removed. All others stay.
        workspace_key : only for `BookInfo.owned`.

        Notes
        -----
        The format is the first word of a row's source. Rows of another format for the same place
        are replaced, since a book has one price for a place.

        Raises
        ------
        PriceBookProblems : a name or rows that cannot be used; nothing was written.
        """
        taken = tuple(rows)
        problems: list[Problem] = []
        name = checked_name(name, problems)
        problems += row_problems(taken)
        if problems:
            raise PriceBookProblems(problems)
        try:
            return self._import(name, taken, set(providers), workspace_key)
        except IntegrityError:
            # Another process made the book of this name at the same time; now it is there.
            return self._import(name, taken, set(providers), workspace_key)

    def _import(
        self, name: str, taken: Sequence[BookRow], providers: set[str], workspace_key: str | None
    ) -> ImportOutcome:
        now = self._clock()
        fresh = row_texts(taken)
        scope = providers | {row.provider for row in taken}
        formats = {catalogue_format(row.source) for row in taken}
        with self._sessions.begin() as session:
            books = PriceBookRepository(session)
            before = books.find_installation(name)
            if before is None:
                book_id = books.add(new_secret(), None, name, now).id
                content = StoredContent(name, "built-in", discounts_to_json(()), fresh)
                counts, written = write_version(books, book_id, None, {}, content, now)
            else:
                books.lock(before.id)
                before = _found(books.find_installation(name))
                version = before.version
                stored = stored_rows(books, before)
                kept = {
                    key: row.row_json
                    for key, row in stored.items()
                    if not (
                        key.partition("\n")[0] in scope
                        and catalogue_format(source_of(row.row_json)) in formats
                    )
                }
                merged = kept | fresh
                problems = count_problems(len(merged))
                if problems:
                    raise PriceBookProblems(problems)
                content = StoredContent(name, version.base, version.discounts_json, merged)
                counts, written = write_version(books, before.id, before, stored, content, now)
            info = _info(_found(books.find_installation(name)), workspace_key)
        return ImportOutcome(
            info,
            counts.added,
            counts.changed,
            counts.confirmed,
            counts.removed,
            counts.unchanged,
            written,
        )

    # ------------------------------------------------------------------ look

    def mine(self, workspace_key: str | None) -> list[BookInfo]:
        """The books that a workspace can use: those of the installation, then its own, by name."""
        key = well_formed(workspace_key)
        with self._sessions() as session:
            listings = PriceBookRepository(session).listing(hashed(key) if key else None)
        return [_info(listing, key) for listing in listings]

    def info(self, token: str, workspace_key: str | None, version: int | None = None) -> BookInfo:
        """A book without its rows, in its newest version unless another is asked for.

        Raises
        ------
        UnknownPriceBook : there is none, it is another workspace's, or it has no such version.
        """
        with self._sessions() as session:
            listing = _visible(PriceBookRepository(session), token, workspace_key, version)
        return _info(listing, workspace_key)

    def get(
        self, token: str, workspace_key: str | None, version: int | None = None
    ) -> tuple[BookInfo, PriceBook]:
        """The same with its content.

        Raises
        ------
        UnknownPriceBook : see `info`.
        """
        with self._sessions() as session:
            books = PriceBookRepository(session)
            listing = _visible(books, token, workspace_key, version)
            return _info(listing, workspace_key), _book(books, listing)

    def versions(self, token: str, workspace_key: str | None) -> tuple[BookVersion, ...]:
        """The history of a book, newest first.

        Raises
        ------
        UnknownPriceBook : see `info`.
        """
        with self._sessions() as session:
            books = PriceBookRepository(session)
            listing = _visible(books, token, workspace_key)
            return tuple(
                BookVersion(
                    number=found.number,
                    created_at=found.created_at,
                    name=found.name,
                    base=found.base,
                    discounts=len(discounts_from_json(found.discounts_json)),
                    rows=found.row_count,
                    added=found.added,
                    changed=found.changed,
                    confirmed=found.confirmed,
                    removed=found.removed,
                )
                for found in books.versions(listing.id)
            )

    def changes(
        self, token: str, workspace_key: str | None, before: int, after: int
    ) -> tuple[PriceChange, ...]:
        """The rates that differ between two versions of a book.

        Raises
        ------
        UnknownPriceBook : see `info`.
        """
        lists = []
        for version in (before, after):
            _, book = self.get(token, workspace_key, version)
            lists.append([book_price(row) for row in book.rows])
        return changes(*lists)

    def resolve(self, text: str) -> str:
        """The reference that somebody at the command line means.

        Parameters
        ----------
        text : name of a book of the installation, or the token of any book; with ``@`` and a
            version, or without for the newest.

        Raises
        ------
        UnknownPriceBook : there is none.
        """
        name, _, number = text.rpartition("@")
        asked: list[tuple[str, int | None]] = [(text, None)]
        if name and number.isascii() and number.isdigit() and number.strip("0"):
            asked.append((name, int(number[:9])))
        with self._sessions() as session:
            books = PriceBookRepository(session)
            for called, version in asked:
                listing = books.find_installation(called)
                if listing is None and well_formed(called):
                    listing = books.find(called)
                if listing is not None and version is not None:
                    listing = books.find(listing.token, version)
                if listing is not None:
                    return f"{listing.token}@{listing.version.number}"
        raise UnknownPriceBook(text[:100])


def _referred(books: PriceBookRepository, reference: str) -> BookListing:
    """The book that a scenario refers to."""
    match = _REFERENCE.fullmatch(reference)
    listing = books.find(match[1], int(match[2]) if match[2] else None) if match else None
    if listing is None:
        raise InputProblems(
            [
                Problem(
                    "/price_book",
                    "No price book has this key and version; choose one from the list, or leave it "
                    "empty for the built-in prices.",
                )
            ]
        )
    return listing


def _visible(
    books: PriceBookRepository, token: str, workspace_key: str | None, version: int | None = None
) -> BookListing:
    """A book that this key's workspace may look into: its own, or the installation's."""
    listing = books.find(token, version) if well_formed(token) else None
    key = well_formed(workspace_key)
    if listing is None or listing.owner_key_hash not in {None, key and hashed(key)}:
        raise UnknownPriceBook(token[:64])
    return listing


def _found(listing: BookListing | None) -> BookListing:
    """A book that is known to be there, as books are never deleted."""
    if listing is None:
        raise UnknownPriceBook
    return listing


def _book(books: PriceBookRepository, listing: BookListing) -> PriceBook:
    version = listing.version
    return PriceBook(
        token=listing.token,
        version=version.number,
        name=version.name,
        base=version.base,
        discounts=discounts_from_json(version.discounts_json),
        rows=tuple(row_from_json(row.row_json) for row in books.prices(listing.id, version.number)),
    )


def _info(listing: BookListing, workspace_key: str | None) -> BookInfo:
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
