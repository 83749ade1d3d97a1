"""The case of a scenario: what was asked, with every fact looked up and every problem found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from app.catalog.catalog import Catalog
from app.catalog.config_json import architecture_from_config
from app.estimator.accounting import Accounting
from app.estimator.adapters import Adapters, target_names
from app.estimator.architecture import Architecture
from app.estimator.case import (
    Case,
    Data,
    Demand,
    Model,
    PilotScore,
    PilotTerms,
    Programme,
    StorageTerms,
    Value,
)
from app.estimator.constants import CONSTANTS, constant_values
from app.estimator.correlation import PAIRS, correlation_key, correlation_matrix
from app.estimator.errors import InvalidSpec, UnknownArchitecture
from app.estimator.evidence import DISTANCE, HeadToHead
from app.estimator.fiscal import months_later
from app.estimator.hardware import Source
from app.estimator.lengths import Lengths, lengths_from_summary
from app.estimator.methods import LABELS, Method
from app.estimator.plans import CHECKPOINTING, MICRO_BATCHES, OFFLOADS, Space, layouts_of
from app.estimator.software import Software, usual_software
from app.estimator.tokens import count_tokens
from app.inputs import ScenarioInput
from app.services.evidence_fits import fitted
from app.services.exchange import currency_of
from app.services.ledger import ledger
from app.services.lengths import InvalidLengths, parse_lengths
from app.services.offers_allowed import allowed_fleet, market_of, usual_fleet
from app.services.own_evidence import parse_own_evidence
from app.services.problems import InputProblems, Problem, escaped

LONGEST_RATIO = 16
"""Longest example over the mean where only the 95th percentile is known. Assumption."""
PADDING_FREE_STACKS = ("transformers", "transformers-fused", "unsloth")
"""Stacks that join packed sequences without filling them up."""


def case_of(scenario: ScenarioInput, catalog: Catalog, today: date) -> Case:
    """Look every fact of a scenario up.

    Raises
    ------
    InputProblems : see `estimate`.
    """
    problems: list[Problem] = []
    model = _model(scenario, catalog, problems)
    methods = _methods(scenario, problems)
    fleet, left_out = allowed_fleet(scenario, catalog, today, problems)
    data = _data(scenario, problems)
    currency, exchange_rate = currency_of(scenario, catalog, problems)
    own = _own_evidence(scenario, problems)
    _check_constants(scenario, problems)
    _check_targets(model, methods, problems)
    if problems or model is None or data is None:
        raise InputProblems(problems)
    software = software_of(scenario)
    constants = constant_values(catalog.calibration.constants, scenario.assumptions)
    return Case(
        title=scenario.title,
        situation=scenario.situation,
        task_group=scenario.task_group,
        model=model,
        data=data,
        methods=methods,
        fleet=fleet,
        reference_fleet=usual_fleet(catalog, today),
        software=software,
        space=space_of(scenario, model.architecture, software),
        max_gpus=scenario.max_gpus,
        deadline_hours=scenario.deadline_hours or None,
        budget_usd=scenario.run_budget_usd or None,
        objective=scenario.objective,
        programme=Programme(
            experiments=scenario.experiments,
            experiment_fraction=scenario.experiment_size_percent / 100,
            failed_fraction=scenario.failed_run_percent / 100,
            engineer_weeks_full=scenario.engineer_weeks_full,
            engineer_weeks_adapter=scenario.engineer_weeks_adapter,
            engineer_week_usd=scenario.engineer_week_usd,
            data_preparation_usd=scenario.data_preparation_usd,
            releases_per_year=scenario.releases_per_year,
            release_fixed_usd=scenario.release_fixed_usd,
            adapter_release_fraction=scenario.adapter_release_percent / 100,
            artefact_year_usd=scenario.artefact_year_usd,
            delay_usd_per_month=scenario.delay_cost_usd_per_month,
        ),
        value=Value(
            base_accuracy_points=scenario.base_accuracy_points,
            test_set_size=scenario.test_set_size,
            answers_per_month=scenario.answers_per_month,
            value_per_correct_answer_usd=scenario.value_per_correct_answer_usd,
            horizon_months=scenario.horizon_months,
            discount_rate_fraction=scenario.discount_rate_percent / 100,
            value_uncertainty_fraction=scenario.value_uncertainty_percent / 100,
            price_uncertainty_fraction=scenario.price_uncertainty_percent / 100,
            hallucination_fraction=scenario.hallucination_percent / 100,
            hallucination_usd=scenario.hallucination_cost_usd,
            violation_fraction=scenario.violation_percent / 100,
            incident_fraction=scenario.incident_percent / 100,
            incident_usd=scenario.incident_cost_usd,
            other_answers_per_month=scenario.other_answers_per_month,
            other_value_usd=scenario.other_value_usd,
            growth_fraction=scenario.growth_percent / 100,
            growth_per_point_fraction=scenario.growth_per_point_percent / 100,
            margin_usd=scenario.margin_per_answer_usd,
            second_usd=scenario.latency_value_usd_per_second,
            adoption_uncertainty_fraction=scenario.adoption_uncertainty_percent / 100,
            adoption_ramp_months=scenario.adoption_ramp_months,
        ),
        evidence=(*catalog.head_to_heads, *own),
        studies={
            key: Source(
                key, study.title, study.authors_short, "paper", study.address, study.retrieved
            )
            for key, study in catalog.studies.items()
        },
        constants=constants,
        calibration=catalog.calibration,
        draws=scenario.draws,
        seed=scenario.seed,
        as_of=today,
        ledger=ledger(scenario, catalog.price_book, len(own)),
        market=market_of(scenario, catalog, today),
        currency=currency,
        exchange_rate=exchange_rate,
        price_book=catalog.price_book,
        old_prices_left_out=left_out,
        distance=distance_of(scenario),
        variant=scenario.lora_variant,
        pilot=pilot_scores(scenario),
        demand=Demand(
            serving=scenario.serving,
            variants=scenario.variants,
            prompt_tokens=scenario.prompt_tokens,
            completion_tokens=scenario.completion_tokens,
            peak_factor=scenario.peak_factor,
            max_ms_per_token=scenario.max_ms_per_token,
            least_replicas=scenario.least_replicas,
        ),
        adapters=adapters_of(scenario),
        evidence_model=fitted(catalog.head_to_heads, own, constants),
        accounting=accounting_of(scenario, today),
        storage=StorageTerms(
            catalog.storage,
            scenario.storage_usd_per_gb_month,
            scenario.egress_usd_per_gb,
        ),
        next_pilot=PilotTerms(
            scenario.pilot_questions or scenario.test_set_size, scenario.pilot_other_cost_usd
        ),
        time_uncertainty_fraction=scenario.time_uncertainty_percent / 100 or None,
        accuracy_spread=scenario.accuracy_spread_percent / 100,
    )


def accounting_of(scenario: ScenarioInput, today: date) -> Accounting:
    """Calendar, tax and terms of the money; it begins with the month after today unless told."""
    start = scenario.start_month
    return Accounting(
        start=date.fromisoformat(f"{start}-01") if start else months_later(today, 1),
        fiscal_year_start=scenario.fiscal_year_start,
        terms=scenario.money_terms,
        inflation_fraction=scenario.inflation_percent / 100,
        tax_fraction=scenario.tax_percent / 100,
        capitalised_fraction=scenario.capitalised_percent / 100,
        write_off_months=scenario.write_off_months,
    )


def distance_of(scenario: ScenarioInput) -> str:
    """From what the base model knows: as entered, or as the kind of task usually has it."""
    if scenario.domain_distance == "usual":
        return DISTANCE[scenario.task_group]
    return scenario.domain_distance


def pilot_scores(scenario: ScenarioInput) -> tuple[PilotScore, ...]:
    """Every score of the pilot; the base model's was trained on nothing."""
    return tuple(
        PilotScore(method, 0 if method == "base" else row.examples, points, row.test_set_size)
        for row in scenario.pilot
        for method in ("base", *LABELS)
        if (points := getattr(row, f"{method}_points")) is not None
    )


