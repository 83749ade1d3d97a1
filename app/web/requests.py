"""What routes need of the application, and how they read a scenario from a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.actuals import ActualsService
from app.services.book_infos import BookInfo
from app.services.estimates import estimate
from app.services.own_runs import ValidationService
from app.services.price_books import PriceBooks
from app.services.problems import InputProblems, Problem, problems_from_validation
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService
from app.settings import Settings
from app.web.context_frame import Layout
from app.web.context_results import Answer, Builder, ViewT
from app.web.forms import Pairs, cleaned, form
from app.web.templating import Renderer

WORKSPACE_COOKIE = "workspace"
_YEAR_S = 365 * 24 * 3600
PRIVATE = {"Cache-Control": "private, no-store"}
# Prices age by the day, and so does what the page says of them.
REVALIDATE = {"Cache-Control": "private, no-cache"}


@dataclass(frozen=True, slots=True)
class Page:
    """What every route needs of the application.

    Parameters
    ----------
    workspace : what this browser owns its scenarios and price books by; None before its first.
    """

    render: Renderer
    catalog: Catalog
    scenarios: ScenarioService
    actuals: ActualsService
    validation: ValidationService
    price_books: PriceBooks
    prices: ScenarioPrices
    settings: Settings
    workspace: str | None

    def books(self) -> Sequence[BookInfo]:
        """The price books that this browser can choose from."""
        return self.price_books.mine(self.workspace)

    def priced(self, reference: str) -> Catalog:
        """The facts with the prices of a book; the built-in ones for none.

        Raises
        ------
        InputProblems : there is no such price book for this browser.
        """
        return self.prices.priced(self.catalog, reference, self.workspace)

    def catalog_of(self, scenario: ScenarioInput) -> Catalog:
        """The facts with the prices that the scenario is computed with.

        Raises
        ------
        InputProblems : see `priced`.
        """
        return self.priced(scenario.price_book)

    def pinned(self, scenario: ScenarioInput) -> ScenarioInput:
        """The scenario with its price book in the version of now, so that it keeps its prices.

        Raises
        ------
        InputProblems : see `priced`.
        """
        reference = self.prices.pin(scenario.price_book, self.workspace)
        return scenario.model_copy(update={"price_book": reference})


def page(request: Request) -> Page:
    """The application's parts, as a dependency."""
    state = request.app.state
    return Page(
        state.render,
        state.catalog,
        state.scenarios,
        state.actuals,
        state.validation,
        state.price_books,
        state.scenario_prices,
        state.settings,
        request.cookies.get(WORKSPACE_COOKIE),
    )


Site = Annotated[Page, Depends(page)]


def keep_workspace(request: Request, response: Response, site: Page, new_key: str | None) -> None:
    """Hand the browser its key; anew at each save, so that one in use never loses its workspace.

    Parameters
    ----------
    new_key : of a workspace that was made just now, else None.
    """
    key = new_key or site.workspace
    if key is None:
        return
    secure = site.settings.secure_cookies
    response.set_cookie(
        WORKSPACE_COOKIE,
        key,
        max_age=_YEAR_S,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https" if secure is None else secure,
    )


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


def currency_names(catalog: Catalog) -> dict[str, str]:
    """Names of the currencies that have an exchange rate, by their code."""
    return {code: rate.name for code, rate in catalog.exchange_rates.items()}


def estimated(site: Page, pairs: Pairs) -> tuple[ScenarioInput, Report]:
    """The scenario of a query and its report of today.

    Raises
    ------
    InputProblems, Busy : see `estimate`.
    """
    scenario = read_scenario(pairs)
    return scenario, estimate(scenario, site.catalog_of(scenario), today())


def answer_of(scenario: ScenarioInput, view: ViewT) -> Answer[ViewT]:
    """A report as it is shown, with the addresses that it leads to."""
    query = scenario.to_query()
    return Answer(
        view=view,
        query=query,
        builder_address=with_query("/estimate", query),
        result_address=with_query("/result", query),
        plans_address=with_query("/plans", query),
    )


def form_again(site: Page, pairs: Pairs, problems: Sequence[Problem]) -> Response:
    """There is nothing to show, but there is a form in which it can be put right."""
    layout = Layout("Please check the form", "estimate", indexed=False, in_dollars=False)
    return site.render(
        "pages/builder.html",
        Builder(layout, form(pairs, site.catalog, problems, site.books()), None),
        status=422,
        headers=PRIVATE,
    )
