"""What the built-in offers say of the instances and prices that a catalogue lists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.catalog.importers.cells import tidy
from app.catalog.pricing_rows import offer_key
from app.estimator.hardware import Offer
from app.estimator.units import BITS_PER_BYTE, GB, GIB


@dataclass(frozen=True, slots=True)
class Shape:
    """An instance that we have a built-in offer of.

    Parameters
    ----------
    vcpus, host_memory_gib, inter_node_gbit_per_s : of one instance. [count], [GiB], [Gbit/s]
    """

    vcpus: int | None
    host_memory_gib: Decimal | None
    inter_node_gbit_per_s: Decimal | None


UNKNOWN_SHAPE = Shape(None, None, None)


LARGEST_RATIO_TO_LIST = 5.0
"""Times by which a price may lie above or below the built-in one of the same instance. Assumption:
list prices moved by half in three years and differ by half between regions; the price of one GPU of
eight is an eighth."""


class BuiltInOffers:
    """The built-in offers, to compare a catalogue with.

    Parameters
    ----------
    offers : built-in prices; without any nothing is known of instances and of usual prices.
    """

    def __init__(self, offers: Iterable[Offer] = ()) -> None:
        self._shapes: dict[str, Shape] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._of_region: dict[str, float] = {}
        self._of_instance: dict[str, float] = {}
        self._of_gpu: dict[tuple[str, str], float] = {}
        for offer in offers:
            instance = self.instance_key(offer.provider, offer.instance)
            self._shapes.setdefault(instance, _shape(offer))
            if offer.purchase_option != "on-demand":
                continue
            usd = offer.usd_per_instance_hour
            self._of_region[offer.key] = usd
            self._of_instance[instance] = min(usd, self._of_instance.get(instance, usd))
            gpu = (offer.provider, offer.accelerator.key)
            per_gpu = offer.usd_per_gpu_hour
            self._of_gpu[gpu] = min(per_gpu, self._of_gpu.get(gpu, per_gpu))

    def instance_key(self, provider: str, instance: str) -> str:
        """What an instance is compared by: the part of an offer's key that names it."""
        asked = (provider, instance)
        if asked not in self._keys:
            self._keys[asked] = offer_key(provider, instance, "", "")
        return self._keys[asked]

    def shape(self, provider: str, instance: str) -> Shape:
        """What is known of an instance: it has the same parts in every region."""
        return self._shapes.get(self.instance_key(provider, instance), UNKNOWN_SHAPE)

    def knows(self, provider: str, instance: str) -> bool:
        """Whether this very instance has a built-in price on demand."""
        return self.instance_key(provider, instance) in self._of_instance

    def usual_usd(
        self, provider: str, instance: str, region: str, accelerator: str, gpus: int
    ) -> float | None:
        """List price on demand to compare with, None without one. [USD/h]

        That of the region, else the lowest of the instance in any region, else the lowest of the
        same provider for one such GPU, times their number.
        """
        price = self._of_region.get(offer_key(provider, instance, region, "on-demand"))
        if price is None:
            price = self._of_instance.get(self.instance_key(provider, instance))
        if price is None and (provider, accelerator) in self._of_gpu:
            price = gpus * self._of_gpu[provider, accelerator]
        return price


def _shape(offer: Offer) -> Shape:
    """The parts of an instance, in the units of price books."""
    host, link = offer.host_memory_bytes, offer.inter_node_bytes_per_s
    return Shape(
        vcpus=offer.vcpus,
        host_memory_gib=None if host is None else _rounded(host / GIB),
        inter_node_gbit_per_s=None
        if link is None
        else _rounded(link * offer.gpus_per_instance * BITS_PER_BYTE / GB),
    )


def _rounded(value: float) -> Decimal:
    """A figure that went through bytes, as it was written."""
    return tidy(Decimal(repr(value)).quantize(Decimal("0.001")))
