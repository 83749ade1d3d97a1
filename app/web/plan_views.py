"""The plans page in texts: the frontier, what became of all plans, and how to launch the chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from app.estimator.currency import Currency
from app.estimator.hardware import Offer
from app.estimator.report import Report
from app.estimator.report_plans import FrontierPoint
from app.estimator.wording import sentence_start
from app.exports.plans import MethodPlans, plans_report
from app.exports.recipe import Recipe, Setting
from app.services.plans import FilterChoices, Filters
from app.web import (
    result_currency,
    result_plans,
    show_amounts,
    show_dates,
    show_numbers,
    show_units,
    show_words,
)
from app.web.figure_frontier import FrontierDrawing, frontier, said, where
from app.web.figures import Figure, currency_of, name_of
from app.web.forms import Option
from app.web.result_model import software_line
from app.web.result_parts import CurrencyLine

_ROLES = ("cheapest", "fastest")


@dataclass(frozen=True, slots=True)
class FilterSelect:
    """One list of the filter."""

    name: str
    label: str
    error: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class FrontierRow:
    """One plan of the frontier."""

    gpus: str
    where: str
    layout: str
    batch: str
    hours: str
    cost: str
    price_level: str
    price_date: str
    risk: str
    tags: tuple[str, ...]
    bought: str
    """how it is bought where that is not on demand at a firm price list"""


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a recipe."""

    name: str
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of the estimate, and where the recipe says it."""

    name: str
    value: str
    where: str
    note: str


@dataclass(frozen=True, slots=True)
class RecipeView:
    """How to launch the chosen plan.

    Parameters
    ----------
    groups : settings that are in a file, that need nothing, and that the software cannot do.
    """

    files: tuple[FileView, ...]
    groups: tuple[tuple[str, tuple[SettingRow, ...]], ...]
    missing: str


@dataclass(frozen=True, slots=True)
class MethodPlansView:
    """The plans of one method."""

    method: str
    label: str
    headline: str
    figures: str
    price_level: str
    price_words: str
    counts: str
    reasons: tuple[str, ...]
    rows: tuple[FrontierRow, ...]
    recipe: RecipeView | None
    recipe_refused: str


@dataclass(frozen=True, slots=True)
class PlansView:
    """Everything on the plans page below its filter."""

    sentence: str
    software_line: str
    currency: CurrencyLine | None
    figure: Figure[FrontierDrawing] | None
    methods: tuple[MethodPlansView, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page says beside a report.

    Parameters
    ----------
    offers : that were planned on, by their key.
    today : day to which the age of prices is counted.
    unfitted, currency_names : see `results.view`.
    """

    offers: Mapping[str, Offer]
    today: date
    unfitted: Mapping[str, str]
    currency_names: Mapping[str, str]


def selects(
    choices: FilterChoices, filters: Filters, errors: dict[str, str]
) -> tuple[FilterSelect, ...]:
    """The lists of the filter; what was chosen stays visible, even where it is not among them."""
    made = []
    regions = tuple((value, show_words.region(value)) for value, _ in choices.regions)
    bought = tuple((value, sentence_start(text)) for value, text in choices.options)
    for name, label, every, chosen, known in (
        ("provider", "Provider", "All providers", filters.provider, choices.providers),
        ("region", "Region", "Any", filters.region, regions),
        ("gpu", "GPU", "All GPUs", filters.gpu, choices.gpus),
        ("option", "Bought", "Any way", filters.option, bought),
    ):
        values = [("", every), *known]
        if chosen and chosen not in dict(known):
            values.append((chosen, chosen))
        options = tuple(Option(value, text, value == chosen) for value, text in values)
        made.append(FilterSelect(name, label, errors.get(name, ""), options))
    return tuple(made)


def scope(choices: FilterChoices, filters: Filters) -> str:
    """Which offers are planned on, in words; empty where all are.

    Examples
    --------
    >>> scope(FilterChoices((("aws", "Amazon"),), (), (), ()), Filters("aws", "", "H100"))
    'Only offers of Amazon with H100.'
    """
    parts = [
        f"{word} {dict(names).get(value, value)}"
        for word, value, names in (
            ("of", filters.provider, choices.providers),
            ("in", filters.region, tuple((r, show_words.region(r)) for r, _ in choices.regions)),
            ("with", filters.gpu, choices.gpus),
            ("bought", filters.option, choices.options),
        )
        if value
    ]
    return f"Only offers {' '.join(parts)}." if parts else ""


def view(report: Report, tables: tuple[str, ...], query: str, facts: Facts) -> PlansView:
    """The plans of a report.

    Parameters
    ----------
    tables : that are trained beside adapters.
    query : of the page, for the addresses of files.
    """
    figure = frontier(report)
    plans = plans_report(report, tables)
    return PlansView(
        sentence=_sentence(report),
        software_line=software_line(report, facts.unfitted),
        currency=result_currency.line(report, facts.currency_names),
        figure=figure,
        methods=tuple(
            _method(m, currency_of(report), facts, result_plans.counts(reported), query)
            for m, reported in zip(plans.methods, report.methods, strict=True)
        ),
    )


