"""A company's own rates: the strict format csv, pasted into a price book or imported from a file.

Notes
-----
Its columns are those of `BookRow`. Every problem is found and named by file, line and column, and
no row is taken if any has one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from app.catalog.cells import decimal_between, integer_between, iso_date, slug
from app.catalog.importers.csv_stream import MAX_FILE_BYTES
from app.catalog.importers.problems import MOST_PROBLEMS, check_separator, raise_problems
from app.catalog.importers.providers import HasFirm, firm_of
from app.catalog.price_books import EVERY_REGION, BookRow
from app.catalog.pricing_rows import (
    HIGHEST_USD_PER_GPU_HOUR,
    LOWEST_USD_PER_GPU_HOUR,
    SMALLEST_USABLE_SHARE,
    offer_key,
    tier_of,
)
from app.catalog.tables import FORMULA_SIGNS, CatalogError, csv_lines
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS, Accelerator
from app.estimator.units import GIB

REQUIRED = (
    "provider",
    "instance",
    "accelerator",
    "gpus_per_instance",
    "region",
    "purchase_option",
    "usd_per_instance_hour",
    "valid_from",
)
OPTIONAL = (
    "gpu_memory_gib",
    "vcpus",
    "host_memory_gib",
    "inter_node_gbit_per_s",
    "tier",
    "source",
    "note",
)
ENTERED = "entered"
FORMAT = "csv"
LONGEST_NAME = 200
LONGEST_NOTE = 1_000


def read_rates(
    text_or_bytes: str | bytes,
    name: str,
    *,
    accelerators: Mapping[str, Accelerator],
    providers: Mapping[str, HasFirm],
    today: date,
) -> tuple[BookRow, ...]:
    """Rows of a price book, as they were written.

    Parameters
    ----------
    text_or_bytes : CSV with a header; bytes in UTF-8.
    name : what to call it in messages.
    accelerators, providers : by key. A row of another provider must say its tier.
    today : no rate may begin later.

    Raises
    ------
    CatalogError : with the first problems, and how many more there are.
    """
    content = text_or_bytes
    if isinstance(content, str):
        # What UTF-8 cannot hold is in no name either: its checks refuse the sign for it.
        content = content.encode(errors="replace")
    return _Reader(name, accelerators, firm_of(providers), today).read(content)


def read_rate_file(
    content: bytes,
    name: str,
    *,
    accelerators: Mapping[str, Accelerator],
    providers: Mapping[str, HasFirm],
    today: date,
) -> tuple[BookRow, ...]:
    """Rows of a file of this format, which name it as their source.

    Raises
    ------
    CatalogError : with the first problems, and how many more there are.
    """
    reader = _Reader(name, accelerators, firm_of(providers), today, of_file=True)
    return reader.read(content)


def _name(cell: str | None) -> object:
    """Check for a name that can be shown."""
    if cell is not None and (len(cell) > LONGEST_NAME or not cell.isprintable()):
        raise ValueError(f"is not a name of at most {LONGEST_NAME} printable characters")
    return cell


def _note(cell: str | None) -> object:
    """Check for a remark that can be shown."""
    if cell is not None and (len(cell) > LONGEST_NOTE or not cell.isprintable()):
        raise ValueError(f"is not a text of at most {LONGEST_NOTE} printable characters")
    return cell or ""


def _provider(cell: str | None) -> object:
    """Check for a provider's key."""
    if cell is not None and cell != cell.lower():
        raise ValueError(f"{cell!r} must be in lower case")
    return slug(_name(cell))


def _one_of(words: Mapping[str, str]) -> Callable[[str | None], object]:
    """Make a check for one of some words."""

    def check(cell: str | None) -> object:
        if cell is not None and cell not in words:
            raise ValueError(f"{cell!r} is not one of {', '.join(words)}")
        return cell

    return check


