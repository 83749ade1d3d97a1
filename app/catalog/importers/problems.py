"""Problems of a text that somebody typed or exported: all that a person will read."""

from __future__ import annotations

from collections.abc import Sequence

from app.catalog.tables import CatalogError

MOST_PROBLEMS = 50


def raise_problems(problems: Sequence[str], count: int | None = None) -> None:
    """Raise the first problems and how many more there are; nothing happens without any.

    Parameters
    ----------
    count : of all problems, where `problems` holds only the first of them.

    Raises
    ------
    CatalogError : if there is a problem.
    """
    total = len(problems) if count is None else count
    if not total:
        return
    shown = list(problems[:MOST_PROBLEMS])
    if total > len(shown):
        shown.append(f"and {total - len(shown):,} more problems")
    raise CatalogError(shown)


def check_separator(name: str, header: Sequence[str]) -> None:
    """Refuse a header whose columns are separated by something else than commas.

    Raises
    ------
    CatalogError : it is a single cell that holds semicolons or tabs.
    """
    for sign, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(header) == 1 and sign in header[0]:
            raise CatalogError(
                [
                    f"{name}: its cells are separated by {called}; save it with commas, and with "
                    "points in decimal numbers (in a spreadsheet: CSV UTF-8, English format)"
                ]
            )
