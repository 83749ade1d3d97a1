"""Use case: answer one scenario. Looks facts up, hands the case to the estimator."""

from __future__ import annotations

from datetime import date

from app import __version__
from app.catalog.catalog import Catalog
from app.estimator.case import Case
from app.estimator.estimate import NothingFits
from app.estimator.estimate import estimate as estimate_case
from app.estimator.ledger import TooMuchMoney
from app.estimator.methods import LABELS
from app.estimator.report import Report
from app.inputs import ScenarioInput
from app.services.cases import case_of
from app.services.problems import InputProblems, Problem
from app.services.slots import ESTIMATES

LIMIT_FIELDS = {
    "gpus": "/max_gpus",
    "deadline": "/deadline_hours",
    "budget": "/run_budget_usd",
    "spot": "/include_spot",
}
"""The input that is in the way where nothing fits."""


def estimate(
    scenario: ScenarioInput, catalog: Catalog, today: date, *, brief: bool = False
) -> Report:
    """The report of one scenario.

    Parameters
    ----------
    today : the day from which the age of prices is counted.
    brief : leave out what only the whole result shows; nothing else differs.

    Raises
    ------
    InputProblems : an unknown model, GPU, provider, target or constant; a config.json that is not
        understood; or a scenario that fits on nothing. All problems are found at once.
    Busy : too many estimates are under way for too long.
    """
    return report_of(case_of(scenario, catalog, today), catalog, brief=brief)


def report_of(case: Case, catalog: Catalog, *, brief: bool = False) -> Report:
    """The report of a case whose facts are from this catalogue.

    Raises
    ------
    InputProblems : nothing fits, or so much money flows that it would not add up.
    Busy : too many estimates are under way for too long.
    """
    try:
        with ESTIMATES.one():
            return estimate_case(
                case,
                version=__version__,
                catalog_hash=catalog.content_hash,
                prices_as_of=catalog.prices_as_of.isoformat(),
                brief=brief,
            )
    except TooMuchMoney as error:
        raise InputProblems([Problem("", str(error))]) from None
    except NothingFits as error:
        raise InputProblems(
            Problem(
                LIMIT_FIELDS[refusal.limit],
                f"{LABELS[method]}{' fits nowhere.' if refusal.limit == 'gpus' else ':'} "
                + " ".join(refusal.sentences),
            )
            for method, refusal in error.refusals.items()
        ) from None
