"""The prices beside GPU hours as tables: managed tuning, servers, electricity, storage, rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.catalog.catalog import Catalog
from app.estimator.hardware import OLD_PRICE_DAYS, STALE_PRICE_DAYS, Grid, Source
from app.web import show_amounts, show_dates, show_numbers
from app.web.result_parts import SourceRow
from app.web.result_sources import anchor

SECOND_HAND = ("quoted", "sample")
"""Kinds of evidence that no price list stands behind."""
_METHODS = {"full": "full", "lora": "LoRA", "undisclosed": "not disclosed"}


@dataclass(frozen=True, slots=True)
class FactCell:
    """One cell.

    Parameters
    ----------
    sub : what stands below in small letters.
    level : fresh, old or stale where the cell is a day, else empty.
    anchor : id on the page that the text links to, if any.
    """

    text: str
    sub: str = ""
    level: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column; numbers stand to the right."""

    label: str
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class FactTable:
    """One table of facts under its heading."""

    key: str
    title: str
    text: str
    columns: tuple[FactColumn, ...]
    rows: tuple[tuple[FactCell, ...], ...]


def level_of(days: int) -> str:
    """How old a price is.

    Examples
    --------
    >>> level_of(90), level_of(91), level_of(181)
    ('fresh', 'old', 'stale')
    """
    if days > STALE_PRICE_DAYS:
        return "stale"
    return "old" if days > OLD_PRICE_DAYS else "fresh"


def age_words(days: int) -> str:
    """What is said beside a day that is no longer fresh.

    Examples
    --------
    >>> age_words(12), age_words(91), age_words(400)
    ('', 'old: 91 days', 'very old: 400 days')
    """
    words = {"fresh": "", "old": "old: ", "stale": "very old: "}[level_of(days)]
    return f"{words}{days:,} days" if words else ""


class Dated(Protocol):
    """A fact with its day, the day on which it was read, and where."""

    @property
    def valid_from(self) -> date:
        """Day on which it was in force at its source."""

    @property
    def retrieved(self) -> date:
        """Day on which it was read."""

    @property
    def source(self) -> Source:
        """Where it was read."""


def day_cell(fact: Dated, today: date, note: str = "") -> FactCell:
    """The day of a fact, with its age where that matters.

    Parameters
    ----------
    note : of the fact; it says where a page that was read again bears no day.

    Notes
    -----
    A page without a day counts from the day on which it was read (pricing/README.md), which says
    nothing of how long the figure has been there. A rate of a price book is dated by its company.
    """
    days = (today - fact.valid_from).days
    undated = fact.valid_from == fact.retrieved or "not dated" in note
    text = short_day(fact.valid_from)
    if undated and not is_own(fact.source):
        text = f"read\u00a0{short_day(fact.retrieved)}"
    return FactCell(text, age_words(days), level_of(days))


def is_own(source: Source) -> bool:
    """Whether a price is of a price book."""
    return source.key.startswith("price-book")


def short_day(day: date) -> str:
    """A day in a narrow column.

    Examples
    --------
    >>> short_day(date(2026, 11, 9))
    '9\\xa0Nov\\xa02026'
    """
    return f"{day.day} {day:%b %Y}".replace(" ", "\u00a0")


def source_cell(source: Source, evidence: str = "") -> FactCell:
    """A source, linked to its entry at the end of the page.

    Parameters
    ----------
    evidence : of the fact, as in pricing/README.md; a quote or an example is second hand.
    """
    sub = "second hand" if evidence in SECOND_HAND and not is_own(source) else ""
    return FactCell(source.title, sub, anchor=anchor(source.key))


def source_rows(sources: Iterable[Source]) -> tuple[SourceRow, ...]:
    """Every source once, by title."""
    every = {source.key: source for source in sources}.values()
    return tuple(
        SourceRow(
            anchor=anchor(s.key),
            title=s.title,
            publisher=s.publisher,
            locator=s.locator,
            url=s.locator if s.locator.startswith(("https://", "http://")) else "",
            retrieved=show_dates.day(s.retrieved),
        )
        for s in sorted(every, key=lambda s: s.title.lower())
    )


