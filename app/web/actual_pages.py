"""Plan against actual: the page of a shared result, its form, and the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile
from starlette.responses import HTMLResponse, Response

from app.estimator.no_money import NoMoney
from app.estimator.report import Report
from app.estimator.variance import COST_CATEGORIES, planned_costs
from app.services.actual_files import LARGEST_BYTES, ActualFile, read_actuals
from app.services.actuals import NOTHING_FITS, PlanAgainstActual, plan_of, recommended
from app.services.problems import MOST_PROBLEMS, ActualsProblems, Problem, UnknownActuals
from app.web import actual_views, requests
from app.web.actual_csv import template_csv, variance_csv
from app.web.actual_views import ActualsFormView
from app.web.context_frame import Layout
from app.web.context_results import ActualsPage
from app.web.figures import currency_of, name_of
from app.web.forms import Option, ProblemView
from app.web.requests import PRIVATE, Page, Site, currency_names, keep_workspace
from app.web.validation_pages import csv_file

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

LARGEST_UPLOAD_BYTES = 2 * LARGEST_BYTES + 64 * 1024
"""Of a request with a file, or with lines that a browser escapes."""
PASTED = "pasted text"
_WITH_LINES = {"f-file": "The file has", "f-pasted": "The pasted lines have"}

Outcome = Literal["", "new", "changed", "removed"]
MESSAGES = {
    "new": "The spend was stored, in the place of any before it.",
    "changed": "Changed.",
    "removed": "What was uploaded is removed.",
}


@dataclass(frozen=True, slots=True)
class SentActuals:
    """What the form sent.

    Parameters
    ----------
    file : content of the chosen file; None where none was chosen.
    """

    file: bytes | None
    file_name: str
    pasted: str
    method: str
    shown: bool


async def sent_actuals(request: Request) -> SentActuals:
    """Read the form; its file may be larger than the texts of other forms."""
    async with request.form(max_files=1, max_fields=10, max_part_size=LARGEST_BYTES + 1) as sent:
        chosen = sent.get("file")
        there = isinstance(chosen, UploadFile) and bool(chosen.filename)
        return SentActuals(
            file=await chosen.read() if there and isinstance(chosen, UploadFile) else None,
            file_name=(chosen.filename or "") if isinstance(chosen, UploadFile) else "",
            pasted=_text(sent, "pasted"),
            method=_text(sent, "method"),
            shown=_text(sent, "shown") == "yes",
        )


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name)
    # Browsers send every line end as CRLF.
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""


Sent = Annotated[SentActuals, Depends(sent_actuals)]


@router.get("/s/{token}/actuals")
def actuals(site: Site, token: str, saved: Outcome = "") -> Response:
    """What was spent beside what was planned, and the form for it."""
    return _page(site, site.actuals.get(token, site.workspace), message=MESSAGES.get(saved, ""))


@router.post("/s/{token}/actuals")
def upload(request: Request, site: Site, token: str, sent: Sent) -> Response:
    """Store the spend in the place of what was uploaded before."""

    def read(currency: str) -> ActualFile:
        if (sent.file is None) == (not sent.pasted.strip()):
            said = "Choose a CSV file, or paste its lines; one of both."
            raise ActualsProblems([Problem("/file", said)])
        if sent.file is not None:
            return read_actuals(sent.file, sent.file_name, currency)
        return read_actuals(sent.pasted.strip().encode("utf-8", "replace"), PASTED, currency)

    try:
        site.actuals.upload(
            token,
            site.workspace,
            read,
            method=sent.method,
            shown=sent.shown,
            file_name=sent.file_name if sent.file is not None else "",
        )
    except ActualsProblems as error:
        return _page(site, site.actuals.get(token, site.workspace), sent, error.problems)
    return _back(request, site, token, "new")


@router.post("/s/{token}/actuals/settings")
def change(
    request: Request,
    site: Site,
    token: str,
    method: Annotated[str, Form(max_length=40)] = "",
    shown: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Compare with another method's plan, or show the spend to whoever has the link or not."""
    site.actuals.change(token, site.workspace, method=method, shown=shown == "yes")
    return _back(request, site, token, "changed")


@router.post("/s/{token}/actuals/remove")
def remove(request: Request, site: Site, token: str) -> Response:
    """Forget what was uploaded."""
    site.actuals.remove(token, site.workspace)
    return _back(request, site, token, "removed")


