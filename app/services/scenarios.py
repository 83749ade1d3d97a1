"""Save, share, list and withdraw scenarios.

A scenario is saved with the whole report that it was computed with, so a link shows the numbers
that were shared, whatever the prices and the code are when it is opened.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from app.catalog.catalog import Catalog
from app.catalog.price_changes import listed_price, packed
from app.db.actuals_repository import ActualsRepository
from app.db.repositories import (
    PriceSnapshotRepository,
    ScenarioListing,
    ScenarioRepository,
    WorkspaceRepository,
)
from app.db.tables import ScenarioRow
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.input_schemas import INPUT_SCHEMA, read_input
from app.services.problems import NotTheOwner, RevokedScenario, UnknownScenario
from app.services.report_schemas import read_report
from app.services.workspaces import hashed, new_secret, now_utc, well_formed

MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class SharedScenario:
    """A saved scenario, as it was saved.

    Parameters
    ----------
    price_list_hash : which prices were in force; None where it was saved before they were kept.
    """

    token: str
    title: str
    scenario: ScenarioInput
    report: Report
    created_at: datetime
    estimator_version: str
    catalog_hash: str
    price_list_hash: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved. The key is there only when a workspace was created for it just now."""

    scenario: SharedScenario
    workspace_key: str | None


@dataclass(frozen=True, slots=True)
class ScenarioSummary:
    """One entry of the list of recent scenarios."""

    token: str
    title: str
    headline: str
    created_at: datetime


def report_to_json(report: Report) -> str:
    """The report as it is stored: ``report_from_json`` gives back an equal one, bit for bit.

    Notes
    -----
    Not pydantic's JSON, which writes infinity and not-a-number as null; both sides know
    ``Infinity`` and ``NaN``.
    """
    return json.dumps(asdict(report), separators=(",", ":"))


def report_from_json(text: str) -> Report:
    """The report that was stored, in today's form where an earlier version stored it."""
    return read_report(text)


class ScenarioService:
    """Use cases of saved scenarios; each is one transaction.

    Parameters
    ----------
    sessions : factory of database sessions.
    clock : the time now, with its zone.
    """

    def __init__(
        self, sessions: sessionmaker[Session], clock: Callable[[], datetime] = now_utc
    ) -> None:
        self._sessions = sessions
        self._clock = clock

    def save(
        self, scenario: ScenarioInput, report: Report, workspace_key: str | None, prices: Catalog
    ) -> Saved:
        """Save a scenario and its report under a new token.

        Parameters
        ----------
        prices : the catalogue that the report was computed with. Its price list is kept, so that
            what has changed since can be told by its rows.

        Notes
        -----
        A key that is missing or unknown gets a new workspace with a key of its own: a key chosen
        by somebody else is never adopted.
        """
        now = self._clock()
        new_key: str | None = None
        known_key = well_formed(workspace_key)
        with self._sessions.begin() as session:
            workspaces = WorkspaceRepository(session)
            workspace = workspaces.find(hashed(known_key)) if known_key else None
            if workspace is None:
                new_key = new_secret()
                workspace = workspaces.add(hashed(new_key), now)
            snapshots = PriceSnapshotRepository(session)
            if not snapshots.holds(prices.price_list_hash):
                body = packed(listed_price(offer) for offer in prices.listed)
                snapshots.add(prices.price_list_hash, body, now)
            row = ScenarioRow(
                token=new_secret(),
                workspace_id=workspace.id,
                title=scenario.title or report.title,
                headline=report.verdict.headline,
                input_json=scenario.model_dump_json(),
                input_schema=INPUT_SCHEMA,
                report_json=report_to_json(report),
                report_schema=report.schema,
                estimator_version=report.estimator_version,
                catalog_hash=report.catalog_hash,
                price_list_hash=prices.price_list_hash,
                created_at=now,
            )
            ScenarioRepository(session).add(row)
            # Inside the transaction: what could not be read back is not saved.
            shared = _shared(row)
        return Saved(shared, new_key)

    def get(self, token: str) -> SharedScenario:
        """The scenario with this token, with the numbers that were shared.

        Raises
        ------
        UnknownScenario : no scenario has this token.
        RevokedScenario : its owner has withdrawn it.
        """
        if not well_formed(token):
            raise UnknownScenario(token[:64])
        with self._sessions() as session:
            row = ScenarioRepository(session).find(token)
        if row is None:
            raise UnknownScenario(token)
        if row.revoked_at is not None:
            raise RevokedScenario(token)
        return _shared(row)

    def owns(self, token: str, workspace_key: str | None) -> bool:
        """Whether this key's workspace owns the scenario, revoked or not."""
        key = well_formed(workspace_key)
        if key is None or not well_formed(token):
            return False
        with self._sessions() as session:
            return ScenarioRepository(session).owner_key_hash(token) == hashed(key)

    def recent(self, workspace_key: str | None, limit: int = 20) -> list[ScenarioSummary]:
        """The newest scenarios of a workspace, newest first, without those revoked."""
        key = well_formed(workspace_key)
        if key is None:
            return []
        with self._sessions() as session:
            listings = ScenarioRepository(session).recent(hashed(key), min(limit, MAX_LISTED))
        return [_summary(listing) for listing in listings]

    def revoke(self, token: str, workspace_key: str | None) -> None:
        """Withdraw a link for good; once more does nothing.

        What was spent on it is forgotten: nobody could reach it any more to remove it.

        Raises
        ------
        UnknownScenario : no scenario has this token.
        NotTheOwner : the key is missing, unknown or that of another workspace.
        """
        if not well_formed(token):
            raise UnknownScenario(token[:64])
        key = well_formed(workspace_key)
        with self._sessions.begin() as session:
            scenarios = ScenarioRepository(session)
            owner = scenarios.owner_key_hash(token)
            if owner is None:
                raise UnknownScenario(token)
            if key is None or owner != hashed(key):
                raise NotTheOwner(token)
            scenarios.revoke(token, self._clock())
            ActualsRepository(session).remove(token)


def _shared(row: ScenarioRow) -> SharedScenario:
    return SharedScenario(
        token=row.token,
        title=row.title,
        scenario=read_input(row.input_json, row.input_schema),
        report=report_from_json(row.report_json),
        created_at=row.created_at,
        estimator_version=row.estimator_version,
        catalog_hash=row.catalog_hash,
        price_list_hash=row.price_list_hash,
    )


def _summary(listing: ScenarioListing) -> ScenarioSummary:
    return ScenarioSummary(
        token=listing.token,
        title=listing.title,
        headline=listing.headline,
        created_at=listing.created_at,
    )
