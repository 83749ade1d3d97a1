"""Live refresh: against a stand-in for the library, and against the library itself without a
network.
"""

from __future__ import annotations

import socket
import sys
import urllib.error
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import pytest

from app.catalog.catalog import Catalog
from app.catalog.importers import Imported
from app.catalog.importers.live import (
    ASKED,
    NOT_FETCHED,
    PUBLISHED,
    TIMEOUT_S,
    LiveRefreshError,
    fetch,
)
from app.catalog.tables import CatalogError

DAY = date(2026, 11, 24)
Fetch = Callable[..., Imported]
Steps = list[tuple[int, int, str]]


@dataclass
class Item:
    """What the library gives, with its fields of 0.1.34."""

    instance_name: str = "p5.48xlarge"
    location: str = "us-east-1"
    price: float = 55.040000000000006
    cpu: int = 192
    memory: float = 2048.0
    gpu_count: int = 8
    gpu_name: str | None = "H100"
    gpu_memory: float | None = 80.0
    spot: bool = False
    flags: list[str] = field(default_factory=list)
    provider_data: dict[str, Any] = field(default_factory=dict)


class StandIn(ModuleType):
    """A module with the names of gpuhunt that are used."""

    class GPUHuntError(Exception):
        """As in the library."""

    class MissingCredsError(GPUHuntError):
        """As in the library."""

    def __init__(self) -> None:
        super().__init__("gpuhunt")
        self.published: dict[str, list[Item]] = {}
        self.asked: list[Any] = []
        self.failure: Exception | None = None
        self.timeout: float | None = None
        module = self

        class Library:
            """As the library's Catalog."""

            def __init__(self, *, balance_resources: bool, auto_reload: bool) -> None:
                assert not balance_resources
                assert not auto_reload
                self.catalog: dict[str, list[Item]] = {}

            def load(self) -> None:
                """Fetch what is published."""
                module.timeout = socket.getdefaulttimeout()
                if module.failure is not None:
                    raise module.failure
                self.catalog = dict(module.published)

            def add_provider(self, provider: Any) -> None:
                """Let a provider be asked."""
                module.asked.append(provider)

            def query(self, *, provider: str, min_gpu_count: int) -> list[Item]:
                """Items of one provider."""
                assert min_gpu_count == 1
                if provider in self.catalog:
                    return self.catalog[provider]
                (found,) = (asked for asked in module.asked if provider == asked.NAME)
                items: list[Item] = found.get()
                return items

        self.Catalog = Library


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A stand-in for the library, in its place."""
    module = StandIn()
    monkeypatch.setitem(sys.modules, "gpuhunt", module)
    return module


@pytest.fixture
def steps() -> Steps:
    """What the progress was told."""
    return []


@pytest.fixture
def fetched(catalog: Catalog, steps: Steps) -> Fetch:
    """Fetch some providers."""

    def run(*providers: str) -> Imported:
        return fetch(
            providers,
            lambda done, total, name: steps.append((done, total, name)),
            accelerators=catalog.accelerators,
            sellers=catalog.providers,
            valid_from=DAY,
            offers=catalog.listed,
        )

    return run


def asked_provider(monkeypatch: pytest.MonkeyPatch, name: str, make: Callable[[], Any]) -> None:
    """Put a module of a provider that is asked itself where the library has it."""

    class Provider:
        """As the library's providers."""

        NAME = name

        @classmethod
        def from_env(cls) -> Any:
            """Made from the environment."""
            return make() or cls()

        def get(self) -> list[Item]:
            """Its items."""
            return [
                Item("7654321", "us-texas", 1.9, gpu_count=1, gpu_name="RTX4090", gpu_memory=24.0)
            ]

    module = ModuleType(f"gpuhunt.providers.{name}")
    module.Provider = Provider  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gpuhunt.providers", ModuleType("gpuhunt.providers"))
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_published_prices_become_rows_and_every_step_is_told(
    library: StandIn, fetched: Fetch, steps: Steps
) -> None:
    library.published = {
        "aws": [Item(), Item(spot=True, price=20.1), Item(gpu_count=0, gpu_name=None)],
        "lambdalabs": [
            Item("gpu_1x_gh200", "us-east-1", 2.3, gpu_count=1, gpu_name="GH200", gpu_memory=96.0)
        ],
    }
    result = fetched("aws", "lambdalabs")
    assert [
        (row.provider, row.purchase_option, str(row.usd_per_instance_hour)) for row in result.rows
    ] == [
        ("aws", "on-demand", "55.04"),
        ("aws", "spot", "20.1"),
        ("lambda", "on-demand", "2.3"),
    ]
    assert {row.source for row in result.rows} == {"gpuhunt live aws", "gpuhunt live lambda"}
    assert (result.read, result.providers) == (4, ("aws", "lambda"))
    assert result.rows[0].inter_node_gbit_per_s == 3200
    assert steps == [
        (0, 3, "published catalogues"),
        (1, 3, "aws"),
        (2, 3, "lambda"),
        (3, 3, ""),
    ]
    assert fetched("aws", "lambda") == result


