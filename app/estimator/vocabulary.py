"""Vocabulary resize, and token tables and heads that are trained beside adapters."""

from __future__ import annotations

from dataclasses import dataclass

from app.estimator.errors import InvalidSpec


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The token table and head after a resize, and what of them is trained beside adapters.

    Parameters
    ----------
    size : words, rounded up. [count]
    added_parameters : of the grown tables, in the base model. [count]
    trained_parameters : of the tables that are trained in full beside adapters. [count]
    copied_parameters : frozen originals that stay in memory beside the trained copies. [count]
    """

    size: int
    added_parameters: int
    trained_parameters: int
    copied_parameters: int


def resized_vocabulary(
    *,
    vocab_size: int,
    hidden_size: int,
    tied: bool,
    new_tokens: int = 0,
    multiple: int = 64,
    trained: tuple[str, ...] = (),
) -> Vocabulary:
    """Parameters that new words add, and those trained in full beside adapters.

    Parameters
    ----------
    vocab_size, new_tokens : words before, and words added. [count]
    tied : whether the head is the token table.
    multiple : the size is rounded up to one, where words are added.
    trained : ``embed_tokens`` and ``lm_head``, those trained beside adapters; empty for full
        fine-tuning, which trains all of them anyway.

    Raises
    ------
    InvalidSpec : a negative number or an unknown table.

    Notes
    -----
    peft's ``modules_to_save`` trains a full copy of a module and keeps the frozen original, so each
    trained table is in memory twice, once with gradients and optimizer states. Untied tables count
    one by one; tied ones are one table where peft keeps them tied (``ensure_weight_tying=True``),
    as the recipes ask.

    References
    ----------
    [1] peft 0.21, ``LoraConfig.modules_to_save`` and ``ensure_weight_tying``.
    [2] transformers 5.23, ``resize_token_embeddings(pad_to_multiple_of=64)``.

    Examples
    --------
    >>> resized_vocabulary(vocab_size=32000, hidden_size=4096, tied=False, new_tokens=100,
    ...                    trained=("embed_tokens", "lm_head"))
    Vocabulary(size=32128, added_parameters=1048576, trained_parameters=263192576, \
copied_parameters=263192576)
    """
    unknown = set(trained) - {"embed_tokens", "lm_head"}
    if unknown:
        raise InvalidSpec(f"no table {min(unknown)}; use embed_tokens and lm_head")
    if min(vocab_size, hidden_size, multiple) < 1 or new_tokens < 0:
        raise InvalidSpec("sizes of a vocabulary are 1 or more, new words 0 or more")
    size = vocab_size
    if new_tokens:
        size = -(-(vocab_size + new_tokens) // multiple) * multiple
    tables = 1 if tied else 2
    learned = min(len(set(trained)), tables) * size * hidden_size
    return Vocabulary(
        size=size,
        added_parameters=(size - vocab_size) * hidden_size * tables,
        trained_parameters=learned,
        copied_parameters=learned,
    )
