"""Where the numbers of a report come from: constants, sourced facts and sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isclose

from app.estimator.case import Case
from app.estimator.constants import CONSTANTS, Constant
from app.estimator.evidence import PLAIN_ADAPTERS
from app.estimator.hardware import PURCHASE_OPTIONS, Source
from app.estimator.report import Assumption, MethodReport, SourceReport
from app.estimator.report_plans import PlanReport
from app.estimator.report_serving import ServingReport
from app.estimator.units import GB, TERA
from app.estimator.ways import ENTERED
from app.estimator.worked import Worked

CHIP_CONSTANT = "matmul_pj_per_flop_"


def constant_ledger(case: Case, methods: Iterable[MethodReport]) -> tuple[Assumption, ...]:
    """The constants that this report rests on; those of other chips are left out."""
    plans = [p for m in methods for p in (m.plan, m.cheapest, m.fastest, m.best_value) if p]
    accelerators = {a.key: a for a in case.fleet.accelerators}
    chips = {accelerators[plan.accelerator].chip for plan in plans}

    def rests_on(key: str) -> bool:
        chip = key.removeprefix(CHIP_CONSTANT)
        return chip == key or chip in chips

    def row(constant: Constant) -> Assumption:
        value = case.constants[constant.key]
        usual = case.calibration.constants.get(constant.key, constant.value)
        # No run spoke of it: it is where the fit began.
        unmoved = constant.kind == "fitted" and isclose(usual, constant.value, rel_tol=1e-4)
        kind = "assumption" if unmoved else constant.kind
        return Assumption(
            key=constant.key,
            label=constant.label,
            value=value,
            unit=constant.unit,
            kind="input" if value != usual else kind,
            source=constant.source,
            changed=value != usual,
        )

    return tuple(row(constant) for constant in CONSTANTS.values() if rests_on(constant.key))


def fact_ledger(methods: Iterable[MethodReport], case: Case) -> tuple[Assumption, ...]:
    """The sourced facts behind the chosen plans: prices, accelerator figures, carbon of the grid,
    and the exchange rate.
    """
    rows: dict[str, Assumption] = {}
    accelerators = {a.key: a for a in case.fleet.accelerators}
    for plan in (m.plan for m in methods if m.plan):
        rows[plan.offer_key] = Assumption(
            f"offer.{plan.offer_key}",
            f"{plan.provider_name} {plan.instance}, {plan.region}, "
            f"{PURCHASE_OPTIONS[plan.purchase_option]}, {plan.price_valid_from}{_off_list(plan)}",
            plan.usd_per_instance_hour,
            "USD per instance-hour",
            "fact",
            plan.price_source_key,
            changed=False,
        )
        energy = plan.energy
        if energy is not None and energy.g_co2e_per_kwh is not None:
            rows[f"grid.{energy.grid_label}"] = Assumption(
                f"grid.{energy.grid_label}",
                f"Carbon of electricity: {energy.grid_label}",
                energy.g_co2e_per_kwh,
                "g CO2e per kWh",
                "fact",
                energy.grid_source_key,
                changed=False,
            )
        a = accelerators[plan.accelerator]
        for name, label, value, unit in (
            ("bf16", "dense bf16 peak", a.bf16_flop_per_s / TERA, "TFLOP/s"),
            ("bandwidth", "memory bandwidth", a.memory_bytes_per_s / GB, "GB/s"),
            ("link", f"link between GPUs ({a.link})", a.link_bytes_per_s / GB, "GB/s one way"),
        ):
            rows[f"{a.key}.{name}"] = Assumption(
                f"accelerator.{a.key}.{name}",
                f"{a.name}: {label}",
                value,
                unit,
                "fact",
                a.source.key,
                changed=False,
            )
    if case.exchange_rate is not None:
        rate = case.exchange_rate
        rows["exchange_rate"] = Assumption(
            f"exchange_rate.{rate.code}",
            f"{rate.name}, {rate.valid_from.isoformat()}",
            rate.per_usd,
            f"{rate.code} per USD",
            "fact",
            rate.source.key,
            changed=False,
        )
    return tuple(rows.values())


def _off_list(plan: PlanReport) -> str:
    """What a price book makes of a list price, as the end of a label."""
    if not plan.price_book:
        return ""
    if not plan.discount_fraction:
        return f" ({plan.price_book})"
    side = "below" if plan.discount_fraction > 0 else "above"
    return f" ({plan.price_book}: {abs(plan.discount_fraction):.1%} {side} list)"


def report_sources(
    case: Case,
    worked: Mapping[str, Worked],
    methods: Iterable[MethodReport],
    serving: ServingReport | None,
) -> tuple[SourceReport, ...]:
    """Sources of the model, the chosen plans, the ways to pay, serving, the currency and the
    published studies, each once.
    """
    found: dict[str, Source] = {}
    if case.model.source:
        found[case.model.source.key] = case.model.source
    for w in worked.values():
        for choice in (w.choice, w.planned.cheapest, w.planned.fastest, w.planned.best_value):
            if choice is not None:
                offer = case.fleet.offers[choice.offer]
                found[offer.source.key] = offer.source
                found[offer.accelerator.source.key] = offer.accelerator.source
                if offer.grid is not None:
                    found[offer.grid.source.key] = offer.grid.source
        if w.served.way is not None:
            found[w.served.way.offer.source.key] = w.served.way.offer.source
        stored = {flow.source for flow in w.costs.flows if flow.key in {"storage", "egress"}}
        for price in case.storage.prices.values():
            if price.source.key in stored:
                found[price.source.key] = price.source
    rented = {offer.key: offer.source for offer in case.fleet.offers}
    for served in serving.ways if serving else ():
        found[served.price_source_key] = rented[served.offer_key]
    market = case.market
    sold = {
        **{offer.source.key: offer.source for offer in market.offers},
        **{price.source.key: price.source for price in market.managed},
        **{server.source.key: server.source for server in market.servers},
    }
    for m in methods:
        for way in m.ways:
            if way.source_key not in found and way.source_key != ENTERED:
                found[way.source_key] = sold[way.source_key]
    if case.exchange_rate is not None:
        found[case.exchange_rate.source.key] = case.exchange_rate.source
    # The studies of the task's own group first; the others lend what they have in common with it.
    rows = [row for row in case.evidence if not row.is_own and row.method in PLAIN_ADAPTERS]
    for row in sorted(rows, key=lambda row: (row.group != case.task_group, row.study)):
        found[row.study] = case.studies[row.study]
    return tuple(
        SourceReport(s.key, s.title, s.publisher, s.locator, s.retrieved.isoformat())
        for s in found.values()
    )
