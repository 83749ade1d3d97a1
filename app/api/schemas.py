"""What the API returns beside the report: facts as flat rows, and saved scenarios."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from app.catalog.catalog import ModelEntry
from app.estimator.hardware import Accelerator, Offer, Source
from app.estimator.report import Report
from app.estimator.units import GB, GIB, TERA
from app.inputs import ScenarioInput


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


class OfferOut(BaseModel):
    """One thing to rent, by whole instances."""

    offer: str
    provider: str
    provider_name: str
    instance: str
    accelerator: str
    gpus_per_instance: int
    region: str
    purchase_option: str
    tier: str = Field(description="list, capacity-block or marketplace")
    usd_per_instance_hour: float
    usd_per_gpu_hour: float
    valid_from: date
    source: SourceOut

    @classmethod
    def of(cls, offer: Offer) -> OfferOut:
        """From the catalogue's offer."""
        return cls(
            offer=offer.key,
            provider=offer.provider,
            provider_name=offer.provider_name,
            instance=offer.instance,
            accelerator=offer.accelerator.key,
            gpus_per_instance=offer.gpus_per_instance,
            region=offer.region,
            purchase_option=offer.purchase_option,
            tier=offer.tier,
            usd_per_instance_hour=offer.usd_per_instance_hour,
            usd_per_gpu_hour=offer.usd_per_gpu_hour,
            valid_from=offer.valid_from,
            source=SourceOut.of(offer.source),
        )


class ScenarioOut(BaseModel):
    """A saved scenario, pinned to what was computed."""

    token: str = Field(description="Unguessable; whoever has it can read the scenario.")
    path: str = Field(description="Page of this scenario, relative to the server.")
    title: str
    created_at: datetime
    estimator_version: str
    catalog_hash: str
    scenario: ScenarioInput
    report: Report


class SavedOut(ScenarioOut):
    """A scenario that was saved just now."""

    workspace_key: str | None = Field(
        description="Shown once, when a workspace was made for this request. Send it as bearer "
        "token to save into the same workspace or to withdraw the link; null when one was sent."
    )
