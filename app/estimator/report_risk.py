"""Risk of the report: what could come, what it hangs on, and what a pilot would be worth."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_values import Distribution


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of draws; values beyond the outer edges are counted in the outer bins.

    Parameters
    ----------
    edges_usd : ascending, of equal width. (k + 1,)
    counts : (k,)
    """

    edges_usd: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TornadoBar:
    """One figure at its P10 and P90 in every draw, the mean over all others as they are drawn.

    Parameters
    ----------
    key : gpu_price, training_time, accuracy, value, adoption or forgetting.
    low, high : the figure at its P10 and P90, in `unit`.
    low_usd, high_usd : net present value there.
    """

    key: str
    label: str
    unit: str
    low: float
    high: float
    low_usd: float
    high_usd: float


@dataclass(frozen=True, slots=True)
class MethodRisk:
    """Risk of one method, or of full fine-tuning less the adapter.

    Parameters
    ----------
    method : key of a method; `difference` for full less the better adapter.
    npv_usd : net present value.
    tornado : the widest bar first.
    """

    method: str
    npv_usd: Distribution
    histogram: Histogram
    tornado: tuple[TornadoBar, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a choice is worth most along a line: from a place on, up to that of the next one.

    Parameters
    ----------
    best : as in `ValueMap`; start : in the unit of the axis.
    """

    best: str
    start: float


@dataclass(frozen=True, slots=True)
class ValueMap:
    """Which choice is worth most, by what a point is worth and how many answers there are.

    Parameters
    ----------
    value_per_point_usd : for 1,000 answers, columns, ascending. (c,)
    answers_per_month : rows, ascending. (r,)
    best : full, the adapter against it, or neither, by expected net present value. (r, c)
    lead_usd : expected worth of full less that of the adapter; with one method, its own. (r, c)
    now_value_per_point_usd, now_answers_per_month : the scenario.
    along_value, along_answers : exactly, along both axes through the scenario, ascending from the
        first cell's middle to the last one's; empty in reports that were saved without.
    """

    value_per_point_usd: tuple[float, ...]
    answers_per_month: tuple[float, ...]
    best: tuple[tuple[str, ...], ...]
    lead_usd: tuple[tuple[float, ...], ...]
    now_value_per_point_usd: float
    now_answers_per_month: float
    along_value: tuple[Stretch, ...] = ()
    along_answers: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class PilotDesign:
    """A pilot that could be run: the methods that stand are trained once each, and tested.

    Parameters
    ----------
    data_fraction : of the training set; examples : the same. [count]
    test_questions : [count]
    cost_usd : GPU time and what was entered for people, after the tax that both save.
    value_usd : expected worth of choosing after it rather than now: 0 to that of knowing all.
    probability_changes : chance that it changes what is chosen.
    default : whether it is the pilot that the verdict speaks of.
    """

    data_fraction: float
    examples: int
    test_questions: int
    cost_usd: float
    value_usd: float
    probability_changes: float
    default: bool


@dataclass(frozen=True, slots=True)
class KnowingOne:
    """Expected worth of knowing one figure before choosing (EVPPI). [USD]"""

    key: str
    label: str
    value_usd: float


@dataclass(frozen=True, slots=True)
class InformationReport:
    """What knowing more is worth.

    Parameters
    ----------
    perfect_usd : expected worth of knowing every uncertain figure.
    figures : of knowing one of them alone, the most valuable first.
    designs : pilots, the smallest first; with one method against doing nothing.
    """

    perfect_usd: float
    figures: tuple[KnowingOne, ...]
    designs: tuple[PilotDesign, ...]


@dataclass(frozen=True, slots=True)
class RiskReport:
    """Risk of the whole answer.

    Parameters
    ----------
    methods : feasible ones, then the difference where both stand.
    value_map : None where answers are worth nothing.
    correlations : pairs of figures and how they go together, as used. -1 to 1
    """

    methods: tuple[MethodRisk, ...]
    value_map: ValueMap | None
    information: InformationReport
    correlations: tuple[tuple[str, str, float], ...]
