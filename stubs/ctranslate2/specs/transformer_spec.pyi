import numpy as np
from ctranslate2.specs.attention_spec import MultiHeadAttentionSpec
from ctranslate2.specs.common_spec import Activation, EmbeddingsMerge, EmbeddingsSpec, LayerNormSpec, LinearSpec
from ctranslate2.specs.model_spec import LanguageModelSpec, LayerSpec, SequenceToSequenceModelSpec
from numpy.typing import NDArray

class PositionEncoderSpec(LayerSpec):
    encodings: NDArray[np.float32]

class FeedForwardSpec(LayerSpec):
    layer_norm: LayerNormSpec
    linear_0: LinearSpec
    linear_0_noact: LinearSpec
    linear_1: LinearSpec

class TransformerEncoderLayerSpec(LayerSpec):
    self_attention: MultiHeadAttentionSpec
    ffn: FeedForwardSpec

class TransformerDecoderLayerSpec(LayerSpec):
    self_attention: MultiHeadAttentionSpec
    attention: MultiHeadAttentionSpec
    ffn: FeedForwardSpec

class TransformerEncoderSpec(LayerSpec):
    embeddings: list[EmbeddingsSpec]
    scale_embeddings: bool
    position_encodings: PositionEncoderSpec
    layernorm_embedding: LayerNormSpec
    layer: list[TransformerEncoderLayerSpec]
    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        pre_norm: bool = True,
        activation: Activation = ...,
        num_source_embeddings: int = 1,
        embeddings_merge: EmbeddingsMerge = ...,
        layernorm_embedding: bool = False,
    ) -> None: ...

class TransformerDecoderSpec(LayerSpec):
    embeddings: EmbeddingsSpec
    scale_embeddings: bool
    position_encodings: PositionEncoderSpec
    start_from_zero_embedding: bool
    layer_norm: LayerNormSpec
    projection: LinearSpec
    layer: list[TransformerDecoderLayerSpec]
    def __init__(
        self,
        num_layers: int,
        num_heads: int,
        pre_norm: bool = True,
        activation: Activation = ...,
        with_encoder_attention: bool = True,
        ffn_glu: bool = False,
        rms_norm: bool = False,
        rotary_dim: int | None = None,
        rotary_interleave: bool = True,
        rotary_base: float = 10000,
        num_heads_kv: int | None = None,
    ) -> None: ...

class TransformerSpec(SequenceToSequenceModelSpec):
    encoder: TransformerEncoderSpec
    decoder: TransformerDecoderSpec
    def __init__(self, encoder: TransformerEncoderSpec, decoder: TransformerDecoderSpec) -> None: ...

class TransformerDecoderModelSpec(LanguageModelSpec):
    decoder: TransformerDecoderSpec
    def __init__(self, decoder: TransformerDecoderSpec) -> None: ...

class TransformerEncoderModelSpec(LanguageModelSpec):
    encoder: TransformerEncoderSpec
    def __init__(self, encoder: TransformerEncoderSpec, pooling_layer: bool = False) -> None: ...
