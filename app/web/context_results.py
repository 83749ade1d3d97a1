"""What the pages of one scenario are given: from the form to the shared result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from app.services.situations import ReadyMade
from app.web.actual_views import ActualsFormView, ActualsView
from app.web.board_views import BoardView
from app.web.context_frame import Layout
from app.web.forms import FormView
from app.web.plan_views import FilterSelect, PlansView
from app.web.result_view import BriefView, ResultView


@dataclass(frozen=True, slots=True)
class RecentView:
    """A scenario that this browser saved."""

    address: str
    title: str
    headline: str
    saved: str


@dataclass(frozen=True, slots=True)
class SituationCard:
    """A ready-made scenario and the address of the builder filled with it."""

    made: ReadyMade
    address: str


@dataclass(frozen=True, slots=True)
class FileLink:
    """One table of a result, at the addresses where other tools read it."""

    label: str
    csv_address: str
    json_address: str


ViewT = TypeVar("ViewT", bound=BriefView)


@dataclass(frozen=True, slots=True)
class Answer(Generic[ViewT]):
    """A report as it is shown, whole or in brief, and where it leads to.

    Parameters
    ----------
    query : the scenario as a canonical query string, empty for the defaults.
    files : tables for other tools; none in results without money by month.
    files_of_link : whether only the link of the saved result has them, without a key.
    """

    view: ViewT
    query: str
    builder_address: str
    result_address: str
    plans_address: str
    files: tuple[FileLink, ...] = ()
    files_of_link: bool = False


@dataclass(frozen=True, slots=True)
class Home:
    """pages/home.html"""

    layout: Layout
    situations: tuple[SituationCard, ...]
    recent: tuple[RecentView, ...]


@dataclass(frozen=True, slots=True)
class Builder:
    """pages/builder.html

    Parameters
    ----------
    answer : None where the form has problems.
    """

    layout: Layout
    form: FormView
    answer: Answer[BriefView] | None


@dataclass(frozen=True, slots=True)
class BuilderPart:
    """partials/_builder.html, which is swapped into the page.

    Parameters
    ----------
    status : one short sentence for people who do not see the results change.
    """

    layout: Layout
    form: FormView
    answer: Answer[BriefView] | None
    status: str


@dataclass(frozen=True, slots=True)
class Result:
    """pages/result.html"""

    layout: Layout
    answer: Answer[ResultView]


@dataclass(frozen=True, slots=True)
class Plans:
    """pages/plans.html

    Parameters
    ----------
    scenario : names and values that the filter's form carries on.
    scope : which offers are planned on, where some are left out.
    messages : why there is no view, where there is none.
    """

    layout: Layout
    scenario: tuple[tuple[str, str], ...]
    title: str
    filters: tuple[FilterSelect, ...]
    scope: str
    all_address: str
    builder_address: str
    result_address: str
    messages: tuple[str, ...]
    view: PlansView | None


@dataclass(frozen=True, slots=True)
class SharedView:
    """What is said about a shared result beside its numbers."""

    token: str
    saved: str
    estimator_version: str
    catalog_hash: str
    prices: str
    """of which days the prices are, as part of a sentence"""
    owned: bool
    private_prices: bool
    """its price book is another workspace's than this reader's"""
    facts_changed: bool
    """computed with other facts or another estimator than today's, or a price book was renewed"""
    dated: bool
    """computed for another day than today: prices have aged"""
    spend: bool
    """whether this reader may enter what was spent, or see it"""


@dataclass(frozen=True, slots=True)
class Shared:
    """pages/shared.html"""

    layout: Layout
    answer: Answer[ResultView]
    shared: SharedView


@dataclass(frozen=True, slots=True)
class Board:
    """pages/board.html"""

    layout: Layout
    board: BoardView
    result_address: str


@dataclass(frozen=True, slots=True)
class ActualsPage:
    """pages/actuals.html

    Parameters
    ----------
    address : of the shared result.
    owned : whether this reader may upload and remove.
    no_plan : why there is nothing to compare with; empty where there is a plan.
    message : what became of a form that was sent.
    view : None where there is no spend for this reader.
    """

    layout: Layout
    title: str
    address: str
    owned: bool
    no_plan: str
    message: str
    form: ActualsFormView
    view: ActualsView | None