def adapters_of(scenario: ScenarioInput) -> dict[str, Adapters]:
    """Adapters of LoRA and QLoRA, whether or not they are compared; without unusable targets."""
    found = {}
    for key, rank, targets in _adapter_fields(scenario):
        try:
            found[key] = Adapters(rank, target_names(targets))
        except InvalidSpec:
            continue
    return found


def _adapter_fields(scenario: ScenarioInput) -> tuple[tuple[str, int, str], ...]:
    return (
        ("lora", scenario.lora_rank, scenario.lora_targets),
        ("qlora", scenario.qlora_rank, scenario.qlora_targets),
    )


def _own_evidence(scenario: ScenarioInput, problems: list[Problem]) -> tuple[HeadToHead, ...]:
    try:
        return parse_own_evidence(scenario.own_evidence)
    except InputProblems as error:
        problems.extend(error.problems)
        return ()


def _model(scenario: ScenarioInput, catalog: Catalog, problems: list[Problem]) -> Model | None:
    if scenario.config_json is not None:
        name = scenario.model
        try:
            architecture = architecture_from_config(name, scenario.config_json)
        except UnknownArchitecture as error:
            pointer = "/config_json/" + escaped(error.field)
            problems.append(Problem(pointer, f"config.json, {error.field}: {error.message}."))
            return None
        except InvalidSpec as error:
            problems.append(Problem("/config_json", f"config.json: {error}."))
            return None
        millions = architecture.parameter_count / 1e6
        label = f"Own config.json ({architecture.model_type}, {millions:,.0f} million parameters)"
        return Model(architecture, label, architecture.model_type, None)
    entry = catalog.models.get(scenario.model)
    if entry is None:
        problems.append(
            Problem(
                "/model",
                f"Base model {scenario.model!r} is not built in"
                f"{_nearest(scenario.model, catalog)}; choose one from the list, or "
                "give its config.json.",
            )
        )
        return None
    return Model(entry.architecture, entry.label, entry.family, entry.source)


