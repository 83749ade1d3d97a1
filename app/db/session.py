"""Engines and sessions for SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_TIMEOUT_MS = 5_000


def open_engine(database_url: str) -> Engine:
    """An engine for this URL; for a SQLite file, its folder is made.

    Notes
    -----
    The first query connects, not this call.
    """
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        # A server that was restarted or a proxy that dropped an idle connection costs one ping
        # instead of one failed request.
        return create_engine(url, pool_pre_ping=True)
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def open_sessions(engine: Engine) -> sessionmaker[Session]:
    """A factory of sessions. Rows stay readable after the commit."""
    return sessionmaker(engine, expire_on_commit=False)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # First, so that the following ones wait too. Two writers queue up instead of failing.
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    # Readers do not wait for the writer.
    cursor.execute("PRAGMA journal_mode = WAL")
    # Safe with WAL: a power cut may lose the last commits, and never corrupts the file.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
