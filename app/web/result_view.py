"""What is shown of a result: in brief beside the form, and everything on its page.

Made from a report by `results.brief` and `results.view`.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.web import show_words
from app.web.figure_cash_flow import CashFlowDrawing
from app.web.figure_cost_gain import CostGainDrawing
from app.web.figure_memory import MemoryDrawing
from app.web.figures import Figure
from app.web.result_accuracy import AccuracyView
from app.web.result_arguments import ArgumentsView
from app.web.result_money import CashFlowView
from app.web.result_parts import (
    AssumptionRow,
    BillTable,
    CostTable,
    CurrencyLine,
    Detail,
    KeyFigure,
    MethodHead,
    Misfit,
    PlanView,
    SourceRow,
    TableRow,
    WaysTable,
)
from app.web.result_risk import RiskView
from app.web.result_serving import ServingView
from app.web.result_verdict import DecidingView


@dataclass(frozen=True, slots=True)
class BriefView:
    """What is shown beside the form: the verdict, its figures and methods side by side."""

    title: str
    situation: str
    choice: str
    headline: str
    """the first sentence of the verdict"""
    because: str
    """the rest of the verdict, empty where it is one sentence"""
    sentences: tuple[str, ...]
    deciding: DecidingView
    currency: CurrencyLine | None
    """None where amounts are US dollars"""
    key_figures: tuple[KeyFigure, ...]
    notes: tuple[str, ...]
    """what to know before the answer is relied on"""
    misfits: tuple[Misfit, ...]
    cost_gain: Figure[CostGainDrawing] | None
    methods: tuple[MethodHead, ...]
    rows: tuple[TableRow, ...]
    software_line: str
    """what runs a step, and how sure the estimate is of it; empty in reports that do not say"""
    table_notes: tuple[str, ...]
    """what is read with the side-by-side table"""


@dataclass(frozen=True, slots=True)
class ResultView(BriefView):
    """Everything on a result page."""

    accuracy: AccuracyView | None
    """None in reports that do not say, as the next ones"""
    arguments: ArgumentsView | None
    serving: ServingView | None
    cash_flow: Figure[CashFlowDrawing] | None
    memory: Figure[MemoryDrawing] | None
    money: CashFlowView | None
    """None in reports that do not say, as the next one"""
    risk: RiskView | None
    costs: tuple[CostTable, ...]
    costs_note: str
    """how its lines are to be read"""
    plans: tuple[PlanView, ...]
    ways: tuple[WaysTable, ...]
    """none in reports that do not say"""
    bill: BillTable | None
    model: tuple[Detail, ...]
    software: tuple[Detail, ...]
    assumptions: tuple[AssumptionRow, ...]
    sources: tuple[SourceRow, ...]
    basis: str
    """one line: date, estimator version, prices, simulated cases and seed"""

    @property
    def entered(self) -> tuple[AssumptionRow, ...]:
        """Figures of the user's, and constants that were changed."""
        return tuple(row for row in self.assumptions if row.kind == "input" or row.changed)

    @property
    def assumed(self) -> tuple[AssumptionRow, ...]:
        """All others."""
        return tuple(row for row in self.assumptions if row not in self.entered)

    @property
    def sources_label(self) -> str:
        """How many sources there are; a link to one of them opens their list."""
        return show_words.plural(len(self.sources), "source")

    @property
    def costs_label(self) -> str:
        """What the section of cost lines is called: with benefits, where the report tells them."""
        return "Costs and benefits" if self.money else "Cost lines"

    @property
    def contents(self) -> tuple[tuple[str, str], ...]:
        """Sections of the page that hold something: anchor and name, in their order."""
        found = [
            ("notes", "Before you rely on this", self.notes),
            ("accuracy", "Expected accuracy", self.accuracy),
            ("arguments", "The arguments, in numbers", self.arguments),
            ("serving", "Serving", self.serving),
            ("side-by-side", "Side by side", self.rows),
            ("chart-cash-flow", "Cash flow", self.cash_flow),
            ("cash-flow", "By fiscal year", self.money),
            ("risk", "Risk", self.risk),
            ("chart-memory", "Memory", self.memory),
            ("costs", self.costs_label, self.costs),
            ("ways", "Rent, buy or managed", self.ways),
            ("plans", "Plans", self.plans),
            ("bill", "Bill of infrastructure", self.bill),
            ("model", "Model and data", self.model),
            ("software", "Software", self.software),
            ("assumptions", "What this rests on", self.assumptions),
            ("sources", "Sources", self.sources),
        ]
        return tuple((anchor, label) for anchor, label, there in found if there)
