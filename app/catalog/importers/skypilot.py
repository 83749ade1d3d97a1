"""SkyPilot's catalogues: ``vms.csv`` of one cloud, schemas v4 to v8.

Notes
-----
Columns are read by name; their order and the extra ones differ from cloud to cloud. Prices are in
US dollars for one instance and hour, and rows repeat for every availability zone. The schema is
described in github.com/skypilot-org/skypilot-catalog.
"""

from __future__ import annotations

import re
from decimal import Decimal

from app.catalog.importers.cells import number, tidy, usd, whole
from app.catalog.importers.collector import (
    NO_ACCELERATOR,
    PART_OF_GPU,
    Collector,
    Machine,
    Place,
)
from app.catalog.importers.csv_stream import CatalogueFile
from app.catalog.importers.gcp import GoogleParts, is_tpu, tpu_slice
from app.catalog.importers.gpu_info import read_gpu_info
from app.catalog.importers.names import AcceleratorNames
from app.catalog.tables import CatalogError

REQUIRED = (
    "InstanceType",
    "AcceleratorName",
    "AcceleratorCount",
    "Price",
    "SpotPrice",
    "Region",
)
COMMUNITY = "_COMMUNITY"
"""RunPod's instance types end in _SECURE or _COMMUNITY: hosts of partners, or of individuals."""


def read_skypilot(
    file: CatalogueFile, provider: str, names: AcceleratorNames, into: Collector
) -> None:
    """Read one file of one cloud.

    Raises
    ------
    CatalogError : not such a file.
    """
    reader = _Reader(file, provider, names, into)
    for line, cells in file.lines():
        reader.read(Place(file.name, line), cells)
    reader.finish()


class _Reader:
    """Reads row by row; Google's parts are put together at the end."""

    def __init__(
        self, file: CatalogueFile, provider: str, names: AcceleratorNames, into: Collector
    ) -> None:
        (self._instance, self._name, self._count, self._price, self._spot, self._region) = (
            file.columns[column] for column in REQUIRED
        )
        self._vcpus = file.place("vCPUs")
        self._memory = file.place("MemoryGiB")
        self._info = file.place("GpuInfo")
        self._zone = file.place("AvailabilityZone")
        self._upstream = file.place("UpstreamCloudId")
        self._provider = provider
        self._names = names
        self._into = into
        self._google = GoogleParts(into) if provider == "gcp" else None

    def read(self, place: Place, cells: list[str]) -> None:
        """Read one row."""
        into = self._into
        into.read += 1
        name = into.text(cells[self._name], place, "AcceleratorName")
        instance = into.text(cells[self._instance], place, "InstanceType")
        into.text(cells[self._region], place, "Region")
        on_demand = _usd(cells[self._price], place, "Price")
        spot = _usd(cells[self._spot], place, "SpotPrice")
        count = number(cells[self._count]) or Decimal(0)
        if not name or not count:
            self._read_unnamed(place, cells, instance, on_demand, spot)
            return
        if is_tpu(name):
            self._read_tpu(place, cells, name, on_demand, spot)
            return
        if count != count.to_integral_value():
            into.skip(PART_OF_GPU, place, f"{instance}, {name}: {count} of it")
            return
        gpus = int(count)
        info = read_gpu_info(_cell(cells, self._info), self._provider, gpus)
        if info.is_part:
            into.skip(PART_OF_GPU, place, f"{instance}, {name}")
            return
        if self._google is not None and not instance:
            self._google.add_accelerators(
                place, self._zone_of(cells), name, gpus, info.memory_gib, on_demand, spot
            )
            return
        provider = self._provider
        if provider == "runpod" and instance.upper().endswith(COMMUNITY):
            provider = "runpod-community"
        # Brokers name the instance of the cloud behind them, which says SXM or PCIe.
        hint = f"{instance} {_cell(cells, self._upstream)}".strip()
        written = (name, info.name) if info.name else (name,)
        accelerator = into.accelerator(provider, hint, written, info.memory_gib, place)
        if accelerator is not None:
            self._take(
                place,
                cells,
                provider,
                instance,
                accelerator,
                gpus,
                info.memory_gib,
                on_demand,
                spot,
            )

    def finish(self) -> None:
        """Put together what one row alone does not say."""
        if self._google is not None:
            self._google.put_together()

    def _read_unnamed(
        self,
        place: Place,
        cells: list[str],
        instance: str,
        on_demand: Decimal | None,
        spot: Decimal | None,
    ) -> None:
        """A row without accelerator: a CPU machine, a part of Google's, or an oversight."""
        if self._google is not None and instance:
            vcpus, memory = whole(_cell(cells, self._vcpus)), number(_cell(cells, self._memory))
            self._google.add_host(
                place, self._zone_of(cells), instance, vcpus, memory, on_demand, spot
            )
            return
        row = self._names.unnamed(self._provider, instance) if instance else None
        if row is None or row.gpus is None:
            self._into.skip(NO_ACCELERATOR, place, instance)
            return
        self._take(
            place,
            cells,
            self._provider,
            instance,
            row.accelerator,
            row.gpus,
            None,
            on_demand,
            spot,
            "the catalogue does not name its accelerators",
        )

    def _read_tpu(
        self,
        place: Place,
        cells: list[str],
        name: str,
        on_demand: Decimal | None,
        spot: Decimal | None,
    ) -> None:
        """A slice of TPUs, its host included."""
        found = tpu_slice(name, place, self._into)
        if found is None:
            return
        version, chips = found
        accelerator = self._into.accelerator(self._provider, name, (version,), None, place)
        if accelerator is not None:
            self._take(
                place, cells, self._provider, name, accelerator, chips, None, on_demand, spot
            )

    def _take(
        self,
        place: Place,
        cells: list[str],
        provider: str,
        instance: str,
        accelerator: str,
        gpus: int,
        memory_gib: Decimal | None,
        on_demand: Decimal | None,
        spot: Decimal | None,
        note: str = "",
    ) -> None:
        """Hand a row with a known accelerator on."""
        host = number(_cell(cells, self._memory))
        machine = Machine(
            provider=provider,
            instance=instance,
            accelerator=accelerator,
            gpus=gpus,
            gpu_memory_gib=memory_gib,
            vcpus=whole(_cell(cells, self._vcpus)) or None,
            host_memory_gib=tidy(host.quantize(Decimal("0.1"))) if host else None,
            region=self._into.text(region_of(cells[self._region]), place, "Region"),
        )
        judged = self._into.machine(machine, place)
        if judged is not None:
            self._into.take(judged, on_demand, spot, place, note)

    def _zone_of(self, cells: list[str]) -> tuple[str, str]:
        """Region and zone of one of Google's parts."""
        return cells[self._region].strip(), _cell(cells, self._zone)


def region_of(text: str) -> str:
    """A region as it is shown; Vast leaves the place before the first comma blank.

    Examples
    --------
    >>> region_of(", CA, NA"), region_of("us-east-1"), region_of("")
    ('CA, NA', 'us-east-1', 'all')
    """
    return re.sub(r"^[\s,]+", "", text) or "all"


def _cell(cells: list[str], place: int) -> str:
    """A cell of a column that may be absent."""
    return cells[place].strip() if place >= 0 else ""


def _usd(cell: str, place: Place, column: str) -> Decimal | None:
    """A price, None without one. [USD/h]"""
    try:
        return usd(cell)
    except ValueError as error:
        raise CatalogError([f"{place}, {column}: {error}"]) from error
