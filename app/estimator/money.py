"""The money of the report: calendar, lines by month, roll-up, and how quantities follow."""

from __future__ import annotations

from datetime import date

import numpy as np

from app.estimator.case import Case
from app.estimator.finance import discount_factors, monthly_rate
from app.estimator.fiscal import fiscal_periods, flow_dates, month_periods, period_sums
from app.estimator.flows import Flow
from app.estimator.method_serving import Served
from app.estimator.report_money import (
    MoneyLine,
    MoneyReport,
    PeriodMoney,
    ServingDrivers,
    Timeline,
)
from app.estimator.returns import xirr
from app.estimator.serving_way import Way
from app.estimator.worked import Worked


def timeline_of(case: Case) -> Timeline:
    """The calendar of a case, and its weights of months."""
    terms, months = case.accounting, case.value.horizon_months
    rate = case.value.discount_rate_fraction
    quarters, years = fiscal_periods(terms.start, months, terms.fiscal_year_start)
    return Timeline(
        start=terms.start.isoformat(),
        flow_dates=tuple(day.isoformat() for day in flow_dates(terms.start, months)),
        months=month_periods(terms.start, months),
        quarters=quarters,
        years=years,
        fiscal_year_start=terms.fiscal_year_start,
        discount_rate_fraction=rate,
        monthly_rate_fraction=monthly_rate(rate),
        discount_factors=tuple(discount_factors(rate, months).tolist()),
        money_terms=terms.terms,
        inflation_fraction=terms.inflation_fraction,
        price_index=tuple(terms.price_index(months).tolist()),
        contract_index=tuple(terms.contract_index(months).tolist()),
        tax_fraction=terms.tax_fraction,
        capitalised_fraction=terms.capitalised_fraction,
        write_off_months=terms.write_off_months,
    )


def money_report(worked: Worked, timeline: Timeline) -> MoneyReport:
    """The expected money of one method."""
    ledger = worked.ledger
    costs = ledger.costs
    start = date.fromisoformat(timeline.start)
    days = [(date.fromisoformat(day) - start).days for day in timeline.flow_dates]
    rates = xirr(ledger.net, days)

    def sums(periods: str) -> tuple[PeriodMoney, ...]:
        of = getattr(timeline, periods)
        columns = (ledger.capex, ledger.opex, ledger.benefit, ledger.tax, ledger.net)
        return tuple(
            PeriodMoney(period.label, *values)
            for period, *values in zip(of, *(period_sums(c, of) for c in columns), strict=True)
        )

    return MoneyReport(
        lines=(
            *(
                _line(flow, amounts, "cost")
                for flow, amounts in zip(costs.flows, costs.amounts, strict=True)
            ),
            *(
                _line(flow, amounts, "benefit")
                for flow, amounts in zip(ledger.benefits, ledger.benefit_amounts, strict=True)
            ),
        ),
        cost_by_month=tuple((ledger.capex + ledger.opex).tolist()),
        capex_by_month=tuple(ledger.capex.tolist()),
        opex_by_month=tuple(ledger.opex.tolist()),
        benefit_by_month=tuple(ledger.benefit.tolist()),
        depreciation_by_month=tuple(ledger.depreciation.tolist()),
        tax_by_month=tuple(ledger.tax.tolist()),
        net_by_month=tuple(ledger.net.tolist()),
        present_by_month=tuple(ledger.present.tolist()),
        quarters=sums("quarters"),
        years=sums("years"),
        npv_usd=ledger.npv_usd,
        xirr_fractions=rates.yearly,
        xirr_note=rates.why_none,
        drivers=worked.drivers,
        serving=_serving(worked.served),
    )


def _line(flow: Flow, amounts: np.ndarray, side: str) -> MoneyLine:
    return MoneyLine(
        key=flow.key,
        label=flow.label,
        side=side,
        category=flow.category,
        nature=_nature(flow, side),
        unit=flow.unit,
        unit_price_usd=flow.unit_price_usd,
        quantity=flow.quantity,
        usd=float(amounts.sum()),
        quantity_by_month=tuple(flow.quantity_by_month.tolist()),
        usd_by_month=tuple(amounts.tolist()),
        source=flow.source,
        inputs=flow.inputs,
        provider=flow.seller.provider,
        region=flow.seller.region,
        sku=flow.seller.sku,
        fixed_price=flow.fixed_price,
    )


def _nature(flow: Flow, side: str) -> str:
    if side != "cost":
        return ""
    return "capex" if flow.is_capital else "opex"


def _serving(served: Served) -> ServingDrivers | None:
    """What sizes the GPUs for serving; None where none are counted."""
    way, base = served.way, served.base
    if way is None or base is None:
        return None

    def per_instance(of: Way) -> float:
        return of.offer.gpus_per_instance / of.gpus_per_replica

    return ServingDrivers(
        mean_answers_per_month=way.load.answers_per_month,
        peak_factor=way.load.peak_factor,
        least_replicas=way.load.least_replicas,
        tuned_models=way.models,
        tuned_answers_per_s=way.answers_per_s,
        tuned_replicas_per_instance=per_instance(way),
        tuned_usd_per_instance_hour=way.offer.usd_per_instance_hour,
        tuned_offer_key=way.offer.key,
        base_models=base.models,
        base_answers_per_s=base.answers_per_s,
        base_replicas_per_instance=per_instance(base),
        base_usd_per_instance_hour=base.offer.usd_per_instance_hour,
        base_offer_key=base.offer.key,
    )
