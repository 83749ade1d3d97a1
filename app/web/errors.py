"""Error pages: plain words, a way on, never a traceback. The API has its own answers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.estimator.no_money import NoMoney
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
)
from app.web.context_frame import Layout, Message
from app.web.templating import Renderer

_API = "/api/"
_NO_STORE = {"Cache-Control": "no-store"}

_PAGES: dict[int, tuple[str, str]] = {
    400: ("We could not read this request", "Go back and try again."),
    403: (
        "This is not yours to change",
        "Only the browser that saved a result can withdraw its link, or upload what was spent.",
    ),
    404: (
        "There is no such page",
        "The address may be incomplete: links to results are long, and mail programs sometimes "
        "break them.",
    ),
    405: (
        "This address cannot be opened like that",
        "It only takes what one of our forms sends. Go back and use the form.",
    ),
    409: (
        "This result holds no money by month",
        "So it has no files for other tools, and no plan to compare spend with.",
    ),
    410: (
        "This link was withdrawn",
        "Whoever shared it has withdrawn it. Ask them for a new one.",
    ),
    413: ("This is too long", "Shorten what was pasted."),
    422: ("Something in this request does not fit", "Go back and check what was entered."),
    500: (
        "Something went wrong on our side",
        "It has been logged. Go back and try again; what you entered is in the address.",
    ),
    503: (
        "We are busy",
        "Too many estimates are under way at this moment. Try again in a minute.",
    ),
}

_NO_ACTUALS = (
    "There is no spend to compare",
    "No actual spend that you may see was uploaded for this result. Whoever saved it can upload "
    "spend on the page of plan against actual, and show it to others there.",
)
_NO_BOOK = "A price book can be opened only in the browser that saved it."

Handler = Callable[[Request, Any], Any]


def install(app: FastAPI, render: Renderer) -> None:
    """Register the pages, keeping what is registered already for paths of the API."""

    def answer(
        status: int, details: tuple[str, ...] = (), page: tuple[str, str] | None = None
    ) -> Response:
        known = status if status in _PAGES else 500 if status >= 500 else 400
        heading, text = page or _PAGES[known]
        return render(
            "pages/message.html",
            Message(Layout(heading, indexed=False), heading, text, details),
            status=status,
            headers=_NO_STORE,
        )

    def http_error(_: Request, error: HTTPException) -> Response:
        response = answer(error.status_code)
        for name, value in (error.headers or {}).items():
            response.headers[name] = value  # such as Allow with a 405
        return response

    def validation_error(_: Request, error: RequestValidationError) -> Response:
        said = dict.fromkeys(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors())
        return answer(422, tuple(said))

    def input_problems(_: Request, error: InputProblems) -> Response:
        problems: tuple[Problem, ...] = error.problems
        return answer(422, tuple(problem.message for problem in problems))

    def unknown_book(_: Request, __: UnknownPriceBook) -> Response:
        return answer(404, (_NO_BOOK,))

    def no_money(_: Request, error: NoMoney) -> Response:
        return answer(409, (str(error),))

    def busy(_: Request, __: Busy) -> Response:
        response = answer(503)
        response.headers["Retry-After"] = "10"
        return response

    pages: tuple[tuple[type[Exception], Handler], ...] = (
        (HTTPException, http_error),
        (RequestValidationError, validation_error),
        (InputProblems, input_problems),
        (PriceBookProblems, input_problems),
        (NoMoney, no_money),
        (ActualsProblems, input_problems),
        (UnknownActuals, lambda _request, _error: answer(404, page=_NO_ACTUALS)),
        (UnknownScenario, lambda _request, _error: answer(404)),
        (RevokedScenario, lambda _request, _error: answer(410)),
        (UnknownPriceBook, unknown_book),
        (ReadOnlyPriceBook, lambda _request, _error: answer(403)),
        (Busy, busy),
        (NotTheOwner, lambda _request, _error: answer(403)),
        # The server logs the traceback: Starlette raises the error again after this answer.
        (Exception, lambda _request, _error: answer(500)),
    )
    for error_type, handler in pages:
        app.add_exception_handler(error_type, _outside_api(app, error_type, handler))


def _outside_api(app: FastAPI, error_type: type[Exception], handler: Handler) -> Handler:
    """The handler for pages; paths of the API keep the handler that they had."""
    api_handler: Handler | None = app.exception_handlers.get(error_type)

    async def handle(request: Request, error: Exception) -> Response:
        api = request.url.path.startswith(_API)
        chosen = api_handler if api and api_handler is not None else handler
        if inspect.iscoroutinefunction(chosen):
            response: Response = await chosen(request, error)
        else:
            response = await run_in_threadpool(chosen, request, error)
        return response

    return handle
