"""Prices and price books in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from app.web.book_pages import LARGEST_UPLOAD_BYTES, TEMPLATE

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]


def _new_book(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/prices/books")
    page.get_by_label("Name", exact=True).fill("Enterprise agreement")
    page.get_by_label("Discounts", exact=True).fill("aws, 12")
    page.get_by_label("Own rates", exact=True).fill(TEMPLATE)
    page.get_by_role("button", name="Save the price book").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enterprise agreement")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_prices_are_narrowed_and_sorted(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    watch = watched(profile(javascript=javascript).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/prices")
    page.get_by_label("GPU", exact=True).select_option("H100-SXM-80GB")
    if not javascript:
        page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("gpu=H100-SXM-80GB"))
    summary = page.locator(".list-summary")
    expect(summary).to_contain_text(" of ")
    if javascript:
        expect(page.locator("#status")).to_contain_text(" of ")
    page.get_by_role("link", name="US$ per GPU-hour").click()
    expect(page).to_have_url(re.compile("sort=gpu_usd"))
    heading = page.locator("th[aria-sort]")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    prices = [float(text) for text in page.locator("td.strong").all_inner_texts()]
    assert prices == sorted(prices)
    assert len(prices) > 5
    if javascript:
        # The heading that was followed keeps the focus, so it can be turned round at once.
        expect(page.locator("#sort-gpu_usd")).to_be_focused()
        page.keyboard.press("Enter")
        expect(heading).to_have_attribute("aria-sort", "descending")
        page.go_back()
        expect(page).to_have_url(re.compile("sort=gpu_usd"))
    assert watch.complaints == []


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_own_rates_from_a_file_to_an_estimate(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    watch = watched(profile(javascript=javascript).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/prices")
    page.get_by_role("link", name="Your own rates and discounts").click()
    page.get_by_label("Name", exact=True).fill("Ours")
    file = {"name": "rates.csv", "mimeType": "text/csv", "buffer": TEMPLATE.encode()}
    page.get_by_label("Or read them from a CSV file").set_input_files(file)
    page.get_by_role("button", name="Save the price book").click()
    expect(page.get_by_text("Version 1 was saved.")).to_be_visible()
    page.get_by_label("Discounts", exact=True).fill("aws, 12")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("Version 2 was saved.")).to_be_visible()
    page.get_by_role("link", name="See its prices").click()
    expect(page.get_by_text("−12%").first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Use it in an estimate").click()
    expect(page).to_have_url(re.compile("price_book="))
    expect(page.locator("table.methods").first).to_be_visible()
    assert [text for text in watch.complaints if "net::ERR_ABORTED" not in text] == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_price_book_has_no_finding_and_fits_a_phone(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    _new_book(watch.page, base_url)
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.violations() == []
    watch.page.goto(f"{base_url}/prices/books")
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    watch.page.get_by_label("Discounts", exact=True).fill("aws 12")
    watch.page.get_by_role("button", name="Save the price book").click()
    expect(watch.page.locator("#problems")).to_be_focused()
    assert watch.violations() == []
    complaints = [text for text in watch.complaints if "the server responded with" not in text]
    assert complaints == []


def test_a_file_that_is_far_too_large_is_said_so(base_url: str, profile: Profile) -> None:
    page = profile().new_page()
    page.goto(f"{base_url}/prices/books")
    page.get_by_label("Name", exact=True).fill("Ours")
    page.get_by_label("Or read them from a CSV file").set_input_files(
        {"name": "rates.csv", "mimeType": "text/csv", "buffer": b"x" * 2 * LARGEST_UPLOAD_BYTES}
    )
    page.get_by_role("button", name="Save the price book").click()
    expect(page.get_by_role("heading", name="Request too large")).to_be_visible()


_ROOM_OF_LABELS = """[...document.querySelectorAll(".price-filter select")].map(select => {
  const pen = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(select);  // its shorthand may be empty
  pen.font = `${style.fontSize} ${style.fontFamily}`;
  const widest = Math.max(...[...select.options].map(o => pen.measureText(o.label).width));
  return select.clientWidth - 40 - widest;
})"""
"""What is left beside the widest label of each list, less its padding and arrow. [px]"""


def test_no_label_of_the_filter_is_cut(base_url: str, profile: Profile) -> None:
    page = profile().new_page()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{base_url}/prices")
    room = page.evaluate(_ROOM_OF_LABELS)
    assert len(room) == 4
    assert min(room) >= 0
