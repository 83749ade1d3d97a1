"""Which of the folded blocks of a result page, one for each method, a reader sees opened."""

from __future__ import annotations

from app.estimator.leading import leading_method
from app.estimator.report import Report


def opened(report: Report) -> str:
    """The method whose blocks are opened; the others keep their line.

    Notes
    -----
    The method that the answer leads with: the chosen one, or where the verdict is a pilot or
    neither the one with the highest expected NPV. Reports that do not say NPV, or know no method
    that fits, open the first method that has a plan. Empty where none has.
    """
    leader = leading_method(report)
    if leader is not None:
        return leader.method
    return next((m.method for m in report.methods if m.plan is not None), "")
