"""Google's prices: machine and accelerators in rows of their own, TPUs in slices, zones.

References
----------
SkyPilot, sky/catalog/gcp_catalog.py, for which machine type has which accelerators, and
sky/catalog/data_fetchers/fetch_gcp.py, for what the counts in TPU names mean: chips for v5e and
v6e, cores (two a chip) for v5p.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from app.catalog.importers.cells import tidy
from app.catalog.importers.collector import (
    CONTRADICTION,
    NO_ACCELERATOR,
    NO_PRICE,
    Collector,
    Machine,
    Place,
)

HOST_WITHOUT_ACCELERATOR = "machine whose accelerators are priced in rows that are missing"
ACCELERATOR_WITHOUT_HOST = "accelerators whose machine is priced in a row that is missing"
SEVERAL_HOSTS = "TPU slice of several hosts"
UNKNOWN_SLICE = "TPU slice that is not understood"
MIXED_FIGURE = "price on demand not above the spot price, as flex-start prices are"

_COUNTED = re.compile(r"(a2-highgpu|a2-ultragpu|a3-highgpu)-([1248])g")
_COUNTED_NAMES = {"a2-highgpu": "A100", "a2-ultragpu": "A100-80GB", "a3-highgpu": "H100"}
_FIXED = {
    "a2-megagpu-16g": ("A100", 16),
    "a3-megagpu-8g": ("H100-MEGA", 8),
    "a3-ultragpu-8g": ("H200", 8),
    "a4-highgpu-8g": ("B200", 8),
    "g2-standard-4": ("L4", 1),
    "g2-standard-8": ("L4", 1),
    "g2-standard-12": ("L4", 1),
    "g2-standard-16": ("L4", 1),
    "g2-standard-24": ("L4", 2),
    "g2-standard-32": ("L4", 1),
    "g2-standard-48": ("L4", 4),
    "g2-standard-96": ("L4", 8),
}
_WITH_ACCELERATORS = ("a2-", "a3-", "a4-", "a4x-", "g2-", "g4-")
TPU_PREFIX = "tpu-"
_SLICE = re.compile(r"tpu-(v\d+[a-z]*)-(\d+)")
_CORES_PER_CHIP = {"v5p": 2}
_CHIPS_OF_ONE_HOST = {"v5litepod": (1, 4, 8), "v6e": (1, 4, 8), "v5p": (4,)}

Zone = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Host:
    place: Place
    instance: str
    vcpus: int | None
    memory_gib: Decimal | None
    on_demand: Decimal | None
    spot: Decimal | None


@dataclass(frozen=True, slots=True)
class _Accelerators:
    place: Place
    memory_gib: Decimal | None
    on_demand: Decimal | None
    spot: Decimal | None
    is_mixed: bool


def accelerators_of(instance: str) -> tuple[str, int] | None:
    """Name and number of the accelerators of a machine type; None where it has none of its own.

    Examples
    --------
    >>> accelerators_of("a3-highgpu-8g"), accelerators_of("n1-standard-8")
    (('H100', 8), None)
    """
    counted = _COUNTED.fullmatch(instance)
    if counted:
        return _COUNTED_NAMES[counted[1]], int(counted[2])
    return _FIXED.get(instance)


class GoogleParts:
    """Machines and accelerators of one file, summed by zone when all of it was read."""

    def __init__(self, into: Collector) -> None:
        self._into = into
        self._hosts: defaultdict[Zone, list[_Host]] = defaultdict(list)
        self._accelerators: dict[tuple[Zone, str, int], _Accelerators] = {}
        self._used: set[tuple[Zone, str, int]] = set()

    def add_host(
        self,
        place: Place,
        zone: Zone,
        instance: str,
        vcpus: int | None,
        memory_gib: Decimal | None,
        on_demand: Decimal | None,
        spot: Decimal | None,
    ) -> None:
        """Keep the price of a machine; one that takes no accelerators is a CPU machine."""
        if accelerators_of(instance) is not None:
            host = _Host(place, instance, vcpus or None, memory_gib or None, on_demand, spot)
            self._hosts[zone].append(host)
        elif instance.startswith(_WITH_ACCELERATORS):
            self._into.skip(HOST_WITHOUT_ACCELERATOR, place, instance)
        else:
            self._into.skip(NO_ACCELERATOR, place, instance)

    def add_accelerators(
        self,
        place: Place,
        zone: Zone,
        name: str,
        gpus: int,
        memory_gib: Decimal | None,
        on_demand: Decimal | None,
        spot: Decimal | None,
    ) -> None:
        """Keep the price of a number of accelerators."""
        is_mixed = on_demand is not None and spot is not None and on_demand <= spot
        if is_mixed:
            self._into.skip(MIXED_FIGURE, place, f"{gpus} {name}: {on_demand}, spot {spot}")
            on_demand = None
        key = (zone, name.upper(), gpus)
        part = _Accelerators(place, memory_gib, on_demand, spot, is_mixed)
        held = self._accelerators.setdefault(key, part)
        if (held.on_demand, held.spot) != (on_demand, spot):
            self._into.skip(CONTRADICTION, place, f"{gpus} {name} in {zone[1]}: {on_demand}")

    def put_together(self) -> None:
        """Sum machines and accelerators of the same zone."""
        for zone, hosts in self._hosts.items():
            for host in hosts:
                self._sum(zone, host)
        for key, part in self._accelerators.items():
            if key not in self._used:
                _, name, gpus = key
                self._into.skip(ACCELERATOR_WITHOUT_HOST, part.place, f"{gpus} {name}")

    def _sum(self, zone: Zone, host: _Host) -> None:
        """Take a machine with its accelerators."""
        name, gpus = accelerators_of(host.instance) or ("", 0)
        part = self._accelerators.get((zone, name, gpus))
        if part is None:
            self._into.skip(HOST_WITHOUT_ACCELERATOR, host.place, f"{host.instance} in {zone[1]}")
            return
        self._used.add((zone, name, gpus))
        into = self._into
        accelerator = into.accelerator("gcp", host.instance, (name,), part.memory_gib, host.place)
        if accelerator is None:
            return
        region, _ = zone
        machine = into.machine(
            Machine(
                provider="gcp",
                instance=host.instance,
                accelerator=accelerator,
                gpus=gpus,
                gpu_memory_gib=part.memory_gib,
                vcpus=host.vcpus,
                host_memory_gib=host.memory_gib,
                region=into.text(region, host.place, "Region") or "all",
            ),
            host.place,
        )
        if machine is None:
            return
        if part.is_mixed:
            into.doubt(machine, "on-demand")
        on_demand, spot = _sum(host.on_demand, part.on_demand), _sum(host.spot, part.spot)
        if on_demand is None and spot is None:
            into.skip(NO_PRICE, host.place, f"{host.instance} in {zone[1]}")
            return
        into.take(machine, on_demand, spot, host.place, "machine and accelerators")


def is_tpu(name: str) -> bool:
    """Whether an accelerator's name is that of a slice of TPUs."""
    return name.lower().startswith(TPU_PREFIX)


