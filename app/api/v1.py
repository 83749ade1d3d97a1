"""JSON API, version 1. Every answer is the report that the pages show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import ValidationError

from app.api.errors import ABSENT, UNUSABLE
from app.api.schemas import AcceleratorOut, ModelOut, OfferOut, SavedOut, ScenarioOut
from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.exports.plans import PlansReport, plans_report
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.estimates import estimate
from app.services.plans import Filters, plan, trained_tables
from app.services.problems import InputProblems, problems_from_validation
from app.services.scenarios import ScenarioService, SharedScenario

router = APIRouter(prefix="/api/v1", tags=["v1"], responses={422: UNUSABLE[422]})
bearer = HTTPBearer(auto_error=False, description="Workspace key, as it was shown at first save.")


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


def _scenarios(request: Request) -> ScenarioService:
    service: ScenarioService = request.app.state.scenarios
    return service


def _workspace_key(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str | None:
    return credentials.credentials if credentials else None


CatalogDep = Annotated[Catalog, Depends(_catalog)]
ScenariosDep = Annotated[ScenarioService, Depends(_scenarios)]
WorkspaceKey = Annotated[str | None, Depends(_workspace_key)]

EXAMPLES: dict[str, Any] = {
    "three methods": {
        "summary": "Llama 3.1 8B on 50,000 legal documents, full against LoRA and QLoRA",
        "value": {
            "title": "Legal documents",
            "model": "meta-llama/Meta-Llama-3.1-8B",
            "examples": 50_000,
            "tokens_per_example": 900,
            "epochs": 3,
            "methods": ["full", "lora", "qlora"],
            "lora_rank": 64,
            "qlora_rank": 16,
            "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
            "task_group": "narrow",
            "base_accuracy_points": 62,
        },
    },
    "defaults": {"summary": "Every field has a default", "value": {}},
}
OPTIONAL_BEARER: dict[str, Any] = {"security": [{}, {"HTTPBearer": []}]}
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
ScenarioBody = Annotated[ScenarioInput, Body(openapi_examples=EXAMPLES)]


def _out(shared: SharedScenario) -> dict[str, Any]:
    return {
        "token": shared.token,
        "path": f"/s/{shared.token}",
        "title": shared.title,
        "created_at": shared.created_at,
        "estimator_version": shared.estimator_version,
        "catalog_hash": shared.catalog_hash,
        "scenario": shared.scenario,
        "report": shared.report,
    }


@router.post("/estimates", responses=UNUSABLE)
def create_estimate(scenario: ScenarioBody, catalog: CatalogDep) -> Report:
    """Compute the report of a scenario. Nothing is stored."""
    return estimate(scenario, catalog, datetime.now(UTC).date())


def _filters(
    provider: Annotated[str, Query(max_length=200, description="Key of a provider.")] = "",
    region: Annotated[str, Query(max_length=200, description="As the provider calls it.")] = "",
    gpu: Annotated[str, Query(max_length=200, description="Key of an accelerator.")] = "",
) -> Filters:
    return Filters(provider, region, gpu)


FiltersDep = Annotated[Filters, Depends(_filters)]


def _plans(scenario: ScenarioInput, filters: Filters, catalog: Catalog) -> PlansReport:
    report = plan(scenario, filters, catalog, datetime.now(UTC).date())
    return plans_report(report, trained_tables(scenario, catalog))


@router.post("/plans", responses=UNUSABLE)
def create_plans(scenario: ScenarioBody, filters: FiltersDep, catalog: CatalogDep) -> PlansReport:
    """Plans of a scenario: the frontier of cost against hours, and recipes that launch the chosen.

    Only offers that pass `provider`, `region` and `gpu` are planned on. Nothing is stored.
    """
    return _plans(scenario, filters, catalog)


@router.get("/plans", openapi_extra={"parameters": QUERY_PARAMETERS})
def read_plans(request: Request, filters: FiltersDep, catalog: CatalogDep) -> PlansReport:
    """The same for a scenario in the address, with its members as in the addresses of pages.

    A constant is changed with `assumptions.KEY`; names that are not known are left out.
    """
    try:
        scenario = ScenarioInput.model_validate(
            fields_from_pairs(request.query_params.multi_items())
        )
    except ValidationError as error:
        raise InputProblems(problems_from_validation(error)) from error
    return _plans(scenario, filters, catalog)


@router.post("/scenarios", status_code=201, responses=UNUSABLE, openapi_extra=OPTIONAL_BEARER)
def create_scenario(
    scenario: ScenarioBody,
    catalog: CatalogDep,
    scenarios: ScenariosDep,
    workspace_key: WorkspaceKey,
    response: Response,
) -> SavedOut:
    """Compute and save a scenario; its link shows these numbers for good."""
    report = estimate(scenario, catalog, datetime.now(UTC).date())
    saved = scenarios.save(scenario, report, workspace_key)
    response.headers["Location"] = f"/api/v1/scenarios/{saved.scenario.token}"
    response.headers["Cache-Control"] = "private, no-store"
    return SavedOut(**_out(saved.scenario), workspace_key=saved.workspace_key)


@router.get("/scenarios/{token}", responses=ABSENT)
def read_scenario(token: str, scenarios: ScenariosDep, response: Response) -> ScenarioOut:
    """A saved scenario as it was computed."""
    response.headers["Cache-Control"] = "private, no-store"
    return ScenarioOut(**_out(scenarios.get(token)))


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


@router.get("/offers")
def list_offers(
    catalog: CatalogDep,
    accelerator: str | None = None,
    provider: str | None = None,
    tier: str | None = None,
) -> list[OfferOut]:
    """Offers that training is planned on, with price, date and source.

    Filter by `accelerator`, `provider` or `tier` (list, capacity-block, marketplace).
    """
    return [
        OfferOut.of(offer)
        for offer in catalog.offers
        if (accelerator is None or offer.accelerator.key == accelerator)
        and (provider is None or offer.provider == provider)
        and (tier is None or offer.tier == tier)
    ]
