"""The application: create_app(settings) puts the parts together."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from app import __version__
from app.api import actuals as actuals_api
from app.api import prices, v1
from app.api.errors import HANDLERS
from app.catalog.catalog import load_catalog
from app.db.migrate import upgrade
from app.db.repositories import ping
from app.db.session import open_engine, open_sessions
from app.services.actuals import ActualsService
from app.services.backtests import Backtests
from app.services.expectations import Expectations
from app.services.own_runs import ValidationService
from app.services.price_books import PriceBooks
from app.services.scenario_prices import ScenarioPrices
from app.services.scenarios import ScenarioService
from app.settings import Settings
from app.web import actual_pages, book_pages, pages, validation_pages
from app.web.security import BodyLimit, CrossSiteGuard, HeadAsGet, HideTokens, SecurityHeaders

_HIDE_TOKENS = HideTokens()


class _Application(FastAPI):
    """FastAPI with the security headers outside of everything.

    Notes
    -----
    Starlette puts its handler of unexpected errors outside of all added middleware; the page for a
    500 needs the headers as much as any other.
    """

    def build_middleware_stack(self) -> ASGIApp:
        return SecurityHeaders(HeadAsGet(super().build_middleware_stack()))


def create_app(settings: Settings | None = None) -> FastAPI:
    """The web application, ready to serve once its lifespan has started.

    Notes
    -----
    The catalogue is read here, once a process. The database is migrated when the lifespan starts,
    so building the application (for its OpenAPI description, say) touches no database.
    """
    settings = settings or Settings()
    engine = open_engine(settings.database_url)
    # Here rather than in `serve`, so that it holds under any server that logs as uvicorn does.
    logging.getLogger("uvicorn.access").addFilter(_HIDE_TOKENS)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(upgrade, settings)
        # What was loaded stays: without it, the garbage collector has next to nothing to look
        # through, instead of a tenth of a second every thirty requests.
        gc.freeze()
        gc.enable()
        yield
        gc.unfreeze()
        engine.dispose()

    app = _Application(
        title="Tunecase API",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect would lead to whatever Host the request names, with the token of a link.
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.engine = engine
    app.state.catalog = load_catalog(settings.pricing_dir)
    sessions = open_sessions(engine)
    app.state.scenarios = ScenarioService(sessions)
    app.state.actuals = ActualsService(sessions, app.state.scenarios)
    app.state.price_books = PriceBooks(sessions, app.state.catalog)
    app.state.scenario_prices = ScenarioPrices(sessions)
    app.state.validation = ValidationService(app.state.catalog)
    app.state.expectations = Expectations(app.state.catalog)
    app.state.backtests = Backtests(app.state.catalog)

    # The last one added is the first to see a request.
    # Compression: a page that shows links (secrets) beside reflected input could leak them by its
    # length only to someone who makes the owner's browser send many requests with its cookie, and
    # SameSite keeps the cookie out of other sites' requests.
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=6)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        larger={
            "/validate": validation_pages.LARGEST_UPLOAD_BYTES,
            "/prices/books": book_pages.LARGEST_UPLOAD_BYTES,
            "/prices/books/": book_pages.LARGEST_UPLOAD_BYTES,
            "/s/": actual_pages.LARGEST_UPLOAD_BYTES,
            "/api/v1/scenarios/": actuals_api.LARGEST_ACTUALS_BYTES,
            "/api/v1/price-books": prices.LARGEST_BOOK_BYTES,
            "/api/v1/price-books/": prices.LARGEST_BOOK_BYTES,
        },
    )
    app.add_middleware(CrossSiteGuard)
    if settings.trusted_hosts:
        app.add_middleware(
            TrustedHostMiddleware,
            # Health checks of the same machine always pass.
            allowed_hosts=[*settings.trusted_hosts, "localhost", "127.0.0.1"],
            www_redirect=False,
        )

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        """The process answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", include_in_schema=False)
    def readyz() -> JSONResponse:
        """The database answers, and has our tables."""
        try:
            ping(engine)
        except SQLAlchemyError:
            return JSONResponse({"status": "the database does not answer"}, status_code=503)
        return JSONResponse({"status": "ok"})

    app.include_router(v1.router)
    for error_type, handler in HANDLERS.items():
        app.add_exception_handler(error_type, handler)
    # Last: its error pages leave paths of the API to the handlers above.
    pages.install(app, settings)
    return app


def serve(settings: Settings) -> None:
    """Serve until stopped.

    Notes
    -----
    With several workers, each is a process that reads its settings from the environment again.
    """
    uvicorn.run(
        "app.main:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        server_header=False,
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=settings.max_connections,
    )
