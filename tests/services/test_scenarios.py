"""Saved scenarios come back as they were saved, to those who may see them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event, text

from app.catalog.catalog import Catalog
from app.catalog.price_changes import listed_price, unpacked
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.estimator.report import (
    REPORT_SCHEMA,
    Assumption,
    CurrencyReport,
    DataReport,
    ModelReport,
    Report,
    SoftwareReport,
    Verdict,
)
from app.inputs import ScenarioInput
from app.services import scenarios
from app.services.problems import NotTheOwner, RevokedScenario, UnknownScenario
from app.services.scenarios import ScenarioService, report_from_json, report_to_json
from app.settings import Settings

START = datetime(2026, 11, 23, 12, tzinfo=UTC)

REPORT = Report(
    schema=REPORT_SCHEMA,
    estimator_version="1.0",
    catalog_hash="c" * 64,
    as_of="2026-11-23",
    prices_as_of="2026-11-20",
    price_book="Ours, version 3",
    currency=CurrencyReport("EUR", 2, 0.8951, "2026-10-30", "ecb-reference-rates"),
    title="",
    situation="blank",
    model=ModelReport(
        name="m",
        label="M",
        family="llama",
        parameters=8_030_261_248,
        active_parameters=8_030_261_248,
        embedding_parameters=525_336_576,
        layers=32,
        hidden_size=4096,
        vocab_size=128_256,
        max_position_embeddings=131_072,
        source_key=None,
    ),
    data=DataReport(
        examples=1,
        tokens_per_example=1,
        epochs=0.1 + 0.2,
        tokens_per_run=1e-323,
        packing="wrapped",
        padding_fraction=0.0,
        truncated_fraction=0.0,
        evaluation_tokens_per_run=0.0,
        sequence_length=1,
        sequences_per_run=1,
        global_batch_sequences=1,
        steps_per_run=1,
    ),
    software=SoftwareReport(
        stack="transformers",
        label="Hugging Face",
        precision="bf16-mixed",
        precision_label="bf16 with fp32 master weights",
        optimizer="adamw",
        optimizer_label="AdamW",
        loss="plain",
        loss_label="plain",
        adapter_dtype="bf16",
        compute="bf16",
        attention="sdpa",
        time_calibrated=True,
        memory_calibrated=False,
    ),
    horizon_months=36,
    discount_rate_fraction=1 / 3,
    value_per_point_month_usd=-0.0,
    draws=4_000,
    seed=2**32 - 1,
    timeline=None,
    methods=(),
    comparison=None,
    verdict=Verdict("lora", "LoRA. It pays – 9 ×.", ("a", "b"), 4_100.0, 0.9, None, None, (), ()),
    risk=None,
    evidence=None,
    pilot=None,
    arguments=(),
    serving=None,
    notes=("“quoted” 🙂 \x00",),
    assumptions=(
        Assumption("k", "K", "12", "", "input", "input", True),
        Assumption("n", "N", 12.0, "", "default", "", False),
    ),
    sources=(),
)
SCENARIO = ScenarioInput(
    title="Contract review", config_json={"b": 1, "a": {"nested": [1.5]}}, assumptions={"x": 0.1}
)


class Clock:
    """A second later at every look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def engine(each_database: Settings) -> Iterator[Engine]:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def service(engine: Engine) -> ScenarioService:
    return ScenarioService(open_sessions(engine), Clock())


def test_what_was_saved_comes_back(service: ScenarioService, catalog: Catalog) -> None:
    saved = service.save(SCENARIO, REPORT, None, catalog)
    found = service.get(saved.scenario.token)
    assert found == saved.scenario
    assert found.report == REPORT
    assert repr(found.report) == repr(REPORT)  # also the kinds of numbers, and the sign of zero
    assert found.scenario == SCENARIO
    assert list(found.scenario.config_json or {}) == ["b", "a"]
    assert found.title == "Contract review"
    assert found.created_at == START + timedelta(seconds=1)
    assert (found.estimator_version, found.catalog_hash) == ("1.0", "c" * 64)


def test_a_title_comes_from_the_report_if_none_was_entered(
    service: ScenarioService, catalog: Catalog
) -> None:
    report = dataclasses.replace(REPORT, title="Llama 3.1 8B")
    assert service.save(ScenarioInput(), report, None, catalog).scenario.title == "Llama 3.1 8B"


