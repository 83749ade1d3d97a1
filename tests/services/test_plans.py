"""Plans over some of the offers: the filter leaves out, and nothing else changes."""

from __future__ import annotations

from datetime import date

import pytest

from app.catalog.catalog import Catalog
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.plans import Filters, plan, plan_choices, trained_tables
from app.services.problems import InputProblems

TODAY = date(2026, 11, 23)
SCENARIO = ScenarioInput(methods=("lora", "qlora"), max_gpus=16)


def test_without_a_filter_it_is_the_estimate(catalog: Catalog) -> None:
    assert plan(SCENARIO, Filters(), catalog, TODAY) == estimate(SCENARIO, catalog, TODAY)


def test_the_filter_leaves_offers_out(catalog: Catalog) -> None:
    report = plan(SCENARIO, Filters(provider="aws"), catalog, TODAY)
    for m in report.methods:
        assert m.plan is not None
        assert m.plan.provider == "aws"
        assert all(point.offer_key.startswith("aws.") for point in m.frontier)
    everything = estimate(SCENARIO, catalog, TODAY)
    assert report.methods[0].plans_considered < everything.methods[0].plans_considered


def test_a_filter_is_not_an_input(catalog: Catalog) -> None:
    """Assumptions, other ways to pay and what would make a method fit are those of the scenario."""
    scenario = SCENARIO.model_copy(update={"include_spot": True, "providers": ("gcp", "crusoe")})
    report = plan(scenario, Filters(option="spot", provider="gcp"), catalog, TODAY)
    rows = {a.key: a for a in report.assumptions}
    assert rows["providers"].value == "gcp, crusoe"
    assert rows["include_old_prices"].value == "no"
    for m in report.methods:
        assert m.plan is not None
        assert (m.plan.provider, m.plan.purchase_option) == ("gcp", "spot")
        assert "on-demand" in {way.key for way in m.ways}


def test_a_filter_stays_within_what_the_scenario_allows(catalog: Catalog) -> None:
    scenario = SCENARIO.model_copy(update={"providers": ("aws", "crusoe")})
    choices = plan_choices(scenario, catalog, TODAY)
    assert {key for key, _ in choices.providers} == {"aws", "crusoe"}
    with pytest.raises(InputProblems) as caught:
        plan(scenario, Filters(provider="lambda"), catalog, TODAY)
    assert [p.pointer for p in caught.value.problems] == ["/provider"]


@pytest.mark.parametrize("name", ["provider", "region", "gpu"])
def test_every_choice_can_be_planned_on(name: str, catalog: Catalog) -> None:
    small = SCENARIO.model_copy(update={"methods": ("qlora",), "max_gpus": 64})
    choices = plan_choices(small, catalog, TODAY)
    pairs = {"provider": choices.providers, "region": choices.regions, "gpu": choices.gpus}[name]
    assert len(pairs) > 5
    for value, label in pairs:
        assert label
        report = plan(small, Filters(**{name: value}), catalog, TODAY)
        assert report.methods[0].plan is not None


def test_tables_that_are_trained_beside_adapters(catalog: Catalog) -> None:
    assert trained_tables(SCENARIO, catalog) == ()
    trained = SCENARIO.model_copy(update={"train_embeddings": True})
    assert trained_tables(trained, catalog) == ("embed_tokens", "lm_head")
    tied = next(name for name, m in catalog.models.items() if m.architecture.tie_word_embeddings)
    assert trained_tables(trained.model_copy(update={"model": tied}), catalog) == ("embed_tokens",)
