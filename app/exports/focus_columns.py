"""Columns of FOCUS, the FinOps Open Cost and Usage Specification, in the versions that we write.

Column names, allowed values and when a cell must be null: https://focus.finops.org, specification
v1.0 (June 2024), v1.2 (May 2025) and v1.4 (June 2026), dataset "Cost and Usage". Columns that would
never hold anything in a forecast (invoices, split costs, tags of resources that do not exist yet)
are conditional there and left out here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from app.exports.csv_text import Value
from app.exports.feed_source import timeline_of
from app.exports.focus_charges import PURCHASE, SPOT, USAGE, Charge

V1_0, V1_2, V1_4 = "1.0", "1.2", "1.4"
VERSIONS = (V1_0, V1_2, V1_4)

CURRENCY = "USD"

EVERYWHERE = frozenset({"", "all", "*"})

_SERVICES = {
    "data": ("Other", "Other (Other)", "Training data"),
    "experiments": ("Compute", "Virtual Machines", "GPU instances"),
    "training": ("Compute", "Virtual Machines", "GPU instances"),
    "idle": ("Compute", "Virtual Machines", "GPU instances"),
    "retraining": ("Compute", "Virtual Machines", "GPU instances"),
    "serving": ("Compute", "Virtual Machines", "GPU instances for serving"),
    "evaluation": ("Management and Governance", "Compliance", "Evaluation and audit"),
    "compliance": ("Management and Governance", "Compliance", "Model governance"),
    "storage": ("Storage", "Object Storage", "Object storage"),
    "network": ("Networking", "Other (Networking)", "Data transfer"),
    "people": ("Other", "Other (Other)", "Engineering"),
    "delay": ("Other", "Other (Other)", "Cost of delay"),
}
"""Service category, its subcategory and the service of each category of a cost line."""
_OTHER = ("Other", "Other (Other)", "Other")
_MANAGED = ("AI and Machine Learning", "Generative AI", "Managed fine-tuning")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Parameters
    ----------
    versions : that have it.
    read : its cell; None is null.
    """

    name: str
    read: Callable[[Charge], Value]
    versions: tuple[str, ...] = VERSIONS


def columns_of(version: str) -> tuple[Column, ...]:
    """Columns of a version: those of FOCUS first, by name, then ours."""
    return tuple(column for column in _ALL if version in column.versions)


def _service(charge: Charge) -> tuple[str, str, str]:
    if "token" in charge.line.unit and charge.line.provider:
        return _MANAGED
    return _SERVICES.get(charge.line.category, _OTHER)


def _unit(charge: Charge) -> str:
    """Unit in the words of FOCUS: capital letters, "GPU-Hours", "GB-Months"."""
    return "-".join(part[:1].upper() + part[1:] for part in charge.line.unit.split("-"))


def _moment(day: str) -> str:
    return f"{day}T00:00:00Z"


def _sku(charge: Charge) -> str | None:
    if not charge.priced:
        return None
    return charge.line.sku or f"internal/{charge.line.key}"


def _price_id(charge: Charge) -> str | None:
    sku = _sku(charge)
    return None if sku is None else f"{sku}#{charge.line.unit}"


def _pricing_category(charge: Charge) -> str | None:
    if not charge.priced:
        return None
    if charge.committed and charge.category == USAGE:
        return "Committed"
    return "Dynamic" if charge.option == SPOT else "Standard"


def _frequency(charge: Charge) -> str:
    if charge.category == USAGE:
        return "Usage-Based"
    return "Recurring" if charge.committed or charge.line.nature == "opex" else "One-Time"


def _commitment(charge: Charge, value: str) -> str | None:
    return value if charge.committed else None


def _commitment_status(charge: Charge) -> str | None:
    if not charge.committed or charge.category != USAGE:
        return None
    return "Unused" if charge.line.category == "idle" else "Used"


def _consumed(charge: Charge) -> bool:
    """Whether something is used: FOCUS wants no quantity where a commitment stays unused."""
    return charge.category == USAGE and _commitment_status(charge) != "Unused"


def _price_details(charge: Charge) -> str | None:
    """What is bought for the price of one pricing unit, a GPU-hour."""
    plan = charge.forecast.plan
    if not charge.option or plan is None:
        return None
    return _json(
        {
            "InstanceType": plan.instance,
            "GpuCount": 1,
            "x_Accelerator": plan.accelerator,
        }
    )


def _tags(charge: Charge) -> str:
    return _json({"method": charge.forecast.method.method, "line": charge.line.key})


def _json(members: dict[str, str | int]) -> str:
    return json.dumps(members, separators=(",", ":"))


def _description(charge: Charge) -> str:
    part = ""
    if charge.committed:
        part = ", payment" if charge.category == PURCHASE else ", use"
    label = charge.forecast.method.label
    return f"Forecast: {charge.line.label}{part} ({label}, month {charge.month})"


def _host(charge: Charge) -> str:
    return charge.provider if charge.line.provider else "Not Applicable"


def _region(charge: Charge) -> str | None:
    """As the provider calls it; none where one price holds in all of them."""
    return None if charge.line.region in EVERYWHERE else charge.line.region


def _account(charge: Charge) -> str:
    return f"forecast/{charge.line.provider or 'internal'}"


_FROM_1_2 = (V1_2, V1_4)
_TO_1_2 = (V1_0, V1_2)

