"""Serving in words, as a table and as a chart."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from jinja2 import Environment

from app.estimator.report import CurrencyReport, Report
from app.estimator.report_serving import MethodServing, ServingReport, ServingWay, VariantsPoint
from app.estimator.report_values import Distribution
from app.settings import Settings
from app.web import result_serving
from app.web.figure_serving import by_variants
from app.web.figures import currency_of
from app.web.static import StaticFiles
from app.web.templating import environment
from tests.web.conftest import TODAY


def way(key: str, label: str, month: float, **changes: object) -> ServingWay:
    made = ServingWay(
        key=key, label=label, models=1, replicas=2, gpus=2, instances=2, offer_key="lambda.x",
        provider_name="Lambda", instance="gpu_1x_h100", region="us-east-1",
        accelerator_name="H100 SXM", gpus_per_replica=1, usd_per_instance_hour=2.5,
        price_valid_from="2026-11-09", price_age_days=14, price_source_key="assumption",
        utilisation_fraction=0.31, usd_per_month=month,
        usd_per_month_range=Distribution(month, month - 500, month, month + 900),
        usd_per_million_tokens=0.4321, usd_per_answer=0.00056, ms_per_token=24.72,
        seconds_per_answer=7.446,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


SERVING = ServingReport(
    answers_per_month=1_000_000, prompt_tokens=1000, completion_tokens=300, peak_factor=3.0,
    variants=12,
    ways=(
        way("base", "Base model, untuned", 3_000.0, region="all"),
        way("merged", "Dedicated model for each variant", 21_000.0, models=12, replicas=12,
            price_valid_from="2026-01-02"),
        way("unmerged", "Adapters on one base", 4_000.0,
            usd_per_month_range=Distribution(4_000, 4_000, 4_000, 4_000)),
    ),
    methods=(
        MethodServing("full", "merged", 18_000.0, 0.0),
        MethodServing("lora", "unmerged", 1_000.0, 1.84),
    ),
    break_even_variants=3,
    by_variants=tuple(VariantsPoint(v, 1_750.0 * max(v, 2), 4_000.0) for v in range(1, 25)),
    adapter_throughput_loss_fraction=0.25, reason="",
)  # fmt: skip


def with_serving(report: Report, **changes: object) -> Report:
    return dataclasses.replace(report, serving=dataclasses.replace(SERVING, **changes))  # type: ignore[arg-type]


def shown(report: Report, **changes: object) -> result_serving.ServingView:
    found = result_serving.view(with_serving(report, **changes), TODAY)
    assert found is not None
    return found


def test_the_sentences_say_the_break_even_and_what_each_method_adds(report: Report) -> None:
    view = shown(report)
    assert view.lead == (
        "1,000,000 answers a month, the mean over the horizon, of 1,000 prompt and 300 answer "
        "tokens, shared by 12 variants; "
        "the busiest hour takes 3 times the mean."
    )
    assert view.sentences == (
        "From 3 variants on, adapters on one base always cost less than a dedicated model for "
        "each; below that the 25% of throughput that they lose can outweigh what they share. Here, "
        "with 12, dedicated models cost US$21,000 a month and adapters US$4,000.",
        "Full fine-tuning is served as a dedicated model for each variant, for US$18,000 a month "
        "beyond the base model.",
        "LoRA is served as adapters on one base, for US$1,000 a month beyond the base model; an "
        "answer takes 1.8 s longer.",
    )


def test_a_break_even_that_is_never_reached(report: Report) -> None:
    assert shown(report, break_even_variants=None).sentences[0] == (
        "Dedicated models cost no more than adapters on one base at any number of variants that "
        "was tried: adapters that are not merged lose 25% of the throughput."
    )


def test_one_variant_is_served_as_the_base_is(report: Report) -> None:
    methods = (MethodServing("full", "merged", 0.0, 0.0),)
    view = shown(report, variants=1, methods=methods)
    assert "300 answer tokens, of one tuned model; the busiest hour" in view.lead
    assert view.sentences[0].endswith(
        "with 1, a dedicated model costs US$21,000 a month and an adapter kept apart US$4,000."
    )
    assert view.sentences[1] == (
        "Full fine-tuning is served merged, as the base model is, at no more than the base model "
        "costs."
    )


def test_the_ways_stand_side_by_side(report: Report) -> None:
    base, merged, unmerged = shown(report).ways
    assert (base.tags, merged.tags, unmerged.tags) == ((), ("used",), ("used", "cheapest"))
    assert (merged.month, merged.month_range) == ("US$21,000", "US$20,500 to US$21,900")
    assert unmerged.month_range == ""
    assert base.what == "Lambda: 2 × gpu_1x_h100"
    assert merged.note == (
        "12 models, 12 replicas of 1 GPU; used 31% of what they can give in the mean"
    )
    assert (base.gpus, base.ms_per_token, base.seconds) == (
        "2 × H100 SXM", "24.7\u00a0ms", "7.45\u00a0s",
    )  # fmt: skip
    assert (base.per_million, base.per_thousand) == ("US$0.43", "US$0.56")
    assert [(w.price_level, w.price_date) for w in (base, merged)] == [
        ("fresh", "9 November 2026"), ("stale", "2 January 2026, very old"),
    ]  # fmt: skip


def test_amounts_are_in_the_currency_of_the_report(report: Report) -> None:
    euro = CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb")
    view = result_serving.view(dataclasses.replace(with_serving(report), currency=euro), TODAY)
    assert view is not None
    assert view.ways[0].month == "€2,700"
    assert "€900 a month" in view.sentences[2]
    assert view.chart is not None
    assert view.chart.table.rows[0] == ("1", "€3,150", "€3,600")


def test_what_is_not_served_says_why(report: Report) -> None:
    view = shown(report, ways=(), methods=(), by_variants=(), reason="No answers were entered.")
    assert (view.reason, view.ways, view.chart) == ("No answers were entered.", (), None)
    assert result_serving.view(dataclasses.replace(report, serving=None), TODAY) is None


def test_the_chart_marks_where_adapters_become_cheaper(report: Report) -> None:
    figure = by_variants(SERVING, currency_of(report))
    assert figure is not None
    assert figure.conclusion == (
        "Adapters on one base cost less than dedicated models from 3 variants on: with 24 variants "
        "dedicated models cost US$42,000 a month and adapters US$4,000."
    )
    for drawing in (figure.wide, figure.narrow):
        frame = drawing.frame
        assert [line.label for line in drawing.lines] == ["Dedicated", "Adapters"]
        assert drawing.crossing_x is not None
        assert frame.left < drawing.crossing_x < frame.right
        assert drawing.crossing_label == "cheaper from 3"
        for tick in drawing.x_ticks:
            assert frame.left <= tick.at <= frame.right
        for tick in drawing.y_ticks:
            assert frame.top <= tick.at <= frame.bottom
        low, high = sorted(line.label_y for line in drawing.lines)
        assert high - low >= 29.9
        assert drawing.lines[0].end_y < drawing.lines[1].end_y
    assert figure.wide.x_ticks[0].label == "1"
    assert len(figure.table.rows) == 24


def test_many_variants_are_on_a_logarithmic_scale(report: Report) -> None:
    points = tuple(VariantsPoint(v, 100.0 * v, 250.0) for v in (1, 10, 100, 1000))
    serving = dataclasses.replace(SERVING, by_variants=points, break_even_variants=None)
    figure = by_variants(serving, currency_of(report))
    assert figure is not None
    assert figure.caption.endswith("The scale of variants is logarithmic.")
    assert figure.conclusion.startswith("Adapters on one base never cost less")
    assert (figure.wide.crossing_x, figure.wide.crossing_label) == (None, "")
    ticks = [tick.at for tick in figure.wide.x_ticks]
    assert ticks == sorted(ticks)
    assert (
        by_variants(dataclasses.replace(SERVING, by_variants=points[:1]), currency_of(report))
        is None
    )


@pytest.fixture(scope="module")
def pages() -> Environment:
    settings = Settings()
    return environment(settings.templates_dir, StaticFiles.scan(settings.static_dir))


def test_the_section_is_drawn(report: Report, pages: Environment) -> None:
    answer = SimpleNamespace(view=SimpleNamespace(serving=shown(report)))
    html = pages.get_template("partials/_serving.html").render(answer=answer)
    assert html.count('<tr role="row"') == 4
    assert html.count('<svg class="chart') == 2
    assert "cheaper from 3" in html
    assert "80% range" in html


def test_the_section_of_nothing_served_is_a_sentence(report: Report, pages: Environment) -> None:
    view = shown(report, ways=(), methods=(), by_variants=(), reason="No answers were entered.")
    answer = SimpleNamespace(view=SimpleNamespace(serving=view))
    html = pages.get_template("partials/_serving.html").render(answer=answer)
    assert "No answers were entered." in html
    assert "<table" not in html


def test_without_room_for_adapters_dedicated_models_stand_alone(report: Report) -> None:
    view = shown(report, ways=SERVING.ways[:2], methods=SERVING.methods[:1])
    assert view.sentences[0].endswith("can outweigh what they share.")
    assert [way.tags for way in view.ways] == [(), ("used",)]


def test_a_way_that_is_dearer_to_rent_says_why(report: Report) -> None:
    """Adapters at US$4,000 a month, and LoRA served merged at US$21,000 all the same."""
    methods = (MethodServing("lora", "merged", 18_000.0, 0.0),)
    assert "The other way is cheaper to rent" in shown(report, methods=methods).sentences[1]
    cheaper = (MethodServing("lora", "unmerged", 1_000.0, 0.0),)
    assert "cheaper to rent" not in shown(report, methods=cheaper).sentences[1]
