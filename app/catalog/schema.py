"""The columns of every table, with ranges that catch a wrong unit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator

from app.catalog.tables import Row
from app.estimator.evidence import TaskGroup

# ---------------------------------------------------------------------------- cells


def decimal_between(low: str, high: str, unit: str) -> Callable[[object], object]:
    """Make a check for a plain decimal number from `low` to `high`, both included.

    Examples
    --------
    >>> decimal_between("8", "1024", "GiB")("80")
    Decimal('80')
    >>> decimal_between("8", "1024", "GiB")("80000")
    Traceback (most recent call last):
    ...
    ValueError: 80000 is out of range; 8 to 1024 GiB is expected, so check the unit
    """

    def check(cell: object) -> object:
        if cell is None or isinstance(cell, Decimal):
            return cell
        if not isinstance(cell, str) or not re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell):
            raise ValueError(f"{cell!r} is not a plain decimal number such as 12.5")
        value = Decimal(cell)
        if not Decimal(low) <= value <= Decimal(high):
            raise ValueError(
                f"{cell} is out of range; {low} to {high} {unit} is expected, so check the unit"
            )
        return value

    return check


def integer_between(low: int, high: int, unit: str) -> Callable[[object], object]:
    """Make a check for a plain whole number from `low` to `high`, both included."""

    def check(cell: object) -> object:
        if cell is None or isinstance(cell, int):
            return cell
        if not isinstance(cell, str) or not re.fullmatch(r"[0-9]+", cell):
            raise ValueError(f"{cell!r} is not a plain whole number such as 8")
        value = int(cell)
        if not low <= value <= high:
            raise ValueError(f"{cell} is out of range; {low} to {high} {unit} is expected")
        return value

    return check


def iso_date(cell: object) -> object:
    """Check for a day as 2026-11-23."""
    if cell is None or isinstance(cell, date):
        return cell
    message = f"{cell!r} is not a day such as 2026-11-23"
    if not isinstance(cell, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", cell):
        raise ValueError(message)
    try:
        return date.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(message) from error


def yes_no(cell: object) -> object:
    """Check for yes or no."""
    if cell is None or isinstance(cell, bool):
        return cell
    if cell not in ("yes", "no"):
        raise ValueError(f"{cell!r} is not yes or no")
    return cell == "yes"


def slug(cell: object) -> object:
    """Check for a name that can stand in an address."""
    if isinstance(cell, str) and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", cell):
        raise ValueError(f"{cell!r} may hold only letters, digits, dots, dashes and underscores")
    return cell


def blank_as_empty(cell: object) -> object:
    """Read a blank cell as an empty text."""
    return "" if cell is None else cell


Slug = Annotated[str, BeforeValidator(slug)]
Note = Annotated[str, BeforeValidator(blank_as_empty)]
Day = Annotated[date, BeforeValidator(iso_date)]
YesNo = Annotated[bool, BeforeValidator(yes_no)]
Year = Annotated[int, BeforeValidator(integer_between(1990, 2100, "years"))]
Gib = Annotated[Decimal, BeforeValidator(decimal_between("8", "1024", "GiB"))]
HostGib = Annotated[Decimal, BeforeValidator(decimal_between("1", "65536", "GiB"))]
MemoryRate = Annotated[Decimal, BeforeValidator(decimal_between("100", "50000", "GB/s"))]
LinkRate = Annotated[Decimal, BeforeValidator(decimal_between("4", "4000", "GB/s a direction"))]
TeraFlops = Annotated[Decimal, BeforeValidator(decimal_between("10", "20000", "TFLOP/s dense"))]
Watts = Annotated[Decimal, BeforeValidator(decimal_between("20", "3000", "W"))]
Gbit = Annotated[Decimal, BeforeValidator(decimal_between("1", "100000", "Gbit/s"))]
Usd = Annotated[Decimal, BeforeValidator(decimal_between("0.01", "10000", "USD/h"))]
Gpus = Annotated[int, BeforeValidator(integer_between(1, 144, "GPUs"))]
Count = Annotated[int, BeforeValidator(integer_between(1, 10_000_000, ""))]
Tokens = Annotated[int, BeforeValidator(integer_between(1, 10**14, ""))]
Rank = Annotated[int, BeforeValidator(integer_between(1, 16384, ""))]
Points = Annotated[Decimal, BeforeValidator(decimal_between("0", "100", "points"))]
Billions = Annotated[Decimal, BeforeValidator(decimal_between("0.01", "5000", "billion"))]

Link = Literal["nvlink", "nvlink-pair", "infinity-fabric", "roce", "pcie"]
Tier = Literal["list", "capacity-block", "marketplace"]
MetricKind = Literal["share", "overlap", "judge"]
Method = Literal[
    "lora",
    "qlora",
    "dora",
    "pissa",
    "lora-ga",
    "rslora",
    "lora+",
    "adalora",
    "lora-8bit",
]

LOWEST_USD_PER_GPU_HOUR = Decimal("0.05")
HIGHEST_USD_PER_GPU_HOUR = Decimal(60)
SMALLEST_USABLE_SHARE = Decimal("0.9")


def dates_in_order(valid_from: date, retrieved: date) -> Iterator[tuple[str, str]]:
    """A fact cannot have been read before it held."""
    if valid_from > retrieved:
        yield "valid_from", f"{valid_from} is after retrieved ({retrieved}); one of them is wrong"


# ---------------------------------------------------------------------------- pricing


class SourceRow(Row):
    """pricing/sources.csv: where facts were read."""

    key_column: ClassVar[str] = "source"

    source: Slug
    title: str
    publisher: str
    kind: Literal["price_api", "price_page", "datasheet", "dataset", "paper", "code", "note"]
    locator: str
    published: Day | None
    retrieved: Day
    licence: str
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Published no later than retrieved."""
        if self.published is not None and self.published > self.retrieved:
            yield "published", f"{self.published} is after retrieved ({self.retrieved})"


