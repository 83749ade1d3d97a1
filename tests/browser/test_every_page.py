"""Every page: no accessibility finding in light and dark, no console complaint, fits a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from app.services.own_evidence import EXAMPLE_CSV
from app.web.validation_pages import EXAMPLE

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]

QUERY = "task_group=skill&examples=80000"
PAGES = {
    "home": "/",
    "builder": "/estimate",
    "builder with mistakes": "/estimate?epochs=-1&methods=&model=nothing",
    "builder, one method fits nowhere": "/estimate?max_gpus=1&accelerators=L4-24GB",
    "result": f"/result?{QUERY}",
    "result, mixture of experts": "/result?model=mistralai%2FMixtral-8x7B-v0.1&adapter_dtype=fp32",
    "result, every way to pay, in euro": "/result?include_spot=true&include_reserved=true"
    "&include_capacity_blocks=true&accelerators=H100-SXM-80GB&currency=EUR",
    "board": f"/result/board?{QUERY}&currency=EUR",
    "plans": "/plans?max_gpus=16",
    "plans, spot and marketplaces": "/plans?max_gpus=16&include_spot=true&include_marketplace=true"
    "&currency=CHF",
    "plans, nothing passes": "/plans?gpu=nothing",
    "prices": "/prices",
    "prices, filtered": "/prices?gpu=H100-SXM-80GB&sort=-gpu_usd",
    "prices, nothing passes": "/prices?gpu=nothing",
    "price books": "/prices/books",
    "evidence": "/evidence",
    "evidence, filtered": "/evidence?group=skill&method=variants&foreign=no",
    "evidence, nothing passes": "/evidence?group=rl&measured=kept&base=nothing",
    "own evidence": "/evidence/own",
    "compare, empty": "/compare",
    "compare": "/compare?left=%2Fresult%3Fexamples%3D1000&right=%2Fresult%3Fexamples%3D900000",
    "compare, change by change": "/compare?left=%2Fresult%3Fexamples%3D1000"
    "&right=%2Fresult%3Fexamples%3D900000%26engineer_week_usd%3D5000&bridge=full",
    "compare, two currencies": "/compare?left=%2Fresult%3Fcurrency%3DEUR&right=%2Fresult",
    "method": "/method",
    "own runs": "/validate",
    "not found": "/nowhere",
    "unknown link": "/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
}
FAILING = {
    "builder with mistakes": 422,
    "plans, nothing passes": 422,
    "not found": 404,
    "unknown link": 404,
}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_no_finding_and_no_complaint(
    base_url: str, profile: Profile, watched: Any, name: str, dark: bool
) -> None:
    watch = watched(profile(dark=dark).new_page())
    answer = watch.page.goto(base_url + PAGES[name])
    assert answer.status == FAILING.get(name, 200)
    # Chromium itself logs the status of a failed navigation.
    complaints = [text for text in watch.complaints if "the server responded with" not in text]
    assert complaints == []
    assert watch.violations() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_shared_page_has_no_finding(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark).new_page())
    watch.page.goto(f"{base_url}/result?{QUERY}")
    watch.page.get_by_role("button", name="Save and get a link").click()
    watch.page.wait_for_url("**/s/*")
    assert watch.complaints == []
    assert watch.violations() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_todays_numbers_beside_a_shared_result_have_no_finding(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    watch.page.goto(f"{base_url}/result?{QUERY}&currency=EUR&include_spot=true")
    watch.page.get_by_role("button", name="Save and get a link").click()
    watch.page.wait_for_url("**/s/*")
    watch.page.goto(f"{watch.page.url}/today")
    expect(watch.page.get_by_role("heading", name="As shared, and today")).to_be_visible()
    expect(watch.page.get_by_text("Nothing has changed")).to_be_visible()
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.complaints == []
    assert watch.violations() == []
    watch.page.get_by_role("link", name="The result as shared").click()
    watch.page.get_by_text("The lines of each way").locator("visible=true").first.click()
    expect(watch.page.get_by_role("heading", name="On demand").first).to_be_visible()
    assert watch.violations() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_check_of_own_runs_has_no_finding(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    watch.page.goto(f"{base_url}/validate")
    watch.page.get_by_label("Or paste its lines").fill(EXAMPLE)
    watch.page.get_by_role("button", name="Check", exact=True).click()
    expect(watch.page.get_by_role("heading", name="Measured and predicted")).to_be_visible()
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.complaints == []
    assert watch.violations() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_own_evidence_has_no_finding_and_leads_to_a_scenario(
    base_url: str, profile: Profile, watched: Any, dark: bool
) -> None:
    watch = watched(profile(dark=dark, width=390).new_page())
    watch.page.goto(f"{base_url}/evidence/own")
    watch.page.get_by_label("Or paste its lines").fill(EXAMPLE_CSV)
    watch.page.get_by_role("button", name="See what they change").click()
    expect(watch.page.get_by_role("heading", name="What was read")).to_be_visible()
    assert watch.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watch.complaints == []
    assert watch.violations() == []
    watch.page.get_by_role("button", name="Use in a new scenario").click()
    watch.page.wait_for_url("**/estimate?*own_evidence=*")


def test_the_filter_of_the_evidence_narrows_without_leaving_the_page(
    base_url: str, profile: Profile, watched: Any
) -> None:
    watch = watched(profile().new_page())
    watch.page.goto(f"{base_url}/evidence")
    watch.page.get_by_label("Kind of task").select_option("far")
    watch.page.get_by_text("Far domain or language.").first.wait_for()
    expect(watch.page).to_have_url(f"{base_url}/evidence?group=far")
    expect(watch.page.locator("details.study-rows")).to_have_count(1)
    watch.page.go_back()
    watch.page.get_by_text("All 364 rows").wait_for()
    assert watch.complaints == []
    plain = profile(javascript=False).new_page()
    plain.goto(f"{base_url}/evidence")
    plain.get_by_label("Kind of task").select_option("far")
    plain.get_by_role("button", name="Filter").click()
    plain.wait_for_url("**/evidence?*group=far*")
    expect(plain.locator("details.study-rows")).to_have_count(1)


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(base_url: str, profile: Profile, name: str) -> None:
    page = profile(width=390).new_page()
    page.goto(base_url + PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_planted_inline_script_is_refused(base_url: str, profile: Profile, watched: Any) -> None:
    """The listener above does hear a violation, and the policy does forbid one."""
    watch = watched(profile().new_page())
    watch.page.goto(f"{base_url}/")
    watch.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.planted = 1';"
        " document.body.append(s); }"
    )
    assert watch.page.evaluate("window.planted") is None
    assert any("Content Security Policy" in text for text in watch.complaints)