def test_connections_have_an_end_while_prices_are_fetched(library: StandIn, fetched: Fetch) -> None:
    library.published = {"aws": [Item()]}
    fetched("aws")
    assert library.timeout == TIMEOUT_S
    assert socket.getdefaulttimeout() is None


def test_without_names_all_that_is_published_is_fetched_and_failures_are_told(
    library: StandIn, fetched: Fetch
) -> None:
    library.published = {"runpod": [Item("NVIDIA H100 80GB HBM3", "EU-RO-1", 32.0)]}
    result = fetched()
    assert result.providers == ("runpod", "runpod-community")
    assert result.skipped[0].reason == NOT_FETCHED
    assert result.skipped[0].count == len(PUBLISHED) - 1


def test_google_calendar_mode_and_odd_items_are_judged_like_those_of_files(
    library: StandIn, fetched: Fetch
) -> None:
    calendar = {"is_dws_calendar_mode": True}
    library.published = {
        "gcp": [
            Item("a3-highgpu-8g", "us-central1-a", 47.9, provider_data=calendar),
            Item("a3-highgpu-8g", "us-central1-b", 40.0),
            Item("a3-highgpu-8g", "us-central1-b", float("nan"), spot=True),
            Item("a3-highgpu-8g", "us-central1-b", -1.0, spot=True),
        ]
    }
    result = fetched("gcp")
    assert [row.purchase_option for row in result.rows] == ["capacity-block"]
    assert sum(item.count for item in result.skipped) == 3


