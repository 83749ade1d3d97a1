"""A shared result beside today's numbers: what changed, and which prices did it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from fastapi.testclient import TestClient

from app.catalog.catalog import Catalog
from app.catalog.price_changes import PriceChange
from app.estimator.hardware import Offer
from app.estimator.report import CurrencyReport, Report
from app.inputs import ScenarioInput
from app.services.book_drafts import BookDraft
from app.services.problems import Problem
from app.services.repricing import Repriced
from app.web import comparisons, today_views
from app.web.context_comparisons import TodayView
from tests.web.conftest import TODAY
from tests.web.markup import Document

SCENARIO = "lora_rank=32&methods=lora&accelerators=H100-SXM-80GB&max_gpus=8"


def changed_prices(catalog: Catalog, factor: float, day: date) -> Catalog:
    """The catalogue in which every H100 has another price since a day."""

    def repriced(offers: tuple[Offer, ...]) -> tuple[Offer, ...]:
        return tuple(
            dataclasses.replace(
                offer,
                usd_per_instance_hour=offer.usd_per_instance_hour * factor,
                valid_from=day,
            )
            if offer.accelerator.key == "H100-SXM-80GB"
            else offer
            for offer in offers
        )

    return dataclasses.replace(
        catalog,
        offers=repriced(catalog.offers),
        listed=repriced(catalog.listed),
        content_hash="f" * 64,
        price_list_hash="e" * 64,
    )


@pytest.fixture
def saved(client: TestClient) -> Iterator[str]:
    """Address of a result that was saved with the built-in prices."""
    answer = client.post(
        "/scenarios", data={"scenario": SCENARIO, "title": "Contracts"}, follow_redirects=False
    )
    assert answer.status_code == 303
    return answer.headers["location"]


def _text(client: TestClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    document = Document(answer.text)
    assert not document.mismatches
    return " ".join(document.text.split())


def test_nothing_changed_is_said(client: TestClient, saved: str) -> None:
    text = _text(client, f"{saved}/today")
    assert "Nothing has changed: the same numbers as when the link was shared." in text
    assert "Prices that changed" not in text
    assert "moved the net present value" not in text


def test_a_link_keeps_its_numbers_and_todays_stand_beside_them(
    client: TestClient, saved: str
) -> None:
    before = _text(client, saved)
    day = datetime.now(UTC).date()
    client.app.state.catalog = changed_prices(client.app.state.catalog, 1.25, day)  # type: ignore[attr-defined]
    after = _text(client, saved)
    table = before[before.index("Side by side") : before.index("Costs and benefits")]
    assert table in after, "the link shows the numbers that were shared"
    page = client.get(saved).text
    assert f'href="{saved}/today"' in page
    text = _text(client, f"{saved}/today")
    assert "The choice is the same today: LoRA." in text or "The choice has changed" in text
    assert "that this scenario may plan on have changed since." in text
    assert "chosen then" in text
    assert "+25.0%" in text
    assert "As sharedTodayChange" in text
    assert "changes of prices that it does not plan on" in text
    assert "How each change moved the net present value, LoRA" in text
    assert re.search(r"falls by US\$[\d,]+, to US\$[\d,]+: “Prices of GPUs, and their age", text)


def test_a_page_of_a_link_that_is_not_there(client: TestClient, saved: str) -> None:
    assert client.get("/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/today").status_code == 404
    client.post(f"{saved}/revoke")
    assert client.get(f"{saved}/today").status_code == 410


def test_the_page_is_kept_by_nobody(client: TestClient, saved: str) -> None:
    answer = client.get(f"{saved}/today")
    assert answer.headers["cache-control"] == "private, no-store"
    assert Document(answer.text).all("meta", name="robots", content="noindex")


# ---------------------------------------------------------------------- the view


def _side(report: Report) -> comparisons.Side:
    return comparisons.Side("As shared", ScenarioInput(), report, "/s/x", "then", pinned=True)


def _view(before: Report, after: Report | None, **changes: object) -> TodayView:
    found = Repriced(
        before=before, after=after, problems=(), changes=(), all_changes=0, snapshot_known=True,
        newer_version=None, reference="",
    )  # fmt: skip
    found = dataclasses.replace(found, **changes)  # type: ignore[arg-type]
    sides = None if after is None else (_side(before), _side(after))
    return today_views.view(found, sides, {}, TODAY)


def _dearer(report: Report) -> Report:
    first = report.methods[0]
    assert first.total_usd is not None
    more = dataclasses.replace(first, total_usd=first.total_usd + 1_000)
    return dataclasses.replace(report, methods=(more, *report.methods[1:]))


GONE = PriceChange("aws.p5.us-east-1.on-demand", "removed", 98.32, None, date(2026, 1, 1), None)
NEW = PriceChange("lambda.x.all.on-demand", "added", None, 4.0, None, date(2026, 11, 1))
DEARER = PriceChange(
    "lambda.y.all.on-demand", "changed", 4.0, 5.0, date(2026, 1, 1), date(2026, 3, 1)
)


def test_rows_say_what_is_new_gone_or_dearer_with_their_days(report: Report) -> None:
    view = _view(report, _dearer(report), changes=(GONE, NEW, DEARER), all_changes=5)
    rows = {row.offer: row for row in view.rows}
    assert next(iter(rows)) == DEARER.key, "those that moved most come first"
    dearer, gone, new = rows[DEARER.key], rows[GONE.key], rows[NEW.key]
    assert re.fullmatch(
        r"Total cost over 36 months: Full fine-tuning US\$[\d,]+ \(\+US\$1,000\)\.",
        view.totals,
    )
    assert (dearer.before, dearer.after, dearer.change) == ("US$4.00", "US$5.00", "+25.0%")
    assert (dearer.before_date, dearer.after_level) == ("1 January 2026", "stale")
    assert (gone.after, gone.change, gone.place) == ("—", "gone", "no longer listed")
    assert (new.before, new.before_date, new.change) == ("—", "", "new")
    assert view.rest == "Not shown: 2 changes of prices that it does not plan on."


def test_many_rows_are_cut_and_counted(report: Report) -> None:
    many = tuple(dataclasses.replace(DEARER, key=f"k{i}") for i in range(250))
    view = _view(report, report, changes=many, all_changes=250)
    assert len(view.rows) == today_views.MOST_ROWS
    assert view.totals == ""
    assert view.rest == "Not shown: 50 smaller changes of them."
    assert view.sentence == "The numbers of this scenario are the same today."


def test_what_changed_beside_prices_is_said(report: Report) -> None:
    older = dataclasses.replace(report, estimator_version="0.0.9")
    assert any("0.0.9 then" in reason for reason in _view(older, report).reasons)
    facts = dataclasses.replace(report, catalog_hash="0" * 64)
    assert any("Other facts" in reason for reason in _view(facts, report).reasons)
    aged = _view(report, _dearer(report))
    assert any("Prices have aged" in reason for reason in aged.reasons)
    unknown = _view(report, _dearer(report), snapshot_known=False)
    assert any("were not kept with this link" in reason for reason in unknown.reasons)


def test_a_scenario_that_cannot_be_estimated_today_says_why(report: Report) -> None:
    view = _view(report, None, problems=(Problem("/model", "It is not built in."),))
    assert view.sentence == "This scenario cannot be estimated today."
    assert view.problems == ("It is not built in.",)
    assert view.comparison is None


def test_a_newer_version_of_a_price_book_is_named(report: Report) -> None:
    pinned = dataclasses.replace(report, price_book="Acme rates, version 3")
    view = _view(pinned, pinned, newer_version=5)
    assert view.newer == (
        "Its price book has changed since: it was Acme rates, version 3, and today's numbers use "
        "version 5."
    )


def test_both_are_in_the_currency_of_then(report: Report) -> None:
    then = dataclasses.replace(report, currency=CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb"))
    now = dataclasses.replace(report, currency=CurrencyReport("EUR", 2, 0.8, "2026-11-20", "ecb"))
    view = _view(then, now, changes=(DEARER,), all_changes=1)
    assert view.rows[0].before == "€3.60"
    assert view.comparison is not None
    assert view.comparison.currency == (
        "Amounts of both are in EUR at 0.9 per US dollar, as in the first; the sentence of the "
        "second is in EUR at 0.8."
    )


def test_a_pinned_price_book_stands_beside_its_newest_version(
    client: TestClient,
) -> None:
    books = client.app.state.price_books  # type: ignore[attr-defined]
    made = books.create(BookDraft("Acme rates", "built-in", "crusoe, 12", ""), None)
    client.cookies.set("workspace", made.workspace_key)
    query = f"{SCENARIO}&price_book={made.info.token}"
    answer = client.post("/scenarios", data={"scenario": query}, follow_redirects=False)
    link = answer.headers["location"]
    before = _text(client, link)
    assert "price book Acme rates, version 1" in before
    assert "Nothing has changed" in _text(client, f"{link}/today")
    draft = BookDraft("Acme rates", "built-in", "crusoe, 20", "")
    books.update(made.info.token, draft, made.workspace_key)
    assert f'href="{link}/today"' in client.get(link).text
    page = client.get(f"{link}/today").text
    text = " ".join(Document(page).text.split())
    assert "it was Acme rates, version 1, and today's numbers use version 2." in text
    assert "Prices that changed" in text
    assert "Nothing has changed" not in text
    (full,) = {a["href"] for a in Document(page).all("a") if a["href"].startswith("/result?")}
    assert f"price_book={made.info.token}%402" in full
    # The link itself keeps its numbers.
    assert _text(client, link).count("Acme rates, version 1") == before.count(
        "Acme rates, version 1"
    )
