"""What moved the answer: from input to input, and from the day of a link to today."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.catalog.catalog import Catalog
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.estimator.bridge import RECOMMENDED, MethodBridge
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services import bridges, estimates
from app.services.book_access import INSTALLATION
from app.services.book_drafts import BookDraft
from app.services.bridge_inputs import (
    MOST_STEPS,
    NOISE,
    TOGETHER,
    WORTHLESS,
    changed_groups,
    sections,
)
from app.services.bridges import MOST_WORK, Bridge, Bridges, End
from app.services.estimates import estimate
from app.services.price_books import PriceBooks
from app.services.problems import Busy, InputProblems
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService, SharedScenario
from app.services.slots import Slots
from app.settings import Settings
from tests.pricing_folder import PricingFolder

TODAY = date(2026, 11, 24)
TOMORROW = date(2026, 11, 25)
CHOSEN = "lambda.gpu-8x-h100-sxm5.all.on-demand"
BASE = ScenarioInput(
    providers=("lambda",), accelerators=("H100-SXM-80GB",), serving="none", draws=1_000
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    database = tmp_path_factory.mktemp("bridges") / "bridges.sqlite3"
    found = Settings(database_url=f"sqlite:///{database}")
    upgrade(found)
    made = open_engine(found.database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def prices(engine: Engine) -> ScenarioPrices:
    return ScenarioPrices(open_sessions(engine))


@pytest.fixture(scope="module")
def scenarios(engine: Engine) -> ScenarioService:
    return ScenarioService(open_sessions(engine))


@pytest.fixture
def today(catalog: Catalog, prices: ScenarioPrices) -> Bridges:
    return Bridges(catalog, prices, TODAY, None)


def changed(**update: object) -> ScenarioInput:
    """`BASE` with other inputs, read as any scenario is."""
    return ScenarioInput.model_validate({**BASE.model_dump(), **update})


def save(
    scenario: ScenarioInput,
    scenarios: ScenarioService,
    prices: ScenarioPrices,
    catalog: Catalog,
    day: date = TODAY,
) -> SharedScenario:
    reference = prices.pin(scenario.price_book, INSTALLATION)
    pinned = scenario.model_copy(update={"price_book": reference})
    priced = prices.priced(catalog, reference, INSTALLATION)
    token = scenarios.save(pinned, estimate(pinned, priced, day), None, priced).scenario.token
    return scenarios.get(token)


def of(found: Bridge, method: str) -> MethodBridge:
    [bridge] = [bridge for bridge in found.methods if bridge.method == method]
    return bridge


def npv(scenario: ScenarioInput, catalog: Catalog, method: str = "lora") -> float:
    report = estimate(scenario, catalog, TODAY)
    [found] = [m for m in report.methods if m.method == method]
    assert found.npv_usd is not None
    return found.npv_usd.mean


def test_each_change_is_what_it_does_on_top_of_those_before_it(
    today: Bridges, catalog: Catalog
) -> None:
    """Against estimates of the mixed scenarios, made by hand."""
    end = changed(answers_per_month=150_000, engineer_week_usd=4_000, lora_rank=16)
    found = today.between(today.end(BASE), today.end(end), alone=True)
    assert [step.key for step in found.steps] == [
        "lora_rank",
        "engineer_week_usd",
        "answers_per_month",
    ]
    assert [step.label for step in found.steps][1:] == [
        "Cost of an engineer-week",
        "Answers a month",
    ]
    lora = of(found, "lora")
    levels = [
        npv(changed(), catalog),
        npv(changed(lora_rank=16), catalog),
        npv(changed(lora_rank=16, engineer_week_usd=4_000), catalog),
        npv(end, catalog),
    ]
    for span, before, after in zip(lora.spans, levels, levels[1:], strict=False):
        assert span.before_usd == pytest.approx(before, rel=1e-13)
        assert span.after_usd == pytest.approx(after, rel=1e-13)
    assert sum(span.change_usd for span in lora.spans) == lora.change_usd
    assert lora.change_usd == lora.to_usd - lora.from_usd
    alone = npv(changed(answers_per_month=150_000), catalog) - levels[0]
    assert lora.spans[2].alone_usd == pytest.approx(alone, rel=1e-9)
    assert lora.spans[0].alone_usd == lora.spans[0].change_usd
    assert lora.spans[0].change_usd != 0, "the rank of LoRA moves LoRA"
    assert [bridge.method for bridge in found.methods] == [RECOMMENDED, "full", "lora", "qlora"]


def test_what_is_worth_something_only_together_is_one_step(today: Bridges) -> None:
    end = changed(violation_percent=5.0, incident_percent=2.0, incident_cost_usd=900.0)
    found = today.between(today.end(BASE), today.end(end))
    [step] = found.steps
    assert step.label == "Incidents"
    assert [(c.field, c.before, c.after) for c in step.changes] == [
        ("violation_percent", 0.0, 5.0),
        ("incident_percent", 0.0, 2.0),
        ("incident_cost_usd", 0.0, 900.0),
    ]
    assert of(found, "full").change_usd != 0


def test_equal_scenarios_have_no_steps(today: Bridges) -> None:
    start = today.end(BASE)
    found = today.between(start, today.end(changed(title="Another name", currency="EUR")))
    assert (found.steps, found.methods, found.left_out) == ((), (), ())


def test_the_recommended_method_may_change_on_the_way(today: Bridges) -> None:
    """With rows of a pilot that only full fine-tuning gains from, the choice is another one."""
    pilot = [{"examples": 50_000, "test_set_size": 5_000, "full_points": 90, "lora_points": 62}]
    end = changed(pilot=pilot)
    found = today.between(today.end(BASE), today.end(end))
    assert [step.label for step in found.steps] == ["Pilot"]
    [span] = of(found, RECOMMENDED).spans
    assert (span.method_before, span.method_after) == ("lora", "full")
    assert span.before_usd == of(found, "lora").from_usd
    assert span.after_usd == of(found, "full").to_usd


def test_a_step_in_which_a_method_fits_nowhere_is_counted_with_the_next(today: Bridges) -> None:
    """70 billion weights in full do not fit eight GPUs, but they do fit 64."""
    start = changed(max_gpus=8, providers=())
    end = changed(model="meta-llama/Meta-Llama-3.1-70B", max_gpus=64, providers=())
    found = today.between(today.end(start), today.end(end))
    assert [step.key for step in found.steps] == ["model", "max_gpus"]
    assert [(s.first, s.last) for s in of(found, "full").spans] == [(0, 1)]
    assert [(s.first, s.last) for s in of(found, "lora").spans] == [(0, 0), (1, 1)]


def test_a_method_of_one_end_alone_is_named(today: Bridges) -> None:
    found = today.between(today.end(BASE), today.end(changed(methods=["full", "lora"])))
    assert found.left_out == ("qlora",)
    assert [bridge.method for bridge in found.methods][1:] == ["full", "lora"]


def test_the_second_must_be_one_that_can_be_estimated(today: Bridges) -> None:
    with pytest.raises(InputProblems):
        today.end(changed(model="nothing/at-all"))


def test_many_changes_are_counted_by_part_of_the_form(today: Bridges) -> None:
    end = changed(
        base_accuracy_points=55, test_set_size=900, examples=60_000, epochs=2, sequence_length=4096,
        lora_rank=16, qlora_rank=8, max_gpus=32, experiments=10, engineer_weeks_full=8,
        engineer_week_usd=4_000, answers_per_month=120_000, horizon_months=24,
        discount_rate_percent=8,
    )  # fmt: skip
    start, finish = today.end(BASE), today.end(end)
    found = today.between(start, finish)
    assert [step.label for step in found.steps] == [
        "The question", "Model and data", "Methods", "Most GPUs at once", "Programme", "Value",
    ]  # fmt: skip
    assert today.work(start, finish) == 5
    for bridge in found.methods:
        assert sum(span.change_usd for span in bridge.spans) == bridge.change_usd


def test_every_input_that_money_depends_on_is_in_the_groups() -> None:
    known = set(ScenarioInput.model_fields)
    assert known >= WORTHLESS
    parts = [name for part in sections() for name in part.members]
    assert sorted(parts) == sorted(known)
    assert len(sections()) <= MOST_STEPS
    for group in TOGETHER:
        present = known.intersection(group.members)
        assert not present or len(present) > 1, group.label


def test_draws_and_seed_are_never_counted_with_the_case() -> None:
    a, b = ScenarioInput(), ScenarioInput(answers_per_month=5.0, horizon_months=12, seed=2)
    for most in (0, MOST_STEPS):
        groups = changed_groups(a, b, most=most)
        assert [g.members for g in groups if set(g.members) & set(NOISE)] == [("seed",)]


# ------------------------------------------------------------------ how much work it may be

SIX = {
    "epochs": 2, "lora_rank": 8, "experiments": 4, "engineer_weeks_full": 8,
    "engineer_week_usd": 4_000, "answers_per_month": 120_000,
}  # fmt: skip
"""Changes in four parts of the form."""


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[ScenarioInput]:
    """The scenarios in between, as they are computed."""
    found: list[ScenarioInput] = []
    real = bridges.estimate

    def counting(scenario: ScenarioInput, *rest: Any, **named: Any) -> Report:
        found.append(scenario)
        # Only their number matters here.
        return real(scenario.model_copy(update={"draws": 1_000}), *rest, **named)

    monkeypatch.setattr(bridges, "estimate", counting)
    return found


def test_every_change_of_usual_scenarios_is_looked_at_over_any_horizon() -> None:
    """26 estimates are the most that two scenarios with dated ends need."""
    assert (2 * 2 + 2 * (MOST_STEPS - 1)) * 120 / 36 <= MOST_WORK


def test_what_is_much_work_is_counted_by_part_of_the_form(
    today: Bridges, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _counted(monkeypatch)
    long = {"draws": 100_000, "horizon_months": 100}
    start, finish = today.end(changed(**long)), today.end(changed(**long, **SIX))
    made.clear()
    assert today.work(start, finish) > MOST_WORK
    found = today.between(start, finish)
    assert len(found.steps) == 4
    assert len(made) == 3
    assert sum(e.draws * e.horizon_months for e in made) / (10_000 * 36) <= MOST_WORK
    for bridge in found.methods:
        assert sum(span.change_usd for span in bridge.spans) == bridge.change_usd


def test_what_is_too_much_even_so_is_refused_before_anything_is_computed(
    today: Bridges, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _counted(monkeypatch)
    long = {"draws": 100_000, "horizon_months": 120}
    start, finish = today.end(changed(**long)), today.end(changed(**long, **SIX))
    made.clear()
    with pytest.raises(InputProblems) as caught:
        today.between(start, finish, alone=True)
    assert [p.pointer for p in caught.value.problems] == ["/draws", "/horizon_months"]
    assert made == []


def test_a_bridge_takes_the_place_of_one_estimate(
    today: Bridges, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, finish = today.end(BASE), today.end(changed(**SIX))
    slots = Slots(1, 0.0)
    monkeypatch.setattr(bridges, "ESTIMATES", slots)
    monkeypatch.setattr(estimates, "ESTIMATES", slots)
    assert len(today.between(start, finish).steps) == 6
    refused: list[bool] = []

    def other() -> None:
        try:
            today.between(start, finish)
        except Busy:
            refused.append(True)

    with slots.one():
        waiting = threading.Thread(target=other)
        waiting.start()
        waiting.join()
    assert refused == [True]
    assert len(today.between(start, finish).steps) == 6, "the place is given back"


def test_where_both_books_are_anothers_nothing_is_computed_in_between() -> None:
    a = ScenarioInput(price_book="A" * 32 + "@1")
    b = ScenarioInput(price_book="B" * 32 + "@1", epochs=2, examples=10)
    together = changed_groups(a, b, book_first=True, book_last=True)
    assert [group.members for group in together] == [("examples", "epochs", "price_book")]
    first = changed_groups(a, b, book_first=True)
    assert [group.members for group in first] == [("price_book",), ("examples",), ("epochs",)]
    last = changed_groups(a, b, book_last=True)
    assert [group.members for group in last] == [("examples",), ("epochs",), ("price_book",)]


# ------------------------------------------------------------------ from the day of a link to today


def test_prices_since_then_are_a_step_of_their_own(
    scenarios: ScenarioService, prices: ScenarioPrices, tmp_path: Path
) -> None:
    pricing = PricingFolder(tmp_path)
    shared = save(BASE, scenarios, prices, pricing.load())
    pricing.append(CHOSEN, "28.728", TODAY)
    dearer = changed(engineer_week_usd=4_000)
    today = Bridges(pricing.load(), prices, TODAY, None)
    found = today.between(End.saved(shared), today.end(dearer))
    assert [(step.key, step.day, step.back) for step in found.steps] == [
        ("prices", TODAY.isoformat(), False),
        ("engineer_week_usd", "", False),
    ]
    bridge = of(found, "full")
    [before] = [m for m in shared.report.methods if m.method == "full"]
    assert before.npv_usd is not None
    assert bridge.from_usd == pytest.approx(before.npv_usd.mean, rel=1e-13)
    assert bridge.spans[0].change_usd > 0, "cheaper GPUs"
    assert bridge.spans[1].change_usd < 0, "dearer engineers"
    # And the other way round: from today back to the day of the link.
    back = today.between(today.end(dearer), End.saved(shared))
    assert [(step.key, step.back) for step in back.steps] == [
        ("engineer_week_usd", False),
        ("prices", True),
    ]
    assert of(back, "full").to_usd == pytest.approx(before.npv_usd.mean, rel=1e-13)
    assert of(back, "full").change_usd == pytest.approx(-bridge.change_usd, rel=1e-9)


def test_another_estimator_is_a_step_before_prices(
    scenarios: ScenarioService, prices: ScenarioPrices, tmp_path: Path
) -> None:
    """The report of a link as an older estimator, which valued everything at half, made it."""
    pricing = PricingFolder(tmp_path)
    shared = save(BASE, scenarios, prices, pricing.load())

    def halved(usd: float) -> float:
        return usd / 2

    methods = tuple(
        dataclasses.replace(m, npv_usd=dataclasses.replace(m.npv_usd, mean=halved(m.npv_usd.mean)))
        for m in shared.report.methods
        if m.npv_usd is not None
    )
    older = dataclasses.replace(shared.report, methods=methods, estimator_version="0.0.1")
    shared = dataclasses.replace(shared, report=older)
    pricing.append(CHOSEN, "28.728", TODAY)
    today = Bridges(pricing.load(), prices, TODAY, None)
    now = today.end(BASE)
    found = today.between(End.saved(shared), now)
    assert [step.key for step in found.steps] == ["tables", "prices"]
    full = of(found, "full")
    assert full.spans[0].after_usd == pytest.approx(2 * full.from_usd, rel=1e-12)
    [after] = [m for m in now.report.methods if m.method == "full"]
    assert after.npv_usd is not None
    assert full.to_usd == pytest.approx(after.npv_usd.mean, rel=1e-13)
    # Where the prices of then were not kept, all is one step.
    unkept = dataclasses.replace(shared, price_list_hash=None)
    found = today.between(End.saved(unkept), now)
    assert [step.label for step in found.steps] == [
        "Prices, studies, other tables and the estimator"
    ]
    # An offer that is gone cannot be planned on again, so it counts in the first step.
    pricing.append(CHOSEN, "", TOMORROW)
    gone = Bridges(pricing.load(), prices, TODAY, None)
    found = gone.between(End.saved(shared), gone.end(changed(providers=())))
    assert found.steps[0].label.startswith("Offers that are gone")


def test_a_link_of_today_has_nothing_but_its_inputs(
    today: Bridges, scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    a = End.saved(save(BASE, scenarios, prices, catalog))
    b = End.saved(save(changed(epochs=2), scenarios, prices, catalog))
    assert [step.key for step in today.between(a, b).steps] == ["epochs"]
    assert today.work(a, b) == 0
    assert today.between(a, a).steps == ()


def test_prices_of_a_private_book_are_used_with_its_own_inputs_only(
    engine: Engine, scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    books = PriceBooks(open_sessions(engine), catalog)
    made = books.create(BookDraft("Ours", "built-in", "lambda, 50", ""), None)
    asked = changed(price_book=made.info.token)
    shared = End.saved(save(asked, scenarios, prices, catalog))
    stranger = Bridges(catalog, prices, TODAY, None)
    mine = stranger.end(changed(epochs=2, lora_rank=8))
    keys = [step.key for step in stranger.between(shared, mine, alone=True).steps]
    assert keys == ["price_book", "epochs", "lora_rank"]
    assert [step.key for step in stranger.between(mine, shared).steps] == [
        "epochs",
        "lora_rank",
        "price_book",
    ]
    owner = Bridges(catalog, prices, TODAY, made.workspace_key)
    assert [step.key for step in owner.between(shared, mine).steps] == [
        "epochs",
        "lora_rank",
        "price_book",
    ]
    other = End.saved(save(asked.model_copy(update={"epochs": 1.0}), scenarios, prices, catalog))
    [step] = stranger.between(shared, other).steps
    assert step.label == "Epochs"
    two = asked.model_copy(update={"epochs": 1.0, "lora_rank": 8})
    [step] = stranger.between(shared, End.saved(save(two, scenarios, prices, catalog))).steps
    assert step.label == "All changes"


def test_a_scenario_that_cannot_be_estimated_today_is_led_past(
    scenarios: ScenarioService, prices: ScenarioPrices, catalog: Catalog
) -> None:
    shared = End.saved(save(BASE, scenarios, prices, catalog))
    kept = tuple(offer for offer in catalog.listed if offer.provider != "lambda")
    changed_catalog = dataclasses.replace(
        catalog,
        listed=kept,
        offers=tuple(offer for offer in kept if offer.can_be_planned),
        content_hash="1" * 64,
    )
    today = Bridges(changed_catalog, prices, TODAY, None)
    found = today.between(shared, today.end(changed(providers=("aws",))))
    assert found.steps[-1].key == "providers"
    [span] = of(found, "lora").spans
    assert (span.first, span.last) == (0, len(found.steps) - 1)
