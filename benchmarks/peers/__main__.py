"""Tunecase and its peers against measured runs: accuracy on the same rows, and plans a second.

Fails where our median error exceeds half of a peer's, or the planner is not fast enough.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks.peers.cases import MEMORY, Case, read_cases
from benchmarks.peers.ours import answer_of_validate, predictions
from benchmarks.peers.scores import (
    ENOUGH,
    QUANTITIES,
    Comparison,
    Prediction,
    Score,
    compare,
    missed,
)

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "app/catalog/measured/runs.csv"
WORKER = Path(__file__).with_name("worker.py")
PEERS = ("ftuneai", "canifinetune", "fitcheck-llm", "vramcalc")
SHOWN_REASONS = 6


def python_of(environment: Path, requirements: str) -> Path:
    """The Python of an environment of the peers."""
    python = environment / "bin/python"
    if not python.exists():
        sys.exit(
            f"{environment.name} is missing. Make it with\n"
            f"  python3 -m venv {environment}\n"
            f"  {python} -m pip install --require-hashes -r requirements/{requirements}"
        )
    return python


def versions(python: Path) -> dict[str, str]:
    """The installed version of each peer."""
    ask = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", ask, *PEERS], capture_output=True, text=True, check=True)
    return dict(zip(PEERS, done.stdout.split(), strict=True))


def peer_predictions(python: Path, peer: str, cases: list[Case]) -> dict[str, Prediction]:
    """Ask one peer about all cases."""
    done = subprocess.run(
        [python, WORKER, peer],
        input=json.dumps([asdict(case) for case in cases]),
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"the worker of {peer} failed: {done.stderr.strip()[-300:]}")
    return {
        case.id: Prediction(
            said["memory_bytes" if case.metric in MEMORY else "tokens_per_s_per_gpu"],
            said["reason"],
        )
        for case, said in zip(cases, json.loads(done.stdout), strict=True)
    }


def percent(score: Score | None) -> str:
    if score is None or score.median is None or score.p90 is None:
        return f"{'-':>7} {'-':>7}"
    return f"{score.median:>7.1%} {score.p90:>7.1%}"


def table(comparisons: Iterable[Comparison]) -> str:
    """The comparisons for a reader."""
    lines = [
        f"{'':<8}{'grades':<8}{'peer':<16}{'rows':>5} {'median':>7} {'P90':>7}   "
        f"{'Tunecase on these':>17} {'skips':>6} {'ratio':>6} {'cannot':>7}"
    ]
    for found in comparisons:
        ratio = "-" if found.ratio is None else f"{found.ratio:.2f}"
        lines.append(
            f"{found.quantity:<8}{found.grades:<8}{found.peer:<16}{found.theirs.n:>5} "
            f"{percent(found.theirs)}   {percent(found.ours):>17} {found.skipped:>6} {ratio:>6} "
            f"{found.undone:>7}"
        )
    return "\n".join(lines)


def reasons(comparisons: Iterable[Comparison]) -> str:
    """Why there is no figure, most frequent first."""
    lines = []
    for found in comparisons:
        if found.grades == "AB" and found.undone:
            shown = [f"{n} {why}" for why, n in list(found.reasons.items())[:SHOWN_REASONS]]
            rest = found.undone - sum(list(found.reasons.values())[:SHOWN_REASONS])
            if rest:
                shown.append(f"{rest} others")
            lines.append(f"  {found.quantity}, {found.peer}: {'; '.join(shown)}")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("table", nargs="?", type=Path, default=TABLE, help="measured runs, as CSV")
    parser.add_argument("--models", type=Path, help="folder of ORG__NAME.json configurations")
    parser.add_argument("--ours", type=Path, help="a saved answer of tunecase validate --json")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument("--part", choices=("accuracy", "plans", "all"), default="all")
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv-peers")
    parser.add_argument("--plans-environment", type=Path, default=ROOT / ".venv-peers-plans")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    document: dict[str, object] = {}
    good = True
    if given.part != "plans":
        python = python_of(given.environment, "peers.txt")
        cases = read_cases(given.table, given.models)
        answer = (
            given.ours.read_text() if given.ours else answer_of_validate(given.table, given.models)
        )
        ours = predictions(answer, cases)
        installed = versions(python)
        theirs = {peer: peer_predictions(python, peer, cases) for peer in PEERS}
        asked = [(quantity, grades) for quantity in QUANTITIES for grades in ("A", "AB")]
        comparisons = [
            compare(peer, cases, theirs[peer], ours, *pair) for pair in asked for peer in PEERS
        ]
        alone = [compare("Tunecase", cases, ours, None, *pair) for pair in asked]
        too_close = missed(comparisons)
        good = not too_close
        document["accuracy"] = {
            "versions": installed,
            "comparisons": [{**asdict(c), "ratio": c.ratio} for c in comparisons],
            "tunecase_on_all": [asdict(c) for c in alone],
            "missed": [f"{c.quantity} {c.grades} {c.peer}" for c in too_close],
        }
        if not given.json:
            print(", ".join(f"{peer} {version}" for peer, version in installed.items()))
            print("Absolute relative error; Tunecase's constants are fitted on such rows.")
            print(table([*comparisons, *alone]))
            print("No figure, and why:")
            print(reasons([*comparisons, *alone]))
            print(
                f"{'ok  ' if good else 'MISS'}  our median at most half of each peer's that does "
                f"{ENOUGH} rows or more" + "".join(f"; {c.quantity} {c.peer}" for c in too_close)
            )
    if given.part != "accuracy":
        # Imported late: it holds this process and its children to one core.
        from benchmarks.peers.plans import AT_LEAST, our_plans_per_second, peer_plans_per_second

        rates = [
            our_plans_per_second(),
            peer_plans_per_second(python_of(given.plans_environment, "peers-plans.txt")),
        ]
        ratio = rates[0].per_second / rates[1].per_second
        good = good and ratio >= AT_LEAST
        document["plans"] = {
            "rates": [{**asdict(rate), "per_second": rate.per_second} for rate in rates],
            "ratio": ratio,
        }
        if not given.json:
            for rate in rates:
                print(
                    f"{rate.who}: {rate.plans:,} plans in {1000 * rate.seconds:.1f} ms, "
                    f"{rate.per_second:,.0f} a second"
                )
            fast = "ok  " if ratio >= AT_LEAST else "MISS"
            print(f"{fast}  {ratio:,.0f} times as many plans a second   limit {AT_LEAST:,.0f}")
    if given.json:
        print(json.dumps(document, indent=1))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
