"""Float32 forward passes in numpy, straight from the source files: what the converted models are held against."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

Arrays = Mapping[str, np.ndarray]
EPSILON = 1e-5
END, UNKNOWN = 0, 1


class MarianForward:
    """A Bergamot student's encoder, with one of two decoders on top; sequences are token ids.

    Args:
        student: the weights of Marian's file.
        heads: attention heads.
        adapter: weights of a self-attention decoder; without them the student's own SSRU decoder runs.
    """

    def __init__(self, student: Arrays, *, heads: int, adapter: Arrays | None = None) -> None:
        self.encoder, self.decoder = student, student if adapter is None else adapter
        self.heads, self.is_adapted = heads, adapter is not None
        self.embeddings = student["Wemb"]
        self.width = self.embeddings.shape[1]
        self.scale = math.sqrt(self.width)
        half = self.width // 2
        angles = np.arange(512)[:, None] * np.exp(-np.arange(half) * np.log(10_000) / (half - 1))
        self.positions = np.concatenate([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)

    def encode(self, source: Sequence[int]) -> np.ndarray:
        """States of the source; it ends with the end token."""
        x = self.embeddings[list(source)] * self.scale + self.positions[: len(source)]
        for layer in range(1, self._depth(self.encoder, "encoder_l{}_self_Wq") + 1):
            scope = f"encoder_l{layer}"
            x = self._norm(x + self._attend(x, x, self.encoder, f"{scope}_self"), self.encoder, f"{scope}_self_Wo")
            x = self._feed_forward(x, self.encoder, scope)
        return x

    def decode(self, states: np.ndarray, target: Sequence[int]) -> np.ndarray:
        """Log-probabilities of each next token, having seen `target`: shape (len(target) + 1, vocabulary)."""
        start = np.zeros((1, self.width), np.float32)
        x = np.concatenate([start, self.embeddings[list(target)] * self.scale])
        x = x if self.is_adapted else x + self.positions[: len(x)]
        for layer in range(1, self._depth(self.decoder, "decoder_l{}_context_Wq") + 1):
            scope = f"decoder_l{layer}"
            x = self._self_attend(x, f"{scope}_self") if self.is_adapted else self._recur(x, f"{scope}_rnn")
            attended = self._attend(x, states, self.decoder, f"{scope}_context")
            x = self._norm(x + attended, self.decoder, f"{scope}_context_Wo")
            x = self._feed_forward(x, self.decoder, scope)
        logits = x @ self.embeddings.T + self.decoder["decoder_ff_logit_out_b"]
        logits -= logits.max(axis=-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))

    def choose(self, source: Sequence[int], target: Sequence[int]) -> list[int]:
        """The likeliest token after each prefix of `target`, never the unknown one.

        A greedy output is its own choice: `choose(source, output) == [*output, END]`.
        """
        rows = self.decode(self.encode(source), target)
        rows[:, UNKNOWN] = -np.inf
        return [int(token) for token in rows.argmax(axis=-1)]

    def _self_attend(self, x: np.ndarray, scope: str) -> np.ndarray:
        mask = np.triu(np.full((len(x), len(x)), -np.inf, np.float32), 1)
        attended = self._attend(x, x, self.decoder, scope, turn=self._turn, mask=mask)
        return self._norm(x + attended, self.decoder, f"{scope}_Wo")

    def _recur(self, x: np.ndarray, scope: str) -> np.ndarray:
        forget = 1 / (1 + np.exp(-(x @ self.decoder[f"{scope}_Wf"] + self.decoder[f"{scope}_bf"])))
        new, cells, cell = x @ self.decoder[f"{scope}_W"], [], np.zeros(self.width, np.float32)
        for f, candidate in zip(forget, new, strict=True):
            cell = f * cell + (1 - f) * candidate
            cells.append(cell)
        return self._norm(x + np.maximum(np.array(cells), 0), self.decoder, f"{scope}_ffn")

    def _turn(self, heads: np.ndarray) -> np.ndarray:
        """Rotary positions, the halves of a head turned against each other."""
        _, length, width = heads.shape
        angles = np.arange(length)[:, None] * 10_000.0 ** (-np.arange(width // 2) * 2 / width)
        first, second = heads[..., : width // 2], heads[..., width // 2 :]
        sine, cosine = np.sin(angles).astype(np.float32), np.cos(angles).astype(np.float32)
        return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)

    def _attend(
        self, x: np.ndarray, memory: np.ndarray, weights: Arrays, scope: str,
        *, turn: Callable[[np.ndarray], np.ndarray] = lambda heads: heads, mask: np.ndarray | float = 0.0,
    ) -> np.ndarray:  # fmt: skip
        def project(inputs: np.ndarray, letter: str) -> np.ndarray:
            outputs = inputs @ weights[f"{scope}_W{letter}"] + weights[f"{scope}_b{letter}"]
            return outputs.reshape(len(inputs), self.heads, -1).transpose(1, 0, 2)

        mixed = attend(turn(project(x, "q")), turn(project(memory, "k")), project(memory, "v"), mask)
        return mixed @ weights[f"{scope}_Wo"] + weights[f"{scope}_bo"]

    def _feed_forward(self, x: np.ndarray, weights: Arrays, layer: str) -> np.ndarray:
        scope = f"{layer}_ffn"
        inner = np.maximum(x @ weights[f"{scope}_W1"] + weights[f"{scope}_b1"], 0)
        outer = inner @ weights[f"{scope}_W2"] + weights[f"{scope}_b2"]
        return self._norm(x + outer, weights, f"{scope}_ffn")

    @staticmethod
    def _norm(x: np.ndarray, weights: Arrays, scope: str) -> np.ndarray:
        return normalise(x, weights[f"{scope}_ln_scale"], weights[f"{scope}_ln_bias"], EPSILON)

    @staticmethod
    def _depth(weights: Arrays, pattern: str) -> int:
        return sum(pattern.format(layer) in weights for layer in range(1, 25))


def embed_with_bert(weights: Arrays, ids: Sequence[int], *, heads: int, epsilon: float) -> np.ndarray:
    """The mean of a BERT encoder's last states, of norm 1, in float32."""

    def linear(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return normalise(x, weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)

    def split(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), heads, -1).transpose(1, 0, 2)

    x = weights["embeddings.word_embeddings.weight"][list(ids)]
    x = x + weights["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in range(sum(name.endswith("intermediate.dense.bias") for name in weights)):
        scope = f"encoder.layer.{layer}"
        queries, keys, values = (split(linear(x, f"{scope}.attention.self.{p}")) for p in ("query", "key", "value"))
        mixed = linear(attend(queries, keys, values), f"{scope}.attention.output.dense")
        x = norm(x + mixed, f"{scope}.attention.output.LayerNorm")
        inner = gelu(linear(x, f"{scope}.intermediate.dense"))
        x = norm(x + linear(inner, f"{scope}.output.dense"), f"{scope}.output.LayerNorm")
    mean = x.mean(axis=0)
    return mean / np.linalg.norm(mean)


def attend(queries: np.ndarray, keys: np.ndarray, values: np.ndarray, mask: np.ndarray | float = 0.0) -> np.ndarray:
    """Scaled dot-product attention over (heads, length, width); the heads are joined again."""
    scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(queries.shape[-1]) + mask
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = scores / scores.sum(axis=-1, keepdims=True) @ values
    return mixed.transpose(1, 0, 2).reshape(queries.shape[1], -1)


def normalise(x: np.ndarray, scale: np.ndarray, bias: np.ndarray, epsilon: float) -> np.ndarray:
    """Layer normalisation."""
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * scale + bias


def gelu(x: np.ndarray) -> np.ndarray:
    """The exact GELU; the error function after Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    error_function = np.sign(x) * (1 - series * np.exp(-z * z))
    return x * (1 + error_function) / 2
