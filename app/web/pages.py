"""The pages. Routes read the request, call one service and lay out what it returned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, FastAPI, Form, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import HTMLResponse, Response

from app import __version__
from app.catalog.families import FAMILIES
from app.estimator.constants import CONSTANTS
from app.inputs import TASK_GROUP_LABELS, ScenarioInput
from app.services.book_access import INSTALLATION
from app.services.bridges import End
from app.services.estimates import estimate
from app.services.problems import (
    InputProblems,
    Problem,
    RevokedScenario,
    UnknownScenario,
)
from app.services.scenarios import SharedScenario
from app.services.situations import SITUATIONS
from app.settings import Settings
from app.web import (
    actual_pages,
    board_pages,
    book_pages,
    bridge_parts,
    builder_pages,
    comparisons,
    errors,
    evidence_pages,
    feed_pages,
    plan_pages,
    price_pages,
    requests,
    result_assumptions,
    results,
    show_dates,
    show_words,
    today_pages,
    validation_pages,
    validations,
    workbook_pages,
)
from app.web.calibrations import calibration_view
from app.web.context_comparisons import Compare, SideForm
from app.web.context_evidence import ConstantRow, MethodPage, StudyRow
from app.web.context_frame import Layout
from app.web.context_results import Home, RecentView, Result, Shared, SharedView, SituationCard
from app.web.feed_links import file_links
from app.web.requests import (
    PRIVATE,
    REVALIDATE,
    Page,
    Site,
    answer_of,
    currency_names,
    form_again,
    keep_workspace,
    read_scenario,
    unfitted_classes,
    with_query,
)
from app.web.static import StaticFiles
from app.web.templating import environment, renderer

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def install(app: FastAPI, settings: Settings) -> None:
    """Add the pages, the static files and the HTML error pages to the application."""
    static = StaticFiles.scan(settings.static_dir)
    app.state.render = renderer(environment(settings.templates_dir, static))
    app.add_route("/static/{content_hash}/{path:path}", static.serve, methods=["GET"])
    app.include_router(router)
    app.include_router(builder_pages.router)
    app.include_router(plan_pages.router)
    app.include_router(today_pages.router)
    app.include_router(workbook_pages.router)
    app.include_router(board_pages.router)
    app.include_router(actual_pages.router)
    app.include_router(price_pages.router)
    app.include_router(book_pages.router)
    app.include_router(validation_pages.router)
    app.include_router(evidence_pages.router)
    app.include_router(feed_pages.router)
    errors.install(app, app.state.render)


def _recent(site: Page, limit: int) -> tuple[RecentView, ...]:
    key = site.workspace
    if key is None:
        return ()
    return tuple(
        RecentView(
            address=f"/s/{found.token}",
            title=found.title or "Untitled scenario",
            headline=show_words.typeset(found.headline),
            saved=show_dates.day(found.created_at),
        )
        for found in site.scenarios.recent(key)[:limit]
    )


@router.get("/")
def home(site: Site) -> Response:
    """Three situations, a blank scenario, and what this browser saved."""
    cards = tuple(
        SituationCard(made, with_query("/estimate", made.scenario.to_query()))
        for made in SITUATIONS
    )
    recent = _recent(site, 8)
    return site.render(
        "pages/home.html",
        # What was saved is said in currencies of its own.
        Home(Layout("Full fine-tuning or LoRA?", "home", in_dollars=not recent), cards, recent),
        headers=PRIVATE,
    )


@router.get("/result")
def result(request: Request, site: Site) -> Response:
    """The full result of the scenario in the address."""
    pairs = request.query_params.multi_items()
    today = requests.today()
    try:
        scenario = read_scenario(pairs)
        report = estimate(scenario, site.catalog_of(scenario), today)
        names = currency_names(site.catalog)
        view = results.view(report, today, unfitted_classes(site.catalog), names)
        answer = answer_of(scenario, view)
        if scenario.price_book:
            # They would hold the key of the book, and answer only this browser.
            answer = replace(answer, files_of_link=report.timeline is not None)
        else:
            answer = replace(answer, files=file_links(report, "/result", answer.query))
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    return site.render(
        "pages/result.html",
        Result(
            Layout(
                answer.view.title or "Result",
                "estimate",
                indexed=not request.url.query,
                in_dollars=answer.view.currency is None,
            ),
            answer,
        ),
        headers=REVALIDATE,
    )


@router.post("/scenarios")
def save(
    request: Request,
    site: Site,
    scenario: Annotated[str, Form(max_length=60_000)] = "",
    title: Annotated[str | None, Form(max_length=1_000)] = None,
) -> Response:
    """Save the scenario, given as its query string, and lead to its link."""
    pairs = parse_qsl(scenario, keep_blank_values=True)
    if title is not None:
        pairs = [(name, value) for name, value in pairs if name != "title"]
        pairs.append(("title", title))
    try:
        asked = site.pinned(read_scenario(pairs))
        prices = site.catalog_of(asked)
        report = estimate(asked, prices, requests.today())
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    saved = site.scenarios.save(asked, report, site.workspace, prices)
    response = RedirectResponse(f"/s/{saved.scenario.token}", 303, headers=PRIVATE)
    keep_workspace(request, response, site, saved.workspace_key)
    return response


def _facts_of(site: Page, found: SharedScenario) -> str:
    """What today's facts are called, with the prices of the scenario; nothing where it has none."""
    try:
        # Whoever has the link: nothing of the book but whether it still stands is told.
        reference = found.scenario.price_book
        return site.prices.priced(site.catalog, reference, INSTALLATION).content_hash
    except InputProblems:
        return ""


