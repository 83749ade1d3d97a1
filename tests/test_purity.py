"""The estimator is pure: no clock, no input or output, no environment, no global randomness."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ESTIMATOR = Path(__file__).parents[1] / "app" / "estimator"
MODULES = sorted(ESTIMATOR.rglob("*.py"))

FORBIDDEN_MODULES = {
    *("asyncio", "csv", "datetime.datetime", "glob", "http", "io", "json", "locale", "logging"),
    *("os", "pathlib", "pickle", "random", "secrets", "shutil", "socket", "sqlite3", "subprocess"),
    *("sys", "tempfile", "threading", "time", "urllib", "uuid", "warnings"),
}
FORBIDDEN_CALLS = {"breakpoint", "eval", "exec", "input", "open", "print", "__import__"}
CLOCKS = {"now", "today", "utcnow", "fromtimestamp"}
FILES = {"load", "save", "savez", "savetxt", "loadtxt", "genfromtxt", "fromfile", "tofile"}


def impurities(source: str) -> list[str]:
    """What a module does that a pure one does not, with the line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            names = []
        found += [
            f"{line}: import {name}"
            for name in names
            if name in FORBIDDEN_MODULES or name.split(".")[0] in FORBIDDEN_MODULES
        ]
        if isinstance(node, ast.Global):
            found.append(f"{line}: global")
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        last = called.rsplit(".", 1)[-1]
        if called in FORBIDDEN_CALLS:
            found.append(f"{line}: {called}()")
        elif last in CLOCKS:
            found.append(f"{line}: clock {called}()")
        elif called.startswith("np.") and last in FILES:
            found.append(f"{line}: file {called}()")
        elif re.fullmatch(r"(np|numpy)\.random\.\w+", called):
            seeded = last == "default_rng" and bool(node.args or node.keywords)
            if not seeded:
                found.append(f"{line}: unseeded {called}()")
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_estimator_is_pure(module: Path) -> None:
    assert impurities(module.read_text(encoding="utf-8")) == []


def test_there_is_an_estimator() -> None:
    assert len(MODULES) > 20


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from time import monotonic",
        "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nnp.random.default_rng()",
        "from datetime import date\ndate.today()",
        "print(1)",
        "open('x')",
        "import numpy as np\nnp.loadtxt('x')",
        "def f():\n    global x\n    x = 1",
    ],
)
def test_the_check_itself_finds_what_is_not_pure(source: str) -> None:
    assert len(impurities(source)) == 1


def test_the_check_itself_lets_a_seeded_generator_pass() -> None:
    assert impurities("import numpy as np\nnp.random.default_rng(case.seed).random(3)") == []
