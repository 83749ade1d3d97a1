"""What the pages that hold two answers side by side are given."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.bridge_view import BridgeView
from app.web.context_frame import Layout
from app.web.context_results import RecentView


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
