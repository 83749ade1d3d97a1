"""Offers: from rows to the estimator's type, which row is in force on a day, and what rows must
agree on.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from app.catalog.price_changes import as_text, listed_price
from app.catalog.pricing_rows import (
    SMALLEST_USABLE_SHARE,
    AcceleratorRow,
    DatedRow,
    OfferRow,
    ProviderRow,
    offer_key,
    tier_of,
)
from app.catalog.tables import problem
from app.estimator.hardware import BRIDGED_GPUS, Accelerator, Grid, Offer, Source
from app.estimator.units import BITS_PER_BYTE, GB, GIB

DatedT = TypeVar("DatedT", bound=DatedRow)
Numbered = tuple[int, OfferRow]

LOWEST_SPOT_SHARE = Decimal("0.12")
HIGHEST_SPOT_SHARE = Decimal("1.5")
"""Spot prices over the on-demand price of the same instance.

Notes
-----
Seen were 0.16 (Azure A10) to 0.97, and for an hour 1.30 (AWS p5 in the dearest zone: 71.6 of 55.04
USD). Below an eighth, it would be the price of one GPU of eight.
"""


@dataclass(frozen=True, slots=True)
class PastPrice:
    """One row of the history of an offer.

    Parameters
    ----------
    usd_per_instance_hour : None where the offer was taken out of the table on that day. [USD/h]
    """

    key: str
    usd_per_instance_hour: float | None
    valid_from: date
    retrieved: date
    source_key: str


def in_force(rows: Iterable[DatedT], as_of: date | None = None) -> list[DatedT]:
    """The newest row of each fact that is not after a day, in the order of the facts' first rows.

    Parameters
    ----------
    as_of : the day; None for the newest rows of all.
    """
    newest: dict[str, DatedT] = {}
    for row in rows:
        if as_of is not None and row.valid_from > as_of:
            continue
        held = newest.get(row.fact)
        if held is None or (held.valid_from, held.retrieved) < (row.valid_from, row.retrieved):
            newest[row.fact] = row
    return list(newest.values())


def offer_of(
    *,
    provider: str,
    provider_name: str,
    instance: str,
    accelerator: Accelerator,
    gpus_per_instance: int,
    region: str,
    purchase_option: str,
    usd_per_instance_hour: Decimal,
    tier: str,
    evidence: str,
    source: Source,
    valid_from: date,
    retrieved: date,
    gpu_memory_gib: Decimal | None = None,
    vcpus: int | None = None,
    host_memory_gib: Decimal | None = None,
    intra_node_link: str = "",
    inter_node_gbit_per_s: Decimal | None = None,
    trainable: bool = True,
    grid: Grid | None = None,
) -> Offer:
    """An offer from the cells of a row, of the built-in table or of a price book.

    Parameters
    ----------
    usd_per_instance_hour : of the whole instance. [USD/h]
    gpu_memory_gib : of one GPU; None for that of the accelerator. [GiB]
    intra_node_link : between the GPUs of one instance; blank for what the accelerator has.
    inter_node_gbit_per_s : of the whole instance; None where instances are not joined. [Gbit/s]
    """
    link = intra_node_link or ("none" if gpus_per_instance == 1 else accelerator.link)
    network = inter_node_gbit_per_s
    return Offer(
        key=offer_key(provider, instance, region, purchase_option),
        provider=provider,
        provider_name=provider_name,
        instance=instance,
        accelerator=accelerator,
        gpus_per_instance=gpus_per_instance,
        memory_bytes=accelerator.memory_bytes
        if gpu_memory_gib is None
        else float(gpu_memory_gib) * GIB,
        vcpus=vcpus,
        host_memory_bytes=None if host_memory_gib is None else float(host_memory_gib) * GIB,
        intra_node_link=link,
        intra_node_bytes_per_s=_intra_node_bytes_per_s(link, gpus_per_instance, accelerator),
        inter_node_bytes_per_s=None
        if network is None
        else float(network) * GB / BITS_PER_BYTE / gpus_per_instance,
        region=region,
        purchase_option=purchase_option,
        usd_per_instance_hour=float(usd_per_instance_hour),
        tier=tier,
        trainable=trainable,
        evidence=evidence,
        source=source,
        valid_from=valid_from,
        retrieved=retrieved,
        grid=grid,
    )


def _intra_node_bytes_per_s(link: str, gpus: int, accelerator: Accelerator) -> float:
    """Link between the GPUs of one instance; a bridge joins two cards and no more. [bytes/s]"""
    if link == "none":
        return 0.0
    bridged_too_far = link == "nvlink-pair" and gpus != BRIDGED_GPUS
    if link == accelerator.link and not bridged_too_far:
        return accelerator.link_bytes_per_s
    return accelerator.pcie_bytes_per_s


def offers_in_force(
    rows: Iterable[OfferRow],
    as_of: date | None,
    *,
    accelerators: Mapping[str, Accelerator],
    providers: Mapping[str, ProviderRow],
    sources: Mapping[str, Source],
    grid_of: Callable[[str, str], Grid | None],
) -> tuple[Offer, ...]:
    """What has a price on a day, sorted by key."""
    offers = [
        offer_of(
            provider=row.provider,
            provider_name=providers[row.provider].name,
            instance=row.instance,
            accelerator=accelerators[row.accelerator],
            gpus_per_instance=row.gpus_per_instance,
            region=row.region,
            purchase_option=row.purchase_option,
            usd_per_instance_hour=row.usd_per_instance_hour,
            tier=row.tier,
            evidence=row.evidence,
            source=sources[row.source],
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            gpu_memory_gib=row.gpu_memory_gib,
            vcpus=row.vcpus,
            host_memory_gib=row.host_memory_gib,
            intra_node_link=row.intra_node_link,
            inter_node_gbit_per_s=row.inter_node_gbit_per_s,
            trainable=row.trainable,
            grid=grid_of(row.provider, row.region),
        )
        for row in in_force(rows, as_of)
        if row.usd_per_instance_hour is not None
    ]
    return tuple(sorted(offers, key=lambda offer: offer.key))


def history_of(rows: Iterable[OfferRow]) -> tuple[PastPrice, ...]:
    """Every row, sorted by key and day."""
    history = [
        PastPrice(
            key=row.offer,
            usd_per_instance_hour=None
            if row.usd_per_instance_hour is None
            else float(row.usd_per_instance_hour),
            valid_from=row.valid_from,
            retrieved=row.retrieved,
            source_key=row.source,
        )
        for row in rows
    ]
    return tuple(sorted(history, key=lambda past: (past.key, past.valid_from, past.retrieved)))


def price_list_hash(offers: Iterable[Offer]) -> str:
    """Names a price list: SHA-256 over all that is kept of it."""
    return hashlib.sha256(as_text(map(listed_price, offers)).encode()).hexdigest()


# ------------------------------------------------------------------ what rows must agree on


def offer_problems(
    path: Path,
    rows: Sequence[Numbered],
    accelerators: Mapping[str, AcceleratorRow],
    providers: Mapping[str, ProviderRow],
) -> list[str]:
    """Compare each offer with its accelerator, its provider, its history and its other prices."""
    faults: list[tuple[int, str, str]] = []
    for line, row in rows:
        provider = providers.get(row.provider)
        if provider is not None:
            wanted = tier_of(row.purchase_option, firm=provider.firm)
            if row.tier != wanted:
                told = f"is {row.tier}; {provider.name} sells {row.purchase_option} as {wanted}"
                faults.append((line, "tier", told))
        accelerator = accelerators.get(row.accelerator)
        if accelerator is not None:
            faults += ((line, *fault) for fault in _accelerator_faults(row, accelerator))
    faults += _history_faults(rows)
    faults += _share_faults(rows)
    return [problem(path, *fault) for fault in sorted(faults)]


def _accelerator_faults(row: OfferRow, accelerator: AcceleratorRow) -> Iterator[tuple[str, str]]:
    fitted = accelerator.memory_gib
    if not fitted * SMALLEST_USABLE_SHARE <= row.gpu_memory_gib <= fitted:
        yield (
            "gpu_memory_gib",
            f"is {row.gpu_memory_gib}; {accelerator.name} has {fitted} that can be used",
        )
    if row.intra_node_link not in ("none", "pcie", accelerator.link):
        yield (
            "intra_node_link",
            f"is {row.intra_node_link}; {accelerator.name} has {accelerator.link}",
        )


def _history_faults(rows: Sequence[Numbered]) -> Iterator[tuple[int, str, str]]:
    """All rows of an offer are about the same instance."""
    first: dict[str, Numbered] = {}
    for line, row in rows:
        first_line, other = first.setdefault(row.offer, (line, row))
        for column in ("instance", "accelerator", "gpus_per_instance", "region"):
            if getattr(row, column) != getattr(other, column):
                told = f"is {getattr(row, column)}; line {first_line} has {getattr(other, column)}"
                yield line, column, f"{told} for the same offer"


def _share_faults(rows: Sequence[Numbered]) -> Iterator[tuple[int, str, str]]:
    """Spot and reserved prices against the on-demand price of the same instance on their day."""
    prices: defaultdict[tuple[str, str, str, str], list[Numbered]] = defaultdict(list)
    for line, row in rows:
        if row.usd_per_instance_hour is not None:
            prices[row.provider, row.instance, row.region, row.purchase_option].append((line, row))
    for line, row in rows:
        usd = row.usd_per_instance_hour
        for dearer in _DEARER.get(row.purchase_option, ()):
            found = prices.get((row.provider, row.instance, row.region, dearer))
            if usd is None or found is None:
                continue
            other_line, other = _on_day(found, row.valid_from)
            share = usd / (other.usd_per_instance_hour or usd)
            low, high = _SHARES[row.purchase_option]
            if not low <= share <= high:
                yield (
                    line,
                    "usd_per_instance_hour",
                    f"is {usd}, {share:.2f} of the {dearer} price on line {other_line} "
                    f"({other.usd_per_instance_hour}); {low} to {high} is expected",
                )


_DEARER = {
    "spot": ("on-demand",),
    "reserved-1y": ("on-demand",),
    "reserved-3y": ("reserved-1y", "on-demand"),
}
_COMMITTED_SHARES = (Decimal("0.12"), Decimal(1))
_SHARES = {
    "spot": (LOWEST_SPOT_SHARE, HIGHEST_SPOT_SHARE),
    "reserved-1y": _COMMITTED_SHARES,
    "reserved-3y": _COMMITTED_SHARES,
}


def _on_day(rows: Sequence[Numbered], day: date) -> Numbered:
    """The row in force on a day; before the first one, the first one."""
    ordered = sorted(rows, key=lambda item: (item[1].valid_from, item[1].retrieved))
    return max(
        (item for item in ordered if item[1].valid_from <= day),
        key=lambda item: (item[1].valid_from, item[1].retrieved),
        default=ordered[0],
    )
