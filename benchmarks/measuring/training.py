"""Real training steps with transformers, peft and bitsandbytes, on weights made up on the spot.

Runs in a process of its own for each case, so that no case sees what another left behind.
"""

from __future__ import annotations

import importlib.metadata
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from .cases import ADAPTED, Case, UnusableInput
from .memory import CPU_NOTE, cpu_peak, nvidia_smi, smi_bytes, tensors_alive
from .table import Device, Outcome

LIBRARIES = ("torch", "transformers", "peft", "accelerate", "bitsandbytes")
STANDARD_DEVIATION = 0.02
# What torch, cuBLAS and the CPU's allocator say.
OUT_OF_MEMORY = ("out of memory", "STATUS_ALLOC_FAILED", "can't allocate memory")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out what the parent process asks: describe the device, or measure a case."""
    try:
        if "case" not in request:
            return asdict(describe(request["device"]))
        case = Case.from_json(request["case"])
        return asdict(
            measure(
                case,
                request["device"],
                steps=request["steps"],
                warm_up=request["warm_up"],
                smi=request["smi"],
            )
        )
    except (ImportError, UnusableInput) as error:
        return {"unusable": _said(error)}


def _said(error: Exception) -> str:
    if isinstance(error, ImportError):
        return (
            f"{error}: install what requirements/measure.in lists in an environment of its own, "
            "and run the script with it (docs/measuring.md)"
        )
    return str(error)


def describe(kind: str) -> Device:
    """The device, and the libraries.

    Parameters
    ----------
    kind : str
        cuda or cpu.
    """
    import torch

    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            if library != "bitsandbytes":
                raise ImportError(f"{library} is not installed") from None
    if kind == "cpu":
        page, pages = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_PHYS_PAGES")
        return Device("cpu", "CPU", page * pages, versions)
    if not torch.cuda.is_available():
        raise UnusableInput("--device cuda: torch sees no CUDA device; --device cpu makes a trial")
    properties = torch.cuda.get_device_properties(0)
    uuid = f"GPU-{properties.uuid}"
    limit, driver = nvidia_smi(uuid, "power.limit"), nvidia_smi(uuid, "driver_version")
    allocator = os.environ.get("PYTORCH_ALLOC_CONF") or os.environ.get("PYTORCH_CUDA_ALLOC_CONF")
    notes = [
        f"driver {driver}" if driver else "",
        f"power limit {limit} W" if limit else "",
        f"allocator {allocator}" if allocator else "",
    ]
    toolkit = {"CUDA": torch.version.cuda, "ROCm": torch.version.hip}
    versions |= {name: version for name, version in toolkit.items() if version}
    total = properties.total_memory
    return Device("cuda", properties.name, total, versions, [note for note in notes if note])


def measure(case: Case, kind: str, *, steps: int, warm_up: int, smi: bool) -> Outcome:
    """Run a case.

    Parameters
    ----------
    case : Case
        What to run.
    kind : str
        cuda or cpu.
    steps, warm_up : int
        Timed steps, and those before that do not count. [-]
    smi : bool
        Whether to ask nvidia-smi too.

    Returns
    -------
    Outcome
        With ``out_of_memory`` set where the case did not fit.
    """
    import torch

    torch.manual_seed(0)
    device = torch.device(kind, 0) if kind == "cuda" else torch.device(kind)
    try:
        return _measure(case, device, steps, warm_up, smi)
    except RuntimeError as error:
        message = str(error).partition("\n")[0]
        if not any(said in str(error) for said in OUT_OF_MEMORY):
            raise
        reached = {"allocated": torch.cuda.max_memory_allocated()} if kind == "cuda" else {}
        return Outcome(memory_bytes=reached, out_of_memory=message)


def _measure(case: Case, device: Any, steps: int, warm_up: int, smi: bool) -> Outcome:
    import torch

    model = build(case, device)
    counted = _parameters(model)
    model = prepare(model, case)
    trained = [p for p in model.parameters() if p.requires_grad]
    step = _step(model, trained, case, device)
    cuda = device.type == "cuda"
    if cuda:
        torch.cuda.empty_cache()  # what building left behind
    for _ in range(warm_up):
        step()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    seconds = [_timed(step, cuda) for _ in range(steps)]
    memory: dict[str, int] = {}
    if cuda:
        memory["allocated"] = torch.cuda.max_memory_allocated()
        memory["reserved"] = torch.cuda.max_memory_reserved()
        used = smi_bytes(f"GPU-{torch.cuda.get_device_properties(0).uuid}") if smi else None
        if used is not None:
            memory["smi"] = used
        memory["static"] = torch.cuda.memory_allocated()
    else:
        memory["allocated"] = cpu_peak(step)
        memory["static"] = tensors_alive()
    return Outcome(
        parameters=counted,
        trainable=sum(p.numel() for p in trained),
        step_seconds=seconds,
        tokens_per_second=case.tokens / statistics.median(seconds),
        memory_bytes=memory,
        notes=[] if cuda else [CPU_NOTE],
    )


def _timed(step: Callable[[], object], cuda: bool) -> float:
    """Wall-clock of a step, with all that it started on the device. [s]"""
    import torch

    start = time.perf_counter()
    step()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def build(case: Case, device: Any) -> Any:
    """A transformers model with random weights, made on the device one tensor after another.

    Nothing is downloaded, and a QLoRA base is quantized as it is made: more than one of its
    matrices never exists in bf16.
    """
    import torch
    from accelerate import init_empty_weights
    from transformers import AutoConfig, AutoModelForCausalLM

    fields = {k: v for k, v in case.model.config.items() if k not in ("dtype", "torch_dtype")}
    fields.pop("quantization_config", None)
    config = AutoConfig.for_model(fields.pop("model_type"), **fields)
    config.use_cache = False
    dtype = torch.bfloat16
    if case.method == "full" and case.precision == "autocast":
        dtype = torch.float32
    with init_empty_weights(include_buffers=False):
        model = AutoModelForCausalLM.from_config(
            config, dtype=dtype, attn_implementation=case.attention
        )
    model.tie_weights()
    if case.method == "qlora":
        _make_linears_4bit(model)
    _fill(model, device)
    return model.train()


def _make_linears_4bit(model: Any) -> None:
    """Put bitsandbytes' linears in place of all but the head, as transformers does on loading."""
    import torch
    from transformers import BitsAndBytesConfig
    from transformers.integrations.bitsandbytes import replace_with_bnb_linear

    head = model.get_output_embeddings()
    kept = [name for name, module in model.named_modules() if module is head]
    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    replace_with_bnb_linear(model, kept, quantization)
    model.is_loaded_in_4bit = True  # what peft looks at


