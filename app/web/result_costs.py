"""Cost lines as the result page shows them: rounded so that the rows add up to the total."""

from __future__ import annotations

from collections.abc import Sequence

from app.estimator.report import CostLine, MethodReport, Report
from app.web import presenters as show
from app.web import result_sources
from app.web.figures import currency_of, name_of
from app.web.result_parts import CostRow, CostTable


def table(report: Report, m: MethodReport) -> CostTable:
    """The cost lines of one method."""
    rows, total = lines(report, m.cost_lines)
    return CostTable(m.method, name_of(m.method), rows, total)


def lines(report: Report, found: Sequence[CostLine]) -> tuple[tuple[CostRow, ...], str]:
    """Cost lines and their total in the report's currency; the rows add up to the total."""
    currency = currency_of(report)
    amounts, total = show.rounded_to_sum([currency.of(line.usd) for line in found], currency.digits)
    rows = tuple(_row(report, line, amount) for line, amount in zip(found, amounts, strict=True))
    return rows, show.amount(total, currency, cents=True)


def _quantity(value: float) -> str:
    """Two decimals, or as many as it takes to see that it is something."""
    text = show.number(value, 2).removesuffix(".00")
    return show.significant(value, 2) if value and text.strip("−") in {"0", "0.00"} else text


def _row(report: Report, line: CostLine, amount: float) -> CostRow:
    currency = currency_of(report)
    return CostRow(
        label=line.label,
        when={"once": "once", "recurring": "over the horizon"}.get(line.when, line.when),
        quantity=_quantity(line.quantity),
        unit=line.unit,
        unit_price=show.unit_price(line.unit_price_usd, currency),
        amount=show.amount(amount, currency, cents=True),
        source=result_sources.mark(report, line.source),
    )
