"""Actual spend beside a saved scenario: upload, look at, show to others, remove.

What was spent is confidential: only the workspace that saved the scenario sees it, until it chooses
to show it to whoever has the link.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath

from sqlalchemy.orm import Session, sessionmaker

from app.db.actuals_repository import ActualsRepository, ScenarioAccess
from app.db.tables import ActualSpendRow
from app.estimator.leading import leading_plan
from app.estimator.no_money import NoMoney
from app.estimator.report import Report
from app.estimator.report_money import MoneyReport, Timeline
from app.estimator.variance import Spend, VarianceReport, planned_costs, variance
from app.services.actual_cells import USD
from app.services.actual_files import FOCUS, ActualFile, ActualRow
from app.services.problems import (
    ActualsProblems,
    NotTheOwner,
    Problem,
    RevokedScenario,
    UnknownActuals,
    UnknownScenario,
)
from app.services.scenarios import ScenarioService, SharedScenario
from app.services.workspaces import hashed, now_utc, well_formed

LONGEST_NAME = 200
"""Characters of a file's name that are kept."""

NOTHING_FITS = "No method fits on any hardware, so there is no plan to compare with."
LATEST_ZONE = timedelta(hours=14)
"""By which the first clocks of the world are ahead of UTC: a month has begun where it has there."""


@dataclass(frozen=True, slots=True)
class Actuals:
    """The spend that was uploaded last.

    Parameters
    ----------
    method : whose plan it is compared with.
    shown : whether whoever has the link sees it.
    file_name : empty for what was pasted or sent through the API.
    """

    method: str
    shown: bool
    file_name: str
    uploaded_at: datetime
    file: ActualFile


@dataclass(frozen=True, slots=True)
class PlanAgainstActual:
    """A saved scenario and what was spent on it, as far as this reader may see it.

    Parameters
    ----------
    owned : whether this reader may upload and remove.
    methods : that have a plan by month; none in results of earlier versions.
    actuals : None where there are none, or where they are not for this reader.
    variance : None without actuals.
    """

    shared: SharedScenario
    owned: bool
    methods: tuple[str, ...]
    actuals: Actuals | None
    variance: VarianceReport | None


class ActualsService:
    """Use cases of actual spend; whatever is written is one transaction.

    Parameters
    ----------
    sessions : factory of database sessions.
    scenarios : where the plans are.
    clock : the time now, with its zone.
    """

    def __init__(
        self,
        sessions: sessionmaker[Session],
        scenarios: ScenarioService,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._sessions = sessions
        self._scenarios = scenarios
        self._clock = clock

    def get(self, token: str, workspace_key: str | None) -> PlanAgainstActual:
        """The plan and what was spent.

        Raises
        ------
        UnknownScenario : no scenario has this token.
        RevokedScenario : its owner has withdrawn it.
        """
        shared = self._scenarios.get(token)
        owned = self._scenarios.owns(token, workspace_key)
        with self._sessions() as session:
            row = ActualsRepository(session).find(token)
        visible = row is not None and (owned or row.shown)
        actuals = _actuals(row) if row is not None and visible else None
        return PlanAgainstActual(
            shared=shared,
            owned=owned,
            methods=planned_methods(shared.report),
            actuals=actuals,
            variance=None
            if actuals is None
            else _variance(shared.report, actuals, self._present()),
        )

    def offered(self, token: str, workspace_key: str | None) -> bool:
        """Whether there is something for this reader to see or to do: see `get`."""
        if self._scenarios.owns(token, workspace_key):
            return True
        with self._sessions() as session:
            row = ActualsRepository(session).find(token)
        return row is not None and row.shown

    def upload(
        self,
        token: str,
        workspace_key: str | None,
        read: Callable[[str], ActualFile],
        *,
        method: str = "",
        shown: bool | None = None,
        file_name: str = "",
    ) -> PlanAgainstActual:
        """Store spend in the place of what was uploaded before.

        Parameters
        ----------
        read : reads it, given the code of the currency that the scenario is shown in.
        method : whose plan it is compared with. Where none is named, that of the upload before;
            without one, the recommended one.
        shown : whether whoever has the link sees it; None leaves it as it was, and at first hidden.

        Raises
        ------
        UnknownScenario, RevokedScenario : see `get`.
        NoMoney : the result keeps no money by month.
        NotTheOwner : the key is missing, unknown or that of another workspace.
        ActualsProblems : what cannot be used; nothing was written.
        """
        self._owned(token, workspace_key)
        report = self._scenarios.get(token).report
        standard = _checked_method(report, method)
        body = _body(read(report.currency.code))
        with self._sessions.begin() as session:
            # Asked again: the link may have been withdrawn while a long file was read.
            actuals = ActualsRepository(session)
            access = _standing(actuals, token, workspace_key)
            before = actuals.find(token)
            if before is not None:
                method = method or before.method
                shown = before.shown if shown is None else shown
            actuals.put(
                access.id,
                method=method or standard,
                shown=bool(shown),
                file_name=_plain_name(file_name),
                body_json=body,
                uploaded_at=self._clock(),
            )
        return self.get(token, workspace_key)

    def change(self, token: str, workspace_key: str | None, *, method: str, shown: bool) -> None:
        """Compare with the plan of another method, or show the spend to others or not.

        Raises
        ------
        UnknownScenario, RevokedScenario, NotTheOwner, ActualsProblems, NoMoney : see `upload`.
        UnknownActuals : nothing was uploaded.
        """
        self._owned(token, workspace_key)
        chosen = _checked_method(self._scenarios.get(token).report, method)
        with self._sessions.begin() as session:
            actuals = ActualsRepository(session)
            access = _standing(actuals, token, workspace_key)
            if not actuals.change(access.id, method=chosen, shown=shown):
                raise UnknownActuals(token)

    def remove(self, token: str, workspace_key: str | None) -> None:
        """Forget what was uploaded; once more does nothing.

        Raises
        ------
        UnknownScenario, RevokedScenario, NotTheOwner : see `upload`.
        """
        with self._sessions.begin() as session:
            actuals = ActualsRepository(session)
            _standing(actuals, token, workspace_key)
            actuals.remove(token)

    def _present(self) -> str:
        """Label of the month that it is now, where its first day comes first."""
        return f"{self._clock() + LATEST_ZONE:%Y-%m}"

    def _owned(self, token: str, workspace_key: str | None) -> None:
        """Refuse whoever may not change anything, before any work is done for them."""
        with self._sessions() as session:
            _standing(ActualsRepository(session), token, workspace_key)


def planned_methods(report: Report) -> tuple[str, ...]:
    """Methods that have a plan by month."""
    if report.timeline is None:
        return ()
    return tuple(m.method for m in report.methods if m.money is not None)


def recommended(report: Report) -> str:
    """The method whose plan is compared with unless another is chosen; empty where none has one."""
    leader = leading_plan(report)
    return "" if leader is None else leader.method


def plan_of(report: Report, method: str) -> tuple[MoneyReport, Timeline] | None:
    """The money of a method and the calendar it stands on; None where it has no plan."""
    money = next((m.money for m in report.methods if m.method == method), None)
    return None if money is None or report.timeline is None else (money, report.timeline)


def spends_of(rows: Iterable[ActualRow], per_usd: float) -> list[Spend]:
    """What was spent in US dollars, by month and category.

    Parameters
    ----------
    per_usd : units of the scenario's currency for one US dollar, the rate it was saved with.
    """
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row.month, row.category, row.currency] += row.amount
    rate = Decimal(repr(per_usd))
    return [
        Spend(month, category, float(amount if currency == USD else amount / rate))
        for (month, category, currency), amount in sums.items()
    ]


