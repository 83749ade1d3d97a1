"""All SQL of price books. Nothing here commits: the services own the transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, bindparam, false, func, insert, or_, select, update
from sqlalchemy.orm import Session

from app.db.tables import PriceBookPriceRow, PriceBookRow, PriceBookVersionRow, Workspace

_Listing = Select[int, str, str, int, datetime, PriceBookVersionRow]

CHUNK_ROWS = 5_000
"""Rows in one statement's list of parameters: enough for speed, few enough for little memory."""


class BookListing(NamedTuple):
    """One price book in one of its versions.

    Parameters
    ----------
    owner_key_hash : of the key of its workspace; None for a book of the installation.
    newest : number of its newest version.
    """

    id: int
    token: str
    owner_key_hash: str | None
    newest: int
    created_at: datetime
    version: PriceBookVersionRow


class StoredPrice(NamedTuple):
    """One price as it is stored."""

    id: int
    row_key: str
    row_json: str


class PriceBookRepository:
    """Price books, by their token."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        token: str,
        workspace_id: int | None,
        installation_name: str | None,
        created_at: datetime,
    ) -> PriceBookRow:
        """A new price book without any version, with its id."""
        book = PriceBookRow(
            token=token,
            workspace_id=workspace_id,
            installation_name=installation_name,
            newest=0,
            created_at=created_at,
        )
        self._session.add(book)
        self._session.flush()
        return book

    def find(self, token: str, version: int | None = None) -> BookListing | None:
        """A version of a book, the newest unless another is asked for; None where there is none."""
        number = PriceBookRow.newest if version is None else version
        return self._first(
            _listings().where(PriceBookRow.token == token, PriceBookVersionRow.number == number)
        )

    def find_installation(self, name: str) -> BookListing | None:
        """The newest version of the installation's book of this name, if there is one."""
        return self._first(
            _newest().where(
                PriceBookRow.installation_name == name, PriceBookRow.workspace_id.is_(None)
            )
        )

    def listing(self, key_hash: str | None) -> list[BookListing]:
        """Newest versions: of the books of the installation, then of a workspace, by name."""
        installations = PriceBookRow.workspace_id.is_(None)
        mine = false() if key_hash is None else Workspace.key_hash == key_hash
        rows = self._session.execute(
            _newest()
            .where(or_(installations, mine))
            .order_by(
                PriceBookRow.workspace_id.is_not(None), PriceBookVersionRow.name, PriceBookRow.id
            )
        )
        return [BookListing(*row) for row in rows]

    def count(self, workspace_id: int) -> int:
        """Books of a workspace."""
        found = self._session.scalar(
            select(func.count()).where(PriceBookRow.workspace_id == workspace_id)
        )
        return found or 0

    def versions(self, book_id: int) -> list[PriceBookVersionRow]:
        """All versions of a book, newest first."""
        return list(
            self._session.scalars(
                select(PriceBookVersionRow)
                .where(PriceBookVersionRow.book_id == book_id)
                .order_by(PriceBookVersionRow.number.desc())
            )
        )

    def lock(self, book_id: int) -> None:
        """Let nobody else change this book until the transaction ends.

        Notes
        -----
        A change that changes nothing: it takes the row's lock in PostgreSQL, and the right to write
        in SQLite, before anything is read that the new version is made from.
        """
        self._session.execute(
            update(PriceBookRow)
            .where(PriceBookRow.id == book_id)
            .values(newest=PriceBookRow.newest)
            .execution_options(synchronize_session=False)
        )

    def add_version(self, version: PriceBookVersionRow) -> None:
        """Store a version and make it the newest of its book."""
        self._session.add(version)
        self._session.flush()
        self._session.execute(
            update(PriceBookRow)
            .where(PriceBookRow.id == version.book_id)
            .values(newest=version.number)
        )

    def prices(self, book_id: int, version: int) -> Sequence[StoredPrice]:
        """The rows in force in a version, by key."""
        table = PriceBookPriceRow
        rows = self._session.execute(
            select(table.id, table.row_key, table.row_json)
            .where(
                table.book_id == book_id,
                table.first_version <= version,
                or_(table.last_version.is_(None), table.last_version >= version),
            )
            .order_by(table.row_key)
        )
        return [StoredPrice(*row) for row in rows]

    def add_prices(self, book_id: int, version: int, rows: Mapping[str, str]) -> None:
        """Store rows, JSON by key, as in force from this version on."""
        made = [
            {
                "book_id": book_id,
                "row_key": key,
                "row_json": body,
                "first_version": version,
                "last_version": None,
            }
            for key, body in rows.items()
        ]
        statement = insert(PriceBookPriceRow.__table__)  # type: ignore[arg-type]
        for start in range(0, len(made), CHUNK_ROWS):
            self._session.execute(statement, made[start : start + CHUNK_ROWS])

    def end_prices(self, ids: Iterable[int], last_version: int) -> None:
        """Let rows be in force up to this version and no longer."""
        table = PriceBookPriceRow.__table__
        statement = (
            update(table)  # type: ignore[arg-type]
            .where(table.c.id == bindparam("price_id"))
            .values(last_version=bindparam("ends"))
        )
        made = [{"price_id": price_id, "ends": last_version} for price_id in ids]
        for start in range(0, len(made), CHUNK_ROWS):
            self._session.execute(statement, made[start : start + CHUNK_ROWS])

    def _first(self, statement: _Listing) -> BookListing | None:
        row = self._session.execute(statement).first()
        return None if row is None else BookListing(*row)


def _listings() -> _Listing:
    """Books with the hash of their owner's key and each of their versions."""
    return (
        select(
            PriceBookRow.id,
            PriceBookRow.token,
            Workspace.key_hash,
            PriceBookRow.newest,
            PriceBookRow.created_at,
            PriceBookVersionRow,
        )
        .join(PriceBookVersionRow, PriceBookVersionRow.book_id == PriceBookRow.id)
        .outerjoin(Workspace, PriceBookRow.workspace_id == Workspace.id)
    )


def _newest() -> _Listing:
    return _listings().where(PriceBookVersionRow.number == PriceBookRow.newest)
