"""The command line: which cases, in which file, and what went wrong."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from .cases import Case, UnusableInput, built_in_models, enumerate_cases, find_models
from .table import Device, Outcome, accelerator, append, read_runs, rows

Ask = Callable[[dict[str, Any]], dict[str, Any]]

CHOICES = {
    "--methods": ("full", "lora", "qlora"),
    "--checkpointing": ("none", "full"),
    "--attention": ("sdpa", "eager"),
    "--precisions": ("bf16", "autocast"),
    "--optimizers": ("fused", "foreach", "8bit", "paged-8bit"),
    "--adapter-dtypes": ("fp32", "bf16"),
}
DEFAULT_MODELS = {
    "cuda": "Qwen/Qwen2.5-0.5B,meta-llama/Llama-3.2-1B,meta-llama/Meta-Llama-3.1-8B",
    "cpu": "tiny",
}


class CaseFailed(RuntimeError):  # noqa: N818 - what it says is for a person to read
    """A case that ended otherwise than with figures or out of memory."""


def words(text: str) -> list[str]:
    """Items between commas, each once."""
    items = list(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))
    if not items:
        raise argparse.ArgumentTypeError("nothing is named")
    return items


def one_of(*allowed: str) -> Callable[[str], list[str]]:
    """Items between commas that must be among those allowed."""

    def parse(text: str) -> list[str]:
        for item in words(text):
            if item not in allowed:
                raise argparse.ArgumentTypeError(f"{item!r} is none of {', '.join(allowed)}")
        return words(text)

    return parse


def positive(text: str) -> int:
    """A whole number of at least 1."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def numbers(text: str) -> list[int]:
    """Whole numbers of at least 1 between commas."""
    return [positive(item) for item in words(text)]


def make_parser() -> argparse.ArgumentParser:
    """All options. Those that name several items take them with commas between."""
    parser = argparse.ArgumentParser(
        prog="measure_gpu.py",
        description="Measure training steps on this machine. See docs/measuring.md.",
        epilog=f"Built-in models: {', '.join(built_in_models())}.",
    )
    add = parser.add_argument
    add("--out", type=Path, metavar="FILE.csv", help="table to append to; its runs are not redone")
    add("--list", action="store_true", help="print the cases and stop")
    add("--device", choices=("cuda", "cpu"), default="cuda")
    add("--models", type=words, help="names, config.json files, or folders of ORG__NAME.json")
    add("--lengths", type=numbers, default="512,2048,8192", help="tokens of a sequence")
    add("--micro-batches", type=numbers, default="1,4", help="sequences of a step")
    first = {"--precisions": "bf16", "--attention": "sdpa", "--optimizers": "fused"}
    for option, allowed in CHOICES.items():
        default = first.get(option, "fp32" if option == "--adapter-dtypes" else ",".join(allowed))
        add(option, type=one_of(*allowed), default=default, help=f"of {', '.join(allowed)}")
    add("--rank", type=positive, default=16, help="adapter rank")
    add("--targets", default="all-linear", help="all-linear, attention, or module names")
    add("--steps", type=positive, default=10, help="timed steps")
    add("--warmup", type=positive, default=3, help="steps before those")
    add("--gpu", default="", help="key of the accelerator, where its name is not recognised")
    add("--smi", action="store_true", help="also what nvidia-smi says is used, by every process")
    add("--answer", action="store_true", help=argparse.SUPPRESS)
    return parser