def _nearest(name: str, catalog: Catalog) -> str:
    """Names of built-in models that share a part with an unknown one, as a hint."""
    parts = [part for part in name.lower().replace("/", "-").split("-") if len(part) > 1]
    scored = [(sum(part in known.lower() for part in parts), known) for known in catalog.models]
    best = sorted((-score, known) for score, known in scored if score)[:3]
    return f" (near: {', '.join(known for _, known in best)})" if best else ""


def _methods(scenario: ScenarioInput, problems: list[Problem]) -> tuple[Method, ...]:
    methods = []
    fields = {key: (rank, targets) for key, rank, targets in _adapter_fields(scenario)}
    for key in scenario.methods:
        if key == "full":
            methods.append(Method("full"))
            continue
        rank, targets = fields[key]
        try:
            adapters = Adapters(rank, target_names(targets))
            methods.append(Method(key, adapters, scenario.train_embeddings))
        except InvalidSpec as error:
            problems.append(Problem(f"/{key}_targets", f"{LABELS[key]} targets: {error}."))
    return tuple(methods)


def _check_targets(model: Model | None, methods: Iterable[Method], problems: list[Problem]) -> None:
    """Targets must be modules of the model."""
    if model is None:
        return
    for method in methods:
        try:
            method.trainable_parameters(model.architecture)
        except InvalidSpec as error:
            problems.append(Problem(f"/{method.key}_targets", f"{method.label} targets: {error}."))


def software_of(scenario: ScenarioInput) -> Software:
    """The software of a scenario: what its stack usually does, unless something else was said."""
    usual = usual_software(scenario.stack)

    def said(value: str, otherwise: str) -> str:
        return otherwise if value == "usual" else value

    return Software(
        stack=scenario.stack,
        precision=said(scenario.precision, usual.precision),
        optimizer=said(scenario.optimizer, usual.optimizer),
        loss=said(scenario.loss, usual.loss),
        adapter_dtype=said(scenario.adapter_dtype, usual.adapter_dtype),
        compute=scenario.compute,
    )


