"""Collects the prices of catalogues: one for each place, each left-out row with its reason."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from app.catalog.importers.cells import LONGEST_NAME, name_of, tidy
from app.catalog.importers.names import AcceleratorNames, is_slice
from app.catalog.importers.rates import CHECKS
from app.catalog.importers.result import Imported, Skipped
from app.catalog.importers.shapes import LARGEST_RATIO_TO_LIST, BuiltInOffers
from app.catalog.price_books import BookRow
from app.catalog.pricing_rows import (
    HIGHEST_USD_PER_GPU_HOUR,
    LOWEST_USD_PER_GPU_HOUR,
    SMALLEST_USABLE_SHARE,
    offer_key,
    tier_of,
)
from app.catalog.tables import FORMULA_SIGNS, CatalogError
from app.estimator.hardware import PURCHASE_OPTIONS, Accelerator
from app.estimator.units import GIB

NO_ACCELERATOR = "no accelerator"
NO_PRICE = "no price"
NO_NAME = f"instance without a name of at most {LONGEST_NAME} characters"
NOT_IN_TABLE = "accelerator that is not in the table"
AMBIGUOUS = "accelerator whose name does not say which it is"
PART_OF_GPU = "a part of an accelerator"
OTHER_MEMORY = "another memory size than the accelerator's"
OUT_OF_RANGE = (
    f"price outside {LOWEST_USD_PER_GPU_HOUR} to {HIGHEST_USD_PER_GPU_HOUR} USD per GPU and hour"
)
SPOT_ABOVE = "spot price above the price on demand"
CONTRADICTION = "two different prices on demand for one instance and region"
OTHER_SHAPE = "two different machines under one instance name"
TOO_MANY = "more accelerators than one instance has"
ODD_FIGURE = "vCPUs or memory of a machine out of range, taken as not known"
FAR_BELOW_LIST = "price on demand far below the list price, as flex-start and spot prices are"
FAR_FROM_LIST = "price on demand far from the list price, as of one GPU or in another unit"

SHOWN_EXAMPLES = 5
LARGEST_SHARE_OUT_OF_RANGE = 0.5
MOST_GPUS = 144
"""One rack of GB200, the largest unit in the table."""
ROUNDING = Decimal("0.02")
"""Within this of the accelerator's memory a catalogue means that; below, ECC or the driver took
some of it."""
LARGEST_EXCESS = Decimal("1.15")
"""gpuhunt gives the MI325X 288 GB where its data sheet has 256."""
SAME_PRICE = Decimal("0.001")
"""AWS rounds spot prices to a hundredth of a cent, those on demand further on."""
FLEX_SHARE = 0.75
"""Google's catalogue mixes flex-start figures, 0.4 to 0.6 of the list price, into the prices on
demand; list prices themselves differ less from one reading to the next."""
PROVIDERS_WITH_FLEX = frozenset({"gcp"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in its file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file} line {self.line}"


@dataclass(frozen=True, slots=True)
class Machine:
    """An instance in one region, as a catalogue lists it.

    Parameters
    ----------
    gpu_memory_gib : of one GPU where it differs from the accelerator's. [GiB]
    """

    provider: str
    instance: str
    accelerator: str
    gpus: int
    gpu_memory_gib: Decimal | None
    vcpus: int | None
    host_memory_gib: Decimal | None
    region: str


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The accelerator of a row, or why it has none that is known; neither is a name unknown."""

    key: str = ""
    reason: str = ""
    told: str = ""


@dataclass(slots=True)
class _Price:
    """One price, and how many rows it stands for."""

    machine: Machine
    option: str
    usd: Decimal
    place: Place
    note: str
    rows: int = 1
    highest: Decimal = Decimal(0)
    contradicted: str = ""


