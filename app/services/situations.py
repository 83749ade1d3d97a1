"""The three ready-made situations: where a reader starts from, every number to be changed.

All figures are our assumptions, chosen to be of a realistic size, unless a comment says otherwise.
None of them decides the answer: the same estimator runs on all.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.inputs import ScenarioInput


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A situation to start from.

    Parameters
    ----------
    name : what it is called.
    question : what a leader asks, in one sentence.
    summary : what makes it different from the others.
    scenario : the filled-in input.
    """

    key: str
    name: str
    question: str
    summary: str
    scenario: ScenarioInput


DEEP_DOMAIN = ReadyMade(
    "deep-domain",
    "Deep domain",
    "Should our bank's risk-analysis model learn regulatory language for good?",
    "Specialist knowledge that the base model lacks; few answers, each one worth a lot.",
    ScenarioInput(
        title="Risk analysis on regulatory language",
        situation="deep-domain",
        # Far from what the base model knows: about half of its answers are right today.
        task_group="far",
        base_accuracy_points=48,
        test_set_size=800,
        # Rulebooks, supervisory letters and in-house opinions, turned into questions and answers.
        examples=120_000,
        tokens_per_example=1_400,
        epochs=3,
        sequence_length=4096,
        # A wide adapter, because there is much to learn.
        lora_rank=256,
        qlora_rank=64,
        experiments=10,
        engineer_weeks_full=10,
        engineer_weeks_adapter=7,
        # Review of the training set by risk specialists.
        data_preparation_usd=60_000,
        # Rules change about twice a year; each release is validated as a model in the bank's
        # inventory.
        releases_per_year=2,
        release_fixed_usd=12_000,
        # One entry in the inventory of models: documentation, monitoring, yearly review.
        artefact_year_usd=8_000,
        # Rules and the passages that a question is about come with it.
        prompt_tokens=3_000,
        completion_tokens=400,
        # About 40 analysts with 100 questions a month; a right answer spares 10 to 15 minutes.
        answers_per_month=4_000,
        value_per_correct_answer_usd=18,
        # One wrong answer in ten states a rule that does not exist and is believed: a half-day to
        # find and to mend.
        hallucination_percent=10,
        hallucination_cost_usd=120,
        # The same analysts draft letters and summaries with it.
        other_answers_per_month=2_000,
        other_value_usd=4,
        value_uncertainty_percent=40,
        horizon_months=36,
        discount_rate_percent=10,
    ),
)

CONTROLLED_BEHAVIOUR = ReadyMade(
    "controlled-behaviour",
    "Controlled behaviour",
    "Which method makes our clinical assistant keep to its rules, audit included?",
    "Accuracy here is the share of answers that keep to the policy; every release is audited.",
    ScenarioInput(
        title="Clinical documentation assistant within policy",
        situation="controlled-behaviour",
        # A fixed format and a fixed set of rules; the base model keeps to them most of the time.
        task_group="narrow",
        base_accuracy_points=82,
        # Violations are rare, so they are only seen in a large test set.
        test_set_size=2_000,
        examples=40_000,
        tokens_per_example=700,
        epochs=3,
        lora_rank=32,
        qlora_rank=32,
        experiments=8,
        engineer_weeks_full=8,
        engineer_weeks_adapter=6,
        # Labelling by clinicians.
        data_preparation_usd=45_000,
        releases_per_year=3,
        # External audit and re-validation, each time.
        release_fixed_usd=25_000,
        # Each released model is watched, documented and reviewed for the regulator.
        artefact_year_usd=15_000,
        answers_per_month=60_000,
        # Rework by a clinician after a violation that is caught.
        value_per_correct_answer_usd=1.5,
        # Accuracy is the share that keeps to the policy, so every wrong answer breaks it; one in
        # 20,000 of them reaches a patient.
        violation_percent=100,
        incident_percent=0.005,
        incident_cost_usd=25_000,
        # Plain questions of clinicians, which the rules are not about.
        other_answers_per_month=10_000,
        other_value_usd=0.5,
        value_uncertainty_percent=60,
        horizon_months=36,
        discount_rate_percent=8,
    ),
)

CORE_PRODUCT = ReadyMade(
    "core-product",
    "Core product",
    "Our product is the model: is the last point of accuracy worth full fine-tuning?",
    "High volume and frequent releases: small gaps add up, and so does the cost of each release.",
    ScenarioInput(
        title="Coding assistant of an AI-native product",
        situation="core-product",
        task_group="skill",
        base_accuracy_points=64,
        test_set_size=3_000,
        examples=300_000,
        tokens_per_example=1_100,
        epochs=2,
        sequence_length=4096,
        global_batch_sequences=128,
        lora_rank=128,
        qlora_rank=64,
        experiments=20,
        experiment_size_percent=25,
        engineer_weeks_full=12,
        engineer_weeks_adapter=8,
        # A product team's own engineers, above the default.
        engineer_week_usd=4_800,
        data_preparation_usd=80_000,
        # A release every two months after the first.
        releases_per_year=6,
        release_fixed_usd=4_000,
        # A month later is a month in which a competitor's assistant is the better one.
        delay_cost_usd_per_month=10_000,
        # One model for each of three plans.
        variants=3,
        prompt_tokens=1_500,
        completion_tokens=250,
        max_ms_per_token=30,
        answers_per_month=3_000_000,
        # Revenue kept, per answer that is right instead of wrong.
        value_per_correct_answer_usd=0.06,
        # The market grows, and a point of accuracy adds customers to it.
        growth_percent=30,
        growth_per_point_percent=0.5,
        margin_per_answer_usd=0.01,
        value_uncertainty_percent=40,
        horizon_months=24,
        discount_rate_percent=12,
    ),
)

SITUATIONS: tuple[ReadyMade, ...] = (DEEP_DOMAIN, CONTROLLED_BEHAVIOUR, CORE_PRODUCT)
