"""What a server makes of a word or a few whose language nobody names: answered rightly, wrongly, or refused.

English and Portuguese, which the starter models read, and fourteen neighbours which they do not: Portuguese's own
(Spanish, Galician, Catalan, French, Italian, Romanian), English's own (German, Dutch, Afrikaans, Swedish, Danish,
Norwegian), and two that share the script and little else (Finnish, Polish).
"""

import argparse
import os
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from polygist_client import Client, FailedPrecondition, PolygistError, Translation

from bench.quality.process import start_server
from bench.quality.report import Cell, Say, Table, say
from bench.quality.sets import DataFolder

SERVED = {"eng": "en", "por": "pt"}
NEIGHBOURS = {
    "spa": "es", "glg": "gl", "cat": "ca", "fra": "fr", "ita": "it", "ron": "ro", "deu": "de", "nld": "nl", "afr": "af",
    "swe": "sv", "dan": "da", "nob": "no", "fin": "fi", "pol": "pl",
}  # fmt: skip
TATOEBA = "tatoeba_2021_08_07"
# Codes that name what is asked for: Norwegian without saying which.
ALIKE = {"nb": "no", "nn": "no"}
WORDS = (1, 2, 3, 5)
# Windows of each language, corpus and length; half of them of the neighbours, as there are so many.
WINDOWS = 60
# Whole sentences of each language and corpus.
SENTENCES = 60
TEXTS_IN_A_REQUEST = 20
CALLERS = 16
MARKS = ".,;:!?\"'“”‘’«»()[]…—–-„ "


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, its language, what it is counted with, and how many words it has; 0 for a whole sentence."""

    text: str
    language: str
    group: str
    words: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a text: the language it was taken for, None where it was refused, and whether with a warning."""

    language: str | None
    is_warned: bool = False


NOTES = (
    "Windows of so many words, or all of a sentence. wrong: answered, as if in another language; without a warning: of "
    "all, wrong and not called a guess. Neighbours are read by no starter model: what is right is to refuse them.",
)
Ask = Callable[[Client, Sequence[str]], Sequence[Outcome]]


def translate_alone(client: Client, texts: Sequence[str], *, to: str, candidates: Sequence[str] = ()) -> list[Outcome]:
    """Each text is a request of its own."""

    def ask(text: str) -> Outcome:
        try:
            return read(client.translate(text, to=to, candidates=candidates))
        except FailedPrecondition as refusal:
            return read(refusal)

    with ThreadPoolExecutor(CALLERS) as callers:
        return list(callers.map(ask, texts))


def translate_together(client: Client, texts: Sequence[str]) -> list[Outcome]:
    """Some texts in a request, which is refused as a whole."""
    outcomes: list[Outcome] = []
    for start in range(0, len(texts), TEXTS_IN_A_REQUEST):
        some = texts[start : start + TEXTS_IN_A_REQUEST]
        try:
            outcomes += map(read, client.translate(some, to="pt"))
        except FailedPrecondition as refusal:
            outcomes += [read(refusal)] * len(some)
    return outcomes


def translate_stream(client: Client, texts: Sequence[str]) -> list[Outcome]:
    """All texts in a stream, as a file of titles is sent."""
    return list(map(read, client.translate_many(texts, to="pt", on_error="return")))


def detect(client: Client, texts: Sequence[str]) -> list[Outcome]:
    """Only the language is asked for."""
    found = [answer.best.code for answer in client.detect_language(list(texts))]
    return [Outcome(ALIKE.get(code, code) if code != "und" else None) for code in found]


def read(answer: Translation | PolygistError) -> Outcome:
    """Return the outcome that an answer tells of; raises where that is another error than a refusal."""
    if isinstance(answer, FailedPrecondition):
        return Outcome(None)
    if isinstance(answer, PolygistError):
        raise answer
    return Outcome(answer.source, any(notice.code == "low-detection-confidence" for notice in answer.warnings))


# What is asked of the texts of one language, by its name in the tables.
SITUATIONS: Mapping[str, Ask] = {
    "alone, into pt": lambda client, texts: translate_alone(client, texts, to="pt"),
    "alone, into en": lambda client, texts: translate_alone(client, texts, to="en"),
    "alone, into pt, candidates en and pt": lambda client, texts: translate_alone(
        client, texts, to="pt", candidates=("en", "pt")
    ),
    f"{TEXTS_IN_A_REQUEST} of a language in one request, into pt": translate_together,
    "all of a language in one stream, into pt": translate_stream,
    "detected": detect,
}