def _variance(report: Report, actuals: Actuals, present: str) -> VarianceReport | None:
    plan = plan_of(report, actuals.method)
    if plan is None:
        return None
    spends = spends_of(actuals.file.rows, report.currency.per_usd)
    reported = {spend.category for spend in spends}
    # A provider's bill holds neither people nor data nor audits, so they are no part of its plan.
    planned = planned_costs(*plan, reported, billed_only=actuals.file.kind == FOCUS)
    return variance(planned, spends, present)


def _checked_method(report: Report, method: str) -> str:
    """The method that was asked for, else the recommended one."""
    if report.timeline is None:
        raise NoMoney
    methods = planned_methods(report)
    if not methods:
        raise ActualsProblems([Problem("", NOTHING_FITS)])
    if method and method not in methods:
        said = f"Method must be one of {', '.join(methods)}, which have a plan."
        raise ActualsProblems([Problem("/method", said)])
    return method or recommended(report)


def _standing(actuals: ActualsRepository, token: str, workspace_key: str | None) -> ScenarioAccess:
    """The scenario, if its link stands and this key's workspace owns it."""
    access = actuals.access(token) if well_formed(token) else None
    if access is None:
        raise UnknownScenario(token[:64])
    key = well_formed(workspace_key)
    if key is None or access.owner_key_hash != hashed(key):
        raise NotTheOwner(token)
    if access.revoked_at is not None:
        raise RevokedScenario(token)
    return access


def _plain_name(name: str) -> str:
    """The name of a file without its folder, as far as it can be shown."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(letter for letter in last if letter.isprintable())[:LONGEST_NAME]


def _body(file: ActualFile) -> str:
    return json.dumps(
        {
            "kind": file.kind,
            "amount_column": file.amount_column,
            "read_rows": file.read_rows,
            "blank_rows": file.blank_rows,
            "rewritten_months": file.rewritten_months,
            "rows": [
                [row.month, row.category, str(row.amount), row.currency, row.note]
                for row in file.rows
            ],
        },
        separators=(",", ":"),
    )


def _actuals(row: ActualSpendRow) -> Actuals:
    body = json.loads(row.body_json)
    rows = tuple(
        ActualRow(month, category, Decimal(amount), currency, note)
        for month, category, amount, currency, note in body.pop("rows")
    )
    return Actuals(
        row.method, row.shown, row.file_name, row.uploaded_at, ActualFile(rows=rows, **body)
    )
