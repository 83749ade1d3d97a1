"""What the pages of the method, the evidence and own runs are given."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.calibrations import CalibrationView
from app.web.context_frame import Layout
from app.web.evidence_backtest import BacktestView
from app.web.evidence_expected import ExpectedView
from app.web.evidence_own import OwnEvidenceView
from app.web.evidence_views import EvidenceListView
from app.web.forms import ProblemView
from app.web.plan_views import FilterSelect
from app.web.price_views import PriceFigure
from app.web.validations import CheckView, PublishedView


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
