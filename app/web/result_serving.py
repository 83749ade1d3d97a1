"""Serving as the result page shows it: the ways, what each method adds, and the break-even."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.estimator.currency import Currency
from app.estimator.report import Report
from app.estimator.report_serving import MethodServing, ServingReport, ServingWay
from app.web import result_sources, show_amounts, show_dates, show_numbers, show_words
from app.web.figure_serving import VariantsDrawing, by_variants
from app.web.figures import Figure, currency_of, name_of
from app.web.result_parts import SourceMark

BASE, MERGED, UNMERGED = "base", "merged", "unmerged"
_SERVED_AS = {
    MERGED: "as a dedicated model for each variant",
    UNMERGED: "as adapters on one base",
}
_LEAST_USD = 0.5
_LEAST_S = 0.05


@dataclass(frozen=True, slots=True)
class ServingWayView:
    """One way to serve the load.

    Parameters
    ----------
    what : what is rented; note : how busy it is.
    per_million, per_thousand : cost of a million tokens, and of a thousand answers.
    month_range : 80% range, empty where it is one figure.
    """

    label: str
    tags: tuple[str, ...]
    what: str
    note: str
    gpus: str
    month: str
    month_range: str
    per_million: str
    per_thousand: str
    ms_per_token: str
    seconds: str
    price_level: str
    price_date: str
    price_source: SourceMark


@dataclass(frozen=True, slots=True)
class ServingView:
    """The section on serving.

    Parameters
    ----------
    lead : the load in one sentence; empty where nothing is served.
    sentences : what it says, the most important one first.
    reason : why nothing is served; empty where something is.
    """

    lead: str
    sentences: tuple[str, ...]
    reason: str
    ways: tuple[ServingWayView, ...]
    chart: Figure[VariantsDrawing] | None


def view(report: Report, today: date) -> ServingView | None:
    """The section, None in reports that do not say.

    Parameters
    ----------
    today : day to which the age of prices is counted.
    """
    serving = report.serving
    if serving is None:
        return None
    if not serving.ways:
        return ServingView("", (), serving.reason, (), None)
    currency = currency_of(report)
    used = {m.way for m in serving.methods}
    tuned = [way for way in serving.ways if way.key != BASE]
    least = min(way.usd_per_month for way in tuned)
    cheapest = [way.key for way in tuned if way.usd_per_month == least] if len(tuned) > 1 else []
    return ServingView(
        lead=_lead(serving),
        sentences=(
            _variants(serving, currency),
            *(_method(serving, m, currency) for m in serving.methods),
        ),
        reason="",
        ways=tuple(
            _way(
                report,
                way,
                tuple(
                    tag
                    for tag, given in (
                        ("used", way.key in used),
                        ("cheapest", len(cheapest) == 1 and way.key in cheapest),
                    )
                    if given
                ),
                today,
            )
            for way in serving.ways
        ),
        chart=by_variants(serving, currency),
    )


def _lead(serving: ServingReport) -> str:
    answers = show_words.with_unit(
        show_numbers.number(serving.answers_per_month), "answers a month"
    )
    return (
        f"{answers}, the mean over the horizon, of "
        f"{show_numbers.number(serving.prompt_tokens)} prompt and "
        f"{show_words.with_unit(show_numbers.number(serving.completion_tokens), 'answer tokens')}, "
        f"{_shared(serving.variants)}; the busiest hour takes "
        f"{show_numbers.significant(serving.peak_factor)} times the mean."
    )


def _shared(variants: int) -> str:
    return (
        "of one tuned model"
        if variants == 1
        else f"shared by {show_numbers.number(variants)} variants"
    )


def _variants(serving: ServingReport, currency: Currency) -> str:
    """From how many variants on adapters on one base are cheaper."""
    number = serving.break_even_variants
    loss = show_numbers.percent(serving.adapter_throughput_loss_fraction)
    if number is None:
        return (
            "Dedicated models cost no more than adapters on one base at any number of variants "
            f"that was tried: adapters that are not merged lose {loss} of the throughput."
        )
    merged = next((way for way in serving.ways if way.key == MERGED), None)
    shared = next((way for way in serving.ways if way.key == UNMERGED), None)
    here = ""
    if merged is not None and shared is not None:
        here = (
            f" Here, with {show_numbers.number(serving.variants)}, "
            f"{'a dedicated model costs' if serving.variants == 1 else 'dedicated models cost'} "
            f"{show_amounts.usd(merged.usd_per_month, currency)} a month and "
            f"{'an adapter kept apart' if serving.variants == 1 else 'adapters'} "
            f"{show_amounts.usd(shared.usd_per_month, currency)}."
        )
    return (
        f"From {number} variants on, adapters on one base always cost less than a dedicated model "
        f"for each; below that the {loss} of throughput that they lose can outweigh what they "
        f"share.{here}"
    )


def _method(serving: ServingReport, m: MethodServing, currency: Currency) -> str:
    """How a method is served and what that adds to serving the base model."""
    text = f"{name_of(m.method)} is served {_SERVED_AS.get(m.way, m.way)}"
    if m.way == MERGED and serving.variants == 1:
        text = f"{name_of(m.method)} is served merged, as the base model is"
    if abs(m.extra_usd_per_month) < _LEAST_USD:
        money = "at no more than the base model costs"
    else:
        money = (
            f"for {show_amounts.usd(m.extra_usd_per_month, currency)} a month beyond the base model"
        )
    wait = ""
    if m.extra_seconds_per_answer > _LEAST_S:
        wait = (
            f"; an answer takes {show_numbers.significant(m.extra_seconds_per_answer, 2)} s longer"
        )
    return f"{text}, {money}{wait}.{_why_dearer(serving, m)}"


def _why_dearer(serving: ServingReport, m: MethodServing) -> str:
    """Why a way is used that is dearer to rent; empty where it is not."""
    usd = {way.key: way.usd_per_month for way in serving.ways}
    other = usd.get(UNMERGED if m.way == MERGED else MERGED)
    if m.method == "full" or other is None or other >= usd.get(m.way, other):
        return ""
    return (
        " The other way is cheaper to rent: this one was asked for, or artefacts to govern and "
        "waiting outweigh the difference."
    )


def _way(report: Report, way: ServingWay, tags: tuple[str, ...], today: date) -> ServingWayView:
    currency = currency_of(report)
    # To the day of the reader: prices age on a saved page too.
    age = (today - date.fromisoformat(way.price_valid_from)).days
    level, written = show_dates.price_date(way.price_valid_from, age)
    spread = way.usd_per_month_range
    low, high = show_amounts.usd(spread.p10, currency), show_amounts.usd(spread.p90, currency)
    region = f", {show_words.region(way.region)}" if way.region not in ("", "all") else ""
    return ServingWayView(
        label=way.label,
        tags=tags,
        what=f"{way.provider_name}: {way.instances} × {way.instance}{region}",
        note=(
            f"{show_words.plural(way.models, 'model')}, "
            f"{show_words.plural(way.replicas, 'replica')} of "
            f"{show_words.plural(way.gpus_per_replica, 'GPU')}; used "
            f"{show_numbers.percent(way.utilisation_fraction)} of what they can give in the mean"
        ),
        gpus=f"{show_numbers.number(way.gpus)} × {way.accelerator_name}",
        month=show_amounts.usd(way.usd_per_month, currency),
        month_range=f"{low} to {high}" if low != high else "",
        per_million=show_amounts.usd(way.usd_per_million_tokens, currency, cents=True),
        per_thousand=show_amounts.usd(1000 * way.usd_per_answer, currency, cents=True),
        ms_per_token=f"{show_numbers.significant(way.ms_per_token)}\u00a0ms",
        seconds=f"{show_numbers.significant(way.seconds_per_answer)}\u00a0s",
        price_level=level,
        price_date=written,
        price_source=result_sources.mark(report, way.price_source_key),
    )
