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
        card itself) or pcie.
    link_bytes_per_s : bandwidth of that link, per GPU and direction. [bytes/s]
    pcie_bytes_per_s : host link, per GPU and direction. [bytes/s]
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
class Offer:
    """Something that can be rented today, bought in whole instances.

    Parameters
    ----------
    key : provider.instance.region.purchase-option
    gpus_per_instance : GPUs in one instance. [count]
    memory_bytes : memory of one GPU as this offer states it. [bytes]
    host_memory_bytes : memory of the host, None where it is not published. [bytes]
    intra_node_bytes_per_s : link between GPUs of one instance, per GPU and direction. [bytes/s]
    inter_node_bytes_per_s : link between instances, per GPU and direction; None means that
        several instances are not planned on. [bytes/s]
    usd_per_instance_hour : price. [USD/h]
    tier : list (price list of a firm provider), capacity-block, or marketplace.
    valid_from : day on which the price was in force at its source.
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

    @property
    def has_fabric(self) -> bool:
        """Whether its GPUs are joined by more than PCIe; a bridge joins two cards and no more."""
        bridged = self.intra_node_link == "nvlink-pair" and self.gpus_per_instance == BRIDGED_GPUS
        return bridged or self.intra_node_link in FABRIC_LINKS

    @property
    def usd_per_gpu_hour(self) -> float:
        """Price of one GPU for one hour. [USD/h]"""
        return self.usd_per_instance_hour / self.gpus_per_instance