def tpu_slice(name: str, place: Place, into: Collector) -> tuple[str, int] | None:
    """Version and chips of a slice on one host, such as ``tpu-v5p-8``; None, and counted, for any
    other.

    Notes
    -----
    A slice of several hosts is one unit of many machines, not an instance.
    """
    match = _SLICE.fullmatch(name.lower())
    if match is None:
        into.skip(UNKNOWN_SLICE, place, name)
        return None
    version, size = match[1], int(match[2])
    chips = size // _CORES_PER_CHIP.get(version, 1)
    hosts = _CHIPS_OF_ONE_HOST.get(version)
    if hosts is not None and chips not in hosts:
        into.skip(SEVERAL_HOSTS, place, name)
        return None
    return f"{TPU_PREFIX}{version}", chips


def region_of_zone(zone: str) -> str:
    """Region of a zone.

    Examples
    --------
    >>> region_of_zone("europe-west4-b"), region_of_zone("europe-west4")
    ('europe-west4', 'europe-west4')
    """
    return re.sub(r"(-[a-z]+\d+)-[a-z]$", r"\1", zone)


def _sum(host: Decimal | None, accelerators: Decimal | None) -> Decimal | None:
    """Price of both; None where one has none. [USD/h]"""
    return None if host is None or accelerators is None else tidy(host + accelerators)
