"""Price books: create, change, import and look at them.

Every version is kept, so a scenario that names one keeps its prices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from app.catalog.book_rows import (
    catalogue_format,
    day_of,
    discounts_to_json,
    place_key,
    source_of,
)
from app.catalog.catalog import Catalog
from app.catalog.price_books import BookRow, Place, PriceBook
from app.catalog.price_changes import PriceChange, book_price, changes
from app.db.price_book_repository import PriceBookRepository
from app.db.repositories import WorkspaceRepository
from app.services.book_access import found, visible
from app.services.book_drafts import (
    MOST_IMPORTED_ROWS,
    BookDraft,
    checked_name,
    count_problems,
    read_draft,
    row_problems,
)
from app.services.book_infos import (
    BookInfo,
    BookVersion,
    ImportOutcome,
    SavedBook,
    info_of,
    version_of,
)
from app.services.book_versions import (
    StoredContent,
    row_texts,
    stored_book,
    stored_content,
    stored_rows,
    write_version,
)
from app.services.problems import (
    PriceBookProblems,
    Problem,
    ReadOnlyPriceBook,
    UnknownPriceBook,
)
from app.services.workspaces import hashed, new_secret, now_utc, well_formed

MOST_BOOKS = 200
"""Price books of one workspace."""
MOST_FIRST_ROWS = 2_000
"""Rows of a book that a new workspace begins with: anybody can send one, without any key."""
_TOO_MANY_AT_FIRST = (
    f"The first price book of a new workspace holds at most {MOST_FIRST_ROWS:,} rates; save it "
    "with fewer, then add the others with the workspace that was made."
)


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
                if len(content.rows) > MOST_FIRST_ROWS:
                    raise PriceBookProblems([Problem("/rates", _TOO_MANY_AT_FIRST)])
            books = PriceBookRepository(session)
            if books.count(workspace.id) >= MOST_BOOKS:
                raise PriceBookProblems(
                    [Problem("/name", f"A workspace holds {MOST_BOOKS} price books; change one.")]
                )
            book = books.add(new_secret(), workspace.id, None, now)
            write_version(books, book.id, None, {}, stored_content(content), now)
            info = info_of(found(books.find(book.token)), new_key or known_key)
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
            listing = visible(PriceBookRepository(session), token, workspace_key)
        if listing.owner_key_hash is None:
            raise ReadOnlyPriceBook(token)
        content = read_draft(draft, self._catalog, now.date())
        with self._sessions.begin() as session:
            books = PriceBookRepository(session)
            # Whoever changes it at the same time goes before or after, and gets a version too.
            books.lock(listing.id)
            listing = found(books.find(token))
            stored = stored_rows(books, listing)
            write_version(books, listing.id, listing, stored, stored_content(content), now)
            return info_of(found(books.find(token)), workspace_key)

    def import_rows(
        self,
        name: str,
        rows: Iterable[BookRow],
        *,
        providers: Iterable[str],
        keep: frozenset[Place] = frozenset(),
        workspace_key: str | None = None,
    ) -> ImportOutcome:
        """Take rows of a catalogue into the installation's book of this name, made at first.

        Parameters
        ----------
        providers : whose prices the catalogue lists in full: rows of theirs that are in the book
            from the same format of catalogue, and are not in `rows`, are removed. All others stay.
        keep : places whose rows stay in the book whatever their provider and format, unless `rows`
            has a price for them: the catalogue lists them, and could not be read there.
        workspace_key : only for `BookInfo.owned`.

        Notes
        -----
        The format is the first word of a row's source. Rows of another format for the same place
        are replaced, since a book has one price for a place. A price of an older day never takes
        the place of a newer one.

        Raises
        ------
        PriceBookProblems : a name or rows that cannot be used; nothing was written.
        """
        taken = tuple(rows)
        problems: list[Problem] = []
        name = checked_name(name, problems)
        problems += row_problems(taken, MOST_IMPORTED_ROWS)
        if problems:
            raise PriceBookProblems(problems)
        try:
            return self._import(name, taken, set(providers), keep, workspace_key)
        except IntegrityError:
            # Another process made the book of this name at the same time; now it is there.
            return self._import(name, taken, set(providers), keep, workspace_key)

    def _import(
        self,
        name: str,
        taken: Sequence[BookRow],
        providers: set[str],
        keep: frozenset[Place],
        workspace_key: str | None,
    ) -> ImportOutcome:
        now = self._clock()
        fresh = row_texts(taken)
        scope = providers | {row.provider for row in taken}
        formats = {catalogue_format(row.source) for row in taken}
        left_alone: set[str] = {place_key(place) for place in keep} - fresh.keys()
        with self._sessions.begin() as session:
            books = PriceBookRepository(session)
            before = books.find_installation(name)
            if before is None:
                book_id = books.add(new_secret(), None, name, now).id
                content = StoredContent(name, "built-in", discounts_to_json(()), fresh)
                counts, written = write_version(books, book_id, None, {}, content, now)
                left_alone = set()
            else:
                books.lock(before.id)
                before = found(books.find_installation(name))
                version = before.version
                stored = stored_rows(books, before)
                left_alone &= stored.keys()
                staying = {
                    key: row.row_json
                    for key, row in stored.items()
                    if key in left_alone
                    or not (
                        key.partition("\n")[0] in scope
                        and catalogue_format(source_of(row.row_json)) in formats
                    )
                }
                # The price of an older day never takes the place of a newer one.
                newer = {
                    key: stored[key].row_json
                    for key, text in fresh.items()
                    if key in stored and day_of(stored[key].row_json) > day_of(text)
                }
                left_alone |= newer.keys()
                merged = staying | fresh | newer
                problems = count_problems(len(merged), MOST_IMPORTED_ROWS)
                if problems:
                    raise PriceBookProblems(problems)
                content = StoredContent(name, version.base, version.discounts_json, merged)
                counts, written = write_version(books, before.id, before, stored, content, now)
            info = info_of(found(books.find_installation(name)), workspace_key)
        return ImportOutcome(
            info,
            counts.added,
            counts.changed,
            counts.confirmed,
            counts.removed,
            counts.unchanged,
            len(left_alone),
            written,
        )

    # ------------------------------------------------------------------ look

    def mine(self, workspace_key: str | None) -> list[BookInfo]:
        """The books that a workspace can use: those of the installation, then its own, by name."""
        key = well_formed(workspace_key)
        with self._sessions() as session:
            listings = PriceBookRepository(session).listing(hashed(key) if key else None)
        return [info_of(listing, key) for listing in listings]

    def info(self, token: str, workspace_key: str | None, version: int | None = None) -> BookInfo:
        """A book without its rows, in its newest version unless another is asked for.

        Raises
        ------
        UnknownPriceBook : there is none, it is another workspace's, or it has no such version.
        """
        with self._sessions() as session:
            listing = visible(PriceBookRepository(session), token, workspace_key, version)
        return info_of(listing, workspace_key)

    def get(
        self,
        token: str,
        workspace_key: str | None,
        version: int | None = None,
        *,
        with_rows: bool = True,
    ) -> tuple[BookInfo, PriceBook]:
        """The same with its content.

        Parameters
        ----------
        with_rows : False spares the reading of a large book's rows; the book then holds none.

        Raises
        ------
        UnknownPriceBook : see `info`.
        """
        with self._sessions() as session:
            books = PriceBookRepository(session)
            listing = visible(books, token, workspace_key, version)
            return info_of(listing, workspace_key), stored_book(books, listing, with_rows)

    def versions(self, token: str, workspace_key: str | None) -> tuple[BookVersion, ...]:
        """The history of a book, newest first.

        Raises
        ------
        UnknownPriceBook : see `info`.
        """
        with self._sessions() as session:
            books = PriceBookRepository(session)
            listing = visible(books, token, workspace_key)
            return tuple(version_of(row) for row in books.versions(listing.id))

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
