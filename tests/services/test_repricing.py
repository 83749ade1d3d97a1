"""A shared scenario keeps its numbers; today's stand beside them, with the prices that changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from app.catalog.catalog import Catalog
from app.catalog.price_changes import PriceChange, listed_price
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.inputs import ScenarioInput
from app.services.book_access import INSTALLATION
from app.services.book_drafts import BookDraft
from app.services.estimates import estimate
from app.services.price_books import PriceBooks
from app.services.repricing import allowed_prices, reprice
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService, SharedScenario
from app.settings import Settings
from tests.pricing_folder import PricingFolder

TODAY = date(2026, 11, 24)
CHOSEN = "lambda.gpu-8x-h100-sxm5.all.on-demand"
ELSEWHERE = "aws.g5-xlarge.us-east-1.on-demand"
SCENARIO = ScenarioInput(
    model="meta-llama/Meta-Llama-3.1-8B",
    methods=("full",),
    providers=("lambda",),
    accelerators=("H100-SXM-80GB",),
    draws=1_000,
)


@pytest.fixture
def engine(each_database: Settings) -> Iterator[Engine]:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def scenarios(engine: Engine) -> ScenarioService:
    return ScenarioService(open_sessions(engine))


@pytest.fixture
def books(engine: Engine, catalog: Catalog) -> PriceBooks:
    return PriceBooks(open_sessions(engine), catalog)


@pytest.fixture
def prices(engine: Engine) -> ScenarioPrices:
    return ScenarioPrices(open_sessions(engine))


@pytest.fixture
def pricing(tmp_path: Path) -> PricingFolder:
    return PricingFolder(tmp_path)


def save(
    scenario: ScenarioInput, scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> SharedScenario:
    reference = prices.pin(scenario.price_book, INSTALLATION)
    pinned = scenario.model_copy(update={"price_book": reference})
    priced = prices.priced(catalog, reference, INSTALLATION)
    report = estimate(pinned, priced, TODAY)
    token = scenarios.save(pinned, report, None, priced).scenario.token
    return scenarios.get(token)


def test_a_scenario_saved_before_a_price_change(
    scenarios: ScenarioService, prices: ScenarioPrices, pricing: PricingFolder
) -> None:
    """The link shows the old number; today's stands beside it, with the rows that changed."""
    saved = save(SCENARIO, scenarios, prices, pricing.load())
    [before] = saved.report.methods
    assert before.plan is not None
    assert before.plan.offer_key == CHOSEN
    old_usd = before.plan.usd_per_instance_hour
    assert old_usd == 31.92

    # An analyst appends two prices: the chosen one falls by a tenth, another one elsewhere rises.
    pricing.append(CHOSEN, "28.728", TODAY)
    pricing.append(ELSEWHERE, "1.106", TODAY)
    today = pricing.load()
    found = reprice(scenarios.get(saved.token), today, prices, TODAY, None)

    assert found.before == saved.report
    assert scenarios.get(saved.token).report == saved.report
    assert found.after is not None
    [after] = found.after.methods
    assert after.plan is not None
    assert after.plan.offer_key == CHOSEN
    assert after.plan.usd_per_instance_hour == 28.728
    # The same run for nine tenths of its money.
    assert after.plan.usd == pytest.approx(before.plan.usd * 0.9)
    assert found.changes == (
        PriceChange(CHOSEN, "changed", 31.92, 28.728, before_day(saved), TODAY),
    )
    assert found.all_changes == 2
    assert (found.snapshot_known, found.newer_version, found.problems) == (True, None, ())


def before_day(saved: SharedScenario) -> date:
    [method] = saved.report.methods
    assert method.plan is not None
    return date.fromisoformat(method.plan.price_valid_from)


