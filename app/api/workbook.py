"""The workbook of a scenario."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Response

from app.api.dependencies import OPTIONAL_BEARER, CatalogDep, PricesDep, WorkspaceKey
from app.api.errors import UNUSABLE
from app.api.scenario_body import ScenarioBody
from app.exports.workbook import MEDIA_TYPE, disposition, workbook_bytes
from app.services.estimates import estimate
from app.services.slots import WORKBOOKS

router = APIRouter()

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An XLSX file.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/workbook",
    response_class=Response,
    responses={**UNUSABLE, **FILE},
    openapi_extra=OPTIONAL_BEARER,
)
def create_workbook(
    scenario: ScenarioBody, catalog: CatalogDep, prices: PricesDep, workspace_key: WorkspaceKey
) -> Response:
    """Compute a scenario, and return it as a workbook with live formulas. Nothing is stored.

    A price book of a workspace needs its key.
    """
    priced = prices.priced(catalog, scenario.price_book, workspace_key)
    report = estimate(scenario, priced, datetime.now(UTC).date())
    named = {"Content-Disposition": disposition(report.title)}
    with WORKBOOKS.one():
        content = workbook_bytes(report)
    return Response(content, media_type=MEDIA_TYPE, headers=named)
