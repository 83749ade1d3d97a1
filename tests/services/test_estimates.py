"""Scenario in, report out; and everything that can be wrong with a scenario, at its place."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, astuple, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers.rates import ENTERED
from app.catalog.price_books import BookRow, Discount, PriceBook
from app.catalog.priced import priced
from app.estimator.hardware import Offer
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.estimates import estimate
from app.services.problems import InputProblems
from app.services.situations import SITUATIONS

TODAY = date(2026, 11, 23)
CONFIGS = json.loads((Path(__file__).parents[1] / "reference" / "configs.json").read_text())
LLAMA = "meta-llama/Meta-Llama-3.1-8B"
MAIN: dict[str, Any] = {
    "model": LLAMA,
    "examples": 50_000,
    "tokens_per_example": 900,
    "epochs": 3,
    "methods": ["full", "lora", "qlora"],
    "lora_rank": 64,
    "qlora_rank": 16,
    "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
}


def answer(catalog: Catalog, **changes: Any) -> Report:
    return estimate(ScenarioInput.model_validate(MAIN | changes), catalog, TODAY)


def refused(catalog: Catalog, **changes: Any) -> dict[str, str]:
    """What is said, by pointer."""
    with pytest.raises(InputProblems) as caught:
        answer(catalog, **changes)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def test_the_main_job(catalog: Catalog) -> None:
    report = answer(catalog)
    full, lora, qlora = report.methods
    assert (full.method, lora.method, qlora.method) == ("full", "lora", "qlora")
    assert report.data.tokens_per_run == 50_000 * 900 * 3
    assert report.data.sequences_per_run == 65_918  # 135,000,000 / 2,048, rounded up
    assert report.model.parameters == 8_030_261_248
    # r (in + out) over seven linears of 32 blocks: 2,621,440 r / 64.
    assert lora.trainable_parameters == 4 * qlora.trainable_parameters == 167_772_160
    assert full.trainable_parameters == full.parameters == 8_030_261_248
    for method in report.methods:
        assert method.plan is not None
        assert method.plan.accelerator in MAIN["accelerators"]
        assert method.plan.tier == "list"
    # Sixteen bytes a parameter are 120 GiB: full fine-tuning needs several GPUs of 80 GB.
    assert full.plan is not None
    assert full.plan.gpus > 1
    # Adapters fit on one, and one is cheapest; of best value is what is done sooner.
    assert lora.cheapest is not None
    assert lora.cheapest.gpus == 1
    assert lora.plan is not None
    assert lora.plan == lora.best_value
    assert lora.plan.hours < lora.cheapest.hours
    cheapest = answer(catalog, objective="cheapest").methods[1].plan
    assert cheapest is not None
    # The range of its time comes from draws that are scaled to either plan: equal to a last digit.
    assert replace(cheapest, hours_range=lora.cheapest.hours_range) == lora.cheapest
    assert report == answer(catalog)


def test_only_the_age_of_prices_depends_on_the_day(catalog: Catalog) -> None:
    scenario = ScenarioInput.model_validate(MAIN)
    now, later = (estimate(scenario, catalog, date(2026, month, 23)) for month in (11, 12))
    assert now.verdict == later.verdict
    assert now.methods[0].plan is not None
    assert later.methods[0].plan is not None
    assert later.methods[0].plan.price_age_days - now.methods[0].plan.price_age_days == 30
    assert later.methods[0].npv_usd == now.methods[0].npv_usd


@pytest.mark.parametrize("ready", SITUATIONS, ids=lambda ready: ready.key)
def test_the_ready_made_situations_work(catalog: Catalog, ready: Any) -> None:
    report = estimate(ready.scenario, catalog, TODAY)
    assert all(method.feasible for method in report.methods)
    assert report.situation == ready.key


def test_an_unknown_model_names_those_that_are_near(catalog: Catalog) -> None:
    said = refused(catalog, model="Llama-3.1-8B")
    assert set(said) == {"/model"}
    assert "Meta-Llama-3.1-8B" in said["/model"]
    assert "config.json" in said["/model"]


def test_unknown_names_are_pointed_at(catalog: Catalog) -> None:
    said = refused(
        catalog, accelerators=["H100-SXM-80GB", "H100"], providers=["aws", "nobody", "acme"]
    )
    assert set(said) == {"/accelerators/1", "/providers/1", "/providers/2"}
    assert "'H100' is not a known GPU; use" in said["/accelerators/1"]
    assert "H100-SXM-80GB" in said["/accelerators/1"]


@pytest.mark.parametrize("targets", ["w_pack", "q_proj,k", "", ","])
def test_bad_targets(catalog: Catalog, targets: str) -> None:
    said = refused(catalog, lora_targets=targets, qlora_targets=targets)
    assert set(said) == {"/lora_targets", "/qlora_targets"}
    assert "all-linear" in said["/lora_targets"]


def test_bad_targets_of_a_method_that_is_not_asked_for_do_not_matter(catalog: Catalog) -> None:
    assert answer(catalog, methods=["full"], lora_targets="w_pack").methods[0].feasible


def test_constants(catalog: Catalog) -> None:
    said = refused(
        catalog,
        assumptions={"start_up_hours": -1, "no_such": 1, "time_correlation": float("nan")},
    )
    assert set(said) == {
        "/assumptions/start_up_hours",
        "/assumptions/no_such",
        "/assumptions/time_correlation",
    }
    assert "0 to 100" in said["/assumptions/start_up_hours"]
    assert "not a constant" in said["/assumptions/no_such"]


def test_a_pointer_is_escaped(catalog: Catalog) -> None:
    """RFC 6901: ~ and / within a name are ~0 and ~1."""
    assert set(refused(catalog, assumptions={"a/b~c": 1})) == {"/assumptions/a~1b~0c"}


def test_a_changed_constant_changes_the_answer_and_is_marked(catalog: Catalog) -> None:
    plain, slower = (
        answer(catalog, assumptions=changes) for changes in ({}, {"matmul_ceiling": 0.4})
    )
    assert plain.methods[0].plan is not None
    assert slower.methods[0].plan is not None
    assert slower.methods[0].plan.hours > plain.methods[0].plan.hours
    changed = {a.key for a in slower.assumptions if a.changed} - {
        a.key for a in plain.assumptions if a.changed
    }
    assert changed == {"matmul_ceiling"}


@pytest.mark.parametrize(
    ("config", "pointer"),
    [
        ({}, "/config_json/model_type"),
        ({"model_type": "mamba"}, "/config_json/model_type"),
        (CONFIGS[LLAMA] | {"num_local_experts": 8}, "/config_json/num_local_experts"),
        (CONFIGS[LLAMA] | {"hidden_size": "4096"}, "/config_json/hidden_size"),
        (CONFIGS[LLAMA] | {"num_key_value_heads": 7}, "/config_json/num_key_value_heads"),
    ],
)
def test_a_config_that_is_not_understood(
    catalog: Catalog, config: dict[str, object], pointer: str
) -> None:
    said = refused(catalog, config_json=config)
    assert set(said) == {pointer}
    assert said[pointer].startswith("config.json, ")


def test_an_own_config_gives_the_numbers_of_the_built_in_model(catalog: Catalog) -> None:
    built_in = answer(catalog)
    own = answer(catalog, model=LLAMA, config_json=CONFIGS[LLAMA])
    assert own.methods == built_in.methods
    assert own.verdict == built_in.verdict
    assert own.model.parameters == built_in.model.parameters
    # The name and the ledger say whose shape it is, and do not pretend that the model was used.
    assert own.model.label == "Own config.json (llama, 8,030 million parameters)"
    assert built_in.model.label != own.model.label
    assert "model" in {a.key for a in built_in.assumptions}
    assert "model" not in {a.key for a in own.assumptions}
    assert {a.key for a in built_in.assumptions} - {a.key for a in own.assumptions} == {"model"}
    # As text, from a form, just the same.
    assert answer(catalog, config_json=json.dumps(CONFIGS[LLAMA])).methods == built_in.methods


def test_no_offer_for_the_combination(catalog: Catalog) -> None:
    both = refused(catalog, accelerators=["MI355X-288GB"], providers=["aws"])
    assert set(both) <= {"/accelerators", "/providers"}
    assert "offer" in " ".join(both.values())


def test_more_money_than_adds_up_to_the_cent_is_refused(catalog: Catalog) -> None:
    asked = MAIN | {"value_per_correct_answer_usd": 1e12}
    with pytest.raises(InputProblems) as caught:
        estimate(ScenarioInput(**asked), catalog, TODAY)
    (problem,) = caught.value.problems
    assert "“Answers that are right more” comes to US$" in problem.message
    most = estimate(ScenarioInput(**asked | {"value_per_correct_answer_usd": 1e5}), catalog, TODAY)
    money = most.methods[0].money
    assert money is not None
    largest = max(line.usd for line in money.lines)
    assert 1e10 < largest < 1e13
    people = next(line for line in money.lines if line.key == "engineering")
    assert people.usd == pytest.approx(people.quantity * people.unit_price_usd, abs=0.01)


def test_several_problems_are_found_at_once(catalog: Catalog) -> None:
    said = refused(
        catalog,
        model="nobody/nothing",
        accelerators=["H100"],
        providers=["nobody"],
        lora_targets="x",
        assumptions={"y": 1},
    )
    assert set(said) == {
        "/model",
        "/accelerators/0",
        "/providers/0",
        "/lora_targets",
        "/assumptions/y",
    }


@pytest.mark.parametrize(
    ("limits", "pointer"),
    [
        ({"deadline_hours": 0.01}, "/deadline_hours"),
        ({"run_budget_usd": 0.01}, "/run_budget_usd"),
        ({"deadline_hours": 0.01, "run_budget_usd": 0.01}, "/deadline_hours"),
        ({"deadline_hours": 1000, "run_budget_usd": 0.01}, "/run_budget_usd"),
        ({"deadline_hours": 0.01, "max_gpus": 1, "accelerators": ["L4-24GB"]}, "/max_gpus"),
    ],
)
def test_what_is_too_tight_is_what_is_pointed_at(
    catalog: Catalog, limits: dict[str, Any], pointer: str
) -> None:
    said = refused(catalog, methods=["full"], **limits)
    assert set(said) == {pointer}
    assert ("fits nowhere" in said[pointer]) == (pointer == "/max_gpus")


def test_a_combination_without_offers_is_found_beside_other_problems(catalog: Catalog) -> None:
    said = refused(
        catalog, model="nobody/nothing", accelerators=["MI355X-288GB"], providers=["aws"]
    )
    assert "/model" in said
    assert len(said) == 2


REMEDY = re.compile(r"To make it fit, ([^:]+): it fits on (\d+) × (.+)\.$")
LIMIT, OTHERS = "raise the limit of GPUs", "choose other GPUs or providers"
BOTH = f"{LIMIT} and {OTHERS}"
BATCH = "raise the global batch to 1024"
CHUNKS = "set the loss to chunked"


@pytest.mark.parametrize(
    "changes",
    [
        {"accelerators": ["L4-24GB"], "max_gpus": 1, "methods": ["full"]},
        {"max_gpus": 1, "methods": ["full"]},
        {"model": "meta-llama/Meta-Llama-3.1-70B", "max_gpus": 4, "methods": ["full"]},
        {"providers": ["aws"], "accelerators": ["B200-SXM-180GB"], "max_gpus": 2},
        {
            "accelerators": ["RTX-4090-24GB"],
            "max_gpus": 1,
            "methods": ["full", "lora"],
            "include_marketplace": True,
            "sequence_length": 65_536,
        },
        {"sequence_length": 16_384, "max_gpus": 1, "accelerators": ["A100-SXM-40GB"]},
        {"sequence_length": 131_072, "tokens_per_example": 100_000, "examples": 2_000},
        {
            "model": "meta-llama/Meta-Llama-3.1-70B",
            "global_batch_sequences": 1,
            "methods": ["full"],
        },
    ],
)
def test_what_fits_nowhere_fits_when_the_advice_is_followed(
    catalog: Catalog, changes: dict[str, Any]
) -> None:
    if changes.get("model", LLAMA) not in catalog.models:
        pytest.fail(f"{changes['model']} is not built in")
    said = refused(catalog, **changes)
    assert set(said) == {"/max_gpus"}
    by_name = {a.name: key for key, a in catalog.accelerators.items()}
    with pytest.raises(InputProblems) as caught:
        answer(catalog, **changes)
    methods = changes.get("methods", MAIN["methods"])
    assert len(caught.value.problems) == len(methods)
    for problem, method in zip(caught.value.problems, methods, strict=True):
        assert "GiB" in problem.message or "No layout is possible" in problem.message
        remedy = REMEDY.search(problem.message)
        assert remedy, problem.message
        what, gpus, accelerator = remedy[1], int(remedy[2]), by_name[remedy[3]]
        assert what in (LIMIT, OTHERS, BOTH) or what.startswith((BATCH, CHUNKS))
        # Only what is said is changed.
        alone: dict[str, Any] = changes | {"methods": [method]}
        followed = dict(alone)
        if LIMIT in what:
            followed["max_gpus"] = gpus
        if OTHERS in what:
            followed |= {"accelerators": [accelerator], "providers": []}
        if CHUNKS in what:
            followed["loss"] = "chunked"
        if BATCH in what:
            followed["global_batch_sequences"] = 1024
        report = answer(catalog, **followed)
        # Fewer GPUs would not do, nor a smaller change than that.
        plan = report.methods[0].plan
        assert plan is not None
        assert plan.accelerator == accelerator or OTHERS not in what
        if gpus > 1:
            assert set(refused(catalog, **followed | {"max_gpus": gpus - 1})) == {"/max_gpus"}
        smaller: list[dict[str, Any]] = []
        if what not in (CHUNKS, LIMIT):
            smaller.append({"max_gpus": 1024})
        if what == BOTH or BATCH in what or f"{CHUNKS}," in what:
            smaller.append({"accelerators": [], "providers": []})
        if BATCH in what or f"{CHUNKS}," in what:
            smaller.append({"accelerators": [], "providers": [], "max_gpus": 1024})
        for change in smaller:
            assert set(refused(catalog, **alone | change)) == {"/max_gpus"}
        assert report.methods[0].feasible
        assert report.methods[0].cheapest is not None


def test_a_method_that_does_not_fit_says_why_beside_one_that_does(catalog: Catalog) -> None:
    report = answer(catalog, accelerators=["RTX-4090-24GB"], max_gpus=1)
    full = report.methods[0]
    assert not full.feasible
    assert "GiB" in full.reasons[0]
    remedy = REMEDY.search(full.reasons[1])
    assert remedy
    # More of the card would not do, joined as they are offered: raising the limit is tried first.
    alone = {"accelerators": ["RTX-4090-24GB"], "methods": ["full"], "max_gpus": 1024}
    assert set(refused(catalog, **alone)) == {"/max_gpus"}
    assert (remedy[1], int(remedy[2])) == (OTHERS, 1)


def test_the_ledger_tells_entered_from_default(catalog: Catalog) -> None:
    rows = {a.key: a for a in answer(catalog, epochs=5).assumptions}
    assert (rows["epochs"].kind, rows["epochs"].value) == ("input", 5)
    assert (rows["experiments"].kind, rows["experiments"].changed) == ("default", False)
    assert rows["providers"].value == "all"


@pytest.mark.parametrize("ready", SITUATIONS, ids=lambda ready: ready.key)
def test_what_a_situation_presets_was_not_entered(catalog: Catalog, ready: Any) -> None:
    inputs = set(ScenarioInput.model_fields)

    def kinds(scenario: ScenarioInput) -> dict[str, tuple[str, bool]]:
        rows = estimate(scenario, catalog, TODAY).assumptions
        return {a.key: (a.kind, a.changed) for a in rows if a.key in inputs}

    preset = kinds(ready.scenario)
    assert set(preset.values()) == {("default", False)}
    # Entered, although it is what a blank scenario has.
    blank = ScenarioInput().base_accuracy_points
    assert blank != ready.scenario.base_accuracy_points
    changed = kinds(ready.scenario.model_copy(update={"base_accuracy_points": blank}))
    assert changed == preset | {"base_accuracy_points": ("input", True)}
    # The same figures in no situation were entered.
    entered = kinds(ready.scenario.model_copy(update={"situation": "blank"}))
    assert entered["base_accuracy_points"] == ("input", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"examples": 1, "tokens_per_example": 1, "epochs": 1e-9},
        {"examples": 10_000_000_000, "tokens_per_example": 10_000, "epochs": 10},
        {"answers_per_month": 1e12, "value_per_correct_answer_usd": 1e-3},
        {"base_accuracy_points": 100.0, "test_set_size": 10},
        {"base_accuracy_points": 0.0},
        {"horizon_months": 1, "releases_per_year": 366},
        {"discount_rate_percent": 100, "value_uncertainty_percent": 100},
        {"engineer_week_usd": 0, "data_preparation_usd": 0, "experiments": 0},
        {"lora_rank": 4096, "qlora_rank": 4096},
        {"global_batch_sequences": 65_536, "max_gpus": 4096},
        {"draws": 1000, "seed": 2**32 - 1},
    ],
)
def test_the_ends_of_every_range_give_finite_numbers(
    catalog: Catalog, changes: dict[str, Any]
) -> None:
    report = answer(catalog, **changes)

    def check(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                check(item, f"{path}/{key}")
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                check(item, f"{path}/{i}")
        elif isinstance(value, float):
            assert math.isfinite(value), path

    check(asdict(report), "")
    # As words, too.
    words = " ".join((report.verdict.headline, *report.verdict.sentences))
    assert not re.search(r"\bnan\b|\binf\b|e\+\d", words), words


def test_a_widest_config_does_not_overflow(catalog: Catalog) -> None:
    most = 10_000_000
    wide = CONFIGS[LLAMA] | dict.fromkeys(
        (
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "head_dim",
            "vocab_size",
        ),
        most,
    )
    assert set(refused(catalog, config_json=wide)) == {"/config_json/num_hidden_layers"}
    said = refused(catalog, config_json=wide | {"num_hidden_layers": 100})
    assert set(said) == {"/max_gpus"}


def _offers(scenario: ScenarioInput, catalog: Catalog, today: date) -> set[date]:
    return {offer.valid_from for offer in case_of(scenario, catalog, today).fleet.offers}


def test_old_prices_are_left_out_while_newer_ones_exist(catalog: Catalog) -> None:
    newest = catalog.prices_as_of
    days = _offers(ScenarioInput(), catalog, newest)
    assert min(days) >= newest - timedelta(days=180)
    everything = _offers(ScenarioInput(include_old_prices=True), catalog, newest)
    later = newest + timedelta(days=60)
    assert len(_offers(ScenarioInput(), catalog, later)) < len(everything)
    # In years to come all are old: the answer stays, with its warnings.
    assert _offers(ScenarioInput(), catalog, newest + timedelta(days=3650)) == everything


def _bought(catalog: Catalog, **changes: Any) -> set[tuple[str, str]]:
    """Tiers and purchase options of the offers that a scenario allows."""
    offers = case_of(ScenarioInput(**changes), catalog, TODAY).fleet.offers
    return {(offer.tier, offer.purchase_option) for offer in offers}


def test_list_prices_on_demand_count_unless_more_is_asked_for(catalog: Catalog) -> None:
    usual = {("list", "on-demand")}
    assert _bought(catalog) == usual
    assert _bought(catalog, include_spot=True) == usual | {("spot", "spot")}
    assert _bought(catalog, include_reserved=True) == usual | {
        ("list", "reserved-1y"),
        ("list", "reserved-3y"),
    }
    blocks = usual | {("capacity-block", "capacity-block")}
    assert _bought(catalog, include_capacity_blocks=True) == blocks
    market = usual | {("marketplace", "on-demand")}
    assert _bought(catalog, include_marketplace=True) == market
    # Spot instances of a marketplace need both.
    spot = next(o for o in catalog.offers if o.tier == "marketplace")
    both = replace(catalog, offers=(*catalog.offers, replace(spot, purchase_option="spot")))
    assert ("marketplace", "spot") in _bought(both, include_marketplace=True, include_spot=True)
    assert ("marketplace", "spot") not in _bought(both, include_marketplace=True)
    assert ("marketplace", "spot") not in _bought(both, include_spot=True)


def test_the_reference_is_what_anybody_can_rent_on_demand(catalog: Catalog) -> None:
    everything = ScenarioInput(
        include_spot=True,
        include_reserved=True,
        include_capacity_blocks=True,
        include_marketplace=True,
    )
    reference = case_of(everything, catalog, TODAY).reference_fleet.offers
    assert {(o.tier, o.purchase_option) for o in reference} == {("list", "on-demand")}


def test_other_ways_to_pay_are_firm_and_of_the_chosen_providers(catalog: Catalog) -> None:
    market = case_of(ScenarioInput(), catalog, TODAY).market
    assert "marketplace" not in {offer.tier for offer in market.offers}
    assert {"on-demand", "spot", "reserved-1y", "reserved-3y", "capacity-block"} == {
        offer.purchase_option for offer in market.offers
    }
    of_aws = case_of(ScenarioInput(providers=("aws",)), catalog, TODAY).market
    assert {offer.provider for offer in of_aws.offers} == {"aws"}


def test_each_kind_of_price_grows_old_for_itself(catalog: Catalog) -> None:
    """New spot prices do not make an old list price go, nor the other way round."""
    old, new = TODAY - timedelta(days=400), TODAY - timedelta(days=4)
    on_demand = next(
        o for o in catalog.offers if (o.tier, o.purchase_option) == ("list", "on-demand")
    )

    def left(*offers: Offer) -> set[str]:
        allowed = replace(catalog, offers=offers)
        fleet = case_of(ScenarioInput(include_spot=True), allowed, TODAY).fleet
        return {offer.key for offer in fleet.offers}

    listed = replace(on_demand, key="listed", valid_from=old)
    spot = replace(on_demand, key="spot", purchase_option="spot", tier="spot", valid_from=new)
    assert left(listed, spot) == {"listed", "spot"}
    newer = replace(on_demand, key="newer", valid_from=new)
    assert left(listed, newer, spot) == {"newer", "spot"}


def _rate(day: date, source: str = ENTERED) -> BookRow:
    """A price of AWS's instance with 8 H100."""
    return BookRow(
        provider="aws",
        instance="p5.48xlarge",
        accelerator="H100-SXM-80GB",
        gpus_per_instance=8,
        gpu_memory_gib=None,
        vcpus=None,
        host_memory_gib=None,
        inter_node_gbit_per_s=None,
        region="us-east-1",
        purchase_option="on-demand",
        usd_per_instance_hour=Decimal(40),
        tier="list",
        valid_from=day,
        source=source,
    )


