"""The page of the studies behind the expected accuracy, its file, and the check of own studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from app.inputs import ScenarioInput
from app.services.backtests import Backtests
from app.services.expectations import SHOWN_RANK, Expectations
from app.services.own_evidence import EXAMPLE_CSV, POINTER, parse_own_evidence
from app.services.problems import InputProblems, Problem
from app.web import evidence_views, htmx
from app.web.context_evidence import Evidence, EvidencePart, OwnEvidence
from app.web.context_frame import Layout
from app.web.evidence_backtest import backtest_view
from app.web.evidence_csv import as_csv
from app.web.evidence_expected import expected_view, kept_by_group
from app.web.evidence_numbers import sharing
from app.web.evidence_own import OwnEvidenceView, own_view
from app.web.evidence_query import EvidenceQuery, selected
from app.web.forms import ProblemView
from app.web.requests import PRIVATE, Page, Site
from app.web.validation_pages import csv_file

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Text = Annotated[str, Query(max_length=200)]

PUBLIC = {"Cache-Control": "no-cache"}
"""Nothing on these pages is of somebody."""
LONGEST = next(
    item.max_length
    for item in ScenarioInput.model_fields["own_evidence"].metadata
    if hasattr(item, "max_length")
)
"""Characters of own comparisons that a scenario can hold."""
FIELD_ID = "f-own"


def asked_evidence(
    group: Text = "",
    study: Text = "",
    method: Text = "",
    measured: Text = "",
    rank: Text = "",
    base: Text = "",
    foreign: Text = "",
) -> EvidenceQuery:
    """What the address asks for."""
    return EvidenceQuery(
        group=group.strip(),
        study=study.strip(),
        method=method.strip(),
        measured=measured.strip(),
        rank=rank.strip(),
        base=base.strip(),
        foreign="no" if foreign == "no" else "",
    )


Asked = Annotated[EvidenceQuery, Depends(asked_evidence)]


def _expectations(request: Request) -> Expectations:
    found: Expectations = request.app.state.expectations
    return found


def _backtests(request: Request) -> Backtests:
    found: Backtests = request.app.state.backtests
    return found


@router.get("/evidence")
def evidence(request: Request, site: Site, asked: Asked) -> Response:
    """What the studies say, narrowed; what the model makes of them, and how it did unseen."""
    catalog = site.catalog
    expected = _expectations(request).published()
    listed = evidence_views.evidence_list(catalog, asked, kept_by_group(expected), SHOWN_RANK)
    layout = Layout("Evidence", "evidence", indexed=not request.url.query, in_dollars=False)
    if htmx.wants_partial(request):
        part = EvidencePart(layout, listed, listed.summary)
        response = site.render("partials/_evidence.html", part, headers=PUBLIC)
        htmx.push_url(request, response, asked.address())
    else:
        rows = catalog.head_to_heads
        conclusion, caveat = evidence_views.conclusion(rows, evidence_views.recovery_of(catalog))
        whole = Evidence(
            layout=layout,
            conclusion=conclusion,
            caveat=caveat,
            figures=evidence_views.figures(rows),
            filters=evidence_views.selects(rows, catalog.studies, asked),
            base=asked.base,
            foreign=asked.foreign,
            evidence=listed,
            expected=expected_view(expected),
            backtest=backtest_view(_backtests(request).published()),
            example=EXAMPLE_CSV,
        )
        response = site.render("pages/evidence.html", whole, headers=PUBLIC)
    htmx.vary(response)
    return response


@router.get("/evidence.csv")
def evidence_file(site: Site, asked: Asked) -> Response:
    """All rows that pass the filter."""
    every = site.catalog.head_to_heads
    read = evidence_views.recovery_of(site.catalog)
    text = as_csv(selected(every, asked), site.catalog.studies, sharing(every), read)
    return csv_file(text, "evidence.csv", PUBLIC)


# ------------------------------------------------------------------------ own evidence


@dataclass(frozen=True, slots=True)
class SentEvidence:
    """What the form sent.

    Parameters
    ----------
    file : None where none was chosen; at most some bytes more than allowed.
    """

    pasted: str
    file: bytes | None


async def sent_evidence(request: Request) -> SentEvidence:
    """Read the form."""
    limit = 4 * LONGEST + 4
    async with request.form(max_files=1, max_fields=10, max_part_size=limit) as sent:
        pasted, chosen = sent.get("own_evidence"), sent.get("file")
        content = None
        if isinstance(chosen, UploadFile) and chosen.filename:
            content = await chosen.read(limit)
        return SentEvidence(pasted if isinstance(pasted, str) else "", content)


@router.get("/evidence/own")
def own_form(site: Site) -> Response:
    """The form, with nothing in it."""
    return _own_page(site, "", indexed=True)


@router.get("/evidence/example.csv")
def example() -> Response:
    """A table to begin with."""
    return csv_file(EXAMPLE_CSV, "own-evidence.csv", {"Cache-Control": "public, max-age=3600"})


@router.post("/evidence/own")
def check_own(
    request: Request, site: Site, sent: Annotated[SentEvidence, Depends(sent_evidence)]
) -> Response:
    """Own comparisons as they were read, and what they change."""
    text = sent.pasted
    try:
        text = _text(sent)
        rows = parse_own_evidence(text)
    except InputProblems as error:
        problems = tuple(ProblemView(p.message, FIELD_ID) for p in error.problems)
        return _own_page(site, text, problems=problems)
    effects = _expectations(request).effects(rows)
    read = evidence_views.recovery_of(site.catalog)
    return _own_page(site, text, result=own_view(text, rows, effects, read))


def _text(sent: SentEvidence) -> str:
    """The table, from the field or the file.

    Raises
    ------
    InputProblems : there is none, there are two, or it is too long or no text.
    """
    if (sent.file is None) != bool(sent.pasted.strip()):
        raise InputProblems(
            [Problem(POINTER, "Choose a CSV file, or paste its lines; one of both.")]
        )
    text = sent.pasted
    if sent.file is not None:
        try:
            text = sent.file.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            message = "The file is not UTF-8 text; save it as CSV (UTF-8), up to "
            raise InputProblems([Problem(POINTER, f"{message}{LONGEST:,} characters.")]) from error
    text = "\n".join(text.splitlines()).strip()
    if len(text) > LONGEST:
        message = f"The table has {len(text):,} characters; give at most {LONGEST:,}, the latest."
        raise InputProblems([Problem(POINTER, message)])
    return text


def _own_page(
    site: Page,
    pasted: str,
    result: OwnEvidenceView | None = None,
    problems: tuple[ProblemView, ...] = (),
    *,
    indexed: bool = False,
) -> Response:
    title = "Please check the form" if problems else "Your own evidence"
    return site.render(
        "pages/own_evidence.html",
        OwnEvidence(
            Layout(title, "evidence", indexed=indexed, in_dollars=False),
            problems,
            pasted,
            result,
            EXAMPLE_CSV,
        ),
        status=422 if problems else 200,
        headers=PRIVATE,
    )
