"""The prices page in texts: its figures, its filter and one page of its list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.estimator.hardware import (
    OLD_PRICE_DAYS,
    PURCHASE_OPTIONS,
    STALE_PRICE_DAYS,
    TIERS,
    Offer,
)
from app.estimator.wording import sentence_start
from app.services.book_infos import BookInfo
from app.web import show_numbers, show_words
from app.web.forms import Option
from app.web.plan_views import FilterSelect
from app.web.price_lists import Delivered, PageOf, PriceQuery, usd_per_pflop_hour
from app.web.price_tables import FactCell, amount, day_cell, short_day, source_cell

PATH = "/prices"

COLUMNS = (
    ("provider", "Provider", False),
    ("instance", "Instance", False),
    ("gpu", "GPUs", False),
    ("region", "Region", False),
    ("option", "Bought", False),
    ("usd", "US$ per instance-hour", True),
    ("gpu_usd", "US$ per GPU-hour", True),
    ("pflop_usd", "US$ per PFLOP-hour", True),
    ("date", "Date, source", False),
)
"""Name in the address, heading, and whether it holds numbers."""


@dataclass(frozen=True, slots=True)
class SortColumn:
    """A heading that sorts.

    Parameters
    ----------
    sorted : ascending or descending where the list is sorted by it, else empty.
    """

    name: str
    label: str
    numeric: bool
    sorted: str
    address: str


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price.

    Parameters
    ----------
    tier : what kind of price it is, where the option does not say so.
    not_planned : never planned on: no instance that trains, or a chip without a model of its speed.
    before : the list price, where a price book changed it.
    pflop_usd : empty where it is not known what the chip delivers.
    """

    provider: str
    instance: str
    gpus: str
    region: str
    option: str
    tier: str
    not_planned: bool
    usd: str
    before: str
    gpu_usd: str
    pflop_usd: str
    day: FactCell
    source: FactCell


@dataclass(frozen=True, slots=True)
class PriceListView:
    """One page of the list.

    Parameters
    ----------
    summary : how many prices pass the filter, and which of them are here.
    previous, next : addresses of the pages beside, empty where there is none.
    file : address of all of them as CSV.
    everything : address without the filter, empty where nothing is left out.
    """

    summary: str
    columns: tuple[SortColumn, ...]
    rows: tuple[PriceRow, ...]
    pages: str
    previous: str
    next: str
    file: str
    everything: str


