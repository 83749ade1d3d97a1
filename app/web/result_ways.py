"""Rent, buy or managed, as the result page shows it: the ways to pay for one training programme."""

from __future__ import annotations

from datetime import date

from app.estimator.report import BuyingReport, MethodReport, Report, WayReport
from app.web import presenters as show
from app.web import result_costs, result_sources
from app.web.figures import currency_of, name_of
from app.web.result_parts import WaysTable, WayView


def table(report: Report, m: MethodReport, today: date) -> WaysTable:
    """The ways of one method.

    Parameters
    ----------
    today : day to which the age of prices is counted.
    """
    chosen = next((way for way in m.ways if way.chosen), None)
    least = min(way.total_usd for way in m.ways)
    return WaysTable(
        method=m.method,
        label=name_of(m.method),
        horizon=show.months(report.horizon_months),
        buying=() if m.buying is None else _buying(report, m.buying),
        ways=tuple(_way(report, way, chosen, least, today) for way in m.ways),
    )


def _way(
    report: Report, way: WayReport, chosen: WayReport | None, least_usd: float, today: date
) -> WayView:
    currency = currency_of(report)
    # To the day of the reader: prices age on a saved page too.
    known = bool(way.price_valid_from)
    age = (today - date.fromisoformat(way.price_valid_from)).days if known else 0
    level, written = show.price_date(way.price_valid_from, age)
    idle = idle_share = ""
    if way.paid_gpu_hours and way.gpu_hours is not None:
        hours = max(0.0, way.paid_gpu_hours - way.gpu_hours)
        idle = show.number(hours)
        idle_share = show.percent(hours / way.paid_gpu_hours) if round(hours) else ""
    rows, exact_total = result_costs.lines(report, way.lines)
    tags = [
        tag
        for tag, given in (("chosen", way.chosen), ("cheapest", way.total_usd == least_usd))
        if given
    ]
    return WayView(
        label=way.label,
        what=": ".join(part for part in (way.seller, way.what) if part),
        note=way.note,
        tags=tuple(tags),
        total=show.usd(way.total_usd, currency),
        against=""
        if chosen is None or way is chosen
        else show.usd(way.total_usd - chosen.total_usd, currency, plus=True),
        upfront=show.usd(way.upfront_usd, currency),
        per_gpu_hour=show.usd(way.usd_per_gpu_hour, currency, cents=True),
        hours_per_run=show.hours(way.hours_per_run),
        used=show.number(way.gpu_hours),
        idle=idle or show.NONE,
        idle_share=idle_share,
        price_level=level,
        price_date=written,
        price_source=result_sources.mark(report, way.source_key),
        rows=rows,
        exact_total=exact_total,
    )


def _buying(report: Report, found: BuyingReport) -> tuple[str, ...]:
    """From which use on owning is cheaper, and what that compares."""
    currency = currency_of(report)

    def price(value: float) -> str:
        return show.usd(value, currency, cents=True)

    servers = show.plural(found.servers, "server")
    busy = "it is" if found.servers == 1 else "they are"
    alone = f"this programme alone keeps {'it' if found.servers == 1 else 'them'} busy " + (
        show.percent(found.programme_fraction)
    )
    if found.break_even_fraction is None:
        first = (
            f"Buying {servers} never beats renting: even in use all the time, an owned GPU-hour "
            f"costs {price(found.usd_per_gpu_hour_at_full_use)}; {alone} of the time."
        )
    else:
        first = (
            f"Buying {servers} beats renting once {busy} busy more than "
            f"{show.percent(found.break_even_fraction)} of the time; {alone}."
        )
    return (
        first,
        f"Compared: {found.servers} × {found.server} ({show.plural(found.gpus, 'GPU')} together), "
        f"{show.usd(found.total_usd, currency)} over {show.months(report.horizon_months)} less "
        f"what {'it is' if found.servers == 1 else 'they are'} worth at the end, or "
        f"{price(found.usd_per_gpu_hour_at_full_use)} per GPU-hour in use all the time, against "
        f"{price(found.rent_usd_per_gpu_hour)} for renting ({found.rent_label}). The lines of "
        "owning below charge this programme its share in a company that uses its servers "
        f"{show.percent(found.utilisation_fraction)} of the time.",
    )
