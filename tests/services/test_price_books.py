"""Price books are saved, changed, imported and kept apart, each change whole or not at all."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from app.catalog.catalog import Catalog
from app.catalog.price_books import BookRow, Discount
from app.db.migrate import upgrade
from app.db.price_book_repository import PriceBookRepository
from app.db.session import open_engine, open_sessions
from app.services import book_drafts, book_versions, price_books
from app.services.book_drafts import MOST_IMPORTED_ROWS, MOST_ROWS, BookDraft, draft_of
from app.services.price_books import PriceBooks
from app.services.problems import (
    PriceBookProblems,
    ReadOnlyPriceBook,
    UnknownPriceBook,
)
from app.settings import Settings

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
P5 = "aws.p5-48xlarge.us-east-1.on-demand"
HEADER = (
    "provider,instance,accelerator,gpus_per_instance,region,purchase_option,"
    "usd_per_instance_hour,valid_from\n"
)
RATE = "aws,p5.48xlarge,H100-SXM-80GB,8,us-east-1,on-demand,40,2026-10-01\n"
OURS = BookDraft("Ours", "built-in", "aws, 12\naws, spot, 0\n", HEADER + RATE)
NOBODY = "x" * 32


class Clock:
    """A second later at every look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def engine(each_database: Settings) -> Iterator[Engine]:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def books(engine: Engine, catalog: Catalog) -> PriceBooks:
    return PriceBooks(open_sessions(engine), catalog, Clock())


def imported(count: int, usd: str = "40", **changed: object) -> list[BookRow]:
    """Rows of a catalogue, a region each."""
    values: dict[str, object] = {
        "provider": "aws",
        "source": "skypilot aws/vms.csv",
        "valid_from": date(2026, 11, 1),
        **changed,
    }
    return [
        BookRow(
            instance="p5.48xlarge",
            accelerator="H100-SXM-80GB",
            gpus_per_instance=8,
            gpu_memory_gib=None,
            vcpus=192,
            host_memory_gib=Decimal(2048),
            inter_node_gbit_per_s=None,
            region=f"region-{number}",
            purchase_option="on-demand",
            usd_per_instance_hour=Decimal(usd),
            tier="list",
            **values,  # type: ignore[arg-type]
        )
        for number in range(count)
    ]


def stored(engine: Engine) -> list[int]:
    """Rows of each table that a price book fills."""
    with engine.connect() as connection:
        return [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            for table in ("workspace", "price_book", "price_book_version", "price_book_price")
        ]


# ------------------------------------------------------------------ own books


def test_what_was_entered_comes_back(books: PriceBooks) -> None:
    saved = books.create(OURS, None)
    key = saved.workspace_key
    assert key is not None
    info, book = books.get(saved.info.token, key)
    assert info == saved.info
    assert (info.name, info.version, info.base) == ("Ours", 1, "built-in")
    assert (info.owned, info.installation) == (True, False)
    assert (info.discounts, info.rows) == (2, 1)
    assert info.created_at == info.changed_at == START + timedelta(seconds=1)
    assert set(book.discounts) == {
        Discount("aws", "", Decimal(12)),
        Discount("aws", "spot", Decimal(0)),
    }
    [row] = book.rows
    assert (row.usd_per_instance_hour, row.valid_from) == (Decimal(40), date(2026, 10, 1))
    assert book.label == "Ours, version 1"


def test_the_texts_of_a_book_give_the_same_book(books: PriceBooks) -> None:
    saved = books.create(OURS, None)
    _, book = books.get(saved.info.token, saved.workspace_key)
    assert books.update(book.token, draft_of(book), saved.workspace_key).version == 1


