"""The workbook of a result, to be saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.estimator.report import Report
from app.exports.workbook import MEDIA_TYPE, disposition, workbook_bytes
from app.services.estimates import estimate
from app.services.problems import InputProblems
from app.web import requests
from app.web.requests import PRIVATE, REVALIDATE, Site, form_again, read_scenario, with_query

router = APIRouter(include_in_schema=False)

LONGEST_LINK = 2_000
"""Characters that a spreadsheet takes as a link."""


def _workbook(report: Report, link: str, headers: Mapping[str, str]) -> Response:
    """The file, as an answer that a browser saves.

    Raises
    ------
    NoMoney : the report was saved by a version that kept none by month.
    """
    content = workbook_bytes(report, link if len(link) <= LONGEST_LINK else "")
    named = {"Content-Disposition": disposition(report.title), **headers}
    return Response(content, media_type=MEDIA_TYPE, headers=named)


def _address(request: Request, path: str) -> str:
    return str(request.base_url).rstrip("/") + path


@router.get("/result/workbook.xlsx")
def result_workbook(request: Request, site: Site) -> Response:
    """The workbook of the scenario in the address."""
    pairs = request.query_params.multi_items()
    try:
        scenario = read_scenario(pairs)
        report = estimate(scenario, site.catalog_of(scenario), requests.today())
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    # Whoever gets the file is not told of a price book.
    link = ""
    if not scenario.price_book:
        link = _address(request, with_query("/result", scenario.to_query()))
    return _workbook(report, link, REVALIDATE)


@router.get("/s/{token}/workbook.xlsx")
def shared_workbook(request: Request, site: Site, token: str) -> Response:
    """The workbook of a saved result, with the numbers that were shared."""
    found = site.scenarios.get(token)
    report = found.report
    if not report.title and found.title:
        report = replace(report, title=found.title)
    return _workbook(report, _address(request, f"/s/{token}"), PRIVATE)