def _shared_view(
    found: SharedScenario, shown: ScenarioInput, facts: str, site: Page, today: date
) -> SharedView:
    """What is said about a shared result.

    Parameters
    ----------
    shown : its scenario as this reader may see it.
    facts : see `_facts_of`.
    """
    return SharedView(
        token=found.token,
        saved=show_dates.day(found.created_at),
        estimator_version=found.estimator_version,
        catalog_hash=found.catalog_hash[:12],
        prices=results.prices(found.report),
        owned=site.scenarios.owns(found.token, site.workspace),
        private_prices=shown != found.scenario,
        facts_changed=(found.catalog_hash, found.estimator_version) != (facts, __version__)
        or site.prices.newer_version(found.scenario.price_book, site.workspace) is not None,
        dated=found.report.as_of != today.isoformat(),
        spend=site.actuals.offered(found.token, site.workspace),
    )


@router.get("/s/{token}")
def shared(site: Site, token: str) -> Response:
    """A saved result with the numbers that were shared."""
    found = site.scenarios.get(token)
    shown = site.prices.shown(found.scenario, site.workspace)
    today = requests.today()
    facts = _facts_of(site, found)
    # What today's fit has seen says nothing of a report that another one computed.
    unfitted = unfitted_classes(site.catalog) if found.catalog_hash == facts else {}
    view = results.view(found.report, today, unfitted, currency_names(site.catalog))
    answer = answer_of(shown, view)
    answer = replace(answer, files=file_links(found.report, f"/s/{token}"))
    if not answer.view.title and found.title:
        answer = replace(answer, view=replace(answer.view, title=found.title))
    return site.render(
        "pages/shared.html",
        Shared(
            Layout(
                answer.view.title or "Shared result",
                indexed=False,
                in_dollars=answer.view.currency is None,
            ),
            answer,
            _shared_view(found, shown, facts, site, today),
        ),
        headers=PRIVATE,
    )


@router.post("/s/{token}/revoke")
def revoke(site: Site, token: str) -> Response:
    """Withdraw a link; only the browser that saved it can."""
    site.scenarios.revoke(token, site.workspace)
    return RedirectResponse("/", 303, headers=PRIVATE)


