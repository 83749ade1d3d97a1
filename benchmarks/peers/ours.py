"""What Tunecase predicts for a table of measured runs: the answer of `tunecase validate --json`.

The only place that knows that answer's form: a list of rows, or an object that has it under
``rows``; a row has ``id``, ``measured``, ``predicted`` (in the unit of the table) and ``skipped``
(the reason, where there is no prediction).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.peers.cases import GIB, MEMORY, Case
from benchmarks.peers.scores import Prediction

LONGEST_S = 600


def answer_of_validate(table: Path, models: Path | None) -> str:
    """Run the command in the environment of this process."""
    command = [sys.executable, "-m", "app.cli", "validate", str(table), "--json"]
    if models is not None:
        command += ["--models", str(models)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
    # 1: a check failed, for example too wide an error; the rows are there all the same.
    if done.returncode not in (0, 1) or not done.stdout.strip():
        raise RuntimeError(f"tunecase validate failed: {done.stderr.strip()[-300:]}")
    return done.stdout


def predictions(answer: str, cases: Iterable[Case]) -> dict[str, Prediction]:
    """A prediction, or the reason why there is none, for each case.

    Parameters
    ----------
    answer : the JSON that the command printed.
    """
    document = json.loads(answer)
    rows = document if isinstance(document, list) else document["rows"]
    by_id: Mapping[str, Mapping[str, Any]] = {row["id"]: row for row in rows}
    return {case.id: _prediction(by_id.get(case.id), case) for case in cases}


def _prediction(row: Mapping[str, Any] | None, case: Case) -> Prediction:
    if row is None:
        return Prediction(None, "not in the answer")
    value = row.get("predicted")
    if value is None:
        return Prediction(None, str(row.get("skipped") or "no reason given"))
    return Prediction(float(value) * (GIB if case.metric in MEMORY else 1.0))