_FOCUS = (
    Column("BilledCost", lambda c: c.billed_usd),
    Column("BillingAccountId", _account),
    Column("BillingAccountName", lambda c: f"Forecast, not billed: {c.provider}"),
    Column("BillingCurrency", lambda _: CURRENCY),
    Column("BillingPeriodEnd", lambda c: _moment(c.period.end)),
    Column("BillingPeriodStart", lambda c: _moment(c.period.start)),
    Column("ChargeCategory", lambda c: c.category),
    Column("ChargeClass", lambda _: None),
    Column("ChargeDescription", _description),
    Column("ChargeFrequency", _frequency),
    Column("ChargePeriodEnd", lambda c: _moment(c.end)),
    Column("ChargePeriodStart", lambda c: _moment(c.start)),
    Column("CommitmentDiscountCategory", lambda c: _commitment(c, "Usage")),
    Column("CommitmentDiscountId", lambda c: _commitment(c, f"forecast/{c.line.sku}")),
    Column("CommitmentDiscountName", lambda c: _commitment(c, f"Forecast: {c.option}")),
    Column("CommitmentDiscountQuantity", lambda c: c.quantity if c.committed else None, _FROM_1_2),
    Column("CommitmentDiscountStatus", _commitment_status),
    Column("CommitmentDiscountType", lambda c: _commitment(c, "Reservation")),
    Column("CommitmentDiscountUnit", lambda c: _commitment(c, _unit(c)), _FROM_1_2),
    Column("ConsumedQuantity", lambda c: c.quantity if _consumed(c) else None),
    Column("ConsumedUnit", lambda c: _unit(c) if _consumed(c) else None),
    Column("ContractedCost", lambda c: c.usd),
    Column("ContractedUnitPrice", lambda c: c.unit_price_usd if c.priced else None),
    Column("EffectiveCost", lambda c: c.effective_usd),
    Column("HostProviderName", _host, (V1_4,)),
    Column("InvoiceIssuerName", lambda c: c.provider),
    Column("ListCost", lambda c: c.list_usd),
    Column("ListUnitPrice", lambda c: c.list_unit_price_usd if c.priced else None),
    Column("PricingCategory", _pricing_category),
    Column("PricingQuantity", lambda c: c.quantity if c.priced else None),
    Column("PricingUnit", lambda c: _unit(c) if c.priced else None),
    Column("ProviderName", lambda c: c.provider, _TO_1_2),
    Column("PublisherName", lambda c: c.provider, _TO_1_2),
    Column("RegionId", _region),
    Column("RegionName", _region),
    Column("ResourceId", lambda _: None, (V1_0,)),
    Column("ResourceName", lambda _: None, (V1_0,)),
    Column("ResourceType", lambda _: None, (V1_0,)),
    Column("ServiceCategory", lambda c: _service(c)[0]),
    Column("ServiceName", lambda c: _service(c)[2]),
    Column("ServiceProviderName", lambda c: c.provider, (V1_4,)),
    Column("ServiceSubcategory", lambda c: _service(c)[1], _FROM_1_2),
    Column("SkuId", _sku),
    Column("SkuMeter", lambda c: _unit(c) if c.priced else None, _FROM_1_2),
    Column("SkuPriceDetails", _price_details, _FROM_1_2),
    Column("SkuPriceId", _price_id),
    Column("SubAccountId", lambda _: None, (V1_0,)),
    Column("SubAccountName", lambda _: None, (V1_0,)),
    Column("Tags", _tags),
)

_OURS = (
    Column("x_IsProjection", lambda _: True),
    Column("x_ScenarioId", lambda c: c.forecast.scenario_id),
    Column("x_ScenarioTitle", lambda c: c.forecast.report.title),
    Column("x_EstimateVersion", lambda c: c.forecast.report.estimator_version),
    Column("x_EstimateDate", lambda c: c.forecast.report.as_of),
    Column("x_FocusVersion", lambda c: c.forecast.version),
    Column("x_Method", lambda c: c.forecast.method.method),
    Column("x_LineKey", lambda c: c.line.key),
    Column("x_LineCategory", lambda c: c.line.category),
    Column("x_CostScope", lambda c: c.scope),
    Column("x_CapexOpex", lambda c: c.line.nature),
    Column("x_Month", lambda c: c.month),
    Column("x_FiscalYear", lambda c: c.fiscal_year),
    Column("x_FiscalQuarter", lambda c: c.fiscal_quarter),
    Column("x_PurchaseOption", lambda c: c.option or None),
    Column("x_PriceSource", lambda c: c.forecast.sources.key(c.line)),
    Column("x_MoneyTerms", lambda c: timeline_of(c.forecast.report).money_terms),
)


_VALIDATOR = (
    Column("ChargeType", lambda c: c.category, (V1_0,)),
    Column("InvoiceIssuer", lambda c: c.provider, (V1_0,)),
    Column("Provider", lambda c: c.provider, (V1_0,)),
    Column("Publisher", lambda c: c.provider, (V1_0,)),
    Column("ResourceID", lambda _: None, (V1_0,)),
)
"""Names that `focus-validator` 1.0.0, the last on PyPI, asks for in its rules of version 1.0. The
specification has them as ChargeCategory, InvoiceIssuerName, ProviderName, PublisherName and
ResourceId; both stand in the file, so that it conforms and passes."""

_ALL = (*_FOCUS, *_OURS, *_VALIDATOR)
