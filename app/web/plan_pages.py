"""The page of all plans of a scenario, and the files that launch the chosen ones."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from app.exports.plans import plans_report
from app.services.plans import Filters, plan, plan_choices, trained_tables
from app.services.problems import InputProblems
from app.web import plan_views, requests
from app.web.context_frame import Layout
from app.web.context_results import Plans
from app.web.requests import REVALIDATE, Site, form_again, read_scenario, with_query

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

FILTER_NAMES = ("provider", "region", "gpu", "option")
Text = Annotated[str, Query(max_length=200)]


def asked_filters(
    provider: Text = "", region: Text = "", gpu: Text = "", option: Text = ""
) -> Filters:
    """The filter in the address."""
    return Filters(provider.strip(), region.strip(), gpu.strip(), option.strip())


Asked = Annotated[Filters, Depends(asked_filters)]


def _query(scenario_query: str, filters: Filters) -> str:
    chosen = [(name, getattr(filters, name)) for name in FILTER_NAMES if getattr(filters, name)]
    return "&".join(part for part in (scenario_query, urlencode(chosen)) if part)


@router.get("/plans")
def plans(request: Request, site: Site, filters: Asked) -> Response:
    """The frontier of cost against hours, what became of all plans, and launch recipes."""
    pairs = request.query_params.multi_items()
    today = requests.today()
    try:
        scenario = read_scenario(pairs)
        catalog = site.catalog_of(scenario)
        choices = plan_choices(scenario, catalog, today)
    except InputProblems as error:
        return form_again(site, pairs, error.problems)
    query = scenario.to_query()
    found, messages, errors = None, [], {}
    try:
        report = plan(scenario, filters, catalog, today)
        tables = trained_tables(scenario, site.catalog)
        found = plan_views.view(
            report,
            tables,
            with_query("", _query(query, filters)),
            plan_views.Facts(
                offers={offer.key: offer for offer in catalog.offers},
                today=today,
                unfitted=requests.unfitted_classes(site.catalog),
                currency_names=requests.currency_names(site.catalog),
            ),
        )
    except InputProblems as error:
        for problem in error.problems:
            name = problem.pointer.removeprefix("/")
            if name in FILTER_NAMES:
                errors[name] = problem.message
            else:
                messages.append(problem.message)
    return site.render(
        "pages/plans.html",
        Plans(
            layout=Layout(
                "Plans",
                "plans",
                indexed=not request.url.query,
                in_dollars=found is None or found.currency is None,
            ),
            scenario=tuple(parse_qsl(query, keep_blank_values=True)),
            title=scenario.title,
            filters=plan_views.selects(choices, filters, errors),
            scope=plan_views.scope(choices, filters),
            all_address=with_query("/plans", query),
            builder_address=with_query("/estimate", query),
            result_address=with_query("/result", query),
            messages=tuple(messages),
            view=found,
        ),
        status=200 if found else 422,
        headers=REVALIDATE,
    )


@router.get("/plans/files/{method}/{name}")
def recipe_file(request: Request, site: Site, filters: Asked, method: str, name: str) -> Response:
    """One file of the recipe of a method's chosen plan, to be saved."""
    try:
        scenario = read_scenario(request.query_params.multi_items())
        report = plan(scenario, filters, site.catalog_of(scenario), requests.today())
    except InputProblems as error:
        raise HTTPException(404) from error
    found = plans_report(report, trained_tables(scenario, site.catalog))
    for m in found.methods:
        for file in m.recipe.files if m.method == method and m.recipe else ():
            if file.name == name:
                # Whatever the file is, a browser saves it and never runs it.
                return Response(
                    file.text,
                    media_type="text/plain; charset=utf-8",
                    headers={
                        "Content-Disposition": f'attachment; filename="{file.name}"', **REVALIDATE,
                    },
                )  # fmt: skip
    raise HTTPException(404)
