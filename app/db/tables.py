"""Tables. Change one, and add a migration; a test compares both."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
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
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
