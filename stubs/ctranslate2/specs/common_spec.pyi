import enum

import numpy as np
from ctranslate2.specs.model_spec import LayerSpec
from numpy.typing import NDArray

class Activation(enum.IntEnum):
    RELU = 0
    SWISH = 2
    GELU = 3

class EmbeddingsMerge(enum.IntEnum):
    CONCAT = 0
    ADD = 1

class LayerNormSpec(LayerSpec):
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]

class LinearSpec(LayerSpec):
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

class EmbeddingsSpec(LayerSpec):
    weight: NDArray[np.float32]
