"""The page of today's numbers beside a shared result."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from app import __version__
from app.services.book_access import INSTALLATION
from app.services.bridges import End
from app.services.repricing import Repriced, reprice
from app.services.scenarios import SharedScenario
from app.web import bridge_parts, comparisons, requests, results, show_dates, today_views
from app.web.context_comparisons import Today
from app.web.context_frame import Layout
from app.web.requests import PRIVATE, Site, with_query

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def shared_side(found: SharedScenario, heading: str) -> comparisons.Side:
    """A saved scenario as one side of a comparison."""
    basis = (
        f"as shared on {show_dates.day(found.created_at)}: estimator {found.estimator_version}, "
        f"{results.prices(found.report)}"
    )
    return comparisons.Side(
        heading, found.scenario, found.report, f"/s/{found.token}", basis, pinned=True
    )


def _sides(
    shared: SharedScenario, repriced: Repriced, address: str
) -> tuple[comparisons.Side, comparisons.Side] | None:
    if repriced.after is None:
        return None
    today = comparisons.Side(
        "Today",
        shared.scenario,
        repriced.after,
        address,
        f"today: estimator {__version__}, {results.prices(repriced.after)}",
        pinned=False,
    )
    return shared_side(shared, "As shared"), today


@router.get("/s/{token}/today")
def today(site: Site, token: str, bridge: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The numbers that were shared, today's, and the prices between them."""
    shared = site.scenarios.get(token)
    day = requests.today()
    repriced = reprice(shared, site.catalog, site.prices, day, site.workspace)
    offers = {}
    if repriced.changes:
        # Only what the rows of changed prices are called.
        prices = site.prices.priced(site.catalog, repriced.reference, INSTALLATION)
        offers = {offer.key: offer for offer in prices.listed}
    scenario = site.prices.shown(shared.scenario, site.workspace)
    # Without its price book the full result would be another one.
    same = scenario == shared.scenario
    if same:
        scenario = scenario.model_copy(update={"price_book": repriced.reference})
    result_address = with_query("/result", scenario.to_query()) if same else ""
    sides = _sides(shared, repriced, result_address)
    view = today_views.view(repriced, sides, offers, day)
    waterfall = None
    if sides is not None and repriced.after is not None:
        now = shared.scenario.model_copy(update={"price_book": repriced.reference})
        waterfall = bridge_parts.part(
            site,
            (End.saved(shared), End(now, repriced.after)),
            sides,
            bridge,
            lambda method: f"/s/{token}/today?bridge={method}#bridge",
        )
    title = shared.report.title or shared.title
    return site.render(
        "pages/today.html",
        Today(
            layout=Layout(
                f"{title}, as shared and today" if title else "As shared, and today",
                indexed=False,
                in_dollars=shared.report.currency.code == "USD"
                and not (view.comparison and view.comparison.currency),
            ),
            title=title,
            shared_address=f"/s/{token}",
            saved=show_dates.day(shared.created_at),
            result_address=result_address,
            builder_address=with_query("/estimate", scenario.to_query()),
            view=view,
            bridge=waterfall,
        ),
        headers=PRIVATE,
    )
