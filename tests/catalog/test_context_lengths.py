"""How long a text the built-in models take, against what their publishers say."""

from __future__ import annotations

import pytest

from app.catalog.catalog import Catalog


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        # config.json as transformers 4.39.1 prints it; Touvron et al., arXiv:2307.09288, table 1
        ("meta-llama/Llama-2-7b-hf", 4096),
        ("meta-llama/Llama-2-13b-hf", 4096),
        ("meta-llama/Llama-2-70b-hf", 4096),
        # "The current config.json is set for context length up to 65,536 tokens": model card
        ("HuggingFaceTB/SmolLM3-3B", 65_536),
        # "128k context window": model card
        ("mistralai/Mistral-Large-Instruct-2407", 131_072),
        # printed copies of config.json; the Instruct model has 32,768
        ("Qwen/Qwen2-7B", 131_072),
        # Grattafiori et al., arXiv:2407.21783, table 3
        ("meta-llama/Meta-Llama-3.1-8B", 131_072),
        # in its name, and Abdin et al., arXiv:2404.14219, section 2
        ("microsoft/Phi-3-mini-4k-instruct", 4096),
    ],
)
def test_a_model_takes_as_many_tokens_as_its_publisher_says(
    catalog: Catalog, model: str, tokens: int
) -> None:
    assert catalog.models[model].architecture.max_position_embeddings == tokens
