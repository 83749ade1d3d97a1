"""All SQL of the application. Nothing here commits: the services own the transaction."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.tables import PriceSnapshotRow, ScenarioRow, Workspace


class ScenarioListing(NamedTuple):
    """One line of a list of scenarios."""

    token: str
    title: str
    headline: str
    created_at: datetime


class WorkspaceRepository:
    """Workspaces, by the hash of their key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(self, key_hash: str) -> Workspace | None:
        """The workspace with this key, if there is one."""
        return self._session.scalar(select(Workspace).where(Workspace.key_hash == key_hash))

    def add(self, key_hash: str, created_at: datetime) -> Workspace:
        """A new workspace, with its id."""
        workspace = Workspace(key_hash=key_hash, created_at=created_at)
        self._session.add(workspace)
        self._session.flush()
        return workspace


class ScenarioRepository:
    """Shared scenarios, by their token."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: ScenarioRow) -> None:
        """Store a scenario."""
        self._session.add(row)
        self._session.flush()

    def find(self, token: str) -> ScenarioRow | None:
        """The scenario with this token, revoked or not."""
        return self._session.scalar(select(ScenarioRow).where(ScenarioRow.token == token))

    def owner_key_hash(self, token: str) -> str | None:
        """Hash of the key of the workspace that owns this scenario; None for an unknown token."""
        return self._session.scalar(
            select(Workspace.key_hash)
            .join(ScenarioRow, ScenarioRow.workspace_id == Workspace.id)
            .where(ScenarioRow.token == token)
        )

    def recent(self, key_hash: str, limit: int) -> list[ScenarioListing]:
        """The newest scenarios of a workspace that are not revoked, newest first."""
        rows = self._session.execute(
            select(
                ScenarioRow.token, ScenarioRow.title, ScenarioRow.headline, ScenarioRow.created_at
            )
            .join(Workspace, ScenarioRow.workspace_id == Workspace.id)
            .where(Workspace.key_hash == key_hash, ScenarioRow.revoked_at.is_(None))
            .order_by(ScenarioRow.created_at.desc(), ScenarioRow.id.desc())
            .limit(limit)
        )
        return [ScenarioListing(*row) for row in rows]

    def revoke(self, token: str, revoked_at: datetime) -> None:
        """Withdraw a scenario; one that is withdrawn keeps its first time."""
        self._session.execute(
            update(ScenarioRow)
            .where(ScenarioRow.token == token, ScenarioRow.revoked_at.is_(None))
            .values(revoked_at=revoked_at)
        )


class PriceSnapshotRepository:
    """Price lists that scenarios were saved with, by their hash."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def holds(self, price_list_hash: str) -> bool:
        """Whether this price list is stored."""
        return self._session.get(PriceSnapshotRow, price_list_hash) is not None

    def find(self, price_list_hash: str) -> bytes | None:
        """The price list as it was stored, if it is there."""
        row = self._session.get(PriceSnapshotRow, price_list_hash)
        return None if row is None else row.body

    def add(self, price_list_hash: str, body: bytes, created_at: datetime) -> None:
        """Store a price list; one that another process has stored meanwhile stays as it is."""
        values = {"hash": price_list_hash, "body": body, "created_at": created_at}
        # Both databases know this insert; SQL itself has no word for it.
        if self._session.get_bind().dialect.name == "sqlite":
            self._session.execute(
                sqlite.insert(PriceSnapshotRow).values(values).on_conflict_do_nothing()
            )
        else:
            self._session.execute(
                postgresql.insert(PriceSnapshotRow).values(values).on_conflict_do_nothing()
            )


def ping(engine: Engine) -> None:
    """Ask the database for an answer, from a table of ours.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError : it does not answer, or was never migrated.
    """
    with engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM alembic_version")).first()
