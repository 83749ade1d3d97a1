"""Addresses of the feeds: read as Sheets, Power Query and pandas read them."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message

import pandas as pd
import pytest
import uvicorn
from fastapi.testclient import TestClient

from app.exports.feeds import FEEDS
from app.main import create_app
from app.services.scenarios import ScenarioService, SharedScenario
from app.settings import Settings
from app.web.feed_pages import FILES

SCENARIO = "title=Prüfung+%26+Verträge&start_month=2027-03&methods=full&methods=lora"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the application is served, as it is in earnest."""
    database = tmp_path_factory.mktemp("feeds") / "feeds.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{database}"))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=30)


def get(address: str, method: str = "GET") -> tuple[int, Message, bytes]:
    """What a plain client gets: it sends the address, and no more than it must."""
    request = urllib.request.Request(address, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@pytest.fixture(scope="module")
def link(address: str) -> str:
    """A saved result."""
    body = urllib.parse.urlencode({"scenario": SCENARIO}).encode()
    with urllib.request.urlopen(f"{address}/scenarios", body, timeout=60) as response:  # noqa: S310
        found: str = response.url
    assert re.fullmatch(r".*/s/[A-Za-z0-9_-]+", found)
    return found


# ------------------------------------------------------------------------- plain clients


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".csv")])
def test_a_plain_client_gets_csv(link: str, name: str) -> None:
    status, headers, body = get(f"{link}/{name}")
    assert status == 200
    assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    saved_as = re.sub(r"^focus\.", "focus-1.0-lora.", name)
    assert headers["Content-Disposition"] == f'attachment; filename="prufung-vertrage-{saved_as}"'
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in headers
    assert not body.startswith(b"\xef\xbb\xbf")
    text = body.decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert text.count("\r\n") == text.count("\n") == len(rows)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".json")])
def test_a_plain_client_gets_json(link: str, name: str) -> None:
    status, headers, body = get(f"{link}/{name}")
    assert (status, headers["Content-Type"]) == (200, "application/json")
    document = json.loads(body)
    if name == "report.json":
        assert document["title"] == "Prüfung & Verträge"
        return
    _, _, as_csv = get(f"{link}/{name.removesuffix('.json')}.csv")
    rows = list(csv.DictReader(io.StringIO(as_csv.decode(), newline="")))
    assert len(document) == len(rows)
    for record, row in zip(document, rows, strict=True):
        assert list(record) == list(row)
        for key, value in record.items():
            if isinstance(value, float):
                assert float(row[key]) == value
            elif isinstance(value, bool):
                assert row[key] == str(value).lower()
            else:
                assert row[key] == ("" if value is None else str(value))


def test_pandas_reads_the_address(link: str) -> None:
    flow = pd.read_csv(f"{link}/cash-flow.csv", parse_dates=["date", "period_start", "period_end"])
    assert flow["month"].dtype == "int64"
    assert flow["net_usd"].dtype == "float64"
    assert flow["date"].dtype.kind == "M"
    assert set(flow["method"]) == {"full", "lora"}
    assert flow["date"].min() == pd.Timestamp("2027-03-01")
    focus = pd.read_csv(f"{link}/focus.csv?version=1.4&method=full&scope=provider")
    assert focus["BilledCost"].dtype == "float64"
    assert bool(focus["x_IsProjection"].all())
    storage = focus[focus["ServiceCategory"] == "Storage"]
    gpus = focus[focus["ServiceCategory"] == "Compute"]
    assert len(storage) > 0
    # Whoever's price of storage stands in: who is paid is who rents the GPUs.
    assert set(storage["ServiceProviderName"]) == set(gpus["ServiceProviderName"])


@pytest.mark.parametrize("name", list(FILES))
def test_head_is_get_without_a_body(link: str, name: str) -> None:
    status, headers, body = get(f"{link}/{name}", "HEAD")
    _, of_get, whole = get(f"{link}/{name}")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == of_get["Content-Length"] == str(len(whole))


# -------------------------------------------------------------------- caches and scenarios


