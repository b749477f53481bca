"""CTranslate2 alone, as a process: how long each text takes by itself, all its sentences in one batch.

Tokenising and detokenising count; the sentences are split beforehand, one a line.
"""

import argparse
import json
import time
from pathlib import Path

from bench.speed.raw import Raw

WARM_UP = 20


def main() -> None:
    """Translate the texts one after the other, and print the seconds of each as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed.alone", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of an installed model")
    parser.add_argument("--texts", type=Path, required=True, help="JSON file: a list of texts")
    parser.add_argument("--threads", type=int, required=True, help="batches at the same time, were there several")
    arguments = parser.parse_args()
    raw = Raw(arguments.model, threads=arguments.threads)
    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    for text in texts[:WARM_UP]:
        measure(raw, text)
    print(json.dumps([measure(raw, text) for text in texts]))


def measure(raw: Raw, text: str) -> float:
    """The seconds that one text takes."""
    start = time.monotonic()
    tokens = sorted(map(raw.tokenise, text.split("\n")), key=len, reverse=True)
    for result in raw.start(tokens):
        raw.write(result.result().hypotheses[0])
    return time.monotonic() - start


if __name__ == "__main__":
    main()
