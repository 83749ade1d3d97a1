"""Scenarios are computed with the price books of those who ask, pinned, and once at a time."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from app.catalog.catalog import Catalog
from app.catalog.price_books import BookRow, PriceBook
from app.catalog.priced import priced as priced_in_earnest
from app.db.migrate import upgrade
from app.db.session import open_engine, open_sessions
from app.inputs import ScenarioInput
from app.services import scenario_prices
from app.services.book_access import INSTALLATION
from app.services.book_drafts import BookDraft
from app.services.price_books import PriceBooks
from app.services.problems import InputProblems
from app.services.scenario_prices import ScenarioPrices
from app.settings import Settings

P5 = "aws.p5-48xlarge.us-east-1.on-demand"
HEADER = (
    "provider,instance,accelerator,gpus_per_instance,region,purchase_option,"
    "usd_per_instance_hour,valid_from\n"
)
RATE = "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,40,2026-10-01\n"
OURS = BookDraft("Ours", "built-in", "aws, 12\n", HEADER + RATE)
DEARER = dataclasses.replace(OURS, rates=HEADER + RATE.replace(",40,", ",41,"))
NOBODY = "x" * 32


@pytest.fixture
def engine(each_database: Settings) -> Iterator[Engine]:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def books(engine: Engine, catalog: Catalog) -> PriceBooks:
    return PriceBooks(open_sessions(engine), catalog)


@pytest.fixture
def prices(engine: Engine) -> ScenarioPrices:
    return ScenarioPrices(open_sessions(engine))


def price_of(catalog: Catalog, key: str = P5) -> float:
    return next(o.usd_per_instance_hour for o in catalog.listed if o.key == key)


def installed(books: PriceBooks) -> str:
    """Token of a book of the installation."""
    row = BookRow(
        provider="aws",
        instance="p5.48xlarge",
        accelerator="H100-SXM-80GB",
        gpus_per_instance=8,
        gpu_memory_gib=None,
        vcpus=192,
        host_memory_gib=Decimal(2048),
        inter_node_gbit_per_s=None,
        region="us-east-1",
        purchase_option="on-demand",
        usd_per_instance_hour=Decimal(39),
        tier="list",
        valid_from=date(2026, 11, 1),
        source="skypilot aws/vms.csv",
    )
    return books.import_rows("imported", [row], providers=["aws"]).info.token


def said(call: object) -> list[tuple[str, str]]:
    """The problems that a call ends with."""
    with pytest.raises(InputProblems) as found:
        call()  # type: ignore[operator]
    return [(problem.pointer, problem.message) for problem in found.value.problems]


def test_a_pinned_book_keeps_its_prices(
    books: PriceBooks, prices: ScenarioPrices, catalog: Catalog
) -> None:
    saved = books.create(OURS, None)
    token, key = saved.info.token, saved.workspace_key
    pinned = prices.pin(token, key)
    assert pinned == f"{token}@1"
    assert prices.newer_version(pinned, key) is None
    books.update(token, DEARER, key)
    assert price_of(prices.priced(catalog, pinned, key)) == 40
    assert price_of(prices.priced(catalog, token, key)) == 41
    assert prices.priced(catalog, "", key) is catalog
    assert prices.pin("", key) == ""
    assert prices.pin(pinned, key) == pinned
    assert prices.newer_version(pinned, key) == 2
    assert prices.newer_version(token, key) is None
    for unknown in (f"{token}@3", f"{token}@0", f"{token}@01", f"{token}@", f"{token}@999999999"):
        with pytest.raises(InputProblems):
            prices.priced(catalog, unknown, key)


@pytest.mark.parametrize("token", ["x", NOBODY, "é" * 32, "' OR 1=1 --", "x" * 100_000])
def test_unknown_books(prices: ScenarioPrices, catalog: Catalog, token: str) -> None:
    assert prices.newer_version(token, INSTALLATION) is None
    for look in (
        lambda: prices.priced(catalog, token, INSTALLATION),
        lambda: prices.pin(token, INSTALLATION),
    ):
        [(pointer, message)] = said(look)
        assert pointer == "/price_book"
        assert "No price book has this key" in message


def test_a_book_is_computed_with_by_its_workspace_alone(
    books: PriceBooks, prices: ScenarioPrices, catalog: Catalog
) -> None:
    """Its token is in links and answers that others read, so it opens nothing."""
    saved = books.create(OURS, None)
    token, key = saved.info.token, saved.workspace_key
    other = books.create(dataclasses.replace(OURS, name="Theirs"), None).workspace_key
    books.update(token, DEARER, key)
    scenario = ScenarioInput(price_book=f"{token}@1")
    # One that is kept in memory is asked for no less.
    for reader in (key, INSTALLATION):
        assert price_of(prices.priced(catalog, f"{token}@1", reader)) == 40
        assert prices.pin(token, reader) == f"{token}@2"
        assert prices.newer_version(f"{token}@1", reader) == 2
        assert prices.shown(scenario, reader) is scenario
    for stranger in (None, "", NOBODY, other, token):
        for reference in (token, f"{token}@1", f"{token}@2"):
            for look in (
                lambda who=stranger, asked=reference: prices.priced(catalog, asked, who),
                lambda who=stranger, asked=reference: prices.pin(asked, who),
            ):
                [(pointer, message)] = said(look)
                assert pointer == "/price_book"
                assert "belongs to another workspace" in message
                assert "share the link, or choose other prices" in message
        assert prices.newer_version(f"{token}@1", stranger) is None
        shown = prices.shown(scenario, stranger)
        assert shown == scenario.model_copy(update={"price_book": ""})


def test_a_book_of_the_installation_is_for_all(
    books: PriceBooks, prices: ScenarioPrices, catalog: Catalog
) -> None:
    token = installed(books)
    scenario = ScenarioInput(price_book=f"{token}@1")
    for reader in (None, "", NOBODY, INSTALLATION):
        assert price_of(prices.priced(catalog, token, reader)) == 39
        assert prices.pin(token, reader) == f"{token}@1"
        assert prices.shown(scenario, reader) is scenario


def test_a_scenario_shows_no_book_that_is_not_there(prices: ScenarioPrices) -> None:
    for lost in (NOBODY, f"{NOBODY}@1"):
        assert prices.shown(ScenarioInput(price_book=lost), None).price_book == ""


def test_priced_catalogues_are_kept(
    books: PriceBooks, prices: ScenarioPrices, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = books.create(OURS, None).workspace_key
    one, two = (books.create(OURS, key).info.token for _ in range(2))
    first = prices.priced(catalog, one, key)
    assert prices.priced(catalog, f"{one}@1", key) is first
    # The same tables as of another day are another catalogue.
    other = dataclasses.replace(catalog, price_list_hash="0" * 64)
    assert prices.priced(other, one, key) is not first
    monkeypatch.setattr(scenario_prices, "MOST_OFFERS_KEPT", len(first.listed))
    second = prices.priced(catalog, two, key)
    assert prices.priced(catalog, two, key) is second
    assert prices.priced(catalog, one, key) is not first


def test_a_book_that_many_ask_for_at_once_is_priced_once(
    books: PriceBooks, prices: ScenarioPrices, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = books.create(OURS, None)
    token, key = saved.info.token, saved.workspace_key
    start = threading.Barrier(4)
    calls: list[str] = []

    def slow(catalog: Catalog, book: PriceBook) -> Catalog:
        calls.append(book.token)
        time.sleep(0.2)
        if len(calls) == 1:
            raise RuntimeError("the first one fails")
        return priced_in_earnest(catalog, book)

    monkeypatch.setattr(scenario_prices, "priced", slow)
    with pytest.raises(RuntimeError):
        prices.priced(catalog, token, key)

    def ask(_: int) -> Catalog:
        start.wait()
        return prices.priced(catalog, token, key)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(4)))
    assert calls == [token] * 2
    assert len(set(map(id, found))) == 1
