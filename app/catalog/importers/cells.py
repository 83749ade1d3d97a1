"""What stands in the cells of catalogues: prices, counts and sizes, with their ways to say none."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache

NOTHING = frozenset({"", "nan", "none", "null", "n/a", "na", "-"})
MICRO_USD = Decimal("0.000001")
LARGEST = Decimal(10**9)
MIB_PER_GIB = 1024
LONGEST_NAME = 200
"""Characters of a provider, an instance, a region or an accelerator."""
LARGEST_IN_GB = 1024
"""GpuInfo gives MiB; RunPod and Shadeform write GB there. No GPU has less than 1 GiB."""


@lru_cache(maxsize=16_384)
def usd(cell: str) -> Decimal | None:
    """Price of one instance and hour, None where there is none. [USD/h]

    Raises
    ------
    ValueError : not a number, or below 0.

    Notes
    -----
    A price of 0 is none: Vast writes it for spot, and SkyPilot's Azure catalogue for prices that
    it did not find. Sums of binary fractions are mended to a millionth of a dollar.

    Examples
    --------
    >>> usd("6.5999999999"), usd("0.00"), usd("")
    (Decimal('6.6'), None, None)
    """
    text = cell.strip()
    if text.lower() in NOTHING:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{text[:40]!r} is not a price such as 55.04") from error
    if not value.is_finite() or abs(value) >= LARGEST:
        raise ValueError(f"{text[:40]!r} is not a price such as 55.04")
    if value < 0:
        raise ValueError(f"{text[:40]} is below 0")
    return tidy(value.quantize(MICRO_USD)) or None


@lru_cache(maxsize=16_384)
def name_of(cell: str) -> str | None:
    """A name with single blanks; None if it is too long or has signs that cannot be printed.

    Examples
    --------
    >>> name_of("  Michigan,  US ")
    'Michigan, US'
    """
    text = " ".join(cell.split())
    return text if len(text) <= LONGEST_NAME and text.isprintable() else None


def tidy(value: Decimal) -> Decimal:
    """The same number without zeros at its end, so that equal numbers are written alike.

    Examples
    --------
    >>> tidy(Decimal("112.000000"))
    Decimal('112')
    """
    return Decimal(format(value.normalize(), "f"))


@lru_cache(maxsize=16_384)
def number(cell: str) -> Decimal | None:
    """A number of at least 0; None where there is none or where it is not understood.

    What is larger than any figure of a machine is `LARGEST`, which no range of one holds.

    Examples
    --------
    >>> number("208.0"), number("a lot"), number("1e300")
    (Decimal('208'), None, Decimal('1000000000'))
    """
    try:
        value = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return tidy(min(value, LARGEST)) if value.is_finite() and value >= 0 else None


def whole(cell: str) -> int | None:
    """A whole number; None where there is none, or a part of one."""
    value = number(cell)
    return int(value) if value is not None and value == value.to_integral_value() else None


def gib_of_gpu(size: Decimal) -> Decimal:
    """Memory of a GPU from a size in MiB, or in GB where it cannot be MiB. [GiB]

    Examples
    --------
    >>> gib_of_gpu(Decimal(81920)), gib_of_gpu(Decimal(80)), gib_of_gpu(Decimal(46068))
    (Decimal('80'), Decimal('80'), Decimal('45'))
    """
    gib = size if size < LARGEST_IN_GB else size / MIB_PER_GIB
    return tidy(gib.quantize(Decimal("0.1")))
