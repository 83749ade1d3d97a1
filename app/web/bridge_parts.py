"""The waterfall between two answers as a part of a page: computed where it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from app.services.bridges import Bridges, End
from app.web import requests, waterfalls
from app.web.comparisons import Side
from app.web.contexts import BridgePart
from app.web.requests import Page

QUICK = 3.0
"""Work that is done without being asked for: estimates of 10,000 draws, of about 0.2 s each."""

MOST = 26.0
"""Work beyond which changes are not looked at alone as well."""

_DRAWS = 10_000
DEFAULT = "1"
"""In place of a method: the one that the second answer leads with."""


def part(
    site: Page,
    ends: tuple[End, End],
    sides: tuple[Side, Side],
    asked: str,
    address_of: Callable[[str], str],
) -> BridgePart:
    """The waterfall from the first answer to the second.

    Parameters
    ----------
    asked : key of a method, `DEFAULT`, or empty where it was not asked for.
    address_of : the page with the waterfall of a method.

    Raises
    ------
    Busy : see `estimate`.
    """
    made = Bridges(site.catalog, site.prices, requests.today(), site.workspace)
    weight = max(1.0, *(end.scenario.draws / _DRAWS for end in ends))
    if not asked and made.estimates(*ends) * weight > QUICK:
        return BridgePart(None, address_of(DEFAULT))
    work = made.estimates(*ends, alone=True) * weight
    found = made.between(*ends, alone=work <= (MOST if asked else QUICK))
    return BridgePart(waterfalls.view(found, *sides, asked, address_of), "")
