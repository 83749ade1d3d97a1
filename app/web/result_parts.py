"""The typed parts that sections of a result page share: texts only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One of the three to five figures below the verdict."""

    label: str
    value: str
    range: str
    note: str


@dataclass(frozen=True, slots=True)
class MethodHead:
    """A column of the side-by-side table."""

    method: str
    label: str
    detail: str
    chosen: bool
    feasible: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A value, its 80% range and a remark, each may be empty."""

    value: str
    range: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One quantity over all methods."""

    label: str
    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class SourceMark:
    """Where a number comes from: a link to a source of this page, or words."""

    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class CurrencyLine:
    """In which currency amounts are, at which rate of which day; a link to where the rate is from.

    Parameters
    ----------
    source : without words where the text says it all.
    """

    text: str
    source: SourceMark


@dataclass(frozen=True, slots=True)
class CostRow:
    """quantity x unit price = amount."""

    label: str
    when: str
    quantity: str
    unit: str
    unit_price: str
    amount: str
    source: SourceMark


@dataclass(frozen=True, slots=True)
class CostGroup:
    """Lines of one kind that add up to their total.

    Parameters
    ----------
    key : capex, opex or benefit; empty where costs are not told apart, which then have no label
        and no total of their own.
    """

    key: str
    label: str
    rows: tuple[CostRow, ...]
    total: str = ""


@dataclass(frozen=True, slots=True)
class CostTable:
    """What one method costs and brings; the amounts add up to the totals.

    Parameters
    ----------
    total : of all costs.
    ends : what follows from costs and benefits, the net worth last; empty in reports that do not
        tell benefits.
    summary : the totals in one line.
    opened : whether a reader sees more than its line.
    """

    method: str
    label: str
    groups: tuple[CostGroup, ...]
    total: str
    ends: tuple[Detail, ...] = ()
    summary: str = ""
    opened: bool = False

    @property
    def rows(self) -> tuple[CostRow, ...]:
        """All lines of costs."""
        return tuple(row for group in self.groups if group.key != "benefit" for row in group.rows)


@dataclass(frozen=True, slots=True)
class Detail:
    """A term and its value in a list of details."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class TimePart:
    """A part of one optimizer step."""

    label: str
    time: str
    share: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """Where and how one run of a method is trained.

    Parameters
    ----------
    headline : what is rented.
    summary : how long a run takes and what it costs.
    opened : whether a reader sees more than these two.
    """

    method: str
    label: str
    headline: str
    summary: str
    opened: bool
    price_level: str
    price_words: str
    price_source: SourceMark
    details: tuple[Detail, ...]
    time_parts: tuple[TimePart, ...]
    time_total: str
    alternatives: tuple[Detail, ...]

    @property
    def price_warning(self) -> str:
        """What the line says of a price that is not fresh; its date is below the line."""
        return {"old": "Old price", "stale": "Very old price"}.get(self.price_level, "")


@dataclass(frozen=True, slots=True)
class WayView:
    """One way to pay for the GPU time of a method's programme."""

    label: str
    what: str
    """seller, and what is bought of it"""
    note: str
    tags: tuple[str, ...]
    total: str
    against: str
    """how much more or less than the chosen way; empty for that itself"""
    upfront: str
    per_gpu_hour: str
    hours_per_run: str
    used: str
    idle: str
    idle_share: str
    price_level: str
    price_date: str
    price_source: SourceMark
    rows: tuple[CostRow, ...]
    """they add up to the total"""
    exact_total: str


@dataclass(frozen=True, slots=True)
class WaysTable:
    """Rent, buy or managed: the ways to pay for one method's programme, the chosen one first.

    Parameters
    ----------
    summary : what the chosen way costs, and which one is cheapest.
    opened : whether a reader sees more than its line.
    buying : from which use on owning is cheaper than renting, or that no server's price is known.
    """

    method: str
    label: str
    horizon: str
    summary: str
    opened: bool
    buying: tuple[str, ...]
    ways: tuple[WayView, ...]


@dataclass(frozen=True, slots=True)
class BillRow:
    """One line of the bill over the methods that have a plan; `note` holds for all of them."""

    label: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class BillGroup:
    """Lines of one kind: machines, memory, links and others."""

    key: str
    label: str
    rows: tuple[BillRow, ...]


@dataclass(frozen=True, slots=True)
class BillTable:
    """What the chosen plans need beside their price."""

    methods: tuple[MethodHead, ...]
    groups: tuple[BillGroup, ...]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A method that no plan fits, and why."""

    label: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AssumptionRow:
    """One number that the report rests on."""

    label: str
    value: str
    kind: str
    kind_label: str
    changed: bool
    source: SourceMark


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where facts were read."""

    anchor: str
    title: str
    publisher: str
    locator: str
    url: str
    retrieved: str
