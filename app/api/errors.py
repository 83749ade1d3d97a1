"""Errors of the API as RFC 9457 problem+json, each problem at its JSON pointer."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from app.estimator.no_money import NoMoney
from app.exports.focus import InvalidExport
from app.services.problems import (
    ActualsProblems,
    Busy,
    InputProblems,
    NotTheOwner,
    PriceBookProblems,
    Problem,
    ReadOnlyPriceBook,
    RevokedScenario,
    UnknownActuals,
    UnknownPriceBook,
    UnknownScenario,
    problems_from_errors,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class PointedProblem(BaseModel):
    """One problem at one member of the request."""

    pointer: str = Field(description="JSON pointer (RFC 6901) to the member.")
    detail: str = Field(description="What was wrong and what would do.")


class ProblemDetails(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field("about:blank", description="Kind of problem.")
    title: str
    status: int
    detail: str
    errors: list[PointedProblem] = Field(default_factory=list)


class ProblemResponse(JSONResponse):
    """problem+json in ASCII, so that whatever text a request held can be echoed."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """JSON with everything beyond ASCII escaped."""
        return json.dumps(content).encode("ascii")


def problem_response(
    status: int, detail: str, problems: Sequence[Problem] = (), headers: Any = None
) -> JSONResponse:
    """A problem+json response."""
    body = ProblemDetails(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=[PointedProblem(pointer=p.pointer, detail=p.message) for p in problems],
    )
    return ProblemResponse(
        body.model_dump(), status, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def _problem_schema() -> dict[str, Any]:
    """JSON schema of `ProblemDetails` in one piece, since responses here bring no components."""
    schema = ProblemDetails.model_json_schema()
    schema["properties"]["errors"]["items"] = schema.pop("$defs")["PointedProblem"]
    return schema


def _example(status: int, detail: str, **more: Any) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {
            MEDIA_TYPE: {
                "schema": _problem_schema(),
                "example": {
                    "type": "about:blank",
                    "title": HTTPStatus(status).phrase,
                    "status": status,
                    "detail": detail,
                    "errors": [],
                    **more,
                },
            }
        },
    }


UNUSABLE: dict[int | str, dict[str, Any]] = {
    400: _example(400, "The body is not valid JSON: line 1, column 2."),
    403: _example(403, "This request comes from another site."),
    503: _example(503, "Too many estimates are under way; try again in a moment."),
    408: _example(408, "Nothing more of the request arrived within 30 s. Send it again."),
    413: _example(413, "The body is larger than 262,144 bytes."),
    422: _example(
        422,
        "The scenario cannot be estimated; nothing was computed and nothing was written.",
        errors=[{"pointer": "/epochs", "detail": "Epochs must be more than 0 (got -1)."}],
    ),
}
ABSENT: dict[int | str, dict[str, Any]] = {
    404: _example(404, "No scenario has this token."),
    410: _example(410, "The owner has withdrawn this link."),
}
NO_MONEY: dict[int | str, dict[str, Any]] = {409: _example(409, str(NoMoney()))}
UNUSABLE_BOOK: dict[int | str, dict[str, Any]] = {
    **{status: UNUSABLE[status] for status in (400, 403, 408, 413)},
    422: _example(
        422,
        "The price book cannot be used; nothing was written.",
        errors=[
            {"pointer": "/rates", "detail": "Rates line 2, accelerator: 'H100' is not a known GPU."}
        ],
    ),
}
UNUSABLE_ACTUALS: dict[int | str, dict[str, Any]] = {
    **{status: UNUSABLE[status] for status in (400, 408, 413)},
    403: _example(403, "Only the workspace that saved this scenario can change it."),
    415: _example(415, "Send text/csv or application/json, and say which in Content-Type."),
    422: _example(
        422,
        "The actual spend cannot be used; nothing was written.",
        errors=[{"pointer": "/file", "detail": "body line 2, month: is blank."}],
    ),
}
ABSENT_ACTUALS: dict[int | str, dict[str, Any]] = {
    404: _example(404, "No actual spend that you may see was uploaded for this scenario.")
}
ABSENT_BOOK: dict[int | str, dict[str, Any]] = {
    404: _example(404, "No price book that you may see has this key.")
}
READ_ONLY_BOOK: dict[int | str, dict[str, Any]] = {
    403: _example(403, "This price book belongs to the installation.")
}


ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


async def _validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    errors = error.errors()
    for item in errors:
        if item["type"] == "json_invalid":
            where = item["loc"][-1] if len(item["loc"]) > 1 else "?"
            return problem_response(
                400,
                f"The body is not valid JSON: {item.get('ctx', {}).get('error', 'unreadable')} at "
                f"character {where}. Send one JSON object.",
            )
    problems = problems_from_errors([{**item, "loc": item["loc"][1:]} for item in errors])
    return problem_response(
        422,
        "The request cannot be used; nothing was computed and nothing was written.",
        problems,
    )


async def _input(_: Request, error: Exception) -> Response:
    assert isinstance(error, InputProblems)  # noqa: S101
    return problem_response(
        422,
        "The scenario cannot be estimated; nothing was computed and nothing was written.",
        error.problems,
    )


async def _book(_: Request, error: Exception) -> Response:
    assert isinstance(error, PriceBookProblems)  # noqa: S101
    return problem_response(
        422, "The price book cannot be used; nothing was written.", error.problems
    )


async def _actuals(_: Request, error: Exception) -> Response:
    assert isinstance(error, ActualsProblems)  # noqa: S101
    return problem_response(
        422, "The actual spend cannot be used; nothing was written.", error.problems
    )


async def _unknown_actuals(_: Request, __: Exception) -> Response:
    return problem_response(
        404,
        "No actual spend that you may see was uploaded for this scenario; send the key of the "
        "workspace that saved it as bearer.",
    )


async def _unknown_book(_: Request, __: Exception) -> Response:
    return problem_response(
        404,
        "No price book that you may see has this key and version; send the key of the workspace "
        "that owns it as bearer.",
    )


async def _read_only_book(_: Request, __: Exception) -> Response:
    return problem_response(
        403,
        "This price book belongs to the installation; it is changed by `tunecase prices import`.",
    )


async def _unknown(_: Request, __: Exception) -> Response:
    return problem_response(404, "No scenario has this token. Check the link.")


async def _revoked(_: Request, __: Exception) -> Response:
    return problem_response(410, "The owner has withdrawn this link. Ask for a new one.")


async def _no_money(_: Request, error: Exception) -> Response:
    return problem_response(409, str(error))


async def _export(_: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidExport)  # noqa: S101
    return problem_response(
        422,
        "The export cannot be written as it was asked for.",
        [Problem(f"/{error.field}", str(error))],
    )


async def _not_the_owner(_: Request, __: Exception) -> Response:
    return problem_response(
        403, "Only the workspace that saved this scenario can change it; send its key as bearer."
    )


async def _busy(_: Request, __: Exception) -> Response:
    return problem_response(
        503,
        "Too many estimates are under way; try again in a moment.",
        headers={"Retry-After": "5"},
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101
    detail = str(error.detail)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        detail = (
            "The body cannot be read as JSON: it is nested too deeply or holds a number that is "
            "too long. Send one JSON object."
        )
    elif error.status_code == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address; /api/v1/openapi.json lists what there is."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.method} is not possible here; see /api/v1/openapi.json."
    return problem_response(error.status_code, detail, headers=error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    # The route, not the address: an address may hold a share token.
    route = getattr(request.scope.get("route"), "path", "an unknown path")
    log.error("unexpected error on %s %s", request.method, route, exc_info=error)
    return problem_response(500, "Something went wrong on our side; nothing was written.")


HANDLERS: Mapping[type[Exception], ErrorHandler] = {
    RequestValidationError: _validation,
    InputProblems: _input,
    PriceBookProblems: _book,
    ActualsProblems: _actuals,
    UnknownActuals: _unknown_actuals,
    UnknownPriceBook: _unknown_book,
    ReadOnlyPriceBook: _read_only_book,
    UnknownScenario: _unknown,
    RevokedScenario: _revoked,
    NotTheOwner: _not_the_owner,
    NoMoney: _no_money,
    InvalidExport: _export,
    Busy: _busy,
    StarletteHTTPException: _http,
    Exception: _unexpected,
}
"""What answers each kind of error below /api; the application chooses by path."""
