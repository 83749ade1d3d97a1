"""Which lines a method gets in the workbook, and which inputs each of them follows."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.report import Report
from app.estimator.report_money import MoneyLine, MoneyReport
from app.exports.feed_source import with_money

PERCENT, USD, COUNT, WHOLE, TEXT = "percent", "usd", "count", "whole", "text"
LIVE_INPUTS: dict[str, tuple[str, str]] = {
    "discount_rate_percent": ("discount_rate", PERCENT),
    "inflation_percent": ("inflation", PERCENT),
    "money_terms": ("money_terms", TEXT),
    "tax_percent": ("tax_rate", PERCENT),
    "capitalised_percent": ("capitalised_share", PERCENT),
    "write_off_months": ("write_off_months", WHOLE),
    "fiscal_year_start": ("fiscal_year_start", WHOLE),
    "answers_per_month": ("answers_per_month", COUNT),
    "growth_percent": ("answers_growth", PERCENT),
    "value_per_correct_answer_usd": ("value_per_correct_answer_usd", USD),
    "hallucination_percent": ("hallucination_share", PERCENT),
    "hallucination_cost_usd": ("hallucination_cost_usd", USD),
    "violation_percent": ("violation_share", PERCENT),
    "incident_percent": ("incident_share", PERCENT),
    "incident_cost_usd": ("incident_cost_usd", USD),
    "margin_per_answer_usd": ("margin_per_answer_usd", USD),
    "latency_value_usd_per_second": ("latency_value_usd_per_second", USD),
    "other_answers_per_month": ("other_answers_per_month", COUNT),
    "other_value_usd": ("other_value_usd", USD),
    "engineer_week_usd": ("engineer_week_usd", USD),
    "data_preparation_usd": ("data_preparation_usd", USD),
    "release_fixed_usd": ("release_fixed_usd", USD),
    "adapter_release_percent": ("adapter_release_share", PERCENT),
    "artefact_year_usd": ("artefact_year_usd", USD),
    "delay_cost_usd_per_month": ("delay_cost_usd_per_month", USD),
    "storage_usd_per_gb_month": ("storage_usd_per_gb_month", USD),
    "egress_usd_per_gb": ("egress_usd_per_gb", USD),
    "peak_factor": ("peak_factor", COUNT),
    "least_replicas": ("least_replicas", WHOLE),
}
"""Fields of a scenario that formulas use: the name of the cell, and what stands in it. A percentage
is a share there, shown as a percentage: type 12%."""

COST, BENEFIT = "cost", "benefit"
CAPEX, OPEX = "capex", "opex"
SERVING = "serving"
GPU_UNIT = "GPU-hours"
ANSWERS = ("answers_per_month", "growth_percent")
PER_ERROR = (
    "value_per_correct_answer_usd",
    "hallucination_percent",
    "hallucination_cost_usd",
    "violation_percent",
    "incident_percent",
    "incident_cost_usd",
)
SERVED = ("answers_per_month", "growth_percent", "peak_factor", "least_replicas")
MONEY_FIELDS = (
    "discount_rate_percent",
    "inflation_percent",
    "money_terms",
    "tax_percent",
    "capitalised_percent",
    "write_off_months",
    "fiscal_year_start",
)
"""Fields that every method's money follows."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the workbook.

    Parameters
    ----------
    line : of the report; None for one that comes to nothing now, but would not after a change.
    fields : of the scenario that its formulas use.
    """

    key: str
    label: str
    side: str
    category: str
    nature: str
    unit: str
    source: str
    fields: tuple[str, ...]
    line: MoneyLine | None


BENEFITS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    ("right_answers", "Answers that are right more", "accuracy", "answers", PER_ERROR[:1]),
    (
        "believed_errors",
        "Believed errors that do not happen",
        "errors",
        "errors",
        PER_ERROR[1:3],
    ),
    ("incidents", "Incidents that do not happen", "incidents", "incidents", PER_ERROR[3:]),
    (
        "won_answers",
        "Answers that being better brings: margin",
        "growth",
        "answers",
        ("margin_per_answer_usd",),
    ),
    (
        "won_right_answers",
        "Answers that being better brings: right more",
        "growth",
        "answers",
        PER_ERROR,
    ),
    (
        "waiting",
        "Seconds that answers take longer",
        "latency",
        "seconds",
        ("latency_value_usd_per_second",),
    ),
    (
        "forgotten",
        "Right answers that are lost on other tasks",
        "retention",
        "answers",
        ("other_value_usd", "other_answers_per_month"),
    ),
)
"""Lines of benefit whose quantities are formulas: key, label, category, unit and inputs."""


def _of_line(line: MoneyLine, fields: tuple[str, ...]) -> Row:
    return Row(
        line.key,
        line.label,
        line.side,
        line.category,
        line.nature,
        line.unit,
        line.source,
        fields,
        line,
    )


def cost_rows(money: MoneyReport) -> tuple[Row, ...]:
    """Lines of cost; serving also where it takes no more than the base model at this load."""
    rows = [
        _of_line(line, SERVED if line.key == SERVING else line.inputs)
        for line in money.lines
        if line.side == COST
    ]
    if money.serving is not None and not any(row.key == SERVING for row in rows):
        label = "Serving beyond the base model"
        rows.append(Row(SERVING, label, COST, SERVING, OPEX, "months", "assumption", SERVED, None))
    return tuple(rows)


def benefit_rows(money: MoneyReport) -> tuple[Row, ...]:
    """Lines of benefit; those that a change of one input alone could bring are among them."""
    lines = {line.key: line for line in money.lines if line.side == BENEFIT}
    drivers = money.drivers
    possible = {
        "won_answers": any(drivers.won_by_month),
        "won_right_answers": any(drivers.won_right_by_month),
        "waiting": drivers.extra_seconds != 0,
        "forgotten": drivers.forgotten_points != 0,
    }
    rows = []
    for key, label, category, unit, fields in BENEFITS:
        line = lines.pop(key, None)
        used = fields if key == "forgotten" else (*fields, *ANSWERS)
        if line is not None:
            rows.append(_of_line(line, used))
        elif possible.get(key, True):
            rows.append(Row(key, label, BENEFIT, category, "", unit, "input", used, None))
    return (*rows, *(_of_line(line, ()) for line in lines.values()))


def used_fields(report: Report) -> frozenset[str]:
    """Fields of the scenario that formulas use."""
    fields = {*MONEY_FIELDS, *PER_ERROR}
    for _, money in with_money(report):
        for row in (*cost_rows(money), *benefit_rows(money)):
            fields.update(row.fields)
    return frozenset(fields)
