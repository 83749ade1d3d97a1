"""JSON API, version 1. Every answer is the report that the pages show."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import ValidationError

from app.api import actuals as actual_routes
from app.api import bridges as bridge_routes
from app.api import feeds as feed_routes
from app.api import prices as price_routes
from app.api import workbook as workbook_routes
from app.api.dependencies import (
    OPTIONAL_BEARER,
    PRIVATE,
    CatalogDep,
    PricesDep,
    ScenariosDep,
    WorkspaceKey,
)
from app.api.errors import ABSENT, UNUSABLE
from app.api.scenario_body import ScenarioBody
from app.api.schemas import AcceleratorOut, ModelOut, RepricedOut, SavedOut, ScenarioOut
from app.catalog.catalog import Catalog
from app.estimator.hardware import PURCHASE_OPTIONS
from app.estimator.report import Report
from app.exports.plans import PlansReport, plans_report
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.estimates import estimate
from app.services.plans import Filters, plan, trained_tables
from app.services.problems import InputProblems, problems_from_validation
from app.services.repricing import reprice
from app.services.scenarios import SharedScenario

router = APIRouter(prefix="/api/v1", tags=["v1"], responses={422: UNUSABLE[422]})
router.include_router(price_routes.router)
router.include_router(workbook_routes.router)
router.include_router(bridge_routes.router)
router.include_router(actual_routes.router)
router.include_router(feed_routes.router)

QUERY_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": name,
        "in": "query",
        "required": False,
        "description": found.get("description", ""),
        "schema": {key: value for key, value in found.items() if key != "description"},
    }
    for name, found in ScenarioInput.model_json_schema()["properties"].items()
    if name not in {"config_json", "assumptions"}
]
"""The members of a scenario that fit into a query as they are."""


def _today() -> date:
    return datetime.now(UTC).date()


def _out(shared: SharedScenario, scenario: ScenarioInput) -> dict[str, Any]:
    """A saved scenario, with its inputs as the asker may see them."""
    return {
        "token": shared.token,
        "path": f"/s/{shared.token}",
        "title": shared.title,
        "created_at": shared.created_at,
        "estimator_version": shared.estimator_version,
        "catalog_hash": shared.catalog_hash,
        "scenario": scenario,
        "report": shared.report,
    }


@router.post("/estimates", responses=UNUSABLE, openapi_extra=OPTIONAL_BEARER)
def create_estimate(
    scenario: ScenarioBody, catalog: CatalogDep, prices: PricesDep, workspace_key: WorkspaceKey
) -> Report:
    """Compute the report of a scenario. Nothing is stored.

    A price book of a workspace needs its key.
    """
    priced = prices.priced(catalog, scenario.price_book, workspace_key)
    return estimate(scenario, priced, _today())


def _filters(
    provider: Annotated[str, Query(max_length=200, description="Key of a provider.")] = "",
    region: Annotated[str, Query(max_length=200, description="As the provider calls it.")] = "",
    gpu: Annotated[str, Query(max_length=200, description="Key of an accelerator.")] = "",
    option: Annotated[
        str, Query(max_length=200, description=f"One of {', '.join(PURCHASE_OPTIONS)}.")
    ] = "",
) -> Filters:
    return Filters(provider, region, gpu, option)


FiltersDep = Annotated[Filters, Depends(_filters)]


def _plans(scenario: ScenarioInput, filters: Filters, catalog: Catalog) -> PlansReport:
    report = plan(scenario, filters, catalog, _today())
    return plans_report(report, trained_tables(scenario, catalog))


@router.post("/plans", responses=UNUSABLE, openapi_extra=OPTIONAL_BEARER)
def create_plans(
    scenario: ScenarioBody,
    filters: FiltersDep,
    catalog: CatalogDep,
    prices: PricesDep,
    workspace_key: WorkspaceKey,
) -> PlansReport:
    """Plans of a scenario: the frontier of cost against hours, and recipes that launch the chosen.

    Only offers that pass `provider`, `region`, `gpu` and `option` are planned on. Nothing is
    stored. A price book of a workspace needs its key.
    """
    priced = prices.priced(catalog, scenario.price_book, workspace_key)
    return _plans(scenario, filters, priced)


@router.get("/plans", openapi_extra={**OPTIONAL_BEARER, "parameters": QUERY_PARAMETERS})
def read_plans(
    request: Request,
    filters: FiltersDep,
    catalog: CatalogDep,
    prices: PricesDep,
    workspace_key: WorkspaceKey,
) -> PlansReport:
    """The same for a scenario in the address, with its members as in the addresses of pages.

    A constant is changed with `assumptions.KEY`; names that are not known are left out.
    """
    try:
        scenario = ScenarioInput.model_validate(
            fields_from_pairs(request.query_params.multi_items())
        )
    except ValidationError as error:
        raise InputProblems(problems_from_validation(error)) from error
    priced = prices.priced(catalog, scenario.price_book, workspace_key)
    return _plans(scenario, filters, priced)


@router.post("/scenarios", status_code=201, responses=UNUSABLE, openapi_extra=OPTIONAL_BEARER)
def create_scenario(
    scenario: ScenarioBody,
    catalog: CatalogDep,
    prices: PricesDep,
    scenarios: ScenariosDep,
    workspace_key: WorkspaceKey,
    response: Response,
) -> SavedOut:
    """Compute and save a scenario; its link shows these numbers for good.

    A price book is pinned to its version of now; one of a workspace needs its key.
    """
    reference = prices.pin(scenario.price_book, workspace_key)
    pinned = scenario.model_copy(update={"price_book": reference})
    priced = prices.priced(catalog, reference, workspace_key)
    report = estimate(pinned, priced, _today())
    saved = scenarios.save(pinned, report, workspace_key, priced)
    response.headers["Location"] = f"/api/v1/scenarios/{saved.scenario.token}"
    response.headers.update(PRIVATE)
    return SavedOut(**_out(saved.scenario, pinned), workspace_key=saved.workspace_key)


@router.get("/scenarios/{token}", responses=ABSENT, openapi_extra=OPTIONAL_BEARER)
def read_scenario(
    token: str,
    prices: PricesDep,
    scenarios: ScenariosDep,
    workspace_key: WorkspaceKey,
    response: Response,
) -> ScenarioOut:
    """A saved scenario as it was computed.

    Its price book is named only to those who may compute with it.
    """
    response.headers.update(PRIVATE)
    found = scenarios.get(token)
    return ScenarioOut(**_out(found, prices.shown(found.scenario, workspace_key)))


@router.get(
    "/scenarios/{token}/today",
    responses={**ABSENT, 503: UNUSABLE[503]},
    openapi_extra=OPTIONAL_BEARER,
)
def reprice_scenario(
    token: str,
    catalog: CatalogDep,
    prices: PricesDep,
    scenarios: ScenariosDep,
    workspace_key: WorkspaceKey,
    response: Response,
) -> RepricedOut:
    """A saved scenario as it was computed and as it is today, and the prices that changed."""
    response.headers.update(PRIVATE)
    found = scenarios.get(token)
    return RepricedOut.of(reprice(found, catalog, prices, _today(), workspace_key))


@router.delete("/scenarios/{token}", status_code=204, responses={**ABSENT, 403: UNUSABLE[403]})
def revoke_scenario(token: str, scenarios: ScenariosDep, workspace_key: WorkspaceKey) -> None:
    """Withdraw a link. Needs the key of the workspace that saved it."""
    scenarios.revoke(token, workspace_key)


@router.get("/models")
def list_models(catalog: CatalogDep) -> list[ModelOut]:
    """Built-in models with their exact parameter counts."""
    return [ModelOut.of(entry) for entry in catalog.models.values()]


@router.get("/accelerators")
def list_accelerators(catalog: CatalogDep) -> list[AcceleratorOut]:
    """GPUs in dense figures, with source."""
    return [AcceleratorOut.of(accelerator) for accelerator in catalog.accelerators.values()]
