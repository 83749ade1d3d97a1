"""Hugging Face ``config.json`` to `Architecture`; what is not understood is refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from app.catalog.families import FAMILIES, NOTHING_SAID, library
from app.catalog.families.fields import Fields, shown
from app.catalog.families.parts import architecture
from app.estimator.architecture import Architecture
from app.estimator.errors import InvalidSpec, UnknownArchitecture

UNDERSTOOD = tuple(sorted(FAMILIES))


def architecture_from_config(name: str, config: Mapping[str, object]) -> Architecture:
    """Read the shape of a decoder from its configuration.

    Parameters
    ----------
    name : what to call the model.
    config : the parsed ``config.json``; of a multi-modal model the text part is read.

    Raises
    ------
    UnknownArchitecture : naming the key that was not understood, and what would do.

    Notes
    -----
    Layers and defaults of absent keys are those of transformers 5.23.0. Keys that change the layers
    of another family are refused where this one does not have them.

    Examples
    --------
    >>> smol = {"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
    ...         "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
    ...         "vocab_size": 49152, "tie_word_embeddings": True}
    >>> architecture_from_config("SmolLM2 135M", smol).parameter_count
    134515008
    """
    text, model_type = _text_part(config)
    said = library().get(model_type, NOTHING_SAID)
    fields = Fields(model_type, text, said.defaults, said.aliases)
    try:
        found = architecture(name, fields, FAMILIES[model_type](fields))
    except InvalidSpec as error:
        raise UnknownArchitecture("config", str(error)) from error
    fields.refuse_unread()
    return found


def _text_part(config: Mapping[str, object]) -> tuple[dict[str, object], str]:
    """Find the part of the configuration that describes an understood decoder."""
    model_type = config.get("model_type")
    text = config.get("text_config")
    part = dict(config)
    if not _is_family(model_type) and isinstance(text, Mapping):
        part, model_type = dict(text), text.get("model_type")
        if "tie_word_embeddings" in config:
            part.setdefault("tie_word_embeddings", config["tie_word_embeddings"])
    if isinstance(model_type, str) and _is_family(model_type):
        return part, model_type
    found = "is absent" if model_type is None else f"is {shown(model_type)}"
    raise UnknownArchitecture("model_type", f"{found}; understood are {', '.join(UNDERSTOOD)}")


def _is_family(model_type: object) -> bool:
    return isinstance(model_type, str) and model_type in FAMILIES
