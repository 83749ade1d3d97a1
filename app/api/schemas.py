"""What the API returns beside the report: facts as flat rows, and saved scenarios."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.catalog.catalog import ModelEntry
from app.catalog.price_changes import PriceChange
from app.estimator.hardware import Accelerator, Source
from app.estimator.report import Report
from app.estimator.units import GB, GIB, TERA
from app.inputs import ScenarioInput
from app.services.repricing import Repriced


class SourceOut(BaseModel):
    """Where a fact was read."""

    key: str
    title: str
    publisher: str
    locator: str
    retrieved: date

    @classmethod
    def of(cls, source: Source) -> SourceOut:
        """From the catalogue's source."""
        return cls(
            key=source.key,
            title=source.title,
            publisher=source.publisher,
            locator=source.locator,
            retrieved=source.retrieved,
        )


class ModelOut(BaseModel):
    """A built-in model."""

    model: str
    label: str
    family: str
    parameters: int
    active_parameters: int = Field(description="That one token meets.")
    layers: int
    hidden_size: int
    vocab_size: int
    max_position_embeddings: int | None
    source: SourceOut

    @classmethod
    def of(cls, entry: ModelEntry) -> ModelOut:
        """From the catalogue's entry."""
        a = entry.architecture
        return cls(
            model=a.name,
            label=entry.label,
            family=entry.family,
            parameters=a.parameter_count,
            active_parameters=a.active_parameter_count,
            layers=a.num_hidden_layers,
            hidden_size=a.hidden_size,
            vocab_size=a.vocab_size,
            max_position_embeddings=a.max_position_embeddings,
            source=SourceOut.of(entry.source),
        )


class AcceleratorOut(BaseModel):
    """One GPU, dense figures; links per direction."""

    accelerator: str
    name: str
    vendor: str
    architecture: str
    memory_gib: float
    memory_bandwidth_gb_per_s: float
    bf16_dense_tflop_per_s: float
    link: str
    link_gb_per_s_per_direction: float
    tdp_w: float
    evidence: str
    source: SourceOut

    @classmethod
    def of(cls, accelerator: Accelerator) -> AcceleratorOut:
        """From the catalogue's accelerator."""
        return cls(
            accelerator=accelerator.key,
            name=accelerator.name,
            vendor=accelerator.vendor,
            architecture=accelerator.architecture,
            memory_gib=accelerator.memory_bytes / GIB,
            memory_bandwidth_gb_per_s=accelerator.memory_bytes_per_s / GB,
            bf16_dense_tflop_per_s=accelerator.bf16_flop_per_s / TERA,
            link=accelerator.link,
            link_gb_per_s_per_direction=accelerator.link_bytes_per_s / GB,
            tdp_w=accelerator.tdp_w,
            evidence=accelerator.evidence,
            source=SourceOut.of(accelerator.source),
        )


class PriceChangeOut(BaseModel):
    """One price that differs between two price lists."""

    key: str = Field(description="Of the offer; for rates of a book, the place that it prices.")
    kind: Literal["added", "removed", "changed"]
    before_usd: float | None = Field(description="USD per instance-hour; null where there is none.")
    after_usd: float | None
    change_percent: float | None
    before_valid_from: date | None
    after_valid_from: date | None

    @classmethod
    def of(cls, change: PriceChange) -> PriceChangeOut:
        """From the catalogue's change."""
        fraction = change.fraction
        return cls(
            **asdict(change), change_percent=None if fraction is None else round(100 * fraction, 6)
        )


class ProblemOut(BaseModel):
    """Why something cannot be computed any more."""

    pointer: str
    detail: str


class _HoldsReport(BaseModel):
    """Validation and serialization of a whole report, made ready when first asked for.

    Notes
    -----
    A report has some 60 dataclasses, and each model that holds one builds all of them again: a
    sixth of what starting the server took.
    """

    model_config = ConfigDict(defer_build=True)


class RepricedOut(_HoldsReport):
    """A saved scenario as it was shared, and today."""

    before: Report
    after: Report | None = Field(description="null where it cannot be estimated any more.")
    problems: list[ProblemOut] = Field(description="Why not.")
    changes: list[PriceChangeOut] = Field(
        description="Prices that differ, of the offers that the scenario may plan on."
    )
    all_changes: int = Field(description="Prices that differ in the whole price list.")
    snapshot_known: bool = Field(
        description="Whether the prices of then were kept; without them no change can be named."
    )
    newer_version: int | None = Field(
        description="Newest version of the price book, where the scenario is pinned to an older "
        "one that the bearer may use; today's prices are then those of this version."
    )

    @classmethod
    def of(cls, found: Repriced) -> RepricedOut:
        """From the service's answer."""
        return cls(
            before=found.before,
            after=found.after,
            problems=[ProblemOut(pointer=p.pointer, detail=p.message) for p in found.problems],
            changes=[PriceChangeOut.of(change) for change in found.changes],
            all_changes=found.all_changes,
            snapshot_known=found.snapshot_known,
            newer_version=found.newer_version,
        )


class ScenarioOut(_HoldsReport):
    """A saved scenario, pinned to what was computed."""

    token: str = Field(description="Unguessable; whoever has it can read the scenario.")
    path: str = Field(description="Page of this scenario, relative to the server.")
    title: str
    created_at: datetime
    estimator_version: str
    catalog_hash: str
    scenario: ScenarioInput = Field(
        description="What was asked. A price book is named only to those who may compute with it; "
        "for others `price_book` is empty, and the report tells its name."
    )
    report: Report


class SavedOut(ScenarioOut):
    """A scenario that was saved just now."""

    workspace_key: str | None = Field(
        description="Shown once, when a workspace was made for this request. Send it as bearer "
        "token to save into the same workspace or to withdraw the link; null when one was sent."
    )
