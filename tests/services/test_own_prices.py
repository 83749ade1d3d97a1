"""A company's discount and its negotiated rate change the plan and the total, as worked by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.estimator.report import MethodReport
from app.inputs import ScenarioInput
from app.services.book_drafts import BookDraft
from app.services.estimates import estimate
from app.services.price_books import PriceBooks
from app.services.scenario_prices import ScenarioPrices
from app.settings import Settings

TODAY = date(2026, 11, 24)
SCENARIO = ScenarioInput(
    model="meta-llama/Meta-Llama-3.1-8B",
    methods=("full",),
    providers=("lambda", "nebius", "aws"),
    accelerators=("H100-SXM-80GB",),
    max_gpus=8,
    objective="cheapest",
    draws=1_000,
)
DISCOUNT = "nebius, 12"
RATE = (
    "provider,instance,accelerator,gpus_per_instance,region,purchase_option,usd_per_instance_hour,"
    "valid_from\n"
    "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,29.92,2026-10-01\n"
)

Books = tuple[PriceBooks, ScenarioPrices]


@pytest.fixture
def books(settings: Settings, catalog: Catalog) -> Iterator[Books]:
    upgrade(settings)
    engine = open_engine(settings.database_url)
    sessions = open_sessions(engine)
    yield PriceBooks(sessions, catalog), ScenarioPrices(sessions)
    engine.dispose()


def answer(books: Books, catalog: Catalog, discounts: str, rates: str) -> MethodReport:
    """Full fine-tuning on 8 H100 with a price book, or without one where both texts are empty."""
    own, prices = books
    reference, key = "", None
    if discounts or rates:
        made = own.create(BookDraft("Ours", "built-in", discounts, rates), None)
        reference, key = made.info.token, made.workspace_key
    report = estimate(SCENARIO, prices.priced(catalog, reference, key), TODAY)
    [found] = report.methods
    return found


def gpu_time(found: MethodReport) -> tuple[float, float]:
    """GPU-hours of the programme, and what they cost."""
    lines = [line for line in found.cost_lines if line.unit == "GPU-hours"]
    return sum(line.quantity for line in lines), sum(line.usd for line in lines)


def test_they_change_the_plan_and_the_total(books: Books, catalog: Catalog) -> None:
    # List prices of 8 H100: Lambda 31.92, Nebius 36.00, AWS 55.04 USD an hour.
    by_list = answer(books, catalog, "", "")
    assert by_list.plan is not None
    assert by_list.plan.provider == "lambda"
    hours, usd = gpu_time(by_list)
    assert usd == pytest.approx(hours * 31.92 / 8)

    # 12% off Nebius: 36.00 x 0.88 = 31.68, now the cheapest. The machines are alike, so the hours
    # stay, and the total falls by (31.92 - 31.68) / 8 = 0.03 USD for each GPU-hour.
    discounted = answer(books, catalog, DISCOUNT, "")
    assert discounted.plan is not None
    assert discounted.plan.provider == "nebius"
    assert discounted.plan.usd_per_instance_hour == 31.68
    assert discounted.plan.list_usd_per_instance_hour == 36.0
    assert discounted.plan.discount_fraction == 0.12
    assert discounted.plan.price_book == "Ours, version 1"
    assert gpu_time(discounted)[0] == pytest.approx(hours)
    assert gpu_time(discounted)[1] == pytest.approx(usd - hours * 0.03)

    # And a negotiated 29.92 at AWS: (31.92 - 29.92) / 8 = 0.25 USD less for each GPU-hour.
    negotiated = answer(books, catalog, DISCOUNT, RATE)
    assert negotiated.plan is not None
    assert negotiated.plan.provider == "aws"
    assert negotiated.plan.usd_per_instance_hour == 29.92
    assert negotiated.plan.list_usd_per_instance_hour == 55.04
    assert gpu_time(negotiated)[0] == pytest.approx(hours)
    assert gpu_time(negotiated)[1] == pytest.approx(usd - hours * 0.25)

    for found in (by_list, discounted, negotiated):
        assert found.total_usd == pytest.approx(sum(line.usd for line in found.cost_lines))
