"""Serving as a part of the report."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from app.estimator.adapters import Adapters
from app.estimator.architecture import Architecture
from app.estimator.constants import ConstantValues
from app.estimator.fleet import fleet_of
from app.estimator.methods import Method
from app.estimator.serving import Serving, ServingLoad, serving_of
from app.estimator.serving_report import (
    LEFT_OUT,
    extra_usd_per_month,
    serving_report,
    shown_variants,
    way_of,
)
from app.estimator.units import HOURS_PER_MONTH
from tests.estimator.conftest import MakeOffer

TODAY = date(2026, 11, 23)
FULL = Method("full")
LORA = Method("lora", Adapters(16, ("q_proj",)))
LOSS = 0.25
MONTH = 2.0 * HOURS_PER_MONTH


@pytest.fixture(scope="module")
def serving(llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues) -> Serving:
    """Four variants with little to do, on GPUs of 2 USD an hour: four of them, or one."""
    fleet = fleet_of([make_offer()])
    return serving_of(llama_8b, 20_000_000, ServingLoad(1e4, variants=4), fleet, constants)


def test_every_way_with_its_offer_and_the_age_of_its_price(serving: Serving) -> None:
    report = serving_report(serving, (FULL, LORA), "auto", TODAY, LOSS)
    base, merged, unmerged = report.ways
    assert [way.key for way in report.ways] == ["base", "merged", "unmerged"]
    assert (merged.models, merged.gpus, unmerged.models, unmerged.gpus) == (4, 4, 1, 1)
    assert merged.usd_per_month == pytest.approx(4 * MONTH)
    assert (base.price_valid_from, base.price_age_days) == ("2026-11-01", 22)
    assert base.price_source_key == "a-list"
    assert (base.provider_name, base.instance) == ("Acme", "h100-1x")
    spread = base.usd_per_month_range
    assert spread.p10 <= spread.p50 <= spread.p90
    assert (report.reason, report.break_even_variants) == ("", 2)
    assert report.adapter_throughput_loss_fraction == LOSS


def test_what_each_method_adds_to_the_base(serving: Serving) -> None:
    full, lora = serving_report(serving, (FULL, LORA), "auto", TODAY, LOSS).methods
    assert (full.method, full.way, lora.method, lora.way) == ("full", "merged", "lora", "unmerged")
    assert full.extra_usd_per_month == pytest.approx(3 * MONTH)
    assert lora.extra_usd_per_month == 0
    assert full.extra_seconds_per_answer == pytest.approx(0, abs=0.1)
    base = serving.ways["base"].seconds_per_answer
    assert lora.extra_seconds_per_answer == pytest.approx(base * (1 / (1 - LOSS) - 1), rel=0.05)


@pytest.mark.parametrize(
    ("adapter", "asked", "key"),
    [
        (False, "auto", "merged"), (False, "unmerged", "merged"), (True, "merged", "merged"),
        (True, "unmerged", "unmerged"), (True, "auto", "unmerged"),
    ],
)  # fmt: skip
def test_how_a_method_is_served(serving: Serving, adapter: bool, asked: str, key: str) -> None:
    way = way_of(serving, adapter=adapter, asked=asked)
    assert way is not None
    assert way.key == key


def test_of_equal_ways_the_merged_one_is_taken(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    one = serving_of(llama_8b, 1_000, ServingLoad(1e4), fleet_of([make_offer()]), constants)
    way = way_of(one, adapter=True)
    assert way is not None
    assert way.key == "merged"


def test_nothing_is_served_where_it_is_left_out_or_refused(
    serving: Serving, llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    assert way_of(serving, adapter=True, asked="none") is None
    left_out = serving_report(serving, (FULL,), "none", TODAY, LOSS)
    assert (left_out.reason, left_out.ways, left_out.methods) == (LEFT_OUT, (), ())
    refused = serving_of(llama_8b, 1, ServingLoad(0.0), fleet_of([make_offer()]), constants)
    report = serving_report(refused, (FULL, LORA), "auto", TODAY, LOSS)
    assert report.reason == refused.reason != ""
    assert (report.ways, report.by_variants, report.break_even_variants) == ((), (), None)


def test_the_points_of_the_chart_agree_with_the_ways(serving: Serving) -> None:
    report = serving_report(serving, (FULL, LORA), "auto", TODAY, LOSS)
    by_number = {point.variants: point for point in report.by_variants}
    assert list(by_number) == list(range(1, 11))
    _, merged, unmerged = report.ways
    assert by_number[4].dedicated_usd_per_month == pytest.approx(merged.usd_per_month)
    assert by_number[4].adapters_usd_per_month == pytest.approx(unmerged.usd_per_month)


def test_the_chart_holds_the_break_even_and_the_number_before_it() -> None:
    shown = shown_variants(ServingLoad(1.0, variants=7), 333)
    assert {1, 7, 332, 333, 666} <= set(shown.tolist())
    assert (np.diff(shown) > 0).all()


def test_growth_needs_what_a_lower_throughput_needs(
    llama_8b: Architecture, make_offer: MakeOffer, constants: ConstantValues
) -> None:
    fleet = fleet_of([make_offer()])
    probe = serving_of(llama_8b, 1, ServingLoad(1e4), fleet, constants).ways["base"]
    answers = 1.5 * probe.answers_per_s * HOURS_PER_MONTH * 3600 / 3
    found = serving_of(llama_8b, 1, ServingLoad(answers, variants=4), fleet, constants)
    merged, nothing = found.ways["merged"], np.zeros(1)
    # 1.5 replicas of load: two of the base, four dedicated; at four times the load six and eight.
    assert extra_usd_per_month(found, merged, nothing).tolist() == pytest.approx([2 * MONTH])
    grown = extra_usd_per_month(found, merged, nothing, growth=4.0)
    assert grown.tolist() == pytest.approx([2 * MONTH])
    assert merged.usd_at(0.25).tolist() == pytest.approx([8 * MONTH])
