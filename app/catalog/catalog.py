"""The built-in facts, loaded once: models, accelerators, offers, studies and their sources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from app.catalog.calibration import (
    CALIBRATION_FILE,
    CalibrationDocument,
    load_calibration,
)
from app.catalog.config_json import architecture_from_config
from app.catalog.schema import (
    SMALLEST_USABLE_SHARE,
    AcceleratorRow,
    ArchitectureRow,
    OfferRow,
    ProviderRow,
    ResultRow,
    SourceRow,
    StudyRow,
)
from app.catalog.tables import CatalogError, Row, problem, read_table
from app.estimator.architecture import Architecture
from app.estimator.calibration import Calibration, uncalibrated
from app.estimator.errors import UnknownArchitecture
from app.estimator.evidence import HeadToHead
from app.estimator.hardware import (
    BRIDGED_GPUS,
    FABRIC_LINKS,
    Accelerator,
    Offer,
    Source,
)
from app.estimator.units import BITS_PER_BYTE, GB, GIB, TERA

CATALOG_DIR = Path(__file__).parent

RowT = TypeVar("RowT", bound=Row)


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
    """A published study that compares full fine-tuning with adapters."""

    key: str
    title: str
    authors_short: str
    year: int
    address: str
    retrieved: date


@dataclass(frozen=True, slots=True)
class Catalog:
    """All facts of the tables, in the types of the estimator.

    Parameters
    ----------
    models, accelerators, studies, sources : by key; read-only.
    offers : what can be trained on, sorted by key.
    head_to_heads : in the order of the table.
    content_hash : SHA-256 of all tables, so that an answer can name the facts it was made from.
    prices_as_of : newest day on which a list price was in force.
    calibration, calibration_report : fitted constants, and how the fit went; None before one.
    """

    models: Mapping[str, ModelEntry]
    accelerators: Mapping[str, Accelerator]
    offers: tuple[Offer, ...]
    head_to_heads: tuple[HeadToHead, ...]
    studies: Mapping[str, Study]
    sources: Mapping[str, Source]
    content_hash: str
    prices_as_of: date
    calibration: Calibration
    calibration_report: CalibrationDocument | None


def load_catalog(pricing_dir: Path, *, calibrated: bool = True) -> Catalog:
    """Read every table and put the facts together.

    Parameters
    ----------
    pricing_dir : where sources.csv, accelerators.csv, providers.csv and offers.csv are.
    calibrated : False to start a new fit from the constants as they were before any.

    Raises
    ------
    CatalogError : with the problems of all tables.
    """
    calibration = CALIBRATION_FILE if calibrated else None
    return _load(pricing_dir, CATALOG_DIR / "models", CATALOG_DIR / "evidence", calibration)


def _load(
    pricing_dir: Path,
    models_dir: Path,
    evidence_dir: Path,
    calibration_file: Path | None = CALIBRATION_FILE,
) -> Catalog:
    """Read the tables from given folders."""
    paths = (
        pricing_dir / "sources.csv",
        pricing_dir / "accelerators.csv",
        pricing_dir / "providers.csv",
        pricing_dir / "offers.csv",
        models_dir / "architectures.csv",
        evidence_dir / "studies.csv",
        evidence_dir / "results.csv",
    )
    calibration, calibration_report = uncalibrated(), None
    if calibration_file is not None:
        calibration, calibration_report = load_calibration(calibration_file)
    problems: list[str] = []
    source_rows = _read(paths[0], SourceRow, problems)
    accelerator_rows = _read(paths[1], AcceleratorRow, problems)
    provider_rows = _read(paths[2], ProviderRow, problems)
    offer_rows = _read(paths[3], OfferRow, problems)
    architecture_rows = _read(paths[4], ArchitectureRow, problems)
    study_rows = _read(paths[5], StudyRow, problems)
    result_rows = _read(paths[6], ResultRow, problems)

    sources = {row.source: _source(row) for _, row in source_rows}
    specifications = {row.accelerator: row for _, row in accelerator_rows}
    providers = {row.provider: row for _, row in provider_rows}
    studies = {row.study: _study(row) for _, row in study_rows}
    problems += _unknown(paths[1], accelerator_rows, "source", paths[0], sources)
    problems += _unknown(paths[3], offer_rows, "source", paths[0], sources)
    problems += _unknown(paths[3], offer_rows, "accelerator", paths[1], specifications)
    problems += _unknown(paths[3], offer_rows, "provider", paths[2], providers)
    problems += _unknown(paths[4], architecture_rows, "source", paths[0], sources)
    problems += _unknown(paths[6], result_rows, "study", paths[5], studies)
    problems += _offer_problems(paths[3], offer_rows, specifications, providers)
    configs_dir = models_dir / "configs"
    architectures = _architectures(paths[4], configs_dir, architecture_rows, problems)
    listed = [row.valid_from for _, row in offer_rows if row.tier == "list" and row.trainable]
    if offer_rows and not listed:
        problems.append("offers.csv: holds no trainable offer of the list tier; add one")
    if problems:
        raise CatalogError(problems)

    accelerators = {
        row.accelerator: _accelerator(row, sources[row.source]) for _, row in accelerator_rows
    }
    offers = [
        _offer(row, accelerators[row.accelerator], providers[row.provider], sources[row.source])
        for _, row in offer_rows
        if row.trainable
    ]
    models = {
        row.model: ModelEntry(
            architecture=architectures[row.model],
            label=row.label,
            family=row.family,
            source=sources[row.source],
            retrieved=row.retrieved,
        )
        for _, row in architecture_rows
    }
    return Catalog(
        models=MappingProxyType(models),
        accelerators=MappingProxyType(accelerators),
        offers=tuple(sorted(offers, key=lambda offer: offer.key)),
        head_to_heads=tuple(_head_to_head(row) for _, row in result_rows),
        studies=MappingProxyType(studies),
        sources=MappingProxyType(sources),
        content_hash=_content_hash(
            (
                *paths,
                *sorted(configs_dir.glob("*.json")),
                *([calibration_file] if calibration_file else []),
            )
        ),
        calibration=calibration,
        calibration_report=calibration_report,
        prices_as_of=max(listed),
    )


def _read(path: Path, row_model: type[RowT], problems: list[str]) -> list[tuple[int, RowT]]:
    """Read one table; add its problems to those of the others."""
    try:
        return read_table(path, row_model)
    except CatalogError as error:
        problems += error.problems
        return []


def _unknown(
    path: Path,
    rows: Iterable[tuple[int, Row]],
    column: str,
    table: Path,
    known: Mapping[str, object],
) -> list[str]:
    """Say which rows of `path` refer to a key that `table` does not hold.

    A table that could not be read holds nothing, and nothing is said of references to it.
    """
    if not known:
        return []
    return [
        problem(
            path, line, column, f"{getattr(row, column)!r} is not in {table.name}; add it there"
        )
        for line, row in rows
        if getattr(row, column) not in known
    ]


def _offer_problems(
    path: Path,
    rows: Iterable[tuple[int, OfferRow]],
    accelerators: Mapping[str, AcceleratorRow],
    providers: Mapping[str, ProviderRow],
) -> list[str]:
    """Compare each offer with its accelerator and its provider."""
    problems = []
    for line, row in rows:
        provider = providers.get(row.provider)
        if provider is not None and provider.firm == (row.tier == "marketplace"):
            wanted = "list or capacity-block" if provider.firm else "marketplace"
            problems.append(
                problem(path, line, "tier", f"is {row.tier}; {provider.name} sells as {wanted}")
            )
        accelerator = accelerators.get(row.accelerator)
        if accelerator is None:
            continue
        fitted = accelerator.memory_gib
        if not fitted * SMALLEST_USABLE_SHARE <= row.gpu_memory_gib <= fitted:
            problems.append(
                problem(
                    path,
                    line,
                    "gpu_memory_gib",
                    f"is {row.gpu_memory_gib}; {accelerator.name} has {fitted} that can be used",
                )
            )
        if row.intra_node_link not in ("none", "pcie", accelerator.link):
            problems.append(
                problem(
                    path,
                    line,
                    "intra_node_link",
                    f"is {row.intra_node_link}; {accelerator.name} has {accelerator.link}",
                )
            )
    return problems


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


def _content_hash(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents in a fixed order, line ends and byte-order mark aside."""
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


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
    return Accelerator(
        key=row.accelerator,
        name=row.name,
        vendor=row.vendor,
        architecture=row.architecture,
        year=row.year,
        memory_bytes=float(row.memory_gib) * GIB,
        memory_bytes_per_s=float(row.memory_bandwidth_gb_per_s) * GB,
        bf16_flop_per_s=float(row.bf16_dense_tflop_per_s) * TERA,
        link=row.link,
        link_bytes_per_s=float(row.link_gb_per_s_per_direction) * GB,
        pcie_bytes_per_s=float(row.pcie_gb_per_s_per_direction) * GB,
        tdp_w=float(row.tdp_w),
        evidence=row.evidence,
        source=source,
        retrieved=row.retrieved,
    )