def make_samples(data: DataFolder) -> Iterator[Sample]:
    """Windows of all lengths, and whole sentences, of both sources in each language."""
    sentences: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for line in data.lines("langid/langid.public.tsv"):
        corpus, code, sentence = line.split("\t", 2)
        language = (SERVED | NEIGHBOURS).get(code[:3])
        if language and code[3:4] in ("", "-", "_"):
            group = language if language in SERVED.values() else "neighbours"
            sentences[corpus, language, group].append(sentence)
    for language in SERVED.values():
        sentences[TATOEBA, language, f"{language}, Tatoeba"] = data.lines(f"translation/{TATOEBA}.{language}.txt")
    for (corpus, language, group), those in sorted(sentences.items()):
        count = WINDOWS // 2 if group == "neighbours" else WINDOWS
        for words in WORDS:
            chance = random.Random(f"{corpus} {language} {words}")
            for text in cut_windows(those, words, count, chance):
                yield Sample(text, language, group, words)
        for text in random.Random(f"{corpus} {language}").sample(those, min(SENTENCES, len(those))):
            yield Sample(text.strip(), language, group, 0)


def cut_windows(sentences: Sequence[str], words: int, count: int, chance: random.Random) -> list[str]:
    """So many different stretches of `words` words with letters, without the marks around them; fewer where few are."""
    found: dict[str, None] = {}
    for _ in range(30 * count if sentences else 0):
        parts = chance.choice(sentences).split()
        start = chance.randrange(max(1, len(parts) - words + 1))
        window = parts[start : start + words]
        text = " ".join(window).strip(MARKS)
        if len(window) == words and all(any(map(str.isalpha, part)) for part in window) and text:
            found[text] = None
        if len(found) == count:
            break
    return list(found)


def measure_situation(client: Client, name: str, samples: Sequence[Sample]) -> Table:
    """Ask one thing of all samples."""
    asked: dict[tuple[str, str, int], list[str]] = defaultdict(list)
    for sample in samples:
        asked[sample.group, sample.language, sample.words].append(sample.text)
    outcomes: dict[tuple[str, int], list[tuple[bool, Outcome]]] = defaultdict(list)
    for (group, language, words), texts in asked.items():
        answers = SITUATIONS[name](client, texts)
        outcomes[group, words] += [(answer.language == language, answer) for answer in answers]
    rows = [(group, words or "all", *count(those)) for (group, words), those in sorted(outcomes.items())]
    columns = ("texts in", "words", "texts", "right", "with a warning", "wrong", "without a warning", "refused")
    return Table(f"Short texts, {name}, %", columns, tuple(rows), NOTES)


def count(outcomes: Sequence[tuple[bool, Outcome]]) -> tuple[Cell, ...]:
    """How many there are, and in percent: right, of all those with a warning, wrong, those without one, refused."""
    answered = [(is_right, answer.is_warned) for is_right, answer in outcomes if answer.language is not None]
    counts = (
        sum(is_right for is_right, _ in answered),
        sum(is_right and is_warned for is_right, is_warned in answered),
        sum(not is_right for is_right, _ in answered),
        sum(not is_right and not is_warned for is_right, is_warned in answered),
        len(outcomes) - len(answered),
    )
    return (len(outcomes), *(round(100 * each / len(outcomes), 1) for each in counts))


def measure_short_texts(client: Client, data: DataFolder, say: Say) -> list[Table]:
    """A table for each situation."""
    samples = list(make_samples(data))
    tables: list[Table] = []
    if not samples:
        return tables
    for name in SITUATIONS:
        say(f"short texts, {name}: {len(samples)}")
        tables.append(measure_situation(client, name, samples))
    return tables


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality.short_texts", description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("POLYGIST_DATA"), help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    parser.add_argument("--address", help="a server that runs already, of this version or another")
    arguments = parser.parse_args()
    if arguments.data is None or not arguments.data.is_dir():
        parser.error("no data: give --data FOLDER or set POLYGIST_DATA")
    with ExitStack() as stack:
        address = arguments.address or stack.enter_context(start_server(arguments.home)).address
        client = stack.enter_context(Client(address))
        for table in measure_short_texts(client, DataFolder(arguments.data), say):
            print(table.to_markdown(), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