def space_of(scenario: ScenarioInput, architecture: Architecture, software: Software) -> Space:
    """The layouts that are planned for a scenario."""
    modes = tuple(range(len(CHECKPOINTING)))
    if scenario.checkpointing != "any":
        modes = (CHECKPOINTING.index(scenario.checkpointing),)
    return Space(
        layouts_of(architecture, software, scenario.sequence_length),
        checkpointing=modes,
        offloads=tuple(range(len(OFFLOADS))) if scenario.allow_offload else (0,),
    )


def _data(scenario: ScenarioInput, problems: list[Problem]) -> Data | None:
    """Real token counts, from lengths that were pasted or from summary figures."""
    try:
        lengths = _lengths(scenario)
        counts = count_tokens(
            lengths,
            sequence_length=scenario.sequence_length,
            packing=scenario.packing,
            micro_batch=MICRO_BATCHES,
            padding_free=scenario.stack in PADDING_FREE_STACKS,
        )
    except InvalidLengths as error:
        problems.append(Problem("/lengths", f"Lengths of your examples: {error}"))
        return None
    except InvalidSpec as error:
        problems.append(Problem("/longest_example_tokens", f"Longest usual example: {error}."))
        return None
    # A pasted sample of lengths stands for the whole training set.
    scale = scenario.examples / float(lengths.samples)
    longest = counts.longest_sequence_tokens
    return Data(
        examples=scenario.examples,
        tokens_per_example=scenario.tokens_per_example,
        epochs=scenario.epochs,
        sequence_length=longest,
        global_batch_sequences=scenario.global_batch_sequences,
        packing=scenario.packing,
        tokens_per_epoch=counts.real_tokens * scale,
        sequences_per_epoch=counts.sequences * scale,
        computed_share=tuple((counts.sequence_tokens / longest).tolist()),
        padding_fraction=float(counts.padding_fraction[0]),
        truncated_fraction=counts.truncated_samples_fraction,
        evaluation_tokens=float(
            scenario.evaluation_examples
            * scenario.evaluations_per_run
            * counts.real_tokens
            / max(counts.examples, 1.0)
        ),
    )


def _lengths(scenario: ScenarioInput) -> Lengths:
    """Lengths of the examples: pasted, spread around a mean, or all alike."""
    if scenario.lengths.strip():
        return parse_lengths(scenario.lengths)
    mean, upper = scenario.tokens_per_example, scenario.longest_example_tokens
    if upper <= mean:
        return Lengths.of([mean], [scenario.examples])
    return lengths_from_summary(
        samples=scenario.examples, mean=mean, p95=upper, maximum=max(upper, LONGEST_RATIO * mean)
    )


def _check_constants(scenario: ScenarioInput, problems: list[Problem]) -> None:
    for key, value in scenario.assumptions.items():
        constant = CONSTANTS.get(key)
        if constant is None:
            problems.append(
                Problem(
                    "/assumptions/" + escaped(key),
                    f"{key!r} is not a constant of the estimator; the method page lists them.",
                )
            )
        elif not constant.low <= value <= constant.high:
            problems.append(
                Problem(
                    "/assumptions/" + escaped(key),
                    f"{constant.label} must be {constant.low:g} to {constant.high:g} "
                    f"{constant.unit} (got {value:g}).",
                )
            )
    _check_correlations(scenario, problems)


def _check_correlations(scenario: ScenarioInput, problems: list[Problem]) -> None:
    """Correlations must be possible together; at the first of those that were changed."""
    changed = [key for pair in PAIRS if (key := correlation_key(*pair)) in scenario.assumptions]
    if not changed or problems:
        return
    try:
        correlation_matrix(constant_values(scenario.assumptions))
    except InvalidSpec as error:
        label = CONSTANTS[changed[0]].label
        problems.append(Problem(f"/assumptions/{changed[0]}", f"{label}: {error}."))
