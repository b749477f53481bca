"""CTranslate2 alone, as a process: what the service could reach if it cost nothing.

The batches are those of ``Translator.translate_iterable``, sorted by length within a stretch of the input and always a
few ahead; it is not called itself because each batch is to have the service's limit on its outputs. The sentences are
split beforehand; tokenising and detokenising count.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import ctranslate2
import sentencepiece

from bench.speed.window import Window

BATCH = 32
SORTED_TOGETHER = 16 * BATCH
# As the service does for the model of one language pair and the default preset; its batches are of 32 as well.
OPTIONS = {"beam_size": 1, "disable_unk": True, "use_vmap": False, "max_batch_size": 0, "max_input_length": 0}
OUTPUT_FACTOR, OUTPUT_OFFSET = 2, 16


@dataclass(frozen=True, slots=True)
class Batch:
    """Sentences in tokens, longest first.

    Attributes:
        stretch_words: of the whole stretch, where this is its last batch; else 0.
    """

    sentences: Sequence[Sequence[str]]
    stretch_words: int = 0


def main() -> None:
    """Translate the same sentences again and again, and print a window."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.raw", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed model")
    parser.add_argument("--sentences", type=Path, required=True, help="JSON file: a list of sentences")
    parser.add_argument("--threads", type=int, required=True, help="batches at the same time")
    parser.add_argument("--seconds", type=float, required=True, help="least length of the window")
    parser.add_argument("--warm-up", type=float, required=True, help="least seconds before it")
    arguments = parser.parse_args()
    translator = ctranslate2.Translator(
        str(arguments.model), compute_type="int8", inter_threads=arguments.threads, intra_threads=1
    )
    tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(arguments.model / "tokenizer.spm"))
    batches = make_batches(json.loads(arguments.sentences.read_text(encoding="utf-8")), tokenizer)
    print(measure(translator, tokenizer, batches, arguments).to_json())


def make_batches(
    sentences: Sequence[str], tokenizer: sentencepiece.SentencePieceProcessor, *, stretch: int = SORTED_TOGETHER
) -> Iterator[Batch]:
    """Batches of the sentences, tokenised when they are asked for, without end.

    Args:
        stretch: how many sentences are sorted together.
    """
    for start in cycle(range(0, len(sentences), stretch)):
        texts = sentences[start : start + stretch]
        tokens = sorted((tokenizer.encode(text, out_type=str) for text in texts), key=len, reverse=True)
        words = sum(len(text.split()) for text in texts)
        for at in range(0, len(tokens), BATCH):
            yield Batch(tokens[at : at + BATCH], words if at + BATCH >= len(tokens) else 0)


def measure(
    translator: ctranslate2.Translator,
    tokenizer: sentencepiece.SentencePieceProcessor,
    batches: Iterator[Batch],
    arguments: argparse.Namespace,
) -> Window:
    """The window from the end of a stretch to the end of another, while the batches never cease."""
    under_way: deque[tuple[Batch, list[ctranslate2.AsyncTranslationResult]]] = deque()
    start, began, began_cpu, words, tokens = time.monotonic(), 0.0, 0.0, 0, 0
    for batch in batches:
        limit = OUTPUT_FACTOR * len(batch.sentences[0]) + OUTPUT_OFFSET
        results = translator.translate_batch(batch.sentences, max_decoding_length=limit, asynchronous=True, **OPTIONS)
        under_way.append((batch, results))
        if len(under_way) <= 2 * arguments.threads:
            continue
        oldest, results = under_way.popleft()
        outputs = [result.result().hypotheses[0] for result in results]
        for output in outputs:
            tokenizer.decode(output)
        words, tokens = words + oldest.stretch_words, tokens + sum(map(len, outputs))
        now = time.monotonic()
        if oldest.stretch_words and began and now - began >= arguments.seconds:
            return Window(now - began, words, tokens, time.process_time() - began_cpu)
        if oldest.stretch_words and not began and now - start >= arguments.warm_up:
            began, began_cpu, words, tokens = now, time.process_time(), 0, 0
    raise AssertionError("the batches have an end")


if __name__ == "__main__":
    main()
