"""Layers of CTranslate2's specs, filled from arrays and quantised."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from ctranslate2.specs import common_spec, model_spec
from numpy.typing import NDArray

from polygist_service.store.saturation import LARGEST_WITHOUT_VNNI

Array = NDArray[np.float32]

# Weights up to this are right on every processor: see `saturation`. pt-en on FLORES devtest, without VNNI: 40.2 BLEU
# with CTranslate2's own 127, 41.8 with 64, 42.4 in float32.
INT8_LIMIT = LARGEST_WITHOUT_VNNI


def set_linear(linear: common_spec.LinearSpec, parts: Sequence[tuple[Array, Array]]) -> None:
    """Fill `linear` with the fusion of `parts`, each a weight of shape (outputs, inputs) and its bias."""
    linear.weight = np.concatenate([weight for weight, _ in parts])
    linear.bias = np.concatenate([bias for _, bias in parts])


def set_norm(norm: common_spec.LayerNormSpec, scale: Array, bias: Array) -> None:
    """Fill a layer normalisation."""
    norm.gamma = scale
    norm.beta = bias


def quantise(spec: model_spec.ModelSpec, compute_type: str, limit: int = INT8_LIMIT) -> None:
    """Turn the filled `spec` into what is stored: shared arrays once, matrices in `compute_type` (int8 to `limit`)."""
    spec.validate()
    if compute_type != "int8":
        spec.optimize(quantization=compute_type)
        return
    spec.optimize(quantization=None)
    model_spec.visit_spec(spec, partial(quantise_variable, limit=limit))


def quantise_variable(layer: model_spec.LayerSpec, name: str, value: object, *, limit: int) -> None:
    """Replace a matrix by int8 and a scale for each row, where the layer has a place for scales."""
    attribute = name.rpartition("/")[2]
    if isinstance(value, model_spec.Variable) and hasattr(layer, f"{attribute}_scale"):
        rows = value.numpy()
        integers, scales = quantise_rows(rows, find_peaks(rows), limit)
        setattr(layer, attribute, model_spec.NumpyVariable(integers))
        setattr(layer, f"{attribute}_scale", model_spec.NumpyVariable(scales))


def find_peaks(rows: Array) -> Array:
    """The largest magnitude of each row."""
    peaks: Array = np.abs(rows).max(axis=1)
    return peaks


def quantise_rows(rows: Array, peaks: Array, limit: int = INT8_LIMIT) -> tuple[NDArray[np.int8], Array]:
    """Turn a matrix into integers up to `limit`, and what each row was multiplied by for that."""
    least = np.float32(np.finfo(np.float32).tiny * limit)
    scales = np.divide(np.float32(limit), np.maximum(peaks, least), dtype=np.float32)
    return np.rint(rows * scales[:, None]).astype(np.int8), scales


def restore_rows(integers: NDArray[np.int8], peaks: Array) -> Array:
    """The matrix of which `quantise_rows` makes these very integers again, where they go up to `INT8_LIMIT`.

    That is so since `INT8_LIMIT` is a power of two: a step is exact, and the largest of a row comes out as its peak.
    """
    restored: Array = integers * (peaks / np.float32(INT8_LIMIT))[:, None]
    return restored
