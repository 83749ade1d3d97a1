"""Model, data and software of a result, and how sure the estimate is of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.estimator.report import Report
from app.estimator.tokens import PACKINGS
from app.web import show_amounts, show_numbers, show_words
from app.web.figures import currency_of, name_within
from app.web.result_parts import Detail

_ATTENTION = {"sdpa": "in one kernel (flash)", "eager": "written out"}


def model_details(report: Report) -> Iterator[Detail]:
    """The base model, its data and what one point of accuracy is worth."""
    model, data = report.model, report.data
    yield Detail("Base model", model.label)
    yield Detail(
        "Parameters", f"{model.parameters:,} ({show_numbers.count_short(model.parameters)})"
    )
    if model.active_parameters < model.parameters:
        yield Detail(
            "Active parameters",
            f"{model.active_parameters:,} ({show_numbers.count_short(model.active_parameters)}): a "
            f"token meets {show_numbers.share(model.active_parameters / model.parameters)} of them "
            "(mixture of experts)",
        )
    yield Detail(
        "Shape",
        f"{show_words.plural(model.layers, 'layer')}, width {model.hidden_size:,}, vocabulary "
        f"{model.vocab_size:,}",
    )
    yield Detail(
        "Training data",
        f"{show_words.plural(data.examples, 'example')} × "
        f"{show_words.plural(data.tokens_per_example, 'token')} × "
        f"{show_words.with_unit(show_numbers.significant(data.epochs), 'epochs')}; "
        f"{show_words.with_unit(show_numbers.count_short(data.tokens_per_run), 'tokens a run')}, "
        "without padding",
    )
    yield Detail(
        "Steps",
        f"{show_words.plural(data.steps_per_run, 'step')} of "
        f"{show_words.plural(data.global_batch_sequences, 'sequence')} of up to "
        f"{show_words.plural(data.sequence_length, 'token')}",
    )
    if report.schema > 1:
        yield Detail("How examples become sequences", PACKINGS.get(data.packing, data.packing))
        yield Detail(
            "Padding and cuts",
            f"{show_numbers.share(data.padding_fraction)} of the computed tokens is padding (at "
            f"micro-batch 1); {show_numbers.share(data.truncated_fraction)} of the examples are "
            "cut",
        )
        yield Detail(
            "Evaluation during a run",
            show_words.with_unit(show_numbers.count_short(data.evaluation_tokens_per_run), "tokens")
            if data.evaluation_tokens_per_run
            else "none",
        )
    yield Detail(
        "Worth of one accuracy point",
        f"{show_amounts.usd(report.value_per_point_month_usd, currency_of(report))} a month",
    )


def software_details(report: Report) -> Iterator[Detail]:
    """What runs a step; nothing in reports of the first schema, which do not say."""
    software = report.software
    if not software.stack:
        return
    yield Detail("Training software", software.label)
    yield Detail("Precision of full fine-tuning", software.precision_label)
    yield Detail("Optimizer", software.optimizer_label)
    yield Detail("Loss", software.loss_label)
    yield Detail("Adapters", f"held in {software.adapter_dtype}")
    yield Detail("Matrix products", f"in {software.compute}")
    yield Detail("Attention", _ATTENTION.get(software.attention, software.attention))


def software_line(report: Report, unfitted: Mapping[str, str] | None = None) -> str:
    """The software of a step, and whether the fit has seen runs of it and of the GPUs.

    Parameters
    ----------
    unfitted : see `view`.
    """
    software = report.software
    if not software.stack:
        return ""
    sure = {
        (True, True): "calibrated on published runs",
        (True, False): "times calibrated on published runs, memory not: its ranges are wider",
        (False, True): "memory calibrated on published runs, times not: their ranges are wider",
        (False, False): "not calibrated on any published run: ranges are wider",
    }[software.time_calibrated, software.memory_calibrated]
    line = f"Training software: {software.label}, {sure}."
    classes = _unfitted(report, unfitted)
    if classes and software.time_calibrated:
        line += (
            f" None of the runs behind the times is of {show_words.join_words(list(classes))} GPUs."
        )
    return line


def _unfitted(report: Report, unfitted: Mapping[str, str] | None) -> dict[str, list[str]]:
    """Classes of chips of the chosen plans that the fit has seen no run of, with their methods."""
    found: dict[str, list[str]] = {}
    for m in report.methods:
        name = (unfitted or {}).get(m.plan.accelerator) if m.plan is not None else None
        if name is not None:
            found.setdefault(name, []).append(name_within(m.method))
    return found


def notes(report: Report, unfitted: Mapping[str, str] | None) -> tuple[str, ...]:
    """What to know first: the notes of the report, and what follows from its GPUs and software."""
    found = list(report.notes)
    for name, methods in _unfitted(report, unfitted).items():
        found.append(
            f"The plans of {show_words.join_words(methods)} are on {name} GPUs, and no run of that "
            "class was part of the fit: their hours are carried over from other classes. The "
            "method page shows how far off known runs are, by GPU."
        )
    adapters = any(m.rank is not None for m in report.methods)
    if report.software.adapter_dtype != "fp32" or not adapters:
        return tuple(found)
    return (
        *found,
        "Adapters are held in fp32, as peft does by default: each keeps an fp32 copy of its input "
        "for the backward pass, so LoRA can hold more activation memory than full fine-tuning.",
    )