@router.get("/s/{token}/actuals/template.csv")
def template(site: Site, token: str) -> Response:
    """The planned months and categories, with room for what was spent."""
    found = site.actuals.get(token, site.workspace)
    report, before = found.shared.report, found.actuals
    plan = plan_of(report, before.method if before else recommended(report))
    if plan is None:
        raise _no_plan(report)
    text = template_csv(planned_costs(*plan), currency_of(report))
    return csv_file(text, "actual-spend.csv", PRIVATE)


@router.get("/s/{token}/actuals/variance.csv")
def variance(site: Site, token: str) -> Response:
    """Plan and spend by month and category."""
    found = site.actuals.get(token, site.workspace)
    report = found.shared.report
    if not found.methods:
        raise _no_plan(report)
    if found.variance is None:
        raise UnknownActuals(token)
    text = variance_csv(found.variance, currency_of(report))
    return csv_file(text, "plan-against-actual.csv", PRIVATE)


def _no_plan(report: Report) -> Exception:
    """That a result has no plan to compare with."""
    return NoMoney() if report.timeline is None else ActualsProblems([Problem("", NOTHING_FITS)])


def _why_no_plan(report: Report) -> str:
    return str(NoMoney()) if report.timeline is None else NOTHING_FITS


def _back(request: Request, site: Page, token: str, outcome: Outcome) -> Response:
    response = RedirectResponse(f"/s/{token}/actuals?saved={outcome}", 303, headers=PRIVATE)
    keep_workspace(request, response, site, None)
    return response


def _page(
    site: Page,
    found: PlanAgainstActual,
    sent: SentActuals | None = None,
    problems: Sequence[Problem] = (),
    *,
    message: str = "",
) -> Response:
    report = found.shared.report
    title = report.title or found.shared.title
    name = f"Plan against actual: {title}" if title else "Plan against actual"
    view = actual_views.view(found, requests.today(), currency_names(site.catalog))
    return site.render(
        "pages/actuals.html",
        ActualsPage(
            layout=Layout(
                "Please check the form" if problems else name,
                indexed=False,
                in_dollars=report.currency.code == "USD",
            ),
            title=title,
            address=f"/s/{found.shared.token}",
            owned=found.owned,
            no_plan="" if found.methods else _why_no_plan(report),
            message=message,
            form=_form(found, sent, problems),
            view=view,
        ),
        status=422 if problems else 200,
        headers=PRIVATE,
    )


def _form(
    found: PlanAgainstActual, sent: SentActuals | None, problems: Sequence[Problem]
) -> ActualsFormView:
    """The form as it was sent, else as what was uploaded last has it."""
    report, before = found.shared.report, found.actuals
    chosen = before.method if before else recommended(report)
    if sent is not None and sent.method in found.methods:
        chosen = sent.method
    shown = sent.shown if sent is not None else before is not None and before.shown
    code = report.currency.code
    amounts = "amount_usd" if code == "USD" else f"amount and currency ({code} or USD)"
    typed = sent is not None and sent.file is None and bool(sent.pasted.strip())
    fields = {"/file": "f-pasted" if typed else "f-file", "/method": "f-method"}
    messages: dict[str, list[str]] = {}
    for problem in problems:
        messages.setdefault(fields.get(problem.pointer, ""), []).append(problem.message)
    return ActualsFormView(
        methods=tuple(Option(m, name_of(m), m == chosen) for m in found.methods),
        shown=shown,
        pasted=sent.pasted if sent is not None else "",
        amounts=amounts,
        categories=", ".join(COST_CATEGORIES),
        file_errors=tuple(messages.get("f-file", ())),
        pasted_errors=tuple(messages.get("f-pasted", ())),
        method_errors=tuple(messages.get("f-method", ())),
        problems=tuple(
            ProblemView(said, field)
            for field, several in messages.items()
            for said in _at_the_top(field, several)
        ),
    )


def _at_the_top(field: str, messages: Sequence[str]) -> Sequence[str]:
    """What the summary says of a field: many lines stand at the field alone."""
    if len(messages) == 1 or field not in _WITH_LINES:
        return messages
    least = "at least " if len(messages) == MOST_PROBLEMS else ""
    return (f"{_WITH_LINES[field]} {least}{len(messages)} problems, listed at the field.",)
