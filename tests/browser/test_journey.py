"""The main journey in a real Chromium: build, save, open the link elsewhere, same numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

Profile = Callable[..., BrowserContext]

SCENARIO = "task_group=narrow&accelerators=H100-SXM-80GB&accelerators=A100-SXM-80GB"


def shown_numbers(page: Page) -> list[str]:
    """Headline and every cell of the side-by-side table, as a reader sees them."""
    headline = page.locator(".headline").first.inner_text()
    cells = page.locator("table.methods:not(.bill):not(.arguments) td").all_inner_texts()
    assert len(cells) > 30
    return [headline, *(re.sub(r"\s+", " ", cell).strip() for cell in cells)]


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_build_save_and_open_the_link_in_a_fresh_profile(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    mine = profile(javascript=javascript)
    watch = watched(mine.new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/")
    page.get_by_role("link", name="Blank scenario").click()
    page.wait_for_url("**/estimate")
    page.goto(f"{page.url}?{SCENARIO}")
    before = shown_numbers(page)

    examples = page.locator("input[name=examples]")
    examples.fill("250000")
    if javascript:
        examples.blur()
    else:
        page.get_by_role("button", name="Calculate").click()
    page.wait_for_url(re.compile("examples=250000"))
    assert ("examples", "250000") in parse_qsl(urlsplit(page.url).query)
    assert page.locator("input[name=examples]").input_value() == "250000"
    after = shown_numbers(page)
    assert after != before

    # The address alone gives the same answer again.
    page.goto(page.url)
    assert shown_numbers(page) == after

    page.get_by_role("link", name="Full result").click()
    page.wait_for_url("**/result?*")
    assert shown_numbers(page) == after
    page.get_by_label("Name of the shared page").first.fill("Legal documents")
    page.get_by_role("button", name="Save and get a link").click()
    page.wait_for_url(re.compile(r"/s/[\w-]{22,}$"))
    link = page.url
    assert shown_numbers(page) == after

    other = watched(profile(javascript=javascript).new_page())
    other.page.goto(link)
    assert shown_numbers(other.page) == after
    expect(other.page.get_by_text("Legal documents").first).to_be_visible()
    expect(other.page.get_by_text("Withdraw this link")).to_have_count(0)

    # The owner withdraws it; the other reads so.
    page.get_by_text("Withdraw this link", exact=True).click()
    page.get_by_role("button", name="Withdraw this link for good").click()
    page.wait_for_url(f"{base_url}/")
    assert watch.complaints == []
    assert other.complaints == []
    answer = other.page.goto(link)
    assert answer is not None
    assert answer.status == 410


def test_a_mistake_is_said_at_its_field_and_nothing_typed_is_lost(
    base_url: str, profile: Profile, watched: Any
) -> None:
    page: Page = watched(profile().new_page()).page
    page.goto(f"{base_url}/estimate")
    page.locator("input[name=tokens_per_example]").fill("1200")
    epochs = page.locator("input[name=epochs]")
    epochs.fill("-1")
    epochs.blur()
    expect(page.locator("#epochs-error, [id$=epochs-error]").first).to_contain_text(
        "must be more than 0"
    )
    expect(page.locator("input[name=epochs]")).to_have_attribute("aria-invalid", "true")
    assert page.locator("input[name=tokens_per_example]").input_value() == "1200"
    page.locator("input[name=epochs]").fill("2")
    page.locator("input[name=epochs]").blur()
    expect(page.locator("table.methods")).to_be_visible()


def test_back_returns_to_the_scenario_before(base_url: str, profile: Profile) -> None:
    page = profile().new_page()
    page.goto(f"{base_url}/estimate")
    first = shown_numbers(page)
    rank = page.locator("input[name=examples]")
    rank.fill("700000")
    rank.blur()
    expect(page).to_have_url(re.compile("examples=700000"))
    page.go_back()
    expect(page).to_have_url(f"{base_url}/estimate")
    expect(page.locator("input[name=examples]")).to_have_value("50000")
    assert shown_numbers(page) == first


CONFIG = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22,
    "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 32000,
    "tie_word_embeddings": False, "hidden_act": "silu", "max_position_embeddings": 2048,
}  # fmt: skip


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_enter_calculates(base_url: str, profile: Profile, javascript: bool) -> None:
    """Not the first button in sight, which reads a file."""
    page = profile(javascript=javascript).new_page()
    page.goto(f"{base_url}/estimate?{SCENARIO}")
    page.locator("#f-title").fill("Pressed")
    page.locator("#f-title").press("Enter")
    page.wait_for_url("**/estimate?*title=Pressed*")
    expect(page.locator("#results .eyebrow")).to_have_text("Pressed")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_a_config_file_is_read_and_nothing_typed_is_lost(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    watch = watched(profile(javascript=javascript).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/estimate")
    page.locator("input[name=examples]").fill("12000")
    page.get_by_text("Own config.json, lengths").click()
    page.locator("input[name=config_file]").set_input_files(
        {
            "name": "config.json",
            "mimeType": "application/json",
            "buffer": json.dumps(CONFIG).encode(),
        }
    )
    page.get_by_role("button", name="Read the file").click()
    expect(page).to_have_url(re.compile("config_json="))
    assert ("examples", "12000") in parse_qsl(urlsplit(page.url).query)
    assert json.loads(page.locator("textarea[name=config_json]").input_value()) == CONFIG
    expect(page.locator("table.methods")).to_be_visible()
    # Chromium calls a request aborted that is left for another page, or saved as a file.
    assert [text for text in watch.complaints if "net::ERR_ABORTED" not in text] == []


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_from_the_result_to_the_file_that_launches_it(
    base_url: str, profile: Profile, watched: Any, javascript: bool
) -> None:
    watch = watched(profile(javascript=javascript).new_page())
    page: Page = watch.page
    page.goto(f"{base_url}/result?{SCENARIO}")
    page.get_by_role("link", name="All plans at today").click()
    expect(page.get_by_role("heading", name="Plans", level=1)).to_be_visible()
    page.get_by_label("GPU", exact=True).select_option("H100-SXM-80GB")
    page.get_by_role("button", name="Filter").click()
    expect(page).to_have_url(re.compile("gpu=H100-SXM-80GB"))
    expect(page.locator("table.frontier").first).to_contain_text("H100")
    expect(page.locator("table.frontier").first).not_to_contain_text("A100")
    page.locator("details.recipe-file > summary").first.click()
    with page.expect_download() as found:
        page.get_by_role("link", name="Save settings.txt").first.click()
    assert found.value.suggested_filename == "settings.txt"
    # Chromium calls a request aborted that is left for another page, or saved as a file.
    assert [text for text in watch.complaints if "net::ERR_ABORTED" not in text] == []
