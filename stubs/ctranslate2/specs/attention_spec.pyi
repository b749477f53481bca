from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec
from ctranslate2.specs.model_spec import LayerSpec

class MultiHeadAttentionSpec(LayerSpec):
    linear: list[LinearSpec]
    layer_norm: LayerNormSpec
