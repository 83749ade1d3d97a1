"""The case: a scenario with every fact looked up. What the estimator is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import ceil

import numpy as np

from app.estimator.accounting import PLAIN, Accounting
from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.calibration import Calibration
from app.estimator.constants import ConstantValues
from app.estimator.currency import US_DOLLAR, Currency
from app.estimator.evidence import HeadToHead
from app.estimator.evidence_model import EvidenceModel
from app.estimator.fleet import Fleet, Floats
from app.estimator.hardware import Offer, Source
from app.estimator.market import ExchangeRate, ManagedPrice, Server, StoragePrice
from app.estimator.methods import Method
from app.estimator.plans import MICRO_BATCHES, Plans, Space
from app.estimator.report import Assumption
from app.estimator.software import Software


@dataclass(frozen=True, slots=True)
class Model:
    """The base model and how it is called."""

    architecture: Architecture
    label: str
    family: str
    source: Source | None


@dataclass(frozen=True, slots=True)
class Data:
    """The training data of one run, with real token counts.

    Parameters
    ----------
    examples, tokens_per_example : [count], mean [tokens]
    epochs : how often each example is seen.
    sequence_length : longest sequence that a GPU computes. [tokens]
    global_batch_sequences : sequences per optimizer step. [count]
    packing : one of `app.estimator.tokens.PACKINGS`.
    tokens_per_epoch : of the examples, without padding and after truncation. [tokens]
    sequences_per_epoch : [count]
    computed_share : tokens computed for a sequence over `sequence_length`, padding included, by
        micro-batch in the order of `MICRO_BATCHES`. [fraction]
    padding_fraction : share of the computed tokens that is padding, at micro-batch 1.
    truncated_fraction : share of the examples that is cut.
    evaluation_tokens : of all evaluation passes of one run. [tokens]
    """

    examples: int
    tokens_per_example: int
    epochs: float
    sequence_length: int
    global_batch_sequences: int
    packing: str
    tokens_per_epoch: float
    sequences_per_epoch: float
    computed_share: tuple[float, ...]
    padding_fraction: float = 0.0
    truncated_fraction: float = 0.0
    evaluation_tokens: float = 0.0

    @property
    def tokens_per_run(self) -> float:
        """Tokens that one run trains on, without padding. [tokens]"""
        return self.tokens_per_epoch * self.epochs

    @property
    def sequences_per_run(self) -> int:
        """Sequences of one run, the last one part empty. [count]"""
        return max(1, ceil(self.sequences_per_epoch * self.epochs))

    def steps(self, plans: Plans) -> Floats:
        """Optimizer steps of one run under every plan. (p,) [count]"""
        return np.ceil(self.sequences_per_run / plans.global_batch)

    def share_of(self, plans: Plans) -> Floats:
        """Tokens computed for a sequence over its longest, under every plan. (p,) [fraction]"""
        at = np.searchsorted(MICRO_BATCHES, plans.micro_batch)
        return np.array(self.computed_share)[np.minimum(at, len(MICRO_BATCHES) - 1)]


@dataclass(frozen=True, slots=True)
class Programme:
    """The work around the release run.

    Parameters
    ----------
    experiments, experiment_fraction : runs before the release, and their size in whole runs.
    failed_fraction : extra GPU time lost to failed runs.
    engineer_weeks_full, engineer_weeks_adapter : person-weeks until the first release.
    engineer_week_usd, data_preparation_usd, release_fixed_usd : [USD]
    releases_per_year : releases after the first; each is trained again.
    adapter_release_fraction : checks of an adapter release, as a share of those of full.
    artefact_year_usd : governing one model artefact for a year. [USD]
    delay_usd_per_month : of each month until the first release. [USD]
    """

    experiments: int
    experiment_fraction: float
    failed_fraction: float
    engineer_weeks_full: float
    engineer_weeks_adapter: float
    engineer_week_usd: float
    data_preparation_usd: float
    releases_per_year: float
    release_fixed_usd: float
    adapter_release_fraction: float = 1.0
    artefact_year_usd: float = 0.0
    delay_usd_per_month: float = 0.0

    def engineer_weeks(self, method: Method) -> float:
        """Work until the first release of a method. [person-weeks]"""
        return self.engineer_weeks_full if method.adapters is None else self.engineer_weeks_adapter


@dataclass(frozen=True, slots=True)
class Value:
    """What accuracy is worth.

    Parameters
    ----------
    base_accuracy_points : accuracy of the base model. [points, 0 to 100]
    test_set_size : questions behind that figure. [count]
    answers_per_month, value_per_correct_answer_usd : [count], [USD]
    horizon_months : [months]; discount_rate_fraction : effective, a year.
    value_uncertainty_fraction, price_uncertainty_fraction : half width of the 80% range.
    hallucination_fraction, hallucination_usd : share of the wrong answers that are believed, and
        what one costs beyond the worth of a right answer. [USD]
    violation_fraction, incident_fraction, incident_usd : share of the wrong answers that break a
        rule, share of those that become an incident, and its cost. [USD]
    other_answers_per_month, other_value_usd : outside the tuned task. [count], [USD]
    growth_fraction : of answers, a year; growth_per_point_fraction : more of it, for each point of
        gain; margin_usd : of one more answer. [USD]
    second_usd : worth of a second less waiting, for each answer. [USD]
    adoption_uncertainty_fraction : half width of the 80% range of the answers.
    adoption_ramp_months : from the release until the tuned model gives all answers. [months]
    """

    base_accuracy_points: float
    test_set_size: int
    answers_per_month: float
    value_per_correct_answer_usd: float
    horizon_months: int
    discount_rate_fraction: float
    value_uncertainty_fraction: float
    price_uncertainty_fraction: float
    hallucination_fraction: float = 0.0
    hallucination_usd: float = 0.0
    violation_fraction: float = 0.0
    incident_fraction: float = 0.0
    incident_usd: float = 0.0
    other_answers_per_month: float = 0.0
    other_value_usd: float = 0.0
    growth_fraction: float = 0.0
    growth_per_point_fraction: float = 0.0
    margin_usd: float = 0.0
    second_usd: float = 0.0
    adoption_uncertainty_fraction: float = 0.0
    adoption_ramp_months: float = 0.0

    @property
    def usd_per_error(self) -> float:
        """What one answer that is right instead of wrong is worth: its own worth, believed errors
        and incidents. [USD]
        """
        return (
            self.value_per_correct_answer_usd
            + self.hallucination_fraction * self.hallucination_usd
            + self.violation_fraction * self.incident_fraction * self.incident_usd
        )

    @property
    def usd_per_point_month(self) -> float:
        """Worth of one accuracy point for one month, before growth. [USD]"""
        return self.answers_per_month * self.usd_per_error / 100


@dataclass(frozen=True, slots=True)
class PilotScore:
    """One score that was measured.

    Parameters
    ----------
    method : base, full, lora or qlora.
    examples : that the model was trained on, 0 for the base. [count]
    points : [points, 0 to 100]; test_set_size : [count]
    """

    method: str
    examples: int
    points: float
    test_set_size: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the model in use.

    Parameters
    ----------
    serving : auto, merged, unmerged or none.
    variants : tuned models in use at once, with equal shares of the answers. [count]
    prompt_tokens, completion_tokens : mean of an answer. [tokens]
    peak_factor : load of the busiest hour over the mean.
    max_ms_per_token : slowest token that is accepted. [ms]
    least_replicas : of every resident model. [count]
    """

    serving: str = "auto"
    variants: int = 1
    prompt_tokens: int = 1_000
    completion_tokens: int = 300
    peak_factor: float = 3.0
    max_ms_per_token: float = 50.0
    least_replicas: int = 1


