"""The one report: what every page, the JSON API and the command line show.

Plain numbers with their unit in the name; no rounding and no words made for one page. Presenters
round, templates lay out, nothing recalculates.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report_accuracy import AccuracyReport, EvidenceReport, PilotReport
from app.estimator.report_money import MoneyReport, Timeline
from app.estimator.report_plans import BillEntry, FlopReport, FrontierPoint, PlanReport
from app.estimator.report_risk import RiskReport
from app.estimator.report_serving import ServingReport
from app.estimator.report_values import Distribution

REPORT_SCHEMA = 5


@dataclass(frozen=True, slots=True)
class ModelReport:
    """The base model: its shape and exact counts."""

    name: str
    label: str
    family: str
    parameters: int
    active_parameters: int
    """that one token meets; fewer than all in a mixture of experts"""
    embedding_parameters: int
    layers: int
    hidden_size: int
    vocab_size: int
    max_position_embeddings: int | None
    source_key: str | None


@dataclass(frozen=True, slots=True)
class DataReport:
    """The training data of one run."""

    examples: int
    tokens_per_example: int
    epochs: float
    tokens_per_run: float
    """of the examples, without padding"""
    packing: str
    padding_fraction: float
    """share of the computed tokens that is padding, at micro-batch 1"""
    truncated_fraction: float
    """share of the examples that is cut"""
    evaluation_tokens_per_run: float
    sequence_length: int
    """longest sequence that is computed"""
    sequences_per_run: int
    global_batch_sequences: int
    steps_per_run: int


@dataclass(frozen=True, slots=True)
class SoftwareReport:
    """The software of a step, and whether the estimate was fitted to runs of it."""

    stack: str
    label: str
    precision: str
    precision_label: str
    optimizer: str
    optimizer_label: str
    loss: str
    loss_label: str
    adapter_dtype: str
    compute: str
    attention: str
    time_calibrated: bool
    memory_calibrated: bool


@dataclass(frozen=True, slots=True)
class CostLine:
    """quantity x unit price = amount. The lines sum to the total that is shown. [USD]"""

    key: str
    label: str
    quantity: float
    unit: str
    unit_price_usd: float
    usd: float
    when: str
    """once (before the first release) or recurring (over the horizon)"""
    source: str
    """key of a source, `input` or `assumption`"""


@dataclass(frozen=True, slots=True)
class WayReport:
    """One way to pay for the GPU time of the same training programme over the horizon."""

    key: str
    """on-demand, spot, reserved-1y, reserved-3y, capacity-block, own-alone (servers for this only),
    own (a share of servers that other work of the company runs on too) or managed"""
    label: str
    seller: str
    what: str
    """instance, server or price class that is bought, and how many"""
    chosen: bool
    """whether the report's own cost lines rest on it"""
    gpu_hours: float | None
    """GPU time that runs use; None where no GPUs are rented"""
    paid_gpu_hours: float | None
    """GPU time that is paid for, idle time included"""
    usd_per_gpu_hour: float | None
    """total divided by the GPU time that runs use"""
    hours_per_run: float | None
    lines: tuple[CostLine, ...]
    """they sum to the total"""
    total_usd: float
    """over the horizon, undiscounted"""
    upfront_usd: float
    """paid before the first release; for owned servers their whole price"""
    price_valid_from: str
    """empty for a price that was entered"""
    price_age_days: int
    source_key: str
    """key of a source, or `input`"""
    note: str
    """what to know of it, as a sentence; may be empty"""


@dataclass(frozen=True, slots=True)
class BuyingReport:
    """Owned servers against renting the same GPUs: from which use on buying is cheaper."""

    server: str
    servers: int
    gpus: int
    total_usd: float
    """of owning all servers over the horizon, less what they are worth at its end"""
    usd_per_gpu_hour_at_full_use: float
    rent_label: str
    rent_usd_per_gpu_hour: float
    utilisation_fraction: float
    """share of all hours in which the company uses the servers, for anything; assumed or entered"""
    programme_fraction: float
    """share of all hours that this programme alone uses"""
    break_even_fraction: float | None
    """use above which owning is cheaper than renting; None where it never is"""
    chosen_label: str
    """the way that the plan is paid for, where a GPU-hour that it uses costs another rate than the
    rent above; empty where it does not"""
    chosen_usd_per_gpu_hour: float | None
    """what that way pays for a GPU-hour that is used, idle ones included; None without a label"""
    chosen_break_even_fraction: float | None
    """use above which owning is cheaper than that; None where it never is, or without a label"""


