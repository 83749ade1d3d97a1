"""A scenario as the body of a request, with its examples."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body

from app.inputs import ScenarioInput

EXAMPLES: dict[str, Any] = {
    "three methods": {
        "summary": "Llama 3.1 8B on 50,000 legal documents, full against LoRA and QLoRA",
        "value": {
            "title": "Legal documents",
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
        },
    },
    "defaults": {"summary": "Every field has a default", "value": {}},
}

ScenarioBody = Annotated[ScenarioInput, Body(openapi_examples=EXAMPLES)]
