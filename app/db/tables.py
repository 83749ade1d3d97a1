"""Tables. Change one, and add a migration; a test compares both."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, UtcDateTime


class Workspace(Base):
    """What a browser owns. Its key is known to that browser alone; here is only the hash."""

    __tablename__ = "workspace"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """SHA-256 of the key, in hexadecimal. The key is 24 random bytes, so no salt is needed."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class ScenarioRow(Base):
    """One shared scenario: what was asked, and the whole answer as it was given then."""

    __tablename__ = "scenario"
    # Serves the list of a workspace, newest first, and the foreign key.
    __table_args__ = (Index(None, "workspace_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    """The unguessable part of the link. Plain: whoever owns the workspace is shown it again."""
    workspace_id: Mapped[int] = mapped_column(ForeignKey("workspace.id"))
    title: Mapped[str] = mapped_column(Text)
    headline: Mapped[str] = mapped_column(Text)
    """The verdict in a sentence, repeated from the report so that a list need not read reports."""
    input_json: Mapped[str] = mapped_column(Text)
    input_schema: Mapped[int]
    report_json: Mapped[str] = mapped_column(Text)
    """Text rather than a JSON type: the database must not reorder or reformat what was shared."""
    report_schema: Mapped[int]
    estimator_version: Mapped[str] = mapped_column(String(64))
    catalog_hash: Mapped[str] = mapped_column(String(128))
    price_list_hash: Mapped[str | None] = mapped_column(ForeignKey("price_snapshot.hash"))
    """Which prices were in force then; None where it was saved before they were kept."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class PriceSnapshotRow(Base):
    """Every price that was in force for some saved scenario, once for all that share them."""

    __tablename__ = "price_snapshot"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """`Catalog.price_list_hash`"""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    """JSON, compressed with zlib"""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class ActualSpendRow(Base):
    """What was really spent on a saved scenario, as its owner uploaded it last."""

    __tablename__ = "actual_spend"

    id: Mapped[int] = mapped_column(primary_key=True)
    scenario_id: Mapped[int] = mapped_column(ForeignKey("scenario.id"), unique=True)
    method: Mapped[str] = mapped_column(String(16))
    """Whose plan it is compared with."""
    shown: Mapped[bool]
    """Whether whoever has the link sees it; what was spent is confidential until the owner says
    otherwise."""
    file_name: Mapped[str] = mapped_column(String(200))
    """Empty for what was pasted or sent through the API."""
    body_json: Mapped[str] = mapped_column(Text)
    """What was read: rows in the currency that they were given in, and how they were read."""
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime())


class PriceBookRow(Base):
    """A price book of a workspace, or of the installation."""

    __tablename__ = "price_book"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    """What a scenario names it by. Unguessable, as rates may be confidential."""
    workspace_id: Mapped[int | None] = mapped_column(ForeignKey("workspace.id"), index=True)
    """None for a book of the installation."""
    installation_name: Mapped[str | None] = mapped_column(String(80), unique=True)
    """What the command line names a book of the installation by; None for a workspace's."""
    newest: Mapped[int]
    """Number of the newest version."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class PriceBookVersionRow(Base):
    """One version of a price book. It never changes."""

    __tablename__ = "price_book_version"
    __table_args__ = (UniqueConstraint("book_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("price_book.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    base: Mapped[str] = mapped_column(String(16))
    discounts_json: Mapped[str] = mapped_column(Text)
    """[[provider, purchase option, per cent as text], ...]"""
    row_count: Mapped[int]
    added: Mapped[int]
    """Rows that the version before did not have."""
    changed: Mapped[int]
    """Rows whose price or facts differ from the version before."""
    confirmed: Mapped[int]
    """Rows that differ in their date alone."""
    removed: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())


class PriceBookPriceRow(Base):
    """One price of a price book, in force from one version to another.

    Notes
    -----
    A version shares the rows that it did not change with the version before, so that a daily import
    of tens of thousands of prices adds only those that moved.
    """

    __tablename__ = "price_book_price"
    __table_args__ = (
        UniqueConstraint("book_id", "row_key", "first_version"),
        # Serves the rows of one version, the newest above all.
        Index(None, "book_id", "last_version"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("price_book.id"))
    row_key: Mapped[str] = mapped_column(Text)
    """Provider, instance, region and purchase option, one a line."""
    row_json: Mapped[str] = mapped_column(Text)
    first_version: Mapped[int]
    last_version: Mapped[int | None]
    """None while it is in force."""