def _with_book(catalog: Catalog, *rows: BookRow, discounts: tuple[Discount, ...] = ()) -> Catalog:
    return priced(catalog, PriceBook("t" * 32, 1, "Ours", "built-in", discounts, rows))


def _planned_on(catalog: Catalog, **changes: Any) -> set[str]:
    scenario = ScenarioInput(include_spot=True, include_reserved=True, **changes)
    return {offer.key for offer in case_of(scenario, catalog, TODAY).fleet.offers}


def test_a_discount_throws_no_price_out(catalog: Catalog) -> None:
    """Built-in offers less a discount are as old as they were, whatever their evidence."""
    discounted = _with_book(catalog, discounts=(Discount("aws", "", Decimal(1)),))
    quoted = [o for o in discounted.offers if o.price_book and o.evidence == "quoted"]
    assert {o.purchase_option for o in quoted} >= {"reserved-1y", "reserved-3y"}
    plain = _planned_on(catalog)
    assert _planned_on(discounted) == plain
    assert {key.split(".")[0] for key in plain if "reserved" in key} > {"aws"}


def test_an_own_rate_stays_and_throws_no_price_out(catalog: Catalog) -> None:
    """A company's own rate holds until the company changes it; an imported one grows old."""
    key = "aws.p5-48xlarge.us-east-1.on-demand"
    old, plain = TODAY - timedelta(days=400), _planned_on(catalog)
    assert _planned_on(_with_book(catalog, _rate(old))) == plain
    assert _planned_on(_with_book(catalog, _rate(old, "aws.csv"))) == plain - {key}
    # Where all other prices of the kind are old, they all stay beside it.
    aged = replace(
        catalog,
        listed=tuple(
            replace(o, valid_from=old) if o.purchase_option == "on-demand" else o
            for o in catalog.listed
        ),
    )
    everything = _planned_on(catalog, include_old_prices=True)
    for day in (old, TODAY):
        found = _planned_on(_with_book(aged, _rate(day)))
        assert {k for k in found if k.endswith("on-demand")} == {
            k for k in everything if k.endswith("on-demand")
        }


