"""Price books: a company's own rates and discounts, or an imported catalogue, over the built-in
offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

EVERY_REGION = "*"

Place = tuple[str, str, str, str]
"""What a book has one price for: provider, instance, region and purchase option."""


@dataclass(frozen=True, slots=True)
class BookRow:
    """One price of a price book.

    Parameters
    ----------
    provider, instance, accelerator : keys and names as in pricing/offers.csv.
    gpu_memory_gib : of one GPU; None for that of the accelerator. [GiB]
    vcpus, host_memory_gib : of one instance; None where not known. [count], [GiB]
    inter_node_gbit_per_s : of one instance; None where instances are not joined. [Gbit/s]
    region : as the provider calls it; `EVERY_REGION` for one price everywhere.
    purchase_option, tier : as in `app.estimator.hardware`.
    usd_per_instance_hour : of the whole instance. [USD/h]
    valid_from : day on which the price was in force.
    source : where it was read: ``entered``, or format and file of a catalogue.
    """

    provider: str
    instance: str
    accelerator: str
    gpus_per_instance: int
    gpu_memory_gib: Decimal | None
    vcpus: int | None
    host_memory_gib: Decimal | None
    inter_node_gbit_per_s: Decimal | None
    region: str
    purchase_option: str
    usd_per_instance_hour: Decimal
    tier: str
    valid_from: date
    source: str
    note: str = ""

    @property
    def place(self) -> Place:
        """Where it is the one price."""
        return self.provider, self.instance, self.region, self.purchase_option


@dataclass(frozen=True, slots=True)
class Discount:
    """A percentage off the built-in prices of a provider.

    Parameters
    ----------
    provider : key, as in pricing/providers.csv.
    purchase_option : the only one that it is given on; empty for all.
    percent : 0 to below 100; below 0 for a surcharge, down to -100. [%]
    """

    provider: str
    purchase_option: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class PriceBook:
    """A named set of prices in one version.

    Parameters
    ----------
    token, version : what a scenario names it by: ``token@version``.
    base : ``built-in`` (rows replace and add to the built-in offers) or ``none`` (rows alone).
    """

    token: str
    version: int
    name: str
    base: str
    discounts: tuple[Discount, ...]
    rows: tuple[BookRow, ...]

    @property
    def label(self) -> str:
        """As a reader calls it."""
        return f"{self.name}, version {self.version}"
