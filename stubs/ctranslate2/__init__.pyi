"""The names of ctranslate2 that this project uses."""

from collections.abc import Callable, Sequence
from typing import Any

class TranslationResult:
    hypotheses: list[list[str]]
    scores: list[float]
    attention: list[list[list[float]]]

class GenerationStepResult:
    batch_id: int
    token: str

class ScoringResult:
    tokens: list[str]
    log_probs: list[float]

class EncoderForwardOutput:
    last_hidden_state: StorageView

class StorageView:
    shape: list[int]
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

class Translator:
    def __init__(
        self,
        model_path: str,
        device: str = "cpu",
        *,
        device_index: int | list[int] = 0,
        compute_type: str | dict[str, str] = "default",
        inter_threads: int = 1,
        intra_threads: int = 0,
        max_queued_batches: int = 0,
    ) -> None: ...
    @property
    def compute_type(self) -> str: ...
    def translate_batch(
        self,
        source: Sequence[Sequence[str]],
        target_prefix: Sequence[Sequence[str]] | None = None,
        *,
        max_batch_size: int = 0,
        batch_type: str = "examples",
        beam_size: int = 2,
        num_hypotheses: int = 1,
        length_penalty: float = 1,
        repetition_penalty: float = 1,
        no_repeat_ngram_size: int = 0,
        suppress_sequences: list[list[str]] | None = None,
        end_token: str | list[str] | list[int] | None = None,
        disable_unk: bool = False,
        max_input_length: int = 1024,
        max_decoding_length: int = 256,
        min_decoding_length: int = 1,
        use_vmap: bool = False,
        return_scores: bool = False,
        return_attention: bool = False,
        callback: Callable[[GenerationStepResult], bool] | None = None,
    ) -> list[TranslationResult]: ...
    def score_batch(
        self,
        source: Sequence[Sequence[str]],
        target: Sequence[Sequence[str]],
        *,
        max_batch_size: int = 0,
        batch_type: str = "examples",
        max_input_length: int = 1024,
        offset: int = 0,
    ) -> list[ScoringResult]: ...

class GenerationResult:
    sequences: list[list[str]]
    scores: list[float]

class Generator:
    def __init__(
        self,
        model_path: str,
        device: str = "cpu",
        *,
        device_index: int | list[int] = 0,
        compute_type: str | dict[str, str] = "default",
        inter_threads: int = 1,
        intra_threads: int = 0,
        max_queued_batches: int = 0,
    ) -> None: ...
    @property
    def compute_type(self) -> str: ...
    def generate_batch(
        self,
        start_tokens: Sequence[Sequence[str]],
        *,
        max_batch_size: int = 0,
        beam_size: int = 1,
        num_hypotheses: int = 1,
        length_penalty: float = 1,
        repetition_penalty: float = 1,
        no_repeat_ngram_size: int = 0,
        end_token: str | list[str] | list[int] | None = None,
        max_length: int = 512,
        min_length: int = 0,
        static_prompt: Sequence[str] | None = None,
        include_prompt_in_result: bool = True,
        return_scores: bool = False,
        callback: Callable[[GenerationStepResult], bool] | None = None,
    ) -> list[GenerationResult]: ...

class Encoder:
    def __init__(
        self,
        model_path: str,
        device: str = "cpu",
        *,
        device_index: int | list[int] = 0,
        compute_type: str | dict[str, str] = "default",
        inter_threads: int = 1,
        intra_threads: int = 0,
        max_queued_batches: int = 0,
    ) -> None: ...
    @property
    def compute_type(self) -> str: ...
    def forward_batch(self, inputs: Sequence[Sequence[str]] | Sequence[Sequence[int]]) -> EncoderForwardOutput: ...

def get_supported_compute_types(device: str, device_index: int = 0) -> set[str]: ...
def get_cuda_device_count() -> int: ...
