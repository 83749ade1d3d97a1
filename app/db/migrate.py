"""Bring the database to the schema that this version of the code expects."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from app.db.session import open_engine
from app.settings import Settings

# Any fixed number will do: it names the lock among all advisory locks of the database.
_LOCK = 7_386_211


def alembic_config(settings: Settings) -> Config:
    """Alembic's configuration without its ini file."""
    config = Config()
    # A configuration value: a percent sign in a folder's name would start an interpolation.
    config.set_main_option("script_location", str(settings.migrations_dir).replace("%", "%%"))
    return config


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Run the migrations that are missing, in one transaction.

    Safe when several processes start at once: one of them migrates, the others wait for it and
    find nothing to do.

    Raises
    ------
    alembic.util.CommandError : the database has a revision that this code does not know, because
        a newer version of Tunecase has used it.
    """
    config = alembic_config(settings)
    engine = open_engine(settings.database_url)
    try:
        with engine.begin() as connection:
            _wait_for_turn(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _wait_for_turn(connection: Connection) -> None:
    """Hold the right to migrate until the transaction ends."""
    if connection.dialect.name == "sqlite":
        # The driver begins a transaction only at the first change of data; this begins it now and
        # takes the write lock, which others wait for (busy_timeout).
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
