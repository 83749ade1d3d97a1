"""The money of a saved scenario as flat records; the same columns as the CSV below its link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api.dependencies import PRIVATE, CatalogDep, ScenariosDep
from app.api.errors import ABSENT, NO_MONEY
from app.exports.csv_text import Value
from app.exports.feed_rows import CashFlowRow, LineRow, PeriodRow, SummaryRow, TotalRow
from app.exports.feeds import cash_flow_rows, line_rows, period_rows, summary_rows, total_rows
from app.exports.focus import ALL, SCOPES, focus_columns, focus_rows, scenario_id_of
from app.exports.focus_columns import V1_0, VERSIONS

router = APIRouter(prefix="/scenarios/{token}", responses={**ABSENT, **NO_MONEY})


@router.get("/cash-flow")
def read_cash_flow(token: str, scenarios: ScenariosDep, response: Response) -> list[CashFlowRow]:
    """Cash flow of a saved scenario: one record for each method and month, month 0 too."""
    response.headers.update(PRIVATE)
    return cash_flow_rows(scenarios.get(token).report)


@router.get("/lines")
def read_lines(token: str, scenarios: ScenariosDep, response: Response) -> list[LineRow]:
    """Cost and benefit lines of a saved scenario in the months in which there is any of them."""
    response.headers.update(PRIVATE)
    return line_rows(scenarios.get(token).report)


@router.get("/totals")
def read_totals(token: str, scenarios: ScenariosDep, response: Response) -> list[TotalRow]:
    """Cost and benefit lines of a saved scenario over the horizon."""
    response.headers.update(PRIVATE)
    return total_rows(scenarios.get(token).report)


@router.get("/periods")
def read_periods(token: str, scenarios: ScenariosDep, response: Response) -> list[PeriodRow]:
    """Fiscal quarters and years of a saved scenario, for each method."""
    response.headers.update(PRIVATE)
    return period_rows(scenarios.get(token).report)


@router.get("/summary")
def read_summary(token: str, scenarios: ScenariosDep, response: Response) -> list[SummaryRow]:
    """One record for each method of a saved scenario: worth, range, returns, chances."""
    response.headers.update(PRIVATE)
    return summary_rows(scenarios.get(token).report)


@router.get("/focus")
def read_focus(
    token: str,
    catalog: CatalogDep,
    scenarios: ScenariosDep,
    response: Response,
    version: Annotated[
        str, Query(max_length=20, description=f"Of FOCUS: {', '.join(VERSIONS)}.")
    ] = V1_0,
    method: Annotated[
        str,
        Query(
            max_length=20,
            description="Key of a method; empty is the recommended one, or where none is "
            "recommended the one that the result leads with.",
        ),
    ] = "",
    scope: Annotated[
        str,
        Query(
            max_length=20,
            description=f"{' or '.join(SCOPES)}: all costs, or what providers are paid alone.",
        ),
    ] = ALL,
) -> list[dict[str, Value]]:
    """Forecast of one method in the shape of FOCUS; `x_IsProjection` is true in every record."""
    response.headers.update(PRIVATE)
    report = scenarios.get(token).report
    names = {key: provider.name for key, provider in catalog.providers.items()}
    rows = focus_rows(report, scenario_id_of(token), version, method, scope, names)
    columns = focus_columns(version)
    return [dict(zip(columns, row, strict=True)) for row in rows]