def test_a_saved_scenario_does_not_follow_the_code(
    service: ScenarioService, catalog: Catalog, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = service.save(SCENARIO, REPORT, None, catalog)
    with engine.connect() as connection:
        before = connection.execute(text("SELECT input_json, report_json FROM scenario")).one()
    monkeypatch.setattr(scenarios, "INPUT_SCHEMA", 99)
    service.get(saved.scenario.token)
    with engine.connect() as connection:
        after = connection.execute(text("SELECT input_json, report_json FROM scenario")).one()
    assert after == before


@cache
def _any(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type, at most one item in each sequence: whole reports would be too large."""
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(cast("type", kind), **{name: _any(hint) for name, hint in hints.items()})
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and inner[-1] is ...:
        return st.lists(_any(inner[0]), max_size=1).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_any, inner))
    if origin in {Union, UnionType}:
        return st.one_of(*map(_any, inner))
    return st.text(max_size=5) if kind is str else st.from_type(kind)


@given(report=_any(Report))
@hypothesis_settings(max_examples=15, deadline=None)
def test_any_report_survives_its_json(report: Report) -> None:
    """Bit for bit, infinity and not-a-number too."""
    report = dataclasses.replace(report, schema=REPORT_SCHEMA)
    stored = report_to_json(report)
    assert repr(report_from_json(stored)) == repr(report)
    assert report_to_json(report_from_json(stored)) == stored


SAVED = json.loads(Path(__file__).with_name("saved_by_schema_1.json").read_text())
"""A row as version 0.1.0 of the estimator stored it: Llama 3.1 8B on up to 8 H100."""


def test_a_link_from_before_the_second_schema_still_opens(
    service: ScenarioService, catalog: Catalog, engine: Engine
) -> None:
    token = service.save(SCENARIO, REPORT, None, catalog).scenario.token
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE scenario SET input_json = :input, input_schema = 1, report_json = :report, "
                "report_schema = 1"
            ),
            {"input": json.dumps(SAVED["input_json"]), "report": json.dumps(SAVED["report_json"])},
        )
    found = service.get(token)
    assert found.scenario.accelerators == ("H100-SXM-80GB",)
    assert found.report.schema == 1
    stored = SAVED["report_json"]
    for m, before in zip(found.report.methods, stored["methods"], strict=True):
        assert m.plan is not None
        assert m.plan.hours == before["plan"]["hours"]
        assert m.plan.memory_bytes == before["plan"]["memory_bytes"]
        assert m.plan.data_parallel == m.plan.gpus
        assert m.plan.memory_range_bytes.p10 == m.plan.memory_range_bytes.p90
        assert m.total_usd == before["total_usd"]
        hours = {line.key: line.quantity for line in m.cost_lines if line.unit == "GPU-hours"}
        assert m.programme_gpu_hours == sum(hours.values())
        assert m.infrastructure == ()
        assert m.plans_out_of_memory == m.plans_considered - m.plans_that_fit
    assert found.report.software.stack == ""


@pytest.mark.parametrize(("schema", "means"), [(1, None), (2, 0.0)])
def test_a_price_of_nothing_means_what_it_meant_when_it_was_saved(
    service: ScenarioService, catalog: Catalog, engine: Engine, schema: int, means: float | None
) -> None:
    """Until the second schema of inputs, 0 was the default: the published price."""
    token = service.save(SCENARIO, REPORT, None, catalog).scenario.token
    stored = json.loads(SCENARIO.model_dump_json()) | {
        "storage_usd_per_gb_month": 0.0,
        "egress_usd_per_gb": 0.0,
    }
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE scenario SET input_json = :input, input_schema = :schema"),
            {"input": json.dumps(stored), "schema": schema},
        )
    found = service.get(token)
    prices = {"storage_usd_per_gb_month": means, "egress_usd_per_gb": means}
    assert found.scenario == SCENARIO.model_copy(update=prices)
    assert repr(found.report) == repr(REPORT)


def test_a_price_that_was_entered_stays_as_it_was_saved(
    service: ScenarioService, catalog: Catalog, engine: Engine
) -> None:
    entered = ScenarioInput(storage_usd_per_gb_month=0.02)
    token = service.save(entered, REPORT, None, catalog).scenario.token
    stored = json.loads(entered.model_dump_json()) | {"egress_usd_per_gb": 0}
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE scenario SET input_json = :input, input_schema = 1"),
            {"input": json.dumps(stored)},
        )
    assert service.get(token).scenario == entered


def test_a_link_from_before_prices_were_kept_still_opens(
    service: ScenarioService, catalog: Catalog, engine: Engine
) -> None:
    saved = json.loads(Path(__file__).with_name("saved_by_schema_2.json").read_text())
    token = service.save(SCENARIO, REPORT, None, catalog).scenario.token
    with engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE scenario SET input_json = :input, report_json = :report, "
                "report_schema = 2, price_list_hash = NULL"
            ),
            {"input": json.dumps(saved["input_json"]), "report": json.dumps(saved["report_json"])},
        )
    found = service.get(token)
    assert (found.report.schema, found.price_list_hash) == (2, None)
    assert found.report.price_book == ""
    assert found.report.currency.code == "USD"
    stored = saved["report_json"]["methods"]
    for method, before in zip(found.report.methods, stored, strict=True):
        assert method.plan is not None
        assert method.plan.usd == before["plan"]["usd"]
        assert method.total_usd == before["total_usd"]
        assert method.ways == ()


def test_the_prices_of_then_are_kept_with_it(
    service: ScenarioService, catalog: Catalog, engine: Engine
) -> None:
    saved = service.save(SCENARIO, REPORT, None, catalog).scenario
    assert saved.price_list_hash == catalog.price_list_hash
    with engine.connect() as connection:
        [(name, body)] = connection.execute(text("SELECT hash, body FROM price_snapshot")).all()
    assert name == catalog.price_list_hash
    assert unpacked(body) == tuple(listed_price(offer) for offer in catalog.listed)


def test_tokens_and_keys_cannot_be_guessed(service: ScenarioService, catalog: Catalog) -> None:
    first, second = (service.save(SCENARIO, REPORT, None, catalog) for _ in range(2))
    secrets = {
        first.scenario.token,
        first.workspace_key,
        second.scenario.token,
        second.workspace_key,
    }
    assert len(secrets) == 4
    assert all(re.fullmatch(r"[\w-]{32}", secret or "") for secret in secrets)


def test_the_database_does_not_hold_the_key(
    service: ScenarioService, catalog: Catalog, engine: Engine
) -> None:
    saved = service.save(SCENARIO, REPORT, None, catalog)
    with engine.connect() as connection:
        rows = [
            *connection.execute(text("SELECT * FROM workspace")).all(),
            *connection.execute(text("SELECT * FROM scenario")).all(),
        ]
    assert saved.workspace_key is not None
    assert saved.workspace_key not in repr(rows)
    assert saved.scenario.token in repr(rows)


def test_one_workspace_for_one_key(service: ScenarioService, catalog: Catalog) -> None:
    first = service.save(SCENARIO, REPORT, None, catalog)
    key = first.workspace_key
    second = service.save(SCENARIO, REPORT, key, catalog)
    assert second.workspace_key is None
    assert [item.token for item in service.recent(key)] == [
        second.scenario.token,
        first.scenario.token,
    ]


@pytest.mark.parametrize("key", ["", "x" * 32, "short", "y" * 10_000, "é" * 32, "\x00" * 32])
def test_an_unknown_key_gets_a_new_workspace_with_another_key(
    service: ScenarioService, catalog: Catalog, key: str
) -> None:
    saved = service.save(SCENARIO, REPORT, key, catalog)
    assert saved.workspace_key not in {None, key}
    assert service.recent(key) == []
    assert not service.owns(saved.scenario.token, key)
    assert service.owns(saved.scenario.token, saved.workspace_key)


def test_recent_shows_the_newest_of_this_workspace(
    service: ScenarioService, catalog: Catalog
) -> None:
    key = service.save(SCENARIO, REPORT, None, catalog).workspace_key
    for number in range(4):
        service.save(ScenarioInput(title=f"Number {number}"), REPORT, key, catalog)
    service.save(ScenarioInput(title="Somebody else's"), REPORT, None, catalog)
    recent = service.recent(key, limit=3)
    assert [item.title for item in recent] == ["Number 3", "Number 2", "Number 1"]
    assert recent[0].headline == REPORT.verdict.headline
    assert recent[0].created_at == START + timedelta(seconds=5)
    assert service.recent(None) == []


def test_revoking_ends_the_link(service: ScenarioService, catalog: Catalog) -> None:
    saved = service.save(SCENARIO, REPORT, None, catalog)
    token, key = saved.scenario.token, saved.workspace_key
    other = service.save(SCENARIO, REPORT, None, catalog)
    for stranger in (None, "", "x" * 32, other.workspace_key):
        with pytest.raises(NotTheOwner):
            service.revoke(token, stranger)
    assert service.get(token) == saved.scenario

    service.revoke(token, key)
    service.revoke(token, key)
    with pytest.raises(RevokedScenario):
        service.get(token)
    assert service.recent(key) == []
    assert service.owns(token, key)
    assert service.get(other.scenario.token) == other.scenario


MALFORMED = [
    "",
    "x",
    "x" * 31,
    "x" * 33,
    "x" * 100_000,
    "../" * 11,
    "é" * 32,
    "x" * 31 + "\n",
    "' OR 1=1 --" + "x" * 21,
]


@pytest.mark.parametrize("token", [*MALFORMED, "x" * 32])
def test_unknown_tokens(service: ScenarioService, token: str) -> None:
    with pytest.raises(UnknownScenario):
        service.get(token)
    with pytest.raises(UnknownScenario):
        service.revoke(token, "y" * 32)
    assert not service.owns(token, "y" * 32)


def test_malformed_tokens_reach_no_database(service: ScenarioService, engine: Engine) -> None:
    statements: list[str] = []
    event.listen(
        engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2])
    )
    for token in MALFORMED:
        with pytest.raises(UnknownScenario):
            service.get(token)
    assert statements == []


def test_a_failed_save_leaves_nothing(
    service: ScenarioService, catalog: Catalog, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(row: object) -> None:
        raise RuntimeError("cannot be read back")

    monkeypatch.setattr(scenarios, "_shared", broken)
    with pytest.raises(RuntimeError):
        service.save(SCENARIO, REPORT, None, catalog)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM scenario")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM workspace")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM price_snapshot")).scalar_one() == 0