@dataclass(frozen=True, slots=True)
class PriceFigure:
    """One of the figures at the top."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class BookLink:
    """A price book whose prices can be shown instead."""

    name: str
    address: str
    chosen: bool


def figures(offers: Sequence[Offer], today: date) -> tuple[PriceFigure, ...]:
    """How many prices there are, of what, and how old."""
    if not offers:
        return ()
    ages = [(today - offer.valid_from).days for offer in offers]
    trains = sum(offer.trainable for offer in offers)
    old = sum(days > OLD_PRICE_DAYS for days in ages)
    stale = sum(days > STALE_PRICE_DAYS for days in ages)
    firm = len({o.provider for o in offers if o.tier != "marketplace"})
    providers = len({o.provider for o in offers})
    models = {o.accelerator.key: o.accelerator for o in offers}
    planned = sum(a.can_be_planned for a in models.values())
    newest = max(offer.valid_from for offer in offers)
    return (
        PriceFigure("Prices in force", f"{len(offers):,}", f"{trains:,} of them can be trained on"),
        PriceFigure("Providers", f"{providers:,}", f"{firm:,} with a price list of their own"),
        PriceFigure("GPU models", f"{len(models):,}", f"{planned:,} that plans are made on"),
        PriceFigure("Newest price", short_day(newest), f"{min(ages):,} days old"),
        PriceFigure(
            f"Older than {OLD_PRICE_DAYS} days",
            f"{old:,}",
            f"{stale:,} of them older than {STALE_PRICE_DAYS} days",
        ),
    )


def book_links(books: Iterable[BookInfo], asked: PriceQuery) -> tuple[BookLink, ...]:
    """The built-in prices and the price books that this browser may use."""
    token = asked.book.partition("@")[0]
    found = [("", "Built-in prices"), *((book.token, book.name) for book in books)]
    return tuple(
        BookLink(name, address(PriceQuery(book=reference)), reference.partition("@")[0] == token)
        for reference, name in found
    )


def carried(asked: PriceQuery) -> tuple[tuple[str, str], ...]:
    """What the form of the filter carries on."""
    plain = PriceQuery()
    return tuple(
        (name, getattr(asked, name))
        for name in ("book", "sort")
        if getattr(asked, name) != getattr(plain, name)
    )


def selects(offers: Iterable[Offer], asked: PriceQuery) -> tuple[FilterSelect, ...]:
    """The lists of the filter; what was chosen stays visible, even where it is not among them."""
    providers, gpus, options, tiers = {}, {}, set(), set()
    for offer in offers:
        providers[offer.provider] = offer.provider_name
        gpus[offer.accelerator.key] = offer.accelerator.name
        options.add(offer.purchase_option)
        tiers.add(offer.tier)
    return (
        _select("provider", "Provider", "All providers", asked.provider, _by_name(providers)),
        _select("gpu", "GPU", "All GPUs", asked.gpu, _by_name(gpus)),
        _select("option", "Bought", "Any way", asked.option, _known(PURCHASE_OPTIONS, options)),
        _select("tier", "Tier", "All tiers", asked.tier, _known(TIERS, tiers)),
    )


def _by_name(names: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(names.items(), key=lambda pair: pair[1].lower())


def _known(names: Mapping[str, str], there: set[str]) -> list[tuple[str, str]]:
    return [(key, sentence_start(label)) for key, label in names.items() if key in there]


def _select(
    name: str, label: str, every: str, chosen: str, known: Sequence[tuple[str, str]]
) -> FilterSelect:
    values = [("", every), *known]
    if chosen and chosen not in dict(known):
        values.append((chosen, chosen))
    options = tuple(Option(value, text, value == chosen) for value, text in values)
    return FilterSelect(name, label, "", options)


def price_list(
    page: PageOf, every: int, asked: PriceQuery, delivered: Delivered, today: date
) -> PriceListView:
    """One page of the list.

    Parameters
    ----------
    every : prices before the filter. [count]
    """
    return PriceListView(
        summary=_summary(page, every, asked),
        columns=tuple(_column(*column, asked) for column in COLUMNS),
        rows=tuple(_row(offer, delivered, today) for offer in page.offers),
        pages=f"Page {page.page:,} of {page.pages:,}" if page.pages > 1 else "",
        previous=_page_address(asked, page.page - 1) if page.page > 1 else "",
        next=_page_address(asked, page.page + 1) if page.page < page.pages else "",
        file=with_query("/prices.csv", asked.to_query(page=1)),
        everything=address(PriceQuery(book=asked.book)) if asked.narrows else "",
    )


def with_query(path: str, query: str) -> str:
    """A path with its query, if there is one."""
    return f"{path}?{query}" if query else path


def address(asked: PriceQuery) -> str:
    """The address of the page."""
    return with_query(PATH, asked.to_query())


def _page_address(asked: PriceQuery, number: int) -> str:
    return with_query(PATH, asked.to_query(page=number))


def _summary(page: PageOf, every: int, asked: PriceQuery) -> str:
    if not page.total:
        return "No price passes this filter." if asked.narrows else "This price book has no prices."
    said = show_words.plural(every, "price")
    if asked.narrows:
        said = f"{page.total:,} of {said}: {_scope(page.offers[0], asked)}"
    last = page.first + len(page.offers) - 1
    return f"{said}; {page.first:,} to {last:,} are shown." if page.pages > 1 else f"{said}."


def _scope(first: Offer, asked: PriceQuery) -> str:
    """What the filter lets through, in the words of an offer that passes it."""
    parts = (
        first.provider_name if asked.provider else "",
        first.accelerator.name if asked.gpu else "",
        PURCHASE_OPTIONS.get(asked.option, asked.option),
        TIERS.get(asked.tier, asked.tier),
        f"region with “{asked.region}”" if asked.region else "",
        "can train" if asked.trains else "",
    )
    return ", ".join(part for part in parts if part)


def _column(name: str, label: str, numeric: bool, asked: PriceQuery) -> SortColumn:
    """A heading; it sorts upwards first, and the other way where it is sorted by already."""
    here = asked.column == name
    sort = f"-{name}" if here and not asked.descending else name
    return SortColumn(
        name=name,
        label=label,
        numeric=numeric,
        sorted=("descending" if asked.descending else "ascending") if here else "",
        address=with_query(PATH, asked.to_query(sort=sort, page=1)),
    )


def _row(offer: Offer, delivered: Delivered, today: date) -> PriceRow:
    pflop = usd_per_pflop_hour(offer, delivered)
    option = PURCHASE_OPTIONS.get(offer.purchase_option, offer.purchase_option)
    return PriceRow(
        provider=offer.provider_name,
        instance=offer.instance,
        gpus=_unbroken(f"{offer.gpus_per_instance} × {offer.accelerator.name}"),
        region=show_words.region(offer.region),
        option=option,
        tier=_tier(offer),
        not_planned=not offer.can_be_planned,
        usd=amount(offer.usd_per_instance_hour),
        before=_before(offer),
        gpu_usd=f"{offer.usd_per_gpu_hour:,.2f}",
        pflop_usd="" if pflop is None else f"{pflop:,.2f}",
        day=day_cell(offer, today),
        source=source_cell(offer.source, offer.evidence),
    )


def _unbroken(gpus: str) -> str:
    """Numbers stay beside what they count.

    Examples
    --------
    >>> _unbroken("8 × NVIDIA H100 SXM 80 GB")
    '8\\xa0× NVIDIA H100 SXM 80\\xa0GB'
    """
    return gpus.replace(" ×", "\u00a0×").replace(" GB", "\u00a0GB")


def _tier(offer: Offer) -> str:
    if offer.tier == "list":
        return "list price"
    return "" if offer.tier == offer.purchase_option else offer.tier.replace("-", " ")


def _before(offer: Offer) -> str:
    """What a price book made of the list price."""
    if not offer.price_book:
        return ""
    if offer.list_usd_per_instance_hour is None:
        return "own rate"
    listed = f"list {amount(offer.list_usd_per_instance_hour)}"
    percent = -offer.discount_fraction * 100
    if not round(percent, 1):
        return listed
    return f"{listed}, {show_numbers.number(percent, 1, plus=True).removesuffix('.0')}%"