def ask_child(request: dict[str, Any]) -> dict[str, Any]:
    """Have a fresh process answer, so that nothing of one case is left for the next.

    Raises
    ------
    CaseFailed
        If it ended without an answer, with what it said last.
    UnusableInput
        If it could not start for want of a library or a device.
    """
    script = Path(__file__).parent.parent / "measure_gpu.py"
    ended = subprocess.run(
        [sys.executable, str(script), "--answer"],
        input=json.dumps(request),
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    last = ended.stdout.strip().rpartition("\n")[2]
    if ended.returncode or not last.startswith("{"):
        reason = ended.stderr.strip().rpartition("\n")[2] or "without a word"
        raise CaseFailed(f"status {ended.returncode}: {reason}")
    said: dict[str, Any] = json.loads(last)
    if "unusable" in said:
        raise UnusableInput(said["unusable"])
    return said


def chosen_cases(options: argparse.Namespace) -> list[Case]:
    """The cases that the options describe, without those that no library can quantize."""
    models = find_models(options.models or words(DEFAULT_MODELS[options.device]))
    targets = options.targets.replace(" ", "").strip(",")
    if not targets:
        raise UnusableInput("--targets: nothing is named")
    return [
        case
        for case in enumerate_cases(
            models,
            methods=options.methods,
            lengths=options.lengths,
            micro_batches=options.micro_batches,
            checkpointing=options.checkpointing,
            attention=options.attention,
            precisions=options.precisions,
            optimizers=options.optimizers,
            adapter_dtypes=options.adapter_dtypes,
            rank=options.rank,
            targets=targets,
        )
        if not is_unquantizable(case)
    ]


def is_unquantizable(case: Case) -> bool:
    """QLoRA of fused experts: transformers keeps them in one tensor, which stays in bf16."""
    return case.method == "qlora" and case.model.is_moe


def needs_bitsandbytes(case: Case) -> bool:
    """Whether a case cannot run without that library."""
    return case.method == "qlora" or case.optimizer.endswith("8bit")


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(text, file=sys.stderr, flush=True)


def shown(case_rows: list[dict[str, str]]) -> str:
    """The figures of a case in one line."""
    names = [
        row["printed_metric"] if row["metric"] == "other" else row["metric"] for row in case_rows
    ]
    return "   ".join(f"{name} {row['value']}" for name, row in zip(names, case_rows, strict=True))


def measure_all(cases: list[Case], options: argparse.Namespace, ask: Ask, today: date) -> int:
    """Measure what is not in the file yet; 1 if a case failed, else 0."""
    if options.out is None:
        raise UnusableInput("--out: name the table to append to, or --list to see the cases")
    _, done = read_runs(options.out)
    try:
        device = Device(**ask({"device": options.device}))
    except CaseFailed as error:
        raise UnusableInput(f"--device {options.device}: {error}") from None
    if not cases:
        raise UnusableInput("--methods: qlora of a mixture of experts cannot be measured")
    if "bitsandbytes" not in device.versions:
        able = [case for case in cases if not needs_bitsandbytes(case)]
        if len(able) < len(cases):
            say(f"left out, for want of bitsandbytes: {len(cases) - len(able)} cases")
        cases = able
    key, form = accelerator(device, options.gpu)
    if not form and device.kind == "cuda":
        say(f"{device.name} is in no table of ours; --gpu KEY says which accelerator it is")
    failed = 0
    for number, case in enumerate(cases, 1):
        run = case.run_id(key)
        if run in done:
            say(f"[{number}/{len(cases)}] {run}: in {options.out.name} already")
            continue
        request = {
            "case": case.as_json(),
            "device": options.device,
            "steps": options.steps,
            "warm_up": options.warmup,
            "smi": options.smi,
        }
        try:
            outcome = Outcome(**ask(request))
        except CaseFailed as error:
            failed += 1
            say(f"[{number}/{len(cases)}] {run}: failed with {error}")
            continue
        made = rows(case, device, outcome, today, options.gpu)
        append(options.out, made)
        say(f"[{number}/{len(cases)}] {run}: {shown(made)}")
    if failed:
        say(f"{failed} of {len(cases)} cases failed and are not in {options.out}")
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None, ask: Ask = ask_child) -> int:
    """Run the script: 0, 1 if a case failed, 2 on unusable input."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = make_parser()
    if not given:
        parser.print_help()
        return 0
    options = parser.parse_args(given)
    if options.answer:
        from .training import answer

        print(json.dumps(answer(json.load(sys.stdin))))
        return 0
    try:
        cases = chosen_cases(options)
        if options.list:
            print("\n".join(case.key for case in cases))
            return 0
        return measure_all(cases, options, ask, date.today())  # noqa: DTZ011 - the day here
    except UnusableInput as error:
        print(f"measure_gpu.py: {error}", file=sys.stderr)
        return 2