def test_a_provider_can_be_asked_itself(
    library: StandIn, fetched: Fetch, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_provider(monkeypatch, "vastai", lambda: None)
    result = fetched("vast")
    assert [(row.provider, row.instance, row.tier) for row in result.rows] == [
        ("vast", "7654321", "marketplace")
    ]
    assert steps == [(0, 1, "vast"), (1, 1, "")]


def test_a_provider_that_wants_a_key_says_which(
    library: StandIn, fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> NoReturn:
        raise library.MissingCredsError("Set the CRUSOE_ACCESS_KEY environment variable")

    asked_provider(monkeypatch, "crusoe", refuse)
    with pytest.raises(LiveRefreshError, match="crusoe is asked with a key: Set the CRUSOE_ACCESS"):
        fetched("crusoe")


def test_a_provider_that_this_library_lacks_asks_for_a_newer_one(
    library: StandIn, fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_provider(monkeypatch, "vastai", lambda: None)
    monkeypatch.delattr(sys.modules["gpuhunt.providers.vastai"], "Provider")
    with pytest.raises(LiveRefreshError, match="cannot ask vast; update it"):
        fetched("vast")
    with pytest.raises(LiveRefreshError, match="cannot ask lium; update it"):
        fetched("lium")


def test_without_the_library_the_extra_is_named(
    fetched: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gpuhunt", None)
    with pytest.raises(LiveRefreshError, match=r"pip install 'tunecase\[live\]'"):
        fetched("aws")


@pytest.mark.parametrize(
    "failure",
    [
        urllib.error.URLError("Name or service not known"),
        TimeoutError("timed out"),
        StandIn.GPUHuntError("Failed to load catalogs of all providers"),
    ],
)
def test_without_a_network_nothing_is_changed_and_that_is_said(
    library: StandIn, fetched: Fetch, failure: Exception
) -> None:
    library.failure = failure
    with pytest.raises(LiveRefreshError, match=r"nothing was changed\. Check the net") as caught:
        fetched()
    assert "urlopen" not in str(caught.value)


def test_a_named_provider_that_fails_fails_all(library: StandIn, fetched: Fetch) -> None:
    library.published = {"aws": [Item()]}
    with pytest.raises(LiveRefreshError, match="The prices of azure could not be fetched"):
        fetched("aws", "azure")
    library.published = {}
    with pytest.raises(LiveRefreshError, match="No prices could be fetched"):
        fetched()


def test_an_unknown_provider_is_told_the_known_ones(library: StandIn, fetched: Fetch) -> None:
    with pytest.raises(LiveRefreshError, match="coreweave cannot be fetched; choose among aws,"):
        fetched("coreweave")
    with pytest.raises(CatalogError):
        fetched("a b")


# ------------------------------------------------------------------ the library itself


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The library, with no way to a network."""
    module: ModuleType = pytest.importorskip("gpuhunt")

    def blocked(*_: object, **__: object) -> NoReturn:
        raise OSError("the network is blocked")

    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    monkeypatch.setattr(socket.socket, "connect", blocked)
    monkeypatch.delenv("GPUHUNT_CATALOG_DIR", raising=False)
    monkeypatch.delenv("GPUHUNT_CATALOG_URL", raising=False)
    return module


def test_the_library_knows_the_same_providers(real: ModuleType) -> None:
    from gpuhunt._internal.catalog import OFFLINE_PROVIDERS, ONLINE_PROVIDERS

    assert sorted(PUBLISHED.values()) == sorted(OFFLINE_PROVIDERS)
    assert sorted(ASKED.values()) == sorted(ONLINE_PROVIDERS)


def test_the_library_without_a_network_changes_nothing(
    real: ModuleType, fetched: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(LiveRefreshError, match=r"No prices could be fetched \(the network is bl"):
        fetched()
    with pytest.raises(LiveRefreshError, match=r"prices of vast could not be fetched \(no connec"):
        fetched("vast")
    assert caplog.records == []


def test_the_library_reads_a_published_catalogue_from_a_folder(
    real: ModuleType,
    fetched: Fetch,
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("aws", "gcp"):
        folder = tmp_path / name
        (folder / "20261124").mkdir(parents=True)
        (folder / "version").write_text("20261124\n")
        with zipfile.ZipFile(folder / "20261124" / "catalog.zip", "w") as archive:
            archive.write(samples / "gpuhunt" / f"{name}.csv", f"{name}.csv")
    monkeypatch.setenv("GPUHUNT_CATALOG_URL", tmp_path.as_uri())
    result = fetched()
    assert result.providers == ("aws", "gcp")
    assert len(result.rows) == 7
    assert result.skipped[0].reason == NOT_FETCHED


def test_what_the_library_reads_is_what_the_importer_reads(
    real: ModuleType,
    fetched: Fetch,
    imported: Callable[..., Imported],
    samples: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "gcp" / "1").mkdir(parents=True)
    (tmp_path / "gcp" / "version").write_text("1")
    with zipfile.ZipFile(tmp_path / "gcp" / "1" / "catalog.zip", "w") as archive:
        archive.write(samples / "gpuhunt" / "gcp.csv", "gcp.csv")
    monkeypatch.setenv("GPUHUNT_CATALOG_URL", tmp_path.as_uri())
    live, read = fetched("gcp"), imported("gpuhunt", "gcp.csv", valid_from=DAY)
    assert [(row.place, row.usd_per_instance_hour) for row in live.rows] == [
        (row.place, row.usd_per_instance_hour) for row in read.rows
    ]