def test_a_change_makes_a_version_and_keeps_the_one_before(
    books: PriceBooks, engine: Engine
) -> None:
    saved = books.create(OURS, None)
    token, key = saved.info.token, saved.workspace_key
    dearer = dataclasses.replace(OURS, rates=HEADER + RATE.replace(",40,", ",41,"))
    info = books.update(token, dearer, key)
    assert (info.version, info.changed_at) == (2, START + timedelta(seconds=2))
    assert info.created_at == saved.info.created_at
    assert books.update(token, dearer, key) == info
    prices = [
        books.get(token, key, version)[1].rows[0].usd_per_instance_hour for version in (1, 2, None)
    ]
    assert prices == [40, 41, 41]
    assert stored(engine) == [1, 1, 2, 2]
    [change] = books.changes(token, key, 1, 2)
    assert (change.kind, change.before_usd, change.after_usd) == ("changed", 40, 41)
    newest, first = books.versions(token, key)
    assert (newest.number, newest.added, newest.changed, newest.removed) == (2, 0, 1, 0)
    assert (first.number, first.added, first.changed, first.removed) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    "changed", [{"name": "Theirs"}, {"discounts": "aws, 13"}, {"rates": ""}], ids=lambda c: str(c)
)
def test_every_kind_of_change_makes_a_version(books: PriceBooks, changed: dict[str, str]) -> None:
    saved = books.create(OURS, None)
    draft = dataclasses.replace(OURS, **changed)  # type: ignore[arg-type]
    assert books.update(saved.info.token, draft, saved.workspace_key).version == 2
    assert books.update(saved.info.token, OURS, saved.workspace_key).version == 3
    _, book = books.get(saved.info.token, saved.workspace_key)
    assert (book.name, len(book.discounts), len(book.rows)) == ("Ours", 2, 1)


def test_rates_may_be_the_bytes_of_a_file(books: PriceBooks) -> None:
    content = b"\xef\xbb\xbf" + (HEADER + RATE).replace("\n", "\r\n").encode()
    assert books.create(dataclasses.replace(OURS, rates=content), None).info.rows == 1


def test_a_book_is_its_workspace_s_alone(books: PriceBooks) -> None:
    first = books.create(OURS, None)
    token, key = first.info.token, first.workspace_key
    assert books.create(OURS, key).workspace_key is None
    other = books.create(dataclasses.replace(OURS, name="Theirs"), None)
    assert [info.name for info in books.mine(key)] == ["Ours", "Ours"]
    assert [info.name for info in books.mine(other.workspace_key)] == ["Theirs"]
    assert books.mine(None) == books.mine(NOBODY) == []
    for stranger in (None, "", NOBODY, other.workspace_key):
        for look in (books.get, books.info, books.versions):
            with pytest.raises(UnknownPriceBook):
                look(token, stranger)
        with pytest.raises(UnknownPriceBook):
            books.update(token, OURS, stranger)


@pytest.mark.parametrize("token", ["", "x", NOBODY, "é" * 32, "' OR 1=1 --", "x" * 100_000])
def test_unknown_books(books: PriceBooks, token: str) -> None:
    with pytest.raises(UnknownPriceBook):
        books.get(token, NOBODY)
    with pytest.raises(UnknownPriceBook):
        books.resolve(token)


