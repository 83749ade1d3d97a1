"""The page for a board is one page: on A4 and on Letter, whatever it has to hold."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page
from pypdf import PdfReader

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]

LONG = {
    "title": "Risk-analysis assistant for the specialised regulatory language of supervisors in "
    "twenty-seven jurisdictions, 2nd",
    "situation": "deep-domain",
    "task_group": "far",
    "model": "deepseek-ai/DeepSeek-V3",
    "max_gpus": "4096",
    "currency": "IDR",
    "answers_per_month": "90000000",
    "engineer_week_usd": "123456",
    "horizon_months": "120",
    "data_preparation_usd": "98765432",
    "violation_percent": "2",
    "incident_percent": "1",
    "incident_cost_usd": "1000000",
    "delay_cost_usd_per_month": "1234567",
}
RESULTS = {
    "plain": "title=Contract+review",
    "everything long": urlencode(LONG),
    "a title of wide letters": urlencode({"title": "W" * 120, "currency": "CHF"}),
    "one method": "methods=lora&value_per_correct_answer_usd=0",
    "one does not fit": "max_gpus=1&accelerators=RTX-4090-24GB&include_marketplace=true",
}
# Width and height of the paper less the margins of the style sheet. [mm]
PAPERS = {"A4": (210 - 24, 297 - 20), "Letter": (215.9 - 24, 279.4 - 20)}
PX_PER_MM = 96 / 25.4
LEAST_CHART_PX = 110


def printed(page: Page, paper: str) -> PdfReader:
    """What the browser prints, with the paper that was asked for."""
    return PdfReader(io.BytesIO(page.pdf(format=paper, print_background=True)))


def words_run_together(pdf: PdfReader) -> str:
    """The text of the first page without its breaks: a long link runs over two lines."""
    return "".join(pdf.pages[0].extract_text().split())


@pytest.mark.parametrize("name", RESULTS)
def test_it_is_one_page_on_either_paper(base_url: str, profile: Profile, name: str) -> None:
    page = profile(javascript=False).new_page()
    answer = page.goto(f"{base_url}/result/board?{RESULTS[name]}")
    assert answer is not None
    assert answer.status == 200
    for paper, (width, height) in PAPERS.items():
        pdf = printed(page, paper)
        assert len(pdf.pages) == 1, paper
        # Its last line is on it, and so is the first.
        text = " ".join(pdf.pages[0].extract_text().split())
        assert "An estimate, not a quote" in text
        assert "this page has no link yet" in text
        # Nothing is cut off at the end of the sheet, and the chart can still be read.
        page.emulate_media(media="print")
        page.set_viewport_size(
            {"width": round(width * PX_PER_MM), "height": round(height * PX_PER_MM)}
        )
        sheet: dict[str, float] = page.locator(".sheet").evaluate(
            "e => ({is: e.clientHeight, needs: e.scrollHeight,"
            " wide: e.scrollWidth - e.clientWidth})"
        )
        assert sheet["needs"] <= sheet["is"], (paper, sheet)
        assert sheet["wide"] <= 0, (paper, sheet)
        chart = page.locator(".board-chart .chart-wide").bounding_box()
        assert chart is not None
        assert chart["height"] >= LEAST_CHART_PX, (paper, chart)
        foot, last = (page.locator(s).bounding_box() for s in (".sheet", ".board-foot"))
        assert foot is not None
        assert last is not None
        assert last["y"] + last["height"] <= foot["y"] + foot["height"] + 0.5
        page.emulate_media(media="null")


def test_a_page_that_is_too_long_would_be_noticed(base_url: str, profile: Profile) -> None:
    """The same measure on a page that takes more: a result is many pages."""
    page = profile().new_page()
    page.goto(f"{base_url}/result")
    assert len(printed(page, "A4").pages) > 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_saved_result_has_its_link_and_no_finding(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/result?{urlencode(LONG)}")
    page.get_by_role("button", name="Save and get a link").click()
    page.wait_for_url("**/s/*")
    link = page.url
    page.goto(f"{link}/board")
    assert page.get_by_role("link", name=link).is_visible()
    assert page.get_by_role("img", name="QR code of the link").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.complaints == []
    assert watch.violations() == []
    # Dark screens print on white paper too.
    page.emulate_media(media="print")
    paper = page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    for size in PAPERS:
        pdf = printed(page, size)
        assert len(pdf.pages) == 1
        assert link in words_run_together(pdf)
    # No two letters of a link are drawn as one: as copied off the paper, it would lead nowhere.
    joined = f"{base_url}/s/fiflffffiffl"
    page.get_by_role("link", name=link).evaluate("(e, text) => { e.textContent = text }", joined)
    assert joined in words_run_together(printed(page, "A4"))
