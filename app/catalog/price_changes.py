"""Price lists as they are kept, and what changed between two of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from app.catalog.price_books import BookRow
from app.estimator.hardware import Offer


@dataclass(frozen=True, slots=True)
class ListedPrice:
    """One price of a price list, with what a scenario chooses offers by.

    Parameters
    ----------
    key : of the offer.
    valid_from : day on which the price was in force.
    can_be_planned : whether plans are made on it.
    """

    key: str
    usd_per_instance_hour: float
    valid_from: date
    provider: str
    accelerator: str
    purchase_option: str
    tier: str
    can_be_planned: bool


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One price that differs between two price lists.

    Parameters
    ----------
    kind : added, removed or changed.
    before_usd, after_usd : of an instance; None where there was none. [USD/h]
    """

    key: str
    kind: str
    before_usd: float | None
    after_usd: float | None
    before_valid_from: date | None
    after_valid_from: date | None

    @property
    def fraction(self) -> float | None:
        """Change relative to the price before; None where there was none, or is none any more.

        Examples
        --------
        >>> PriceChange("k", "changed", 4.0, 5.0, None, None).fraction
        0.25
        """
        if self.before_usd is None or self.after_usd is None:
            return None
        return self.after_usd / self.before_usd - 1


def listed_price(offer: Offer) -> ListedPrice:
    """What is kept of an offer."""
    return ListedPrice(
        key=offer.key,
        usd_per_instance_hour=offer.usd_per_instance_hour,
        valid_from=offer.valid_from,
        provider=offer.provider,
        accelerator=offer.accelerator.key,
        purchase_option=offer.purchase_option,
        tier=offer.tier,
        can_be_planned=offer.can_be_planned,
    )


def book_price(row: BookRow) -> ListedPrice:
    """The same of a row of a price book; its key is the place that it prices."""
    return ListedPrice(
        key=" / ".join(row.place),
        usd_per_instance_hour=float(row.usd_per_instance_hour),
        valid_from=row.valid_from,
        provider=row.provider,
        accelerator=row.accelerator,
        purchase_option=row.purchase_option,
        tier=row.tier,
        can_be_planned=True,
    )


def changes(before: Iterable[ListedPrice], after: Iterable[ListedPrice]) -> tuple[PriceChange, ...]:
    """The prices that differ, sorted by key.

    Notes
    -----
    A price that was only confirmed on a later day has not changed.

    Examples
    --------
    >>> day = date(2026, 1, 1)
    >>> old = ListedPrice("k", 4.0, day, "aws", "L4-24GB", "on-demand", "list", True)
    >>> [change.kind for change in changes([old], [])], changes([old], [old])
    (['removed'], ())
    """
    old = {price.key: price for price in before}
    new = {price.key: price for price in after}
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            kind = "added" if was is None else "removed"
        elif was.usd_per_instance_hour != now.usd_per_instance_hour:
            kind = "changed"
        else:
            continue
        found.append(
            PriceChange(
                key=key,
                kind=kind,
                before_usd=was.usd_per_instance_hour if was else None,
                after_usd=now.usd_per_instance_hour if now else None,
                before_valid_from=was.valid_from if was else None,
                after_valid_from=now.valid_from if now else None,
            )
        )
    return tuple(found)


def as_text(prices: Iterable[ListedPrice]) -> str:
    """All of a price list as JSON, in the order of keys: equal lists give equal texts."""
    rows = [
        (
            *(price.key, price.usd_per_instance_hour, price.valid_from.isoformat()),
            *(price.provider, price.accelerator, price.purchase_option),
            *(price.tier, price.can_be_planned),
        )
        for price in prices
    ]
    return json.dumps(sorted(rows), separators=(",", ":"))


def packed(prices: Iterable[ListedPrice]) -> bytes:
    """A price list as it is stored: its text, compressed. `unpacked` gives it back."""
    return zlib.compress(as_text(prices).encode())


def unpacked(body: bytes) -> tuple[ListedPrice, ...]:
    """The price list that was stored, in the order of keys.

    Examples
    --------
    >>> unpacked(packed([]))
    ()
    """
    return tuple(
        ListedPrice(key, usd, date.fromisoformat(valid_from), *rest)
        for key, usd, valid_from, *rest in json.loads(zlib.decompress(body))
    )
