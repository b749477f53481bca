"""CTranslate2 alone, as a process: what the service could reach if it cost nothing.

The batches are those of ``Translator.translate_iterable``, sorted by length within a stretch of the input and always a
few ahead; it is not called itself because each batch is to have the service's limit on its outputs.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import ctranslate2
import sentencepiece

from bench.speed.window import ENGINE, TOKENS, WHOLE, Window

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


class Raw:
    """A model and its tokeniser, without anything around them.

    Args:
        folder: of the installed model.
        threads: batches at the same time.
    """

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._translator = ctranslate2.Translator(
            str(folder), compute_type="int8", inter_threads=threads, intra_threads=1
        )
        self._tokenizer = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.spm"))

    def tokenise(self, text: str) -> list[str]:
        """The tokens of a sentence."""
        tokens: list[str] = self._tokenizer.encode(text, out_type=str)
        return tokens

    def start(self, sentences: Sequence[Sequence[str]]) -> "list[ctranslate2.AsyncTranslationResult]":
        """Begin a batch, of which the first sentence is the longest."""
        limit = OUTPUT_FACTOR * len(sentences[0]) + OUTPUT_OFFSET
        results: list[ctranslate2.AsyncTranslationResult] = self._translator.translate_batch(
            sentences, max_decoding_length=limit, asynchronous=True, **OPTIONS
        )
        return results

    def write(self, tokens: Sequence[str]) -> str:
        """The sentence of its tokens."""
        text: str = self._tokenizer.decode(tokens)
        return text


def main() -> None:
    """Translate the same texts again and again, and print a window."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.raw", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed model")
    parser.add_argument("--texts", type=Path, required=True, help="JSON file: a list of texts")
    parser.add_argument("--counted", choices=(ENGINE, TOKENS, WHOLE), default=TOKENS, help="what the window holds")
    parser.add_argument("--threads", type=int, required=True, help="batches at the same time")
    parser.add_argument("--seconds", type=float, required=True, help="least length of the window")
    parser.add_argument("--warm-up", type=float, required=True, help="least seconds before it")
    arguments = parser.parse_args()
    raw = Raw(arguments.model, threads=arguments.threads)
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    batches = make_batches(texts, raw, counted=arguments.counted)
    print(measure(raw, batches, arguments).to_json())


def make_batches(texts: Sequence[str], raw: Raw, *, counted: str, stretch: int = SORTED_TOGETHER) -> Iterator[Batch]:
    """Batches of the sentences of `texts`, without end.

    Args:
        texts: each of one sentence a line, which are split again only where that counts.
        raw: tokenises, once and for all where it does not count.
        counted: ENGINE, TOKENS or WHOLE.
        stretch: how many sentences are sorted together.
    """
    if counted == WHOLE:
        return join_batches(split_stretches(texts, stretch), raw)
    sentences = [line for text in texts for line in text.split("\n")]
    stretches = [sentences[start : start + stretch] for start in range(0, len(sentences), stretch)]
    if counted == TOKENS:
        return join_batches(cycle(stretches), raw)
    return cycle(list(join_batches(stretches, raw)))


def split_stretches(texts: Sequence[str], stretch: int) -> Iterator[list[str]]:
    """Sentences of articles, split when they are asked for, without end."""
    # Only here, for it takes time to load: where nothing is split, nothing of the service is in the process.
    from polygist_service.text.segmentation import split_sentences

    ahead: list[str] = []
    for text in cycle(texts):
        ahead += [text[start:end].strip() for start, end in split_sentences(text, "en")]
        if len(ahead) >= stretch:
            yield ahead[:stretch]
            ahead = ahead[stretch:]


def join_batches(stretches: Iterable[list[str]], raw: Raw) -> Iterator[Batch]:
    """Batches of each stretch, sorted by length within it and tokenised when they are asked for."""
    for sentences in stretches:
        tokens = sorted(map(raw.tokenise, sentences), key=len, reverse=True)
        words = sum(len(sentence.split()) for sentence in sentences)
        for at in range(0, len(tokens), BATCH):
            yield Batch(tokens[at : at + BATCH], words if at + BATCH >= len(tokens) else 0)


def measure(raw: Raw, batches: Iterator[Batch], arguments: argparse.Namespace) -> Window:
    """The window from the end of a stretch to the end of another, while the batches never cease."""
    under_way: deque[tuple[Batch, list[ctranslate2.AsyncTranslationResult]]] = deque()
    start, began, began_cpu, words, tokens = time.monotonic(), 0.0, 0.0, 0, 0
    for batch in batches:
        under_way.append((batch, raw.start(batch.sentences)))
        if len(under_way) <= 2 * arguments.threads:
            continue
        oldest, results = under_way.popleft()
        outputs = [result.result().hypotheses[0] for result in results]
        for output in outputs if arguments.counted != ENGINE else ():
            raw.write(output)
        words, tokens = words + oldest.stretch_words, tokens + sum(map(len, outputs))
        now = time.monotonic()
        if oldest.stretch_words and began and now - began >= arguments.seconds:
            return Window(now - began, words, tokens, time.process_time() - began_cpu)
        if oldest.stretch_words and not began and now - start >= arguments.warm_up:
            began, began_cpu, words, tokens = now, time.process_time(), 0, 0
    raise AssertionError("the batches have an end")


if __name__ == "__main__":
    main()
