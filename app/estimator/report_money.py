"""Money of the report: every line month by month, the calendar it stands on, and its roll-up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Period:
    """One month, quarter or year of the calendar.

    Parameters
    ----------
    label : of a month "2027-01", of a quarter "FY2027 Q1", of a year "FY2027". A fiscal year has
        the number of the calendar year that it ends in.
    first_month, last_month : numbers of its months of the scenario, both included. Month 0, what is
        paid at the start, belongs to the period of month 1.
    start, end : ISO dates; the end is the day after the last.
    """

    label: str
    first_month: int
    last_month: int
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The months of a scenario, and how money of different months is compared.

    Parameters
    ----------
    start : first day of month 1; what stands in month 0 is paid on it. ISO date
    flow_dates : of month 0, the start; of month m, its last day. (months + 1,) ISO dates
    months : month 0 is not among them. (months,)
    quarters, years : of the fiscal calendar; the first and the last may be cut short.
    fiscal_year_start : month of the year, 1 to 12.
    discount_rate_fraction : effective, a year.
    monthly_rate_fraction : (1 + yearly)^(1/12) - 1.
    discount_factors : of months 0, 1, ...; month 0 counts in full. (months + 1,)
    money_terms : nominal (prices rise with inflation) or real (money of month 0).
    inflation_fraction : effective, a year.
    price_index : what a price of month 0 is in month m, in the terms of the money. (months + 1,)
    contract_index : likewise of a price that is fixed at the start. (months + 1,)
    tax_fraction : of profit; losses are set off at once.
    capitalised_fraction : of the work until the first release that is written off over
        `write_off_months` in equal parts, from the first whole month in use.
    """

    start: str
    flow_dates: tuple[str, ...]
    months: tuple[Period, ...]
    quarters: tuple[Period, ...]
    years: tuple[Period, ...]
    fiscal_year_start: int
    discount_rate_fraction: float
    monthly_rate_fraction: float
    discount_factors: tuple[float, ...]
    money_terms: str
    inflation_fraction: float
    price_index: tuple[float, ...]
    contract_index: tuple[float, ...]
    tax_fraction: float
    capitalised_fraction: float
    write_off_months: int


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One line of what a method costs or brings, expected, month by month.

    Parameters
    ----------
    side : cost or benefit. A loss in use, such as answers that come later, is a benefit below 0.
    category : of costs data, experiments, training, idle, evaluation, people, compliance, storage,
        network, serving, retraining or delay; of benefits accuracy, errors, incidents, growth,
        latency or retention.
    nature : of costs capex (work until the first release, paid at the start) or opex; empty for
        benefits.
    unit : of the quantity.
    unit_price_usd : in prices of month 0.
    quantity_by_month, usd_by_month : usd = quantity x unit price x price index of the month,
        rounded to a binary fraction so that sums are exact in any order. (months + 1,)
    quantity, usd : their sums.
    source : of the price: key of a source, `input` or `assumption`.
    inputs : fields of the scenario that the price, or the quantity, is.
    provider : key of the provider that is paid; empty where it is nobody on a price list.
    region, sku : of the offer that is paid for; may be empty.
    fixed_price : whether the contract index stands in the place of the price index.
    """

    key: str
    label: str
    side: str
    category: str
    nature: str
    unit: str
    unit_price_usd: float
    quantity: float
    usd: float
    quantity_by_month: tuple[float, ...]
    usd_by_month: tuple[float, ...]
    source: str
    inputs: tuple[str, ...] = ()
    provider: str = ""
    region: str = ""
    sku: str = ""
    fixed_price: bool = False


@dataclass(frozen=True, slots=True)
class UseDrivers:
    """What the benefits of a method are made of, so that they can be computed again elsewhere.

    Parameters
    ----------
    use_by_month : share of the answers of each month that the tuned model gives. (months + 1,)
    growth_years_by_month : years of growth of the answers until then. (months + 1,) [years]
    gain_points : expected gain, weighed with what answers and their worth turn out to be. [points]
    released_fraction : chance that it is put to use, weighed with the answers. [fraction]
    extra_seconds : that each answer takes longer than with the base model. [s]
    won_right_by_month, won_by_month, won_released_by_month : answers that accuracy brings for each
        answer without it: that are right more, all (weighed with their worth), and all (not).
        (months + 1,)
    live_by_month : share of each month in which it is in use. (months + 1,)
    forgotten_points : expected loss on other tasks where it is put to use. [points]
    worth_mean : mean of the product of the factors on worth and on answers; near 1, and not just 1
        where they go together.
    """

    use_by_month: tuple[float, ...]
    growth_years_by_month: tuple[float, ...]
    gain_points: float
    released_fraction: float
    extra_seconds: float
    won_right_by_month: tuple[float, ...]
    won_by_month: tuple[float, ...]
    won_released_by_month: tuple[float, ...]
    live_by_month: tuple[float, ...]
    forgotten_points: float
    worth_mean: float


@dataclass(frozen=True, slots=True)
class ServingDrivers:
    """How GPUs for serving follow from the load, so that they can be computed again elsewhere.

    Parameters
    ----------
    tuned_models, base_models : resident models that share the load; 1 for the base.
    tuned_offer_key, base_offer_key : of the offers that are rented.
    """

    mean_answers_per_month: float
    peak_factor: float
    least_replicas: int
    tuned_models: int
    tuned_answers_per_s: float
    tuned_replicas_per_instance: float
    tuned_usd_per_instance_hour: float
    tuned_offer_key: str
    base_models: int
    base_answers_per_s: float
    base_replicas_per_instance: float
    base_usd_per_instance_hour: float
    base_offer_key: str


@dataclass(frozen=True, slots=True)
class PeriodMoney:
    """Sums over one quarter or year. [USD]

    Parameters
    ----------
    capex, opex : costs, above 0.
    benefit : less what is lost by the model in use.
    tax : above 0 where it is paid.
    net : benefit - capex - opex - tax.
    """

    label: str
    capex_usd: float
    opex_usd: float
    benefit_usd: float
    tax_usd: float
    net_usd: float


@dataclass(frozen=True, slots=True)
class MoneyReport:
    """The money of one method, expected: lines, their sums by month, and what they come to.

    Parameters
    ----------
    lines : costs first, those at a price of 0 too. Sums of costs and benefits are those of their
        lines, exactly.
    capex_by_month, opex_by_month : sum to the cost. (months + 1,) [USD]
    depreciation_by_month : written off, no flow of money; lowers the tax. (months + 1,) [USD]
    tax_by_month : tax_fraction x (benefit - opex - capex that is not capitalised - depreciation);
        below 0 it is saved elsewhere in the company. (months + 1,) [USD]
    net_by_month : benefit - capex - opex - tax. (months + 1,) [USD]
    present_by_month : net x discount factor. (months + 1,) [USD]
    npv_usd : their sum.
    xirr_fractions : every rate at which the dated flows are worth nothing (actual days over 365).
    xirr_note : why there is none; else empty.
    drivers, serving : how quantities follow from inputs; serving is None where none is counted.
    """

    lines: tuple[MoneyLine, ...]
    cost_by_month: tuple[float, ...]
    capex_by_month: tuple[float, ...]
    opex_by_month: tuple[float, ...]
    benefit_by_month: tuple[float, ...]
    depreciation_by_month: tuple[float, ...]
    tax_by_month: tuple[float, ...]
    net_by_month: tuple[float, ...]
    present_by_month: tuple[float, ...]
    quarters: tuple[PeriodMoney, ...]
    years: tuple[PeriodMoney, ...]
    npv_usd: float
    xirr_fractions: tuple[float, ...]
    xirr_note: str
    drivers: UseDrivers
    serving: ServingDrivers | None
