"""Reading of actual spend: what is taken, what is refused, and where."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.tables import csv_lines
from app.estimator.variance import COST_CATEGORIES
from app.exports.focus import focus_csv
from app.exports.focus_columns import VERSIONS
from app.services import actual_files
from app.services.actual_cells import LARGEST_AMOUNT, month_of
from app.services.actual_files import FOCUS, PLAIN, ActualFile, ActualRow, read_actuals
from app.services.problems import MOST_PROBLEMS, ActualsProblems
from tests.exports.money_reports import rich

# Made up, in the form of FOCUS 1.0: columns that are not read, credits, and tiny amounts.
FOCUS_CSV = """\
BillingAccountId,BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,\
ServiceCategory,ChargeCategory
1,12.5000,10,USD,2027-01-05T00:00:00Z,2027-01-06T00:00:00Z,Compute,Usage
1,-2.5,0,USD,2027-01-31T23:00:00Z,2027-02-01T00:00:00Z,Compute,Credit
1,3.5E-7,1,USD,2027-02-01T00:00:00Z,2027-02-02T00:00:00Z,AI and Machine Learning,Usage
"""


def read(text: str, currency: str = "USD") -> ActualFile:
    return read_actuals(text.encode(), "spend.csv", currency)


def refused(text: str | bytes, currency: str = "USD") -> list[str]:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ActualsProblems) as caught:
        read_actuals(content, "spend.csv", currency)
    assert {problem.pointer for problem in caught.value.problems} == {"/file"}
    return [problem.message for problem in caught.value.problems]


def test_a_plain_table_is_read() -> None:
    found = read(
        "\ufeffMonth,Category,Amount USD,Note\r\n"
        "2027-01,People,30250.00,two engineers\r\n"
        "\r\n"
        "2027-02-28,,-12.5,\r\n"
        '2027-02,serving,1e3,"credit, late"\r\n'
        "2027-03,serving,,\r\n"
    )
    assert found == ActualFile(
        rows=(
            ActualRow("2027-01", "people", Decimal("30250.00"), "USD", "two engineers"),
            ActualRow("2027-02", "", Decimal("-12.5"), "USD", ""),
            ActualRow("2027-02", "serving", Decimal("1e3"), "USD", "credit, late"),
        ),
        kind=PLAIN,
        amount_column="amount_usd",
        read_rows=3,
        blank_rows=1,
    )
    assert found.summed_rows == 0


def test_rows_of_one_month_and_category_are_counted_as_summed() -> None:
    found = read("month,amount_usd\n2027-01,1\n2027-01-15,2\n2027-02,3\n")
    assert found.summed_rows == 1


def test_amounts_in_the_currency_of_the_scenario() -> None:
    found = read("month;amount;currency\n2027-01;1204,50;eur\n2027-01;7;USD\n", "EUR")
    assert [(row.amount, row.currency) for row in found.rows] == [
        (Decimal("1204.50"), "EUR"),
        (Decimal(7), "USD"),
    ]
    said = refused("month,amount,currency\n2027-01,1,GBP\n", "EUR")
    assert said == [
        "spend.csv line 2, currency: 'GBP' cannot be converted: this scenario has a rate for EUR "
        "and USD alone."
    ]


def test_what_a_spreadsheet_made_of_a_month_is_read_and_said() -> None:
    found = read("month\tamount_usd\nJan-27\t1\nDec-27\t2\n")
    assert [row.month for row in found.rows] == ["2027-01", "2027-12"]
    assert found.rewritten_months


@pytest.mark.parametrize(
    ("cell", "month"),
    [
        ("Jan 2027", "2027-01"),
        ("January 2027", "2027-01"),
        ("Sep 2026", "2026-09"),
        ("Sept. 2026", "2026-09"),
        ("sep-2026", "2026-09"),
        ("01/2027", "2027-01"),
        ("1.2027", "2027-01"),
        ("2027/01", "2027-01"),
        ("2027/01/31", "2027-01"),
        ("01.10.2026", "2026-10"),  # points: the day is first
        ("31/01/2027", "2027-01"),
        ("01/31/2027", "2027-01"),
        ("31-01-2027", "2027-01"),
        ("5/05/2027", "2027-05"),  # the same either way
    ],
)
def test_a_month_is_read_in_any_form_that_can_be_read_one_way(cell: str, month: str) -> None:
    assert [row.month for row in read(f"month,amount_usd\n{cell},1\n").rows] == [month]


@pytest.mark.parametrize(
    ("mark", "cell", "amount"),
    [
        (";", "1.204,50", "1204.50"),
        (";", "1,204.50", "1204.50"),
        (";", "1.204.567", "1204567"),
        (";", "-12.345.678,9", "-12345678.9"),
        (";", "0,125", "0.125"),
        (";", "1204,500", "1204.5"),
        (",", '"1,204.50"', "1204.50"),
        (",", '"1.204,50"', "1204.50"),
        (",", '"1,204,567"', "1204567"),
        (",", '"1204,5"', "1204.5"),
        (",", "1.204", "1.204"),
        (",", "(1204.50)", "-1204.50"),
        (",", '"( 1,204.50 )"', "-1204.50"),
        (",", "\u22121204.50", "-1204.50"),
        ("\t", "\u22121.204,50", "-1204.50"),
    ],
)
def test_an_amount_is_read_in_any_form_that_can_be_read_one_way(
    mark: str, cell: str, amount: str
) -> None:
    found = read(f"month{mark}amount_usd\n2027-01{mark}{cell}\n")
    assert [row.amount for row in found.rows] == [Decimal(amount)]


@settings(max_examples=60)
@given(
    st.decimals(-(10**9), 10**9, places=2),
    st.sampled_from([",", ";"]),
    st.sampled_from([",.", ".,"]),
    st.booleans(),
)
def test_an_amount_with_both_separators_is_what_was_written(
    amount: Decimal, mark: str, separators: str, accounting: bool
) -> None:
    text = f"{abs(amount):,.2f}".translate(str.maketrans(",.", separators))
    if amount < 0:
        text = f"({text})" if accounting else f"\u2212{text}"
    found = read(f'month{mark}amount_usd\n2027-01{mark}"{text}"\n')
    assert [row.amount for row in found.rows] == [amount]


def test_columns_that_are_not_known_are_left_out_and_said() -> None:
    found = read("month,Cost centre,amount_usd,,Owner\x07,planned_usd\n2027-01,4711,5,,me,7\n")
    assert [(row.month, row.amount) for row in found.rows] == [("2027-01", Decimal(5))]
    assert found.left_out_columns == ("Cost centre", "Owner")
    assert read(FOCUS_CSV).left_out_columns == ()


@pytest.mark.parametrize("first", ["sep=;\r\n", "\ufeffsep=;\n", '"sep=;"\n', "SEP=;\r\n"])
def test_the_first_line_of_excel_says_what_separates(first: str) -> None:
    found = read(f"{first}month;amount_usd\n2027-01;1204,50\n")
    assert [row.amount for row in found.rows] == [Decimal("1204.50")]
    said = refused(f"{first}month;amount_usd\n2027-01;x\n")
    assert said[0].startswith("spend.csv line 3, amount_usd: 'x' is not an amount")
    assert [r.amount for r in read("sep=,\nmonth,amount_usd\n2027-01,1.204\n").rows] == [
        Decimal("1.204")
    ]


def test_a_focus_file_is_summed_by_month_as_it_was_billed() -> None:
    found = read(FOCUS_CSV)
    assert found.kind == FOCUS
    assert found.amount_column == "BilledCost"
    assert found.read_rows == 3
    assert [(r.month, r.category, r.amount) for r in found.rows] == [
        ("2027-01", "", Decimal("10.0000")),
        ("2027-02", "", Decimal("3.5E-7")),
    ]
    without = "\n".join(
        ",".join(cell for at, cell in enumerate(line.split(",")) if at != 1)
        for line in FOCUS_CSV.splitlines()
    )
    effective = read(without)
    assert effective.amount_column == "EffectiveCost"
    assert [r.amount for r in effective.rows] == [Decimal(10), Decimal(1)]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-12-01 00:00:00 UTC",  # BigQuery
        "2026-12-01 00:00:00.000000 UTC",
        "2026-12-01 00:00:00.000 +0000",  # Snowflake
        "2026-12-01 00:00:00+00",  # PostgreSQL
        "2026-12-01 00:00:00.0",  # JDBC
        "2026-12-01T00:00:00.000Z",
        "2026-12-01T00:00:00+00:00",
        "2026-12-01T00:00Z",
        "2026-12-01",
    ],
)
def test_moments_are_read_as_databases_write_them(moment: str) -> None:
    found = read(f"ChargePeriodStart,BilledCost,BillingCurrency\n{moment},1,USD\n")
    assert [row.month for row in found.rows] == ["2026-12"]


@pytest.mark.parametrize(
    "moment", ["2026-12-01 noon", "2026-12-01 00:00:00 Europe", "2026-12-01 +"]
)
def test_no_other_text_behind_a_day_is_a_moment(moment: str) -> None:
    text = f"ChargePeriodStart,BilledCost,BillingCurrency\n{moment},1,USD\n"
    assert "is not a month such as" in refused(text)[0]


@pytest.mark.parametrize("version", VERSIONS)
def test_forecasts_of_our_own_are_refused(version: str) -> None:
    """Whatever spreadsheets make of the word."""
    text = focus_csv(rich(), "0123456789abcdef", version)
    for file in (text, text.replace(",true,", ",TRUE,")):
        said = refused(file)
        assert len(said) == MOST_PROBLEMS
        assert said[0].startswith("spend.csv line 2, x_IsProjection: is 't") or "TRUE" in said[0]
        assert "was never billed" in said[0]


def test_a_bill_with_forecasts_beside_it_names_their_lines() -> None:
    head, *charges = FOCUS_CSV.splitlines()
    marks = ["false", "true", ""]
    lines = [f"{line},{mark}" for line, mark in zip(charges, marks, strict=True)]
    said = refused("\n".join([f"{head},x_IsProjection", *lines]))
    assert [message.split(": ")[0] for message in said] == ["spend.csv line 3, x_IsProjection"]
    billed = "\n".join([f"{head},x_IsProjection", lines[0], lines[2]])
    assert read(billed).read_rows == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "spend.csv: is empty"),
        ("month,amount_usd\n", "spend.csv: there is a header but no row"),
        ("month,amount_usd\n2027-01,\n", "spend.csv: no row has an amount"),
        ("amount_usd\n1\n", "line 1, month: this column is missing from the header"),
        ("month\n2027-01\n", "line 1, amount_usd: this column is missing from the header"),
        ("month,amount\n2027-01,1\n", "line 1, currency: this column is missing"),
        ("month,amount,amount_usd\n2027-01,1,1\n", "line 1, amount: amount_usd is in the header"),
        ("month,amount_usd,currency\n2027-01,1,USD\n", "line 1, currency: amount_usd is in US"),
        (
            "period,amount_usd\n2027-01,1\n",
            "line 1, month: this column is missing from the header; ",
        ),
        (
            "month,cost\n2027-01,1\n",
            "amount_usd: this column is missing from the header; the columns",
        ),
        ("month,month,amount_usd\n2027-01,2027-01,1\n", "line 1, month: this column is in the"),
        ("month,amount_usd\n2027-01,1,2\n", "line 2: has 3 cells where the header has 2"),
        ("month,amount_usd\n2027-13,1\n", "line 2, month: '2027-13' is not a month"),
        ("month,amount_usd\n2027-02-30,1\n", "line 2, month: '2027-02-30' is not a day of the"),
        ("month,amount_usd\n1/2/2027,1\n", "line 2, month: '1/2/2027' is not clear: the month may"),
        ("month,amount_usd\n03/04/2027,1\n", "write it as 2027-03 or 2027-04"),
        ("month,amount_usd\n31/02/2027,1\n", "'31/02/2027' is not a day of the calendar"),
        ("month,amount_usd\n13/13/2027,1\n", "'13/13/2027' is not a day of the calendar"),
        ("month,amount_usd\n13/2027,1\n", "'13/2027' is not a month of the calendar"),
        ("month,amount_usd\n01/10.2027,1\n", "'01/10.2027' is not a month such as"),
        ("month,amount_usd\n01/02/27,1\n", "'01/02/27' is not a month such as"),
        ("month,amount_usd\nJanu 2027,1\n", "'Janu 2027' is not a month such as"),
        ("month,amount_usd\nFoo-27,1\n", "line 2, month: 'Foo-27' is not a month"),
        ("month,amount_usd\n,1\n", "line 2, month: is blank"),
        ("month,amount_usd\n2027-01,$5\n", "line 2, amount_usd: '$5' is not an amount"),
        ('month,amount_usd\n2027-01,"1,20,4.50"\n', "'1,20,4.50' is not an amount such as 1204.50"),
        ('month,amount_usd\n2027-01,"1,204"\n', "'1,204' could have a thousands separator"),
        ("month;amount_usd\n2027-01;1,204\n", "'1,204' could have a thousands separator"),
        ("month;amount_usd\n2027-01;-1.204\n", "'-1.204' could have a thousands separator"),
        ("month;amount_usd\n2027-01;1.2,04,5\n", "'1.2,04,5' is not an amount"),
        ("month;amount_usd\n2027-01;1.204,50 €\n", "'1.204,50 €' is not an amount"),
        ("month,amount_usd\n2027-01,(-5)\n", "'(-5)' is not an amount"),
        ("month,amount_usd\n2027-01,--5\n", "'--5' is not an amount"),
        ("month,amount_usd\n2027-01,nan\n", "line 2, amount_usd: 'nan' is not an amount"),
        ("month,amount_usd\n2027-01,1e12\n", "line 2, amount_usd: '1e12' is too large"),
        ("month,amount_usd\n2027-01,=1+1\n", "line 2, amount_usd: '=1+1' is not an amount"),
        ("month;amount_usd\n2027-01;1.204\n", "could have a thousands separator"),
        ("month,amount_usd,category\n2027-01,1,gpu\n", "line 2, category: 'gpu' is not one of"),
        ("month,amount_usd,note\n2027-01,1," + "x" * 201, "line 2, note: is longer than 200"),
        ("month,amount_usd,note\n2027-01,1,a\x00b\n", "line 2, note: holds characters"),
        ('month,amount_usd\n2027-01,"1\n', "line 2: is not valid CSV"),
        (b"month,amount_usd\n2027-01,\xff\n", "is not UTF-8"),
        ("ChargePeriodStart,BillingCurrency\n2027-01-01,USD\n", "line 1, BilledCost: neither"),
        ("ChargePeriodStart,BilledCost\n2027-01-01,1\n", "line 1, BillingCurrency: this column"),
        (
            "ChargePeriodStart,BilledCost,BillingCurrency\n2027-01-01,1,JPY\n",
            "line 2, BillingCurrency: 'JPY' cannot be converted",
        ),
        (
            "ChargePeriodStart,BilledCost,BillingCurrency\n,x,USD\n",
            "line 2, ChargePeriodStart: is blank",
        ),
    ],
)
def test_every_problem_is_named_by_line_and_column(text: str | bytes, said: str) -> None:
    messages = refused(text)
    assert any(said in message for message in messages), messages
    assert all(message.endswith(".") for message in messages)


def test_all_problems_are_said_up_to_a_number() -> None:
    body = "".join(f"2027-{at},x\n" for at in range(13, 99))
    said = refused("month,amount_usd\n" + body)
    assert len(said) == MOST_PROBLEMS
    assert said[0].startswith("spend.csv line 2, month:")
    assert said[1].startswith("spend.csv line 2, amount_usd:")
    assert said[2].startswith("spend.csv line 3, month:")


def test_sizes_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "2027-01,1\n" * (actual_files.MOST_ROWS + 1)
    assert "there are more than 5,000 rows" in refused("month,amount_usd\n" + rows)[0]
    monkeypatch.setattr(actual_files, "LARGEST_BYTES", 100)
    assert "MiB are read" in refused("month,amount_usd\n" + rows[:100])[0]
    monkeypatch.setattr(actual_files, "MOST_FOCUS_ROWS", 2)
    monkeypatch.setattr(actual_files, "LARGEST_BYTES", 10_000)
    assert "there are more than 2 rows" in refused(FOCUS_CSV)[0]


def test_a_file_is_not_read_further_than_it_can_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four mebibytes of short lines took five seconds and hundreds of mebibytes to be refused."""
    seen = 0

    def counted(*asked: Any) -> Iterator[tuple[int, list[str]]]:
        nonlocal seen
        for line in csv_lines(*asked):
            seen += 1
            yield line

    monkeypatch.setattr(actual_files, "csv_lines", counted)
    rows = "a\n" * (actual_files.MOST_FOCUS_ROWS + 1_000)
    assert "more than 5,000 rows" in refused("month,amount_usd\n" + rows)[0]
    assert seen == actual_files.MOST_FOCUS_ROWS + 2