def fact_tables(catalog: Catalog, today: date) -> tuple[FactTable, ...]:
    """All tables that hold a row."""
    made = (
        _managed(catalog, today),
        _servers(catalog, today),
        _ownership(catalog, today),
        _grids(catalog, today),
        _storage(catalog, today),
        _labour(catalog, today),
        _rates(catalog, today),
    )
    return tuple(table for table in made if table.rows)


def sources_of(catalog: Catalog) -> list[Source]:
    """The sources of all tables and of the price list."""
    facts: list[Sequence[object]] = [
        catalog.listed,
        tuple(catalog.accelerators.values()),
        catalog.managed,
        catalog.servers,
        tuple(catalog.ownership.values()),
        tuple(catalog.labour.values()),
        tuple(catalog.grids.values()),
        tuple(catalog.storage.values()),
        tuple(catalog.exchange_rates.values()),
    ]
    electricity = [g.usd_per_kwh_source for g in catalog.grids.values() if g.usd_per_kwh_source]
    return [
        *(fact.source for table in facts for fact in table),  # type: ignore[attr-defined]
        *electricity,
    ]


def _provider(catalog: Catalog, key: str) -> str:
    found = catalog.providers.get(key)
    return found.name if found else key


def _columns(*labels: str) -> tuple[FactColumn, ...]:
    """Columns by label; one that begins with ``#`` is of numbers."""
    return tuple(FactColumn(label.removeprefix("#"), label.startswith("#")) for label in labels)


def _managed(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="managed",
        title="Managed fine-tuning",
        text="A provider runs the training and bills by the token, epochs counted.",
        columns=_columns(
            "Provider", "What it trains", "Method", "#US$ per million tokens", "#Least charge",
            "#Hosting per hour", "Date", "Source",
        ),
        rows=tuple(
            (
                FactCell(m.provider_name, "" if m.open_to_new else "closed to new customers"),
                FactCell(m.label, m.note),
                FactCell(_METHODS.get(m.method, m.method)),
                FactCell(amount(m.usd_per_million_tokens)),
                FactCell(show_amounts.unit_price(m.minimum_usd) if m.minimum_usd else "none"),
                FactCell(
                    "not published"
                    if m.hosting_usd_per_hour is None
                    else show_amounts.unit_price(m.hosting_usd_per_hour)
                ),
                day_cell(m, today, m.note),
                source_cell(m.source, m.evidence),
            )
            for m in catalog.managed
        ),
    )  # fmt: skip


def _servers(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="servers",
        title="Servers to buy",
        text="Quoted ranges for whole servers; the middle of the range is used.",
        columns=_columns("Server", "GPUs", "#US$", "#Power", "Date", "Source"),
        rows=tuple(
            (
                FactCell(s.name, s.note),
                FactCell(f"{s.gpus} × {_accelerator(catalog, s.accelerator)}"),
                FactCell(
                    f"{s.low_usd:,.0f}"
                    if s.low_usd == s.high_usd
                    else f"{s.low_usd:,.0f} to {s.high_usd:,.0f}"
                ),
                FactCell(f"{show_numbers.significant(s.power_w / 1000)} kW"),
                day_cell(s, today, s.note),
                source_cell(s.source, s.evidence),
            )
            for s in catalog.servers
        ),
    )


def _accelerator(catalog: Catalog, key: str) -> str:
    found = catalog.accelerators.get(key)
    return found.name if found else key


_OWNERSHIP_UNITS = {
    "usd_per_kw_month": "US$ per kW and month",
    "usd_per_kwh": "US$ per kWh",
    "fraction": "% of the price",
    "years": "years",
    "pue": "PUE",
}


def _ownership(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="owning",
        title="Owning servers",
        text="What a bought server costs beside its price, and what becomes of that price.",
        columns=_columns("Figure", "#Value", "Unit", "Date", "Source"),
        rows=tuple(
            (
                FactCell(o.label, o.note),
                FactCell(_range(o.low, o.high, 100 if o.unit == "fraction" else 1)),
                FactCell(_OWNERSHIP_UNITS.get(o.unit, o.unit)),
                day_cell(o, today, o.note),
                source_cell(o.source, o.evidence),
            )
            for o in catalog.ownership.values()
        ),
    )


