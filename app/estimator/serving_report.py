"""Serving as a part of the report: ways, what each method adds, adapters against dedicated."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import NormalDist

import numpy as np

from app.estimator.fleet import Floats, Integers
from app.estimator.methods import Method
from app.estimator.report_serving import MethodServing, ServingReport, ServingWay, VariantsPoint
from app.estimator.report_values import Distribution
from app.estimator.serving import (
    BASE,
    MERGED,
    MOST_VARIANTS,
    UNMERGED,
    Serving,
    ServingLoad,
    Way,
    break_even_variants,
    serving_by_variants,
)

NONE = "none"
AUTO = "auto"
WAY_LABELS = {
    BASE: "Base model, untuned",
    MERGED: "Dedicated model for each variant",
    UNMERGED: "Adapters on one base",
}
LEFT_OUT = "Serving was left out of this scenario."
_QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 99) for i in range(99)])
LEAST_SHOWN = 10
POINTS = 36
"""Numbers of variants that are computed for the chart."""


def way_of(serving: Serving, *, adapter: bool, asked: str = AUTO) -> Way | None:
    """How a method is served.

    Parameters
    ----------
    adapter : whether the method trains an adapter; full fine-tuning is always merged.
    asked : auto (whichever costs less, merged where they cost the same, since it answers
        sooner), merged, unmerged or none. Where adapters do not fit beside the base, merged.

    Returns
    -------
    None where nothing is served.
    """
    if asked == NONE or not serving.ways:
        return None
    merged, unmerged = serving.ways[MERGED], serving.ways.get(UNMERGED)
    if not adapter or asked == MERGED or unmerged is None:
        return merged
    if asked == UNMERGED or unmerged.usd_per_month < merged.usd_per_month:
        return unmerged
    return merged


def extra_usd_per_month(
    serving: Serving, way: Way, standard: Floats, growth: float = 1.0
) -> Floats:
    """Rent of a way beyond that of the base model, drawn. (d,) [USD]

    Parameters
    ----------
    standard : standard normal draws of the throughput, the same for every way. (d,)
    growth : load over that of the scenario; a load that has doubled needs what half the throughput
        needs.
    """
    base = serving.ways[BASE]
    return way.usd_at(way.factor(standard) / growth) - base.usd_at(base.factor(standard) / growth)


def serving_report(
    serving: Serving, methods: Sequence[Method], asked: str, as_of: date, loss: float
) -> ServingReport:
    """The part of the report.

    Parameters
    ----------
    asked : how adapters are to be served: auto, merged, unmerged or none.
    as_of : day from which the age of prices is counted.
    loss : throughput lost where adapters are not merged. [fraction]
    """
    load, reason = serving.load, serving.reason
    if asked == NONE:
        serving, reason = Serving(load, {}, LEFT_OUT), LEFT_OUT
    found = break_even_variants(serving)
    return ServingReport(
        answers_per_month=load.answers_per_month,
        prompt_tokens=int(load.prompt_tokens),
        completion_tokens=int(load.completion_tokens),
        peak_factor=load.peak_factor,
        variants=load.variants,
        ways=tuple(_way(way, as_of) for way in serving.ways.values()),
        methods=tuple(
            _method(method, way, serving.ways[BASE])
            for method in methods
            if (way := way_of(serving, adapter=method.adapters is not None, asked=asked))
        ),
        break_even_variants=found,
        by_variants=_points(serving, found),
        adapter_throughput_loss_fraction=loss,
        reason=reason,
    )


def _way(way: Way, as_of: date) -> ServingWay:
    offer = way.offer
    p10, p50, p90 = (
        float(way.usd_at(way.factor(NormalDist().inv_cdf(1 - q)))[0]) for q in (0.1, 0.5, 0.9)
    )
    mean = float(way.usd_at(way.factor(_QUANTILES)).mean())
    return ServingWay(
        key=way.key,
        label=WAY_LABELS[way.key],
        models=way.models,
        replicas=way.replicas,
        gpus=way.gpus,
        instances=way.instances,
        offer_key=offer.key,
        provider_name=offer.provider_name,
        instance=offer.instance,
        region=offer.region,
        accelerator_name=offer.accelerator.name,
        gpus_per_replica=way.gpus_per_replica,
        usd_per_instance_hour=offer.usd_per_instance_hour,
        price_valid_from=offer.valid_from.isoformat(),
        price_age_days=(as_of - offer.valid_from).days,
        price_source_key=offer.source.key,
        utilisation_fraction=way.utilisation_fraction,
        usd_per_month=way.usd_per_month,
        usd_per_month_range=Distribution(mean, p10, p50, p90),
        usd_per_million_tokens=way.usd_per_million_tokens,
        usd_per_answer=way.usd_per_answer,
        ms_per_token=way.ms_per_token,
        seconds_per_answer=way.seconds_per_answer,
    )


def _method(method: Method, way: Way, base: Way) -> MethodServing:
    return MethodServing(
        method=method.key,
        way=way.key,
        extra_usd_per_month=way.usd_per_month - base.usd_per_month,
        extra_seconds_per_answer=way.seconds_per_answer - base.seconds_per_answer,
    )


def _points(serving: Serving, found: int | None) -> tuple[VariantsPoint, ...]:
    if not serving.ways:
        return ()
    variants = shown_variants(serving.load, found)
    dedicated, adapters = serving_by_variants(serving, variants)
    return tuple(
        VariantsPoint(int(v), float(d), float(a))
        for v, d, a in zip(variants, dedicated, adapters, strict=True)
        if np.isfinite(d) and np.isfinite(a)
    )


def shown_variants(load: ServingLoad, found: int | None) -> Integers:
    """Numbers of variants of the chart: to twice the scenario's own and twice the break-even.

    Examples
    --------
    >>> shown_variants(ServingLoad(1.0, variants=2), 3).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    last = min(MOST_VARIANTS, max(LEAST_SHOWN, 2 * load.variants, 2 * (found or 0)))
    spread = np.unique(np.round(np.linspace(1, last, POINTS)).astype(np.int64))
    own = [v for v in (load.variants, found, (found or 1) - 1) if v]
    return np.unique(np.concatenate([spread, np.array(own, dtype=np.int64)]))
