"""How each method of a case is served, and what that adds to serving the base model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.estimator.case import Case
from app.estimator.methods import Method
from app.estimator.report_serving import MethodServing, ServingReport
from app.estimator.serving import BASE, MERGED, UNMERGED, Serving, ServingLoad, Way, serving_of
from app.estimator.serving_report import AUTO, NONE, serving_report, way_of
from app.estimator.units import MONTHS_PER_YEAR
from app.estimator.value import mean_answers_per_month


@dataclass(frozen=True, slots=True)
class Served:
    """How one method is served.

    Parameters
    ----------
    way, base : of the tuned model, and of the base model under the same load; None where nothing
        is served.
    extra_usd_per_month, extra_seconds : beyond the base model; never below 0. [USD], [s]
    artefacts : models and adapters to govern. [count]
    """

    way: Way | None = None
    base: Way | None = None
    extra_usd_per_month: float = 0.0
    extra_seconds: float = 0.0
    artefacts: int = 1


@dataclass(frozen=True, slots=True)
class ServedMethods:
    """How the methods of a case are served.

    Parameters
    ----------
    by_method : by key.
    shown : the sizing whose ways are reported; None where serving is left out of the scenario.
    """

    by_method: Mapping[str, Served]
    shown: Serving | None

    def report(self, case: Case) -> ServingReport | None:
        """The part of the report of the case that they are of."""
        if self.shown is None:
            return None
        report = serving_report(
            self.shown,
            case.methods,
            case.demand.serving,
            case.as_of,
            case.constants["adapter_throughput_loss"],
        )
        methods = tuple(
            MethodServing(key, found.way.key, found.extra_usd_per_month, found.extra_seconds)
            for key, found in self.by_method.items()
            if found.way is not None
        )
        return replace(report, methods=methods)


def served_methods(case: Case) -> ServedMethods:
    """Size and price the serving of every method of a case.

    Notes
    -----
    For the mean load over the horizon, on the offers that the scenario allows, rented on demand.
    Each method is sized with its own adapter; the report shows the ways of the first adapter
    method. Where nothing can be sized, nothing is counted, and the report says why.
    """
    demand = case.demand
    load = ServingLoad(
        answers_per_month=mean_answers_per_month(case.value),
        prompt_tokens=demand.prompt_tokens,
        completion_tokens=demand.completion_tokens,
        peak_factor=demand.peak_factor,
        variants=demand.variants,
        max_ms_per_token=demand.max_ms_per_token,
        least_replicas=demand.least_replicas,
    )
    if demand.serving == NONE:
        none = {m.key: Served(artefacts=_unserved_artefacts(m, case)) for m in case.methods}
        return ServedMethods(MappingProxyType(none), None)
    sized: dict[int, Serving] = {}
    # With one variant a merged model is as cheap as any, so no other adapter has to be sized.
    alike = demand.variants == 1 and demand.serving != UNMERGED

    def serving(method: Method) -> Serving:
        parameters = method.adapter_parameters(case.model.architecture)
        if parameters not in sized:
            sized[parameters] = serving_of(
                case.model.architecture, parameters, load, case.fleet, case.constants
            )
        return sized[parameters]

    first = next((m for m in case.methods if m.adapters is not None), case.methods[0])
    whole = serving(first)
    by_method = {
        # A dedicated model has no adapter beside it, so any sizing knows it.
        m.key: _served(case, m, whole if alike or m.adapters is None else serving(m))
        for m in case.methods
    }
    return ServedMethods(MappingProxyType(by_method), whole)


def _unserved_artefacts(method: Method, case: Case) -> int:
    """Artefacts where serving is left out: what the scenario would keep of each method."""
    unmerged = method.adapters is not None and case.demand.variants > 1
    return case.demand.variants + (1 if unmerged else 0)


def _served(case: Case, method: Method, serving: Serving) -> Served:
    """The way of one method, and what it adds."""
    variants, demand = case.demand.variants, case.demand
    artefacts = {MERGED: variants, UNMERGED: variants + 1}
    if not serving.ways:
        return Served(artefacts=_unserved_artefacts(method, case))
    base = serving.ways[BASE]

    def served(way: Way) -> Served:
        # Merged weights have the shape of the base model: with as much hardware for the load they
        # answer as soon, and what another split of the load gains or loses is left out.
        slower = way.seconds_per_answer - base.seconds_per_answer if way.key == UNMERGED else 0.0
        return Served(
            way,
            base,
            max(0.0, way.usd_per_month - base.usd_per_month),
            max(0.0, slower),
            artefacts[way.key],
        )

    def in_all(found: Served) -> float:
        """What a month of a way costs: rent, artefacts and waiting. [USD]"""
        return (
            found.extra_usd_per_month
            + found.artefacts * case.programme.artefact_year_usd / MONTHS_PER_YEAR
            + serving.load.answers_per_month * found.extra_seconds * case.value.second_usd
        )

    is_adapter = method.adapters is not None
    if demand.serving != AUTO or not is_adapter:
        way = way_of(serving, adapter=is_adapter, asked=demand.serving)
        return Served() if way is None else served(way)
    # Of equal ones the merged: it answers sooner.
    both = [served(serving.ways[key]) for key in (MERGED, UNMERGED) if key in serving.ways]
    return min(both, key=in_all)
