"""Fixtures for all tests. What is slow or may be missing is started only when asked for."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psycopg
import pytest
from psycopg import sql

from app.settings import Settings

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from app.catalog.catalog import Catalog

ROOT = Path(__file__).resolve().parent.parent

# No test depends on how the developer's own installation is set up, or touches its database.
# Before any fixture: those of a session start servers that inherit the environment.
for _name in list(os.environ):
    if _name == "DATABASE_URL" or _name.startswith("TUNECASE_"):
        del os.environ[_name]

# A loaded machine must not fail a test by its clock.
hypothesis.settings.register_profile("tunecase", deadline=None)
hypothesis.settings.load_profile("tunecase")


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The built-in catalogue."""
    from app.catalog.catalog import load_catalog

    return load_catalog(ROOT / "pricing")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a SQLite file of this test's own."""
    return Settings(database_url=f"sqlite:///{tmp_path / 'tunecase.sqlite3'}")


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A client of the whole application, started, on an empty database."""
    from fastapi.testclient import TestClient

    from app.main import create_app

    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The socket folder of a PostgreSQL server that is started for these tests."""
    programs = _postgres_programs()
    if programs is None:
        reason = "PostgreSQL is not installed (initdb and postgres are not found)"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(reason)
        pytest.skip(reason)
    # A short path: the name of a socket may have at most about 100 characters.
    home = Path(tempfile.mkdtemp(prefix="tunecase-pg-"))
    data = home / "data"
    identity = _unprivileged(home)
    server: subprocess.Popen[bytes] | None = None
    try:
        with (home / "log").open("wb") as log:
            subprocess.run(
                [
                    programs / "initdb",
                    *("--pgdata", data, "--username", "tunecase", "--auth", "trust"),
                    *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
                ],
                check=True,
                cwd=home,
                stdout=log,
                stderr=log,
                **identity,
            )
            server = subprocess.Popen(
                [
                    programs / "postgres",
                    *("-D", data, "-k", home, "-h", "", "-F"),
                    *("-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
                ],
                cwd=home,
                stdout=log,
                stderr=log,
                **identity,
            )
        _wait_until_it_answers(home, server)
        yield str(home)
    finally:
        if server is not None:
            server.terminate()
            server.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_socket: str, tmp_path: Path) -> Iterator[str]:
    """URL of an empty PostgreSQL database of this test's own."""
    name = "t" + os.urandom(6).hex()
    with psycopg.connect(
        host=postgres_socket, user="tunecase", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield f"postgresql://tunecase@/{name}?host={postgres_socket}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def each_database(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        return Settings(database_url=f"sqlite:///{tmp_path / 'each.sqlite3'}")
    return Settings(database_url=request.getfixturevalue("postgres_url"))


def _postgres_programs() -> Path | None:
    """Folder with initdb and postgres: on the path, or where Debian keeps them."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4)
    )
    on_path = shutil.which("initdb")
    folders = [*([Path(on_path).resolve().parent] if on_path else []), *reversed(debian)]
    for folder in folders:
        if all((folder / program).is_file() for program in ("initdb", "postgres")):
            return folder
    return None


def _unprivileged(home: Path) -> dict[str, Any]:
    """Arguments of a subprocess for a user that PostgreSQL agrees to run as: never root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        os.chown(home, user.pw_uid, user.pw_gid)
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.fail("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _wait_until_it_answers(home: Path, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            psycopg.connect(host=str(home), user="tunecase", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                break
            try:
                server.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
        else:
            return
    pytest.fail("PostgreSQL did not start:\n" + (home / "log").read_text(errors="replace"))
