"""What each own rate of a price book does: which built-in prices it replaces, or what it adds."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.catalog.catalog import Catalog
from app.catalog.price_books import EVERY_REGION, BookRow, Place, PriceBook
from app.estimator.hardware import PURCHASE_OPTIONS, Offer
from app.web import show_numbers, show_words
from app.web.price_tables import amount, is_own

MOST_EFFECTS = 200
"""Rates whose effect is shown; those that look like a slip of the pen come first."""
_NEAR = 0.65
"""Likeness of two names from which one may be meant for the other, 1 for the same."""


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One own rate.

    Parameters
    ----------
    what : what it does, in words.
    hint : what may have been meant, empty for nothing.
    change : against the price that it replaces, empty where there is none.
    """

    place: str
    what: str
    hint: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class EffectsView:
    """What the rates of a book do; `more` says how many are not shown."""

    sentence: str
    rows: tuple[EffectRow, ...]
    more: str


class _Known:
    """Names of the built-in offers."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self.instances: dict[str, dict[str, Offer]] = {}
        self.regions: dict[tuple[str, str], dict[str, Offer]] = {}
        for offer in offers:
            self.instances.setdefault(offer.provider, {})[offer.instance] = offer
            regions = self.regions.setdefault((offer.provider, offer.instance), {})
            regions[offer.region] = offer


def effects_view(catalog: Catalog, prices: Catalog, book: PriceBook) -> EffectsView | None:
    """What the rates of a book do to the built-in prices; None where it has none.

    Parameters
    ----------
    catalog : with the built-in prices.
    prices : with those of the book.
    """
    if not book.rows:
        return None
    places = {row.place for row in book.rows}
    replaced: dict[Place, list[Offer]] = {}
    for offer in prices.listed:
        if is_own(offer.source) and offer.list_usd_per_instance_hour is not None:
            here = (offer.provider, offer.instance, offer.region, offer.purchase_option)
            every = (offer.provider, offer.instance, EVERY_REGION, offer.purchase_option)
            replaced.setdefault(here if here in places else every, []).append(offer)
    new = [row for row in book.rows if row.place not in replaced]
    old = [row for row in book.rows if row.place in replaced]
    hints: dict[Place, str] = {}
    if book.base == "built-in":
        known = _Known(catalog.listed)
        # Likeness to many names takes its time: not for more rates than can be shown.
        hints = {row.place: _hint(row, known) for row in new[:MOST_EFFECTS]}
    doubted = [row for row in new if hints.get(row.place)]
    others = [row for row in new if not hints.get(row.place)]
    order = [*doubted, *old, *others][:MOST_EFFECTS]
    more = len(book.rows) - len(order)
    return EffectsView(
        sentence=_sentence(len(old), len(new), len(doubted), book.base),
        rows=tuple(
            _row(row, replaced.get(row.place, ()), hints.get(row.place, "")) for row in order
        ),
        more=f"{show_words.plural(more, 'rate')} more are not listed here." if more > 0 else "",
    )


def _sentence(old: int, new: int, doubted: int, base: str) -> str:
    if base == "none":
        return f"{show_words.plural(new, 'rate')}; no built-in price is in this book."
    parts = []
    if old:
        parts.append(
            f"{show_words.plural(old, 'rate')} {'replaces' if old == 1 else 'replace'} built-in "
            "prices"
        )
    if new:
        kind = "is a new offer" if new == 1 else "are new offers"
        parts.append(f"{new:,} {kind}" if old else f"{show_words.plural(new, 'rate')} {kind}")
    said = f"{show_words.join_words(parts)}."
    if doubted:
        said += (
            f" {show_words.plural(doubted, 'rate')} may hold a slip of the pen: see the question."
        )
    return said


def _row(row: BookRow, replaced: Sequence[Offer], hint: str) -> EffectRow:
    usd = float(row.usd_per_instance_hour)
    region = "every region" if row.region == EVERY_REGION else row.region
    option = PURCHASE_OPTIONS.get(row.purchase_option, row.purchase_option)
    place = f"{row.provider}, {row.instance}, {region}, {option}"
    if not replaced:
        return EffectRow(place, "new offer", hint, show_numbers.NONE, amount(usd), "")
    before = sorted({offer.list_usd_per_instance_hour or 0.0 for offer in replaced})
    what = "replaces a built-in price"
    if row.region == EVERY_REGION:
        what = f"replaces the price in {show_words.plural(len(replaced), 'region')}"
    changes = [_percent(usd / price - 1) for price in (before[0], before[-1])]
    return EffectRow(
        place=place,
        what=what,
        hint=hint,
        before=_range([amount(price) for price in before]),
        after=amount(usd),
        change=_range(changes),
    )


def _percent(fraction: float) -> str:
    text = show_numbers.number(fraction * 100, 1, plus=True)
    return "same" if text == "0.0" else f"{text}%"


def _range(texts: Sequence[str]) -> str:
    """The first and the last, or the one.

    Examples
    --------
    >>> _range(["1.00", "2.00", "3.00"]), _range(["1.00"])
    ('1.00 to 3.00', '1.00')
    """
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"


def _hint(row: BookRow, known: _Known) -> str:
    """What may have been meant where a rate meets no built-in price; empty for nothing.

    Notes
    -----
    The first of provider, instance and region that is not known is asked about. Where all are known
    the rate is about other GPUs, or bought in a way that is not listed.
    """
    if row.provider not in known.instances:
        return _question(row.provider, known.instances)
    instances = known.instances[row.provider]
    if row.instance not in instances:
        return _question(row.instance, instances)
    offer = instances[row.instance]
    if (offer.accelerator.key, offer.gpus_per_instance) != (row.accelerator, row.gpus_per_instance):
        return (
            f"The built-in {row.instance} has {offer.gpus_per_instance} × {offer.accelerator.key}: "
            "is this another instance?"
        )
    regions = known.regions[row.provider, row.instance]
    if row.region not in regions and row.region != EVERY_REGION:
        return _question(row.region, regions)
    return ""


def _question(name: str, among: Iterable[str]) -> str:
    near = _nearest(name, among)
    return f"Did you mean {near}?" if near else ""


def _nearest(name: str, among: Iterable[str]) -> str:
    """The name that is most alike, empty where none is.

    Examples
    --------
    >>> _nearest("us-eats-1", ["us-east-1", "eu-west-2"]), _nearest("x", ["y"])
    ('us-east-1', '')
    """
    by_lower = {other.lower(): other for other in among}
    found = difflib.get_close_matches(name.lower(), by_lower, 1, _NEAR)
    return by_lower[found[0]] if found else ""
