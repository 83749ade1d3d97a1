"""The method that an answer leads with."""

from __future__ import annotations

from dataclasses import replace

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


def leading_plan(report: Report) -> MethodReport | None:
    """The same of the methods whose money is known by month; None where there is none."""
    if report.timeline is None:
        return None
    able = tuple(method for method in report.methods if method.money is not None)
    return leading_method(replace(report, methods=able))
