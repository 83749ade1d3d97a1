"""gpuhunt's catalogues: ``PROVIDER.csv``, the format of 2023 to that of 0.1.34.

Notes
-----
Prices are in US dollars for one instance and hour; spot prices are rows of their own. Older files
lack the columns from gpu_vendor on and write ``tpu-`` before the names of TPUs. Only the format is
used; no code of gpuhunt (MPL-2.0) is in here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal

from app.catalog.importers.cells import gib_of_gpu, number, tidy, usd, whole
from app.catalog.importers.collector import NO_ACCELERATOR, NO_PRICE, Collector, Machine, Place
from app.catalog.importers.csv_stream import CatalogueFile
from app.catalog.importers.gcp import TPU_PREFIX, region_of_zone, tpu_slice
from app.catalog.tables import CatalogError

REQUIRED = (
    "instance_name",
    "location",
    "price",
    "gpu_count",
    "gpu_name",
    "gpu_memory",
    "spot",
)
CLUSTER_FLAG = "runpod-cluster"
CALENDAR_FLAG = "gcp-dws-calendar-mode"
SOLD_AS_CLUSTER = "sold as a cluster of several instances"
GOOGLE_TPU = re.compile(r"(tpu-)?v\d+[a-z]*-\d+", re.IGNORECASE)
COUNTRY = re.compile(r"[A-Z]{2}")
MAX_DATA_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class HuntedItem:
    """One row, from a file or from the library, not yet judged.

    Parameters
    ----------
    gpu_memory_gib : of one GPU; None where it is not given. [GiB]
    calendar_mode : whether the price is Google's for capacity that is reserved by the calendar.
    """

    instance: str
    location: str
    price: Decimal | None
    vcpus: int | None
    host_memory_gib: Decimal | None
    gpus: int
    gpu_name: str
    gpu_memory_gib: Decimal | None
    spot: bool
    flags: tuple[str, ...]
    calendar_mode: bool


def read_gpuhunt(file: CatalogueFile, provider: str, into: Collector) -> None:
    """Read one file of one provider.

    Raises
    ------
    CatalogError : not such a file.
    """
    for line, cells in file.lines():
        place = Place(file.name, line)
        take_item(_item(file, cells, place, into), provider, place, into)


def take_item(item: HuntedItem, provider: str, place: Place, into: Collector) -> None:
    """Take one row, or count why not."""
    into.read += 1
    if not item.gpus:
        into.skip(NO_ACCELERATOR, place, item.instance)
        return
    if item.price is None:
        into.skip(NO_PRICE, place, item.instance)
        return
    if CLUSTER_FLAG in item.flags:
        into.skip(SOLD_AS_CLUSTER, place, item.instance)
        return
    option = "spot" if item.spot else "on-demand"
    if item.calendar_mode or CALENDAR_FLAG in item.flags:
        option = "capacity-block"
    name, gpus, memory = item.gpu_name, item.gpus, item.gpu_memory_gib
    instance, region, seller = _place_of(item, provider)
    if provider == "gcp" and GOOGLE_TPU.fullmatch(name):
        # The memory is that of the whole slice.
        instance = TPU_PREFIX + name.lower().removeprefix(TPU_PREFIX)
        found = tpu_slice(instance, place, into)
        if found is None:
            return
        (name, gpus), memory = found, None
    accelerator = into.accelerator(seller, instance, (name,), memory, place)
    if accelerator is None:
        return
    machine = into.machine(
        Machine(
            provider=seller,
            instance=instance,
            accelerator=accelerator,
            gpus=gpus,
            gpu_memory_gib=memory,
            vcpus=item.vcpus,
            host_memory_gib=item.host_memory_gib,
            region=region,
        ),
        place,
    )
    if machine is None:
        return
    if option == "on-demand":
        into.take(machine, item.price, None, place)
    else:
        into.price(machine, option, item.price, place)


def _place_of(item: HuntedItem, provider: str) -> tuple[str, str, str]:
    """Instance, region and seller, as they are called here."""
    instance, region = item.instance, item.location or "all"
    if provider == "gcp":
        return instance, region_of_zone(region), provider
    if provider == "nebius":
        return instance.replace(" ", "_"), region, provider
    if provider == "runpod":
        # One name for any number of GPUs; countries are those of individuals' hosts, data centres
        # those of partners'.
        seller = "runpod-community" if COUNTRY.fullmatch(region) else provider
        return f"{item.gpus}x {instance}", region, seller
    return instance, region, provider


def _item(file: CatalogueFile, cells: list[str], place: Place, into: Collector) -> HuntedItem:
    """A row of a file.

    Raises
    ------
    CatalogError : a cell that no such file has.
    """

    def cell(column: str) -> str:
        found = file.place(column)
        return cells[found].strip() if found >= 0 else ""

    gpus = whole(cell("gpu_count")) if cell("gpu_count") else 0
    if gpus is None:
        raise CatalogError([f"{place}, gpu_count: {cell('gpu_count')[:40]!r} is not a number"])
    spot = cell("spot").lower()
    if spot not in ("true", "false"):
        raise CatalogError([f"{place}, spot: {cell('spot')[:40]!r} is not True or False"])
    try:
        price = usd(cell("price"))
    except ValueError as error:
        raise CatalogError([f"{place}, price: {error}"]) from error
    memory, host = number(cell("gpu_memory")), number(cell("memory"))
    return HuntedItem(
        instance=into.text(cell("instance_name"), place, "instance_name"),
        location=into.text(cell("location"), place, "location"),
        price=price,
        vcpus=whole(cell("cpu")) or None,
        host_memory_gib=tidy(host.quantize(Decimal("0.1"))) if host else None,
        gpus=gpus,
        gpu_name=into.text(cell("gpu_name"), place, "gpu_name"),
        gpu_memory_gib=gib_of_gpu(memory) if memory else None,
        spot=spot == "true",
        flags=tuple(cell("flags").split()),
        calendar_mode=_is_calendar_mode(cell("provider_data")),
    )


def _is_calendar_mode(cell: str) -> bool:
    """Whether provider_data, JSON, says that the price is one of the calendar mode."""
    if "is_dws_calendar_mode" not in cell or len(cell) > MAX_DATA_CHARACTERS:
        return False
    try:
        data = json.loads(cell)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("is_dws_calendar_mode") is True
