"""Placeholders of programs and phrases that are to be kept, in sentences of the public sets."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from polygist_client import Client

from bench.fidelity.documents.marked_sentences import MIME_TYPES, mark, read_pairs, unmark
from bench.fidelity.expectations import OTHER_LANGUAGE
from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

SEED = 20261127
# So many segments of each group, half of them in each language.
COUNTS = {
    "name kept": 120,
    "words kept": 80,
    "placeholder for a name": 140,
    "placeholder for a number": 80,
    "several placeholders": 60,
    "placeholder in a word": 20,
}
SYNTAXES = ("mustache", "braces", "printf", "shell", "url-email")
# Inside a sentence, behind a word in small letters, and not at its end.
NAME = re.compile(r"(?<=[a-z] )[A-ZÀ-Ý][a-zà-ÿ]{2,}(?: [A-ZÀ-Ý][a-zà-ÿ]{2,})*(?= [a-z])")
NUMBER = re.compile(r"(?<=[a-z] )\d{1,3}(?= [a-zà-ÿ]{3,})")
WORDS = re.compile(r"(?<=[a-z] )[a-z]{4,} [a-z]{5,}(?= [a-zà-ÿ])")
FOR_NAMES = (
    "{name}",
    "{{user.name}}",
    "%s",
    "%(city)s",
    "${HOME}",
    "$USER",
    "{0}",
    "%1$s",
    "{user_name}",
    "{{ title }}",
)
FOR_NUMBERS = ("%d", "{count}", "%1$d", "{{n}}", "{total}", "%(num)d")
IN_WORDS = ("{size}px", "v{version}", "{prefix}-id", "{first}{last}", "%s_old")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence and what is to be kept of it; `is_phrase`: the request has to name it."""

    group: str
    language: str
    text: str
    kept: tuple[str, ...]
    is_phrase: bool = False


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate the sentences in both directions and three formats: what is kept stands there as often as before."""
    samples = draw_samples(list(read_pairs(data))) if data else []
    draw = random.Random(SEED)
    cases = [try_sample(client, sample, mime_type, draw) for mime_type in MIME_TYPES for sample in samples]
    guessed = sum(case.is_warned and not case.fault for case in cases)
    note = f"Of those that are right {guessed} are told of as put back at a place that may be wrong."
    return Kind("Placeholders and kept phrases", cases, target=0.995, allows_silence=False, notes=(note,))


def draw_samples(pairs: Sequence[tuple[str, str, str]]) -> list[Sample]:
    """Return sentences of each group, alternately in the two languages."""
    draw = random.Random(SEED)
    pairs = list(pairs)
    draw.shuffle(pairs)
    samples: list[Sample] = []
    for group, count in COUNTS.items():
        for language in OTHER_LANGUAGE:
            made = (make_sample(group, language, text, draw) for code, text, _ in pairs if code == language)
            fitting = (sample for sample in made if sample)
            samples += [sample for sample, _ in zip(fitting, range(count // 2), strict=False)]
    return samples


def make_sample(group: str, language: str, text: str, draw: random.Random) -> Sample | None:
    """Return a sentence as one of a group; None where it has no place for it."""
    if group in ("name kept", "words kept"):
        found = list((NAME if group == "name kept" else WORDS).finditer(text))
        phrase = draw.choice(found)[0] if found else ""
        return Sample(group, language, text, (phrase,), is_phrase=True) if phrase else None
    places = list((NUMBER if group == "placeholder for a number" else NAME).finditer(text))
    several = group == "several placeholders"
    if len(places) < 1 + several:
        return None
    chosen = sorted(draw.sample(places, draw.randint(2, min(4, len(places))) if several else 1), key=re.Match.start)
    listed = {"placeholder for a number": FOR_NUMBERS, "placeholder in a word": IN_WORDS}.get(group, FOR_NAMES)
    kept = tuple(draw.choice(listed) for _ in chosen)
    for place, shown in zip(reversed(chosen), reversed(kept), strict=True):
        text = text[: place.start()] + shown + text[place.end() :]
    return Sample(group, language, text, kept)


def try_sample(client: Client, sample: Sample, mime_type: str, draw: random.Random) -> Case:
    """Translate a sentence in a format."""
    source = mark(sample.text, mime_type, draw, sample.kept[0] if sample.is_phrase else "")
    translation = client.translate(
        source,
        to=OTHER_LANGUAGE[sample.language],
        source=sample.language,
        mime_type=mime_type,
        keep=sample.kept if sample.is_phrase else (),
        placeholders=SYNTAXES,
    )
    shown = unmark(translation.text, mime_type)
    lost = [kept for kept in dict.fromkeys(sample.kept) if count(kept, shown) != count(kept, sample.text)]
    told = [
        unmark(source[warning.span.start : warning.span.end], mime_type)
        for warning in translation.warnings
        if warning.code == "placeholder-lost" and warning.span
    ]
    is_warned = all(any(kept in span or span in kept for span in told) for kept in lost) if lost else bool(told)
    fault = f"{translation.text!r}: {', '.join(lost)}" if lost else ""
    return Case(f"{sample.group}, {mime_type}", source, fault, is_warned)


def count(phrase: str, text: str) -> int:
    """Count a phrase that is no part of a longer word."""
    return len(re.findall(rf"(?<!\w){re.escape(phrase)}(?!\w)" if phrase[0].isalpha() else re.escape(phrase), text))
