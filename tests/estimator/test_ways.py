"""Rent, buy or managed for the same training programme, worked by hand to the cent.

The programme of `tests.estimator.buying`: 6.6 runs of 10 h on 8 GPUs, 528 GPU-hours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.estimator.architecture import Architecture
from app.estimator.case import Case, Market
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.estimator.report import BuyingReport, WayReport
from app.estimator.ways import ways_to_pay
from tests.estimator.buying import bought, case_of_programme, managed, server
from tests.estimator.planning import FULL, LORA, QLORA

MakeOffer = Callable[..., Offer]

PRICES = {
    "on-demand": 20.00,
    "spot": 8.00,
    "reserved-1y": 12.00,
    "reserved-3y": 8.50,
    "capacity-block": 14.00,
}
"""USD an hour for an instance of 8 GPUs."""

EASY_SPOT = {"spot_interruptions_per_instance_day": 0.24}
"""0.01 an hour: rates that can be multiplied by hand."""


@pytest.fixture(scope="module")
def offers(make_offer: MakeOffer) -> list[Offer]:
    """One instance, sold in every way."""
    return [
        make_offer(
            f"acme.h100.all.{option}",
            gpus=8,
            usd=usd,
            instance="h100-8x",
            purchase_option=option,
            tier="list" if option.startswith(("on", "res")) else option,
        )
        for option, usd in PRICES.items()
    ]


def paid_for(case: Case, offer: int = 0, nodes: int = 1) -> tuple[dict[str, WayReport], object]:
    found, buying = ways_to_pay(*bought(case, offer, nodes=nodes))
    return {way.key: way for way in found}, buying


def case_with(
    architecture: Architecture, offers: list[Offer], sold: Market | None = None, **changes: object
) -> Case:
    market = Market(offers=tuple(offers), managed=(managed(),), servers=(server(),))
    return case_of_programme(architecture, offers[:1], sold or market, **changes)


def test_every_way_by_hand(offers: list[Offer], llama_8b: Architecture) -> None:
    ways, _ = paid_for(case_with(llama_8b, offers, constants=EASY_SPOT))
    assert {key: round(way.total_usd, 2) for key, way in ways.items()} == {
        # 66 h x 20.00
        "on-demand": 1_320.00,
        # Interrupted 0.01 times an hour. A checkpoint every sqrt(2 x 0.02 h / 0.01) = 2 h, where it
        # would be 2.5 h: one more in 10 h, 0.02 h. Each time half of 2 h and a restart of 0.5 h are
        # lost: 10.02 / (1 - 0.01 x 1.5) = 10.172589 h a run. x 6.6 x 8.00
        "spot": 537.11,
        # Runs from month 1.380 to month 19.425, 13,182 h: two terms of 8,760 h x 12.00
        "reserved-1y": 210_240.00,
        # One term of 26,280 h x 8.50
        "reserved-3y": 223_380.00,
        # 33 h in 2 days, and three times 11 h in a day: 120 h x 14.00
        "capacity-block": 1_680.00,
        # Over 24 months of 730.5 h, 140,256 GPU-hours:
        #   325,000.00 bought, worth 1 - 0.7 x 24 / 36 = 53.33% at the end:       151,666.67
        #   10.2 kW x 24 months x 200.00:                                           48,960.00
        #   10.2 kW x 17,532 h x (0.6 x 0.82 + 0.4 x 0.2) x PUE 1.54 x 0.09:        14,177.21
        #   2 years x 10% of the price:                                             65,000.00
        # 279,803.88 for 60% of 140,256 = 84,153.6 used GPU-hours, of which this programme's are
        # 528: 0.627424%.
        "own": 1_755.56,
        # The whole of it for this alone. 528 of 140,256 GPU-hours are 0.376454%, so electricity is
        #   10.2 kW x 17,532 h x (0.00376454 x 0.82 + 0.99623546 x 0.2) x PUE 1.54 x 0.09: 5,014.91
        # and 151,666.67 + 48,960.00 + 5,014.91 + 65,000.00:
        "own-alone": 270_641.58,
        # 50,000 x 900 x 3 = 135 million tokens a run x 0.48 = 64.80. Four experiments of half a
        # run: 129.60; the release: 64.80; three retrainings: 194.40.
        "managed": 388.80,
    }
    assert ways["on-demand"].chosen
    assert sum(way.chosen for way in ways.values()) == 1


def test_lines_of_the_ways_by_hand(offers: list[Offer], llama_8b: Architecture) -> None:
    ways, _ = paid_for(case_with(llama_8b, offers, constants=EASY_SPOT))

    def cents(key: str) -> dict[str, float]:
        return {line.key: round(line.usd, 2) for line in ways[key].lines}

    assert cents("on-demand") == {
        "experiments": 400.00,  # 2 runs x 10 h x 20.00
        "release_run": 200.00,
        "failed_runs": 60.00,  # 0.3 runs
        "retraining": 660.00,  # 3.3 runs
    }
    assert cents("capacity-block") == {
        "experiments": 280.00,
        "release_run": 140.00,
        "failed_runs": 42.00,
        "idle_commitment": 210.00,  # 48 - 33 = 15 h x 14.00
        "retraining": 462.00,
        "idle_retraining": 546.00,  # 3 x (24 - 11) h x 14.00
    }
    assert cents("reserved-3y") == {
        "experiments": 170.00,
        "release_run": 85.00,
        "failed_runs": 25.50,
        "retraining": 280.50,
        "idle_commitment": 222_819.00,  # (26,280 - 66) h x 8.50
    }
    # 0.627424% of what the company pays.
    assert cents("own") == {
        "purchase": 2_039.13,
        "residual": -1_087.54,
        "colocation": 307.19,
        "electricity": 88.95,
        "upkeep": 407.83,
    }
    assert cents("managed") == {
        "experiments": 129.60,
        "release_run": 64.80,
        "retraining": 194.40,
    }
    assert ways["capacity-block"].upfront_usd == pytest.approx(672.00)
    # The server is paid for in full, whoever else uses it.
    assert ways["own"].upfront_usd == 325_000.00
    assert ways["own"].paid_gpu_hours == pytest.approx(528 / 0.6)
    assert ways["own-alone"].upfront_usd == 325_000.00
    assert ways["own-alone"].paid_gpu_hours == pytest.approx(140_256)
    # A reservation begins with the first run, which is released before its first month is due.
    assert ways["reserved-1y"].upfront_usd == 0.0
    assert ways["reserved-3y"].paid_gpu_hours == pytest.approx(26_280 * 8)
    assert ways["spot"].hours_per_run == pytest.approx(10.172589, abs=1e-6)
    assert ways["spot"].gpu_hours == pytest.approx(66 * 8 * 1.0172589, abs=1e-4)


def test_the_use_from_which_buying_is_cheaper_by_hand(
    offers: list[Offer], llama_8b: Architecture
) -> None:
    """Waiting draws 15.708 kW x 17,532 h x 0.2 x 0.09 = 4,957.07 USD: owning costs 270,583.73 USD
    over 140,256 GPU-hours, 1.92921 each, before any work. Work draws 0.62 of the rated power more,
    0.10956 USD a GPU-hour, and saves 2.50: 1.92921 / (2.50 - 0.10956).
    """
    _, buying = paid_for(case_with(llama_8b, offers))
    assert isinstance(buying, BuyingReport)
    assert buying.break_even_fraction == pytest.approx(0.80705, abs=1e-5)
    assert buying.rent_usd_per_gpu_hour == 2.5
    assert buying.usd_per_gpu_hour_at_full_use == pytest.approx(1.92921 + 0.10956, abs=1e-5)
    assert round(buying.total_usd, 2) == 279_803.88
    assert buying.programme_fraction == pytest.approx(528 / 140_256)
    assert buying.utilisation_fraction == 0.6
    # Where a GPU-hour rents for less than owning costs at full use, buying never pays.
    cheap = [replace(offers[0], usd_per_instance_hour=8 * 2.03), *offers[1:]]
    _, never = paid_for(case_with(llama_8b, cheap))
    assert isinstance(never, BuyingReport)
    assert never.break_even_fraction is None


@pytest.mark.parametrize("option", PRICES)
def test_the_chosen_way_comes_first_and_all_train_the_same_releases(
    offers: list[Offer], llama_8b: Architecture, option: str
) -> None:
    """Whatever the plan is bought with, the ways cost what they cost."""
    plain, _ = paid_for(case_with(llama_8b, offers, constants=EASY_SPOT))
    case = case_with(llama_8b, offers, constants=EASY_SPOT)
    case = replace(
        case, fleet=case_of_programme(llama_8b, [offers[list(PRICES).index(option)]]).fleet
    )
    found, _ = ways_to_pay(*bought(case))
    assert found[0].key == option
    assert found[0].chosen
    assert [way.chosen for way in found[1:]] == [False] * 7
    for way in found:
        assert way.total_usd == pytest.approx(plain[way.key].total_usd, rel=1e-9)


def test_another_instance_stands_in_where_the_own_one_is_not_sold_so(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    """Of the same GPU, with at least as many in an instance, joined where several are needed."""

    def reserved(key: str, **changes: object) -> Offer:
        said: dict[str, object] = {"provider": key, "purchase_option": "reserved-1y"} | changes
        return make_offer(key, **said)

    plan = make_offer("plan", gpus=2, usd=5.0)
    sold = [
        reserved("small", gpus=1, usd=0.1),
        reserved("other", gpus=8, usd=1.0, accelerator="A100-SXM-80GB"),
        reserved("less-memory", gpus=4, usd=0.5, gib=40.0),
        reserved("dear", gpus=4, usd=9.0),
        reserved("cheap", gpus=4, usd=8.0),
        reserved("apart", gpus=2, usd=0.5, network=None),
    ]
    case = case_of_programme(llama_8b, [plan], Market(offers=tuple(sold)))
    # On one instance of 2 GPUs, the one that is not joined does.
    assert paid_for(case)[0]["reserved-1y"].what.startswith("1 × apart")
    # Three of them do not; two of 4 GPUs hold the 6, and all 8 are paid for.
    way = paid_for(case, nodes=3)[0]["reserved-1y"]
    assert way.what == "2 × cheap-4x"
    assert "Not the plan's own instance" in way.note
    assert way.total_usd == pytest.approx(2 * 8.0 * 8_760 * 2)  # two terms, as above
    assert way.gpu_hours == pytest.approx(66 * 6)
    # With nothing like it there is no such way.
    nothing = case_of_programme(llama_8b, [plan], Market(offers=tuple(sold[:3])))
    assert set(paid_for(nothing)[0]) == {"on-demand"}


def test_rent_is_compared_where_it_costs_least(
    make_offer: MakeOffer, llama_8b: Architecture
) -> None:
    """A spot plan in one region is not compared with what that region alone asks on demand."""
    spot = make_offer(
        "spot", gpus=8, usd=30.0, instance="p5", region="eu-west-2", purchase_option="spot"
    )

    def listed(key: str, usd: float, **changes: object) -> Offer:
        return make_offer(key, gpus=8, usd=usd, instance="p5", **changes)

    here = listed("here", 71.552, region="eu-west-2")
    there = listed("there", 55.04, region="us-east-1")
    sold = Market(offers=(here, there, spot), servers=(server(),))
    case = case_of_programme(llama_8b, [spot], sold, constants=EASY_SPOT)
    ways, buying = paid_for(case)
    assert ways["on-demand"].what == "1 × p5, us-east-1"
    assert "Not the plan's own instance and region" in ways["on-demand"].note
    assert ways["on-demand"].total_usd == pytest.approx(66 * 55.04)
    assert isinstance(buying, BuyingReport)
    assert buying.rent_usd_per_gpu_hour == 6.88
    assert buying.rent_label == "On demand: Acme, 1 × p5, us-east-1"
    # And with what the plan itself pays: 30.00 / 8.
    assert buying.chosen_label == "Spot: Acme, 1 × p5, eu-west-2"
    assert buying.chosen_usd_per_gpu_hour == pytest.approx(3.75)
    assert buying.break_even_fraction is not None
    assert buying.chosen_break_even_fraction == pytest.approx(1.92921 / (3.75 - 0.10956), abs=1e-5)
    assert buying.break_even_fraction < buying.chosen_break_even_fraction
    # At one price the plan's own region stays.
    alike = replace(sold, offers=(replace(there, usd_per_instance_hour=71.552), here))
    same = paid_for(case_of_programme(llama_8b, [spot], alike))[0]["on-demand"]
    assert same.what == "1 × p5, eu-west-2"
    assert same.note == ""
    # A plan that is rented on demand is its own comparison.
    _, plain = paid_for(case_of_programme(llama_8b, [here], sold))
    assert isinstance(plain, BuyingReport)
    assert plain.rent_usd_per_gpu_hour == 71.552 / 8
    assert (plain.chosen_label, plain.chosen_usd_per_gpu_hour) == ("", None)
    assert plain.chosen_break_even_fraction is None


def test_an_entered_price_of_servers_by_hand(make_offer: MakeOffer, llama_8b: Architecture) -> None:
    """It stands before the table, and makes servers of GPUs that no table knows."""
    plan = make_offer("plan", gpus=1, usd=5.0, accelerator="B300-SXM-270GB", watts=1_400.0)
    nothing, none = paid_for(case_of_programme(llama_8b, [plan], Market(servers=(server(),))))
    assert "own" not in nothing
    assert none is None
    entered = {"server_usd_per_gpu": 50_000.0}
    for market in (Market(), Market(servers=(server(accelerator="B300-SXM-270GB"),))):
        case = case_of_programme(llama_8b, [plan], market, constants=entered)
        ways, buying = paid_for(case)
        assert isinstance(buying, BuyingReport)
        own = ways["own"]
        assert own.what == "1 × server with 8 × The B300-SXM-270GB"
        assert own.upfront_usd == 400_000
        assert (own.source_key, own.price_valid_from, own.price_age_days) == ("input", "", 0)
        colocation = next(line for line in own.lines if line.key == "colocation")
        share = buying.programme_fraction / 0.6
        # 8 x 1.4 kW x 1.8 for the host, over 24 months.
        assert colocation.quantity == pytest.approx(20.16 * 24 * share)
    # An instance of more than eight is a server of its own.
    large = make_offer("large", gpus=16, usd=50.0)
    way = paid_for(case_of_programme(llama_8b, [large], constants=entered))[0]["own"]
    assert way.what == "1 × server with 16 × The H100-SXM-80GB"


def test_what_owning_rests_on_is_said(offers: list[Offer], llama_8b: Architecture) -> None:
    own = paid_for(case_with(llama_8b, offers))[0]["own"]
    assert own.note == (
        "Holds only where other work uses them: in 60% of all hours, of which this programme takes "
        "0.6% and pays for as much; their whole price is paid before the first release."
    )
    short = ways_to_pay(*bought(case_with(llama_8b, offers), hours=0.1))[0]
    (note,) = [way.note for way in short if way.key == "own"]
    assert "takes less than 0.1% and pays" in note


def test_ways_that_nobody_sells_are_left_out(offers: list[Offer], llama_8b: Architecture) -> None:
    ways, buying = paid_for(case_of_programme(llama_8b, offers[:1]))
    assert list(ways) == ["on-demand"]
    assert buying is None
    # Servers with another GPU, managed training of another size, model or method, closed sellers.
    market = Market(
        managed=(
            managed("a", low_billions=16.0, high_billions=69.0),
            managed("b", model="another/model", low_billions=None, high_billions=None),
            managed("c", method="full"),
            managed("d", method="undisclosed"),
            managed("e", open_to_new=False),
            managed("f", low_billions=None, high_billions=None),
        ),
        servers=(server(accelerator="B200-SXM-180GB"),),
    )
    assert list(paid_for(case_of_programme(llama_8b, offers[:1], market))[0]) == ["on-demand"]


def test_managed_fine_tuning_of_the_very_model(offers: list[Offer], llama_8b: Architecture) -> None:
    very = managed(
        "b", provider_name="Seller B", model=llama_8b.name, high_billions=None, low_billions=None
    )
    market = Market(managed=(managed(), replace(very, usd_per_million_tokens=0.40)))
    way = paid_for(case_of_programme(llama_8b, offers[:1], market))[0]["managed"]
    assert way.seller == "Seller B"
    assert "cheapest of 2 sellers: Seller B, Seller A" in way.note
    assert way.total_usd == pytest.approx(388.80 * 0.40 / 0.48)


def test_what_stands_in_for_a_managed_method(offers: list[Offer], llama_8b: Architecture) -> None:
    market = Market(managed=(managed(), managed("b", method="full", usd_per_million_tokens=0.54)))

    def way(method: object) -> WayReport:
        case = case_of_programme(llama_8b, offers[:1], market, method=method)  # type: ignore[arg-type]
        return paid_for(case)[0]["managed"]

    assert way(LORA).total_usd == pytest.approx(388.80)
    assert way(QLORA).total_usd == pytest.approx(388.80)
    assert "stands in for QLoRA" in way(QLORA).note
    assert "QLoRA" not in way(LORA).note
    assert way(FULL).total_usd == pytest.approx(388.80 * 0.54 / 0.48)


def test_the_minimum_charge_of_a_job_by_hand(offers: list[Offer], llama_8b: Architecture) -> None:
    """Experiments of 67.5 million tokens cost 32.40 and are billed 50.00; runs cost 64.80."""
    market = Market(managed=(managed(minimum_usd=50.0),))
    way = paid_for(case_of_programme(llama_8b, offers[:1], market))[0]["managed"]
    experiments, release, retraining = way.lines
    assert (experiments.quantity, experiments.unit) == (4, "jobs at the minimum charge")
    assert experiments.usd == 200.0
    assert release.usd == pytest.approx(64.80)
    assert retraining.usd == pytest.approx(194.40)


def test_spot_that_never_ends_is_no_way(offers: list[Offer], llama_8b: Architecture) -> None:
    """48 interruptions a day, each losing a restart of half an hour at least."""
    case = case_with(llama_8b, offers, constants={"spot_interruptions_per_instance_day": 48.0})
    assert "spot" not in paid_for(case)[0]


def test_a_server_holds_the_plan_for_least(offers: list[Offer], llama_8b: Architecture) -> None:
    """Two servers of 4 GPUs cost more than one of 8 here; three of 8 hold a plan on 24 GPUs."""
    small = server(key="small", name="Server of 4", gpus=4, low_usd=2e5, high_usd=2e5)
    case = case_with(llama_8b, offers, Market(servers=(small, server())))
    assert paid_for(case)[0]["own"].what == "1 × Server of 8 H100"
    assert paid_for(case, nodes=3)[0]["own"].what == "3 × Server of 8 H100"


def test_a_programme_that_fills_its_servers_pays_for_all_of_them(
    offers: list[Offer], llama_8b: Architecture
) -> None:
    """24 releases a year of runs of 25 days: more than 60% of all hours."""
    case = case_with(llama_8b, offers)
    case = replace(case, programme=replace(case.programme, releases_per_year=24))
    found, buying = ways_to_pay(*bought(case, hours=600.0))
    own = next(way for way in found if way.key == "own")
    assert buying is not None
    assert 0.6 < buying.utilisation_fraction == buying.programme_fraction < 1
    assert own.total_usd == pytest.approx(buying.total_usd)
    assert own.paid_gpu_hours == pytest.approx(24 * 730.5 * 8)


@given(
    hours=st.floats(0.1, 2000),
    nodes=st.sampled_from([1, 2, 8]),
    months=st.integers(1, 120),
    releases=st.floats(0, 60),
    prices=st.lists(st.floats(0.01, 500), min_size=5, max_size=5),
    entered=st.sampled_from([0.0, 1.0, 25_000.0, 1e6]),
)
@hypothesis_settings(max_examples=60)
def test_lines_of_every_way_sum_to_its_total(
    offers: list[Offer],
    llama_8b: Architecture,
    hours: float,
    nodes: int,
    months: int,
    releases: float,
    prices: list[float],
    entered: float,
) -> None:
    sold = [
        replace(offer, usd_per_instance_hour=usd) for offer, usd in zip(offers, prices, strict=True)
    ]
    case = case_with(llama_8b, sold, constants={"server_usd_per_gpu": entered})
    case = replace(
        case,
        value=replace(case.value, horizon_months=months),
        programme=replace(case.programme, releases_per_year=releases),
    )
    found, buying = ways_to_pay(*bought(case, nodes=nodes, hours=hours))
    # Where the programme keeps the servers as busy as is assumed, nothing is left to share.
    alone = {"own-alone"} if any(way.key == "own-alone" for way in found) else set()
    assert {way.key for way in found} == {*PURCHASE_OPTIONS, *alone, "own", "managed"}
    for way in found:
        assert sum(line.usd for line in way.lines) == way.total_usd
        if not way.key.startswith(("own", "reserved")):
            assert sum(x.usd for x in way.lines if x.when == "once") == way.upfront_usd
        for line in way.lines:
            assert line.quantity * line.unit_price_usd == line.usd
            assert line.usd >= 0 or line.key == "residual"
        assert way.total_usd > 0
        assert way.price_age_days == (0 if way.source_key == "input" else 22)
        if way.gpu_hours is not None and way.paid_gpu_hours is not None:
            assert way.paid_gpu_hours >= way.gpu_hours * (1 - 1e-9)
            assert way.usd_per_gpu_hour == pytest.approx(way.total_usd / way.gpu_hours)
    assert buying is not None
    assert buying.break_even_fraction is None or 0 < buying.break_even_fraction <= 1
    own = next(way for way in found if way.key == "own")
    assert bool(alone) == (buying.programme_fraction < buying.utilisation_fraction)
    price = 8 * entered or 325_000.0
    assert own.upfront_usd == pytest.approx(nodes * price * (1.125 if nodes > 1 else 1))
    # The lines are the programme's share of what the company pays.
    assert own.total_usd <= buying.total_usd * (1 + 1e-9)
    assert own.total_usd == pytest.approx(
        buying.total_usd * buying.programme_fraction / buying.utilisation_fraction
    )
