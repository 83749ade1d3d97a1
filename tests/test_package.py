"""The wheel holds all that it serves: installed in an empty folder, it works."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

import app

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    if not list((ROOT / "static" / "vendor").glob("htmx-*.min.js")):
        pytest.fail("static/vendor is not filled; run `make static/vendor/README`")
    folder = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [path] = folder.glob("*.whl")
    return path


def committed(*folders: str) -> set[str]:
    """Files below these folders, as far as they belong into a wheel."""
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_holds_everything_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert len(names) == len(set(names))
    resources = committed("templates", "static", "pricing", "migrations")
    expected = committed("app") | {f"app/resources/{name}" for name in resources}
    found = {name for name in names if ".dist-info/" not in name}
    assert found == expected
    assert any(name.startswith("app/resources/static/vendor/htmx-") for name in found)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_image_builds_it_with_the_tools_that_are_tested() -> None:
    def pins(file: str) -> set[str]:
        lines = (ROOT / file).read_text().splitlines()
        return {line.split()[0] for line in lines if line[:1].isalnum()}

    assert pins(".ci/build.txt") <= pins("requirements/dev.txt")


def test_one_version(wheel: Path) -> None:
    assert wheel.name == f"tunecase-{app.__version__}-py3-none-any.whl"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the installed wheel."""
    target = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-index", "--target", target, wheel),
        ],
        check=True,
    )
    return target


class Server(NamedTuple):
    """Where it listens, and what it says."""

    address: str
    log: Path


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`tunecase serve`, started from the installed wheel in an empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "TUNECASE_PORT": str(port),
        # Not the address that the tests come from.
        "TUNECASE_TRUSTED_PROXIES": "192.0.2.1",
    }
    log = folder.parent / f"{folder.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", "serve"],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(address, process, log)
        assert [path.name for path in folder.iterdir()] == ["var"]
        yield Server(address, log)
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_until_it_answers(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        try:
            httpx2.get(f"{address}/healthz")
        except httpx2.TransportError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"no answer in 30 s:\n{log.read_text()}")


def test_it_serves_from_an_empty_folder(server: Server) -> None:
    assert httpx2.get(f"{server.address}/healthz").json() == {
        "status": "ok",
        "version": app.__version__,
    }
    assert httpx2.get(f"{server.address}/readyz").json() == {"status": "ok"}
    home = httpx2.get(f"{server.address}/")
    assert home.status_code == 200
    assert "<!doctype html>" in home.text.lower()
    assert "server" not in home.headers
    assert (
        httpx2.get(f"{server.address}/api/v1/openapi.json").json()["info"]["title"]
        == "Tunecase API"
    )


def test_head_is_answered(server: Server) -> None:
    for path in ("/", "/healthz", "/api/v1/models"):
        # Compression would make the length depend on it.
        with httpx2.Client(headers={"Accept-Encoding": "identity"}) as client:
            whole = client.get(f"{server.address}{path}")
            head = client.head(f"{server.address}{path}")
            # The same connection serves the next request.
            assert client.get(f"{server.address}/healthz").status_code == 200
        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["content-length"]) == len(whole.content)


def test_tokens_are_not_logged(server: Server) -> None:
    token = "Secret_token-0123456789abcdef"  # noqa: S105
    for path in (f"/s/{token}", f"/api/v1/scenarios/{token}", f"/compare?left=%2Fs%2F{token}"):
        httpx2.get(f"{server.address}{path}")
    log = server.log.read_text(encoding="utf-8")
    assert token not in log
    assert '"GET /s/… HTTP/1.1" 404' in log
    assert '"GET /api/v1/scenarios/… HTTP/1.1" 404' in log
    assert '"GET /compare?… HTTP/1.1" ' in log


def test_only_trusted_proxies_are_believed(server: Server) -> None:
    response = httpx2.get(f"{server.address}/", headers={"X-Forwarded-Proto": "https"})
    assert "strict-transport-security" not in response.headers


def test_it_uses_its_own_files(installed: Path) -> None:
    said = subprocess.run(
        [
            *(sys.executable, "-P", "-c"),
            "from app.settings import Settings; print(Settings().resources_dir)",
        ],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(said.stdout.strip()) == installed / "app" / "resources"
