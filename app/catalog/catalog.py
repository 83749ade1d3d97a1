"""The built-in facts, loaded once: models, accelerators, offers, studies and their sources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from app.catalog.calibration import (
    CALIBRATION_FILE,
    CalibrationDocument,
    load_calibration,
)
from app.catalog.config_json import architecture_from_config
from app.catalog.market import (
    Labour,
    OwnershipRange,
    exchange_rates,
    grids,
    labour,
    managed_prices,
    ownership,
    servers_for_sale,
    storage_prices,
)
from app.catalog.market_rows import (
    ExchangeRateRow,
    GridRow,
    LabourRow,
    ManagedRow,
    OwnershipRow,
    RegionRow,
    ServerRow,
    StorageRow,
)
from app.catalog.offers import (
    PastPrice,
    history_of,
    in_force,
    offer_problems,
    offers_in_force,
    price_list_hash,
)
from app.catalog.pricing_rows import AcceleratorRow, DatedRow, OfferRow, ProviderRow, SourceRow
from app.catalog.schema import ArchitectureRow, BenchmarkRow, ResultRow, StudyRow
from app.catalog.table_set import TableSet, content_hash
from app.catalog.tables import CatalogError, problem
from app.estimator.architecture import Architecture
from app.estimator.calibration import Calibration, uncalibrated
from app.estimator.errors import UnknownArchitecture
from app.estimator.evidence import HeadToHead
from app.estimator.hardware import Accelerator, Grid, Offer, Source
from app.estimator.market import ExchangeRate, ManagedPrice, Server, StoragePrice
from app.estimator.units import GB, GIB, TERA

CATALOG_DIR = Path(__file__).parent

DatedT = TypeVar("DatedT", bound=DatedRow)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A built-in model.

    Parameters
    ----------
    label : what a reader calls it.
    family : the release that it belongs to.
    """

    architecture: Architecture
    label: str
    family: str
    source: Source
    retrieved: date


@dataclass(frozen=True, slots=True)
class Study:
    """A published study that compares full fine-tuning with adapters.

    Parameters
    ----------
    kind : paper or benchmark.
    note : how its numbers were read, where there is something to know; else empty.
    """

    key: str
    title: str
    authors_short: str
    year: int
    address: str
    retrieved: date
    kind: str
    note: str