def test_what_has_not_changed_is_not_sent_again(reader: TestClient) -> None:
    address = f"/result/summary.csv?{SCENARIO}"
    first = reader.get(address)
    assert first.status_code == 200
    again = reader.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    other = reader.get(f"{address}&epochs=5", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200


@pytest.mark.parametrize("name", list(FILES))
def test_a_scenario_in_the_address_has_the_same_files(reader: TestClient, name: str) -> None:
    response = reader.get(f"/result/{name}?{SCENARIO}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith(("text/csv", "application/json"))


def test_a_title_that_is_a_formula_is_text(reader: TestClient) -> None:
    response = reader.get("/result/focus.csv?title=%3DHYPERLINK(1)")
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert {row["x_ScenarioTitle"] for row in rows} == {"'=HYPERLINK(1)"}
    assert (
        response.headers["Content-Disposition"]
        == 'attachment; filename="hyperlink-1-focus-1.0-lora.csv"'
    )


def test_files_of_several_versions_and_methods_have_names_of_their_own(reader: TestClient) -> None:
    names = set()
    for asked in ("version=1.0", "version=1.4", "method=full", "method=full&scope=provider"):
        response = reader.get(f"/result/focus.csv?methods=full&methods=lora&{asked}")
        names.add(response.headers["Content-Disposition"].partition("filename=")[2].strip('"'))
    assert names == {
        "focus-1.0-lora.csv",
        "focus-1.4-lora.csv",
        "focus-1.0-full.csv",
        "focus-1.0-full-provider.csv",
    }


# ------------------------------------------------------------------------- what goes wrong


def _plain(response_text: str, content_type: str) -> str:
    assert content_type == "text/plain; charset=utf-8"
    assert "<" not in response_text
    return response_text


@pytest.mark.parametrize("name", ["cash-flow.csv", "report.json", "focus.csv"])
def test_what_is_wrong_is_said_in_plain_text(client: TestClient, name: str) -> None:
    missing = client.get(f"/s/{'x' * 22}/{name}")
    assert missing.status_code == 404
    assert "No result has this link" in _plain(missing.text, missing.headers["Content-Type"])
    saved = client.post("/scenarios", data={"scenario": SCENARIO}, follow_redirects=False)
    link = saved.headers["location"]
    assert client.get(f"{link}/{name}").status_code == 200
    client.post(f"{link}/revoke")
    gone = client.get(f"{link}/{name}")
    assert gone.status_code == 410
    assert "withdrawn" in _plain(gone.text, gone.headers["Content-Type"])
    wrong = client.get(f"/result/{name}?epochs=-1")
    assert wrong.status_code == 422
    assert "/epochs" in _plain(wrong.text, wrong.headers["Content-Type"])


@pytest.mark.parametrize("asked", ["version=1.1", "method=dora", "scope=mine"])
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_parameter_that_does_not_fit_is_named(
    reader: TestClient, asked: str, ending: str
) -> None:
    response = reader.get(f"/result/focus.{ending}?{SCENARIO}&{asked}")
    assert response.status_code == 422
    text = _plain(response.text, response.headers["Content-Type"])
    assert text.startswith(asked.split("=")[0] + ": ")
    assert "choose" in text


@pytest.mark.parametrize("name", ["cash-flow.csv", "focus.csv", "lines.json"])
def test_an_older_report_says_what_would_do(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    saved = client.post("/scenarios", data={"scenario": SCENARIO}, follow_redirects=False)
    read = ScenarioService.get

    def older(service: ScenarioService, token: str) -> SharedScenario:
        found = read(service, token)
        methods = tuple(replace(method, money=None) for method in found.report.methods)
        return replace(found, report=replace(found.report, timeline=None, methods=methods))

    monkeypatch.setattr(ScenarioService, "get", older)
    response = client.get(f"{saved.headers['location']}/{name}")
    assert response.status_code == 409
    assert "save it anew" in _plain(response.text, response.headers["Content-Type"])
    assert client.get(f"{saved.headers['location']}/report.json").status_code == 200


# -------------------------------------------------------------------------------- the page


def test_the_page_leads_to_every_file(client: TestClient) -> None:
    saved = client.post("/scenarios", data={"scenario": SCENARIO}, follow_redirects=False)
    link = saved.headers["location"]
    for page, base in ((link, link), (f"/result?{SCENARIO}", "/result")):
        text = client.get(page).text
        found = re.findall(rf'href="({re.escape(base)}/[a-z-]+\.(?:csv|json)[^"]*)"', text)
        assert len(found) == len(set(found)) == 2 * (len(FEEDS) + 2)
        for address in found:
            response = client.get(address.replace("&amp;", "&"))
            assert response.status_code == 200, address
            if "version=1.4" in address:
                assert "ServiceProviderName" in response.text
