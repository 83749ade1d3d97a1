"""The result page in a real Chromium: what is folded opens, prints, and fits a phone."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pypdf import PdfReader

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]

QUERY = "task_group=skill&examples=80000"


def opened(page: Page, base_url: str) -> Page:
    answer = page.goto(f"{base_url}/result?{QUERY}")
    assert answer is not None
    assert answer.status == 200
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_a_link_to_a_source_opens_the_folded_list(
    base_url: str, profile: Profile, javascript: bool
) -> None:
    page = opened(profile(javascript=javascript).new_page(), base_url)
    entry = page.locator(".sources li").last
    expect(entry).to_be_hidden()
    link = page.locator('td a[href^="#source-"]:visible').first
    target = link.get_attribute("href")
    assert target is not None
    link.click()
    expect(page.locator(target)).to_be_visible()
    expect(page.locator(target)).to_be_in_viewport()
    # The address of a source opens it too.
    other = profile(javascript=javascript).new_page()
    other.goto(f"{base_url}/result?{QUERY}{target}")
    expect(other.locator(target)).to_be_in_viewport()


@pytest.mark.parametrize("section", ["costs", "ways", "plans"])
def test_a_folded_method_opens_by_keyboard(base_url: str, profile: Profile, section: str) -> None:
    page = opened(profile(javascript=False).new_page(), base_url)
    folds = page.locator(f"section[aria-labelledby={section}] > details")
    assert folds.count() == 3
    closed = page.locator(f"section[aria-labelledby={section}] > details:not([open])")
    assert closed.count() == 2
    table = closed.first.locator("table").first
    expect(table).to_be_hidden()
    closed.first.locator("summary").first.press("Enter")
    expect(folds.locator("table").nth(0)).to_be_visible()
    assert closed.count() == 1


def squeezed(text: str) -> str:
    """Text without spaces, hyphens and ligatures: lines of paper break elsewhere."""
    return re.sub(r"[\s\u00ad-]+", "", unicodedata.normalize("NFKC", text))


def test_on_paper_all_that_is_folded_is_there(base_url: str, profile: Profile) -> None:
    page = opened(profile(javascript=False).new_page(), base_url)
    folded = page.locator("details.study:not([open])")
    assert folded.count() >= 7, "two methods of three sections, and the sources"
    pdf = PdfReader(io.BytesIO(page.pdf(format="A4")))
    printed = squeezed("".join(sheet.extract_text() for sheet in pdf.pages))
    wanted: list[str] = folded.evaluate_all(
        "all => all.flatMap(d => [...d.querySelectorAll('dd, cite, tfoot td, .ways td.amount')])"
        ".filter(e => !e.closest('.way-lines, .numbers') && e.textContent.trim())"
        ".map(e => e.textContent)"
    )
    assert len(wanted) > 80
    assert [text for text in wanted if squeezed(text) not in printed] == []
    # The lines of each way are left out where nobody opened them.
    assert "Thelinesofeachway" not in printed


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("query", [QUERY, f"{QUERY}&currency=IDR", "methods=lora"])
def test_break_even_figures_stack_on_a_phone(
    base_url: str, profile: Profile, watched: Any, query: str, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/result?{query}")
    region = page.get_by_role("region", name="Break-even figures")
    widths: list[int] = region.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert widths[0] <= widths[1]
    # Still a table to those who hear it, and each cell says what it is to those who see it.
    expect(region.get_by_role("columnheader", name="Now")).to_have_count(1)
    rows = region.get_by_role("row")
    assert rows.count() > 1
    label = (
        rows.nth(1)
        .get_by_role("cell")
        .first.evaluate("e => getComputedStyle(e, '::before').content")
    )
    assert label == '"Now"'
    assert watch.complaints == []