@dataclass(frozen=True, slots=True)
class Provider:
    """Who sells.

    Parameters
    ----------
    firm : whether there is a price list that a company can sign.
    """

    key: str
    name: str
    firm: bool
    note: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All facts of the tables, in the types of the estimator.

    Parameters
    ----------
    models, accelerators, studies, sources, providers, storage (by provider), grids,
        exchange_rates (by code), labour, ownership : by key; read-only.
    offers : what is planned on, in force on the day of the catalogue, sorted by key.
    listed : every price in force, also of what is not planned on, sorted by key.
    history : every price that the table holds, sorted by key and day.
    managed, servers : in force, sorted by key.
    regions : key of the grid of a provider and its region.
    head_to_heads : in the order of the table.
    questions : how many a metric is of, where it is known.
    content_hash : SHA-256 of all tables, so that an answer can name the facts it was made from.
    price_list_hash : of `listed`; the same as long as no price in force changes.
    prices_as_of : newest day on which a list price was in force.
    calibration, calibration_report : fitted constants, and how the fit went; None before one.
    price_book : label of the price book in force; empty for the built-in prices.
    """

    models: Mapping[str, ModelEntry]
    accelerators: Mapping[str, Accelerator]
    providers: Mapping[str, Provider]
    offers: tuple[Offer, ...]
    listed: tuple[Offer, ...]
    history: tuple[PastPrice, ...]
    managed: tuple[ManagedPrice, ...]
    servers: tuple[Server, ...]
    storage: Mapping[str, StoragePrice]
    grids: Mapping[str, Grid]
    regions: Mapping[tuple[str, str], str]
    exchange_rates: Mapping[str, ExchangeRate]
    labour: Mapping[str, Labour]
    ownership: Mapping[str, OwnershipRange]
    head_to_heads: tuple[HeadToHead, ...]
    questions: Mapping[str, int]
    studies: Mapping[str, Study]
    sources: Mapping[str, Source]
    content_hash: str
    price_list_hash: str
    prices_as_of: date
    calibration: Calibration
    calibration_report: CalibrationDocument | None
    price_book: str = ""

    def grid_of(self, provider: str, region: str) -> Grid | None:
        """Electricity of a region of a provider; None where its place is not known."""
        return self.grids.get(self.regions.get((provider, region), ""))


def load_catalog(
    pricing_dir: Path, *, calibrated: bool = True, as_of: date | None = None
) -> Catalog:
    """Read every table and put the facts together.

    Parameters
    ----------
    pricing_dir : the folder of the tables that pricing/README.md describes.
    calibrated : False to start a new fit from the constants as they were before any.
    as_of : the day on which prices are to be in force; None for the newest.

    Raises
    ------
    CatalogError : with the problems of all tables, or no list price was in force on that day.
    """
    calibration = CALIBRATION_FILE if calibrated else None
    return _load(pricing_dir, CATALOG_DIR / "models", CATALOG_DIR / "evidence", calibration, as_of)


def _load(
    pricing_dir: Path,
    models_dir: Path,
    evidence_dir: Path,
    calibration_file: Path | None = CALIBRATION_FILE,
    as_of: date | None = None,
) -> Catalog:
    """Read the tables from given folders."""
    calibration, calibration_report = uncalibrated(), None
    if calibration_file is not None:
        calibration, calibration_report = load_calibration(calibration_file)
    tables = TableSet(pricing_dir)
    source_rows = tables.read("sources.csv", SourceRow)
    accelerator_rows = tables.read("accelerators.csv", AcceleratorRow)
    provider_rows = tables.read("providers.csv", ProviderRow)
    offer_rows = tables.read("offers.csv", OfferRow)
    managed_rows = tables.read("managed.csv", ManagedRow)
    storage_rows = tables.read("storage.csv", StorageRow)
    grid_rows = tables.read("grid.csv", GridRow)
    region_rows = tables.read("regions.csv", RegionRow)
    server_rows = tables.read("servers.csv", ServerRow)
    labour_rows = tables.read("labour.csv", LabourRow)
    ownership_rows = tables.read("ownership.csv", OwnershipRow)
    rate_rows = tables.read("exchange_rates.csv", ExchangeRateRow)
    architecture_rows = tables.read("architectures.csv", ArchitectureRow, models_dir)
    study_rows = tables.read("studies.csv", StudyRow, evidence_dir)
    benchmark_rows = tables.read("benchmarks.csv", BenchmarkRow, evidence_dir)
    result_rows = tables.read("results.csv", ResultRow, evidence_dir)

    sources = {row.source: _source(row) for _, row in source_rows}
    specifications = {row.accelerator: row for _, row in accelerator_rows}
    sellers = {row.provider: row for _, row in provider_rows}
    known_grids = {row.grid: row for _, row in grid_rows}
    studies = {row.study: _study(row) for _, row in study_rows}
    questions = {row.metric: row.questions for _, row in benchmark_rows}
    for name in _SOURCED:
        tables.refer(name, "source", "sources.csv", sources)
    tables.refer("grid.csv", "usd_per_kwh_source", "sources.csv", sources)
    tables.refer("servers.csv", "power_source", "sources.csv", sources)
    for name in ("offers.csv", "servers.csv"):
        tables.refer(name, "accelerator", "accelerators.csv", specifications)
    for name in ("offers.csv", "managed.csv", "storage.csv", "regions.csv"):
        tables.refer(name, "provider", "providers.csv", sellers)
    tables.refer("regions.csv", "grid", "grid.csv", known_grids)
    tables.refer("results.csv", "study", "studies.csv", studies)
    problems = tables.problems
    problems += offer_problems(tables.paths["offers.csv"], offer_rows, specifications, sellers)
    configs_dir = models_dir / "configs"
    architectures = _architectures(
        tables.paths["architectures.csv"], configs_dir, architecture_rows, problems
    )
    if offer_rows and not any(_is_list_price(row) for _, row in offer_rows):
        problems.append("offers.csv: holds no trainable offer of the list tier; add one")
    if problems:
        raise CatalogError(problems)

    accelerators = {
        row.accelerator: _accelerator(row, sources[row.source]) for _, row in accelerator_rows
    }
    grid_by_key = grids(_current(grid_rows, as_of), sources)
    # A region stays where it is: its place holds on every day.
    regions = {(row.provider, row.region): row.grid for row in _current(region_rows, None)}
    listed = offers_in_force(
        [row for _, row in offer_rows],
        as_of,
        accelerators=accelerators,
        providers=sellers,
        sources=sources,
        grid_of=lambda provider, region: grid_by_key.get(regions.get((provider, region), "")),
    )
    offers = tuple(offer for offer in listed if offer.can_be_planned)
    list_days = [offer.valid_from for offer in offers if offer.tier == "list"]
    if not list_days:
        day = as_of or "any day"
        raise CatalogError([f"offers.csv: no list price was in force on {day}; take a later day"])
    return Catalog(
        models=MappingProxyType(
            {
                row.model: ModelEntry(
                    architecture=architectures[row.model],
                    label=row.label,
                    family=row.family,
                    source=sources[row.source],
                    retrieved=row.retrieved,
                )
                for _, row in architecture_rows
            }
        ),
        accelerators=MappingProxyType(accelerators),
        providers=MappingProxyType(
            {key: Provider(key, row.name, row.firm, row.note) for key, row in sellers.items()}
        ),
        offers=offers,
        listed=listed,
        history=history_of(row for _, row in offer_rows),
        managed=managed_prices(_current(managed_rows, as_of), sellers, sources),
        servers=servers_for_sale(_current(server_rows, as_of), sources),
        storage=MappingProxyType(storage_prices(_current(storage_rows, as_of), sources)),
        grids=MappingProxyType(grid_by_key),
        regions=MappingProxyType(regions),
        exchange_rates=MappingProxyType(exchange_rates(_current(rate_rows, as_of), sources)),
        labour=MappingProxyType(labour(_current(labour_rows, as_of), sources)),
        ownership=MappingProxyType(ownership(_current(ownership_rows, as_of), sources)),
        head_to_heads=tuple(_head_to_head(row, questions) for _, row in result_rows),
        questions=MappingProxyType(questions),
        studies=MappingProxyType(studies),
        sources=MappingProxyType(sources),
        content_hash=content_hash(
            (
                *tables.paths.values(),
                *sorted(configs_dir.glob("*.json")),
                *([calibration_file] if calibration_file else []),
            )
        ),
        price_list_hash=price_list_hash(listed),
        prices_as_of=max(list_days),
        calibration=calibration,
        calibration_report=calibration_report,
    )


_SOURCED = (
    "accelerators.csv",
    "offers.csv",
    "managed.csv",
    "storage.csv",
    "grid.csv",
    "regions.csv",
    "servers.csv",
    "labour.csv",
    "ownership.csv",
    "exchange_rates.csv",
    "architectures.csv",
)


def _current(rows: Iterable[tuple[int, DatedT]], as_of: date | None) -> list[DatedT]:
    return in_force((row for _, row in rows), as_of)


def _is_list_price(row: OfferRow) -> bool:
    return row.tier == "list" and row.trainable and row.usd_per_instance_hour is not None


def _architectures(
    path: Path,
    configs_dir: Path,
    rows: Iterable[tuple[int, ArchitectureRow]],
    problems: list[str],
) -> dict[str, Architecture]:
    """Read the configuration of every row the way a pasted config.json is read."""
    architectures = {}
    unused = {file.name for file in configs_dir.glob("*.json")}
    for line, row in rows:
        unused.discard(row.file_name)
        try:
            config = json.loads((configs_dir / row.file_name).read_bytes())
            architectures[row.model] = architecture_from_config(row.model, config)
        except FileNotFoundError:
            problems.append(
                problem(path, line, "model", f"configs/{row.file_name} is missing; add it")
            )
        except ValueError as error:
            problems.append(problem(path, line, "model", f"configs/{row.file_name}: {error}"))
        except UnknownArchitecture as error:
            problems.append(problem(path, line, error.field, error.message))
    problems += [f"configs/{name}: no row of {path.name} names it" for name in sorted(unused)]
    return architectures


def _source(row: SourceRow) -> Source:
    return Source(
        key=row.source,
        title=row.title,
        publisher=row.publisher,
        kind=row.kind,
        locator=row.locator,
        retrieved=row.retrieved,
    )


def _accelerator(row: AcceleratorRow, source: Source) -> Accelerator:
    """What is not published is 0 in a figure that plans need: none is made on such a chip."""
    return Accelerator(
        key=row.accelerator,
        name=row.name,
        vendor=row.vendor,
        architecture=row.architecture,
        year=row.year,
        memory_bytes=float(row.memory_gib) * GIB,
        memory_bytes_per_s=float(row.memory_bandwidth_gb_per_s) * GB,
        bf16_flop_per_s=_flop_per_s(row.bf16_dense_tflop_per_s) or 0.0,
        link=row.link,
        link_bytes_per_s=float(row.link_gb_per_s_per_direction) * GB,
        pcie_bytes_per_s=float(row.pcie_gb_per_s_per_direction or 0) * GB,
        tdp_w=float(row.tdp_w or 0),
        evidence=row.evidence,
        source=source,
        retrieved=row.retrieved,
        fp16_flop_per_s=_flop_per_s(row.fp16_dense_tflop_per_s),
        fp8_flop_per_s=_flop_per_s(row.fp8_dense_tflop_per_s),
        tf32_flop_per_s=_flop_per_s(row.tf32_dense_tflop_per_s),
        fp32_flop_per_s=_flop_per_s(row.fp32_tflop_per_s),
    )


def _flop_per_s(tflop_per_s: Decimal | None) -> float | None:
    return None if tflop_per_s is None else float(tflop_per_s) * TERA


def _study(row: StudyRow) -> Study:
    return Study(
        key=row.study,
        title=row.title,
        authors_short=row.authors_short,
        year=row.year,
        address=row.address,
        retrieved=row.retrieved,
        kind=row.kind,
        note=row.note or "",
    )


def _head_to_head(row: ResultRow, questions: Mapping[str, int]) -> HeadToHead:
    return HeadToHead(
        key=row.result,
        study=row.study,
        group=row.group,
        domain=row.domain,
        base_model=row.base_model,
        metric=row.metric,
        metric_kind=row.metric_kind,
        method=row.method,
        rank=row.rank,
        targets=row.targets,
        base=None if row.base_points is None else float(row.base_points),
        full=float(row.full_points),
        adapter=float(row.adapter_points),
        retention=row.retention,
        base_same_harness=bool(row.base_same_harness),
        locator=row.locator,
        stated_distance=row.distance or "",
        params_b=float(row.params_b),
        train_examples=row.train_examples,
        train_tokens=row.train_tokens,
        trainable=None if row.trainable_m is None else float(row.trainable_m) * 1e6,
        test_set_size=questions.get(row.metric),
        full_same_study=row.full_same_study,
    )
