"""Instruction models: decoders that answer what their chat template makes of a text."""

from collections.abc import Sequence
from typing import cast

import ctranslate2

from polygist_service.engine.api import Decoding, Options, Result, Span
from polygist_service.engine.generation import ALONE, USUAL, BatchLimits, Generation, check_window, read_hypotheses
from polygist_service.engine.layout import Prompt
from polygist_service.engine.model import Tokens
from polygist_service.engine.tokenizer import JsonTokenizer


class CausalModel:
    """A decoder that answers an instruction: text in, what it writes out.

    Args:
        generator: the converted model.
        tokenizer: splits texts and joins outputs.
        frame: what its chat template writes before and after a text.
        max_input_tokens: the most tokens that a text may have.
        generation: how the model's own settings have it write.
    """

    def __init__(
        self,
        generator: ctranslate2.Generator,
        tokenizer: JsonTokenizer,
        *,
        frame: tuple[str, str],
        max_input_tokens: int,
        generation: Generation = USUAL,
    ) -> None:
        self._generator = generator
        self._tokenizer = tokenizer
        self._head, self._tail = map(tokenizer.encode_frame, frame)
        self._window = max_input_tokens
        self._generation = generation

    def tokenise(self, text: str, options: Options) -> Prompt:
        tokens = self._tokenizer.encode(text)
        check_window(len(tokens), self._window)
        return Prompt([*self._head, *tokens, *self._tail])

    def batch_limits(self, options: Options) -> BatchLimits:
        return ALONE

    def run(self, batch: Sequence[Tokens], options: Options) -> list[Result]:
        assert isinstance(options, Decoding)
        prompts, generation = cast(Sequence[Prompt], batch), self._generation
        limits = [generation.limit(options, len(prompt)) for prompt in prompts]
        outputs = self._generator.generate_batch(
            [prompt.tokens for prompt in prompts],
            max_batch_size=0,
            beam_size=max(options.beam_size, options.hypothesis_count),
            num_hypotheses=options.hypothesis_count,
            return_scores=options.scores,
            max_length=max(limits),
            min_length=generation.min_output_tokens,
            no_repeat_ngram_size=generation.no_repeat_ngram_size,
            repetition_penalty=generation.repetition_penalty,
            length_penalty=generation.length_penalty,
            end_token=list(generation.end_tokens) or None,
            include_prompt_in_result=False,
        )
        return [
            Result(len(prompt), read_hypotheses(self._tokenizer, output.sequences, output.scores, limit))
            for prompt, output, limit in zip(prompts, outputs, limits, strict=True)
        ]

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)
