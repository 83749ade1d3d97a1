"""The steps of the builder: which field stands where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class More:
    """Fields of a step that most people leave as they are, behind their name."""

    label: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One fieldset: its fields, and those that most people leave as they are.

    Parameters
    ----------
    pilot : whether the table of scores stands before its fields.
    """

    key: str
    legend: str
    intro: str
    fields: tuple[str, ...] = ()
    more: tuple[More, ...] = ()
    pilot: bool = False


STEPS = (
    Step(
        "question",
        "Question",
        "What the model is for, and how good it is today.",
        ("title", "task_group", "domain_distance", "base_accuracy_points", "test_set_size"),
    ),
    Step(
        "evidence",
        "What you measured",
        "Optional. The scores of a pilot update what the studies expect; leave out what you did "
        "not measure.",
        more=(
            More("Past comparisons of your company", ("own_evidence",)),
            More("The next pilot", ("pilot_questions", "pilot_other_cost_usd")),
        ),
        pilot=True,
    ),
    Step(
        "data",
        "Model and data",
        "What is trained, on how much.",
        ("model", "examples", "tokens_per_example", "epochs"),
        (
            More(
                "Own config.json, lengths, packing, batch, evaluation",
                (
                    "config_json",
                    "sequence_length",
                    "global_batch_sequences",
                    "packing",
                    "longest_example_tokens",
                    "lengths",
                    "evaluation_examples",
                    "evaluations_per_run",
                ),
            ),
        ),
    ),
    Step(
        "methods",
        "Methods",
        "What is compared.",
        ("methods", "lora_rank", "qlora_rank"),
        (
            More(
                "Which layers get adapters, and which variant",
                ("lora_targets", "qlora_targets", "train_embeddings", "lora_variant"),
            ),
        ),
    ),
    Step(
        "software",
        "Software",
        "What runs a step of training.",
        ("stack",),
        (
            More(
                "Software and memory, in detail",
                (
                    "precision",
                    "optimizer",
                    "loss",
                    "adapter_dtype",
                    "compute",
                    "checkpointing",
                    "allow_offload",
                ),
            ),
        ),
    ),
    Step(
        "infrastructure",
        "Infrastructure",
        "Where it may run.",
        (
            "objective",
            "price_book",
            "max_gpus",
            "deadline_hours",
            "run_budget_usd",
            "include_spot",
            "include_reserved",
            "include_capacity_blocks",
            "include_marketplace",
            "include_old_prices",
        ),
        (More("Only certain GPUs or providers", ("accelerators", "providers")),),
    ),
    Step(
        "programme",
        "Programme",
        "The work around the runs.",
        (
            "experiments",
            "engineer_weeks_full",
            "engineer_weeks_adapter",
            "engineer_week_usd",
            "releases_per_year",
            "release_fixed_usd",
        ),
        (
            More(
                "Size of experiments, failed runs, data",
                ("experiment_size_percent", "failed_run_percent", "data_preparation_usd"),
            ),
            More(
                "Audit, governance and delay",
                ("adapter_release_percent", "artefact_year_usd", "delay_cost_usd_per_month"),
            ),
            More("Storage and traffic", ("storage_usd_per_gb_month", "egress_usd_per_gb")),
        ),
    ),
    Step(
        "serving",
        "Serving",
        "What answers take once the model is in use.",
        ("serving", "variants", "prompt_tokens", "completion_tokens"),
        (
            More(
                "Peaks, latency and availability",
                (
                    "peak_factor",
                    "max_ms_per_token",
                    "least_replicas",
                    "latency_value_usd_per_second",
                ),
            ),
        ),
    ),
    Step(
        "value",
        "Value",
        "What a right answer is worth, and for how long it counts.",
        (
            "answers_per_month",
            "value_per_correct_answer_usd",
            "horizon_months",
            "discount_rate_percent",
            "currency",
        ),
        (
            More(
                "When answers are wrong",
                (
                    "hallucination_percent",
                    "hallucination_cost_usd",
                    "violation_percent",
                    "incident_percent",
                    "incident_cost_usd",
                ),
            ),
            More("Outside the task", ("other_answers_per_month", "other_value_usd")),
            More(
                "Growth",
                ("growth_percent", "growth_per_point_percent", "margin_per_answer_usd"),
            ),
            More(
                "Calendar, tax and inflation",
                (
                    "start_month",
                    "fiscal_year_start",
                    "tax_percent",
                    "capitalised_percent",
                    "write_off_months",
                    "money_terms",
                    "inflation_percent",
                    "exchange_rate_per_usd",
                ),
            ),
            More(
                "Uncertainty and draws",
                (
                    "value_uncertainty_percent",
                    "adoption_uncertainty_percent",
                    "adoption_ramp_months",
                    "accuracy_spread_percent",
                    "price_uncertainty_percent",
                    "time_uncertainty_percent",
                    "draws",
                    "seed",
                ),
            ),
        ),
    ),
)
"""Every field of ScenarioInput but `situation` (hidden), `pilot` (a table) and `assumptions` (their
own fieldset)."""