def _fill(model: Any, device: Any) -> None:
    """Make every parameter on the device: matrices random, norms one, biases zero."""
    import torch

    made: dict[int, Any] = {}  # a tied table stays one tensor
    for module in model.modules():
        for name, old in module._parameters.items():
            if old is None:
                continue
            if id(old) not in made:
                made[id(old)] = old, _filled(torch, module, name, old, device)
            module._parameters[name] = made[id(old)][1]
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = buffer.to(device)


def _filled(torch: Any, module: Any, name: str, old: Any, device: Any) -> Any:
    """One parameter with values."""
    if hasattr(old, "quant_type"):
        shape = (module.out_features, module.in_features)
        data = torch.empty(shape, dtype=torch.bfloat16, device=device).normal_(
            0, STANDARD_DEVIATION
        )
        return type(old)(
            data,
            requires_grad=False,
            compress_statistics=old.compress_statistics,
            quant_type=old.quant_type,
            module=module,
        ).to(device)
    # Beside a quantized matrix bitsandbytes makes the bias in fp32; loading gives it bf16.
    quantized = hasattr(getattr(module, "weight", None), "quant_type")
    dtype = torch.bfloat16 if quantized else old.dtype
    data = torch.empty(old.shape, dtype=dtype, device=device)
    if old.dim() > 1:
        data.normal_(0, STANDARD_DEVIATION)
    else:
        data.fill_(0.0 if name.endswith("bias") else 1.0)
    return torch.nn.Parameter(data, requires_grad=old.requires_grad)


def _parameters(model: Any) -> int:
    """Distinct parameters; of quantized ones as many as they stand for. [-]"""
    plain = [p.numel() for p in model.parameters() if not hasattr(p, "quant_type")]
    quantized = [
        module.in_features * module.out_features
        for module in model.modules()
        if hasattr(getattr(module, "weight", None), "quant_type")
    ]
    return int(sum(plain) + sum(quantized))


def prepare(model: Any, case: Case) -> Any:
    """Checkpointing and adapters, as trainers set them up."""
    import torch

    adapted = case.method in ADAPTED
    if case.checkpointing == "full":
        model.activation_checkpointing_enable()
        if adapted:
            model.enable_input_require_grads()
    if not adapted:
        return model
    from peft import LoraConfig, get_peft_model

    assert case.rank is not None
    lora = LoraConfig(
        r=case.rank,
        lora_alpha=2 * case.rank,
        lora_dropout=0.0,
        target_modules=case.target_modules,
        task_type="CAUSAL_LM",
    )
    model = get_peft_model(model, lora, autocast_adapter_dtype=False)
    dtype = torch.float32 if case.adapter_dtype == "fp32" else torch.bfloat16
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(dtype)
    return model


def _optimizer(trained: list[Any], name: str) -> Any:
    """AdamW in one of its forms; the learning rate is too small to matter."""
    if name.endswith("8bit"):
        import bitsandbytes

        kinds = {"8bit": "AdamW8bit", "paged-8bit": "PagedAdamW8bit"}
        return getattr(bitsandbytes.optim, kinds[name])(trained, lr=1e-6)
    import torch

    return torch.optim.AdamW(trained, lr=1e-6, **{name: True})


def _step(model: Any, trained: list[Any], case: Case, device: Any) -> Callable[[], None]:
    """Forward, backward, clipping and optimizer on full sequences without padding."""
    import torch

    optimizer = _optimizer(trained, case.optimizer)
    vocabulary = model.get_input_embeddings().weight.shape[0]
    tokens = torch.randint(vocabulary, (case.micro_batch, case.length), device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=case.precision == "autocast"):
            loss = model(input_ids=tokens, labels=tokens).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step