@pytest.mark.parametrize(
    ("changed", "pointer", "said"),
    [
        ({"name": " "}, "/name", "1 to 80"),
        ({"name": "x" * 81}, "/name", "1 to 80"),
        ({"name": "a\x00b"}, "/name", "printed"),
        ({"name": "Ours@3"}, "/name", "stands for a version"),
        ({"base": "theirs"}, "/base", "built-in or none"),
        ({"discounts": "aws 12"}, "/discounts", "Discounts line 1"),
        ({"discounts": "aws, 12\nnobody, 5"}, "/discounts", "Discounts line 2"),
        ({"discounts": "aws, 100"}, "/discounts", "below 100"),
        ({"discounts": "#" * 20_001}, "/discounts", "20,000"),
        ({"rates": "provider\naws"}, "/rates", "missing from the header"),
        ({"rates": HEADER}, "/rates", "no rows"),
        ({"rates": HEADER + RATE + RATE}, "/rates", "line 3"),
        (
            {"rates": HEADER + RATE.replace(",40,", ",0.2,")},
            "/rates",
            "line 2, usd_per_instance_hour",
        ),
        ({"rates": HEADER + RATE.replace(",40,", ",=1+1,")}, "/rates", "formula"),
        ({"rates": HEADER + RATE.replace("H100-SXM-80GB", "H100")}, "/rates", "accelerator"),
        ({"rates": b"\xff\xfe\x00"}, "/rates", "UTF-8"),
        ({"base": "none"}, "/discounts", "built-in prices"),
        ({"base": "none", "discounts": "", "rates": ""}, "/rates", "at least one rate"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_used_is_said_at_its_field_and_nothing_is_written(
    books: PriceBooks, engine: Engine, changed: dict[str, str], pointer: str, said: str
) -> None:
    draft = dataclasses.replace(OURS, **changed)  # type: ignore[arg-type]
    with pytest.raises(PriceBookProblems) as found:
        books.create(draft, None)
    assert {problem.pointer for problem in found.value.problems} == {pointer}
    assert any(said in problem.message for problem in found.value.problems)
    assert all(problem.message.endswith(".") for problem in found.value.problems)
    assert stored(engine) == [0, 0, 0, 0]
    saved = books.create(OURS, None)
    with pytest.raises(PriceBookProblems):
        books.update(saved.info.token, draft, saved.workspace_key)
    assert books.info(saved.info.token, saved.workspace_key) == saved.info


def test_problems_of_all_fields_are_found_at_once(books: PriceBooks) -> None:
    with pytest.raises(PriceBookProblems) as found:
        books.create(BookDraft("", "x", "x", "x"), None)
    pointers = {problem.pointer for problem in found.value.problems}
    assert pointers == {"/name", "/base", "/discounts", "/rates"}


def test_a_workspace_holds_so_many_books(
    books: PriceBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_books, "MOST_BOOKS", 2)
    key = books.create(OURS, None).workspace_key
    books.create(OURS, key)
    with pytest.raises(PriceBookProblems, match="/name"):
        books.create(OURS, key)
    assert len(books.mine(key)) == 2


def many(count: int) -> BookDraft:
    """A draft of so many rates."""
    lines = [RATE.replace("us-east-1", f"r{number}") for number in range(count)]
    return dataclasses.replace(OURS, rates=HEADER + "".join(lines))


def test_a_new_workspace_begins_with_so_many_rows(
    books: PriceBooks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_books, "MOST_FIRST_ROWS", 2)
    for key in (None, NOBODY):
        with pytest.raises(PriceBookProblems, match="/rates: The first price book"):
            books.create(many(3), key)
    assert stored(engine) == [0, 0, 0, 0]
    saved = books.create(many(2), None)
    assert books.create(many(3), saved.workspace_key).info.rows == 3
    assert books.update(saved.info.token, many(3), saved.workspace_key).rows == 3


def test_what_is_sent_holds_fewer_rows_than_what_is_imported(
    books: PriceBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert price_books.MOST_FIRST_ROWS < MOST_ROWS < MOST_IMPORTED_ROWS
    monkeypatch.setattr(book_drafts, "MOST_ROWS", 2)
    saved = books.create(many(2), None)
    for change in (
        lambda: books.create(many(3), saved.workspace_key),
        lambda: books.update(saved.info.token, many(3), saved.workspace_key),
    ):
        with pytest.raises(PriceBookProblems, match="/rates: 3 rates are too many"):
            change()
    assert books.import_rows("imported", imported(3), providers=["aws"]).added == 3


def test_a_book_has_so_many_versions(
    books: PriceBooks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_versions, "MOST_VERSIONS", 2)
    saved = books.create(many(1), None)
    token, key = saved.info.token, saved.workspace_key
    assert books.update(token, many(2), key).version == 2
    for number in range(1, 3):
        books.import_rows("imported", imported(number), providers=["aws"])
    before = stored(engine)
    with pytest.raises(PriceBookProblems, match="/name: This price book has 2 versions"):
        books.update(token, many(3), key)
    with pytest.raises(PriceBookProblems, match="/name: This price book has 2 versions"):
        books.import_rows("imported", imported(3), providers=["aws"])
    assert stored(engine) == before
    # What changes nothing needs no version.
    assert books.update(token, many(2), key).version == 2


def test_a_book_is_read_without_its_rows(books: PriceBooks) -> None:
    saved = books.create(OURS, None)
    info, book = books.get(saved.info.token, saved.workspace_key, with_rows=False)
    assert (info, book.rows, len(book.discounts)) == (saved.info, (), 2)


# ------------------------------------------------------------------ whole or not at all


def fail(*_arguments: object) -> None:
    raise RuntimeError("in the middle")


@pytest.mark.parametrize("step", ["add_version", "end_prices", "add_prices"])
def test_a_failure_in_the_middle_leaves_nothing(
    books: PriceBooks, engine: Engine, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PriceBookRepository, step, fail)
        with pytest.raises(RuntimeError):
            books.create(OURS, None)
        with pytest.raises(RuntimeError):
            books.import_rows("imported", imported(3), providers=["aws"])
    assert stored(engine) == [0, 0, 0, 0]
    saved = books.create(OURS, None)
    books.import_rows("imported", imported(3), providers=["aws"])
    before = stored(engine)
    dearer = dataclasses.replace(OURS, rates=HEADER + RATE.replace(",40,", ",41,"))
    with monkeypatch.context() as patch:
        patch.setattr(PriceBookRepository, step, fail)
        with pytest.raises(RuntimeError):
            books.update(saved.info.token, dearer, saved.workspace_key)
        with pytest.raises(RuntimeError):
            books.import_rows("imported", imported(4, "41"), providers=["aws"])
    assert stored(engine) == before
    assert [info.version for info in books.mine(saved.workspace_key)] == [1, 1]
    assert books.get(saved.info.token, saved.workspace_key)[1].rows[0].usd_per_instance_hour == 40


def test_an_insert_that_fails_half_way_leaves_nothing(
    books: PriceBooks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first chunk of rows is in when the second one fails."""
    monkeypatch.setattr("app.db.price_book_repository.CHUNK_ROWS", 2)
    rows = imported(5)
    texts = price_books.row_texts(rows)
    spoiled = {**texts, list(texts)[-1]: None}
    monkeypatch.setattr(price_books, "row_texts", lambda _rows: spoiled)
    with pytest.raises(Exception, match=r"row_json|NULL"):
        books.import_rows("imported", rows, providers=["aws"])
    assert stored(engine) == [0, 0, 0, 0]


def test_changes_at_the_same_time_take_turns(
    books: PriceBooks, engine: Engine, catalog: Catalog
) -> None:
    saved = books.create(OURS, None)
    token, key = saved.info.token, saved.workspace_key
    start = threading.Barrier(4)
    found: list[int] = []
    failed: list[BaseException] = []

    def change(number: int) -> None:
        mine = PriceBooks(open_sessions(engine), catalog)
        rates = HEADER + RATE.replace(",40,", f",{50 + number},")
        start.wait()
        try:
            found.append(mine.update(token, dataclasses.replace(OURS, rates=rates), key).version)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(found) == [2, 3, 4, 5]
    # Each version holds one rate: none was written over another's rows.
    assert [len(books.get(token, key, version)[1].rows) for version in range(1, 6)] == [1] * 5


def test_first_imports_at_the_same_time_make_one_book(engine: Engine, catalog: Catalog) -> None:
    start = threading.Barrier(3)
    failed: list[BaseException] = []

    def take(number: int) -> None:
        mine = PriceBooks(open_sessions(engine), catalog)
        start.wait()
        try:
            mine.import_rows("imported", imported(2, str(40 + number)), providers=["aws"])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    [info] = PriceBooks(open_sessions(engine), catalog).mine(None)
    assert (info.version, info.rows) == (3, 2)


# ------------------------------------------------------------------ imports


def take(books: PriceBooks, rows: Sequence[BookRow], *providers: str) -> tuple[int, ...]:
    """Version, added, changed, confirmed, removed, unchanged, and whether it was written."""
    done = books.import_rows("imported", rows, providers=providers or ("aws",))
    return (
        done.info.version,
        *(done.added, done.changed, done.confirmed, done.removed, done.unchanged),
        done.new_version,
    )


def test_a_second_import_changes_nothing(books: PriceBooks, engine: Engine) -> None:
    assert take(books, imported(3)) == (1, 3, 0, 0, 0, 0, True)
    before = stored(engine)
    assert take(books, imported(3)) == (1, 0, 0, 0, 0, 3, False)
    assert stored(engine) == before == [0, 1, 1, 3]


def test_what_moved_since_the_last_import(books: PriceBooks) -> None:
    take(books, imported(4))
    later = date(2026, 11, 8)
    rows = [
        imported(1)[0],
        dataclasses.replace(imported(2)[1], valid_from=later),
        dataclasses.replace(imported(3)[2], usd_per_instance_hour=Decimal(41)),
        imported(5)[4],
    ]
    assert take(books, rows) == (2, 1, 1, 1, 1, 1, True)
    [info] = books.mine(None)
    kinds = {
        change.key.split(" / ")[2]: change.kind for change in books.changes(info.token, None, 1, 2)
    }
    assert kinds == {"region-2": "changed", "region-3": "removed", "region-4": "added"}
    # And back again, to rows that the first version had; the one of a later day stays.
    assert take(books, imported(4))[:2] == (3, 1)
    assert [len(books.get(info.token, None, version)[1].rows) for version in (1, 2, 3)] == [4, 4, 4]
    first, third = (books.get(info.token, None, version)[1].rows for version in (1, 3))
    assert [row.valid_from for row in third if row not in first] == [later]
    assert [row.region for row in third] == [row.region for row in first]


@pytest.mark.parametrize("usd", ["6.88", "440"])
def test_a_rate_that_cannot_be_of_the_whole_instance_is_refused(
    books: PriceBooks, usd: str
) -> None:
    """The price of one GPU of eight, and that of eight instances."""
    draft = dataclasses.replace(OURS, rates=HEADER + RATE.replace(",40,", f",{usd},"))
    with pytest.raises(PriceBookProblems, match=f"/rates: Rates: {usd} USD for p5.48xlarge"):
        books.create(draft, None)
    assert books.mine(None) == []


def test_a_discount_on_a_seller_without_a_price_is_refused(
    books: PriceBooks, catalog: Catalog
) -> None:
    without = min(set(catalog.providers) - {offer.provider for offer in catalog.listed})
    with pytest.raises(PriceBookProblems, match="/discounts: "):
        books.create(dataclasses.replace(OURS, discounts=f"{without}, 12"), None)


def test_other_providers_and_formats_stay(books: PriceBooks) -> None:
    take(books, imported(2))
    assert take(books, imported(2, provider="gcp"), "gcp") == (2, 2, 0, 0, 0, 2, True)
    hunted = [
        dataclasses.replace(row, region=f"zone-{row.region}")
        for row in imported(1, source="gpuhunt aws.csv")
    ]
    assert take(books, hunted) == (3, 1, 0, 0, 0, 4, True)
    # One row of AWS in SkyPilot's format is gone; Google's and gpuhunt's stay.
    assert take(books, imported(1)) == (4, 0, 0, 0, 1, 4, True)
    # A place has one price: the newer format takes it over.
    assert take(books, imported(1, "45", source="gpuhunt aws.csv")) == (5, 0, 1, 0, 1, 2, True)
    # A provider whose catalogue is empty now.
    assert take(books, imported(1, provider="gcp", source="skypilot gcp"), "aws", "gcp")[4] == 1


def test_places_that_could_not_be_read_keep_their_rows(books: PriceBooks) -> None:
    take(books, imported(4))
    rows = imported(4)
    unread = frozenset(row.place for row in (*rows[1:3], *imported(5)[4:]))
    done = books.import_rows("imported", rows[:1], providers=["aws"], keep=unread)
    assert (done.unchanged, done.kept, done.removed) == (3, 2, 1)
    [info] = books.mine(None)
    kept = books.get(info.token, None)[1].rows
    assert {row.region for row in kept} == {"region-0", "region-1", "region-2"}
    # A price that was read counts.
    done = books.import_rows("imported", imported(2, "45"), providers=["aws"], keep=unread)
    assert (done.changed, done.kept, done.removed) == (2, 1, 0)
    first = books.import_rows("another", imported(1), providers=["aws"], keep=unread)
    assert (first.added, first.kept) == (1, 0)


def test_a_book_of_the_installation_is_for_all_to_use_and_for_nobody_to_change(
    books: PriceBooks,
) -> None:
    outcome = books.import_rows("imported", imported(2), providers=["aws"])
    key = books.create(OURS, None).workspace_key
    installation, own = books.mine(key)
    assert (installation.token, installation.installation, installation.owned) == (
        outcome.info.token,
        True,
        False,
    )
    assert own.owned
    assert books.mine(None) == [installation]
    assert books.get(installation.token, None)[0] == books.get(installation.token, NOBODY)[0]
    with pytest.raises(ReadOnlyPriceBook):
        books.update(installation.token, OURS, key)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("", imported(1)),
        ("x" * 81, imported(1)),
        ("imported@2", imported(1)),
        ("imported", imported(1) * 2),
        ("imported", imported(1, provider="a\nb")),
        ("imported", imported(1, provider="p" * 201)),
        ("imported", imported(1) * (MOST_IMPORTED_ROWS + 1)),
    ],
    ids=["no name", "long name", "a version's name", "twice", "line break", "long", "many"],
)
def test_rows_that_cannot_be_taken(
    books: PriceBooks, engine: Engine, name: str, rows: list[BookRow]
) -> None:
    with pytest.raises(PriceBookProblems):
        books.import_rows(name, rows, providers=["aws"])
    assert stored(engine) == [0, 0, 0, 0]


def test_imports_together_may_hold_so_many_rows(
    books: PriceBooks, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_books, "MOST_IMPORTED_ROWS", 3)
    take(books, imported(2))
    before = stored(engine)
    with pytest.raises(PriceBookProblems, match="4 rates are too many"):
        take(books, imported(2, provider="gcp"), "gcp")
    assert stored(engine) == before


# ------------------------------------------------------------------ names


def test_names_at_the_command_line(books: PriceBooks) -> None:
    books.import_rows("daily@home", imported(1), providers=["aws"])
    books.import_rows("daily", imported(1), providers=["aws"])
    books.import_rows("daily", imported(2), providers=["aws"])
    saved = books.create(OURS, None)
    at, daily = sorted(books.mine(None), key=lambda info: info.rows)
    assert books.resolve("daily") == f"{daily.token}@2"
    assert books.resolve("daily@1") == f"{daily.token}@1"
    assert books.resolve("daily@home") == f"{at.token}@1"
    assert books.resolve(saved.info.token) == f"{saved.info.token}@1"
    assert books.resolve(f"{daily.token}@1") == f"{daily.token}@1"
    for unknown in ("Ours", "daily@3", "daily@x", "daily@0", "@1", "daily@" + "9" * 40):
        with pytest.raises(UnknownPriceBook):
            books.resolve(unknown)
