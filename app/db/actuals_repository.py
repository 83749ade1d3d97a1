"""All SQL of actual spend. Nothing here commits: the services own the transaction."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.tables import ActualSpendRow, ScenarioRow, Workspace


class ScenarioAccess(NamedTuple):
    """What has to be known of a scenario before its spend is touched.

    Parameters
    ----------
    owner_key_hash : of the key of the workspace that owns it.
    revoked_at : when its link was withdrawn; None while it stands.
    """

    id: int
    owner_key_hash: str
    revoked_at: datetime | None


class ActualsRepository:
    """Actual spend, by the token of its scenario; at most one upload each."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def access(self, token: str) -> ScenarioAccess | None:
        """Owner and state of a scenario; None for an unknown token."""
        row = self._session.execute(
            select(ScenarioRow.id, Workspace.key_hash, ScenarioRow.revoked_at)
            .join(Workspace, ScenarioRow.workspace_id == Workspace.id)
            .where(ScenarioRow.token == token)
        ).first()
        return None if row is None else ScenarioAccess(*row)

    def find(self, token: str) -> ActualSpendRow | None:
        """The spend of a scenario, if there is any."""
        return self._session.scalar(
            select(ActualSpendRow)
            .join(ScenarioRow, ActualSpendRow.scenario_id == ScenarioRow.id)
            .where(ScenarioRow.token == token)
        )

    def put(
        self,
        scenario_id: int,
        *,
        method: str,
        shown: bool,
        file_name: str,
        body_json: str,
        uploaded_at: datetime,
    ) -> None:
        """Store the spend of a scenario in the place of what was there."""
        values = {
            "method": method,
            "shown": shown,
            "file_name": file_name,
            "body_json": body_json,
            "uploaded_at": uploaded_at,
        }
        # Both databases know this insert; of two uploads at once the later one stays.
        of = sqlite if self._session.get_bind().dialect.name == "sqlite" else postgresql
        self._session.execute(
            of.insert(ActualSpendRow)
            .values(scenario_id=scenario_id, **values)
            .on_conflict_do_update(index_elements=["scenario_id"], set_=values)
        )

    def change(self, scenario_id: int, *, method: str, shown: bool) -> bool:
        """Compare with another method, or show it to others; whether there was any spend."""
        changed = self._session.execute(
            update(ActualSpendRow)
            .where(ActualSpendRow.scenario_id == scenario_id)
            .values(method=method, shown=shown)
            .returning(ActualSpendRow.id)
        )
        return changed.first() is not None

    def remove(self, token: str) -> None:
        """Forget the spend of a scenario; where there is none, nothing happens."""
        of_token = select(ScenarioRow.id).where(ScenarioRow.token == token).scalar_subquery()
        self._session.execute(delete(ActualSpendRow).where(ActualSpendRow.scenario_id == of_token))
