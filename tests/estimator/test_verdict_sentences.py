"""What a verdict says of its own reach: pilots that do not fit, and chances on the edge."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.estimator.decision import Contender, choose
from app.estimator.report import Comparison
from app.estimator.verdict import decide
from app.estimator.verdict_sentences import on_the_edge, surprising
from tests.estimator.deciding import CONSTANTS, against, contender, of_gains, setting

DRAWS = 9_000


def full_wins(share: float) -> dict[str, list[float]]:
    """Worth by draw where full fine-tuning wins in a share of them."""
    wins = round(share * DRAWS)
    return {"full": [10.0] * wins + [1.0] * (DRAWS - wins), "lora": [5.0] * DRAWS}


def methods(share: float) -> dict[str, Contender]:
    return {key: contender(key, npv) for key, npv in full_wins(share).items()}


@pytest.mark.parametrize(
    ("share", "edge"),
    # Two standard errors of two thirds over 9,000 draws are 0.0099.
    [(0.70, False), (0.674, True), (0.6667, True), (0.66, True), (0.65, False), (0.5, False)],
)
def test_a_chance_within_its_own_error_of_the_limit_is_on_the_edge(
    share: float, edge: bool
) -> None:
    made = methods(share)
    said = on_the_edge(made, choose(made, CONSTANTS), setting())
    assert bool(said) == edge
    if edge:
        assert said.startswith("This is on the edge of the rule, 67%")


def test_one_method_alone_is_on_no_edge() -> None:
    made = {"lora": contender("lora", [1.0, -1.0, 1.0])}
    assert on_the_edge(made, choose(made, CONSTANTS), setting()) == ""


def test_a_pilot_that_does_not_fit_is_said_first() -> None:
    contenders, comparison = against(
        contender("full", [1.0, 2.0, 3.0]), contender("lora", [3.0, 4.0, 5.0])
    )
    plain = setting(measured=True)
    odd = replace(plain, surprise_sd=21.3)
    assert surprising(replace(plain, surprise_sd=2.9)) == ""
    assert "21 standard deviations" in surprising(odd)
    verdict = decide(contenders, {}, comparison, odd)
    assert verdict.sentences[0] == surprising(odd)
    assert surprising(odd) not in decide(contenders, {}, comparison, plain).sentences
    # It warns; it does not decide.
    assert verdict.choice == decide(contenders, {}, comparison, plain).choice


def test_equal_numbers_never_stand_on_both_sides() -> None:
    """A turn so near that both figures round alike is said as the slightest of leads."""
    random = np.random.default_rng(4)
    lead = random.normal(0.0, 3.0, DRAWS)
    for verdict in (
        decide(*_pair(lead + shift), setting()) for shift in (1.2, 1.28, 1.291, 1.3, 1.4)
    ):
        for turn in verdict.turns:
            said = re.findall(r"\d+\.\d", turn.sentence)
            assert turn.field != "gap" or len(said) == len(set(said)) > 0


def _pair(lead: NDArray[np.float64]) -> tuple[dict[str, Contender], dict[str, str], Comparison]:
    full = of_gains("full", (10 + lead).tolist(), 1_000, 0, 0)
    lora = of_gains("lora", [10.0] * DRAWS, 1_000, 0, 0)
    contenders, comparison = against(full, lora)
    return contenders, {}, comparison