def test_nothing_changed(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    saved = save(SCENARIO, scenarios, prices, catalog)
    found = reprice(saved, catalog, prices, TODAY, None)
    assert found.after == found.before
    assert (found.changes, found.all_changes) == ((), 0)


def test_an_offer_that_is_gone(
    scenarios: ScenarioService, prices: ScenarioPrices, pricing: PricingFolder
) -> None:
    saved = save(SCENARIO, scenarios, prices, pricing.load())
    pricing.append(CHOSEN, "", TODAY)
    found = reprice(saved, pricing.load(), prices, TODAY, None)
    assert [(c.key, c.kind, c.after_usd) for c in found.changes] == [(CHOSEN, "removed", None)]
    assert found.after is None or found.after.methods[0].plan is not None


def test_a_scenario_that_cannot_be_estimated_any_more(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    saved = save(SCENARIO, scenarios, prices, catalog)
    kept = tuple(offer for offer in catalog.listed if offer.provider != "lambda")
    today = dataclasses.replace(
        catalog,
        listed=kept,
        offers=tuple(offer for offer in kept if offer.can_be_planned),
        price_list_hash="0" * 64,
    )
    found = reprice(saved, today, prices, TODAY, None)
    assert found.after is None
    assert {problem.pointer for problem in found.problems} == {"/providers/0"}
    assert {change.kind for change in found.changes} == {"removed"}
    assert found.before == saved.report


def test_a_scenario_from_before_prices_were_kept(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog, engine: Engine
) -> None:
    saved = save(SCENARIO, scenarios, prices, catalog)
    with engine.begin() as connection:
        connection.execute(text("UPDATE scenario SET price_list_hash = NULL"))
    found = reprice(scenarios.get(saved.token), catalog, prices, TODAY, None)
    assert not found.snapshot_known
    assert (found.changes, found.all_changes) == ((), 0)
    assert found.after is not None


def test_a_price_list_is_kept_once(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog, engine: Engine
) -> None:
    first = save(SCENARIO, scenarios, prices, catalog)
    second = save(SCENARIO, scenarios, prices, catalog)
    assert first.price_list_hash == second.price_list_hash == catalog.price_list_hash
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM price_snapshot")).scalar_one()
    assert count == 1
    assert prices.price_list(catalog.price_list_hash) == tuple(map(listed_price, catalog.listed))
    assert prices.price_list("0" * 64) is None
    assert prices.price_list(None) is None


def test_todays_prices_are_of_the_newest_book_for_its_owner_and_of_the_pinned_one_for_others(
    scenarios: ScenarioService, books: PriceBooks, prices: ScenarioPrices, catalog: Catalog
) -> None:
    draft = BookDraft("Ours", "built-in", "lambda, 10", "")
    made = books.create(draft, None)
    asked = SCENARIO.model_copy(update={"price_book": made.info.token})
    saved = save(asked, scenarios, prices, catalog)
    assert saved.scenario.price_book == f"{made.info.token}@1"
    assert saved.report.price_book == "Ours, version 1"
    [method] = saved.report.methods
    assert method.plan is not None
    # 31.92 x 0.9
    assert method.plan.usd_per_instance_hour == 28.728
    dearer = dataclasses.replace(draft, discounts="lambda, 5")
    assert books.update(made.info.token, dearer, made.workspace_key).version == 2
    found = reprice(saved, catalog, prices, TODAY, made.workspace_key)
    assert (found.newer_version, found.reference) == (2, f"{made.info.token}@2")
    assert found.before.methods[0].plan == method.plan
    assert found.after is not None
    [after] = found.after.methods
    assert after.plan is not None
    # 31.92 x 0.95
    assert after.plan.usd_per_instance_hour == 30.324
    [change] = [change for change in found.changes if change.key == method.plan.offer_key]
    assert (change.before_usd, change.after_usd) == (28.728, 30.324)
    # Whoever else has the link gets the numbers as pinned, and nothing else of the book.
    stranger = reprice(saved, catalog, prices, TODAY, None)
    assert stranger.after == stranger.before == found.before
    assert (stranger.newer_version, stranger.changes) == (None, ())


def test_a_book_that_is_not_there(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    saved = save(SCENARIO, scenarios, prices, catalog)
    lost = saved.scenario.model_copy(update={"price_book": "x" * 32})
    found = reprice(dataclasses.replace(saved, scenario=lost), catalog, prices, TODAY, None)
    assert found.after is None
    assert [problem.pointer for problem in found.problems] == ["/price_book"]


@pytest.mark.parametrize(
    ("flags", "options", "tiers"),
    [
        ({}, {"on-demand"}, {"list"}),
        ({"include_spot": True}, {"on-demand", "spot"}, {"list", "spot"}),
        (
            {"include_reserved": True},
            {"on-demand", "reserved-1y", "reserved-3y"},
            {"list"},
        ),
        (
            {"include_capacity_blocks": True},
            {"on-demand", "capacity-block"},
            {"list", "capacity-block"},
        ),
        ({"include_marketplace": True}, {"on-demand"}, {"list", "marketplace"}),
    ],
)
def test_what_a_scenario_may_plan_on(
    catalog: Catalog, flags: dict[str, bool], options: set[str], tiers: set[str]
) -> None:
    prices = allowed_prices(map(listed_price, catalog.listed), ScenarioInput(**flags))
    assert {price.purchase_option for price in prices} == options
    assert {price.tier for price in prices} == tiers


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"include_spot": True},
        {"include_reserved": True, "include_capacity_blocks": True},
        {"include_spot": True, "include_marketplace": True},
        {"providers": ("aws", "lambda"), "accelerators": ("H100-SXM-80GB",)},
    ],
)
def test_it_is_what_the_estimate_plans_on(catalog: Catalog, flags: dict[str, object]) -> None:
    from app.services.cases import case_of

    scenario = ScenarioInput.model_validate({**flags, "include_old_prices": True})
    planned = {offer.key for offer in case_of(scenario, catalog, TODAY).fleet.offers}
    allowed = {p.key for p in allowed_prices(map(listed_price, catalog.listed), scenario)}
    assert planned == allowed
