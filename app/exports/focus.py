"""The forecast of one method in the shape of FOCUS, so that it can stand beside a provider's bill.

`x_IsProjection` is true in every row: a query that sums bills leaves forecasts out by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from app.estimator.leading import leading_plan
from app.estimator.report import MethodReport, Report
from app.estimator.report_money import MoneyReport
from app.exports.csv_text import Value, csv_text
from app.exports.feed_source import PriceSources, timeline_of, with_money
from app.exports.focus_charges import PROVIDER, Forecast, charges, provider_names
from app.exports.focus_columns import V1_0, VERSIONS, columns_of

ALL = "all"
SCOPES = (ALL, PROVIDER)
NO_NAMES: Mapping[str, str] = MappingProxyType({})


class InvalidExport(ValueError):  # noqa: N818
    """What was asked for cannot be written.

    Parameters
    ----------
    field : the parameter: version, method or scope.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


def focus_columns(version: str = V1_0) -> tuple[str, ...]:
    """Names of the columns, in their order.

    Raises
    ------
    InvalidExport : there is no such version.
    """
    if version not in VERSIONS:
        raise InvalidExport(
            "version", f"FOCUS {version[:20]} is not written; choose {_either(VERSIONS)}."
        )
    return tuple(column.name for column in columns_of(version))


def focus_rows(
    report: Report,
    scenario_id: str,
    version: str = V1_0,
    method: str = "",
    scope: str = ALL,
    providers: Mapping[str, str] = NO_NAMES,
) -> list[tuple[Value, ...]]:
    """Charges of one method, one row for each cost line and month in which there is any of it.

    Parameters
    ----------
    scenario_id : tells scenarios apart where forecasts of several are put together; see
        `scenario_id_of`.
    method : empty is the one that the verdict recommends; where it recommends none (a pilot first,
        or neither), the one that the result leads with, see `leading_plan`.
    scope : all cost, which sums to the cost of the method, or what providers are paid alone.
    providers : names by their key, of those that the report does not name.

    Raises
    ------
    NoMoney : the report keeps no money by month.
    InvalidExport : there is no such version, method or scope.
    """
    focus_columns(version)
    if scope not in SCOPES:
        raise InvalidExport("scope", f"There is no scope {scope[:20]!r}; choose {_either(SCOPES)}.")
    chosen, money = _chosen(report, method)
    forecast = Forecast(
        report,
        chosen,
        scenario_id,
        version,
        chosen.plan,
        {**providers, **provider_names(report)},
        PriceSources.of(report),
    )
    columns = columns_of(version)
    return [
        tuple(column.read(charge) for column in columns)
        for charge in charges(forecast, money, scope)
    ]


def focus_csv(
    report: Report,
    scenario_id: str,
    version: str = V1_0,
    method: str = "",
    scope: str = ALL,
    providers: Mapping[str, str] = NO_NAMES,
) -> str:
    """The same as CSV text; see `focus_rows`."""
    rows = focus_rows(report, scenario_id, version, method, scope, providers)
    return csv_text(focus_columns(version), rows)


def scenario_id_of(secret: str) -> str:
    """What a scenario is called in data that others may read: the link cannot be found from it.

    Parameters
    ----------
    secret : token of the link, or the query of a scenario that is not saved.
    """
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def focus_method(report: Report, asked: str = "") -> str:
    """Key of the method whose charges are written where this one is asked for.

    Raises
    ------
    NoMoney, InvalidExport : see `focus_rows`.
    """
    return _chosen(report, asked)[0].method


def _chosen(report: Report, asked: str) -> tuple[MethodReport, MoneyReport]:
    timeline_of(report)
    methods = {method.method: (method, money) for method, money in with_money(report)}
    leader = leading_plan(report)
    if not methods or leader is None:
        raise InvalidExport("method", "No method fits on any hardware, so nothing is paid.")
    if asked and asked not in methods:
        raise InvalidExport(
            "method",
            f"This result has no costs of {asked[:20]!r}; choose {_either(tuple(methods))}.",
        )
    return methods[asked or leader.method]


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
