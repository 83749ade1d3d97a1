"""Reports that earlier versions saved still open, and say no more than they did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.services.report_schemas import read_report

HERE = Path(__file__).parent
SAVED = json.loads((HERE / "saved_by_schema_2.json").read_text())
"""A row as version 0.1.0 of the estimator stored it: Llama 3.1 8B on up to 8 H100, capacity blocks
included.
"""


def test_a_report_of_schema_2_opens() -> None:
    stored = SAVED["report_json"]
    assert stored["schema"] == SAVED["report_schema"] == 2
    found = read_report(json.dumps(stored))
    assert found.schema == 2
    assert found.price_book == ""
    assert (found.currency.code, found.currency.per_usd) == ("USD", 1.0)
    assert found.verdict.headline == stored["verdict"]["headline"]
    for m, before in zip(found.methods, stored["methods"], strict=True):
        assert m.ways == ()
        assert m.buying is None
        assert m.total_usd == before["total_usd"]
        assert m.plan is not None
        assert (m.plan.hours, m.plan.usd) == (before["plan"]["hours"], before["plan"]["usd"])
        assert m.plan.wall_clock.interruptions_h == 0
        assert m.plan.energy is None
        assert m.plan.idle_fraction == 0
        assert m.plan.list_usd_per_instance_hour is None
        for point, was in zip(m.frontier, before["frontier"], strict=True):
            assert point.usd == was["usd"]
            assert was["offer_key"].endswith(point.purchase_option)


def test_capacity_blocks_are_told_by_their_key() -> None:
    stored = json.loads(json.dumps(SAVED["report_json"]))
    stored["methods"][0]["plan"]["offer_key"] = "aws.p5-48xlarge.us-east-1.capacity-block"
    stored["methods"][0]["frontier"][0]["offer_key"] = "aws.p5-48xlarge.us-east-1.capacity-block"
    found = read_report(json.dumps(stored)).methods[0]
    assert found.plan is not None
    assert found.plan.purchase_option == "capacity-block"
    assert (found.frontier[0].purchase_option, found.frontier[0].tier) == (
        "capacity-block",
        "capacity-block",
    )


def test_a_report_of_schema_3_opens() -> None:
    """Llama 3.1 8B on up to 8 H100, before there were pilots, arguments and serving."""
    saved = json.loads((HERE / "saved_by_schema_3.json").read_text())
    stored = saved["report_json"]
    assert stored["schema"] == saved["report_schema"] == 3
    found = read_report(json.dumps(stored))
    assert found.schema == 3
    assert (found.evidence, found.pilot, found.serving) == (None, None, None)
    assert found.arguments == ()
    assert found.verdict.choice == stored["verdict"]["choice"] == "undecided"
    assert found.verdict.headline == stored["verdict"]["headline"]
    assert (found.verdict.probability, found.verdict.pilot_usd) == (None, None)
    assert (found.verdict.numbers, found.verdict.turns) == ((), ())
    for m, before in zip(found.methods, stored["methods"], strict=True):
        assert m.total_usd == before["total_usd"]
        assert m.accuracy is not None
        assert m.accuracy.gain_points.mean == before["accuracy"]["gain_points"]["mean"]
        assert (m.accuracy.prior_points, m.accuracy.recovery) == (None, None)
        assert m.accuracy.learning_curve is None


def test_a_report_of_schema_4_opens() -> None:
    """Before there were lines by month, a calendar and risk."""
    stored = json.loads((HERE / "saved_by_schema_4.json").read_text())["report_json"]
    found = read_report(json.dumps(stored))
    assert found.schema == 4
    assert (found.timeline, found.risk) == (None, None)
    assert found.verdict.pilot_value_usd is None
    assert found.pilot is not None
    assert found.verdict.headline == stored["verdict"]["headline"]
    for m, before in zip(found.methods, stored["methods"], strict=True):
        assert m.money is None
        assert m.total_usd == before["total_usd"]
        assert list(m.irr_fractions) == before["irr_fractions"]


@pytest.mark.parametrize("schema", [1, 2, 3, 4])
def test_reading_is_once_for_all(schema: int) -> None:
    """What was read is a report of today, whatever it was saved with."""
    stored = json.loads((HERE / f"saved_by_schema_{schema}.json").read_text())["report_json"]
    found = read_report(json.dumps(stored))
    assert found.schema == schema
    for m in found.methods:
        for plan in (m.plan, m.cheapest, m.fastest, m.best_value):
            assert plan is None or plan.purchase_option == "on-demand"
