"""The waterfall between two answers as a part of a page: computed where it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from app.services.bridges import MOST_WORK, Bridges, End
from app.services.problems import InputProblems
from app.web import requests, waterfalls
from app.web.comparisons import Side
from app.web.context_comparisons import BridgePart
from app.web.requests import Page

QUICK = 3.0
"""Work that is done without being asked for: see `Bridges.work`; a usual estimate takes 0.2 s."""

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
    if not asked and made.work(*ends) > QUICK:
        return BridgePart(None, address_of(DEFAULT))
    alone = made.work(*ends, alone=True) <= (MOST_WORK if asked else QUICK)
    try:
        found = made.between(*ends, alone=alone)
    except InputProblems as error:
        return BridgePart(None, "", error.problems[0].message)
    view = waterfalls.view(found, *sides, asked, address_of, without_alone=not alone)
    can_ask = not alone and not asked and made.work(*ends, alone=True) <= MOST_WORK
    return BridgePart(view, address_of(DEFAULT) if can_ask else "")
