"""Addresses that finance tools read: CSV and JSON of a report, without a cookie or a header.

Google Sheets' IMPORTDATA and Power Query send nothing but the address, so the link is all that it
takes, and what is wrong is said as plain text. See `docs/feeds.md`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.estimator.no_money import NoMoney
from app.estimator.report import Report
from app.exports.feeds import FEEDS, Feed
from app.exports.file_names import disposition, plain_name
from app.exports.focus import (
    ALL,
    InvalidExport,
    focus_columns,
    focus_csv,
    focus_method,
    focus_rows,
    scenario_id_of,
)
from app.exports.focus_columns import V1_0
from app.services.problems import (
    Busy,
    InputProblems,
    RevokedScenario,
    UnknownScenario,
)
from app.web.requests import Page, Site, estimated
from app.web.tags import KEPT, tag_of, unchanged

router = APIRouter(include_in_schema=False)

CSV = "text/csv; charset=utf-8; header=present"
JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
FOCUS_PARAMETERS = ("version", "method", "scope")


@dataclass(frozen=True, slots=True)
class Source:
    """What a file is made of.

    Parameters
    ----------
    secret : token of the link, or query of the scenario.
    providers : names by their key.
    """

    report: Report
    title: str
    secret: str
    providers: dict[str, str]


Made = Callable[[Source, Request], str]


def _feed_csv(feed: Feed) -> Made:
    return lambda source, _: feed.csv(source.report)


def _feed_json(feed: Feed) -> Made:
    return lambda source, _: _json([asdict(row) for row in feed.rows(source.report)])


def _focus_asked(request: Request) -> dict[str, str]:
    """Version, method and scope, as they were asked for."""
    defaults = {"version": V1_0, "method": "", "scope": ALL}
    return {name: request.query_params.get(name) or defaults[name] for name in FOCUS_PARAMETERS}


def _focus_csv(source: Source, request: Request) -> str:
    asked = _focus_asked(request)
    scenario_id = scenario_id_of(source.secret)
    return focus_csv(source.report, scenario_id, **asked, providers=source.providers)


def _focus_json(source: Source, request: Request) -> str:
    asked = _focus_asked(request)
    scenario_id = scenario_id_of(source.secret)
    rows = focus_rows(source.report, scenario_id, **asked, providers=source.providers)
    names = focus_columns(asked["version"])
    return _json([dict(zip(names, row, strict=True)) for row in rows])


def _focus_name(source: Source, request: Request) -> str:
    """A name that tells files of several versions, methods and scopes apart."""
    asked = _focus_asked(request)
    method = focus_method(source.report, asked["method"])
    scope = "" if asked["scope"] == ALL else f"-{asked['scope']}"
    return f"focus-{asked['version']}-{method}{scope}.csv"


def _report_json(source: Source, _: Request) -> str:
    return _json(asdict(source.report))


def _json(document: Sequence[Any] | dict[str, Any]) -> str:
    return json.dumps(_finite(document), ensure_ascii=False, separators=(",", ":"))


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value


FILES: dict[str, tuple[Made, str]] = {
    **{f"{name}.csv": (_feed_csv(feed), CSV) for name, feed in FEEDS.items()},
    **{f"{name}.json": (_feed_json(feed), JSON) for name, feed in FEEDS.items()},
    "focus.csv": (_focus_csv, CSV),
    "focus.json": (_focus_json, JSON),
    "report.json": (_report_json, JSON),
}
"""What there is at the end of an address, how it is made, and its media type."""


def _names(site: Page) -> dict[str, str]:
    return {key: provider.name for key, provider in site.catalog.providers.items()}


def _shared(site: Page, token: str) -> Source:
    found = site.scenarios.get(token)
    return Source(found.report, found.report.title or found.title, token, _names(site))


def _asked(site: Page, request: Request) -> Source:
    scenario, report = estimated(site, request.query_params.multi_items())
    return Source(report, report.title, scenario.to_query(), _names(site))


def _answer(request: Request, name: str, read: Callable[[], Source]) -> Response:
    """A file, or why there is none as plain text."""
    make, media_type = FILES[name]
    try:
        source = read()
        text = make(source, request)
    except UnknownScenario:
        return _plain(404, "No result has this link. Check the address: links are long.")
    except RevokedScenario:
        return _plain(410, "This link was withdrawn. Ask whoever shared it for a new one.")
    except NoMoney as error:
        return _plain(409, str(error))
    except InvalidExport as error:
        return _plain(422, f"{error.field}: {error}")
    except InputProblems as error:
        return _plain(422, "\n".join(f"{p.pointer}: {p.message}" for p in error.problems))
    except Busy:
        return _plain(503, "Too many estimates are under way; try again in a moment.", "10")
    body = text.encode()
    tag = tag_of(body)
    known = unchanged(request, tag)
    if known is not None:
        return known
    headers = KEPT | {"ETag": tag}
    if media_type == CSV:
        own_name = _focus_name(source, request) if name == "focus.csv" else name
        headers["Content-Disposition"] = disposition(file_name(source.title, own_name))
    return Response(body, headers=headers | {"Content-Type": media_type})


def _plain(status: int, text: str, retry_after: str = "") -> Response:
    headers = {"Cache-Control": "no-store", "Content-Type": PLAIN}
    if retry_after:
        headers["Retry-After"] = retry_after
    return Response(text + "\n", status, headers)


def file_name(title: str, name: str) -> str:
    """A name that every file system takes.

    Examples
    --------
    >>> file_name('Verträge: "Prüfung"', "lines.csv"), file_name("", "lines.csv")
    ('vertrage-prufung-lines.csv', 'lines.csv')
    """
    words = plain_name(title)
    return f"{words}-{name}" if words else name


def _add(name: str) -> None:
    """Routes of one file: below the link, and of a scenario in the address."""

    def of_link(request: Request, site: Site, token: str) -> Response:
        return _answer(request, name, lambda: _shared(site, token))

    def of_scenario(request: Request, site: Site) -> Response:
        return _answer(request, name, lambda: _asked(site, request))

    router.add_api_route(f"/s/{{token}}/{name}", of_link, methods=["GET"])
    router.add_api_route(f"/result/{name}", of_scenario, methods=["GET"])


for _name in FILES:
    _add(_name)
