"""Plan against actual in a real Chromium: upload, chart, correction, and who sees it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]
SCENARIO = "task_group=skill&examples=80000&start_month=2025-01&horizon_months=18"


def _saved(page: Page, base_url: str) -> str:
    """Address of the comparison of a result that this browser saved just now."""
    page.goto(f"{base_url}/result?{SCENARIO}")
    page.get_by_role("button", name="Save and get a link").click()
    page.wait_for_url("**/s/*")
    return f"{page.url}/actuals"


def _filled(template: str, until: str) -> bytes:
    """The template with a tenth more than planned in every month until one."""
    rows = list(csv.DictReader(io.StringIO(template)))
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    for row in rows:
        if row["month"] <= until:
            row["amount_usd"] = f"{float(row['planned_usd']) * 1.1:.2f}"
        writer.writerow(row)
    return out.getvalue().encode()


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_from_the_template_to_the_variance(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    context = profile(javascript=javascript)
    watch = watched(context.new_page())
    page: Page = watch.page
    page.goto(_saved(page, base_url))
    with page.expect_download() as download:
        page.get_by_role("link", name="Template with the planned months").click()
    template = download.value.path().read_text()
    page.get_by_label("CSV file", exact=True).set_input_files(
        {"name": "spend.csv", "mimeType": "text/csv", "buffer": _filled(template, "2025-03")}
    )
    page.get_by_role("button", name="Upload and compare").click()
    expect(page).to_have_url(re.compile(r"/actuals\?saved=new$"))
    expect(page.locator(".said")).to_contain_text(
        re.compile(r"To the end of March 2025: .* \(10%\) more than planned")
    )
    expect(page.locator("#chart-plan-actual svg:visible")).to_have_count(1)
    expect(page.get_by_role("heading", name="By category, reported months")).to_be_visible()
    with page.expect_download() as variance:
        page.get_by_role("link", name="Save as CSV").click()
    assert variance.value.path().read_text().startswith("month,state,category,planned_usd")
    # A redirect stands between: nothing is sent twice.
    page.reload()
    expect(page.locator(".said")).to_be_visible()
    # Chromium says of a download that the navigation to it was aborted.
    assert [text for text in watch.complaints if "net::ERR_ABORTED" not in text] == []

    page.get_by_label("Or paste its lines").fill("month,amount_usd\n2025-13,5\n")
    page.get_by_role("button", name="Upload and compare").click()
    expect(page.locator("#f-pasted-error")).to_contain_text(
        "line 2, month: '2025-13' is not a month"
    )
    expect(page.get_by_label("Or paste its lines")).to_have_value("month,amount_usd\n2025-13,5\n")

    other = profile(javascript=javascript).new_page()
    other.goto(page.url)
    expect(other.get_by_text("What was spent on this result is not shown here.")).to_be_visible()
    page.goto(page.url)
    page.get_by_label("Show to whoever has the link").check()
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"/actuals\?saved=changed$"))
    other.reload()
    expect(other.locator(".said")).to_contain_text("(10%) more than planned")
    expect(other.locator("form")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390], ids=["wide", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_has_no_finding_and_fits(
    base_url: str, profile: Profile, watched: Any, dark: bool, width: int
) -> None:
    watch = watched(profile(dark=dark, width=width).new_page())
    page: Page = watch.page
    page.goto(_saved(page, base_url))
    assert watch.violations() == []
    lines = "month,category,amount_usd,note\n2025-01,people,90000,a contractor\n"
    page.get_by_label("Or paste its lines").fill(lines + "2025-03,serving,5,\n2024-11,,7,\n")
    page.get_by_role("button", name="Upload and compare").click()
    expect(page.get_by_text("November 2024, outside of the plan")).to_be_visible()
    page.get_by_text("The numbers of this chart").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watch.violations() == []
    assert watch.complaints == []
    page.get_by_label("Or paste its lines").fill("month\n")
    page.get_by_role("button", name="Upload and compare").click()
    expect(page.locator("#problems")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert watch.violations() == []


def test_on_paper_there_is_the_comparison_and_no_form(base_url: str, profile: Profile) -> None:
    page = profile().new_page()
    page.goto(_saved(page, base_url))
    page.get_by_label("Or paste its lines").fill("month,amount_usd\n2025-01,9000\n")
    page.get_by_role("button", name="Upload and compare").click()
    page.emulate_media(media="print")
    expect(page.locator(".said")).to_be_visible()
    expect(page.locator("#chart-plan-actual svg").first).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("heading", name="Replace it")).to_have_count(0)
