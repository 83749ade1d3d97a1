"""The plans of a report, each with its launch recipe: what the plans page, API and command show."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from app.estimator.report import CurrencyReport, MethodReport, Report, SoftwareReport
from app.estimator.report_plans import BillEntry, FrontierPoint, PlanReport
from app.exports.recipe import InvalidRecipe, Recipe, RecipeInput
from app.exports.recipes import recipe_of

ALPHA_PER_RANK = 2
"""alpha = 2 x rank; neither memory nor time depends on it. Assumption, as most runs do."""
OWN_MODEL = "path/to/your/model"
"""Stands in recipes where the model was given by its config.json."""


@dataclass(frozen=True, slots=True)
class MethodPlans:
    """The plans of one method.

    Parameters
    ----------
    reasons : why nothing fits, where nothing does; what follows is then empty.
    plan : by the objective of the scenario; `recipe` launches it.
    recipe_refused : why there is no recipe though there is a plan; empty otherwise.
    frontier : no other plan is both cheaper and quicker; from the cheapest to the fastest.
    """

    method: str
    label: str
    feasible: bool
    reasons: tuple[str, ...]
    plans_considered: int
    plans_out_of_memory: int
    plans_over_limits: int
    plans_that_fit: int
    plan: PlanReport | None
    cheapest: PlanReport | None
    fastest: PlanReport | None
    best_value: PlanReport | None
    frontier: tuple[FrontierPoint, ...]
    infrastructure: tuple[BillEntry, ...]
    recipe: Recipe | None
    recipe_refused: str


@dataclass(frozen=True, slots=True)
class PlansReport:
    """The plans of all methods of a report, and what they were computed with."""

    schema: int
    estimator_version: str
    catalog_hash: str
    as_of: str
    prices_as_of: str
    price_book: str
    currency: CurrencyReport
    title: str
    software: SoftwareReport
    methods: tuple[MethodPlans, ...]


def plans_report(report: Report, trained_tables: tuple[str, ...] = ()) -> PlansReport:
    """Plans and recipes of a report.

    Parameters
    ----------
    trained_tables : of ``embed_tokens`` and ``lm_head``, those that are trained beside adapters.
    """
    return PlansReport(
        schema=report.schema,
        estimator_version=report.estimator_version,
        catalog_hash=report.catalog_hash,
        as_of=report.as_of,
        prices_as_of=report.prices_as_of,
        price_book=report.price_book,
        currency=report.currency,
        title=report.title,
        software=report.software,
        methods=tuple(_plans(report, m, trained_tables) for m in report.methods),
    )


def _plans(report: Report, m: MethodReport, trained_tables: tuple[str, ...]) -> MethodPlans:
    recipe, refused = None, ""
    if m.plan is not None:
        try:
            recipe = recipe_of(recipe_input(report, m, m.plan, trained_tables))
        except InvalidRecipe as error:
            refused = str(error)
    return MethodPlans(
        method=m.method,
        label=m.label,
        feasible=m.feasible,
        reasons=m.reasons,
        plans_considered=m.plans_considered,
        plans_out_of_memory=m.plans_out_of_memory,
        plans_over_limits=m.plans_over_limits,
        plans_that_fit=m.plans_that_fit,
        plan=m.plan,
        cheapest=m.cheapest,
        fastest=m.fastest,
        best_value=m.best_value,
        frontier=m.frontier,
        infrastructure=m.infrastructure,
        recipe=recipe,
        recipe_refused=refused,
    )


def recipe_input(
    report: Report, m: MethodReport, plan: PlanReport, trained_tables: tuple[str, ...] = ()
) -> RecipeInput:
    """What the estimate of a plan assumed, as a recipe is made from.

    Raises
    ------
    InvalidRecipe : the plan contradicts itself.
    """
    software, data = report.software, report.data
    sequences = plan.micro_batch * plan.gradient_accumulation_steps * plan.data_parallel
    return RecipeInput(
        model=report.model.name if report.model.source_key else OWN_MODEL,
        method=m.method,
        rank=m.rank,
        alpha=None if m.rank is None else float(ALPHA_PER_RANK * m.rank),
        targets=tuple((m.targets or "").replace(" ", "").split(",")) if m.targets else (),
        sequence_length=data.sequence_length,
        micro_batch=plan.micro_batch,
        accumulation=plan.gradient_accumulation_steps,
        steps=ceil(data.sequences_per_run / sequences),
        epochs=float(data.epochs),
        gpus_per_node=plan.gpus // plan.nodes,
        nodes=plan.nodes,
        strategy=plan.strategy,
        tensor=plan.tensor_parallel,
        pipeline=plan.pipeline_parallel,
        context=plan.context_parallel,
        expert=plan.expert_parallel,
        checkpointing=plan.checkpointing,
        offload=plan.offload,
        precision=software.precision,
        optimizer=software.optimizer,
        loss=software.loss,
        adapter_dtype=software.adapter_dtype,
        attention=software.attention,
        compute=software.compute,
        packing=data.packing,
        stack=software.stack,
        trained_embeddings=() if m.rank is None else trained_tables,
        quantization="nf4-double" if m.method == "qlora" else "none",
    )
