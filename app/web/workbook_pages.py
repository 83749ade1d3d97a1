"""The workbook of a result, to be saved."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import __version__
from app.estimator.report import Report
from app.exports.workbook import LONGEST_LINK, MEDIA_TYPE, disposition, workbook_bytes
from app.services.problems import InputProblems
from app.services.slots import WORKBOOKS
from app.web.requests import Site, estimated, form_again, with_query
from app.web.tags import KEPT, tag_of, unchanged

router = APIRouter(include_in_schema=False)


def _workbook(request: Request, report: Report, link: str) -> Response:
    """The file, as an answer that a browser saves; it is not written for whoever has it already.

    Raises
    ------
    NoMoney : the report was saved by a version that kept none by month.
    Busy : too many are being written.
    """
    # All that the file is made of.
    tag = tag_of(json.dumps([__version__, link, asdict(report)]).encode())
    known = unchanged(request, tag)
    if known is not None:
        return known
    with WORKBOOKS.one():
        content = workbook_bytes(report, link if len(link) <= LONGEST_LINK else "")
    named = KEPT | {"Content-Disposition": disposition(report.title), "ETag": tag}
    return Response(content, media_type=MEDIA_TYPE, headers=named)


def _address(request: Request, path: str) -> str:
    return str(request.base_url).rstrip("/") + path


@router.get("/result/workbook.xlsx")
def result_workbook(request: Request, site: Site) -> Response:
    """The workbook of the scenario in the address."""
    pairs = request.query_params.multi_items()
    try:
        scenario, report = estimated(site, pairs)
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    # Whoever gets the file is not told of a price book.
    link = ""
    if not scenario.price_book:
        link = _address(request, with_query("/result", scenario.to_query()))
    return _workbook(request, report, link)


@router.get("/s/{token}/workbook.xlsx")
def shared_workbook(request: Request, site: Site, token: str) -> Response:
    """The workbook of a saved result, with the numbers that were shared."""
    found = site.scenarios.get(token)
    report = found.report
    if not report.title and found.title:
        report = replace(report, title=found.title)
    return _workbook(request, report, _address(request, f"/s/{token}"))