def _sentence(report: Report) -> str:
    """The cheapest and the fastest run of all methods."""
    points = [(m.method, point) for m in report.methods for point in m.frontier]
    if not points:
        return "Nothing fits."
    currency = currency_of(report)
    cheapest, least = min(points, key=lambda found: found[1].usd)
    fastest, shortest = min(points, key=lambda found: found[1].hours)
    low, high = (show_amounts.usd(point.usd, currency) for point in (least, shortest))
    return (
        f"The cheapest run costs {low} and takes {show_units.hours(least.hours)} "
        f"({name_of(cheapest)}, {said(least)}); the fastest takes "
        f"{show_units.hours(shortest.hours)} and costs {high} ({name_of(fastest)}, "
        f"{said(shortest)})."
    )


def _method(
    m: MethodPlans, currency: Currency, facts: Facts, counts: str, query: str
) -> MethodPlansView:
    plan = m.plan
    figures, price = "", ("fresh", "")
    if plan is not None:
        age = (facts.today - date.fromisoformat(plan.price_valid_from)).days
        price = show_dates.price_age(plan.price_valid_from, age)
        figures = (
            f"{show_units.hours(plan.hours)} a run ({show_units.span(plan.hours_range, 'hours')}), "
            f"{show_amounts.usd(plan.usd, currency, cents=True)}; "
            f"{show_units.gib(plan.memory_bytes)} of {show_units.gib(plan.memory_capacity_bytes)} "
            f"on each GPU; {result_plans.layout(plan)}; {result_plans.batch(plan)}."
        )
    return MethodPlansView(
        method=m.method,
        label=name_of(m.method),
        headline=result_plans.headline(plan) if plan else "",
        figures=figures,
        price_level=price[0],
        price_words=price[1],
        counts=counts,
        reasons=m.reasons,
        rows=tuple(_rows(m, currency, facts)),
        recipe=None if m.recipe is None else _recipe(m.method, m.recipe, query),
        recipe_refused=m.recipe_refused,
    )


def _rows(m: MethodPlans, currency: Currency, facts: Facts) -> Iterator[FrontierRow]:
    last = len(m.frontier) - 1
    for at, point in enumerate(m.frontier):
        offer = facts.offers[point.offer_key]
        age = (facts.today - offer.valid_from).days
        level, written = show_dates.price_date(offer.valid_from.isoformat(), age)
        yield FrontierRow(
            gpus=where(point),
            where=f"{point.provider_name}, {point.instance}, {show_words.region(point.region)}",
            layout=point.layout,
            batch=f"micro-batch {point.micro_batch}, checkpointing {point.checkpointing}",
            hours=show_units.hours(point.hours),
            cost=show_amounts.usd(point.usd, currency),
            price_level=level,
            price_date=written,
            risk=show_numbers.percent(point.probability_out_of_memory),
            tags=tuple(_tags(m, point, at, last)),
            bought=result_plans.option_tag(point.purchase_option, point.tier),
        )


def _tags(m: MethodPlans, point: FrontierPoint, at: int, last: int) -> list[str]:
    tags = [role for role, place in zip(_ROLES, (0, last), strict=True) if at == place]
    plan = m.plan
    if plan is not None and (plan.offer_key, plan.gpus, plan.hours, plan.usd) == (
        point.offer_key, point.gpus, point.hours, point.usd,
    ):  # fmt: skip
        tags.insert(0, "chosen")
    return tags


def _recipe(method: str, recipe: Recipe, query: str) -> RecipeView:
    files = tuple(
        FileView(file.name, file.text, f"/plans/files/{method}/{quote(file.name, safe='')}{query}")
        for file in recipe.files
    )
    groups = (
        ("Set in a file", "set"),
        ("Nothing to set", "implied"),
        ("Assumed, but this software cannot do it", "missing"),
    )
    listed = tuple((title, _settings(recipe.settings, kind)) for title, kind in groups)
    missing = [s.field.replace("_", " ") for s in recipe.settings if s.kind == "missing"]
    return RecipeView(
        files=files,
        groups=tuple((title, rows) for title, rows in listed if rows),
        missing=show_words.join_words(missing),
    )


def _settings(settings: Sequence[Setting], kind: str) -> tuple[SettingRow, ...]:
    return tuple(
        SettingRow(
            name=s.field.replace("_", " "),
            value=s.value,
            where=f"{s.file}: {s.option}" if s.kind == "set" else "",
            note=s.note,
        )
        for s in settings
        if s.kind == kind
    )