def test_currencies(catalog: Catalog) -> None:
    plain = answer(catalog)
    assert astuple(plain.currency) == ("USD", 2, 1.0, "", "")
    assert plain.price_book == ""
    rate = catalog.exchange_rates["EUR"]
    euro = answer(catalog, currency="EUR")
    assert astuple(euro.currency) == (
        "EUR",
        2,
        rate.per_usd,
        rate.valid_from.isoformat(),
        rate.source.key,
    )
    assert rate.source.key in {source.key for source in euro.sources}
    fact = next(a for a in euro.assumptions if a.key == "exchange_rate.EUR")
    assert (fact.value, fact.kind, fact.unit) == (rate.per_usd, "fact", "EUR per USD")
    # An entered rate stands before the dated one.
    own = answer(catalog, currency="JPY", exchange_rate_per_usd=150.0)
    assert astuple(own.currency) == ("JPY", 0, 150.0, "", "input")
    assert "exchange_rate.JPY" not in {a.key for a in own.assumptions}
    assert own.methods == plain.methods


def test_currencies_that_make_no_sense(catalog: Catalog) -> None:
    said = refused(catalog, currency="XXX", exchange_rate_per_usd=2.0)
    assert set(said) == {"/currency"}
    assert "USD" in said["/currency"]
    assert "EUR" in said["/currency"]
    assert set(refused(catalog, exchange_rate_per_usd=0.9)) == {"/exchange_rate_per_usd"}
    # Upside down, or with a zero too many: more than ten times away from the dated rate.
    dated = catalog.exchange_rates["JPY"]
    for entered in (1 / dated.per_usd, dated.per_usd / 10.1, dated.per_usd * 10.1):
        said = refused(catalog, currency="JPY", exchange_rate_per_usd=entered)
        assert set(said) == {"/exchange_rate_per_usd"}
        assert "more than 10 times away" in said["/exchange_rate_per_usd"]
        assert f"{dated.per_usd:g} JPY of {dated.valid_from}" in said["/exchange_rate_per_usd"]
    for entered in (dated.per_usd / 9.9, dated.per_usd * 9.9):
        assert answer(catalog, currency="JPY", exchange_rate_per_usd=entered).verdict
    assert answer(catalog, exchange_rate_per_usd=1.0).currency.per_usd == 1.0


