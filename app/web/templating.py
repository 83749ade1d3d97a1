"""Templates, each with a typed context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from starlette.responses import HTMLResponse

from app import __version__
from app.web import show_dates
from app.web.contexts import Context
from app.web.forms import FieldView
from app.web.static import StaticFiles

MOST_FIELDS_KEPT = 2_048
"""Some eight forms, at about 1 kB a field."""


class Renderer(Protocol):
    """What the routes need of templates."""

    def __call__(
        self,
        template: str,
        context: Context,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse: ...


def environment(folder: Path, static: StaticFiles) -> Environment:
    """Everything is escaped, and a name that is missing is an error instead of nothing."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        bytecode_cache=_compiled(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        static_url=static.url,
        htmx_url=static.find("vendor/htmx-*.min.js"),
        version=__version__,
    )
    made.globals["field"] = _fields(made)
    made.filters["day"] = show_dates.day
    return made


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, kept for the next process of the same user.

    Notes
    -----
    Compiling takes a third of a second until the first result is shown. Jinja keeps them in a
    folder of the user's own, by a hash of what they were made from.
    """

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one, unless the folder has gone or is full: then it is compiled again next time."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def _compiled() -> _Compiled | None:
    """None where the user has no such folder: each process then compiles its own."""
    try:
        return _Compiled()
    except (OSError, RuntimeError):
        return None


def _fields(templates: Environment) -> Callable[[FieldView], Markup]:
    """The markup of a field of the builder.

    Notes
    -----
    A form has some 250, and while a person changes one the others stay as they are: they are kept,
    which saves a tenth of the time of a recalculation.
    """

    @lru_cache(maxsize=MOST_FIELDS_KEPT)
    def field(shown: FieldView) -> Markup:
        macros: Any = templates.get_template("macros/forms.html").module
        made: Markup = macros.field(shown)
        return made

    return field


def renderer(templates: Environment) -> Renderer:
    """A function that renders a template with the members of its context."""

    def render(
        template: str,
        context: Context,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        members: dict[str, Any] = {
            field.name: getattr(context, field.name) for field in fields(context)
        }
        body = templates.get_template(template).render(members)
        return HTMLResponse(body, status, dict(headers or {}))

    return render
