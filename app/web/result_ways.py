"""Rent, buy or managed, as the result page shows it: the ways to pay for one training programme."""

from __future__ import annotations

from datetime import date

from app.estimator.constants import CONSTANTS
from app.estimator.report import BuyingReport, MethodReport, Report, WayReport
from app.estimator.ways import OWN
from app.web import (
    result_costs,
    result_folds,
    result_sources,
    show_amounts,
    show_dates,
    show_numbers,
    show_units,
    show_words,
)
from app.web.figures import currency_of, name_of
from app.web.result_parts import WaysTable, WayView


def table(report: Report, m: MethodReport, today: date) -> WaysTable:
    """The ways of one method.

    Parameters
    ----------
    today : day to which the age of prices is counted.
    """
    chosen = next((way for way in m.ways if way.chosen), None)
    able = [way for way in m.ways if _can_be_cheapest(way, m.buying)]
    cheapest = min(able, key=lambda way: way.total_usd)
    return WaysTable(
        method=m.method,
        label=name_of(m.method),
        horizon=show_units.months(report.horizon_months),
        summary=_summary(report, m, chosen, cheapest),
        opened=result_folds.opened(report) == m.method,
        buying=_no_server(m) if m.buying is None else _buying(report, m.buying),
        ways=tuple(
            _way(
                report,
                way,
                chosen,
                cheapest=way in able and way.total_usd == cheapest.total_usd,
                today=today,
            )
            for way in m.ways
        ),
    )


def _summary(report: Report, m: MethodReport, chosen: WayReport | None, cheapest: WayReport) -> str:
    """What the chosen way costs, and the cheapest one where that is another."""

    def said(way: WayReport) -> str:
        label = way.label[0].lower() + way.label[1:]
        return f"{show_amounts.usd(way.total_usd, currency_of(report))} ({label})"

    if chosen is None:
        return f"cheapest {said(cheapest)}"
    if len(m.ways) == 1:
        return said(chosen)
    if chosen.total_usd == cheapest.total_usd:
        return f"{said(chosen)}, the cheapest way"
    return f"{said(chosen)}; the cheapest way is {said(cheapest)}"


def _can_be_cheapest(way: WayReport, buying: BuyingReport | None) -> bool:
    """Owned servers cannot where the programme alone uses them too little: their share of the cost
    then rests on other work, which renting does not ask for.
    """
    if way.key != OWN or buying is None:
        return way.key != OWN
    needed = [buying.break_even_fraction]
    if buying.chosen_label:
        needed.append(buying.chosen_break_even_fraction)
    return all(use is not None and buying.programme_fraction >= use for use in needed)


def _way(
    report: Report, way: WayReport, chosen: WayReport | None, *, cheapest: bool, today: date
) -> WayView:
    currency = currency_of(report)
    # To the day of the reader: prices age on a saved page too.
    known = bool(way.price_valid_from)
    age = (today - date.fromisoformat(way.price_valid_from)).days if known else 0
    level, written = show_dates.price_date(way.price_valid_from, age)
    idle = idle_share = ""
    if way.paid_gpu_hours and way.gpu_hours is not None:
        hours = max(0.0, way.paid_gpu_hours - way.gpu_hours)
        idle = show_numbers.number(hours)
        idle_share = show_numbers.percent(hours / way.paid_gpu_hours) if round(hours) else ""
    rows, exact_total = result_costs.lines(report, way.lines)
    tags = [tag for tag, given in (("chosen", way.chosen), ("cheapest", cheapest)) if given]
    return WayView(
        label=way.label,
        what=": ".join(part for part in (way.seller, way.what) if part),
        note=way.note,
        tags=tuple(tags),
        total=show_amounts.usd(way.total_usd, currency),
        against=""
        if chosen is None or way is chosen
        else show_amounts.usd(way.total_usd - chosen.total_usd, currency, plus=True),
        upfront=show_amounts.usd(way.upfront_usd, currency),
        per_gpu_hour=show_amounts.usd(way.usd_per_gpu_hour, currency, cents=True),
        hours_per_run=show_units.hours(way.hours_per_run),
        used=show_numbers.number(way.gpu_hours),
        idle=idle or show_numbers.NONE,
        idle_share=idle_share,
        price_level=level,
        price_date=written,
        price_source=result_sources.mark(report, way.source_key),
        rows=rows,
        exact_total=exact_total,
    )


def _no_server(m: MethodReport) -> tuple[str, ...]:
    """That nothing can be said of owning, and what would change it."""
    if m.plan is None:
        return ()
    price = CONSTANTS["server_usd_per_gpu"].label
    return (
        f"No price of a server with {m.plan.accelerator_name} is known; enter one among the "
        f"assumptions ({price}).",
    )


def _buying(report: Report, found: BuyingReport) -> tuple[str, ...]:
    """From which use on owning is cheaper, and what that compares."""
    currency = currency_of(report)

    def price(value: float) -> str:
        return show_amounts.usd(value, currency, cents=True)

    servers = show_words.plural(found.servers, "server")
    busy = "it is" if found.servers == 1 else "they are"
    alone = f"this programme alone keeps {'it' if found.servers == 1 else 'them'} busy " + (
        show_numbers.percent(found.programme_fraction)
    )
    if found.break_even_fraction is None:
        first = (
            f"Buying {servers} never beats renting: even in use all the time, an owned GPU-hour "
            f"costs {price(found.usd_per_gpu_hour_at_full_use)}; {alone} of the time."
        )
    else:
        first = (
            f"Buying {servers} beats renting once {busy} busy more than "
            f"{show_numbers.percent(found.break_even_fraction)} of the time; {alone}."
        )
    beside = () if not found.chosen_label else (_against_the_chosen(report, found),)
    return (
        first,
        *beside,
        f"Compared: {found.servers} × {found.server} ({show_words.plural(found.gpus, 'GPU')} "
        f"together), {show_amounts.usd(found.total_usd, currency)} over "
        f"{show_units.months(report.horizon_months)} less what "
        f"{'it is' if found.servers == 1 else 'they are'} worth at the end, or "
        f"{price(found.usd_per_gpu_hour_at_full_use)} per GPU-hour in use all the time, against "
        f"{price(found.rent_usd_per_gpu_hour)} for renting ({found.rent_label}). Below, servers "
        "“for this alone” charge this programme all of that, and shared ones its part in a "
        f"company that uses them {show_numbers.percent(found.utilisation_fraction)} of the time.",
    )


def _against_the_chosen(report: Report, found: BuyingReport) -> str:
    """The same comparison with the way that the plan is paid for."""
    price = show_amounts.usd(found.chosen_usd_per_gpu_hour, currency_of(report), cents=True)
    paid = f"Against {price} for each GPU-hour used as the plan is paid for ({found.chosen_label})"
    if found.chosen_break_even_fraction is None:
        return f"{paid}, buying never wins."
    return (
        f"{paid}, buying wins above {show_numbers.percent(found.chosen_break_even_fraction)} of "
        "the time."
    )