@dataclass(frozen=True, slots=True)
class Market:
    """What the programme of a plan can be bought with beside the plan's own offer.

    Parameters
    ----------
    offers : of firm providers, however an instance is paid for.
    managed, servers : in the order in which ties are broken.
    """

    offers: tuple[Offer, ...] = ()
    managed: tuple[ManagedPrice, ...] = ()
    servers: tuple[Server, ...] = ()


@dataclass(frozen=True, slots=True)
class StorageTerms:
    """What object storage and traffic cost.

    Parameters
    ----------
    prices : published ones, by provider.
    usd_per_gb_month, egress_usd_per_gb : what was entered instead; None for the published price.
    """

    prices: Mapping[str, StoragePrice] = field(default_factory=dict)
    usd_per_gb_month: float | None = None
    egress_usd_per_gb: float | None = None


@dataclass(frozen=True, slots=True)
class PilotTerms:
    """The pilot that could be run next.

    Parameters
    ----------
    questions : of its test set. [count]
    other_cost_usd : beside its GPU time. [USD]
    """

    questions: int = 500
    other_cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the estimator needs; nothing is looked up afterwards.

    Parameters
    ----------
    fleet : the offers that may be planned on.
    reference_fleet : all firm offers, to say what would make a method fit.
    software, space : what runs a step, and which layouts are planned.
    deadline_hours, budget_usd : of one run; None for no limit.
    ledger : the inputs as rows of the report's assumptions.
    evidence : all head-to-heads; the task group chooses among them.
    as_of : the day for which the age of prices is shown.
    market : other ways to pay for a programme.
    currency : in which amounts are said.
    exchange_rate : the fact behind it; None for the dollar and for a rate that was entered.
    distance : from what the base model knows: near, medium or far.
    variant : of LoRA, for its accuracy alone.
    pilot : scores that were measured.
    demand : what is asked of the model in use.
    adapters : of LoRA and QLoRA by method key, also of one that is not compared.
    evidence_model : fitted to `evidence`; None to fit it for this case.
    accounting : calendar, tax and terms of the money.
    storage : prices of object storage and traffic.
    next_pilot : the pilot whose worth is asked for.
    time_uncertainty_fraction : half width of the 80% range of training time; None as measured.
    accuracy_spread : factor on how far scores lie from what is expected; 1 as the studies say.
    old_prices_left_out : offers that are not in `fleet` because newer prices exist. [count]
    price_book : name of the price book in force; empty for the built-in prices.
    """

    title: str
    situation: str
    task_group: str
    model: Model
    data: Data
    methods: tuple[Method, ...]
    fleet: Fleet
    reference_fleet: Fleet
    software: Software
    space: Space
    max_gpus: int
    deadline_hours: float | None
    budget_usd: float | None
    objective: str
    programme: Programme
    value: Value
    evidence: tuple[HeadToHead, ...]
    studies: Mapping[str, Source]
    constants: ConstantValues
    calibration: Calibration
    draws: int
    seed: int
    as_of: date
    ledger: tuple[Assumption, ...]
    market: Market = Market()
    currency: Currency = US_DOLLAR
    exchange_rate: ExchangeRate | None = None
    price_book: str = ""
    old_prices_left_out: int = 0
    distance: str = "near"
    variant: str = "plain"
    pilot: tuple[PilotScore, ...] = ()
    demand: Demand = Demand()
    adapters: Mapping[str, Adapters] = field(default_factory=dict)
    evidence_model: EvidenceModel | None = None
    accounting: Accounting = PLAIN
    storage: StorageTerms = field(default_factory=StorageTerms)
    next_pilot: PilotTerms = PilotTerms()
    time_uncertainty_fraction: float | None = None
    accuracy_spread: float = 1.0
