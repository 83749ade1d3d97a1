"""ScenarioInput: the one validated input of page, query string, JSON API and command line.

Flat on purpose: a form field, a query parameter and a JSON member have the same name. Labels, help
and units live here and nowhere else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    field_validator,
    model_validator,
)

from app.estimator.evidence import TaskGroup
from app.estimator.methods import LABELS

Method = Literal["full", "lora", "qlora"]
StackKey = Literal[
    "transformers", "transformers-fused", "torchtune", "fsdp", "megatron", "unsloth", "native"
]
Situation = Literal["blank", "deep-domain", "controlled-behaviour", "core-product"]

TASK_GROUP_LABELS: Mapping[str, str] = {
    "narrow": "Narrow task: extraction, classification, SQL, summaries, a fixed format",
    "general": "General instruction following, chat",
    "skill": "A skill: code or mathematics",
    "far": "Far domain or new language: specialist knowledge that the base model lacks",
    "continued": "Continued pretraining on a large raw corpus",
    "rl": "Reinforcement learning from verifiable rewards",
}
METHOD_LABELS = LABELS
LORA_TARGET_CHOICES = ("all-linear", "attention", "q_proj,v_proj")

PRICE_BOOK_PATTERN = r"^([A-Za-z0-9_-]{32}(@[1-9][0-9]{0,8})?)?$"
"""Nothing for the built-in prices, or the key of a price book, with ``@`` and its version where the
scenario is pinned to one."""

CURRENCY_PATTERN = r"^[A-Z]{3}$"

MONTH_PATTERN = r"^((19|20|21)[0-9]{2}-(0[1-9]|1[0-2]))?$"
"""Nothing, or a month as 2027-01."""

MAX_CONFIG_CHARACTERS = 8_000
MAX_CONFIG_DEPTH = 20
TOO_LONG_CONFIG = f"must be at most {MAX_CONFIG_CHARACTERS:,} characters long"


def _config_from_text(value: object) -> object:
    """Turn a pasted `config.json` into an object; an object has the same limits as its text."""
    if isinstance(value, str):
        if not value.strip():
            return None
        if len(value) > MAX_CONFIG_CHARACTERS:
            raise ValueError(TOO_LONG_CONFIG)
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
                "paste the whole config.json of the model"
            ) from None
        except RecursionError:
            raise ValueError("is nested too deeply; paste the config.json of the model") from None
        except ValueError:
            raise ValueError("holds a number that is too long; paste the config.json") from None
    if not isinstance(value, dict):
        return value
    if _depth(value) > MAX_CONFIG_DEPTH:
        raise ValueError("is nested too deeply; give the config.json of the model")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        raise ValueError("holds text or a number that JSON cannot carry, such as NaN") from None
    if len(text) > MAX_CONFIG_CHARACTERS:
        raise ValueError(TOO_LONG_CONFIG)
    return value


def _depth(value: object) -> int:
    """Levels of nesting, counted without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return depth