class AcceleratorRow(Row):
    """pricing/accelerators.csv: one GPU model, dense rates, bandwidths of one direction."""

    key_column: ClassVar[str] = "accelerator"

    accelerator: Slug
    name: str
    vendor: str
    architecture: str
    year: Year
    memory_gib: Gib
    memory_bandwidth_gb_per_s: MemoryRate
    bf16_dense_tflop_per_s: TeraFlops
    link: Link
    link_gb_per_s_per_direction: LinkRate
    pcie_gb_per_s_per_direction: LinkRate
    tdp_w: Watts
    evidence: Literal["datasheet", "dataset", "recalled"]
    valid_from: Day
    retrieved: Day
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Dates in order; a PCIe card has no faster link than PCIe."""
        yield from dates_in_order(self.valid_from, self.retrieved)
        if (
            self.link == "pcie"
            and self.link_gb_per_s_per_direction != self.pcie_gb_per_s_per_direction
        ):
            yield (
                "link_gb_per_s_per_direction",
                "differs from the PCIe figure although link is pcie; repeat that figure",
            )


class ProviderRow(Row):
    """pricing/providers.csv: who sells, and whether a company can sign the price."""

    key_column: ClassVar[str] = "provider"

    provider: Slug
    name: str
    firm: YesNo
    note: Note


class OfferRow(Row):
    """pricing/offers.csv: one price of one instance in one region."""

    key_column: ClassVar[str] = "offer"

    offer: Slug
    provider: Slug
    instance: str
    accelerator: Slug
    gpus_per_instance: Gpus
    gpu_memory_gib: Gib
    vcpus: Count | None
    host_memory_gib: HostGib | None
    intra_node_link: Literal["nvlink", "nvlink-pair", "infinity-fabric", "pcie", "none"]
    inter_node_gbit_per_s: Gbit | None
    region: str
    purchase_option: Literal["on-demand", "capacity-block"]
    usd_per_instance_hour: Usd
    tier: Tier
    trainable: YesNo
    minimum_instances: Count
    evidence: Literal["price-api", "price-page", "dataset", "sample", "quoted"]
    valid_from: Day
    retrieved: Day
    source: Slug
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """Dates, price per GPU, link and name agree with the other cells."""
        yield from dates_in_order(self.valid_from, self.retrieved)
        per_gpu = self.usd_per_instance_hour / self.gpus_per_instance
        if not LOWEST_USD_PER_GPU_HOUR <= per_gpu <= HIGHEST_USD_PER_GPU_HOUR:
            yield (
                "usd_per_instance_hour",
                f"is {per_gpu:.4g} USD per GPU and hour; {LOWEST_USD_PER_GPU_HOUR} to "
                f"{HIGHEST_USD_PER_GPU_HOUR} is expected: give the price of the whole instance",
            )
        if (self.gpus_per_instance == 1) != (self.intra_node_link == "none"):
            yield (
                "intra_node_link",
                f"is {self.intra_node_link} with {self.gpus_per_instance} GPUs; "
                "none is for one GPU and only for one GPU",
            )
        if (self.tier == "capacity-block") != (self.purchase_option == "capacity-block"):
            yield "tier", f"is {self.tier} but purchase_option is {self.purchase_option}"
        if self.minimum_instances != 1:
            yield (
                "minimum_instances",
                f"is {self.minimum_instances}; write the smallest unit that is sold as one "
                "instance, with its GPUs and its price, and 1 here",
            )
        ends = (f"{self.provider}.", f".{self.purchase_option}")
        if not (self.offer.startswith(ends[0]) and self.offer.endswith(ends[1])):
            yield "offer", f"{self.offer!r} must begin with {ends[0]!r} and end with {ends[1]!r}"


# ---------------------------------------------------------------------------- models


class ArchitectureRow(Row):
    """models/architectures.csv: a built-in model, and where its configuration was read."""

    key_column: ClassVar[str] = "model"

    model: str
    label: str
    family: str
    source: Slug
    retrieved: Day
    note: Note

    @property
    def file_name(self) -> str:
        """Its configuration in models/configs, as published or translated to those names."""
        return self.model.replace("/", "__") + ".json"


# ---------------------------------------------------------------------------- evidence


class StudyRow(Row):
    """evidence/studies.csv: one published study."""

    key_column: ClassVar[str] = "study"

    study: Slug
    title: str
    authors_short: str
    year: Year
    kind: Literal["paper", "benchmark"]
    address: str
    retrieved: Day
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The address can be opened."""
        if not self.address.startswith("https://"):
            yield "address", f"{self.address!r} must begin with https://"


class ResultRow(Row):
    """evidence/results.csv: one score of the base, the full and the adapter model."""

    key_column: ClassVar[str] = "result"

    result: Slug
    study: Slug
    locator: str
    base_model: str
    params_b: Billions
    group: TaskGroup
    domain: str
    metric: str
    metric_kind: MetricKind
    base_points: Points | None
    full_points: Points
    adapter_points: Points
    method: Method
    rank: Rank | None
    targets: Note
    train_examples: Tokens | None
    train_tokens: Tokens | None
    retention: YesNo
    base_same_harness: YesNo | None
    note: Note

    def faults(self) -> Iterator[tuple[str, str]]:
        """The harness of the base score is known exactly where there is a base score."""
        if (self.base_points is None) != (self.base_same_harness is None):
            yield (
                "base_same_harness",
                "is yes or no where base_points is given and blank where it is not",
            )
