"""What each template is given: one dataclass a page, used in full."""

from __future__ import annotations

from dataclasses import dataclass

from app.services.situations import ReadyMade
from app.web.calibrations import CalibrationView
from app.web.forms import FormView, ProblemView
from app.web.plan_views import FilterSelect, PlansView
from app.web.result_parts import ResultView
from app.web.validations import CheckView, PublishedView


@dataclass(frozen=True, slots=True)
class Layout:
    """What the frame of every page needs.

    Parameters
    ----------
    title : of the browser's tab, without the name of the product.
    section : the entry of the navigation that is current, empty for none.
    indexed : whether search engines may list the page.
    """

    title: str
    section: str = ""
    indexed: bool = True


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
class Answer:
    """A report as it is shown, and where it leads to.

    Parameters
    ----------
    query : the scenario as a canonical query string, empty for the defaults.
    """

    view: ResultView
    query: str
    builder_address: str
    result_address: str
    plans_address: str


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
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class BuilderPart:
    """partials/_builder.html, which is swapped into the page.

    Parameters
    ----------
    status : one short sentence for people who do not see the results change.
    """

    layout: Layout
    form: FormView
    answer: Answer | None
    status: str


@dataclass(frozen=True, slots=True)
class Result:
    """pages/result.html"""

    layout: Layout
    answer: Answer


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
    """when the prices were read, as part of a sentence"""
    owned: bool
    facts_changed: bool
    """computed with other facts or another estimator than today's"""
    dated: bool
    """computed for another day than today: prices have aged"""


@dataclass(frozen=True, slots=True)
class Shared:
    """pages/shared.html"""

    layout: Layout
    answer: Answer
    shared: SharedView


@dataclass(frozen=True, slots=True)
class Difference:
    """A quantity on both sides; `change` is right less left, in words."""

    label: str
    left: str
    right: str
    change: str


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One side of a comparison."""

    heading: str
    title: str
    headline: str
    address: str
    basis: str
    pinned: bool


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Two answers, what differs in what was asked, and what that did.

    Parameters
    ----------
    identical : nothing differs, neither in what was asked nor in what is shown of the answer.
    """

    sides: tuple[ComparedSide, ComparedSide]
    inputs: tuple[Difference, ...]
    outcomes: tuple[tuple[str, tuple[Difference, ...]], ...]
    identical: bool


@dataclass(frozen=True, slots=True)
class SideForm:
    """One input of the comparison form, as it was typed."""

    name: str
    label: str
    value: str
    error: str


@dataclass(frozen=True, slots=True)
class Compare:
    """pages/compare.html"""

    layout: Layout
    sides: tuple[SideForm, SideForm]
    recent: tuple[RecentView, ...]
    comparison: ComparisonView | None


@dataclass(frozen=True, slots=True)
class ConstantRow:
    """A constant of the estimator on the method page."""

    key: str
    label: str
    value: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class StudyRow:
    """A study behind the accuracy prior."""

    title: str
    authors: str
    year: int
    address: str
    groups: str
    rows: int


@dataclass(frozen=True, slots=True)
class MethodPage:
    """pages/method.html"""

    layout: Layout
    constants: tuple[ConstantRow, ...]
    studies: tuple[StudyRow, ...]
    prices_as_of: str
    families: str
    """values of `model_type` that are understood"""
    calibration: CalibrationView | None
    published: PublishedView


@dataclass(frozen=True, slots=True)
class Validate:
    """pages/validate.html

    Parameters
    ----------
    pasted : what was typed, to be shown again.
    scenario : query string of the estimate that factors are carried into.
    result : None before anything was sent, or where it has problems.
    """

    layout: Layout
    problems: tuple[ProblemView, ...]
    pasted: str
    scenario: str
    result: CheckView | None


@dataclass(frozen=True, slots=True)
class Message:
    """pages/message.html: an error, in plain words, with a way on."""

    layout: Layout
    heading: str
    text: str
    details: tuple[str, ...] = ()


Context = (
    Home
    | Builder
    | BuilderPart
    | Result
    | Plans
    | Shared
    | Compare
    | MethodPage
    | Validate
    | Message
)
