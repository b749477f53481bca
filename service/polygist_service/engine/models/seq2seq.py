"""Encoder-decoders: text in, hypotheses out."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import cast

import ctranslate2

from polygist_service.engine.interface import Decoding, Options, Result, Tokens
from polygist_service.engine.models.base import BatchLimits, Listener
from polygist_service.engine.models.decoding import (
    FULL_VOCABULARY,
    SHORTLIST,
    USUAL,
    Generation,
    follow,
    read_hypotheses,
)
from polygist_service.engine.models.prompt_format import PLAIN_FORMAT, Prompt, PromptFormat
from polygist_service.engine.models.tokenizers import Tokenizer
from polygist_service.text.alignment import AlignedPair, Alignment
from polygist_service.text.characters import OPENING_PARENTHESES
from polygist_service.text.segmentation import Span

# A piece at which a model looked less when it wrote another one has little to do with that.
LEAST_LOOK = 0.15

# For each token of an output, how much it looked at each token that was read.
Rows = Sequence[Sequence[float]]


class SequenceToSequence:
    """An encoder-decoder: text in, hypotheses out.

    Args:
        translator: the converted model.
        tokenizer: splits texts and joins outputs.
        max_input_tokens: the window, end of sentence included, what the prompt format adds left out.
        prompt_format: how a text enters.
        generation: how the model's own settings have it write.

    Attributes:
        seams: see `BatchLimits`; none until somebody has found them out.
    """

    def __init__(
        self,
        translator: ctranslate2.Translator,
        tokenizer: Tokenizer,
        *,
        max_input_tokens: int,
        prompt_format: PromptFormat = PLAIN_FORMAT,
        generation: Generation = USUAL,
    ) -> None:
        self._translator = translator
        self._tokenizer = tokenizer
        self._window = max_input_tokens
        self._format = prompt_format
        self._generation = generation
        self.seams: tuple[int, ...] = ()

    def tokenise(self, text: str, options: Options) -> Prompt | None:
        assert isinstance(options, Decoding)
        count = self._tokenizer.count(text) if self._format.text_prefix else 0
        tokens = self._tokenizer.encode(self._format.text_prefix + text)
        return self._format.arrange(tokens, options, text) if (count or len(tokens)) < self._window else None

    def batch_limits(self, options: Options) -> BatchLimits:
        limits = SHORTLIST if isinstance(options, Decoding) and options.shortlist else FULL_VOCABULARY
        return replace(limits, seams=self.seams, mixed_segments=1) if self.seams else limits

    def most_output_tokens(self, batch: Sequence[Tokens], options: Options) -> int:
        assert isinstance(options, Decoding)
        return max(self._generation.limit(options, len(prompt)) for prompt in batch)

    def run(self, batch: Sequence[Tokens], options: Options, listener: Listener | None = None) -> list[Result]:
        """See `Model.run`: hypotheses of each segment, best first, without what their decoder had to begin with."""
        assert isinstance(options, Decoding)
        prompts, generation = cast(Sequence[Prompt], batch), self._generation
        limits = [generation.limit(options, len(prompt)) for prompt in prompts]
        arguments, prefixes = generation.arguments(options), [len(prompt.prefix) for prompt in prompts]
        # A call for every token slows a small model by a third: only where somebody wants to know, or may stop it.
        is_heard = listener and (listener.stops_early or any(map(listener.is_followed, range(len(prompts)))))
        heard = listener if is_heard and arguments["beam_size"] == 1 else None
        aligned = {
            at for at in range(len(prompts)) if options.alignment or (listener is not None and listener.is_aligned(at))
        }
        with follow(heard, self._tokenizer.decode, limits=limits, prefixes=prefixes) as following:
            outputs = self._translator.translate_batch(
                [prompt.tokens for prompt in prompts],
                target_prefix=[prompt.prefix for prompt in prompts] if prompts[0].prefix else None,
                max_batch_size=0,
                use_vmap=options.shortlist,
                return_attention=bool(aligned),
                disable_unk=True,
                # 0: CTranslate2 then raises on an over-long input instead of cutting it silently.
                max_input_length=0,
                # What the decoder is made to begin with counts for CTranslate2, not for us.
                max_decoding_length=max(limits) + len(prompts[0].prefix),
                min_decoding_length=generation.least(options) or 1,
                callback=following,
                suppress_sequences=self._parentheses if options.no_parentheses else None,
                **arguments,
            )
        attention = self._read_attention(prompts, outputs, arguments["beam_size"]) if aligned else []
        results = []
        # The batch shares the largest limit; each segment is held to its own, so that its answer is the same alone.
        for at, (prompt, output, limit) in enumerate(zip(prompts, outputs, limits, strict=True)):
            written = [tokens[len(prompt.prefix) :] for tokens in output.hypotheses]
            hypotheses = read_hypotheses(self._tokenizer, written, output.scores, limit)
            if at in aligned:
                hypotheses = tuple(
                    replace(hypothesis, alignment=self._align(prompt, tokens[:limit], rows))
                    for hypothesis, tokens, rows in zip(hypotheses, written, attention[at], strict=True)
                )
            results.append(Result(len(prompt), hypotheses))
        return results

    @cached_property
    def _parentheses(self) -> list[list[str]]:
        """Each token that opens a parenthesis, as a sequence of its own."""
        return [[token] for token in self._tokenizer.tokens_with(OPENING_PARENTHESES)]

    def _read_attention(
        self, prompts: Sequence[Prompt], outputs: Sequence[ctranslate2.TranslationResult], beam_size: int
    ) -> Sequence[Sequence[Rows]]:
        """Return for each hypothesis of each segment how much its tokens looked at those that were read.

        The beam search of CTranslate2 4.8 gives the first tokens of a batch the rows of other segments: on a CPU its
        first step has one beam for each segment, and ``decoding.cc`` gathers it as if it had all. What a decoder looks
        at first is the same whatever it writes, so one more step tells it. Where a decoder is made to begin with a
        token, that is the first one.
        """
        attention = [[rows[len(prompts[0].prefix) :] for rows in output.attention] for output in outputs]
        if beam_size == 1 or len(prompts) == 1 or prompts[0].prefix:
            return attention
        firsts = self._translator.translate_batch(
            [prompt.tokens for prompt in prompts],
            max_batch_size=0,
            return_attention=True,
            disable_unk=True,
            max_input_length=0,
            beam_size=1,
            max_decoding_length=1,
            min_decoding_length=1,
        )
        return [
            [[*first.attention[0], *rows[1:]] for rows in hypotheses]
            for hypotheses, first in zip(attention, firsts, strict=True)
        ]

    def _align(self, prompt: Prompt, tokens: Sequence[str], attention: Rows) -> Alignment:
        """Return the spans of the text and of an output that belong together.

        Args:
            prompt: what the model read.
            tokens: what it wrote.
            attention: of `tokens`.
        """
        before, first = len(self._format.text_prefix), self._format.text_start
        spans = self._tokenizer.token_spans(self._format.text_prefix + prompt.text)
        # Some tokens stand for no character of the text.
        sources = {
            at: (max(0, low - before), high - before)
            for at, (low, high) in enumerate(spans, start=first)
            if max(low, before) < high
        }
        pairs = []
        for span, row in zip(self._tokenizer.decoded_spans(tokens), attention, strict=False):
            if span[0] < span[1] and sources:
                least = min(LEAST_LOOK, max(row[at] for at in sources))
                pairs += [AlignedPair(sources[at], span, row[at]) for at in sources if row[at] >= least]
        return tuple(pairs)

    def count(self, text: str) -> int:
        return self._tokenizer.count(text)

    def unknown_spans(self, text: str) -> list[Span]:
        return self._tokenizer.unknown_spans(text)

    def likelihood(self, text: str) -> float:
        return self._tokenizer.likelihood(text)