CHECKS: dict[str, Callable[[str | None], object]] = {
    "provider": _provider,
    "instance": _name,
    "accelerator": _name,
    "gpus_per_instance": integer_between(1, 144, "GPUs"),
    "gpu_memory_gib": decimal_between("8", "1024", "GiB"),
    "vcpus": integer_between(1, 10_000, "vCPUs"),
    "host_memory_gib": decimal_between("1", "65536", "GiB"),
    "inter_node_gbit_per_s": decimal_between("1", "100000", "Gbit/s"),
    "region": _name,
    "purchase_option": _one_of(PURCHASE_OPTIONS),
    "usd_per_instance_hour": decimal_between("0.01", "10000", "USD/h"),
    "tier": _one_of(TIERS),
    "valid_from": iso_date,
    "source": _note,
    "note": _note,
}
NUMBERS = frozenset(
    {
        "gpus_per_instance",
        "gpu_memory_gib",
        "vcpus",
        "host_memory_gib",
        "inter_node_gbit_per_s",
        "usd_per_instance_hour",
    }
)


class _Reader:
    """Reads one text and keeps count of its problems."""

    def __init__(
        self,
        name: str,
        accelerators: Mapping[str, Accelerator],
        firm: Mapping[str, bool],
        today: date,
        *,
        of_file: bool = False,
    ) -> None:
        self._name = name
        self._accelerators = accelerators
        self._firm = firm
        self._today = today
        self._of_file = of_file
        self._problems: list[str] = []
        self._count = 0
        self._line_of: dict[str, int] = {}
        self._shape_of: dict[tuple[str, str], tuple[int, object, object]] = {}

    def read(self, content: bytes) -> tuple[BookRow, ...]:
        """All rows, sorted by place."""
        if len(content) > MAX_FILE_BYTES:
            raise CatalogError(
                [f"{self._name}: is larger than {MAX_FILE_BYTES / 1e6:.0f} MB; split it"]
            )
        lines = csv_lines(content, self._name)
        header_line, header = next(lines, (1, []))
        check_separator(self._name, header)
        self._check_header(header_line, header)
        rows = []
        for line, cells in lines:
            if len(cells) != len(header):
                self._tell(
                    f"{self._name} line {line}: has {len(cells)} cells where the header has "
                    f"{len(header)}; put text that holds a comma in double quotes"
                )
                continue
            row = self._row(line, dict(zip(header, cells, strict=True)))
            if row is not None:
                rows.append(row)
        if not rows and not self._count:
            self._tell(f"{self._name}: holds no rows; at least one is needed")
        raise_problems(self._problems, self._count)
        return tuple(sorted(rows, key=lambda row: row.place))

    def _check_header(self, line: int, header: list[str]) -> None:
        """Required columns are there, none is unknown, none is there twice."""
        for column in REQUIRED:
            if column not in header:
                self._tell_at(line, column, "this column is missing from the header")
        for column in dict.fromkeys(header):
            if column not in CHECKS:
                known = ", ".join((*REQUIRED, *OPTIONAL))
                self._tell_at(
                    line, column or "(blank)", f"this column is not known; the columns are {known}"
                )
            elif header.count(column) > 1:
                self._tell_at(line, column, "this column is in the header twice")
        raise_problems(self._problems, self._count)

    def _row(self, line: int, cells: dict[str, str]) -> BookRow | None:
        """One row; None, with its problems told, if it has any."""
        before = self._count
        values: dict[str, Any] = dict.fromkeys(CHECKS)
        for column, cell in cells.items():
            if cell.startswith(FORMULA_SIGNS) and not (column in NUMBERS and _is_number(cell)):
                told = f"{cell[:40]!r} would be read as a formula by a spreadsheet; give its value"
                self._tell_at(line, column, told)
                continue
            if not cell and column in REQUIRED:
                self._tell_at(line, column, "is blank; this column needs a value")
                continue
            try:
                values[column] = CHECKS[column](cell or None)
            except ValueError as error:
                self._tell_at(line, column, str(error))
        if self._count > before:
            return None
        row = self._together(line, values)
        return None if self._count > before else row

    def _together(self, line: int, values: dict[str, Any]) -> BookRow:
        """The row, after the checks that need more than one cell."""
        source = str(values.pop("source") or "")
        values["source"] = self._source(source)
        values["note"] = values["note"] or ""
        values["tier"] = values["tier"] or self._tier(line, values) or ""
        row = BookRow(**values)
        self._check_accelerator(line, row)
        self._check_price(line, row)
        if row.tier and row.tier not in ("marketplace", tier_of(row.purchase_option, firm=True)):
            self._tell_at(line, "tier", f"is {row.tier} but purchase_option {row.purchase_option}")
        if row.valid_from > self._today:
            self._tell_at(line, "valid_from", f"{row.valid_from} is after today, {self._today}")
        key = offer_key(row.provider, row.instance, row.region, row.purchase_option)
        key += "*" if row.region == EVERY_REGION else ""
        if key in self._line_of:
            told = f"there is already a price for this on line {self._line_of[key]}; keep one"
            self._tell_at(line, "instance", told)
        self._line_of.setdefault(key, line)
        return row

    def _tier(self, line: int, values: dict[str, Any]) -> str | None:
        """Tier of a row that gives none."""
        provider = str(values["provider"])
        if provider in self._firm:
            return tier_of(str(values["purchase_option"]), firm=self._firm[provider])
        near = get_close_matches(provider, self._firm, n=1)
        meant = f"did you mean {near[0]}? If not, " if near else ""
        self._tell_at(
            line,
            "provider",
            f"{provider!r} is not known; {meant}say in a column tier what its price is worth: "
            "list if you can sign it, or marketplace",
        )
        return None

    def _check_accelerator(self, line: int, row: BookRow) -> None:
        """It is in the table, with about this memory, and the same for the instance everywhere."""
        accelerator = self._accelerators.get(row.accelerator)
        if accelerator is None:
            near = get_close_matches(row.accelerator, self._accelerators, n=1, cutoff=0.4)
            meant = f"; did you mean {near[0]}?" if near else ""
            self._tell_at(
                line, "accelerator", f"{row.accelerator!r} is not in accelerators.csv{meant}"
            )
            return
        memory = row.gpu_memory_gib
        fitted = accelerator.memory_bytes / GIB
        least = Decimal(repr(fitted)) * SMALLEST_USABLE_SHARE
        if memory is not None and not least <= memory <= fitted * 1.001:
            self._tell_at(
                line, "gpu_memory_gib", f"is {memory}; {accelerator.name} has {fitted:g} GiB"
            )
        shape = (line, row.accelerator, row.gpus_per_instance)
        first = self._shape_of.setdefault((row.provider, row.instance), shape)
        # On a marketplace hosts of all kinds have one name.
        if row.tier != "marketplace" and first[1:] != shape[1:]:
            self._tell_at(
                line,
                "gpus_per_instance",
                f"is {shape[2]} x {shape[1]}; line {first[0]} has {first[2]} x {first[1]} for the "
                "same instance",
            )

    def _check_price(self, line: int, row: BookRow) -> None:
        """The price is one of a whole instance and hour."""
        per_gpu = row.usd_per_instance_hour / row.gpus_per_instance
        if not LOWEST_USD_PER_GPU_HOUR <= per_gpu <= HIGHEST_USD_PER_GPU_HOUR:
            self._tell_at(
                line,
                "usd_per_instance_hour",
                f"is {per_gpu:.4g} USD per GPU and hour; {LOWEST_USD_PER_GPU_HOUR} to "
                f"{HIGHEST_USD_PER_GPU_HOUR} is expected: give the price of the whole instance",
            )

    def _source(self, given: str) -> str:
        """Where a row was read; that of a file begins with the format."""
        if not self._of_file:
            return given or ENTERED
        if given.startswith(f"{FORMAT} "):
            return given
        named = f"{FORMAT} {self._name}"
        return named if given in ("", ENTERED) else f"{named}: {given}"

    def _tell_at(self, line: int, column: str, message: str) -> None:
        """Note a problem of one cell."""
        self._tell(f"{self._name} line {line}, {column}: {message}")

    def _tell(self, problem: str) -> None:
        """Note a problem; only the first are kept."""
        self._count += 1
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(problem)


def _is_number(cell: str) -> bool:
    """Whether a cell is a signed number, which the check of its column judges better."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
