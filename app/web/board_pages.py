"""One printed page for a board, of a saved result or of one that has no link yet."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from app.services.problems import InputProblems
from app.web import board_views
from app.web.context_frame import Layout
from app.web.context_results import Board
from app.web.requests import (
    PRIVATE,
    REVALIDATE,
    Site,
    currency_names,
    estimated,
    form_again,
    with_query,
)

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/s/{token}/board")
def shared_board(request: Request, site: Site, token: str) -> Response:
    """The page of a saved result, with the numbers that were shared and its link."""
    found = site.scenarios.get(token)
    view = board_views.view(
        found.report,
        title=found.report.title or found.title,
        day=found.created_at,
        link=f"{str(request.base_url).rstrip('/')}/s/{token}",
        names=currency_names(site.catalog),
    )
    return site.render(
        "pages/board.html",
        Board(
            Layout(f"{view.title}, for the board", indexed=False, in_dollars=False),
            view,
            f"/s/{token}",
        ),
        headers=PRIVATE,
    )


@router.get("/result/board")
def board(request: Request, site: Site) -> Response:
    """The page of the scenario in the address, which has no link yet."""
    pairs = request.query_params.multi_items()
    try:
        scenario, report = estimated(site, pairs)
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    view = board_views.view(
        report, title=scenario.title, day=report.as_of, link="", names=currency_names(site.catalog)
    )
    return site.render(
        "pages/board.html",
        Board(
            Layout(f"{view.title}, for the board", indexed=False, in_dollars=False),
            view,
            with_query("/result", scenario.to_query()),
        ),
        headers=REVALIDATE,
    )
