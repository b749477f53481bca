"""Language identification by length of the text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from polygist_client import Client

from bench.quality.report import Cell, Say, Table
from bench.quality.sets import DataFolder

SERVED = {"eng": "en", "por": "pt"}
OTHERS = "other"
# Longest texts of the buckets, in code points; the last one has no end.
BUCKETS = (20, 60, 200)
NAMES = ("1-20", "21-60", "61-200", "over 200")
# Sentences of each language that is not served: there are hundreds of languages.
SENTENCES_OF_OTHERS = 10
# Sentences that make a text of the longest bucket.
JOINED = 3
TEXTS_IN_A_REQUEST = 1000


@dataclass(frozen=True, slots=True)
class Sample:
    """A text, the language to find ("en", "pt" or "other") and the bucket of its length."""

    text: str
    language: str
    bucket: str


def measure_detection(client: Client, data: DataFolder, say: Say) -> Table:
    """For en and pt, the share that is found; for all others, the share that is not taken for en or pt."""
    say("language identification")
    samples = list(make_samples(data.lines("langid/langid.public.tsv")))
    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for start in range(0, len(samples), TEXTS_IN_A_REQUEST):
        some = samples[start : start + TEXTS_IN_A_REQUEST]
        for sample, answer in zip(some, client.detect_language([sample.text for sample in some]), strict=True):
            found = answer.best.code if answer.best.code in SERVED.values() else OTHERS
            right[sample.language, sample.bucket].append(found == sample.language)
    notes = (
        f"Length in code points. The texts up to 60 are word windows out of sentences, those over 200 are {JOINED} or "
        f"more neighbours joined. other: {SENTENCES_OF_OTHERS} sentences of each other language of the file; right is "
        "whatever is neither en nor pt.",
    )
    return Table("Language identification, % right", ("language", "texts", *NAMES), tuple(_rows(right)), notes)


def _rows(right: dict[tuple[str, str], list[bool]]) -> Iterator[tuple[Cell, ...]]:
    for language in (*SERVED.values(), OTHERS):
        answers = [right.get((language, name), []) for name in NAMES]
        if any(answers):
            shares = [100 * sum(some) / len(some) if some else None for some in answers]
            yield language, sum(map(len, answers)), *shares


def make_samples(lines: Iterable[str]) -> Iterator[Sample]:
    """Texts of every bucket out of lines of corpus, language code and sentence, parted by tabs."""
    sentences: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        corpus, code, sentence = line.split("\t", 2)
        sentences[corpus, code].append(sentence.strip())
    for (_, code), those in sentences.items():
        language = SERVED.get(code[:3], OTHERS)
        yield from _samples_of(those if language != OTHERS else those[:SENTENCES_OF_OTHERS], language)


def _samples_of(sentences: Sequence[str], language: str) -> Iterator[Sample]:
    for at, sentence in enumerate(sentences):
        texts = [window(sentence, most) for most in BUCKETS[:2]]
        texts.append(sentence)
        if at % JOINED == 0:
            texts.append(" ".join(sentences[at : at + JOINED]))
        for text in dict.fromkeys(texts):
            if any(map(str.isalpha, text)):
                yield Sample(text, language, bucket_of(text))


def window(sentence: str, most: int) -> str:
    """As many whole words from the middle of a sentence as fit `most` code points; where none fits, a piece of one."""
    words = sentence.split()
    middle = len(words) // 3
    text = ""
    for word in words[middle:]:
        longer = f"{text} {word}".strip()
        if len(longer) > most:
            break
        text = longer
    # Scripts without spaces have no words to count.
    return text or sentence[:most].strip()


def bucket_of(text: str) -> str:
    """The name of the bucket of a text."""
    return NAMES[sum(len(text) > most for most in BUCKETS)]