def test_the_ledger_names_the_price_book_and_what_it_takes_off(catalog: Catalog) -> None:
    assert {a.key: a for a in answer(catalog).assumptions}["price_book"].value == "built-in prices"
    offers = tuple(
        replace(
            offer,
            usd_per_instance_hour=0.88 * offer.usd_per_instance_hour,
            list_usd_per_instance_hour=offer.usd_per_instance_hour,
            discount_fraction=0.12,
            price_book="Ours, version 3",
        )
        for offer in catalog.offers
    )
    report = answer(replace(catalog, offers=offers, price_book="Ours, version 3"))
    rows = {a.key: a for a in report.assumptions}
    assert rows["price_book"].value == report.price_book == "Ours, version 3"
    plan = report.methods[0].plan
    assert plan is not None
    assert rows[f"offer.{plan.offer_key}"].label.endswith("(Ours, version 3: 12.0% below list)")
    assert rows[f"offer.{plan.offer_key}"].value == plan.usd_per_instance_hour
    assert plan.usd_per_instance_hour == 0.88 * (plan.list_usd_per_instance_hour or 0)
    assert (plan.discount_fraction, plan.price_book) == (0.12, "Ours, version 3")
    # A surcharge, and a rate without a list price.
    dearer = tuple(replace(o, discount_fraction=-0.05) for o in offers)
    unlisted = tuple(
        replace(o, discount_fraction=0.0, list_usd_per_instance_hour=None) for o in offers
    )
    for changed, end in ((dearer, ": 5.0% above list)"), (unlisted, "(Ours, version 3)")):
        found = answer(replace(catalog, offers=changed))
        labels = [a.label for a in found.assumptions if a.key.startswith("offer.")]
        assert labels
        assert all(label.endswith(end) for label in labels)


