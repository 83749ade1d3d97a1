"""What is forgotten outside the task, on studies where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from app.catalog.catalog import Catalog
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.constants import constant_values
from app.estimator.evidence import HeadToHead
from app.estimator.forgetting import Forgotten, draw_forgotten, group_weights, retention_rows
from app.estimator.methods import Method
from tests.estimator.studies import row

EXACT = constant_values({"forgetting_sd_points": 0.0})
DRAWS = 20_000


def kept(study: str, group: str, base: float | None, full: float, adapter: float) -> HeadToHead:
    return row(study, group, base=base, full=full, adapter=adapter, retention=True)


def drawn(rows: list[HeadToHead], group: str = "skill", seed: int = 1) -> Forgotten:
    return draw_forgotten(rows, group, DRAWS, np.random.default_rng(seed), EXACT)


def test_studies_of_the_kind_weigh_alike_and_all_others_as_one() -> None:
    rows = [
        kept("a", "skill", 50, 40, 45),
        kept("a", "skill", 50, 40, 45),
        kept("b", "skill", 50, 40, 45),
        kept("c", "narrow", 50, 40, 45),
        kept("d", "far", 50, 40, 45),
        kept("d", "far", 50, 40, 45),
    ]
    third = 1 / 3
    assert group_weights(rows, "skill") == pytest.approx(
        [third / 2, third / 2, third, third / 2, third / 4, third / 4]
    )
    # Without a study of the kind all weigh alike.
    assert group_weights(rows, "rl") == pytest.approx([1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 8, 1 / 8])
    assert group_weights(rows[:3], "skill").sum() == pytest.approx(1.0)


def test_one_study_is_what_it_says() -> None:
    found = drawn([kept("a", "skill", 50.0, 38.0, 45.0)])
    assert found.full == pytest.approx(12.0)
    assert found.adapter == pytest.approx(5.0)


def test_without_a_base_the_difference_is_kept() -> None:
    """Full keeps 9 points less; what the adapter forgets comes from the study that says it."""
    rows = [kept("a", "skill", None, 50.0, 59.0), kept("b", "narrow", 60.0, 57.0, 58.0)]
    found = drawn(rows)
    assert sorted({round(x, 6) for x in found.full - found.adapter}) == [1.0, 9.0]
    assert found.adapter == pytest.approx(2.0)
    alone = drawn(rows[:1])
    assert alone.full == pytest.approx(9.0)
    assert alone.adapter == pytest.approx(0.0)


def test_nothing_known_is_nothing_forgotten_on_average() -> None:
    found = draw_forgotten([row()], "skill", DRAWS, np.random.default_rng(1), constant_values())
    assert found.full.mean() == pytest.approx(0.0, abs=0.06)
    assert found.full.std() == pytest.approx(2.0, rel=0.03)


def test_variants_and_the_task_itself_do_not_count() -> None:
    rows = [row(), row(retention=True, method="dora"), row(retention=True)]
    assert retention_rows(rows) == [rows[2]]


def test_the_adapter_of_a_method() -> None:
    found = drawn([kept("a", "skill", 50.0, 38.0, 45.0)])
    assert found.of(Method("full")) is found.full
    assert found.of(Method("qlora", Adapters(8, ALL_LINEARS))) is found.adapter


def test_the_published_studies_say_that_full_forgets_more(catalog: Catalog) -> None:
    """On average 5 points over all studies, each the same (their own summaries: 1 to 7)."""
    for group in ("narrow", "general", "skill", "far", "continued", "rl"):
        found = draw_forgotten(
            catalog.head_to_heads, group, DRAWS, np.random.default_rng(3), constant_values()
        )
        assert 2 < (found.full - found.adapter).mean() < 8
        assert np.quantile(found.full - found.adapter, 0.1) < 0