def _range(low: float, high: float, scale: float) -> str:
    """A range, or one value.

    Examples
    --------
    >>> _range(0.25, 0.35, 100), _range(3, 3, 1)
    ('25 to 35', '3')
    """
    first, last = (
        show_numbers.significant(low * scale, 4),
        show_numbers.significant(high * scale, 4),
    )
    return first if low == high else f"{first} to {last}"


def _labour(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="labour",
        title="People",
        text="Median wages, without the overhead of the employer. A scenario takes the cost of an "
        "engineer's week as it is entered.",
        columns=_columns("Work", "Country", "#US$ a year", "Date", "Source"),
        rows=tuple(
            (
                FactCell(found.label, found.note),
                FactCell(found.country),
                FactCell(f"{found.usd_per_year:,.0f}"),
                day_cell(found, today, found.note),
                source_cell(found.source, found.evidence),
            )
            for found in catalog.labour.values()
        ),
    )


def _grids(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="electricity",
        title="Electricity and carbon",
        text="Carbon of what is consumed in a country or cloud region, location based; price for a "
        "business.",
        columns=_columns(
            "Country or region",
            "#g CO₂e per kWh",
            "#Year",
            "Source of the carbon",
            "#US$ per kWh",
            "Date",
            "Source of the price",
        ),
        rows=tuple(
            (
                FactCell(g.label),
                FactCell(f"{g.g_co2e_per_kwh:,.0f}"),
                # A yearly statistic, which does not age like a price.
                FactCell(str(g.data_year)),
                source_cell(g.source),
                *_price_of(g, today),
            )
            for g in sorted(catalog.grids.values(), key=lambda g: g.label)
        ),
    )


def _price_of(grid: Grid, today: date) -> tuple[FactCell, FactCell, FactCell]:
    """Price of electricity, its day and where it was read."""
    if grid.usd_per_kwh is None or grid.usd_per_kwh_source is None:
        return FactCell(show_numbers.NONE), FactCell(""), FactCell("")
    return (
        FactCell(amount(grid.usd_per_kwh)),
        day_cell(grid, today),
        source_cell(grid.usd_per_kwh_source),
    )


def _storage(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="storage",
        title="Storage and traffic",
        text="Object storage, and traffic out of the provider.",
        columns=_columns(
            "Provider", "Product", "#US$ per GB and month", "#US$ per GB out", "Date", "Source"
        ),
        rows=tuple(
            (
                FactCell(_provider(catalog, s.provider), s.note),
                FactCell(s.product),
                FactCell(_known(s.usd_per_gb_month)),
                FactCell(_known(s.egress_usd_per_gb)),
                day_cell(s, today, s.note),
                source_cell(s.source, s.evidence),
            )
            for s in catalog.storage.values()
        ),
    )


def _rates(catalog: Catalog, today: date) -> FactTable:
    return FactTable(
        key="rates",
        title="Exchange rates",
        text="Everything is computed in US dollars and shown in the currency of the scenario.",
        columns=_columns("Currency", "Code", "#For one US dollar", "Date", "Source"),
        rows=tuple(
            (
                FactCell(r.name),
                FactCell(r.code),
                FactCell(show_numbers.significant(r.per_usd, 6)),
                day_cell(r, today),
                source_cell(r.source),
            )
            for r in catalog.exchange_rates.values()
            if r.code != "USD"
        ),
    )


def _known(value: float | None) -> str:
    return "not published" if value is None else amount(value)


def amount(usd: float) -> str:
    """An amount below a heading that names the currency: at least cents, at most four decimals.

    Examples
    --------
    >>> amount(55.04), amount(0.0184), amount(1234.5)
    ('55.04', '0.0184', '1,234.50')
    """
    whole, _, decimals = f"{usd:,.4f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
