"""Today's prices, fetched by the gpuhunt library: an extra that is installed when it is wanted.

Notes
-----
gpuhunt (MPL-2.0) is called, never copied: it reads catalogues that its makers publish every hour,
which need no key, and asks some providers themselves, a few of them with a key from the
environment. Written against 0.1.34.
"""

from __future__ import annotations

import importlib
import logging
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.catalog.importers.cells import gib_of_gpu, number, tidy, usd
from app.catalog.importers.collector import Collector, Place
from app.catalog.importers.gpuhunt import HuntedItem, take_item
from app.catalog.importers.names import load_names
from app.catalog.importers.providers import ALSO_LISTS, HasFirm, firm_of, provider_key
from app.catalog.importers.result import Imported, Skipped
from app.catalog.importers.shapes import BuiltInOffers
from app.estimator.hardware import Accelerator, Offer

EXTRA = "tunecase[live]"
PUBLISHED = {
    "aws": "aws",
    "azure": "azure",
    "cloudrift": "cloudrift",
    "gcp": "gcp",
    "lambda": "lambdalabs",
    "nebius": "nebius",
    "oci": "oci",
    "runpod": "runpod",
    "verda": "verda",
}
"""Providers in the published catalogues, by our key: what is fetched unless others are named."""
ASKED = {
    "crusoe": "crusoe",
    "daytona": "daytona",
    "digitalocean": "digitalocean",
    "hotaisle": "hotaisle",
    "jarvislabs": "jarvislabs",
    "lium": "lium",
    "seeweb": "seeweb",
    "vast": "vastai",
    "vultr": "vultr",
}
"""Providers that are asked themselves, by our key."""
NOT_FETCHED = "provider whose prices could not be fetched"
TIMEOUT_S = 30.0
CATALOGUES = "published catalogues"

Progress = Callable[[int, int, str], None]
"""Called with the steps done, all steps, and the name of the step that begins."""


class LiveRefreshError(Exception):
    """Prices could not be fetched; nothing was changed. The message says what to do."""


def fetch(
    providers: Sequence[str],
    progress: Progress,
    *,
    accelerators: Mapping[str, Accelerator],
    sellers: Mapping[str, HasFirm],
    valid_from: date,
    offers: Iterable[Offer] = (),
    names_file: Path | None = None,
) -> Imported:
    """Rows for a price book from today's prices.

    Parameters
    ----------
    providers : keys of ours; empty for all in the published catalogues.
    progress : told of every step.
    accelerators, sellers, valid_from, offers, names_file : as for `read_catalogue`.

    Returns
    -------
    As of `read_catalogue`. Without `providers`, one that cannot be fetched is counted among what
    was skipped, and is not among the providers of the result.

    Raises
    ------
    LiveRefreshError : the library is missing, the network is, or a named provider cannot be
        fetched.
    CatalogError : most prices of a provider are out of range.
    """
    wanted = [provider_key(name) for name in providers] or list(PUBLISHED)
    unknown = [key for key in wanted if key not in PUBLISHED and key not in ASKED]
    if unknown:
        known = ", ".join(sorted({*PUBLISHED, *ASKED}))
        raise LiveRefreshError(f"{unknown[0]} cannot be fetched; choose among {known}")
    wanted = list(dict.fromkeys(wanted))
    library = _library()
    names = load_names(names_file)
    collector = Collector(
        "gpuhunt", accelerators, names, BuiltInOffers(offers), valid_from, firm_of(sellers)
    )
    failed: list[str] = []
    published = any(key in PUBLISHED for key in wanted)
    steps = len(wanted) + published
    with _quiet():
        catalog = library.Catalog(balance_resources=False, auto_reload=False)
        if published:
            progress(0, steps, CATALOGUES)
            _load(library, catalog)
        for done, key in enumerate(wanted, start=int(published)):
            progress(done, steps, key)
            try:
                items = _items(library, catalog, key)
            except LiveRefreshError as error:
                if providers:
                    raise
                failed.append(str(error))
                continue
            collector.providers.update((key, *ALSO_LISTS.get(key, ())))
            for i, item in enumerate(items, start=1):
                place = Place(f"live {key}", i)
                take_item(_hunted(item, place, collector), key, place, collector)
    if not collector.providers:
        raise _no_network("; ".join(failed))
    progress(steps, steps, "")
    return _with_failures(collector.finished(), failed)