class Collector:
    """Takes machines and prices one by one, and makes rows of them at the end.

    Parameters
    ----------
    format_name : skypilot or gpuhunt; the first word of the source of every row.
    firm : sellers by key, with a price list of their own or without; any other has none.
    """

    def __init__(
        self,
        format_name: str,
        accelerators: Mapping[str, Accelerator],
        names: AcceleratorNames,
        built_in: BuiltInOffers,
        valid_from: date,
        firm: Mapping[str, bool],
    ) -> None:
        self._format = format_name
        self._accelerators = accelerators
        self._names = names
        self._built_in = built_in
        self._valid_from = valid_from
        self._firm = firm
        self._prices: dict[tuple[str, str, str], _Price] = {}
        self._found: dict[tuple[object, ...], _Meaning] = {}
        self._region_keys: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._examples: defaultdict[str, list[str]] = defaultdict(list)
        self._unknown: dict[str, tuple[int, Place]] = {}
        self._priced: Counter[str] = Counter()
        self._out_of_range: Counter[str] = Counter()
        self._first_out_of_range: dict[str, str] = {}
        self._merged = 0
        self._doubted: set[tuple[str, str, str, str]] = set()
        self.providers: set[str] = set()
        self.read = 0

    def skip(self, reason: str, place: Place, what: str) -> None:
        """Count a row or a price that is left out."""
        self._counts[reason] += 1
        if len(self._examples[reason]) < SHOWN_EXAMPLES:
            self._examples[reason].append(f"{place}: {what[:LONGEST_NAME]}")

    def text(self, cell: str, place: Place, column: str) -> str:
        """A name from a cell, with single blanks.

        Raises
        ------
        CatalogError : too long, or with signs that cannot be printed.
        """
        name = name_of(cell)
        if name is None:
            raise CatalogError(
                [f"{place}, {column}: is not a name of at most {LONGEST_NAME} printable characters"]
            )
        if name.startswith(FORMULA_SIGNS):
            raise CatalogError(
                [f"{place}, {column}: {name[:40]!r} would be read as a formula by a spreadsheet"]
            )
        return name

    def accelerator(
        self,
        provider: str,
        instance: str,
        written: tuple[str, ...],
        memory_gib: Decimal | None,
        place: Place,
    ) -> str | None:
        """Key of the accelerator that a row means; None, and counted, where there is none.

        Parameters
        ----------
        written : its names in the catalogue, the usual one first.
        memory_gib : of one GPU, None where it is not known. [GiB]
        """
        name = written[0]
        asked = (provider, instance, written, memory_gib)
        if asked not in self._found:
            self._found[asked] = self._meaning(provider, instance, written, memory_gib)
        found = self._found[asked]
        if found.reason:
            self.skip(found.reason, place, f"{instance}, {name}{found.told}")
            return None
        key = found.key
        if key not in self._accelerators:
            count, first = self._unknown.get(name, (0, place))
            self._unknown[name] = (count + 1, first)
            self._counts[NOT_IN_TABLE] += 1
            return None
        return key

    def _meaning(
        self,
        provider: str,
        instance: str,
        written: tuple[str, ...],
        memory_gib: Decimal | None,
    ) -> _Meaning:
        """What names mean; kept, because rows repeat."""
        if any(is_slice(text) for text in (*written, instance)):
            return _Meaning(reason=PART_OF_GPU)
        may_be: set[str] = set()
        for name in written:
            meant = self._names.keys(name, provider, instance, memory_gib)
            if len(meant) == 1:
                return _Meaning(key=next(iter(meant)))
            may_be |= meant or self._names.possible(name, provider, instance, memory_gib)
        if may_be:
            return _Meaning(reason=AMBIGUOUS, told=f": {' or '.join(sorted(may_be))}")
        return _Meaning()

    def doubt(self, machine: Machine, option: str) -> None:
        """Remember a place whose price is not believed; another row may still have a good one."""
        self._doubted.add((machine.provider, machine.instance, machine.region, option))

    def machine(self, machine: Machine, place: Place) -> Machine | None:
        """A machine with its figures judged; None where it is counted among those left out."""
        if not 1 <= len(machine.instance) <= LONGEST_NAME:
            self.skip(NO_NAME, place, machine.instance or machine.accelerator)
            return None
        if not 1 <= machine.gpus <= MOST_GPUS:
            for option in PURCHASE_OPTIONS:
                self.doubt(machine, option)
            self.skip(TOO_MANY, place, f"{machine.instance}: {machine.gpus} accelerators")
            return None
        memory = machine.gpu_memory_gib
        if memory is not None:
            fitted = _memory_gib(self._accelerators[machine.accelerator])
            if memory < fitted * SMALLEST_USABLE_SHARE:
                self.skip(PART_OF_GPU, place, f"{machine.instance}: {memory} of {fitted} GiB")
                return None
            if memory > fitted * LARGEST_EXCESS:
                told = f"{machine.instance}: {memory} GiB, {machine.accelerator} has {fitted}"
                self.skip(OTHER_MEMORY, place, told)
                return None
            if memory >= fitted * (1 - ROUNDING):
                memory = None
        vcpus, host = machine.vcpus, machine.host_memory_gib
        odd = []
        if vcpus is not None and not _is_in_range("vcpus", vcpus):
            odd.append(f"{vcpus} vCPUs")
            vcpus = None
        if host is not None and not _is_in_range("host_memory_gib", host):
            odd.append(f"{host} GiB")
            host = None
        if odd:
            self.skip(ODD_FIGURE, place, f"{machine.instance}: {' and '.join(odd)}")
        elif memory is machine.gpu_memory_gib:
            return machine
        return replace(machine, gpu_memory_gib=memory, vcpus=vcpus, host_memory_gib=host)

    def take(
        self,
        machine: Machine,
        on_demand: Decimal | None,
        spot: Decimal | None,
        place: Place,
        note: str = "",
    ) -> None:
        """Take the prices of a machine. A spot price like that on demand is none. [USD/h]"""
        if spot is not None and on_demand is not None:
            if spot > on_demand * (1 + SAME_PRICE):
                self.skip(SPOT_ABOVE, place, f"{machine.instance}: {spot} above {on_demand}")
                self.doubt(machine, "spot")
            if spot >= on_demand * (1 - SAME_PRICE):
                spot = None
        if on_demand is None and spot is None:
            self.skip(NO_PRICE, place, machine.instance)
        if on_demand is not None and self._is_plausible(machine, on_demand, place):
            self.price(machine, "on-demand", on_demand, place, note)
        if spot is not None:
            self.price(machine, "spot", spot, place, note)

    def price(
        self, machine: Machine, option: str, usd: Decimal, place: Place, note: str = ""
    ) -> None:
        """Take one price, in whole or as one more of a place that has one already. [USD/h]"""
        self._priced[place.file] += 1
        per_gpu = usd / machine.gpus
        if not LOWEST_USD_PER_GPU_HOUR <= per_gpu <= HIGHEST_USD_PER_GPU_HOUR:
            told = f"{machine.instance}: {usd} USD for {machine.gpus}, {option}"
            self.skip(OUT_OF_RANGE, place, told)
            self.doubt(machine, option)
            self._out_of_range[place.file] += 1
            self._first_out_of_range.setdefault(place.file, f"line {place.line}, {told}")
            return
        # Two names that differ in signs alone would be one offer.
        instance = self._built_in.instance_key(machine.provider, machine.instance)
        region = self._region_keys.get(machine.region)
        if region is None:
            region = offer_key("", "", machine.region, "")
            self._region_keys[machine.region] = region
        key = (instance, region, option)
        held = self._prices.get(key)
        if held is None:
            self._prices[key] = _Price(machine, option, usd, place, note, highest=usd)
            return
        held.rows += 1
        if (held.machine.accelerator, held.machine.gpus) != (machine.accelerator, machine.gpus):
            held.contradicted = OTHER_SHAPE
        elif usd != held.usd and option == "on-demand" and self._is_firm(machine):
            held.contradicted = CONTRADICTION
        held.highest = max(held.highest, usd)
        if usd < held.usd:
            held.usd, held.machine, held.place, held.note = usd, machine, place, note

    def finished(self) -> Imported:
        """All rows, if any, and the account of what was left out.

        Raises
        ------
        CatalogError : most prices of a file are out of range.
        """
        self._check_units()
        self._check_shapes()
        rows = sorted(
            (self._row(held) for held in self._prices.values() if self._holds(held)),
            key=lambda row: row.place,
        )
        return Imported(
            rows=tuple(rows),
            taken=Counter((row.provider, row.purchase_option) for row in rows),
            skipped=self._skipped(),
            read=self.read,
            merged=self._merged,
            providers=tuple(sorted(self.providers)),
            doubted=frozenset(self._doubted.difference(row.place for row in rows)),
        )

    def _is_plausible(self, machine: Machine, usd: Decimal, place: Place) -> bool:
        """Whether a price on demand can be one, beside the built-in price of the instance.

        Notes
        -----
        One out of range for any GPU is left to `price`, which counts them to tell a wrong unit.
        """
        if not LOWEST_USD_PER_GPU_HOUR <= usd / machine.gpus <= HIGHEST_USD_PER_GPU_HOUR:
            return True
        usual = self._built_in.usual_usd(
            machine.provider, machine.instance, machine.region, machine.accelerator, machine.gpus
        )
        if usual is None:
            return True
        share = float(usd) / usual
        if machine.provider in PROVIDERS_WITH_FLEX and share < FLEX_SHARE:
            reason = FAR_BELOW_LIST
        elif self._built_in.knows(machine.provider, machine.instance) and not (
            1 / LARGEST_RATIO_TO_LIST <= share <= LARGEST_RATIO_TO_LIST
        ):
            reason = FAR_FROM_LIST
        else:
            return True
        told = f"{machine.instance} in {machine.region}: {usd}, list price {usual:.2f}"
        self.skip(reason, place, told)
        self.doubt(machine, "on-demand")
        return False

    def _check_units(self) -> None:
        """Refuse files in which most prices are out of range: their unit is another one."""
        problems = [
            f"{file}: {wrong:,} of {self._priced[file]:,} prices are outside "
            f"{LOWEST_USD_PER_GPU_HOUR} to {HIGHEST_USD_PER_GPU_HOUR} USD per GPU and hour; give "
            f"dollars for the whole instance and one hour ({self._first_out_of_range[file]})"
            for file, wrong in self._out_of_range.items()
            if wrong > LARGEST_SHARE_OUT_OF_RANGE * self._priced[file]
        ]
        if problems:
            raise CatalogError(problems)

    def _check_shapes(self) -> None:
        """Contradict prices of an instance that is not the same everywhere.

        On a marketplace hosts of all kinds have one name.
        """
        shapes: defaultdict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
        for held in self._prices.values():
            machine = held.machine
            shapes[machine.provider, machine.instance].add((machine.accelerator, machine.gpus))
        for held in self._prices.values():
            machine = held.machine
            if self._is_firm(machine) and len(shapes[machine.provider, machine.instance]) > 1:
                held.contradicted = OTHER_SHAPE

    def _is_firm(self, machine: Machine) -> bool:
        """Whether its seller has a price list of its own."""
        return self._firm.get(machine.provider, False)

    def _holds(self, held: _Price) -> bool:
        """Whether a price can be believed; what cannot is counted, row by row."""
        if held.contradicted:
            machine = held.machine
            told = f"{machine.instance} in {machine.region}: {held.usd} to {held.highest}"
            if held.contradicted == OTHER_SHAPE:
                told = (
                    f"{machine.instance} in {machine.region}: {machine.gpus} {machine.accelerator}"
                )
            self.skip(held.contradicted, held.place, told)
            self._counts[held.contradicted] += held.rows - 1
            self.doubt(machine, held.option)
            return False
        self._merged += held.rows - 1
        return True

    def _row(self, held: _Price) -> BookRow:
        """A row of a price book."""
        machine = held.machine
        note = held.note
        if held.usd != held.highest:
            lowest = f"lowest of {held.rows} offers, up to {held.highest}"
            note = f"{note}; {lowest}" if note else lowest
        shape = self._built_in.shape(machine.provider, machine.instance)
        return BookRow(
            provider=machine.provider,
            instance=machine.instance,
            accelerator=machine.accelerator,
            gpus_per_instance=machine.gpus,
            gpu_memory_gib=machine.gpu_memory_gib,
            vcpus=machine.vcpus or shape.vcpus,
            host_memory_gib=machine.host_memory_gib or shape.host_memory_gib,
            inter_node_gbit_per_s=shape.inter_node_gbit_per_s,
            region=machine.region,
            purchase_option=held.option,
            usd_per_instance_hour=held.usd,
            tier=tier_of(held.option, firm=self._is_firm(machine)),
            valid_from=self._valid_from,
            source=f"{self._format} {held.place.file}",
            note=note,
        )

    def _skipped(self) -> tuple[Skipped, ...]:
        """Reasons with their counts, most frequent first."""
        names = sorted(self._unknown.items(), key=lambda item: (-item[1][0], item[0]))
        self._examples[NOT_IN_TABLE] = [
            f"{name or '(no name)'}: {count:,}, first {place}" for name, (count, place) in names
        ]
        return tuple(
            Skipped(reason, count, tuple(self._examples[reason]))
            for reason, count in sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        )


@lru_cache(maxsize=4096)
def _is_in_range(column: str, value: Decimal | int) -> bool:
    """Whether a figure may stand in a column of a price book."""
    try:
        CHECKS[column](str(value))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _memory_gib(accelerator: Accelerator) -> Decimal:
    """Memory of one GPU. [GiB]"""
    return tidy(Decimal(repr(accelerator.memory_bytes / GIB)).quantize(Decimal("0.1")))
