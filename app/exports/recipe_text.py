"""Text of recipes: literals that stay literals whatever a user typed, and launch scripts."""

from __future__ import annotations

import re
import shlex

from app.exports.recipe import RecipeFile, RecipeInput

LAUNCH_HEAD = """\
#!/usr/bin/env bash
set -euo pipefail
: "${LEARNING_RATE:?choose one; the estimate does not depend on it}"
export LEARNING_RATE
"""

NODES_HEAD = """\
# Run this on every node, NODE_RANK counting from 0 and MASTER_ADDR the first node.
: "${NODE_RANK:?}" "${MASTER_ADDR:?}"
"""


def python_text(value: object) -> str:
    r"""A Python literal in printable ASCII.

    Examples
    --------
    >>> python_text("a'b\n\u202e")
    '"a\'b\\n\\u202e"'
    """
    return ascii(value)


def yaml_text(value: str) -> str:
    r"""A double-quoted YAML scalar in printable ASCII.

    References
    ----------
    [1] YAML 1.2.2, section 5.7, escape sequences.

    Examples
    --------
    >>> yaml_text('a"b\n\u2028\U0001F600')
    '"a\\"b\\x0a\\u2028\\U0001f600"'
    """

    def written(character: str) -> str:
        code = ord(character)
        if character in '"\\':
            return "\\" + character
        if 0x20 <= code < 0x7F:
            return character
        if code <= 0xFF:
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    return '"' + "".join(map(written, value)) + '"'


def shell_text(value: str) -> str:
    r"""One word of a shell command, in printable ASCII where it can be.

    Notes
    -----
    What does not print is written in bash's ``$'...'`` form, so that a listing shows what it is.

    Examples
    --------
    >>> shell_text("a b; rm -rf /"), shell_text("a\nb")
    ("'a b; rm -rf /'", "$'a\\x0ab'")
    """
    if value.isascii() and value.isprintable():
        return shlex.quote(value)

    def written(character: str) -> str:
        code = ord(character)
        if character in "'\\":
            return "\\" + character
        if 0x20 <= code < 0x7F:
            return character
        if code < 0x80:
            return f"\\x{code:02x}"
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"

    return "$'" + "".join(map(written, value)) + "'"


def torchrun(recipe: RecipeInput, program: str = "torchrun") -> str:
    """The launcher with its GPUs and nodes, up to the script; one line per option.

    References
    ----------
    [1] PyTorch 2, ``torch.distributed.run``.
    """
    words = [program, f"--nproc-per-node={recipe.gpus_per_node}", f"--nnodes={recipe.nodes}"]
    if recipe.nodes > 1:
        words += [
            '--node-rank="$NODE_RANK"',
            '--master-addr="$MASTER_ADDR"',
            '--master-port="${MASTER_PORT:-29500}"',
        ]
    return " \\\n  ".join(words)


def launch_file(recipe: RecipeInput, command: str, *, before: str = "") -> RecipeFile:
    """``launch.sh``: checks what must be given, then runs the command."""
    nodes = NODES_HEAD if recipe.nodes > 1 else ""
    return RecipeFile("launch.sh", "bash", LAUNCH_HEAD + nodes + before + command.rstrip() + "\n")


def plain_name(model: str) -> str:
    """The model's name without owner and variant, for looking it up.

    Examples
    --------
    >>> plain_name("meta-llama/Meta-Llama-3.1-8B-Instruct"), plain_name("Qwen/Qwen2.5-7B")
    ('llama-3.1-8b', 'qwen2.5-7b')
    >>> plain_name("mistralai/Mistral-7B-Instruct-v0.2")
    'mistral-7b-v0.2'
    """
    name = model.rsplit("/", 1)[-1].lower().removeprefix("meta-")
    return re.sub(r"-(instruct|chat|hf|base|it)(?=-|$)", "", name)
