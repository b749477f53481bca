"""Texts that make models repeat themselves, run on, fall silent or leave a clause out."""

import itertools
import re
import time
from collections import Counter
from collections.abc import Sequence

from polygist_client import CallFailed, Client

from bench.fidelity.expectations import read_expectations, translate_all
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.quality.sets import DataFolder

TARGET = 0.95
# A translation may have so many times the characters of its source, and any very short source so many characters.
TIMES_LONGER = 3
SHORT = 12
# What counts as a loop: so many words, repeated so often where the source does not.
LOOP_WORDS = 3
LOOP_REPEATS = 4
# A row of one word, or a row of the same characters inside a word, that is so much longer than the source's.
LONGER_ROW = 6
LONGER_CHARACTERS = 20
WORD = re.compile(r"\w+")
ROW = re.compile(r"(.{1,8}?)\1{5,}", re.DOTALL)
SECONDS = 60.0
HOSTILE = {
    "a word of 1,000,000 letters": "pneumono" * 125_000,
    "500,000 zero-width characters": "\u200b" * 500_000,
    "<s></s> x 50,000": "<s></s>" * 50_000,
}


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate the short ones in two requests, and the hostile ones each in its own, with a clock beside them."""
    expectations = read_expectations("loops")
    translations = translate_all(client, expectations)
    cases = []
    for expectation, translation in zip(expectations, translations, strict=True):
        faults = find_loops(expectation.source, translation.text)
        case = expectation.judge(translation)
        fault = f"{case.fault or repr(translation.text) + ':'} {', '.join(faults)}" if faults else case.fault
        cases.append(Case(case.group, case.source, fault, case.is_warned))
    lengths = [
        (len(each.source), len(translation.text)) for each, translation in zip(expectations, translations, strict=True)
    ]
    longer = sum(is_too_long(*of_both) for of_both in lengths)
    hostile, notes = zip(*(try_hostile(client, name, text) for name, text in HOSTILE.items()), strict=True)
    never = Requirement(f"{longer} translations over {TIMES_LONGER} times their source, 0 allowed", longer == 0)
    return Kind("Loops and swallowed text", [*cases, *hostile], TARGET, notes=notes, further=(never,))


def try_hostile(client: Client, name: str, text: str) -> tuple[Case, str]:
    """Translate a text that is made to take long; the seconds are told, only an answer is asked for."""
    start = time.monotonic()
    try:
        translation = client.translate(text, to="pt", source="en", timeout=SECONDS)
    except CallFailed as error:
        return Case("hostile", name, f"no answer in {SECONDS:.0f} s: {error}"), f"{name}: {error}."
    seconds = time.monotonic() - start
    is_long = is_too_long(len(text), len(translation.text))
    fault = f"{len(translation.text)} characters for {len(text)}" if is_long else ""
    return Case("hostile", name, fault, bool(translation.warnings)), f"{name}: {seconds:.1f} s."


def find_loops(source: str, text: str) -> list[str]:
    """Say where a translation is too long, says nothing, or repeats what its source does not."""
    if not text.strip():
        return ["empty"]
    faults = []
    if is_too_long(len(source), len(text)):
        faults.append(f"{len(text)} characters for {len(source)}")
    source_words, words = (WORD.findall(each.casefold()) for each in (source, text))
    repeats, in_source = most_repeats(words), most_repeats(source_words)
    if repeats >= LOOP_REPEATS and repeats > 2 * in_source:
        faults.append(f"the same {LOOP_WORDS} words {repeats} times")
    if longest_row(words) >= longest_row(source_words) + LONGER_ROW:
        faults.append("a word over and over")
    if longest_characters(text) >= longest_characters(source) + LONGER_CHARACTERS:
        faults.append("characters over and over")
    return faults


def is_too_long(source: int, target: int) -> bool:
    """Say whether a translation of so many characters is more than its source can have meant."""
    return target > max(TIMES_LONGER * source, SHORT)


def most_repeats(words: Sequence[str]) -> int:
    """How often the most frequent few words in a row stand there."""
    rows = Counter(tuple(words[start : start + LOOP_WORDS]) for start in range(len(words) - LOOP_WORDS + 1))
    return max(rows.values(), default=0)


def longest_row(words: Sequence[str]) -> int:
    """How often a word follows itself at most."""
    return max((sum(1 for _ in row) for _, row in itertools.groupby(words)), default=0)


def longest_characters(text: str) -> int:
    """How many characters are taken by the longest repetition of a few."""
    return max((len(match.group()) for match in ROW.finditer(text)), default=0)