def test_interruptions_are_what_a_scenario_says_they_are(catalog: Catalog) -> None:
    """Where spot instances never let a run end, none is planned on; where only they are sold, the
    input that allows them is pointed at.
    """
    often = {"spot_interruptions_per_instance_day": 24.0, "restart_hours": 10.0}
    report = answer(catalog, include_spot=True, assumptions=often)
    for m in report.methods:
        assert m.plan is not None
        assert m.plan.purchase_option == "on-demand"
        assert "spot" not in {way.key for way in m.ways}
        assert m.plans_over_limits > 0
    spot = replace(catalog, offers=tuple(o for o in catalog.offers if o.purchase_option == "spot"))
    assert set(refused(spot, include_spot=True, assumptions=often)) == {"/include_spot"}


@pytest.mark.parametrize("ready", SITUATIONS, ids=lambda ready: ready.key)
def test_each_situation_says_when_buying_wins_or_what_is_missing(
    catalog: Catalog, ready: Any
) -> None:
    """By the table where it knows a server with the GPU, and at an entered price for every GPU."""
    known = {server.accelerator for server in catalog.servers}
    scenario = ready.scenario
    for m in estimate(scenario, catalog, TODAY).methods:
        assert m.plan is not None
        assert (m.buying is not None) == (m.plan.accelerator in known)
    assumptions = {**scenario.assumptions, "server_usd_per_gpu": 40_000.0}
    entered = scenario.model_copy(update={"assumptions": assumptions})
    for m in estimate(entered, catalog, TODAY).methods:
        assert m.plan is not None
        assert m.buying is not None
        assert m.plan.accelerator_name in m.buying.server
        own = next(way for way in m.ways if way.key == "own")
        assert own.upfront_usd >= 8 * 40_000


