"""Price books in texts: the list, the editor and the history of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.catalog.catalog import Catalog
from app.catalog.price_changes import PriceChange
from app.estimator.hardware import PURCHASE_OPTIONS
from app.services.book_drafts import BookDraft
from app.services.book_infos import BookInfo, BookVersion
from app.services.problems import Problem
from app.web import show_dates, show_numbers, show_words
from app.web.book_effects import EffectsView
from app.web.forms import Option, ProblemView
from app.web.price_tables import amount

PATH = "/prices/books"
MOST_EDITED = 1_000
"""Rates that are edited on the page; more of them are replaced by a file."""
MOST_MESSAGES = 3
"""Messages at a field; all of them are at the top."""
MOST_CHANGES = 500
"""Changed rates that are shown."""

BASES = {
    "built-in": "The built-in prices: rates replace and add to them",
    "none": "Nothing: only the rates of this book",
}
FIELDS = ("name", "base", "discounts", "rates")


@dataclass(frozen=True, slots=True)
class BookCard:
    """A price book in the list."""

    name: str
    address: str
    owner: str
    holds: str
    version: str
    prices_address: str
    estimate_address: str


@dataclass(frozen=True, slots=True)
class BookFormView:
    """The editor, as it was typed.

    Parameters
    ----------
    version : that it was filled from; 0 for a new book.
    kept : what is said of rates that are too many to be edited on the page, empty where they are
        there.
    errors : messages by field.
    problems : all of them.
    """

    action: str
    name: str
    bases: tuple[Option, ...]
    discounts: str
    rates: str
    version: int
    kept: str
    errors: Mapping[str, tuple[str, ...]]
    problems: tuple[ProblemView, ...]
    button: str


@dataclass(frozen=True, slots=True)
class RateKeys:
    """What may stand in discounts and rates: keys with the names of what they stand for."""

    providers: tuple[tuple[str, str], ...]
    accelerators: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a book.

    Parameters
    ----------
    address : of what it changed in its rates, empty where it changed none.
    """

    number: str
    day: str
    holds: str
    changed: str
    address: str
    current: bool


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One rate that a version changed."""

    place: str
    before: str
    after: str
    change: str


@dataclass(frozen=True, slots=True)
class ChangesView:
    """What a version changed in the rates; `more` says how many are not shown."""

    title: str
    rows: tuple[ChangeRow, ...]
    more: str


@dataclass(frozen=True, slots=True)
class BookView:
    """One price book.

    Parameters
    ----------
    owned : whether this browser may change it; if not, it is the installation's.
    message : what became of a form that was sent.
    rates_address : of its rates as a file, empty where it has none.
    effects : what its own rates do to the built-in prices; None where it has none.
    """

    name: str
    sentence: str
    owned: bool
    message: str
    prices_address: str
    estimate_address: str
    rates_address: str
    versions: tuple[VersionRow, ...]
    changes: ChangesView | None
    effects: EffectsView | None = None


def address(token: str, **query: object) -> str:
    """The page of a book."""
    return f"{PATH}/{token}" + (f"?{urlencode(query)}" if query else "")


def cards(books: Iterable[BookInfo]) -> tuple[BookCard, ...]:
    """The list."""
    return tuple(
        BookCard(
            name=book.name,
            address=address(book.token),
            owner="of this installation" if book.installation else "yours",
            holds=_holds(book),
            version=f"{book.version}, {show_dates.day(book.changed_at)}",
            prices_address=f"/prices?book={book.token}",
            estimate_address=f"/estimate?price_book={book.token}",
        )
        for book in books
    )


def _holds(book: BookInfo | BookVersion) -> str:
    """What a book is made of.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = datetime(2026, 11, 23, tzinfo=UTC)
    >>> _holds(BookVersion(1, day, "Ours", "built-in", 1, 2, 0, 0, 0, 0))
    '1 discount and 2 rates over the built-in prices'
    """
    parts = []
    if book.discounts:
        parts.append(show_words.plural(book.discounts, "discount"))
    if book.rows:
        parts.append(show_words.plural(book.rows, "rate"))
    if book.base == "none":
        return f"{show_words.join_words(parts)} alone" if parts else "no prices"
    return (
        f"{show_words.join_words(parts)} over the built-in prices"
        if parts
        else "the built-in prices"
    )


def form_view(
    draft: BookDraft,
    action: str,
    button: str,
    *,
    version: int = 0,
    kept_rates: int = 0,
    problems: Sequence[Problem] = (),
) -> BookFormView:
    """The editor.

    Parameters
    ----------
    draft : texts as they were typed, or as the book holds them.
    version : that it was filled from; 0 for a new book.
    kept_rates : rates that are too many to be edited on the page; 0 where they are there. [count]
    """
    errors: dict[str, list[str]] = {}
    for problem in problems:
        errors.setdefault(_field_of(problem), []).append(problem.message)
    kept = (
        f"{show_words.plural(kept_rates, 'rate')}, too many to be edited here."
        if kept_rates
        else ""
    )
    return BookFormView(
        action=action,
        name=draft.name,
        bases=tuple(Option(value, label, value == draft.base) for value, label in BASES.items()),
        discounts=draft.discounts,
        rates="" if isinstance(draft.rates, bytes) else draft.rates,
        version=version,
        kept=kept,
        errors={field: _few(errors.get(field, ())) for field in FIELDS},
        problems=tuple(
            ProblemView(p.message, f"f-{_field_of(p)}" if _field_of(p) else "") for p in problems
        ),
        button=button,
    )


def rate_keys(catalog: Catalog) -> RateKeys:
    """The keys of the built-in tables."""
    sellers = {offer.provider for offer in catalog.listed}
    return RateKeys(
        providers=tuple((key, p.name) for key, p in catalog.providers.items() if key in sellers),
        accelerators=tuple((key, a.name) for key, a in catalog.accelerators.items()),
        options=tuple(PURCHASE_OPTIONS.items()),
    )


def _field_of(problem: Problem) -> str:
    name = problem.pointer.removeprefix("/").split("/")[0]
    return name if name in FIELDS else ""


def _few(messages: Sequence[str]) -> tuple[str, ...]:
    if len(messages) <= MOST_MESSAGES:
        return tuple(messages)
    more = len(messages) - MOST_MESSAGES
    return (
        *messages[:MOST_MESSAGES],
        f"And {show_words.plural(more, 'problem')} more, listed above.",
    )


def book_view(
    info: BookInfo,
    versions: Sequence[BookVersion],
    changes: ChangesView | None,
    saved: str = "",
    effects: EffectsView | None = None,
) -> BookView:
    """One price book in its newest version.

    Parameters
    ----------
    saved : new or same, where a form was sent just now.
    """
    return BookView(
        name=info.name,
        sentence=f"Version {info.version} of {show_dates.day(info.changed_at)}: {_holds(info)}.",
        owned=info.owned,
        message={
            "new": f"Version {info.version} was saved.",
            "same": f"Nothing differs from version {info.version}, so it stays the newest.",
        }.get(saved, ""),
        prices_address=f"/prices?book={info.token}",
        estimate_address=f"/estimate?price_book={info.token}",
        rates_address=f"{PATH}/{info.token}/rates.csv" if info.rows else "",
        versions=tuple(_version(info, v, at) for at, v in enumerate(versions)),
        changes=changes,
        effects=effects,
    )


def _version(info: BookInfo, version: BookVersion, at: int) -> VersionRow:
    first = version.number == 1
    moved = version.added or version.changed or version.removed
    return VersionRow(
        number=str(version.number),
        day=show_dates.day(version.created_at),
        holds=_holds(version),
        changed="" if first else _changed(version),
        address="" if first or not moved else address(info.token, version=version.number),
        current=at == 0,
    )


def _changed(version: BookVersion) -> str:
    """What a version did to the rates of the one before.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> day = datetime(2026, 11, 23, tzinfo=UTC)
    >>> _changed(BookVersion(2, day, "Ours", "built-in", 1, 2, 1, 0, 0, 3))
    '1 rate added, 3 removed'
    >>> _changed(BookVersion(2, day, "Ours", "built-in", 1, 2, 0, 0, 0, 0))
    'name, discounts or base'
    """
    counts = [
        (version.changed, "changed"),
        (version.added, "added"),
        (version.removed, "removed"),
        (version.confirmed, "confirmed on a later day"),
    ]
    said = [f"{count:,} {what}" for count, what in counts if count]
    if not said:
        return "name, discounts or base"
    number, _, rest = said[0].partition(" ")
    return ", ".join([f"{number} {'rate' if number == '1' else 'rates'} {rest}", *said[1:]])


def changes_view(version: int, changes: Sequence[PriceChange]) -> ChangesView:
    """What a version changed in the rates."""
    more = len(changes) - MOST_CHANGES
    return ChangesView(
        title=f"What version {version} changed",
        rows=tuple(
            ChangeRow(
                place=change.key,
                before=show_numbers.NONE
                if change.before_usd is None
                else amount(change.before_usd),
                after=show_numbers.NONE if change.after_usd is None else amount(change.after_usd),
                change=change.kind
                if change.fraction is None
                else show_numbers.number(change.fraction * 100, 1, plus=True) + "%",
            )
            for change in changes[:MOST_CHANGES]
        ),
        more=f"{show_words.plural(more, 'rate')} more changed." if more > 0 else "",
    )