Name = Annotated[str, Field(max_length=200)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Usd = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


PilotPoints = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class PilotRow(BaseModel):
    """Scores of one pilot at one size of training set, all on one test set.

    Raises
    ------
    pydantic.ValidationError : as `ScenarioInput`; also a row without any score.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: int = Field(
        ge=1,
        le=10_000_000_000,
        title="Training examples",
        description="That the pilot models were trained on.",
    )
    test_set_size: int = Field(
        ge=10,
        le=10_000_000,
        title="Test questions",
        description="That were scored.",
    )
    base_points: PilotPoints | None = Field(
        None, title="Base", description="Score of the base model on this test set."
    )
    full_points: PilotPoints | None = Field(
        None, title="Full", description="Score after full fine-tuning."
    )
    lora_points: PilotPoints | None = Field(None, title="LoRA", description="Score with LoRA.")
    qlora_points: PilotPoints | None = Field(None, title="QLoRA", description="Score with QLoRA.")

    @model_validator(mode="after")
    def _has_a_score(self) -> PilotRow:
        if all(getattr(self, name) is None for name in PILOT_SCORES):
            raise ValueError("needs at least one score: of the base, full, LoRA or QLoRA model")
        return self


PILOT_SCORES = ("base_points", "full_points", "lora_points", "qlora_points")
PILOT_COLUMNS = tuple(PilotRow.model_fields)
PILOT_CELL = re.compile(rf"pilot\.(?P<row>[0-9]{{1,3}})\.(?P<column>{'|'.join(PILOT_COLUMNS)})")
"""Name of one cell of the pilot, in a form or a query."""
MOST_PILOT_ROWS = 10


def _few_rows(value: object) -> object:
    """Before any row is looked at, so that a huge list costs nothing."""
    if not isinstance(value, list | tuple):
        raise ValueError(  # noqa: TRY004 - pydantic reports this one at its field
            'must be a list of rows, such as [{"examples": 2000, "test_set_size": 500, '
            '"lora_points": 71.5}]'
        )
    if len(value) > MOST_PILOT_ROWS:
        raise ValueError(f"must have at most {MOST_PILOT_ROWS} rows")
    return value


class ScenarioInput(BaseModel):
    """What was asked: model, data, methods, infrastructure, programme and value.

    Raises
    ------
    pydantic.ValidationError : a value that is missing, of the wrong kind or out of range; every
        problem is located at its field.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        str_max_length=20_000,
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "title": "Contract review assistant",
                    "model": "meta-llama/Meta-Llama-3.1-8B",
                    "examples": 50_000,
                    "tokens_per_example": 900,
                    "epochs": 3,
                    "methods": ["full", "lora", "qlora"],
                    "lora_rank": 64,
                    "qlora_rank": 16,
                    "accelerators": ["H100-SXM-80GB", "A100-SXM-80GB"],
                    "task_group": "narrow",
                    "base_accuracy_points": 62,
                    "answers_per_month": 100_000,
                    "value_per_correct_answer_usd": 0.5,
                }
            ]
        },
    )

    # The question
    title: str = Field(
        "", max_length=120, title="Title", description="Shown at the top of the shared page."
    )
    situation: Situation = Field(
        "blank",
        title="Situation",
        description="The ready-made scenario that this one began with.",
    )
    task_group: TaskGroup = Field(
        "general",
        title="Kind of task",
        description="Chooses which published head-to-heads the expected accuracy comes from.",
    )
    base_accuracy_points: float = Field(
        60,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Accuracy of the base model today",
        description="Share of answers that are right on your own test set, before any tuning.",
        json_schema_extra={"unit": "%"},
    )
    test_set_size: int = Field(
        500,
        ge=10,
        le=10_000_000,
        title="Test set",
        description="Questions in your test set; a small one measures accuracy with more noise.",
        json_schema_extra={"unit": "questions"},
    )

    domain_distance: Literal["usual", "near", "medium", "far"] = Field(
        "usual",
        title="Distance from what the base model knows",
        description="Usual: that of the kind of task. Far: a language or specialist knowledge that "
        "it was hardly trained on.",
    )
    pilot: Annotated[tuple[PilotRow, ...], BeforeValidator(_few_rows)] = Field(
        (),
        max_length=MOST_PILOT_ROWS,
        title="Pilot",
        description="Scores that you measured, of any of the models, at one or more sizes of the "
        "training set. They update what the studies expect.",
    )
    own_evidence: str = Field(
        "",
        max_length=20_000,
        title="Own past comparisons",
        description="Optional: past head-to-heads of your company, as CSV with the columns study, "
        "group, metric, base, full, adapter, method, rank.",
    )

    pilot_questions: int = Field(
        0,
        ge=0,
        le=10_000_000,
        title="Questions of the next pilot",
        description="Whose worth is asked for; 0: as many as in your test set.",
        json_schema_extra={"unit": "questions"},
    )
    pilot_other_cost_usd: Usd = Field(
        0,
        title="Cost of the next pilot beside GPUs",
        description="People and labelling.",
        json_schema_extra={"unit": "USD"},
    )

    # Model and data
    model: str = Field(
        "meta-llama/Meta-Llama-3.1-8B",
        min_length=1,
        max_length=200,
        title="Base model",
        description="A built-in model, or any name when a config.json is given below.",
    )
    config_json: Annotated[dict[str, Any] | None, BeforeValidator(_config_from_text)] = Field(
        None,
        title="config.json",
        description="Optional: the Hugging Face config.json of a model that is not listed. It "
        "replaces the model chosen above.",
    )
    examples: int = Field(
        50_000,
        ge=1,
        le=10_000_000_000,
        title="Training examples",
        description="Documents or conversations in the training set.",
    )
    tokens_per_example: int = Field(
        900,
        ge=1,
        le=10_000_000,
        title="Tokens per example",
        description="Mean length. English: about 1.3 tokens a word.",
        json_schema_extra={"unit": "tokens"},
    )
    epochs: float = Field(
        3,
        gt=0,
        le=1_000,
        allow_inf_nan=False,
        title="Epochs",
        description="How often each example is seen in one run.",
    )
    sequence_length: int = Field(
        2048,
        ge=64,
        le=131_072,
        title="Sequence length",
        description="Longest sequence; longer examples are cut.",
        json_schema_extra={"unit": "tokens"},
    )
    global_batch_sequences: int = Field(
        64,
        ge=1,
        le=65_536,
        title="Global batch",
        description="Sequences per optimizer step, over all GPUs.",
        json_schema_extra={"unit": "sequences"},
    )

    packing: Literal["wrapped", "packed", "grouped", "padded", "padded-to-max"] = Field(
        "wrapped",
        title="How examples become sequences",
        description="Wrapped and packed sequences hold no padding, or little; padded ones compute "
        "padding like text.",
    )
    longest_example_tokens: int = Field(
        0,
        ge=0,
        le=10_000_000,
        title="Longest usual example",
        description="The length that 95% of the examples stay below; 0 if you do not know. It says "
        "how much is padded or cut.",
        json_schema_extra={"unit": "tokens"},
    )
    lengths: str = Field(
        "",
        max_length=20_000,
        title="Lengths of your examples",
        description="Optional: one length a line, or a length and how many examples have it. It "
        "replaces the two figures above.",
    )
    evaluation_examples: int = Field(
        500,
        ge=0,
        le=10_000_000,
        title="Evaluation set during training",
        description="Examples that are scored in one evaluation pass.",
        json_schema_extra={"unit": "examples"},
    )
    evaluations_per_run: int = Field(
        3,
        ge=0,
        le=10_000,
        title="Evaluation passes",
        description="In one run.",
        json_schema_extra={"unit": "a run"},
    )
    train_embeddings: bool = Field(
        False,
        title="Adapters train the token table and head too",
        description="Needed where new words are added; each is trained on a copy of its own.",
    )

    # Methods
    methods: Annotated[tuple[Method, ...], FailFast()] = Field(
        ("full", "lora", "qlora"),
        min_length=1,
        max_length=10,
        title="Methods to compare",
        description="At least one.",
    )
    lora_rank: int = Field(
        64,
        ge=1,
        le=4096,
        title="LoRA rank",
        description="Width of the adapter matrices. More rank: more capacity, more memory.",
    )
    lora_targets: str = Field(
        "all-linear",
        max_length=200,
        title="LoRA targets",
        description="all-linear, attention, or names such as q_proj,v_proj.",
    )
    qlora_rank: int = Field(
        16,
        ge=1,
        le=4096,
        title="QLoRA rank",
        description="Rank of the adapters on the 4-bit base.",
    )
    qlora_targets: str = Field(
        "all-linear",
        max_length=200,
        title="QLoRA targets",
        description="all-linear, attention, or names such as q_proj,v_proj.",
    )

    lora_variant: Literal["plain", "dora", "pissa", "lora-ga", "rslora"] = Field(
        "plain",
        title="LoRA variant",
        description="Changes the expected accuracy only; its time and memory are counted as those "
        "of LoRA.",
    )

    # Infrastructure
    accelerators: Annotated[tuple[Name, ...], FailFast()] = Field(
        (),
        max_length=100,
        title="GPUs to consider",
        description="None chosen: all.",
    )
    providers: Annotated[tuple[Name, ...], FailFast()] = Field(
        (),
        max_length=100,
        title="Providers to consider",
        description="None chosen: every provider with a price list.",
    )
    price_book: str = Field(
        "",
        max_length=80,
        pattern=PRICE_BOOK_PATTERN,
        title="Price book",
        description="Whose prices count: the built-in list prices, an imported catalogue, or your "
        "own rates and discounts.",
    )
    include_spot: bool = Field(
        False,
        title="Include spot instances",
        description="Cheaper, and taken away at short notice: interruptions cost time and money.",
    )
    include_reserved: bool = Field(
        False,
        title="Include reservations of 1 and 3 years",
        description="Cheaper an hour, and paid for every hour of the term, used or idle.",
    )
    include_old_prices: bool = Field(
        False,
        title="Include prices older than 180 days",
        description="Left out while newer prices exist among the offers: they may be gone.",
    )
    include_capacity_blocks: bool = Field(
        False,
        title="Include capacity blocks",
        description="Prepaid in whole days; cheaper, and paid whether used or not.",
    )
    include_marketplace: bool = Field(
        False,
        title="Include marketplaces",
        description="The lowest asking price of the day: no service level, may be gone tomorrow.",
    )
    max_gpus: int = Field(
        64,
        ge=1,
        le=4096,
        title="Most GPUs at once",
        description="Upper limit for one run.",
        json_schema_extra={"unit": "GPUs"},
    )
    deadline_hours: float = Field(
        0,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        title="Deadline of one run",
        description="0: none.",
        json_schema_extra={"unit": "h"},
    )
    run_budget_usd: Usd = Field(
        0,
        title="Budget of one run",
        description="GPU time of one run; 0: none.",
        json_schema_extra={"unit": "USD"},
    )
    stack: StackKey = Field(
        "transformers",
        title="Training software",
        description="It matters more than the GPU: four times between the slowest and the fastest.",
    )
    precision: Literal[
        "usual", "bf16-mixed", "fp32-gradients", "fp32-sharded", "fp32-autocast", "bf16"
    ] = Field(
        "usual",
        title="Precision of full fine-tuning",
        description="What is held for every trained weight; usual: what the software does.",
    )
    optimizer: Literal[
        "usual",
        "adamw",
        "adamw-bf16",
        "adamw-8bit",
        "paged-adamw-8bit",
        "adafactor",
        "lion",
        "muon",
        "sgd",
    ] = Field("usual", title="Optimizer", description="Usual: what the software does.")
    loss: Literal["usual", "upcast", "plain", "fused", "chunked"] = Field(
        "usual",
        title="Loss",
        description="How much of the logits is held at once; it decides the peak of large "
        "vocabularies.",
    )
    adapter_dtype: Literal["usual", "fp32", "bf16"] = Field(
        "usual",
        title="Adapter precision",
        description="peft keeps adapters in fp32, which keeps copies of their inputs in fp32 too.",
    )
    compute: Literal["bf16", "fp8"] = Field(
        "bf16",
        title="Matrix products in",
        description="fp8 where the GPU has it; accuracy is then yours to check.",
    )
    checkpointing: Literal["any", "none", "selective", "full"] = Field(
        "any",
        title="Activation checkpointing",
        description="Any: whatever is quickest and fits.",
    )
    allow_offload: bool = Field(
        False,
        title="Allow offload to host memory",
        description="Optimizer or weights on the host: fits more, runs slower.",
    )
    objective: Literal["value", "cheapest", "fastest"] = Field(
        "value",
        title="Choose the plan by",
        description="Value: lowest cost of all runs, counting what waiting for them costs. "
        "Cheapest: lowest cost of a run. Fastest: shortest run.",
    )

    # Programme
    experiments: int = Field(
        8,
        ge=0,
        le=10_000,
        title="Experiments before the first release",
        description="Runs to choose learning rate, data mix and checkpoint.",
        json_schema_extra={"unit": "runs"},
    )
    experiment_size_percent: float = Field(
        30,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        title="Size of an experiment",
        description="Share of a whole run that one experiment takes.",
        json_schema_extra={"unit": "%"},
    )
    failed_run_percent: float = Field(
        10,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        title="Lost to failed runs",
        description="Extra GPU time for runs that crash, diverge or wait.",
        json_schema_extra={"unit": "%"},
    )
    engineer_weeks_full: float = Field(
        6,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        title="Engineering, full fine-tuning",
        description="Work until the first release, in person-weeks.",
        json_schema_extra={"unit": "weeks"},
    )
    engineer_weeks_adapter: float = Field(
        4,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        title="Engineering, LoRA and QLoRA",
        description="Work until the first release, in person-weeks.",
        json_schema_extra={"unit": "weeks"},
    )
    engineer_week_usd: Usd = Field(
        3_500,
        title="Cost of an engineer-week",
        description="Salary with overhead. Default: US data scientist median of 112,590 USD a "
        "year (BLS 15-2051) x 1.43 overhead (our assumption) over 46 weeks.",
        json_schema_extra={"unit": "USD"},
    )
    data_preparation_usd: Usd = Field(
        0,
        title="Data preparation and labelling",
        description="Once, the same for every method.",
        json_schema_extra={"unit": "USD"},
    )
    releases_per_year: float = Field(
        2,
        ge=0,
        le=366,
        allow_inf_nan=False,
        title="Retraining",
        description="Releases a year after the first; each one is trained again.",
        json_schema_extra={"unit": "a year"},
    )
    release_fixed_usd: Usd = Field(
        0,
        title="Fixed cost of a release",
        description="Evaluation, audit and re-validation, each time.",
        json_schema_extra={"unit": "USD"},
    )

    adapter_release_percent: Percent = Field(
        100,
        title="Checks of an adapter release",
        description="Share of the fixed cost of a release that LoRA and QLoRA need.",
        json_schema_extra={"unit": "%"},
    )
    storage_usd_per_gb_month: Usd = Field(
        0,
        title="Price of storage",
        description="Of a gigabyte and month; 0: the published price of the provider.",
        json_schema_extra={"unit": "USD"},
    )
    egress_usd_per_gb: Usd = Field(
        0,
        title="Price of traffic out",
        description="Of a gigabyte of released model that is moved to where it serves; 0: the "
        "published price of the provider.",
        json_schema_extra={"unit": "USD"},
    )
    artefact_year_usd: Usd = Field(
        0,
        title="Governing one model artefact",
        description="Inventory, monitoring, documentation and access control, a year. A dedicated "
        "model for each variant is one artefact each; adapters add one for their base.",
        json_schema_extra={"unit": "USD a year"},
    )
    delay_cost_usd_per_month: Usd = Field(
        0,
        title="Cost of a month's delay",
        description="Until the first release, beyond the value that is not yet earned: a contract "
        "that waits, a competitor that leads.",
        json_schema_extra={"unit": "USD a month"},
    )

    # Serving
    serving: Literal["auto", "merged", "unmerged", "none"] = Field(
        "auto",
        title="How adapters are served",
        description="Merged: a model of its own for each variant, as after full fine-tuning. "
        "Unmerged: all on one base. Auto: whichever is cheaper. None: serving is left out.",
    )
    variants: int = Field(
        1,
        ge=1,
        le=100_000,
        title="Variants",
        description="Tuned models in use at once: for customers, languages or policies. They share "
        "the answers evenly.",
    )
    prompt_tokens: int = Field(
        1_000,
        ge=1,
        le=10_000_000,
        title="Prompt",
        description="Mean, with instructions and retrieved text.",
        json_schema_extra={"unit": "tokens"},
    )
    completion_tokens: int = Field(
        300,
        ge=1,
        le=1_000_000,
        title="Answer",
        description="Mean length.",
        json_schema_extra={"unit": "tokens"},
    )
    peak_factor: float = Field(
        3,
        ge=1,
        le=1_000,
        allow_inf_nan=False,
        title="Peak over mean load",
        description="GPUs are held for the busiest hour.",
    )
    max_ms_per_token: float = Field(
        50,
        gt=0,
        le=60_000,
        allow_inf_nan=False,
        title="Slowest token that users accept",
        description="Between two tokens of one answer: 50 ms is about 900 words a minute.",
        json_schema_extra={"unit": "ms"},
    )
    least_replicas: int = Field(
        1,
        ge=1,
        le=1_000,
        title="Replicas at least",
        description="Of every resident model, for availability.",
    )
    latency_value_usd_per_second: Usd = Field(
        0,
        title="Worth of a second less waiting",
        description="For each answer.",
        json_schema_extra={"unit": "USD"},
    )

    # Value
    answers_per_month: float = Field(
        100_000,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        title="Answers a month",
        description="Requests that the model serves.",
    )
    value_per_correct_answer_usd: Usd = Field(
        0.5,
        title="Worth of one more right answer",
        description="What it saves or earns when an answer is right instead of wrong.",
        json_schema_extra={"unit": "USD"},
    )
    hallucination_percent: Percent = Field(
        0,
        title="Wrong answers that are believed",
        description="Share of the wrong answers that state something made up as a fact and are not "
        "caught by the reader.",
        json_schema_extra={"unit": "%"},
    )
    hallucination_cost_usd: Usd = Field(
        0,
        title="Cost of one believed error",
        description="Rework, a wrong decision, lost trust: beyond the worth of a right answer.",
        json_schema_extra={"unit": "USD"},
    )
    violation_percent: Percent = Field(
        0,
        title="Wrong answers that break a rule",
        description="Share of the wrong answers that break a policy or a law.",
        json_schema_extra={"unit": "%"},
    )
    incident_percent: Percent = Field(
        0,
        title="Violations that become incidents",
        description="Share that reaches a patient, a client or a regulator.",
        json_schema_extra={"unit": "%"},
    )
    incident_cost_usd: Usd = Field(
        0,
        title="Cost of an incident",
        description="Fine, remedy, lawyers, people.",
        json_schema_extra={"unit": "USD"},
    )
    other_answers_per_month: float = Field(
        0,
        ge=0,
        le=1e12,
        allow_inf_nan=False,
        title="Other answers a month",
        description="Asked of the same model outside the task that it is tuned for: what it "
        "forgets is lost there.",
    )
    other_value_usd: Usd = Field(
        0,
        title="Worth of a right answer there",
        description="What it is worth when such an answer is right instead of wrong.",
        json_schema_extra={"unit": "USD"},
    )
    growth_percent: float = Field(
        0,
        ge=-90,
        le=1_000,
        allow_inf_nan=False,
        title="Growth of answers",
        description="A year, whatever the model.",
        json_schema_extra={"unit": "% a year"},
    )
    growth_per_point_percent: float = Field(
        0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Growth for each accuracy point",
        description="More answers a year for each point over the base model: customers that a "
        "better product wins and keeps. Small gaps compound.",
        json_schema_extra={"unit": "% a year"},
    )
    margin_per_answer_usd: Usd = Field(
        0,
        title="Margin of an answer",
        description="What one more answer that is asked earns, right or wrong, less what serving "
        "it costs.",
        json_schema_extra={"unit": "USD"},
    )
    value_uncertainty_percent: Percent = Field(
        30,
        title="Uncertainty of that worth",
        description="80% range, plus and minus.",
        json_schema_extra={"unit": "%"},
    )
    price_uncertainty_percent: Percent = Field(
        15,
        title="Uncertainty of GPU prices",
        description="80% range over the horizon, plus and minus.",
        json_schema_extra={"unit": "%"},
    )
    adoption_uncertainty_percent: Percent = Field(
        20,
        title="Uncertainty of answers a month",
        description="80% range, plus and minus: how much it is used.",
        json_schema_extra={"unit": "%"},
    )
    time_uncertainty_percent: Percent = Field(
        0,
        title="Uncertainty of training time",
        description="80% range, plus and minus; 0: as published runs differ from the estimate.",
        json_schema_extra={"unit": "%"},
    )
    accuracy_spread_percent: float = Field(
        100,
        ge=0,
        le=300,
        allow_inf_nan=False,
        title="Uncertainty of accuracy",
        description="Of what the studies and your pilot say; 100: as they say.",
        json_schema_extra={"unit": "%"},
    )
    adoption_ramp_months: float = Field(
        0,
        ge=0,
        le=120,
        allow_inf_nan=False,
        title="Ramp-up",
        description="Months from the first release until it gives all answers, in a straight line.",
        json_schema_extra={"unit": "months"},
    )
    horizon_months: int = Field(
        36,
        ge=1,
        le=120,
        title="Horizon",
        description="Months over which cost and value are counted.",
        json_schema_extra={"unit": "months"},
    )
    discount_rate_percent: float = Field(
        10,
        ge=0,
        le=100,
        allow_inf_nan=False,
        title="Discount rate",
        description="A year, effective.",
        json_schema_extra={"unit": "%"},
    )
    start_month: str = Field(
        "",
        max_length=7,
        pattern=MONTH_PATTERN,
        title="Start month",
        description="Month 1, such as 2027-01; blank: the month after today. What is paid at the "
        "start falls on its first day.",
    )
    fiscal_year_start: int = Field(
        1,
        ge=1,
        le=12,
        title="Fiscal year begins in month",
        description="1: January. A fiscal year has the number of the year that it ends in.",
    )
    tax_percent: float = Field(
        0,
        ge=0,
        le=90,
        allow_inf_nan=False,
        title="Tax on profit",
        description="0: before tax. Losses are taken to be set off against other profit at once.",
        json_schema_extra={"unit": "%"},
    )
    capitalised_percent: Percent = Field(
        0,
        title="Capitalised work",
        description="Share of the costs until the first release that is written off in equal "
        "parts; the rest lowers the tax when it is paid.",
        json_schema_extra={"unit": "%"},
    )
    write_off_months: int = Field(
        36,
        ge=1,
        le=240,
        title="Written off over",
        description="From the first whole month in use.",
        json_schema_extra={"unit": "months"},
    )
    money_terms: Literal["nominal", "real"] = Field(
        "nominal",
        title="Money",
        description="Nominal: prices and worths rise with inflation, and the discount rate is a "
        "nominal one. Real: all in money of the start, and the discount rate is a real one.",
    )
    inflation_percent: float = Field(
        0,
        ge=-20,
        le=100,
        allow_inf_nan=False,
        title="Inflation",
        description="A year, of all prices and worths.",
        json_schema_extra={"unit": "% a year"},
    )
    currency: str = Field(
        "USD",
        pattern=CURRENCY_PATTERN,
        title="Currency",
        description="Amounts are shown in it, converted at a dated rate; what you enter is in US "
        "dollars. ISO 4217.",
    )
    exchange_rate_per_usd: float = Field(
        0,
        ge=0,
        le=1e9,
        allow_inf_nan=False,
        title="Exchange rate",
        description="Units of the currency for one US dollar; 0: the dated reference rate.",
    )
    draws: int = Field(
        10_000,
        ge=1_000,
        le=100_000,
        title="Monte Carlo draws",
        description="More draws: steadier ranges.",
    )
    seed: int = Field(
        1,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="The same seed gives the same numbers.",
    )

    # Assumptions of ours that the user changed
    assumptions: dict[str, float] = Field(
        default_factory=dict,
        max_length=100,
        title="Changed assumptions",
        description="Constants of the estimator by their key; the method page lists them.",
    )

    @field_validator("title", "model", mode="after")
    @classmethod
    def _printable(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("must be one line of text without control characters")
        return value

    @field_validator("methods", "accelerators", "providers", mode="after")
    @classmethod
    def _unique(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    def to_query(self) -> str:
        """The scenario as a query string: only what differs from the defaults.

        Notes
        -----
        `fields_from_pairs` turns its pairs back into the members of an equal scenario.
        """
        pairs: list[tuple[str, str]] = []
        for name, value in self.model_dump(mode="json", exclude_defaults=True).items():
            if name == "assumptions":
                pairs += [(f"assumptions.{key}", repr(number)) for key, number in value.items()]
            elif name == "pilot":
                pairs += _pilot_pairs(value)
            elif name == "config_json":
                pairs.append((name, json.dumps(value, separators=(",", ":"))))
            elif isinstance(value, list):
                pairs += [(name, item) for item in value] or [(name, "")]
            elif isinstance(value, bool):
                pairs.append((name, "true" if value else "false"))
            elif isinstance(value, float):
                pairs.append((name, _number(value)))
            else:
                pairs.append((name, str(value)))
        return urlencode(pairs)


SEQUENCE_FIELDS = frozenset({"methods", "accelerators", "providers"})


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _pilot_pairs(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Cells of the pilot that are filled, as ``pilot.ROW.COLUMN``."""
    return [
        (f"pilot.{place}.{column}", _number(cell))
        for place, row in enumerate(rows)
        for column, cell in row.items()
        if cell is not None
    ]


def fields_from_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Form or query pairs as the members of a ScenarioInput.

    Repeated names make a list; a blank entry in a list says "none" (a form needs a way to say that
    no box is ticked); ``assumptions.KEY`` fills the mapping; ``pilot.ROW.COLUMN`` is a cell of the
    pilot, whose blank cells and blank rows are left out; names that are not fields (tracking
    parameters of a mail program, say) are left out.

    Examples
    --------
    >>> fields_from_pairs([("methods", ""), ("methods", "lora"), ("utm_source", "x")])
    {'methods': ['lora']}
    >>> fields_from_pairs([("pilot.7.examples", "500"), ("pilot.0.examples", " ")])
    {'pilot': [{'examples': '500'}]}
    """
    fields: dict[str, Any] = {}
    pilot: dict[int, dict[str, str]] = {}
    for name, value in pairs:
        cell = PILOT_CELL.fullmatch(name)
        if cell is not None:
            if value.strip():
                pilot.setdefault(int(cell["row"]), {})[cell["column"]] = value
        elif name.startswith("assumptions."):
            if value.strip():
                fields.setdefault("assumptions", {})[name.removeprefix("assumptions.")] = value
        elif name in SEQUENCE_FIELDS:
            items: list[str] = fields.setdefault(name, [])
            if value.strip():
                items.append(value.strip())
        elif name in ScenarioInput.model_fields and name != "pilot":
            fields[name] = value
    if pilot:
        fields["pilot"] = [pilot[place] for place in sorted(pilot)]
    return fields
