"""Inline tags: the translated words that stand in an element are those that say what stood in it before."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from polygist_client import Client

from bench.fidelity.documents.calls import HTML, OTHER, translate_documents
from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).parent / "cases"
# The marks were written by hand, beside what the starter models write for the sentences without their tags; every third
# sentence is in the file for tuning, and what is reported is of the others alone.
REPORTED = "inline_tags.jsonl"
TUNING = "inline_tags.tuning.jsonl"
MARKS = ".,;:!?…\"'“”‘’()"
Tag = tuple[str, tuple[tuple[str, str | None], ...]]


@dataclass(frozen=True, slots=True)
class MarkedSentence:
    """A sentence with inline elements.

    Attributes:
        group: what it is an example of, such as "negation".
        language: "en", which is translated to Portuguese, or "pt", which is translated to English.
        source: the sentence, no two elements of which have the same start tag.
        elements: of each element, in the order of their start tags, what must stand in its translation: words, of which
            "[a/b]" may be missing and "a/b" is either of two; " | " stands between two that are right alike.
    """

    group: str
    language: str
    source: str
    elements: Sequence[str]

    def judge(self, translation: str, *, is_warned: bool = False) -> list[Case]:
        """Return a case for each element."""
        contents = read_contents(translation)
        cases = []
        for tag, right in zip(read_contents(self.source), self.elements, strict=True):
            words = split_words(" ".join(contents.get(tag, [])))
            is_right = tag in contents and any(compile_words(one).fullmatch(words) for one in right.split(" | "))
            fault = "" if is_right else f"<{tag[0]}> has {words.strip()!r}, right is {right!r}: {translation!r}"
            cases.append(Case(f"{self.language}, {self.group}", self.source, fault, is_warned))
        return cases


class ContentReader(HTMLParser):
    """Collects the text of each element."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Tag] = []
        self.contents: dict[Tag, list[str]] = defaultdict(list)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append((tag, tuple(attrs)))
        self.contents[self.open[-1]].append("")

    def handle_endtag(self, tag: str) -> None:
        for place in range(len(self.open) - 1, -1, -1):
            if self.open[place][0] == tag:
                del self.open[place]
                return

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            self.contents[tag][-1] += data


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each sentence, and compare what stands in its elements with what was marked."""
    cases, tuning = judge_all(client, REPORTED), judge_all(client, TUNING)
    right = sum(not case.fault for case in tuning)
    share = 100 * right / len(tuning)
    note = f"Of the {len(tuning)} elements of the sentences for tuning, {right} are right ({share:.1f} %)."
    return Kind("Inline tags", cases, target=0.95, notes=("A case is an element.", note))


def judge_all(client: Client, name: str) -> list[Case]:
    """Translate the sentences of a file, and return a case for each element."""
    cases = []
    sentences = list(read_sentences(name))
    for language in OTHER:
        own = [sentence for sentence in sentences if sentence.language == language]
        for sentence, translation in zip(
            own, translate_documents(client, [each.source for each in own], HTML, language), strict=True
        ):
            cases += sentence.judge(translation.text, is_warned=bool(translation.warnings))
    return cases


def read_sentences(name: str) -> Iterator[MarkedSentence]:
    """Yield the sentences of a file."""
    for line in (CASES / name).read_text("utf-8").splitlines():
        yield MarkedSentence(**json.loads(line))


def read_contents(text: str) -> dict[Tag, list[str]]:
    """Return the texts of the elements of a fragment, in the order of their start tags; two where one was split."""
    reader = ContentReader()
    reader.feed(text)
    reader.close()
    return reader.contents


def split_words(text: str) -> str:
    """Return the words of `text` in small letters, without the marks around them, a space after each."""
    words = (word.strip(MARKS) for word in text.casefold().split())
    return "".join(f"{word} " for word in words if word)


def compile_words(right: str) -> re.Pattern[str]:
    """Return what finds the words that a mark asks for."""
    return re.compile("".join(compile_word(word) for word in right.split()))


def compile_word(word: str) -> str:
    """Return a pattern for one word, or for one of several, which may be missing where they stand in brackets."""
    choices = "|".join(map(re.escape, word.strip("[]").split("/")))
    return f"(?:(?:{choices}) )?" if word.startswith("[") else f"(?:{choices}) "
