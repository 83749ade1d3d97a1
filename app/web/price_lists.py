"""Which prices are shown and in what order: the filter, the sorting and the pages of a list."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlencode

from app.estimator.constants import ConstantValues
from app.estimator.delivered import delivered_bf16_flop_per_s
from app.estimator.hardware import PURCHASE_OPTIONS, TIERS, Offer
from app.estimator.units import PETA

ROWS_OF_A_PAGE = 100
DEFAULT_SORT = "gpu"

Delivered = Mapping[str, float | None]
"""By accelerator: rate of large matrix products in bf16, None where it is not known. [FLOP/s]"""


def delivered_by(offers: Iterable[Offer], constants: ConstantValues) -> Delivered:
    """What each accelerator among the offers delivers."""
    accelerators = {offer.accelerator.key: offer.accelerator for offer in offers}
    return {key: delivered_bf16_flop_per_s(a, constants) for key, a in accelerators.items()}


def usd_per_pflop_hour(offer: Offer, delivered: Delivered) -> float | None:
    """Price of an hour of 1 PFLOP/s of large matrix products in bf16. [USD]"""
    rate = delivered[offer.accelerator.key]
    return None if rate is None else offer.usd_per_gpu_hour / (rate / PETA)


@dataclass(frozen=True, slots=True)
class PriceQuery:
    """What the address of the page asks for; an empty text leaves nothing out.

    Parameters
    ----------
    book : reference of a price book, empty for the built-in prices.
    provider, gpu : keys; option, tier : as in `app.estimator.hardware`.
    region : a part of its name.
    trains : whether inference deployments are left out.
    sort : a column of `SORTS`, after ``-`` from the highest to the lowest.
    page : from 1.
    """

    book: str = ""
    provider: str = ""
    gpu: str = ""
    option: str = ""
    tier: str = ""
    region: str = ""
    trains: bool = False
    sort: str = DEFAULT_SORT
    page: int = 1

    @property
    def column(self) -> str:
        """The column that is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the highest comes first."""
        return self.sort.startswith("-")

    @property
    def narrows(self) -> bool:
        """Whether something is left out."""
        texts = (self.provider, self.gpu, self.option, self.tier, self.region)
        return any(texts) or self.trains

    def pass_on(self, offer: Offer) -> bool:
        """Whether an offer is shown."""
        return (
            self.provider in {"", offer.provider}
            and self.gpu in {"", offer.accelerator.key}
            and self.option in {"", offer.purchase_option}
            and self.tier in {"", offer.tier}
            and self.region.lower() in offer.region.lower()
            and (offer.trainable or not self.trains)
        )

    def to_query(self, **changes: object) -> str:
        """The query string, defaults left out.

        Examples
        --------
        >>> PriceQuery(gpu="T4", page=3).to_query(sort="-usd", page=1)
        'gpu=T4&sort=-usd'
        """
        changed = replace(self, **changes)  # type: ignore[arg-type]
        plain = PriceQuery()
        pairs = []
        for field in fields(changed):
            value = getattr(changed, field.name)
            if value != getattr(plain, field.name):
                pairs.append((field.name, "yes" if value is True else value))
        return urlencode(pairs)


_TIER_RANK = {tier: rank for rank, tier in enumerate(TIERS)}
_OPTION_RANK = {option: rank for rank, option in enumerate(PURCHASE_OPTIONS)}

SORTS: Mapping[str, Callable[[Offer], Any]] = {
    "provider": lambda o: o.provider_name.lower(),
    "instance": lambda o: o.instance.lower(),
    "gpu": lambda o: (o.accelerator.name.lower(), o.accelerator.key),
    "region": lambda o: o.region.lower(),
    "option": lambda o: _OPTION_RANK.get(o.purchase_option, len(_OPTION_RANK)),
    "usd": lambda o: o.usd_per_instance_hour,
    "gpu_usd": lambda o: o.usd_per_gpu_hour,
    "date": lambda o: o.valid_from,
}
"""What a column is sorted by."""
PFLOP_SORT = "pflop_usd"
"""The column that needs what the chips deliver, too."""


def _usual(offer: Offer) -> tuple[object, ...]:
    """Order within equal values: what a company can sign today first, then the cheapest."""
    return (
        _TIER_RANK.get(offer.tier, len(_TIER_RANK)),
        offer.usd_per_gpu_hour,
        offer.provider,
        offer.key,
    )


def selected(offers: Iterable[Offer], asked: PriceQuery, delivered: Delivered) -> list[Offer]:
    """The offers that are shown, sorted; what has no value in the column comes last."""
    found = sorted((offer for offer in offers if asked.pass_on(offer)), key=_usual)
    key, without = SORTS.get(asked.column, SORTS[DEFAULT_SORT]), []
    if asked.column == PFLOP_SORT:
        without = [o for o in found if delivered[o.accelerator.key] is None]
        found = [o for o in found if delivered[o.accelerator.key] is not None]
        key = functools.partial(usd_per_pflop_hour, delivered=delivered)
    found.sort(key=key, reverse=asked.descending)
    return found + without


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of a list.

    Parameters
    ----------
    first : number of its first row, from 1; 0 where there is none.
    page, pages : from 1. [count]
    total : rows of all pages. [count]
    """

    offers: tuple[Offer, ...]
    first: int
    page: int
    pages: int
    total: int


def page_of(offers: Sequence[Offer], page: int, size: int = ROWS_OF_A_PAGE) -> PageOf:
    """A page; after the last one, the last one.

    Examples
    --------
    >>> page_of([], 7)
    PageOf(offers=(), first=0, page=1, pages=1, total=0)
    """
    pages = max(1, math.ceil(len(offers) / size))
    page = min(max(page, 1), pages)
    start = (page - 1) * size
    return PageOf(
        offers=tuple(offers[start : start + size]),
        first=start + 1 if offers else 0,
        page=page,
        pages=pages,
        total=len(offers),
    )
