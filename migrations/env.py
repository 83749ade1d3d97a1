"""Alembic's environment.

The application passes its connection; the `alembic` command opens one from the settings.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from app.db import tables  # noqa: F401  (fills the metadata)
from app.db.base import Base
from app.db.session import open_engine
from app.settings import Settings


def run(connection: Connection) -> None:
    """Run the migrations on this connection."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite alters a table by copying it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(
        url=Settings().database_url, target_metadata=Base.metadata, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()
elif given is not None:
    run(given)
else:
    engine = open_engine(Settings().database_url)
    with engine.begin() as connection:
        run(connection)
    engine.dispose()
