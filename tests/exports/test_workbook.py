"""The workbook as a file: what is a formula, what is not, and that no text can become one."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import Cell
from openpyxl.workbook import Workbook

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.exports.feed_source import NoMoney
from app.exports.workbook import file_name, workbook_bytes
from app.exports.workbook.live import Live, live
from app.exports.workbook.paper import safe_text
from app.exports.workbook.rows import LIVE_INPUTS
from app.exports.workbook.styles import HELD, SIMULATED
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from tests.exports.reading import NPV, Reader
from tests.exports.workbook_cases import RICH, TODAY

LINK = "https://tunecase.example/s/abc"
SHEETS = [
    "Summary",
    "Inputs",
    "Assumptions",
    "Lines Full fine-tuning",
    "Lines LoRA",
    "Serving",
    "Calendar",
    "Cash flow",
    "Years and quarters",
    "Comparison",
    "Rates of return",
    "Sensitivity",
    "Read me",
]
RESULTS = ("Cash flow", "Years and quarters", "Comparison")
OF_FORMULAS = [s for s in SHEETS if s not in {"Inputs", "Assumptions", "Read me"}]
DANGEROUS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", " =1", "'=1")


@pytest.fixture(scope="module")
def report(catalog: Catalog) -> Report:
    """A report with every kind of line."""
    scenario = RICH | {"serving": "auto", "title": "Contract review", "horizon_months": 24}
    return estimate(ScenarioInput(**scenario), catalog, TODAY)


@pytest.fixture(scope="module")
def content(report: Report) -> bytes:
    """Its workbook."""
    return workbook_bytes(report, LINK)


@pytest.fixture(scope="module")
def book(content: bytes) -> Workbook:
    """With formulas."""
    return openpyxl.load_workbook(io.BytesIO(content))


@pytest.fixture(scope="module")
def values(content: bytes) -> Reader:
    """With the values that stand beside the formulas, which viewers show."""
    return Reader(openpyxl.load_workbook(io.BytesIO(content), data_only=True))


def filled(book: Workbook, *sheets: str) -> Iterator[tuple[str, Cell]]:
    for name in sheets or book.sheetnames:
        for row in book[name].iter_rows():
            for cell in row:
                if cell.value is not None:
                    yield name, cell


def colour(cell: Cell) -> str:
    return "#" + str(cell.font.color.rgb)[-6:] if cell.font.color else ""


def test_the_sheets_are_there_by_name(book: Workbook) -> None:
    assert book.sheetnames == SHEETS


def test_the_same_report_gives_the_same_bytes(report: Report, content: bytes) -> None:
    assert workbook_bytes(report, LINK) == content
    assert workbook_bytes(report) != content


def test_there_are_no_macros_and_nothing_is_fetched_from_elsewhere(content: bytes) -> None:
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert not [n for n in names if "vba" in n.lower() or "external" in n.lower()]
    assert sum("/charts/chart" in n for n in names) == 4


def test_no_value_is_missing_or_not_a_number(content: bytes) -> None:
    archive = zipfile.ZipFile(io.BytesIO(content))
    for name in archive.namelist():
        if name.startswith("xl/worksheets/sheet"):
            assert not re.search(r"<v>-?(nan|inf)", archive.read(name).decode()), name


def test_what_recalculates_holds_no_pasted_number(book: Workbook) -> None:
    """Results are formulas alone; elsewhere a number is marked as held, simulated or a heading."""
    for name, cell in filled(book, *RESULTS):
        assert cell.data_type in {"f", "s"}, (name, cell.coordinate, cell.value)
    marked = {HELD["font_color"], SIMULATED["font_color"]}
    for name, cell in filled(book, *OF_FORMULAS):
        if cell.data_type == "n":
            assert colour(cell) in marked or cell.font.bold, (name, cell.coordinate, cell.value)


def test_every_line_of_the_report_has_a_price_that_follows_from_an_input(
    book: Workbook, report: Report
) -> None:
    for m in report.methods:
        assert m.money is not None
        rows = {
            row[0].value: row
            for row in book[f"Lines {m.label.split(' (')[0]}"].iter_rows()
            if row[4].value not in {None, "", "unit price"}
        }
        for line in m.money.lines:
            assert rows[line.label][4].data_type == "f", line.key
        assert len({line.category for line in m.money.lines}) >= 12


def test_what_a_formula_calls_an_input_is_a_named_yellow_cell(book: Workbook) -> None:
    names = set(book.defined_names)
    assert {name for name, _ in LIVE_INPUTS.values()} - names == {
        # No answers are brought by accuracy, no storage price was entered, nothing is slower.
        "margin_per_answer_usd",
        "latency_value_usd_per_second",
        "storage_usd_per_gb_month",
        "egress_usd_per_gb",
    }
    used = " ".join(cell.value for _, cell in filled(book) if cell.data_type == "f")
    formulas = {"monthly_rate", "usd_per_error", "gpu_hour_usd_full", "gpu_hour_usd_lora"}
    for name, defined in book.defined_names.items():
        if name.startswith("_xlnm"):
            continue
        assert re.search(rf"\b{name}\b", used), f"{name} is used by no formula"
        ((sheet, place),) = defined.destinations
        cell = book[sheet][place.replace("$", "")]
        assert cell.value is not None, name
        assert (cell.data_type == "f") == (name in formulas), name
        if name not in formulas:
            assert cell.fill.fgColor.rgb == "FFFEF9C3", name


def test_viewers_that_do_not_calculate_show_the_numbers_of_the_report(
    values: Reader, report: Report
) -> None:
    for m in report.methods:
        assert m.money is not None
        assert values.total("Cash flow", NPV, m.label) == pytest.approx(m.money.npv_usd, rel=1e-9)


def test_the_summary_is_in_the_currency_of_the_report(
    values: Reader, book: Workbook, report: Report
) -> None:
    row = values.row("Summary", "Net present value")
    for place, m in enumerate(report.methods, 1):
        assert m.money is not None
        assert row[place] == pytest.approx(m.money.npv_usd * report.currency.per_usd)
    cells = [c for _, c in filled(book, "Summary") if c.value == "Net present value"]
    shown = book["Summary"].cell(cells[0].row, 2)
    assert '"EUR"' in shown.number_format
    assert "currency_per_usd" in str(shown.value)


def test_words_of_the_verdict_look_held_as_the_read_me_explains(
    book: Workbook, report: Report
) -> None:
    held = {c.value for _, c in filled(book, "Summary") if colour(c) == HELD["font_color"]}
    spaced = {words.replace("\u00a0", " ") for words in report.verdict.sentences}
    assert {report.verdict.headline.replace("\u00a0", " "), *spaced} <= held


def test_an_amount_keeps_the_space_behind_its_currency(report: Report) -> None:
    verdict = replace(report.verdict, headline="LoRA costs JPY\u00a03.3302\u202fk.")
    content = workbook_bytes(replace(report, verdict=verdict))
    found = openpyxl.load_workbook(io.BytesIO(content))["Summary"]["A2"]
    assert found.value == "LoRA costs JPY 3.3302 k."


def test_what_is_simulated_says_so(values: Reader, report: Report) -> None:
    row = values.row(
        "Summary", "Net present value, P10", "Simulated by Tunecase; not recalculated here"
    )
    found = report.methods[0].npv_usd
    assert found is not None
    assert row[1] == pytest.approx(found.p10 * report.currency.per_usd)


def test_break_even_is_where_nothing_is_gained(catalog: Catalog) -> None:
    """A fresh estimate at the volume that the workbook states is worth just nothing."""
    scenario = RICH | {"title": "", "domain_distance": "far"}

    def answer(**changes: Any) -> Report:
        return estimate(ScenarioInput(**{**scenario, **changes}), catalog, TODAY)

    def npvs(report: Report) -> list[float]:
        return [m.money.npv_usd for m in report.methods if m.money is not None]

    before = answer()
    read = Reader(openpyxl.load_workbook(io.BytesIO(workbook_bytes(before)), data_only=True))
    for place, m in enumerate(before.methods):
        label = f"{m.label}: break-even answers a month, with serving as it is"
        after = npvs(answer(answers_per_month=read.total("Comparison", label)))
        assert after[place] == pytest.approx(0, abs=0.01)
    label = "Answers a month at which both are worth the same, with serving as it is"
    full, lora = npvs(answer(answers_per_month=read.total("Comparison", label)))
    assert full == pytest.approx(lora, abs=0.01)


def test_a_gap_that_growth_bends_is_held_where_nothing_has_grown_yet(catalog: Catalog) -> None:
    """At 100 points nothing can be gained, and a point is still not worth the same everywhere."""
    asked = ScenarioInput(
        base_accuracy_points=100,
        test_set_size=10**7,
        growth_per_point_percent=2,
        methods=("full", "lora"),
        draws=1_000,
    )
    report = estimate(asked, catalog, TODAY)
    read = Reader(openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)), data_only=True))
    label = "Break-even gap: points that full has to add to the gain of the adapter"
    held = read.total("Comparison", f"{label} (value of Tunecase: growth by accuracy bends it)")
    assert report.comparison is not None
    assert held == pytest.approx(report.comparison.break_even_gap_points, rel=1e-12)


def test_the_checks_are_quiet_for_amounts_as_large_as_are_taken(catalog: Catalog) -> None:
    asked = ScenarioInput(value_per_correct_answer_usd=2e6, growth_percent=7, draws=1_000)
    report = estimate(asked, catalog, TODAY)
    assert report.methods[0].money is not None
    assert max(line.usd for line in report.methods[0].money.lines) > 5e11
    read = Reader(openpyxl.load_workbook(io.BytesIO(workbook_bytes(report)), data_only=True))
    assert read.row("Years and quarters", "All checks together")[1] == 0


def test_every_assumption_and_source_is_there(book: Workbook, report: Report) -> None:
    found = {cell.value for _, cell in filled(book, "Assumptions")}
    assert {a.key for a in report.assumptions} <= found
    assert {s.title for s in report.sources} <= found


def test_the_read_me_names_version_tables_and_day(book: Workbook, report: Report) -> None:
    text = " ".join(str(cell.value) for _, cell in filled(book, "Read me"))
    for word in (report.estimator_version, report.catalog_hash, report.as_of, LINK, "NPV"):
        assert word in text


def test_it_prints_and_scrolls_with_its_headings(book: Workbook) -> None:
    for sheet in book:
        assert sheet.page_setup.orientation == "landscape", sheet.title
        assert sheet.freeze_panes, sheet.title
        assert sheet.print_title_rows, sheet.title
    assert book["Summary"].sheet_properties.pageSetUpPr.fitToPage
    assert book.properties.title == "Contract review"
    assert book.properties.created.date() == TODAY


@pytest.mark.parametrize("title", DANGEROUS)
def test_a_title_never_becomes_a_formula(report: Report, title: str) -> None:
    content = workbook_bytes(replace(report, title=title, price_book=title))
    found = openpyxl.load_workbook(io.BytesIO(content))["Summary"]["A1"]
    assert found.data_type == "s"
    assert not str(found.value).startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_no_text_is_dangerous_once_it_is_saved_as_csv(text: str) -> None:
    safe = safe_text(text)
    assert not safe.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    if text.isprintable() and not text.lstrip().startswith(
        ("=", "+", "-", "@", "＝", "＋", "－", "＠")
    ):
        assert safe == text


def test_a_method_without_money_is_left_out_and_named(report: Report) -> None:
    full, lora = report.methods
    left = replace(report, methods=(full, replace(lora, money=None)), comparison=None)
    found = openpyxl.load_workbook(io.BytesIO(workbook_bytes(left)))
    assert "Lines LoRA" not in found.sheetnames
    text = [cell.value for _, cell in filled(found, "Summary")]
    assert f"Left out, since nothing fits it: {lora.label}." in text


def test_a_report_of_an_earlier_schema_is_refused_in_words(report: Report) -> None:
    with pytest.raises(NoMoney, match="earlier version"):
        workbook_bytes(replace(report, timeline=None))
    with pytest.raises(NoMoney, match="No method of this result fits"):
        workbook_bytes(
            replace(report, methods=tuple(replace(m, money=None) for m in report.methods))
        )


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_a_file_name_is_safe_everywhere(title: str) -> None:
    assert re.fullmatch(r"tunecase(-[a-z0-9]+)*\.xlsx", file_name(title))
    assert len(file_name(title)) < 80


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


@given(NUMBERS, NUMBERS, st.floats(0.5, 9.5).map(lambda x: round(x, 2)), st.integers(0, 3))
@settings(max_examples=60)
def test_a_formula_means_what_its_value_says(a: float, b: float, c: float, power: int) -> None:
    """Python reads the text by the same rules once ^ is spelled its way."""
    x, y, z = (Live(f"({n!r})", n) for n in (a, b, c))
    for term in (
        x - (y - z),
        x - y - z,
        (x + y) * z / z,
        x / (z / z),
        z**power - (x - y) * z,
        -(x + y),
    ):
        assert eval(term.text.replace("^", "**")) == pytest.approx(term.value, rel=1e-9, abs=1e-9)  # noqa: S307
    assert live(0.1).text == "0.1"


def test_a_formula_of_words_is_no_number() -> None:
    word: Any = Live('"none"', "none")
    assert word.number != word.number
