"""One step of a model, figure by figure."""

from __future__ import annotations

from app.catalog.catalog import Catalog
from app.estimator.adapters import ALL_LINEARS, Adapters
from app.estimator.methods import Method
from app.services.inspection import Inspection, inspect_step

LLAMA = "meta-llama/Meta-Llama-3.1-8B"


def inspected(catalog: Catalog, method: Method, *, checkpointing: bool = False) -> Inspection:
    return inspect_step(
        catalog.models[LLAMA].architecture,
        method,
        sequence_length=2048,
        micro_batch=1,
        checkpointing=checkpointing,
        attention="sdpa",
    )


def test_full_fine_tuning_by_hand(catalog: Catalog) -> None:
    found = inspected(catalog, Method("full"))
    assert found.parameters.total == found.parameters.active_per_token == 8_030_261_248
    assert found.parameters.embedding == 128_256 * 4096
    assert found.parameters.trainable == found.parameters.total
    # Two FLOP a weight and token: every parameter but the token table and the 65 norms of 4096.
    weights = 8_030_261_248 - 128_256 * 4096 - 65 * 4096
    attention = 32 * 4 * 2048 * 2048 * 4096
    assert found.flop.forward == 2 * 2048 * weights + attention
    assert found.flop.backward == 4 * 2048 * weights + attention * 5 // 2
    assert found.flop.recompute == 0
    assert found.flop.step == found.flop.forward + found.flop.backward


def test_qlora_counts_as_lora(catalog: Catalog) -> None:
    adapters = Adapters(16, ALL_LINEARS)
    lora, qlora = (inspected(catalog, Method(key, adapters)) for key in ("lora", "qlora"))
    assert lora == qlora
    # 16 x 32 x (q 8192 + k 5120 + v 5120 + o 8192 + gate, up, down 18432 each)
    assert lora.parameters.trainable == 41_943_040
    assert lora.parameters.total == 8_030_261_248


def test_recomputation_is_apart_and_part_of_the_step(catalog: Catalog) -> None:
    kept, again = (inspected(catalog, Method("full"), checkpointing=c) for c in (False, True))
    assert again.flop.backward == kept.flop.backward
    assert again.flop.step == again.flop.forward + again.flop.backward + again.flop.recompute
    assert 0 < again.flop.recompute < again.flop.forward
    assert again.activation_bytes.saved_for_backward < kept.activation_bytes.saved_for_backward
    assert again.activation_bytes.peak < kept.activation_bytes.peak
