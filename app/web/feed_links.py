"""Links to the files of a result, for the page."""

from __future__ import annotations

from app.estimator.report import Report
from app.exports.feeds import FEEDS
from app.web.context_results import FileLink
from app.web.requests import with_query


def file_links(report: Report, base: str, query: str = "") -> tuple[FileLink, ...]:
    """Files of a result; nothing where it keeps no money by month.

    Parameters
    ----------
    base : address of the result, without a query.
    query : of a scenario that is not saved.
    """
    if report.timeline is None:
        return ()
    tables = [(feed.title, feed.name, "") for feed in FEEDS.values()]
    tables += [
        ("Forecast cost in the shape of FOCUS 1.0", "focus", ""),
        ("Forecast cost in the shape of FOCUS 1.4", "focus", "version=1.4"),
    ]
    return tuple(
        FileLink(
            label,
            with_query(f"{base}/{name}.csv", "&".join(filter(None, (query, asked)))),
            with_query(f"{base}/{name}.json", "&".join(filter(None, (query, asked)))),
        )
        for label, name, asked in tables
    )