def _offer(row: OfferRow, accelerator: Accelerator, provider: ProviderRow, source: Source) -> Offer:
    network = row.inter_node_gbit_per_s
    return Offer(
        key=row.offer,
        provider=row.provider,
        provider_name=provider.name,
        instance=row.instance,
        accelerator=accelerator,
        gpus_per_instance=row.gpus_per_instance,
        memory_bytes=float(row.gpu_memory_gib) * GIB,
        host_memory_bytes=None if row.host_memory_gib is None else float(row.host_memory_gib) * GIB,
        intra_node_link=row.intra_node_link,
        intra_node_bytes_per_s=_intra_node_bytes_per_s(row, accelerator),
        inter_node_bytes_per_s=None
        if network is None
        else float(network) * GB / BITS_PER_BYTE / row.gpus_per_instance,
        region=row.region,
        purchase_option=row.purchase_option,
        usd_per_instance_hour=float(row.usd_per_instance_hour),
        tier=row.tier,
        evidence=row.evidence,
        source=source,
        valid_from=row.valid_from,
        retrieved=row.retrieved,
    )


def _intra_node_bytes_per_s(row: OfferRow, accelerator: Accelerator) -> float:
    """Link between the GPUs of one instance; a bridge joins two cards and no more. [bytes/s]"""
    if row.intra_node_link == "none":
        return 0.0
    bridged = row.intra_node_link == "nvlink-pair" and row.gpus_per_instance == BRIDGED_GPUS
    if bridged or row.intra_node_link in FABRIC_LINKS:
        return accelerator.link_bytes_per_s
    return accelerator.pcie_bytes_per_s


def _study(row: StudyRow) -> Study:
    return Study(
        key=row.study,
        title=row.title,
        authors_short=row.authors_short,
        year=row.year,
        address=row.address,
        retrieved=row.retrieved,
    )


def _head_to_head(row: ResultRow) -> HeadToHead:
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
    )
