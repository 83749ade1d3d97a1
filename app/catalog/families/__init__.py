"""Decoder families: what each makes of a configuration, and what absent keys stand for.

A family is a function from the keys of a ``config.json`` to a description of its blocks. The
modules and their defaults are those of transformers 5.23.0 (``defaults.json`` is taken from its
configuration classes by ``tests/reference/make_tables.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from app.catalog.families import experts, fused, gemma, gpt, latent, llama, olmo, parallel
from app.catalog.families.parts import Family

FAMILIES: dict[str, Family] = {
    "apertus": llama.apertus,
    "arcee": llama.arcee,
    "bloom": gpt.bloom,
    "cohere": parallel.cohere,
    "cohere2": parallel.cohere2,
    "cwm": llama.cwm,
    "deepseek_v2": latent.deepseek_v2,
    "deepseek_v3": latent.deepseek_v3,
    "dots1": experts.dots1,
    "ernie4_5": llama.ernie,
    "exaone4": olmo.exaone4,
    "falcon": parallel.falcon,
    "gemma": gemma.gemma,
    "gemma2": gemma.gemma2,
    "gemma3_text": gemma.gemma3,
    "glm": fused.glm,
    "glm4": fused.glm4,
    "glm4_moe": experts.glm4_moe,
    "gpt2": gpt.gpt2,
    "gpt_bigcode": gpt.gpt_bigcode,
    "gpt_neo": gpt.gpt_neo,
    "gpt_neox": parallel.gpt_neox,
    "gpt_oss": experts.gpt_oss,
    "gptj": parallel.gptj,
    "granite": llama.granite,
    "granitemoe": experts.granitemoe,
    "granitemoeshared": experts.granitemoe,
    "helium": llama.helium,
    "hunyuan_v1_dense": llama.hunyuan_dense,
    "llama": llama.llama,
    "llama4_text": experts.llama4,
    "minimax_m2": experts.minimax_m2,
    "ministral": llama.ministral,
    "ministral3": llama.ministral3,
    "mistral": llama.mistral,
    "mixtral": experts.mixtral,
    "mpt": gpt.mpt,
    "nemotron": llama.nemotron,
    "olmo": olmo.olmo,
    "olmo2": olmo.olmo2,
    "olmo3": olmo.olmo3,
    "olmoe": experts.olmoe,
    "opt": gpt.opt,
    "phi": parallel.phi,
    "phi3": fused.phi3,
    "qwen": fused.qwen,
    "qwen2": llama.qwen2,
    "qwen2_moe": experts.qwen2_moe,
    "qwen3": llama.qwen3,
    "qwen3_moe": experts.qwen3_moe,
    "seed_oss": llama.seed_oss,
    "smollm3": llama.smollm3,
    "stablelm": llama.stablelm,
    "starcoder2": llama.starcoder2,
}


class Library(NamedTuple):
    """What transformers says of the keys of one family."""

    defaults: Mapping[str, object]
    aliases: Mapping[str, str]


NOTHING_SAID = Library({}, {})


@cache
def library() -> dict[str, Library]:
    """Default values and other names of keys, by family."""
    text = Path(__file__).with_name("defaults.json").read_text(encoding="utf-8")
    return {family: Library(**said) for family, said in json.loads(text).items()}
