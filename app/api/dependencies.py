"""What the routes of the API need of the application and of a request."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.catalog.catalog import Catalog
from app.services.actuals import ActualsService
from app.services.price_books import PriceBooks
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService

bearer = HTTPBearer(auto_error=False, description="Workspace key, as it was shown at first save.")

OPTIONAL_BEARER: dict[str, Any] = {"security": [{}, {"HTTPBearer": []}]}
PRIVATE = {"Cache-Control": "private, no-store"}


def _catalog(request: Request) -> Catalog:
    catalog: Catalog = request.app.state.catalog
    return catalog


def _scenarios(request: Request) -> ScenarioService:
    service: ScenarioService = request.app.state.scenarios
    return service


def _actuals(request: Request) -> ActualsService:
    service: ActualsService = request.app.state.actuals
    return service


def _price_books(request: Request) -> PriceBooks:
    service: PriceBooks = request.app.state.price_books
    return service


def _scenario_prices(request: Request) -> ScenarioPrices:
    service: ScenarioPrices = request.app.state.scenario_prices
    return service


def _workspace_key(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str | None:
    return credentials.credentials if credentials else None


CatalogDep = Annotated[Catalog, Depends(_catalog)]
ScenariosDep = Annotated[ScenarioService, Depends(_scenarios)]
ActualsDep = Annotated[ActualsService, Depends(_actuals)]
BooksDep = Annotated[PriceBooks, Depends(_price_books)]
PricesDep = Annotated[ScenarioPrices, Depends(_scenario_prices)]
WorkspaceKey = Annotated[str | None, Depends(_workspace_key)]
