"""What routes need of the application, and how they read a scenario from a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.own_runs import ValidationService
from app.services.problems import InputProblems, Problem, problems_from_validation
from app.services.scenarios import ScenarioService
from app.settings import Settings
from app.web import results
from app.web.contexts import Answer, Builder, Layout
from app.web.forms import Pairs, cleaned, form
from app.web.templating import Renderer

PRIVATE = {"Cache-Control": "private, no-store"}
# Prices age by the day, and so does what the page says of them.
REVALIDATE = {"Cache-Control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class Page:
    """What every route needs of the application."""

    render: Renderer
    catalog: Catalog
    scenarios: ScenarioService
    validation: ValidationService
    settings: Settings


def page(request: Request) -> Page:
    """The application's parts, as a dependency."""
    state = request.app.state
    return Page(state.render, state.catalog, state.scenarios, state.validation, state.settings)


Site = Annotated[Page, Depends(page)]


def today() -> date:
    """The day to which prices are aged."""
    return datetime.now(UTC).date()


def with_query(path: str, query: str) -> str:
    """A path with its query, if there is one."""
    return f"{path}?{query}" if query else path


def read_scenario(pairs: Pairs) -> ScenarioInput:
    """The scenario in a form or query string; an address without one means the defaults.

    Raises
    ------
    InputProblems : what cannot be read, at its field.
    """
    try:
        return ScenarioInput.model_validate(fields_from_pairs(cleaned(pairs)))
    except ValidationError as error:
        raise InputProblems(problems_from_validation(error)) from error


def unfitted_classes(catalog: Catalog) -> dict[str, str]:
    """GPUs of whose class of chips no run was fitted: the name of the class by their key."""
    return {
        key: accelerator.architecture.split(" and ")[0]
        for key, accelerator in catalog.accelerators.items()
        if accelerator.chip not in catalog.calibration.chips
    }


def answer_of(
    scenario: ScenarioInput, report: Report, today: date, unfitted: Mapping[str, str]
) -> Answer:
    """A report as it is shown, with the addresses that it leads to.

    Parameters
    ----------
    unfitted : see `results.view`.
    """
    query = scenario.to_query()
    return Answer(
        view=results.view(report, today, unfitted),
        query=query,
        builder_address=with_query("/estimate", query),
        result_address=with_query("/result", query),
        plans_address=with_query("/plans", query),
    )


def form_again(site: Page, pairs: Pairs, problems: Sequence[Problem]) -> Response:
    """There is nothing to show, but there is a form in which it can be put right."""
    layout = Layout("Please check the form", "estimate", indexed=False)
    return site.render(
        "pages/builder.html",
        Builder(layout, form(pairs, site.catalog, problems), None),
        status=422,
        headers=PRIVATE,
    )