@dataclass(frozen=True, slots=True)
class CashFlowReport:
    """Month 0 is the start; other entries are at month ends. Arrays of horizon + 1."""

    monthly_usd: tuple[float, ...]
    """expected, undiscounted, after tax"""
    cumulative_usd: tuple[float, ...]
    cumulative_p10_usd: tuple[float, ...]
    cumulative_p90_usd: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """One figure at which a choice is worth as much as another, everything else held."""

    key: str
    """answers_per_month, value_per_correct_answer_usd or gpu_price"""
    now: float
    """in the scenario; of a GPU price USD an hour, or 1 where it is a multiple of all prices"""
    value: float
    """where both are worth as much"""
    above: bool
    """whether the choice is worth more above it"""


@dataclass(frozen=True, slots=True)
class MethodReport:
    """Everything about one method; `plan` and what follows is None where nothing fits."""

    method: str
    label: str
    rank: int | None
    targets: str | None
    parameters: int
    trainable_parameters: int
    trainable_fraction: float
    feasible: bool
    reasons: tuple[str, ...]
    """why it does not fit, and what would make it fit"""
    plan: PlanReport | None
    """by the objective of the scenario"""
    cheapest: PlanReport | None
    fastest: PlanReport | None
    best_value: PlanReport | None
    plans_considered: int
    plans_out_of_memory: int
    plans_over_limits: int
    plans_that_fit: int
    frontier: tuple[FrontierPoint, ...]
    """from the cheapest to the fastest"""
    infrastructure: tuple[BillEntry, ...]
    """what the plan needs beside its GPUs"""
    ways: tuple[WayReport, ...]
    """rent, buy or managed: ways to pay for this programme, the chosen one first"""
    buying: BuyingReport | None
    """None where no price of a server with this GPU is known or entered"""
    programme_gpu_hours: float | None
    """of all runs over the horizon; the hours of the plan are those of one run"""
    flop: FlopReport | None
    accuracy: AccuracyReport | None
    cost_lines: tuple[CostLine, ...]
    upfront_usd: float | None
    total_usd: float | None
    """over the horizon, undiscounted; the sum of the cost lines"""
    total_usd_range: Distribution | None
    usd_per_point: float | None
    """total cost divided by the expected gain; None where the expected gain is not positive"""
    time_to_release_months: float | None
    cash_flow: CashFlowReport | None
    money: MoneyReport | None
    """None in reports of earlier schemas too"""
    npv_usd: Distribution | None
    payback_months: float | None
    """undiscounted, of the expected cash flow; None where it does not pay back"""
    discounted_payback_months: float | None
    irr_fractions: tuple[float, ...]
    """every effective yearly rate at which the expected cash flow is worth nothing, ascending"""
    irr_note: str
    """why there is no such rate; empty where there is one, and in reports that do not say"""
    roi_fraction: float | None
    """benefit less cost, over cost, undiscounted and before tax"""
    break_evens: tuple[BreakEven, ...]
    """against doing nothing"""
    probability_pays: float | None
    """share of draws with NPV above 0"""
    probability_best: float | None
    """share of draws in which this method has the highest NPV, and it is above 0"""


@dataclass(frozen=True, slots=True)
class ArgumentValue:
    """One argument for one method."""

    method: str
    quantity: float | None
    """expected, in the unit of the argument; None where there is none"""
    p10: float | None
    p90: float | None
    usd: float | None
    """what it costs over the horizon, expected, undiscounted; below 0 it earns; None where money is
    not at stake or is part of another line"""


@dataclass(frozen=True, slots=True)
class ArgumentReport:
    """One argument that leaders hear, as a quantity of every method."""

    key: str
    """accuracy, hallucination, violations, audit, governance, retention, latency, serving,
    development_time, delay, growth or control"""
    label: str
    quantity_label: str
    unit: str
    values: tuple[ArgumentValue, ...]
    inputs: tuple[str, ...]
    """fields of the scenario that it rests on"""
    counted: bool
    """whether it is in the money: its inputs are not 0"""
    note: str
    """how it was computed and how well it is known, as a sentence"""
    source: str
    """`input`, `assumption`, `evidence` (the studies), `serving` (its measurements) or `counted`"""


