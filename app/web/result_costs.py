"""Cost lines as the result page shows them: rounded so that the rows add up to the total."""

from __future__ import annotations

from app.estimator.report import CostLine, MethodReport, Report
from app.web import presenters as show
from app.web import result_sources
from app.web.figures import name_of
from app.web.result_parts import CostRow, CostTable


def table(report: Report, m: MethodReport) -> CostTable:
    """The cost lines of one method."""
    amounts, total = show.rounded_to_sum([line.usd for line in m.cost_lines])
    return CostTable(
        method=m.method,
        label=name_of(m.method),
        rows=tuple(
            _row(report, line, amount) for line, amount in zip(m.cost_lines, amounts, strict=True)
        ),
        total=show.usd(total, cents=True),
    )


def _row(report: Report, line: CostLine, amount: float) -> CostRow:
    return CostRow(
        label=line.label,
        when={"once": "once", "recurring": "over the horizon"}.get(line.when, line.when),
        quantity=show.number(line.quantity, 2).removesuffix(".00"),
        unit=line.unit,
        unit_price=_unit_price(line.unit_price_usd),
        amount=show.usd(amount, cents=True),
        source=result_sources.mark(report, line.source),
    )


def _unit_price(value: float) -> str:
    whole, _, decimals = show.number(value, 4).partition(".")
    return f"US${whole}.{decimals.rstrip('0').ljust(2, '0')}"
