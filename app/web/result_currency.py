"""The one line that says which currency a report is shown in."""

from __future__ import annotations

from collections.abc import Mapping

from app.estimator.currency import US_DOLLAR
from app.estimator.report import Report
from app.web import result_sources, show_dates, show_numbers
from app.web.result_parts import CurrencyLine, SourceMark


def line(report: Report, names: Mapping[str, str] | None = None) -> CurrencyLine | None:
    """The currency, its rate, its day and its source; None for US dollars, which need no rate.

    Parameters
    ----------
    names : of currencies by code; one that is missing goes by its code.
    """
    found = report.currency
    if found.code == US_DOLLAR.code:
        return None
    name = (names or {}).get(found.code, "")
    what = f"{found.code} ({name})" if name else found.code
    said = f"Amounts are in {what} at {show_numbers.significant(found.per_usd, 6)} per US dollar, "
    if found.source_key == "input":
        return CurrencyLine(f"{said}the rate that was entered", SourceMark(""))
    source = result_sources.mark(report, found.source_key)
    day = f" of {show_dates.day(found.valid_from)}" if found.valid_from else ""
    return CurrencyLine(f"{said}reference rate{day}", source)
