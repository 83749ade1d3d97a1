"""What each template is given: one dataclass a page, used in full."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from app.services.situations import ReadyMade
from app.web.actual_views import ActualsFormView, ActualsView
from app.web.board_views import BoardView
from app.web.book_views import BookCard, BookFormView, BookView, RateKeys
from app.web.bridge_view import BridgeView
from app.web.calibrations import CalibrationView
from app.web.evidence_backtest import BacktestView
from app.web.evidence_expected import ExpectedView
from app.web.evidence_own import OwnEvidenceView
from app.web.evidence_views import EvidenceListView
from app.web.forms import FormView, ProblemView
from app.web.plan_views import FilterSelect, PlansView
from app.web.price_spread import SpreadView
from app.web.price_tables import FactTable
from app.web.price_views import BookLink, PriceFigure, PriceListView
from app.web.result_parts import SourceRow
from app.web.result_view import BriefView, ResultView
from app.web.validations import CheckView, PublishedView


@dataclass(frozen=True, slots=True)
class Layout:
    """What the frame of every page needs.

    Parameters
    ----------
    title : of the browser's tab, without the name of the product.
    section : the entry of the navigation that is current, empty for none.
    indexed : whether search engines may list the page.
    in_dollars : whether every amount on the page is in US dollars.
    """

    title: str
    section: str = ""
    indexed: bool = True
    in_dollars: bool = True


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
class Prices:
    """pages/prices.html

    Parameters
    ----------
    books : the built-in prices first.
    carried : names and values that the filter's form carries on.
    """

    layout: Layout
    books: tuple[BookLink, ...]
    figures: tuple[PriceFigure, ...]
    filters: tuple[FilterSelect, ...]
    region: str
    trains: bool
    carried: tuple[tuple[str, str], ...]
    prices: PriceListView
    spread: SpreadView | None
    tables: tuple[FactTable, ...]
    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class PricesPart:
    """partials/_prices.html, which is swapped into the page.

    Parameters
    ----------
    status : one short sentence for people who do not see the list change.
    """

    layout: Layout
    prices: PriceListView
    status: str


@dataclass(frozen=True, slots=True)
class BooksPage:
    """pages/books.html"""

    layout: Layout
    books: tuple[BookCard, ...]
    form: BookFormView
    keys: RateKeys


@dataclass(frozen=True, slots=True)
class BookPage:
    """pages/book.html"""

    layout: Layout
    book: BookView
    form: BookFormView
    keys: RateKeys


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


@dataclass(frozen=True, slots=True)
class Shared:
    """pages/shared.html"""

    layout: Layout
    answer: Answer[ResultView]
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
    currency : which one amounts are in, as a sentence; empty where all are US dollars.
    identical : nothing differs, neither in what was asked nor in what is shown of the answer.
    """

    sides: tuple[ComparedSide, ComparedSide]
    inputs: tuple[Difference, ...]
    outcomes: tuple[tuple[str, tuple[Difference, ...]], ...]
    currency: str
    identical: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One price that differs.

    Parameters
    ----------
    tags : what the row is to the scenario.
    """

    offer: str
    place: str
    tags: tuple[str, ...]
    before: str
    before_date: str
    after: str
    after_level: str
    after_date: str
    change: str


@dataclass(frozen=True, slots=True)
class TodayView:
    """Everything on the page of today's numbers beside a shared result.

    Parameters
    ----------
    sentence : what became of the verdict.
    totals : what became of the total cost of each method, as a sentence; empty for nothing.
    reasons : what has changed since, as sentences.
    comparison : the numbers of both; None where there are none of today.
    problems : why there are none.
    rows : prices that differ, of the offers that the scenario may plan on.
    rest : what is not in the rows, as a sentence.
    newer : that the price book has a newer version, as a sentence.
    """

    sentence: str
    totals: str
    reasons: tuple[str, ...]
    comparison: ComparisonView | None
    problems: tuple[str, ...]
    rows: tuple[ChangeRow, ...]
    rest: str
    newer: str


@dataclass(frozen=True, slots=True)
class BridgePart:
    """What each change moved, or where to ask for it.

    Parameters
    ----------
    view : None where it was not asked for, or nothing differs.
    ask_address : the page with it, or with what each change does alone; empty where there is no
        need to ask.
    refusal : why it is not computed, where it was asked for and takes too long.
    """

    view: BridgeView | None
    ask_address: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Today:
    """pages/today.html

    Parameters
    ----------
    bridge : None where the scenario cannot be estimated today.
    """

    layout: Layout
    title: str
    shared_address: str
    saved: str
    result_address: str
    builder_address: str
    view: TodayView
    bridge: BridgePart | None


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
    bridge: BridgePart | None


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
class Evidence:
    """pages/evidence.html

    Parameters
    ----------
    conclusion, caveat : what the studies say, and how far to trust it.
    base, foreign : of the filter, as they were asked for.
    backtest : how the model did on studies that it had not seen.
    example : a table of own comparisons to begin with.
    """

    layout: Layout
    conclusion: str
    caveat: str
    figures: tuple[PriceFigure, ...]
    filters: tuple[FilterSelect, ...]
    base: str
    foreign: str
    evidence: EvidenceListView
    expected: ExpectedView
    backtest: BacktestView
    example: str


@dataclass(frozen=True, slots=True)
class EvidencePart:
    """partials/_evidence.html, which is swapped into the page.

    Parameters
    ----------
    status : one short sentence for people who do not see the list change.
    """

    layout: Layout
    evidence: EvidenceListView
    status: str


@dataclass(frozen=True, slots=True)
class OwnEvidence:
    """pages/own_evidence.html

    Parameters
    ----------
    pasted : what was given, to be shown again.
    result : None before anything was sent, or where it has problems.
    example : a table to begin with.
    """

    layout: Layout
    problems: tuple[ProblemView, ...]
    pasted: str
    result: OwnEvidenceView | None
    example: str


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
    | Prices
    | PricesPart
    | BooksPage
    | BookPage
    | Shared
    | Today
    | Board
    | ActualsPage
    | Compare
    | MethodPage
    | Validate
    | Evidence
    | EvidencePart
    | OwnEvidence
    | Message
)
