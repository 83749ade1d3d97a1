"""Software, memory, bill and layout of a result in words."""

from __future__ import annotations

import dataclasses
import json

import pytest

from app.catalog.catalog import Catalog
from app.estimator.report import Report
from app.estimator.report_plans import BillEntry, PlanReport
from app.inputs import ScenarioInput
from app.services.estimates import estimate
from app.services.report_schemas import read_report
from app.services.scenarios import report_to_json
from app.web import result_bill, result_plans, results
from app.web.figure_frontier import frontier
from tests.services.test_scenarios import SAVED
from tests.web.conftest import TODAY


def _first_plan(report: Report) -> PlanReport:
    plan = report.methods[0].plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    ("time", "memory", "said"),
    [
        (True, True, "calibrated on published runs."),
        (True, False, "memory not: its ranges are wider."),
        (False, True, "times not: their ranges are wider."),
        (False, False, "not calibrated on any published run: ranges are wider."),
    ],
)
def test_the_software_says_how_sure_it_is(
    report: Report, time: bool, memory: bool, said: str
) -> None:
    software = dataclasses.replace(report.software, time_calibrated=time, memory_calibrated=memory)
    line = results.view(dataclasses.replace(report, software=software)).software_line
    assert line.startswith("Training software: Hugging Face")
    assert line.endswith(said)


def test_fp32_adapters_have_a_note(catalog: Catalog) -> None:
    scenario = ScenarioInput(adapter_dtype="fp32", methods=("full", "lora"))
    view = results.view(estimate(scenario, catalog, TODAY))
    assert any("more activation memory than full fine-tuning" in note for note in view.notes)
    plain = scenario.model_copy(update={"methods": ("full",)})
    view = results.view(estimate(plain, catalog, TODAY))
    assert not any("fp32 copy" in note for note in view.notes)


def test_hours_are_said_to_be_of_a_run_or_of_the_programme(report: Report) -> None:
    view = results.view(report)
    rows = {row.label: row for row in view.rows}
    assert rows["One training run"].cells[0].note.endswith("GPU-hours")
    assert rows["GPU time of the programme, 36 months"].cells[0].note == "GPU-hours of all runs"
    labels = [detail.label for detail in view.plans[0].details]
    assert "One run" in labels
    assert "Whole programme" in labels
    assert "How sure" in labels
    assert [part.label for part in view.plans[0].time_parts][-1] == "Launches, idle stages, trainer"


def test_a_mixture_of_experts_says_what_a_token_meets(catalog: Catalog) -> None:
    scenario = ScenarioInput(model="mistralai/Mixtral-8x7B-v0.1", methods=("qlora",))
    view = results.view(estimate(scenario, catalog, TODAY))
    (active,) = [d.value for d in view.model if d.label == "Active parameters"]
    assert "12.9 billion" in active


def test_padding_and_cuts_are_said(catalog: Catalog) -> None:
    scenario = ScenarioInput(
        packing="padded-to-max", longest_example_tokens=2_000, methods=("lora",)
    )
    details = {d.label: d.value for d in results.view(estimate(scenario, catalog, TODAY)).model}
    assert details["How examples become sequences"] == "padded to the sequence length"
    assert not details["Padding and cuts"].startswith("0%")
    assert details["Evaluation during a run"].endswith("tokens")


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"gpus": 1}, "one GPU"),
        ({"gpus": 8, "data_parallel": 8}, "data 8; FSDP"),
        (
            {"gpus": 16, "data_parallel": 2, "tensor_parallel": 2, "pipeline_parallel": 4},
            "data 2 × tensor 2 × pipeline 4; FSDP",
        ),
        (
            {"gpus": 8, "data_parallel": 1, "tensor_parallel": 4, "context_parallel": 2},
            "tensor 4 × context 2: one replica over all GPUs",
        ),
        ({"gpus": 8, "data_parallel": 8, "expert_parallel": 4}, "data 8; FSDP; experts over"),
    ],
)
def test_a_layout_in_words(report: Report, sizes: dict[str, int], said: str) -> None:
    alone = dict.fromkeys(
        (f"{what}_parallel" for what in ("data", "tensor", "pipeline", "context", "expert")), 1
    )
    plan = dataclasses.replace(
        _first_plan(report), strategy="fsdp", strategy_label="FSDP", **{**alone, **sizes}
    )
    assert result_plans.layout(plan).startswith(said)


def test_the_bill_stands_side_by_side(report: Report) -> None:
    bill = results.view(report).bill
    assert bill is not None
    assert bill.groups[0].label == "Machines"
    assert {group.key for group in bill.groups} <= result_bill.GROUPS.keys()
    lines = [entry.key for entry in report.methods[0].infrastructure]
    shown = sum(len(group.rows) for group in bill.groups)
    assert shown >= len(lines)
    for group in bill.groups:
        for row in group.rows:
            assert len(row.cells) == len(bill.methods) == 3
            assert not (row.note and any(cell.note for cell in row.cells))


def test_a_line_that_one_method_lacks_is_a_dash(report: Report) -> None:
    first, *others = report.methods
    extra = BillEntry("skills.own", "Own skill", 1.0, "skill", "Only here.", "assumption")
    changed = dataclasses.replace(
        report,
        methods=(
            dataclasses.replace(first, infrastructure=(*first.infrastructure, extra)),
            *others,
        ),
    )
    bill = results.view(changed).bill
    assert bill is not None
    (row,) = [row for group in bill.groups for row in group.rows if row.label == "Own skill"]
    assert [cell.value for cell in row.cells] == ["needed", "—", "—"]


def test_a_report_of_the_first_schema_says_only_what_it_knows() -> None:
    report = read_report(json.dumps(SAVED["report_json"]))
    view = results.view(report)
    assert view.software_line == ""
    assert view.software == ()
    assert view.bill is None
    assert frontier(report) is None
    labels = {detail.label for detail in (*view.model, *view.plans[0].details)}
    assert not labels & {"How sure", "Padding and cuts", "Allocated, reserved"}
    assert len(view.plans[0].time_parts) == 5
    rows = {row.label: row for row in view.rows}
    assert rows["Memory per GPU"].cells[0].range == ""
    assert rows["Chance of running out of memory"].cells[0].value == "—"
    assert read_report(report_to_json(report)) == report


def test_the_frontier_is_drawn_inside_its_frame(report: Report) -> None:
    figure = frontier(report)
    assert figure is not None
    for drawing in (figure.wide, figure.narrow):
        frame = drawing.frame
        assert [s.method for s in drawing.series] == ["full", "lora", "qlora"]
        for s in drawing.series:
            assert s.chosen_x is not None
            assert s.chosen_y is not None
            assert frame.left <= s.chosen_x <= frame.right
            assert frame.top <= s.chosen_y <= frame.bottom
    assert len(figure.table.rows) == sum(len(m.frontier) for m in report.methods)


def test_one_plan_is_the_cheapest_and_the_fastest(report: Report) -> None:
    lone = dataclasses.replace(report.methods[0], frontier=report.methods[0].frontier[:1])
    figure = frontier(dataclasses.replace(report, methods=(lone,)))
    assert figure is not None
    assert "the cheapest and the fastest at once" in figure.conclusion
    assert figure.wide.series[0].line == ""
