"""What each change moved, as it is read: words, drawing and numbers say the same."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from app.estimator.bridge import Stage, bridges
from app.estimator.report import CurrencyReport, Report
from app.inputs import ScenarioInput
from app.services.bridge_inputs import Change
from app.services.bridges import Bridge, BridgeStep
from app.web import waterfalls
from app.web.bridge_view import BridgeView
from app.web.charts import text_width
from app.web.comparisons import Side
from app.web.figure_waterfall import Level, ticks, waterfall, wrapped
from tests.web.markup import Document

MORE = BridgeStep("answers_per_month", "Answers a month", changes=(
    Change("answers_per_month", "Answers a month", 100_000.0, 130_000.0),
))  # fmt: skip
DEARER = BridgeStep("engineer_week_usd", "Cost of an engineer-week", changes=(
    Change("engineer_week_usd", "Cost of an engineer-week", 3_500.0, 4_000.0),
))  # fmt: skip
SINCE = BridgeStep("prices", "Prices of GPUs, and their age", "2026-05-03")


def stages(*levels: float | None, method: str = "lora") -> list[Stage]:
    return [Stage({}) if usd is None else Stage({method: usd}, method) for usd in levels]


def side(report: Report, heading: str = "First", **inputs: object) -> Side:
    scenario = ScenarioInput.model_validate(inputs)
    return Side(heading, scenario, report, "/result", "today", pinned=False)


def view(
    report: Report,
    steps: Sequence[BridgeStep],
    made: Sequence[Stage],
    alone: Sequence[Stage | None] = (),
    method: str = "lora",
    left_out: tuple[str, ...] = (),
) -> BridgeView:
    found = waterfalls.view(
        Bridge(tuple(steps), bridges(made, alone), left_out),
        side(report),
        side(report, "Second", answers_per_month=130_000, engineer_week_usd=4_000),
        method,
        lambda key: f"/compare?bridge={key}",
    )
    assert found is not None
    return found


def test_the_sentence_names_the_largest_change_first(report: Report) -> None:
    found = view(report, [DEARER, MORE], stages(100_000.4, 97_300.4, 112_300.4))
    assert found.sentence == (
        "The net present value of LoRA rises by US$12,300, to US$112,300: “Answers a month” "
        "(130,000 instead of 100,000) adds US$15,000 and “Cost of an engineer-week” (US$4,000 "
        "instead of US$3,500) takes US$2,700."
    )
    assert [(row.label, row.change, row.after) for row in found.rows] == [
        ("Cost of an engineer-week", "−US$2,700", "US$97,300"),
        ("Answers a month", "+US$15,000", "US$112,300"),
    ]
    assert (found.from_value, found.total, found.to_value) == (
        "US$100,000", "+US$12,300", "US$112,300",
    )  # fmt: skip
    assert found.notes == (waterfalls.ORDER,)


def test_huge_amounts_are_in_thousands_and_more(report: Report) -> None:
    found = view(report, [MORE, DEARER], stages(1.2345674e15, 1.2e15, 2.5e15))
    assert (found.from_value, found.total, found.to_value) == (
        "US$1,234,567\u00a0bn", "+US$1,265,433\u00a0bn", "US$2,500,000\u00a0bn",
    )  # fmt: skip
    assert [row.change for row in found.rows] == [
        "−US$34,567\u00a0bn", "+US$1,300,000\u00a0bn",
    ]  # fmt: skip


def test_more_changes_than_a_sentence_holds_are_summed_up(report: Report) -> None:
    many = [dataclasses.replace(MORE, label=f"Change {i}", changes=()) for i in range(6)]
    found = view(report, many, stages(0.0, 5_000, 9_000, 12_000, 14_000, 13_000, 13_000))
    assert found.sentence.endswith(
        "“Change 0” adds US$5,000, “Change 1” adds US$4,000, “Change 2” adds US$3,000 and the "
        "other 2 changes together add US$1,000."
    )
    assert found.rows[5].change == "no change"
    assert "Not in the chart, as it moves nothing: Change 5." in found.notes
    assert found.figure is not None
    assert len(found.figure.wide.rows) == 7


def test_what_cancels_out_and_what_moves_nothing_is_said(report: Report) -> None:
    many = [dataclasses.replace(MORE, label=f"Change {i}", changes=()) for i in range(5)]
    found = view(report, many, stages(0.0, 5_000, 9_000, 12_000, 12_100, 12_000))
    assert found.sentence.endswith("and the other 2 changes together cancel out.")
    still = view(report, [MORE], stages(5_000.1, 5_000.2))
    assert still.sentence == (
        "The net present value of LoRA stays at US$5,000: none of the changes moves it."
    )
    assert still.figure is None
    back = view(report, [MORE, DEARER], stages(5_000, 6_000, 5_000))
    assert back.sentence.startswith("The net present value of LoRA stays at US$5,000: “")


@settings(max_examples=60)
@given(
    levels=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=8),
    rate=st.sampled_from([1.0, 0.9, 154.06]),
)
def test_the_amounts_shown_add_up_as_shown(
    report: Report, levels: list[float], rate: float
) -> None:
    yen = dataclasses.replace(report, currency=CurrencyReport("JPY", 0, rate, "2026-10-30", "ecb"))
    found = view(yen, [MORE] * (len(levels) - 1), stages(*levels))

    def read(text: str) -> int:
        if text == "no change":
            return 0
        return int(re.sub(r"[^\d−]", "", text).replace("−", "-"))

    at = read(found.from_value)
    for row in found.rows:
        at += read(row.change)
        assert at == read(row.after)
    assert at == read(found.to_value)
    assert read(found.to_value) - read(found.from_value) == read(found.total)


def test_what_each_does_alone_is_told_where_it_is_known(report: Report) -> None:
    made = stages(100_000, 97_000, 120_000)
    found = view(report, [DEARER, MORE], made, [made[1], Stage({"lora": 121_000.0}, "lora")])
    assert found.has_alone
    assert [row.alone for row in found.rows] == ["−US$3,000", "+US$21,000"]
    assert not view(report, [DEARER, MORE], made).has_alone


def test_changes_that_can_only_be_counted_together_are_said_to_be(report: Report) -> None:
    found = view(report, [SINCE, MORE, DEARER], stages(1_000, 2_000, None, 4_000))
    assert [row.label for row in found.rows] == [
        "Prices of GPUs, and their age, since 3 May 2026",
        "Answers a month and Cost of an engineer-week, together",
    ]
    assert any(note.startswith("“Answers a month”: with those changes") for note in found.notes)
    assert [i.label for i in found.rows[1].inputs] == [
        "Answers a month",
        "Cost of an engineer-week",
    ]


def test_the_choice_of_a_method_is_links(report: Report) -> None:
    made = [
        Stage({"full": 1_000.0, "lora": 2_000.0}, "lora"),
        Stage({"full": 5_000.0, "lora": 2_500.0}, "full"),
    ]
    found = view(report, [MORE], made, method="full", left_out=("qlora",))
    assert [(c.label, c.address, c.current) for c in found.choices] == [
        ("Whichever is recommended", "/compare?bridge=recommended", False),
        ("Full fine-tuning", "/compare?bridge=full", True),
        ("LoRA", "/compare?bridge=lora", False),
    ]
    assert found.notes[-1].endswith("only one of the two answers has it: QLoRA.")
    best = view(report, [MORE], made, method="recommended")
    assert best.sentence.startswith("The net present value of the recommended method rises by")
    assert any("turns from LoRA to full fine-tuning" in note for note in best.notes)
    # By default the method that the second answer leads with.
    assert report.verdict.choice == "lora"
    assert view(report, [MORE], made, method="1").heading.endswith(", LoRA")
    alone = view(report, [MORE], stages(1_000, 2_000))
    assert alone.choices == ()


def test_nothing_between_two_answers_is_no_waterfall(report: Report) -> None:
    empty = Bridge((), (), ())
    assert waterfalls.view(empty, side(report), side(report), "1", str) is None


NOISE = BridgeStep("draws", "Draws and seed", changes=(
    Change("draws", "Monte Carlo draws", 10_000, 20_000), Change("seed", "Seed", 1, 2),
))  # fmt: skip


def test_noise_of_the_simulation_is_no_change(report: Report) -> None:
    found = view(report, [MORE, NOISE], stages(100_000, 115_000, 135_000))
    assert found.sentence == (
        "The net present value of LoRA rises by US$35,000, to US$135,000: “Answers a month” "
        "(130,000 instead of 100,000) adds US$15,000. Other draws or another seed add US$20,000, "
        "which is noise of the simulation."
    )
    assert [row.label for row in found.rows] == [
        "Answers a month", "Draws and seed, noise of the simulation",
    ]  # fmt: skip
    alone = view(report, [NOISE], stages(100_000, 95_000)).sentence
    assert alone.endswith("that is noise of the simulation, from other draws or another seed.")
    together = view(report, [NOISE, MORE], stages(100_000, None, 120_000))
    assert "noise" not in together.sentence, "with another change it cannot be told apart"


def test_a_missing_column_is_explained(report: Report) -> None:
    found = waterfalls.view(
        Bridge((MORE, DEARER), bridges(stages(1_000, 2_000, 3_000)), ()),
        side(report), side(report), "1", str, without_alone=True,
    )  # fmt: skip
    assert found is not None
    assert waterfalls.NOT_ALONE in found.notes


def test_an_amount_that_was_entered_is_also_in_the_currency_of_the_page(report: Report) -> None:
    euro = dataclasses.replace(report, currency=CurrencyReport("EUR", 2, 0.9, "2026-10-30", "ecb"))
    found = view(euro, [DEARER], stages(100_000, 90_000))
    assert [(i.before, i.after) for row in found.rows for i in row.inputs] == [
        ("US$3,500 (€3,150)", "US$4,000 (€3,600)"),
    ]


def _amount(label: str) -> float:
    size, _, unit = label.replace("US$", "").replace("−", "-").replace(",", "").partition("\u00a0")
    return float(size) * {"": 1, "k": 1e3, "M": 1e6, "bn": 1e9, "tn": 1e12}[unit]


@settings(max_examples=100)
@given(
    level=st.floats(-1e9, 1e9),
    share=st.floats(1e-7, 2.0),
    narrow=st.booleans(),
)
def test_every_tick_says_where_it_is(
    report: Report, level: float, share: float, narrow: bool
) -> None:
    """Also where the change is small against the level."""
    found = view(report, [MORE], stages(level, level + abs(level) * share)).figure
    if found is None:
        return
    drawn = found.narrow if narrow else found.wide
    labels = [tick.label for tick in drawn.x_ticks]
    assert len(set(labels)) == len(labels)
    # What is read lies where it is drawn.
    at = [tick.at for tick in drawn.x_ticks]
    amounts = [_amount(label) for label in labels]
    for place in range(2, len(at)):
        slope = (amounts[place] - amounts[0]) / (at[place] - at[0])
        expected = amounts[0] + slope * (at[1] - at[0])
        assert amounts[1] == pytest.approx(expected, abs=0.02 * abs(amounts[1] - amounts[0]))


# ---------------------------------------------------------------------- the drawing

amounts = st.floats(-1e12, 1e12, allow_nan=False)


@settings(max_examples=60)
@given(st.lists(amounts, min_size=2, max_size=14), st.booleans())
def test_whatever_the_data_the_drawing_stays_inside_its_frame(
    values: list[float], narrow: bool
) -> None:
    levels = [Level("First", "lora", values[0], values[0], "US$1.23 M")]
    levels += [
        Level("A change of a name that goes on and on and on", "", a, b, "+US$1.23 M")
        for a, b in itertools.pairwise(values)
    ]
    levels.append(Level("Second", "full", values[-1], values[-1], "−US$1.23 M"))
    made = waterfall(levels, [(v, f"{v:.3g}") for v in ticks(levels, 4)], "Value", narrow=narrow)
    frame = made.frame
    for row in made.rows:
        assert frame.left - 0.1 <= row.x <= row.x + row.width <= frame.right + 2
        assert row.text_x + text_width(row.text, 12.5) <= frame.width
        assert 0 <= row.y <= row.y + row.height <= frame.bottom
        for line in row.label_lines:
            limit = frame.width if narrow else frame.left
            assert row.label_x + text_width(line.label, 13) <= limit
    # One after another: where a bar ends, the next one begins.
    bars = [row for row in made.rows if row.kind != "end"]
    for above, below in itertools.pairwise(bars):
        end = above.x + above.width if above.kind == "gain" else above.x
        start = below.x if below.kind == "gain" else below.x + below.width
        assert end == pytest.approx(start, abs=1.7)
    for a, b in zip(made.x_ticks, made.x_ticks[1:], strict=False):
        gap = (text_width(a.label, 12.5) + text_width(b.label, 12.5)) / 2
        assert b.at - a.at >= gap


def test_a_word_that_is_too_long_is_cut() -> None:
    [line] = wrapped("Donaudampfschifffahrtsgesellschaft", 80, 2)
    assert line.endswith("…")
    assert text_width(line, 13) <= 80


# ---------------------------------------------------------------------- the pages

LEFT = "%2Fresult%3Fmethods%3Dlora%26draws%3D1000%26serving%3Dnone"


def test_compare_shows_it_at_once_where_little_differs(reader: TestClient) -> None:
    answer = reader.get(f"/compare?left={LEFT}&right={LEFT}%26answers_per_month%3D200000")
    document = Document(answer.text)
    assert not document.mismatches
    assert "The net present value of LoRA rises by" in document.text
    assert document.all("svg", role="img")
    assert "Show it change by change" not in document.text


def test_compare_asks_first_where_much_differs(reader: TestClient) -> None:
    many = "%26".join(
        f"{name}%3D{value}"
        for name, value in {
            "epochs": 2, "lora_rank": 8, "engineer_week_usd": 4000, "answers_per_month": 120000,
            "horizon_months": 24, "experiments": 4,
        }.items()
    )  # fmt: skip
    address = f"/compare?left={LEFT}&right={LEFT}%26{many}"
    text = reader.get(address).text
    [link] = re.findall(r'href="([^"]+)" rel="nofollow">Show it change', text)
    asked = reader.get(link.replace("&amp;", "&"))
    assert asked.status_code == 200
    document = Document(asked.text)
    assert "Show it change by change" not in document.text
    assert "What each change moved, LoRA" in document.text
    assert "Alone: what the change would do" in document.text


def test_what_would_take_too_long_is_said_on_the_page(reader: TestClient) -> None:
    long = LEFT.replace("1000", "100000") + "%26horizon_months%3D120"
    many = "%26".join(
        f"{name}%3D{value}"
        for name, value in {
            "epochs": 2, "lora_rank": 8, "max_gpus": 16, "experiments": 4, "test_set_size": 900,
            "engineer_week_usd": 4000, "answers_per_month": 120000,
        }.items()
    )  # fmt: skip
    answer = reader.get(f"/compare?left={long}&right={long}%26{many}&bridge=1")
    assert answer.status_code == 200
    document = Document(answer.text)
    assert not document.mismatches
    assert "The estimates between the two take too long at this many draws" in document.text
    assert "What each change moved" not in document.text


def test_what_each_does_alone_can_be_asked_for(reader: TestClient) -> None:
    text = reader.get(
        f"/compare?left={LEFT}&right={LEFT}%26epochs%3D2%26lora_rank%3D8%26experiments%3D4"
    ).text
    assert waterfalls.NOT_ALONE in text
    [link] = re.findall(r'href="([^"]+)" rel="nofollow">Look at each change alone', text)
    asked = reader.get(link.replace("&amp;", "&")).text
    assert "Alone: what the change would do" in asked
    assert waterfalls.NOT_ALONE not in asked


def test_no_crawler_is_led_to_a_waterfall(reader: TestClient) -> None:
    both = f"{LEFT}%26methods%3Dfull"
    text = reader.get(f"/compare?left={both}&right={both}%26lora_rank%3D8").text
    links = re.findall(r"<a [^>]*bridge=[^>]*>", text)
    assert links
    assert all('rel="nofollow"' in link for link in links)


def test_equal_scenarios_have_none(reader: TestClient) -> None:
    text = reader.get(f"/compare?left={LEFT}&right={LEFT}").text
    assert "change by change" not in text
    assert "moved the net present value" not in text