def _library() -> Any:
    """The library.

    Raises
    ------
    LiveRefreshError : it is not installed.
    """
    try:
        return importlib.import_module("gpuhunt")
    except ImportError as error:
        raise LiveRefreshError(
            "Fetching prices needs the library gpuhunt, which is not installed; add it with "
            f"pip install '{EXTRA}', or import a catalogue that you have downloaded"
        ) from error


def _load(library: Any, catalog: Any) -> None:
    """Let the library fetch what is published.

    Raises
    ------
    LiveRefreshError : nothing of it could be fetched.
    """
    try:
        catalog.load()
    except (library.GPUHuntError, OSError, ValueError) as error:
        raise _no_network(str(error.__cause__ or error)) from error


def _items(library: Any, catalog: Any, key: str) -> list[Any]:
    """What one provider has.

    Raises
    ------
    LiveRefreshError : it could not be fetched, or lacks a key.
    """
    name = PUBLISHED.get(key) or ASKED[key]
    if key in PUBLISHED:
        # The library logs a catalogue that it cannot fetch, and goes on without it.
        if name not in catalog.catalog:
            raise LiveRefreshError(f"The prices of {key} could not be fetched; nothing was changed")
    else:
        _add_provider(library, catalog, key, name)
    try:
        return list(catalog.query(provider=name, min_gpu_count=1))
    except Exception as error:
        # Whatever an answer of a provider makes its reader stumble over.
        raise LiveRefreshError(
            f"The prices of {key} could not be fetched ({_short(error)}); nothing was changed"
        ) from error


def _add_provider(library: Any, catalog: Any, key: str, name: str) -> None:
    """Let the catalogue ask a provider itself."""
    try:
        module = importlib.import_module(f"gpuhunt.providers.{name}")
        made: Any = next(
            thing
            for thing in vars(module).values()
            if isinstance(thing, type) and getattr(thing, "NAME", "") == name
        )
        catalog.add_provider(made.from_env())
    except library.MissingCredsError as error:
        raise LiveRefreshError(f"{key} is asked with a key: {error}") from error
    except (ImportError, StopIteration, AttributeError) as error:
        raise LiveRefreshError(
            f"This version of gpuhunt cannot ask {key}; update it with pip install -U '{EXTRA}'"
        ) from error


def _hunted(item: Any, place: Place, into: Collector) -> HuntedItem:
    """A row of a file, from one of the library's items."""
    data = item.provider_data if isinstance(item.provider_data, Mapping) else {}
    memory, host = number(str(item.gpu_memory or "")), number(str(item.memory or ""))
    try:
        price = usd(str(item.price))
    except ValueError:
        price = None
    return HuntedItem(
        instance=into.text(str(item.instance_name), place, "instance_name"),
        location=into.text(str(item.location or ""), place, "location"),
        price=price,
        vcpus=int(item.cpu) if item.cpu else None,
        host_memory_gib=tidy(host.quantize(Decimal("0.1"))) if host else None,
        gpus=int(item.gpu_count or 0),
        gpu_name=into.text(str(item.gpu_name or ""), place, "gpu_name"),
        gpu_memory_gib=gib_of_gpu(memory) if memory else None,
        spot=bool(item.spot),
        flags=tuple(item.flags or ()),
        calendar_mode=data.get("is_dws_calendar_mode") is True,
    )


def _with_failures(imported: Imported, failed: Sequence[str]) -> Imported:
    """The result, with the providers that could not be fetched among what was skipped."""
    if not failed:
        return imported
    skipped = Skipped(NOT_FETCHED, len(failed), tuple(failed))
    return replace(imported, skipped=(skipped, *imported.skipped))


def _no_network(reason: str) -> LiveRefreshError:
    """What to say when nothing can be reached."""
    return LiveRefreshError(
        f"No prices could be fetched ({_short(reason)}); nothing was changed. Check the network, "
        "or import a catalogue that you have downloaded"
    )


def _short(reason: object) -> str:
    """The beginning of a reason, without what urllib and requests put around it."""
    text = re.sub(r"^<urlopen error (.*)>$", r"\1", str(reason).strip())
    if "Max retries exceeded" in text:
        return "no connection"
    return text[:200] or "no reason given"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's log to itself, and give connections an end: it sets none."""
    logger = logging.getLogger("gpuhunt")
    before = (logger.disabled, logger.propagate, socket.getdefaulttimeout())
    handler = logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    socket.setdefaulttimeout(TIMEOUT_S)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.disabled, logger.propagate = before[:2]
        socket.setdefaulttimeout(before[2])
