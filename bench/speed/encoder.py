"""The sentence encoder alone, as a process: embeddings of all sentences of articles, and nothing of a summary.

The sentences are split beforehand; tokenising and pooling count, for without them there is no vector.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import ctranslate2
import numpy as np
import tokenizers
from polygist_service.text.segmentation import split_sentences

from bench.speed.window import Window

MOST_TOKENS = 128
SORTED_TOGETHER = 256


def main() -> None:
    """Embed the same articles again and again, and print a window."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.encoder", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed encoder")
    parser.add_argument("--texts", type=Path, required=True, help="JSON file: a list of articles")
    parser.add_argument("--batch", type=int, required=True, help="sentences of a batch")
    parser.add_argument("--threads", type=int, required=True, help="batches at the same time")
    parser.add_argument("--seconds", type=float, required=True, help="least length of the window")
    parser.add_argument("--warm-up", type=float, required=True, help="least seconds before it")
    arguments = parser.parse_args()
    encoder = ctranslate2.Encoder(
        str(arguments.model), compute_type="int8", inter_threads=arguments.threads, intra_threads=1
    )
    tokenizer = tokenizers.Tokenizer.from_file(str(arguments.model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)
    articles = json.loads(arguments.texts.read_text(encoding="utf-8"))
    stretches = cycle(list(make_stretches(articles)))
    with ThreadPoolExecutor(arguments.threads) as pool:

        def embed(stretch: Sequence[str]) -> int:
            tokens = sorted((tokenizer.encode(text).ids for text in stretch), key=len)
            starts = range(0, len(tokens), arguments.batch)
            list(pool.map(lambda at: pool_states(encoder, tokens[at : at + arguments.batch]), starts))
            return sum(map(len, tokens))

        start = time.monotonic()
        while time.monotonic() - start < arguments.warm_up:
            embed(next(stretches))
        start, cpu, words, tokens = time.monotonic(), time.process_time(), 0, 0
        while (took := time.monotonic() - start) < arguments.seconds:
            stretch = next(stretches)
            tokens += embed(stretch)
            words += sum(len(text.split()) for text in stretch)
    print(Window(took, words, tokens, time.process_time() - cpu).to_json())


def make_stretches(articles: Sequence[str]) -> Iterator[list[str]]:
    """Sentences of the articles, as many at a time as are sorted together."""
    sentences = [
        text[start:end].strip()
        for text in articles
        for start, end in split_sentences(text, "en")
        if text[start:end].strip()
    ]
    for at in range(0, len(sentences), SORTED_TOGETHER):
        yield sentences[at : at + SORTED_TOGETHER]


def pool_states(
    encoder: ctranslate2.Encoder, batch: Sequence[Sequence[int]]
) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    """The vectors of a batch, each of L2 norm 1: the mean of its states."""
    states = np.asarray(encoder.forward_batch(batch).last_hidden_state)
    lengths = np.array([len(tokens) for tokens in batch])
    real = np.arange(states.shape[1]) < lengths[:, None]
    mean = (states * real[:, :, None]).sum(axis=1) / lengths[:, None]
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)


if __name__ == "__main__":
    main()
