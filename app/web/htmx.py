"""What htmx 4 says about a request, and what a response says back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.web import addresses

REQUEST_TYPE = "HX-Request-Type"


def wants_partial(request: Request) -> bool:
    """Whether the response is swapped into a part of the page.

    Notes
    -----
    ``HX-Request`` says less: it is also sent where a full page is wanted (``hx-select``, boosted
    links), and going back in the history sends ``HX-Request-Type: full``.
    """
    return request.headers.get(REQUEST_TYPE) == "partial"


def vary(response: Response) -> None:
    """One address has two representations; caches must not mix them up."""
    response.headers.add_vary_header(REQUEST_TYPE)


def push_url(request: Request, response: Response, address: str | None) -> None:
    """Say which address the browser shows after the swap.

    Parameters
    ----------
    address : path and query; None keeps what is there. An address that is shown already is not
        pushed again, so that Back always leads to something else.
    """
    current = addresses.split(request.headers.get("HX-Current-URL", ""))
    shown = f"{current.path}?{current.query}" if current.query else current.path
    response.headers["HX-Push-Url"] = "false" if address in {None, shown} else address or "false"