def _side(site: Page, text: str, heading: str) -> tuple[comparisons.Side, End]:
    """One side of a comparison, from a link, a token or a query string."""
    if not comparisons.looks_like_a_scenario(text):
        raise InputProblems(
            [Problem("", "This is neither a link to a result nor the address of a scenario.")]
        )
    token, pairs = comparisons.read_side(text)
    if token:
        saved = site.scenarios.get(token)
        return today_pages.shared_side(saved, heading), End.saved(saved)
    scenario = read_scenario(pairs)
    report = estimate(scenario, site.catalog_of(scenario), requests.today())
    basis = f"today: estimator {__version__}, {results.prices(report)}"
    address = with_query("/result", scenario.to_query())
    side = comparisons.Side(heading, scenario, report, address, basis, pinned=False)
    return side, End(scenario, report)


@router.get("/compare")
def compare(
    site: Site,
    left: Annotated[str, Query(max_length=20_000)] = "",
    right: Annotated[str, Query(max_length=20_000)] = "",
    bridge: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Two scenarios side by side; without both, the form that asks for them."""
    forms: list[SideForm] = []
    found: list[tuple[comparisons.Side, End]] = []
    for name, label, text in (("left", "First", left), ("right", "Second", right)):
        error = ""
        if text.strip():
            try:
                found.append(_side(site, text, label))
            except InputProblems as problem:
                error = " ".join(p.message for p in problem.problems)
            except UnknownScenario:
                error = "No scenario has this link."
            except RevokedScenario:
                error = "The owner has withdrawn this link."
        elif left or right:
            error = "Paste a second one to compare with."
        forms.append(SideForm(name, label, text, error))
    problems = any(side.error for side in forms)
    # One side alone is a step on the way ("compare with…"), not a mistake.
    waiting = len(found) == 1 and not (left.strip() and right.strip())
    comparison = waterfall = None
    if len(found) == 2:
        (one, start), (other, finish) = found
        comparison = comparisons.compare(one, other)
        waterfall = bridge_parts.part(
            site,
            (start, finish),
            (one, other),
            bridge,
            lambda method: (
                f"/compare?{urlencode({'left': left, 'right': right, 'bridge': method})}#bridge"
            ),
        )
    recent = _recent(site, 12)
    return site.render(
        "pages/compare.html",
        Compare(
            Layout(
                "Compare two scenarios",
                "compare",
                indexed=False,
                in_dollars=not recent and (comparison is None or not comparison.currency),
            ),
            (
                replace(forms[0], error="" if waiting else forms[0].error),
                replace(forms[1], error="" if waiting else forms[1].error),
            ),
            recent,
            comparison,
            waterfall,
        ),
        status=422 if problems and not waiting else 200,
        headers=PRIVATE,
    )


@router.get("/method")
def method(request: Request, site: Site) -> Response:
    """Every formula with its source, the constants, the studies and the published runs."""
    catalog = site.catalog
    studies = []
    for key, study in catalog.studies.items():
        rows = [row for row in catalog.head_to_heads if row.study == key]
        groups = dict.fromkeys(TASK_GROUP_LABELS[row.group].split(":")[0] for row in rows)
        studies.append(
            StudyRow(
                study.title,
                study.authors_short,
                study.year,
                study.address,
                "; ".join(groups),
                len(rows),
            )
        )
    fitted = catalog.calibration_report
    values = catalog.calibration.constants
    constants = tuple(
        ConstantRow(
            c.key,
            c.label,
            f"{values.get(c.key, c.value):.4g} {c.unit}".strip(),
            "Not moved: no run to fit it to"
            if values.get(c.key) == c.value
            else result_assumptions.KIND_LABELS.get(c.kind, c.kind),
            f"Started from {c.value:g}. {c.source}" if c.key in values else c.source,
        )
        for c in CONSTANTS.values()
    )
    return site.render(
        "pages/method.html",
        MethodPage(
            Layout("Method", "method", indexed=not request.url.query),
            constants,
            tuple(sorted(studies, key=lambda s: (s.year, s.title))),
            show_dates.day(catalog.prices_as_of),
            ", ".join(FAMILIES),
            None if fitted is None else calibration_view(fitted),
            validations.published_view(
                site.validation.published().report, request.query_params.multi_items()
            ),
        ),
        headers=REVALIDATE,
    )