def test_old_prices_that_are_left_out_are_counted(catalog: Catalog) -> None:
    listed = [o for o in catalog.offers if (o.tier, o.purchase_option) == ("list", "on-demand")]
    old = sum((TODAY - offer.valid_from).days > 180 for offer in listed)
    assert old > 1
    said = f"{old} prices older than 180 days are left out"
    assert any(note.startswith(said) for note in answer(catalog, accelerators=[]).notes)
    every = answer(catalog, accelerators=[], include_old_prices=True)
    assert not any("left out" in note for note in every.notes)


def test_a_prompt_that_the_model_cannot_take_is_said(catalog: Catalog) -> None:
    def said(**changes: Any) -> list[str]:
        return [note for note in answer(catalog, **changes).notes if "serving is priced" in note]

    assert said(model="openai-community/gpt2", prompt_tokens=900, completion_tokens=200) == [
        "A prompt with its answer, 1,100 tokens on average, is beyond the 1,024 that this model "
        "was made for: serving is priced as if it took them."
    ]
    assert said(model="openai-community/gpt2", prompt_tokens=824, completion_tokens=200) == []
    none = {"model": "openai-community/gpt2", "prompt_tokens": 4_000, "serving": "none"}
    assert said(**none) == []


def test_what_is_believed_of_adapters_alone_leaves_full_as_it_is(catalog: Catalog) -> None:
    """A rank is that of adapters: full fine-tuning is worth the same to the last bit."""
    thin, wide = (answer(catalog, lora_rank=rank).methods for rank in (4, 256))
    assert thin[0].method == wide[0].method == "full"
    assert thin[0].npv_usd == wide[0].npv_usd
    assert thin[0].total_usd_range == wide[0].total_usd_range
    assert thin[0].accuracy is not None
    assert wide[0].accuracy is not None
    assert thin[0].accuracy.gain_points == wide[0].accuracy.gain_points
    assert thin[1].npv_usd != wide[1].npv_usd
