"""What can be rented: accelerators and offers, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

FABRIC_LINKS = ("nvlink", "infinity-fabric", "roce")
BRIDGED_GPUS = 2

CHIPS = ("ampere", "hopper", "blackwell", "graphics", "cdna", "other")
"""Classes of chips whose matrix products take alike energy: data-centre parts by generation,
graphics chips with GDDR memory together, and the rest."""

LOW_PRECISION_GAIN = {"bf16": 1.0, "fp8": 2.0, "fp4": 4.0}
"""Peak over that of bf16 where the chip has it: datasheets of Ada, Hopper, Blackwell and CDNA 3."""

PLANNED_VENDORS = ("NVIDIA", "AMD")
"""TPUs and Trainium train too, with software of their own that no measured run here speaks of."""

OLD_PRICE_DAYS = 90
"""From this age a price carries a badge."""
STALE_PRICE_DAYS = 180
"""Beyond this age a price carries a warning, and is left out where a newer one exists."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact was read.

    Parameters
    ----------
    key : short identifier used in the tables.
    title, publisher : what it is and who wrote it.
    kind : price_api, price_page, datasheet, dataset, paper, code, note.
    locator : address or repository path, with table, page or commit.
    retrieved : day on which it was read.
    """

    key: str
    title: str
    publisher: str
    kind: str
    locator: str
    retrieved: date


@dataclass(frozen=True, slots=True)
class Accelerator:
    """One GPU, in dense figures.

    Parameters
    ----------
    memory_bytes : memory of one GPU. [bytes]
    memory_bytes_per_s : memory bandwidth. [bytes/s]
    bf16_flop_per_s : dense bf16 peak with fp32 accumulation. [FLOP/s]
    link : nvlink, nvlink-pair (a bridge between two cards), infinity-fabric, roce (ports of the
        card itself), ici (TPU), neuronlink or pcie.
    link_bytes_per_s : bandwidth of that link, per GPU and direction. [bytes/s]
    pcie_bytes_per_s : host link, per GPU and direction. [bytes/s]
    fp16_flop_per_s, fp8_flop_per_s, tf32_flop_per_s, fp32_flop_per_s : other dense peaks; None
        where the chip has no such units or none is published. [FLOP/s]
    evidence : datasheet, dataset, or recalled (a figure whose page was not read again).
    """

    key: str
    name: str
    vendor: str
    architecture: str
    year: int
    memory_bytes: float
    memory_bytes_per_s: float
    bf16_flop_per_s: float
    link: str
    link_bytes_per_s: float
    pcie_bytes_per_s: float
    tdp_w: float
    evidence: str
    source: Source
    retrieved: date
    fp16_flop_per_s: float | None = None
    fp8_flop_per_s: float | None = None
    tf32_flop_per_s: float | None = None
    fp32_flop_per_s: float | None = None

    @property
    def can_be_planned(self) -> bool:
        """Whether plans are made on it: bf16 units, and software that we know the speed of."""
        return self.bf16_flop_per_s > 0 and self.vendor in PLANNED_VENDORS

    @property
    def is_geforce(self) -> bool:
        """Whether it is a consumer card.

        Notes
        -----
        GeForce cards have half the tensor rate with fp32 accumulation, so they come nearer to the
        figure that is left, and their driver has no copies from card to card.
        """
        return self.key.startswith(("RTX-3", "RTX-4", "RTX-50"))

    @property
    def chip(self) -> str:
        """Its class among `CHIPS`."""
        if self.key.startswith(("RTX-", "A10-", "A10G-", "A40-", "L4", "T4")):
            return "graphics"
        for name in ("ampere", "hopper", "blackwell", "cdna"):
            if self.architecture.lower().startswith(name):
                return name
        return "other"

    def gain(self, compute: str) -> float:
        """Peak in a compute type over that in bf16; 1 where the chip does not have it. [ratio]"""
        if not self.architecture.startswith(("Ada", "Hopper", "Blackwell", "CDNA 3", "CDNA 4")):
            return 1.0
        if compute == "fp4" and not self.architecture.startswith(("Blackwell", "CDNA 4")):
            compute = "fp8"
        return LOW_PRECISION_GAIN[compute]


@dataclass(frozen=True, slots=True)
class Grid:
    """Electricity of one country or cloud region.

    Parameters
    ----------
    g_co2e_per_kwh : carbon intensity of what is consumed there, location based; of `data_year`,
        read in `source`. [g/kWh]
    usd_per_kwh : price for a business, of `valid_from`, read in `usd_per_kwh_source`; both None
        where none was found. [USD/kWh]
    """

    key: str
    label: str
    data_year: int
    g_co2e_per_kwh: float
    usd_per_kwh: float | None
    usd_per_kwh_source: Source | None
    evidence: str
    source: Source
    valid_from: date
    retrieved: date


PURCHASE_OPTIONS = {
    "on-demand": "on demand",
    "spot": "spot",
    "reserved-1y": "reserved for 1 year",
    "reserved-3y": "reserved for 3 years",
    "capacity-block": "capacity block",
}
"""How an instance is paid for, as a reader calls it."""

TIERS = {
    "list": "list price of a firm provider",
    "spot": "spot price of a firm provider",
    "capacity-block": "capacity block",
    "marketplace": "marketplace",
}
"""What a price is worth: whether a company can sign it today."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be rented today, bought in whole instances.

    Parameters
    ----------
    key : provider.instance.region.purchase-option
    gpus_per_instance : GPUs in one instance. [count]
    memory_bytes : memory of one GPU as this offer states it. [bytes]
    vcpus : of one instance, None where it is not published. [count]
    host_memory_bytes : memory of the host, None where it is not published. [bytes]
    intra_node_bytes_per_s : link between GPUs of one instance, per GPU and direction. [bytes/s]
    inter_node_bytes_per_s : link between instances, per GPU and direction; None means that
        several instances are not planned on. [bytes/s]
    purchase_option : one of `PURCHASE_OPTIONS`; tier : one of `TIERS`.
    usd_per_instance_hour : what is paid, after the discount of a price book. [USD/h]
    trainable : False for inference deployments; never planned on.
    valid_from : day on which the price was in force at its source.
    list_usd_per_instance_hour : before the discount or the own rate of a price book; None where
        there is no such price. [USD/h]
    discount_fraction : what the price book takes off the list price; below 0 for a surcharge.
    price_book : name of the price book that set the price; empty for the built-in table.
    grid : electricity of its region, None where the region is not known.
    """

    key: str
    provider: str
    provider_name: str
    instance: str
    accelerator: Accelerator
    gpus_per_instance: int
    memory_bytes: float
    host_memory_bytes: float | None
    intra_node_link: str
    intra_node_bytes_per_s: float
    inter_node_bytes_per_s: float | None
    region: str
    purchase_option: str
    usd_per_instance_hour: float
    tier: str
    evidence: str
    source: Source
    valid_from: date
    retrieved: date
    vcpus: int | None = None
    trainable: bool = True
    list_usd_per_instance_hour: float | None = None
    discount_fraction: float = 0.0
    price_book: str = ""
    grid: Grid | None = None

    @property
    def has_fabric(self) -> bool:
        """Whether its GPUs are joined by more than PCIe; a bridge joins two cards and no more."""
        bridged = self.intra_node_link == "nvlink-pair" and self.gpus_per_instance == BRIDGED_GPUS
        return bridged or self.intra_node_link in FABRIC_LINKS

    @property
    def can_be_planned(self) -> bool:
        """Whether plans are made on it."""
        return self.trainable and self.accelerator.can_be_planned

    @property
    def usd_per_gpu_hour(self) -> float:
        """Price of one GPU for one hour. [USD/h]"""
        return self.usd_per_instance_hour / self.gpus_per_instance