rows_of = st.lists(
    st.tuples(
        st.dates(min_value=date(1950, 1, 1), max_value=date(2150, 1, 1)),
        st.sampled_from(("", *COST_CATEGORIES)),
        st.decimals(-LARGEST_AMOUNT + 1, LARGEST_AMOUNT - 1, places=2),
        st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=40),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=60)
@given(rows_of, st.sampled_from([",", ";", "\t"]))
def test_what_a_csv_writer_writes_is_read_back(
    rows: list[tuple[object, str, Decimal, str]], delimiter: str
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["note", "month", "category", "amount_usd"])
    writer.writerows([note, day, category, amount] for day, category, amount, note in rows)
    found = read_actuals(out.getvalue().encode(), "spend.csv", "USD")
    assert [(r.month, r.category, r.amount, r.note) for r in found.rows] == [
        (str(day)[:7], category, amount, note) for day, category, amount, note in rows
    ]


@given(st.text(max_size=30))
def test_any_text_is_a_month_or_is_refused_with_words(text: str) -> None:
    try:
        found = month_of(text)
    except ValueError as error:
        assert "is not" in str(error)  # noqa: PT017 - both ends are tested
    else:
        assert len(found) == 7


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_no_bytes_make_another_error(content: bytes) -> None:
    try:
        read_actuals(b"month,amount_usd\n" + content, "spend.csv", "USD")
    except ActualsProblems as error:
        assert error.problems  # noqa: PT017
