"""A Llama model straight out of a GGUF file, in numpy: what the converted model is held against."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np

BYTES = [*range(33, 127), *range(161, 173), *range(174, 256)]
# Each byte as a printable character, after GPT-2: those that are printable stand for themselves.
PRINTED = {number: chr(number) for number in BYTES} | {
    number: chr(256 + at) for at, number in enumerate(number for number in range(256) if number not in BYTES)
}
# GPT-2's words, with every digit a word of its own.
WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|\d| ?[^\W\d_]+| ?[^\s\w]+| ?_+|\s+(?!\S)|\s+")


class LlamaForward:
    """Llama's forward pass in float32, and its byte-level BPE; sequences are token ids."""

    def __init__(self, path: Path) -> None:
        reader = gguf.GGUFReader(path)
        self._facts = {name: field.contents() for name, field in reader.fields.items()}
        self._weights = {tensor.name: read_tensor(tensor) for tensor in reader.tensors}
        self.tokens: list[str] = self._facts["tokenizer.ggml.tokens"]
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        merges = self._facts["tokenizer.ggml.merges"]
        self._ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(merges)}
        self.end: int = self._facts["tokenizer.ggml.eos_token_id"]

    def tokenise(self, text: str) -> list[int]:
        """The ids of a text: in each word the pair that was learnt first is joined first."""
        ids = []
        for word in re.findall(r"\d|\D+", text):
            for part in WORDS.findall(word):
                ids += [self._ids[piece] for piece in self._join([PRINTED[byte] for byte in part.encode()])]
        return ids

    def _join(self, pieces: list[str]) -> list[str]:
        while len(pieces) > 1:
            rank, at = min((self._ranks.get(pair, 1 << 30), at) for at, pair in enumerate(itertools.pairwise(pieces)))
            if rank == 1 << 30:
                break
            pieces = [*pieces[:at], pieces[at] + pieces[at + 1], *pieces[at + 2 :]]
        return pieces

    def log_probs(self, ids: Sequence[int]) -> np.ndarray:
        """Log-probabilities of the token after each of `ids`: shape (len(ids), vocabulary)."""
        x = self._weights["token_embd.weight"][list(ids)]
        for layer in range(self._facts["llama.block_count"]):
            x = x + self._attend(self._norm(x, f"blk.{layer}.attn_norm"), f"blk.{layer}")
            inner = self._norm(x, f"blk.{layer}.ffn_norm")
            gate = self._linear(inner, f"blk.{layer}.ffn_gate")
            gate = gate / (1 + np.exp(-gate)) * self._linear(inner, f"blk.{layer}.ffn_up")
            x = x + self._linear(gate, f"blk.{layer}.ffn_down")
        output = self._weights.get("output.weight", self._weights["token_embd.weight"])
        logits = self._norm(x, "output_norm") @ output.T
        logits -= logits.max(axis=-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))

    def choose(self, prompt: Sequence[int], output: Sequence[int]) -> list[int]:
        """The likeliest token after the prompt and each prefix of `output`; a greedy output is its own choice."""
        rows = self.log_probs([*prompt, *output])[len(prompt) - 1 :]
        return [int(token) for token in rows.argmax(axis=-1)]

    def _attend(self, x: np.ndarray, layer: str) -> np.ndarray:
        heads = self._facts["llama.attention.head_count"]
        repeats = heads // self._facts["llama.attention.head_count_kv"]

        def split(part: str) -> np.ndarray:
            states = self._linear(x, f"{layer}.attn_{part}")
            return states.reshape(len(x), -1, states.shape[-1] // (heads if part == "q" else heads // repeats))

        queries = self._turn(split("q").transpose(1, 0, 2))
        keys = np.repeat(self._turn(split("k").transpose(1, 0, 2)), repeats, axis=0)
        values = np.repeat(split("v").transpose(1, 0, 2), repeats, axis=0)
        scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(np.float32(queries.shape[-1]))
        scores += np.triu(np.full((len(x), len(x)), -np.inf, np.float32), 1)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = scores / scores.sum(axis=-1, keepdims=True) @ values
        return self._linear(mixed.transpose(1, 0, 2).reshape(len(x), -1), f"{layer}.attn_output")

    def _turn(self, states: np.ndarray) -> np.ndarray:
        """Rotary positions as llama.cpp has them: neighbours are the two parts of a complex number."""
        _, length, width = states.shape
        base = self._facts["llama.rope.freq_base"]
        angles = np.arange(length)[:, None] * base ** (-np.arange(0, width, 2) / width)
        turned = (states[..., 0::2] + 1j * states[..., 1::2]) * np.exp(1j * angles)
        return np.stack([turned.real, turned.imag], axis=-1).reshape(states.shape).astype(np.float32)

    def _linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self._weights[f"{name}.weight"].T

    def _norm(self, x: np.ndarray, name: str) -> np.ndarray:
        epsilon = self._facts["llama.attention.layer_norm_rms_epsilon"]
        return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon) * self._weights[f"{name}.weight"]


def read_tensor(tensor: gguf.ReaderTensor) -> np.ndarray:
    """A tensor in float32, read without the library's own code: blocks of 32 numbers with a scale each."""
    shape = tuple(int(size) for size in tensor.shape[::-1])
    raw = np.ascontiguousarray(tensor.data).view(np.uint8)
    match tensor.tensor_type:
        case gguf.GGMLQuantizationType.F32:
            return raw.view(np.float32).reshape(shape)
        case gguf.GGMLQuantizationType.Q8_0:
            blocks = raw.reshape(-1, 34)
            return (_halves(blocks[:, :2]) * blocks[:, 2:].view(np.int8)).astype(np.float32).reshape(shape)
        case gguf.GGMLQuantizationType.Q4_1:
            blocks = raw.reshape(-1, 20)
            nibbles = np.concatenate([blocks[:, 4:] & 15, blocks[:, 4:] >> 4], axis=1).astype(np.float32)
            return (_halves(blocks[:, :2]) * nibbles + _halves(blocks[:, 2:4])).reshape(shape)
    raise ValueError(f"{tensor.name} is {tensor.tensor_type.name}")


def _halves(columns: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(columns).view(np.float16).astype(np.float32)
