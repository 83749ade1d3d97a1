"""The form has every field of the input model once, and keeps what was typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from app.catalog.catalog import Catalog
from app.estimator.constants import CONSTANTS
from app.inputs import ScenarioInput, fields_from_pairs
from app.services.price_books import BookInfo
from app.services.problems import Problem
from app.services.situations import SITUATIONS, ReadyMade
from app.web.form_steps import STEPS
from app.web.forms import FieldView, FormView, cleaned, form


def pairs_of(scenario: ScenarioInput) -> list[tuple[str, str]]:
    """What an address holds of a scenario: only what differs from the defaults."""
    return parse_qsl(scenario.to_query(), keep_blank_values=True)


def every_field(made: FormView) -> Iterator[FieldView]:
    """Those in sight and those behind a name."""
    for step in made.steps:
        yield from step.fields
        for more in step.more:
            yield from more.fields


def _fields(pairs: list[tuple[str, str]], catalog: Catalog) -> dict[str, FieldView]:
    made = form(pairs, catalog)
    return {f.name: f for f in every_field(made)}


def test_every_input_has_its_place() -> None:
    placed = Counter(
        name
        for step in STEPS
        for names in (step.fields, *(more.fields for more in step.more))
        for name in names
    )
    placed["pilot"] = sum(step.pilot for step in STEPS)
    assert set(placed) == set(ScenarioInput.model_fields) - {"situation", "assumptions"}
    assert set(placed.values()) == {1}


def test_the_empty_form_shows_the_defaults(catalog: Catalog) -> None:
    fields = _fields([], catalog)
    assert not any(f.changed for f in fields.values())
    assert fields["epochs"].value == "3"
    assert fields["engineer_week_usd"].value == "3500"
    assert [o.value for g in fields["methods"].groups for o in g.options if o.chosen] == [
        "full", "lora", "qlora",
    ]  # fmt: skip


def test_a_price_may_be_blank_and_may_be_nothing(catalog: Catalog) -> None:
    blank = _fields([("egress_usd_per_gb", "")], catalog)["egress_usd_per_gb"]
    assert (blank.control, blank.inputmode, blank.prefix) == ("number", "decimal", "US$")
    assert (blank.value, blank.blank, blank.changed) == ("", "as published", False)
    free = _fields([("egress_usd_per_gb", "0")], catalog)["egress_usd_per_gb"]
    assert (free.value, free.blank, free.changed) == ("0", "as published", True)
    assert _fields([], catalog)["engineer_week_usd"].blank == ""


@pytest.mark.parametrize("made", SITUATIONS, ids=lambda made: made.key)
def test_the_form_sends_back_what_it_was_filled_with(made: ReadyMade, catalog: Catalog) -> None:
    """What a browser would send for the rendered form is the same scenario."""
    sent: list[tuple[str, str]] = [("situation", form(pairs_of(made.scenario), catalog).situation)]
    for name, f in _fields(pairs_of(made.scenario), catalog).items():
        if f.control == "checks":
            sent.append((name, ""))
            sent += [(name, o.value) for g in f.groups for o in g.options if o.chosen]
        elif f.control != "checkbox" or f.value:
            sent.append((name, f.value))
    assert ScenarioInput.model_validate(fields_from_pairs(cleaned(sent))) == made.scenario


@pytest.mark.parametrize("made", SITUATIONS, ids=lambda made: made.key)
def test_a_situation_is_not_what_a_person_changed(made: ReadyMade, catalog: Catalog) -> None:
    """As on the result, which calls its figures defaults of ours."""
    untouched = form(pairs_of(made.scenario), catalog)
    assert [f.name for f in every_field(untouched) if f.changed] == []
    moved = made.scenario.model_copy(update={"base_accuracy_points": 51.0})
    fields = _fields(pairs_of(moved), catalog)
    assert [f.name for f in fields.values() if f.changed] == ["base_accuracy_points"]
    assert float(fields["base_accuracy_points"].default) == made.scenario.base_accuracy_points


@pytest.mark.parametrize("typed", ["0,125", "1,5", "0,5"])
def test_a_decimal_comma_is_not_read_as_thousands(typed: str) -> None:
    assert cleaned([("value_per_correct_answer_usd", typed)])[0][1] == typed


def test_what_was_typed_is_kept_beside_its_problem(catalog: Catalog) -> None:
    made = form(
        [("epochs", "many"), ("assumptions.fabric_efficiency", "7"), ("methods", "")],
        catalog,
        [
            Problem("/epochs", "Epochs must be a number."),
            Problem("/assumptions/fabric_efficiency", "Too high."),
            Problem("/assumptions/unheard_of", "No such constant."),
            Problem("/methods", "Choose one."),
            Problem("", "As a whole."),
        ],
    )
    fields = {f.name: f for f in every_field(made)}
    assert (fields["epochs"].value, fields["epochs"].error) == ("many", "Epochs must be a number.")
    assert fields["methods"].error == "Choose one."
    assert not any(o.chosen for g in fields["methods"].groups for o in g.options)
    assumption = next(f for f in made.assumptions if f.name.endswith("fabric_efficiency"))
    assert (assumption.value, assumption.error) == ("7", "Too high.")
    assert made.assumptions_open
    assert [p.field_id for p in made.problems] == [
        "f-epochs", "f-assumptions-fabric_efficiency", "step-assumptions", "f-methods", "",
    ]  # fmt: skip


def test_a_choice_from_elsewhere_stays_visible(catalog: Catalog) -> None:
    fields = _fields([("model", "my/model"), ("providers", "gone"), ("providers", "aws")], catalog)
    assert ("my/model", True) in [
        (o.value, o.chosen) for g in fields["model"].groups for o in g.options
    ]
    chosen = [o.value for g in fields["providers"].groups for o in g.options if o.chosen]
    assert sorted(chosen) == ["aws", "gone"]
    assert fields["providers"].changed


def test_details_open_where_something_was_changed(catalog: Catalog) -> None:
    steps = {step.key: step for step in form([("seed", "7")], catalog).steps}
    assert [more.open for more in steps["value"].more].count(True) == 1
    assert not any(more.open for more in steps["data"].more)


def test_every_constant_can_be_changed(catalog: Catalog) -> None:
    assert [f.name for f in form([], catalog).assumptions] == [
        f"assumptions.{k}" for k in CONSTANTS
    ]


def _book(token: str, name: str, *, installation: bool = False) -> BookInfo:
    day = datetime(2026, 11, 1, tzinfo=UTC)
    return BookInfo(token, name, 5, "built-in", not installation, installation, 1, 2, day, day)


def test_price_books_are_chosen_from_ones_own_and_the_installations(catalog: Catalog) -> None:
    mine, ours = "A" * 32, "B" * 32
    books = (_book(ours, "Imported", installation=True), _book(mine, "Acme rates"))

    def groups(*pairs: tuple[str, str]) -> list[tuple[str, list[tuple[str, str, bool]]]]:
        steps = form(pairs, catalog, books=books).steps
        (field,) = (f for step in steps for f in step.fields if f.name == "price_book")
        return [(g.label, [(o.value, o.label, o.chosen) for o in g.options]) for g in field.groups]

    assert groups() == [
        ("", [("", "Built-in list prices", True)]),
        ("Your price books", [(mine, "Acme rates", False)]),
        ("Of this installation", [(ours, "Imported", False)]),
    ]
    assert groups(("price_book", mine))[1][1][0][2]
    pinned = groups(("price_book", f"{mine}@3"))[-1]
    assert pinned == ("Of this scenario", [(f"{mine}@3", "Acme rates, version 3", True)])
    foreign = groups(("price_book", "C" * 32))[-1]
    assert foreign == ("Of this scenario", [("C" * 32, "Price book of a link", True)])


def test_currencies_are_chosen_by_code_and_name(catalog: Catalog) -> None:
    field = _fields([("currency", "EUR")], catalog)["currency"]
    options = {o.value: o for g in field.groups for o in g.options}
    assert options["EUR"].chosen
    assert options["EUR"].label.lower() == "eur: euro"
    assert {"USD", "EUR", "JPY"} <= options.keys()
    unknown = _fields([("currency", "XXX")], catalog)["currency"]
    assert unknown.groups[-1].options[0].value == "XXX"
