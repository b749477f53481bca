"""Instruction models: decoders that answer what their chat template makes of an instruction and a text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import ctranslate2

from polygist_service.engine.interface import Decoding, Options, Result, Tokens
from polygist_service.engine.models.base import BatchLimits, Listener
from polygist_service.engine.models.decoding import ALONE, USUAL, Generation, follow, read_hypotheses
from polygist_service.engine.models.prompt_format import Prompt
from polygist_service.engine.models.tokenizers import JsonTokenizer
from polygist_service.text.segmentation import Span

Frame = tuple[Sequence[str], Sequence[str]]
# What a model thinks aloud, against the instruction of its template; where the limit ended it, to the end.
THINKING = re.compile(r"<think>.*?(?:</think>|\Z)\s*", re.DOTALL)


class CausalModel:
    """A decoder that follows instructions: text in, what it writes out.

    Args:
        generator: the converted model.
        tokenizer: splits texts and joins outputs.
        frame: from an instruction to the tokens that stand before and after a text; thread-safe.
        instruction: what it is told where a request says nothing.
        max_input_tokens: the most tokens that a text may have.
        generation: how the model's own settings have it write.
    """

    def __init__(
        self,
        generator: ctranslate2.Generator,
        tokenizer: JsonTokenizer,
        *,
        frame: Callable[[str], Frame],
        instruction: str,
        max_input_tokens: int,
        generation: Generation = USUAL,
    ) -> None:
        self._generator = generator
        self._tokenizer = tokenizer
        self._frame = frame
        self._instruction = instruction
        self._window = max_input_tokens
        self._generation = generation

    def tokenise(self, text: str, options: Options) -> Prompt | None:
        """The text and what follows it; what stands before it is the prefix, the same for all of these options."""
        assert isinstance(options, Decoding)
        tokens = self._tokenizer.encode(text)
        if len(tokens) >= self._window:
            return None
        head, tail = self._frame(options.instruction or self._instruction)
        return Prompt([*tokens, *tail], head)

    def batch_limits(self, options: Options) -> BatchLimits:
        return ALONE

    def most_output_tokens(self, batch: Sequence[Tokens], options: Options) -> int:
        assert isinstance(options, Decoding)
        return max(self._generation.limit(options, len(prompt)) for prompt in batch)

    def run(self, batch: Sequence[Tokens], options: Options, listener: Listener | None = None) -> list[Result]:
        """See `Model.run`: what the model writes after each prompt, without the prompt."""
        assert isinstance(options, Decoding)
        prompts, generation = cast(Sequence[Prompt], batch), self._generation
        limits = [generation.limit(options, len(prompt)) for prompt in prompts]
        arguments = generation.arguments(options)
        # A token takes so long that to ask each time whether it is wanted costs nothing.
        with follow(listener if arguments["beam_size"] == 1 else None, self._show, limits=limits) as following:
            outputs = self._generator.generate_batch(
                [prompt.tokens for prompt in prompts],
                max_batch_size=0,
                # The model's state after these is kept from one call to the next.
                static_prompt=prompts[0].prefix,
                include_prompt_in_result=False,
                max_length=max(limits),
                min_length=generation.least(options),
                callback=following,
                **arguments,
            )
        results = []
        for prompt, output, limit in zip(prompts, outputs, limits, strict=True):
            read = read_hypotheses(self._tokenizer, output.sequences, output.scores, limit)
            results.append(
                Result(len(prompt), tuple(replace(each, text=leave_out_thoughts(each.text)) for each in read))
            )
        return results

    def _show(self, tokens: Sequence[str]) -> str:
        return leave_out_thoughts(self._tokenizer.decode(tokens))

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)

    def likelihood(self, text: str) -> float:
        return self._tokenizer.likelihood(text)


def leave_out_thoughts(text: str) -> str:
    """Return what a model wrote without what it thought aloud."""
    return THINKING.sub("", text).strip()
