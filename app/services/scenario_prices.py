"""The prices that scenarios are computed with: of price books today, and as they were kept."""

from __future__ import annotations

import threading
from collections import OrderedDict

from sqlalchemy.orm import Session, sessionmaker

from app.catalog.catalog import Catalog
from app.catalog.price_changes import ListedPrice, unpacked
from app.catalog.priced import priced
from app.db.price_book_repository import PriceBookRepository
from app.db.repositories import PriceSnapshotRepository
from app.inputs import ScenarioInput
from app.services.book_access import Asker, may_use, read_reference, referred
from app.services.book_versions import stored_book

MOST_OFFERS_KEPT = 150_000
"""Offers of catalogues that are kept in memory, all together; about 1 KiB each."""

_Key = tuple[str, int, str, str]


class ScenarioPrices:
    """Price books as scenarios use them, each time only by those who may.

    Notes
    -----
    A reference is ``TOKEN`` for the newest version of a book, ``TOKEN@3`` for another, and empty
    for the built-in prices. It is a name and not a permission: links and answers that others read
    have held it.

    Parameters
    ----------
    sessions : factory of database sessions.
    """

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, Catalog] = OrderedDict()
        self._under_way: dict[_Key, threading.Lock] = {}

    def priced(self, catalog: Catalog, reference: str, asker: Asker) -> Catalog:
        """The catalogue with the prices of a book in force.

        Raises
        ------
        InputProblems : there is no such book or version, or it is another workspace's.
        """
        if not reference:
            return catalog
        with self._sessions() as session:
            listing = referred(PriceBookRepository(session), reference, asker)
        # The second hash tells catalogues of one content as of several days apart.
        key = (
            *(listing.token, listing.version.number),
            *(catalog.content_hash, catalog.price_list_hash),
        )
        with self._lock:
            kept = self._look_up(key)
            if kept is not None:
                return kept
            turn = self._under_way.setdefault(key, threading.Lock())
        # A large book takes seconds: whoever asks for it meanwhile waits for the same answer.
        with turn:
            with self._lock:
                kept = self._look_up(key)
            if kept is not None:
                return kept
            try:
                with self._sessions() as session:
                    book = stored_book(PriceBookRepository(session), listing)
                made = priced(catalog, book)
                with self._lock:
                    self._keep(key, made)
            finally:
                with self._lock:
                    self._under_way.pop(key, None)
        return made

    def _look_up(self, key: _Key) -> Catalog | None:
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
        return kept

    def _keep(self, key: _Key, made: Catalog) -> None:
        self._kept[key] = made
        while len(self._kept) > 1 and (
            sum(len(kept.listed) for kept in self._kept.values()) > MOST_OFFERS_KEPT
        ):
            self._kept.popitem(last=False)

    def pin(self, reference: str, asker: Asker) -> str:
        """The reference with a version, the newest one unless it names one.

        Raises
        ------
        InputProblems : see `priced`.
        """
        if not reference:
            return ""
        with self._sessions() as session:
            listing = referred(PriceBookRepository(session), reference, asker)
        return f"{listing.token}@{listing.version.number}"

    def newer_version(self, reference: str, asker: Asker) -> int | None:
        """Number of the newest version, where the reference names an older one.

        None where it does not, and for whoever may not use the book.
        """
        named = read_reference(reference)
        if named is None or named[1] is None:
            return None
        with self._sessions() as session:
            listing = PriceBookRepository(session).find(named[0])
        if listing is None or not may_use(listing, asker) or listing.newest <= named[1]:
            return None
        return listing.newest

    def shown(self, scenario: ScenarioInput, asker: Asker) -> ScenarioInput:
        """A shared scenario as it is handed out: without a price book that is not the asker's."""
        if not scenario.price_book:
            return scenario
        named = read_reference(scenario.price_book)
        with self._sessions() as session:
            listing = PriceBookRepository(session).find(*named) if named else None
        if listing is not None and may_use(listing, asker):
            return scenario
        return scenario.model_copy(update={"price_book": ""})

    def price_list(self, price_list_hash: str | None) -> tuple[ListedPrice, ...] | None:
        """The prices that were in force when a scenario was saved; None where they are not kept."""
        if price_list_hash is None:
            return None
        with self._sessions() as session:
            body = PriceSnapshotRepository(session).find(price_list_hash)
        return None if body is None else unpacked(body)
