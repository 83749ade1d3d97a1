"""The migrations make exactly the tables that the code declares, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import IntegrityError, StatementError

from app.db.base import Base
from app.db.migrate import alembic_config, upgrade
from app.db.repositories import ScenarioRepository, WorkspaceRepository
from app.db.session import open_engine, open_sessions
from app.db.tables import ScenarioRow
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def downgrade(settings: Settings, engine: Engine, revision: str) -> None:
    config = alembic_config(settings)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_up_down_and_up_again_without_drift(each_database: Settings) -> None:
    engine = open_engine(each_database.database_url)
    try:
        for _ in range(2):
            upgrade(each_database)
            assert tables(engine) == set(Base.metadata.tables)
            with engine.connect() as connection:
                context = MigrationContext.configure(
                    connection, opts={"compare_type": True, "compare_server_default": True}
                )
                assert compare_metadata(context, Base.metadata) == []
            upgrade(each_database)  # nothing left to do
            downgrade(each_database, engine, "base")
            assert tables(engine) == set()
    finally:
        engine.dispose()


def test_scenarios_of_before_survive_the_way_up_and_down(each_database: Settings) -> None:
    """Revision 0002 adds a column; in SQLite that copies the table."""
    engine = open_engine(each_database.database_url)
    columns = (
        "id, token, workspace_id, title, headline, input_json, input_schema, report_json, "
        "report_schema, estimator_version, catalog_hash, created_at"
    )

    def stored() -> list[tuple[object, ...]]:
        with engine.connect() as connection:
            found = connection.execute(text(f"SELECT {columns} FROM scenario"))  # noqa: S608
            return [tuple(row) for row in found]

    try:
        upgrade(each_database, "0001")
        with engine.begin() as connection:
            moment = {"now": datetime(2026, 11, 23, tzinfo=UTC).isoformat()}
            connection.execute(text("INSERT INTO workspace VALUES (1, 'key', :now)"), moment)
            connection.execute(
                text(
                    f"INSERT INTO scenario ({columns}) VALUES "  # noqa: S608
                    "(7, 'token', 1, 'T', 'H', '{}', 1, '{}', 2, '1.0', 'c', :now)"
                ),
                moment,
            )
        before = stored()
        assert len(before) == 1
        upgrade(each_database)
        assert stored() == before
        with engine.connect() as connection:
            kept = connection.execute(text("SELECT price_list_hash FROM scenario")).scalar_one()
        assert kept is None
        downgrade(each_database, engine, "0001")
        assert stored() == before
        upgrade(each_database)
        assert stored() == before
    finally:
        engine.dispose()


def test_processes_that_start_at_once_take_turns(each_database: Settings) -> None:
    program = (
        "import sys; from app.settings import Settings; from app.db.migrate import upgrade;"
        "settings = Settings(); sys.stdin.read(); upgrade(settings)"
    )
    environment = {**os.environ, "TUNECASE_DATABASE_URL": each_database.database_url}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()


def test_a_database_of_a_newer_version_is_refused(each_database: Settings) -> None:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
        with pytest.raises(CommandError, match="ffff"):
            upgrade(each_database)
    finally:
        engine.dispose()


def test_there_is_one_head(settings: Settings) -> None:
    assert len(ScriptDirectory.from_config(alembic_config(settings)).get_heads()) == 1


def test_the_alembic_command_finds_no_drift(tmp_path: Path) -> None:
    environment = {**os.environ, "TUNECASE_DATABASE_URL": f"sqlite:///{tmp_path / 'check.sqlite3'}"}
    for arguments in (["upgrade", "head"], ["check"]):
        subprocess.run(
            [sys.executable, "-m", "alembic", "-c", ROOT / "migrations/alembic.ini", *arguments],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
        )


def test_instants_keep_their_moment_and_come_back_in_utc(each_database: Settings) -> None:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    sessions = open_sessions(engine)
    moment = datetime(2026, 11, 23, 1, 2, 3, 456_789, tzinfo=timezone(timedelta(hours=5.5)))
    try:
        with sessions.begin() as session:
            WorkspaceRepository(session).add("a" * 64, moment)
        with sessions() as session:
            found = WorkspaceRepository(session).find("a" * 64)
            assert found is not None
            assert found.created_at == moment
            assert found.created_at.tzinfo is UTC
        with sessions() as session, pytest.raises(StatementError, match="time zone"):
            WorkspaceRepository(session).add("b" * 64, moment.replace(tzinfo=None))
    finally:
        engine.dispose()


def test_foreign_keys_and_unique_keys_hold(each_database: Settings) -> None:
    upgrade(each_database)
    engine = open_engine(each_database.database_url)
    sessions = open_sessions(engine)
    now = datetime.now(UTC)
    try:
        with sessions.begin() as session:
            WorkspaceRepository(session).add("a" * 64, now)
        with sessions() as session, pytest.raises(IntegrityError):
            WorkspaceRepository(session).add("a" * 64, now)
        orphan = ScenarioRow(
            token="t",  # noqa: S106
            workspace_id=999,
            title="",
            headline="",
            input_json="{}",
            input_schema=1,
            report_json="{}",
            report_schema=1,
            estimator_version="",
            catalog_hash="",
            created_at=now,
        )
        with sessions() as session, pytest.raises(IntegrityError):
            ScenarioRepository(session).add(orphan)
    finally:
        engine.dispose()


def test_sqlite_is_set_up_for_several_processes(settings: Settings) -> None:
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
    finally:
        engine.dispose()
    assert found == {
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "busy_timeout": 5_000,
    }
