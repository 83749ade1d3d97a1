"""The method that an answer leads with."""

from __future__ import annotations

from app.estimator.report import MethodReport, Report


def leading_method(report: Report) -> MethodReport | None:
    """The method that the verdict chose, else the one with the highest expected NPV.

    Notes
    -----
    Of two adapter methods only the one that the comparison names stands, as in the verdict.
    """
    able = [m for m in report.methods if m.feasible and m.npv_usd is not None]
    if report.comparison is not None:
        able = [m for m in able if m.method in {"full", report.comparison.adapter_method}]
    for method in able:
        if method.method == report.verdict.choice:
            return method
    return max(able, key=lambda m: m.npv_usd.mean if m.npv_usd else 0.0, default=None)