@dataclass(frozen=True, slots=True)
class IncrementalReport:
    """Full fine-tuning instead of the adapter: the difference of their expected cash flows."""

    npv_usd: float
    irr_fractions: tuple[float, ...]
    irr_note: str
    payback_months: float | None
    discounted_payback_months: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Full fine-tuning against the better adapter method; None in the report without both."""

    adapter_method: str
    gap_points: Distribution
    """gain of full less gain of the adapter"""
    break_even_gap_points: float | None
    """the gap at which both have the same NPV; None where no gap can be worth anything, because
    answers are worth nothing or full is not released within the horizon"""
    probability_full_beats_adapter: float
    extra_cost_usd: float
    """total cost of full less total cost of the adapter, over the horizon"""
    incremental: IncrementalReport | None
    """None in reports of earlier schemas"""
    break_evens: tuple[BreakEven, ...]
    """of full against the adapter; their serving and plans are held, and so is the gap"""


@dataclass(frozen=True, slots=True)
class DecidingNumber:
    """One of the two or three numbers that the verdict rests on."""

    key: str
    label: str
    value: float
    unit: str
    """points, USD, fraction, weeks, months or count"""
    note: str
    """what it is held against, as a sentence"""


@dataclass(frozen=True, slots=True)
class Turn:
    """A change of one input alone that changes the verdict."""

    field: str
    """the input, as the scenario names it; gpu_price and gap are of the estimate"""
    label: str
    now: float
    needed: float
    unit: str
    becomes: str
    """the choice beyond that value"""
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer in words, made from the numbers of this report."""

    choice: str
    """full, lora, qlora, pilot (measure first), neither or, in reports of earlier schemas,
    undecided"""
    headline: str
    sentences: tuple[str, ...]
    perfect_information_usd: float
    """expected gain of knowing every uncertain figure before choosing: no pilot is worth more"""
    probability: float | None
    """that the choice is the best of all, doing nothing included; for a pilot, that full beats the
    adapter; for neither, that doing nothing is best"""
    pilot_usd: float | None
    """cost of a small pilot of both methods; None without both"""
    pilot_value_usd: float | None
    """what it is expected to be worth before its cost; None without both and in earlier reports"""
    numbers: tuple[DecidingNumber, ...]
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """One number that the report rests on."""

    key: str
    label: str
    value: int | float | str
    unit: str
    kind: str
    """input (entered), default (ours, not changed), fact (sourced), derived (from published
    figures) or assumption (our judgement)"""
    source: str
    """key of a source, or why we assume it"""
    changed: bool


@dataclass(frozen=True, slots=True)
class SourceReport:
    """Where facts of this report were read."""

    key: str
    title: str
    publisher: str
    locator: str
    retrieved: str


@dataclass(frozen=True, slots=True)
class CurrencyReport:
    """The currency that amounts are shown in; every amount of the report is in US dollars."""

    code: str
    """ISO 4217"""
    digits: int
    """decimals of its minor unit"""
    per_usd: float
    valid_from: str
    """day of the rate; empty for an entered one and for the dollar itself"""
    source_key: str
    """key of a source, `input`, or empty for the dollar itself"""


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer to one scenario."""

    schema: int
    estimator_version: str
    catalog_hash: str
    as_of: str
    prices_as_of: str
    price_book: str
    """name and version of the price book; empty for the built-in prices"""
    currency: CurrencyReport
    title: str
    situation: str
    model: ModelReport
    data: DataReport
    software: SoftwareReport
    horizon_months: int
    discount_rate_fraction: float
    value_per_point_month_usd: float
    draws: int
    seed: int
    timeline: Timeline | None
    """None in reports of earlier schemas"""
    methods: tuple[MethodReport, ...]
    comparison: Comparison | None
    verdict: Verdict
    risk: RiskReport | None
    """None in reports of earlier schemas, and where it was not asked for"""
    evidence: EvidenceReport | None
    """None in reports of earlier schemas"""
    pilot: PilotReport | None
    arguments: tuple[ArgumentReport, ...]
    serving: ServingReport | None
    """None in reports of earlier schemas, and where serving is left out"""
    notes: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    sources: tuple[SourceReport, ...]
