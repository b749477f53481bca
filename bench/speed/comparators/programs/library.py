"""How a library is measured in a process of its own: the sentences again and again, a stretch at a time."""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path

from bench.speed.window import Window

Translate = Callable[[Sequence[str]], list[str]]


def parse(description: str | None) -> argparse.Namespace:
    """What both libraries are told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--sentences", type=Path, required=True, help="JSON file: a list of sentences")
    parser.add_argument("--threads", type=int, required=True, help="threads that translate")
    parser.add_argument("--seconds", type=float, default=0.0, help="least length of the window")
    parser.add_argument("--warm-up", type=float, default=0.0, help="least seconds before it")
    parser.add_argument("--outputs", type=Path, help="write the translation of each sentence here, and measure nothing")
    return parser.parse_args()


def run(translate: Translate, arguments: argparse.Namespace, *, stretch: int) -> None:
    """Print a window, or write the outputs.

    Args:
        translate: gives the translation of each of some sentences.
        stretch: how many it has at a time.
    """
    sentences = json.loads(arguments.sentences.read_text(encoding="utf-8"))
    if arguments.outputs:
        arguments.outputs.write_text(json.dumps(translate(sentences)), encoding="utf-8")
        return
    stretches = cycle([sentences[start : start + stretch] for start in range(0, len(sentences), stretch)])
    print(measure(translate, stretches, seconds=arguments.seconds, warm_up=arguments.warm_up).to_json())


def measure(translate: Translate, stretches: "cycle[Sequence[str]]", *, seconds: float, warm_up: float) -> Window:
    """A window of whole stretches; how many tokens were written such a library does not tell."""
    start = time.monotonic()
    while time.monotonic() - start < warm_up:
        translate(next(stretches))
    began, began_cpu, words = time.monotonic(), time.process_time(), 0
    while True:
        texts = next(stretches)
        translate(texts)
        words += sum(len(text.split()) for text in texts)
        if (lasted := time.monotonic() - began) >= seconds:
            return Window(lasted, words, 0, time.process_time() - began_cpu)
