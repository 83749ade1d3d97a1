"""The builder: the form with its results beside it, and the file that can be read into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse
from starlette.datastructures import UploadFile
from starlette.responses import HTMLResponse, Response

from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.problems import InputProblems, Problem
from app.web import htmx, requests, results, show_words
from app.web.context_frame import Layout
from app.web.context_results import Answer, Builder, BuilderPart
from app.web.forms import Pairs, form
from app.web.pilot_fields import without_unfinished
from app.web.requests import (
    PRIVATE,
    REVALIDATE,
    Site,
    answer_of,
    currency_names,
    form_again,
    read_scenario,
    unfitted_classes,
    with_query,
)
from app.web.result_view import BriefView

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

LARGEST_CONFIG_BYTES = 128 * 1024
_FIELD = "/config_json"
_MOST_FIELDS = 1_000


def _status(answer: Answer[BriefView] | None, problems: Sequence[Problem]) -> str:
    if answer is not None:
        return f"Recalculated. {answer.view.headline} {answer.view.because}".strip()
    # The first is enough to be heard; all are in the summary of the form.
    return f"{show_words.plural(len(problems), 'problem')} in the form. {problems[0].message}"


def _shorter(pairs: Pairs, scenario: ScenarioInput) -> Response | None:
    """Where a form that sent its defaults too leads to: the address of what differs from them.

    Notes
    -----
    That address has fewer pairs, and none that its own canonical form lacks, so it leads no
    further.
    """
    query = scenario.to_query()
    if len(parse_qsl(query, keep_blank_values=True)) >= len(pairs):
        return None
    response = RedirectResponse(with_query("/estimate", query), 302, headers=REVALIDATE)
    htmx.vary(response)
    return response


@router.get("/estimate")
def builder(request: Request, site: Site) -> Response:
    """The form and its results; a form with problems comes back as it was typed, with 422."""
    pairs = request.query_params.multi_items()
    partial = htmx.wants_partial(request)
    today = requests.today()
    answer: Answer[BriefView] | None = None
    problems: tuple[Problem, ...] = ()
    try:
        # A row of the pilot that is still being typed is no mistake; the form says what it needs.
        scenario = read_scenario(without_unfinished(pairs) if partial else pairs)
        if not partial and (shorter := _shorter(pairs, scenario)) is not None:
            return shorter
        report = estimate(scenario, site.catalog_of(scenario), today, brief=True)
        names = currency_names(site.catalog)
        view = results.brief(report, today, unfitted_classes(site.catalog), names)
        answer = answer_of(scenario, view)
    except InputProblems as error:
        problems = error.problems
    title = "Please check the form" if answer is None else answer.view.title or "Estimate"
    # The currency may change without a new page, whose footer stays.
    layout = Layout(title, "estimate", indexed=not request.url.query, in_dollars=False)
    made = form(pairs, site.catalog, problems, site.books())
    status = 200 if answer is not None else 422
    if partial:
        part = BuilderPart(layout, made, answer, _status(answer, problems))
        response = site.render("partials/_builder.html", part, status=status, headers=REVALIDATE)
        htmx.push_url(request, response, answer.builder_address if answer else None)
    else:
        whole = Builder(layout, made, answer)
        response = site.render("pages/builder.html", whole, status=status, headers=REVALIDATE)
    htmx.vary(response)
    return response


@dataclass(frozen=True, slots=True)
class Sent:
    """The whole form as it was typed, and the file that was chosen in it.

    Parameters
    ----------
    file : at most one byte more than allowed; None where none was chosen.
    """

    pairs: tuple[tuple[str, str], ...]
    file: bytes | None


async def sent_with_file(request: Request) -> Sent:
    """Read the form; the texts in it may be as long as in an address."""
    async with request.form(
        max_files=2, max_fields=_MOST_FIELDS, max_part_size=LARGEST_CONFIG_BYTES
    ) as sent:
        pairs = tuple((name, value) for name, value in sent.multi_items() if isinstance(value, str))
        chosen = sent.get("config_file")
        content = None
        if isinstance(chosen, UploadFile) and chosen.filename:
            content = await chosen.read(LARGEST_CONFIG_BYTES + 1)
        return Sent(pairs, content)


@router.post("/estimate/config")
def read_config(site: Site, sent: Annotated[Sent, Depends(sent_with_file)]) -> Response:
    """Fill the form with a config.json from a file, keeping everything else as it was typed."""
    try:
        text = config_text(sent.file)
        pairs = [(name, value) for name, value in sent.pairs if name != "config_json"]
        pairs.append(("config_json", text))
        scenario = read_scenario(pairs)
    except InputProblems as error:
        return form_again(site, sent.pairs, error.problems)
    address = with_query("/estimate", scenario.to_query())
    return RedirectResponse(address, 303, headers=PRIVATE)


def config_text(content: bytes | None) -> str:
    """What is in the file, without the spaces of its layout.

    Raises
    ------
    InputProblems : no file, one that is too large, or one that holds no JSON object.
    """
    if not content:
        raise InputProblems([Problem(_FIELD, "Choose a config.json file first; none was sent.")])
    if len(content) > LARGEST_CONFIG_BYTES:
        limit = LARGEST_CONFIG_BYTES // 1024
        raise InputProblems(
            [Problem(_FIELD, f"The file is larger than {limit} KiB; a config.json is smaller.")]
        )
    try:
        found = json.loads(content)
        if isinstance(found, dict):
            return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        pass
    raise InputProblems(
        [Problem(_FIELD, "The file holds no JSON object; choose the config.json of the model.")]
    )
