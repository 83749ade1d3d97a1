"""Costs and benefits as the result page shows them: rounded so that rows add up to totals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.estimator.currency import Currency
from app.estimator.report import CostLine, MethodReport, Report
from app.estimator.report_money import MoneyLine, MoneyReport
from app.web import result_folds, result_sources, show_amounts, show_numbers, show_units
from app.web.figures import currency_of, name_of
from app.web.result_parts import CostGroup, CostRow, CostTable, Detail

CATEGORY_LABELS = {
    "data": "Data",
    "experiments": "Experiments",
    "training": "Training",
    "idle": "Idle time",
    "evaluation": "Evaluation",
    "people": "People",
    "compliance": "Compliance",
    "storage": "Storage",
    "network": "Network",
    "serving": "Serving",
    "retraining": "Retraining",
    "delay": "Delay",
    "accuracy": "Accuracy",
    "errors": "Errors avoided",
    "incidents": "Incidents avoided",
    "growth": "Growth",
    "latency": "Latency",
    "retention": "Retention",
}
_GROUPS = (
    ("capex", "Capex: work until the first release"),
    ("opex", "Opex: running costs"),
    ("benefit", "Benefits, expected"),
)


def table(report: Report, m: MethodReport) -> CostTable:
    """Costs and, where the report tells them, benefits of one method."""
    if m.money is None:
        rows, total = lines(report, m.cost_lines)
        return CostTable(m.method, name_of(m.method), (CostGroup("", "", rows),), total)
    return _with_benefits(report, m, m.money)


def lines(report: Report, found: Sequence[CostLine]) -> tuple[tuple[CostRow, ...], str]:
    """Cost lines and their total in the report's currency; the rows add up to the total."""
    currency = currency_of(report)
    amounts, total = show_numbers.rounded_to_sum(
        [currency.of(line.usd) for line in found], currency.digits
    )
    rows = tuple(_row(report, line, amount) for line, amount in zip(found, amounts, strict=True))
    return rows, show_amounts.amount(total, currency, cents=True)


def note(report: Report) -> str:
    """How the lines are to be read, as sentences."""
    said = (
        "Quantity × unit price = amount, expected, over the whole horizon and undiscounted. The "
        "amounts add up to the totals; unit prices are rounded for display."
    )
    found = report.timeline
    if found is None:
        return said.replace(", expected, over the whole horizon and undiscounted", "")
    if any(index != 1.0 for index in found.price_index):
        said += (
            " Unit prices are those of month 0: an amount is its quantity in each month × unit "
            f"price × inflation of {show_numbers.share(found.inflation_fraction)} a year until "
            "then."
        )
        if reserved(report):
            said += " The price of a reservation stays as it was signed."
    elif reserved(report) and any(index != 1.0 for index in found.contract_index):
        said += (
            " The price of a reservation stays as it was signed, so in money of month 0 its "
            f"amounts are quantity × unit price less inflation of "
            f"{show_numbers.share(found.inflation_fraction)} a year until then."
        )
    return said


def reserved(report: Report) -> bool:
    """Whether something is paid at a price that was fixed at the start."""
    return any(
        line.fixed_price for m in report.methods if m.money is not None for line in m.money.lines
    )


def month_span(by_month: Sequence[float]) -> str:
    """The months in which something flows.

    Examples
    --------
    >>> month_span([5.0, 0.0]), month_span([0.0])
    ('month\\xa00', '')
    >>> month_span([0.0, 1.0, 0.0, 2.0])
    'months\\xa01\\xa0to\\xa03'
    """
    found = [month for month, value in enumerate(by_month) if value]
    if not found:
        return ""
    first, last = found[0], found[-1]
    said = f"month {first}" if first == last else f"months {first} to {last}"
    return said.replace(" ", "\u00a0")


def _with_benefits(report: Report, m: MethodReport, money: MoneyReport) -> CostTable:
    currency = currency_of(report)
    costs = [
        line
        for line in money.lines
        if line.side == "cost" and (line.usd or line.key == "release_run")
    ]
    benefits = [line for line in money.lines if line.side != "cost"]
    shown: dict[str, list[tuple[CostRow, float]]] = {key: [] for key, _ in _GROUPS}
    totals = []
    for side in (costs, benefits):
        amounts, total = show_numbers.rounded_to_sum(
            [currency.of(x.usd) for x in side], currency.digits
        )
        totals.append(total)
        for line, amount in zip(side, amounts, strict=True):
            row = _money_row(report, line, amount)
            shown[line.nature or "benefit"].append((row, amount))
    cost, benefit = totals
    tax = round(currency.of(math.fsum(money.tax_by_month)), currency.digits)
    net = benefit - cost - tax
    horizon = show_units.months(report.horizon_months)
    taxed = report.timeline is not None and report.timeline.tax_fraction > 0
    return CostTable(
        m.method,
        name_of(m.method),
        tuple(
            CostGroup(
                key,
                label,
                tuple(row for row, _ in shown[key]),
                _exact(math.fsum(amount for _, amount in shown[key]), currency),
            )
            for key, label in _GROUPS
            if shown[key]
        ),
        _exact(cost, currency),
        (
            Detail("All costs", _exact(cost, currency)),
            *([Detail("Tax" if tax >= 0 else "Tax saved", _exact(tax, currency))] if taxed else []),
            Detail(
                f"Benefits less costs{' and tax' if taxed else ''}, {horizon}",
                _exact(net, currency),
            ),
            Detail("Net present value", show_amounts.usd(money.npv_usd, currency, cents=True)),
        ),
        f"costs {show_amounts.amount_short(cost, currency)}, brings "
        f"{show_amounts.amount_short(benefit, currency)}",
        opened=result_folds.opened(report) == m.method,
    )


def _exact(amount: float, currency: Currency) -> str:
    return show_amounts.amount(amount, currency, cents=True)


def _quantity(value: float) -> str:
    """Two decimals, or as many as it takes to see that it is something."""
    text = show_numbers.number(value, 2).removesuffix(".00")
    return (
        show_numbers.significant(value, 2) if value and text.strip("−") in {"0", "0.00"} else text
    )


def _money_row(report: Report, line: MoneyLine, amount: float) -> CostRow:
    currency = currency_of(report)
    category = CATEGORY_LABELS.get(line.category, line.category)
    months = month_span(line.usd_by_month)
    return CostRow(
        label=line.label,
        when=f"{category}, {months}" if months else category,
        quantity=_quantity(line.quantity),
        unit=line.unit,
        unit_price=show_amounts.unit_price(line.unit_price_usd, currency),
        amount=_exact(amount, currency),
        source=result_sources.mark(report, line.source),
    )


def _row(report: Report, line: CostLine, amount: float) -> CostRow:
    currency = currency_of(report)
    return CostRow(
        label=line.label,
        when={"once": "once", "recurring": "over the horizon"}.get(line.when, line.when),
        quantity=_quantity(line.quantity),
        unit=line.unit,
        unit_price=show_amounts.unit_price(line.unit_price_usd, currency),
        amount=show_amounts.amount(amount, currency, cents=True),
        source=result_sources.mark(report, line.source),
    )
