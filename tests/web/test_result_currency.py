"""Amounts in the scenario's currency: really converted, rounded to its minor unit, said once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest

from app.estimator.report import CurrencyReport, Report
from app.web import results
from app.web.figure_cash_flow import cash_flow
from app.web.figure_cost_gain import cost_gain
from app.web.figure_frontier import frontier
from app.web.result_parts import CurrencyLine, SourceMark
from tests.web.conftest import TODAY

EURO = CurrencyReport("EUR", 2, 0.8951, "2026-10-30", "ecb")
YEN = CurrencyReport("JPY", 0, 154.06, "2026-10-30", "ecb")
DINAR = CurrencyReport("KWD", 3, 0.30721, "2026-10-30", "ecb")


def shown_in(report: Report, currency: CurrencyReport) -> Report:
    """The report with another currency; the words of its verdict stay as they were made."""
    return dataclasses.replace(report, currency=currency)


def _texts(found: object) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            yield from _texts(getattr(found, field.name))
    elif isinstance(found, tuple | list):
        for item in found:
            yield from _texts(item)


@pytest.mark.parametrize("currency", [EURO, YEN, DINAR], ids=lambda c: c.code)
def test_no_amount_of_the_page_is_left_in_dollars(report: Report, currency: CurrencyReport) -> None:
    view = results.view(shown_in(report, currency), TODAY)
    # Words that the estimator made keep the currency that they were made in.
    said = dataclasses.replace(
        view,
        headline="",
        because="",
        sentences=(),
        notes=(),
        deciding=dataclasses.replace(
            view.deciding,
            turns=(),
            numbers=tuple(dataclasses.replace(n, note="") for n in view.deciding.numbers),
        ),
    )
    # Where the methods of the report are entered in dollars, the ledger says USD.
    assert [text for text in _texts(said) if "US$" in text] == []


@pytest.mark.parametrize("currency", [EURO, YEN, DINAR], ids=lambda c: c.code)
def test_rows_add_up_in_the_shown_currency(report: Report, currency: CurrencyReport) -> None:
    def minor(text: str) -> int:
        return int(re.sub(r"[^\d]", "", text)) * (-1 if "−" in text else 1)

    for table, m in zip(
        results.view(shown_in(report, currency), TODAY).costs, report.methods, strict=True
    ):
        assert sum(minor(row.amount) for row in table.rows) == minor(table.total)
        assert m.total_usd is not None
        total = minor(table.total) / 10**currency.digits
        assert total == pytest.approx(m.total_usd * currency.per_usd, abs=0.6 / 10**currency.digits)
        decimals = re.search(r"\.(\d+)$", table.total)
        assert len(decimals[1] if decimals else "") == currency.digits


def test_the_currency_is_said_with_its_rate_day_and_source(report: Report) -> None:
    view = results.view(shown_in(report, EURO), TODAY, currency_names={"EUR": "euro"})
    assert isinstance(view.currency, CurrencyLine)
    assert view.currency.text == (
        "Amounts are in EUR (euro) at 0.8951 per US dollar, reference rate of 30 October 2026"
    )
    assert view.currency.source.text == "ecb"
    entered = dataclasses.replace(EURO, valid_from="", source_key="input", per_usd=0.9)
    view = results.view(shown_in(report, entered), TODAY)
    assert view.currency == CurrencyLine(
        "Amounts are in EUR at 0.9 per US dollar, the rate that was entered", SourceMark("")
    )
    assert results.view(report, TODAY).currency is None


@pytest.mark.parametrize("currency", [EURO, YEN], ids=lambda c: c.code)
def test_ticks_are_round_in_the_shown_currency(report: Report, currency: CurrencyReport) -> None:
    shown = shown_in(report, currency)
    flow, costs, plans = cash_flow(shown), cost_gain(shown), frontier(shown)
    assert flow is not None
    assert costs is not None
    assert plans is not None
    labels = [t.label for t in (*flow.wide.y_ticks, *costs.wide.panels[0].ticks)]
    labels += [t.label for t in plans.wide.y_ticks]
    sign = {"EUR": "€", "JPY": "JPY\u00a0"}[currency.code]
    for label in labels:
        assert label.lstrip("−").startswith(sign)
        digits = re.sub(r"[^\d.]", "", label).replace(".", "").strip("0")
        assert len(digits) <= 2 or digits.endswith("5"), label


def test_a_chart_is_scaled_by_what_it_shows(report: Report) -> None:
    """A rate of ten moves every label by ten and nothing else."""
    ten = shown_in(report, CurrencyReport("EUR", 2, 10.0, "2026-10-30", "ecb"))
    one, other = cost_gain(report), cost_gain(ten)
    assert one is not None
    assert other is not None
    for a, b in zip(one.wide.lanes, other.wide.lanes, strict=True):
        assert a.extents[0].x == pytest.approx(b.extents[0].x, abs=30)
        assert a.extents[1] == b.extents[1]
