"""What the studies let one expect of each kind of task, with and without own studies."""

from __future__ import annotations

import pytest

from app.catalog.catalog import Catalog
from app.estimator.evidence import DISTANCE
from app.services import expectations
from app.services.expectations import Expectations
from app.services.own_evidence import parse_own_evidence
from app.services.problems import Busy
from app.services.slots import Slots

HEADER = "study,group,metric,base,full,adapter,rank,test_set_size\n"


@pytest.fixture(scope="module")
def service(catalog: Catalog) -> Expectations:
    """Fitted once for these tests."""
    return Expectations(catalog)


def test_every_kind_of_task_once_and_only_one_fit(service: Expectations) -> None:
    first = service.published()
    assert [found.group for found in first] == list(DISTANCE)
    assert service.published() is first


def test_rank_never_lowers_what_is_kept(service: Expectations) -> None:
    for found in service.published():
        means = [at.mean for _, at in found.summary.recovery_by_rank]
        assert means == sorted(means)


def test_own_comparisons_pull_towards_themselves(service: Expectations) -> None:
    lines = [f"Project {n},far,acc,30,70,68,16,2000" for n in range(4)]
    effects = {e.group: e for e in service.effects(parse_own_evidence(HEADER + "\n".join(lines)))}
    far = effects["far"]
    assert far.own_rows == 4
    assert effects["narrow"].own_rows == 0
    assert far.before.recovery_lora.mean < far.after.recovery_lora.mean <= 1.0
    assert far.after.own_studies == 4


def test_too_many_fits_at_a_time(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Expectations(catalog)
    service.published()
    monkeypatch.setattr(expectations, "FITS", Slots(0, 0.0))
    with pytest.raises(Busy):
        service.effects(parse_own_evidence(HEADER + "P,far,acc,30,70,68,16,2000"))
