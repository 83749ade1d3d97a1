"""GPT-2 and the decoders with learned positions or linear biases on the scores."""

from __future__ import annotations

from app.catalog.families.fields import Fields
from app.catalog.families.parts import Decoder, activation, head_dim, layer_norm, plain
from app.estimator.architecture import Block
from app.estimator.errors import UnknownArchitecture
from app.estimator.layers import Attention, Linear, Norm


def gpt2(f: Fields) -> Decoder:
    """GPT-2: one transposed matrix for q, k and v, learned positions."""
    f.refuse_unless("add_cross_attention", False, None)
    f.refuse_unless("reorder_and_upcast_attn", False, None)
    hidden, query = f.count("n_embd"), f.count("n_head")
    inner, dim = f.optional("n_inner") or 4 * hidden, hidden // query
    block = Block(
        Attention(
            (Linear("c_attn", hidden, 3 * hidden, True, "attention", None, "qkv"),),
            Linear("c_proj", hidden, hidden, True, "attention"),
            query,
            query,
            dim,
            dim,
            "fused",
            scores="narrow",
        ),
        plain(hidden, inner, activation(f, "activation_function"), ("c_fc", "c_proj")),
        attention_norm=layer_norm(hidden),
        mlp_norm=layer_norm(hidden),
    )
    return _learned(f, block, f.layers("n_layer"), "n_positions", "n_embd")


def gpt_bigcode(f: Fields) -> Decoder:
    """StarCoder 1 and SantaCoder: GPT-2 with one key-value head."""
    f.refuse_unless("add_cross_attention", False, None)
    hidden, query = f.count("n_embd"), f.count("n_head")
    inner, dim = f.optional("n_inner") or 4 * hidden, hidden // query
    shared = 1 if f.flag("multi_query") else query
    block = Block(
        Attention(
            (Linear("c_attn", hidden, hidden + 2 * shared * dim, True, "attention", None, "qkv"),),
            Linear("c_proj", hidden, hidden, True, "attention"),
            query,
            shared,
            dim,
            dim,
            "fused",
        ),
        plain(hidden, inner, activation(f, "activation_function"), ("c_fc", "c_proj")),
        attention_norm=layer_norm(hidden),
        mlp_norm=layer_norm(hidden),
    )
    return _learned(f, block, f.layers("n_layer"), "n_positions", "n_embd")


def gpt_neo(f: Fields) -> Decoder:
    """GPT-Neo: scores in fp32, a bias on the output projection alone."""
    hidden, query = f.count("hidden_size"), f.count("num_heads")
    inner, dim = f.optional("intermediate_size") or 4 * hidden, hidden // query
    block = Block(
        Attention(
            tuple(
                Linear(f"{name}_proj", hidden, hidden, False, "attention", serves=name)
                for name in "kvq"
            ),
            Linear("out_proj", hidden, hidden, True, "attention"),
            query,
            query,
            dim,
            dim,
            scores="wide_where",
            kernels=("eager",),
        ),
        plain(hidden, inner, activation(f, "activation_function"), ("c_fc", "c_proj")),
        attention_norm=layer_norm(hidden),
        mlp_norm=layer_norm(hidden),
    )
    return _learned(f, block, f.layers("num_layers"), "max_position_embeddings", "hidden_size")


def opt(f: Fields) -> Decoder:
    """OPT: two more positions than stated; the 350M size has a narrow table and late norms."""
    hidden, bias = f.count("hidden_size"), f.flag("enable_bias")
    query, dim = f.count("num_attention_heads"), head_dim(f, stated=False)
    affine = f.flag("layer_norm_elementwise_affine")
    norm = Norm("layer", hidden, weight=affine, bias=affine)
    first = f.flag("do_layer_norm_before")
    block = Block(
        Attention(
            tuple(
                Linear(f"{name}_proj", hidden, hidden, bias, "attention", serves=name)
                for name in "qkv"
            ),
            Linear("out_proj", hidden, hidden, bias, "attention"),
            query,
            query,
            dim,
            dim,
            scores="scaled_query",
        ),
        plain(
            hidden, f.count("ffn_dim"), activation(f, "activation_function"), ("fc1", "fc2"), bias
        ),
        attention_norm=norm,
        mlp_norm=norm,
        wiring="sequential" if first else "post",
    )
    width = f.optional("word_embed_proj_dim") or hidden
    narrow = width != hidden
    return Decoder(
        (block,) * f.layers("num_hidden_layers"),
        norm if first and not f.flag("_remove_final_layer_norm") else None,
        table_width=width,
        positions=f.count("max_position_embeddings") + 2,
        project_in=Linear("project_in", width, hidden, part="outside") if narrow else None,
        project_out=Linear("project_out", hidden, width, part="outside") if narrow else None,
    )


def bloom(f: Fields) -> Decoder:
    """BLOOM: a norm behind the table, linear biases added by the score product itself."""
    f.refuse_unless("apply_residual_connection_post_layernorm", False, None)
    hidden, query = f.count("hidden_size"), f.count("n_head")
    dim, norm = hidden // query, layer_norm(hidden)
    block = Block(
        Attention(
            (Linear("query_key_value", hidden, 3 * hidden, True, "attention", None, "qkv"),),
            Linear("dense", hidden, hidden, True, "attention"),
            query,
            query,
            dim,
            dim,
            "fused",
            scores="alibi_fused",
            kernels=("eager",),
            split="select",
        ),
        plain(hidden, 4 * hidden, "gelu_bloom", ("dense_h_to_4h", "dense_4h_to_h")),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder(
        (block,) * f.layers("n_layer"),
        norm,
        table="word_embeddings",
        embedding_norm=norm,
        position_key="seq_length",
    )


def mpt(f: Fields) -> Decoder:
    """MPT: no biases at all, linear biases added to the scores."""
    extra = f.part("attn_config")
    if extra.text("attn_type") not in (None, "multihead_attention"):
        raise UnknownArchitecture("attn_config", "attn_type must be multihead_attention")
    hidden, query = f.count("d_model"), f.count("n_heads")
    dim, norm = hidden // query, layer_norm(hidden, bias=False)
    block = Block(
        Attention(
            (Linear("Wqkv", hidden, 3 * hidden, False, "attention", None, "qkv"),),
            Linear("out_proj", hidden, hidden, False, "attention"),
            query,
            query,
            dim,
            dim,
            "fused",
            scores="alibi_add",
            kernels=("eager",),
            clamp=bool(extra.number("clip_qkv")),
        ),
        plain(hidden, 4 * hidden, "gelu", ("up_proj", "down_proj"), bias=False),
        attention_norm=norm,
        mlp_norm=norm,
    )
    return Decoder(
        (block,) * f.layers("n_layers"),
        norm,
        table="wte",
        position_key="max_seq_len",
        width_key="d_model",
    )


def _learned(f: Fields, block: Block, layers: int, positions: str, width: str) -> Decoder:
    """A decoder with a table of positions."""
    return Decoder(
        (block,) * layers,
        block.attention_norm,
        table="wte",
        positions=f.count(positions),
        position_key=positions,
        width_key=width,
    )
