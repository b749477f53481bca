"""Sentence borders: where segments begin, in sentences with abbreviations, marks and tokens that end none."""

from collections.abc import Iterator
from pathlib import Path

from polygist_client import Client

from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).parent / "cases"
LANGUAGES = {"en": "pt", "pt": "en"}
BORDER = " ¦ "
# Of each language, every third case was not looked at while the rules were written.
HELD_BACK = 3


def read_cases(language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the group and the sentences of each case of a language."""
    group = ""
    for line in (CASES / f"borders.{language}.txt").read_text("utf-8").splitlines():
        if line.startswith("# "):
            group = line.removeprefix("# ")
        else:
            yield group, tuple(line.split(BORDER))


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each case, and compare where its segments stand with where its sentences do."""
    cases: list[Case] = []
    held_back: list[bool] = []
    for language, target in LANGUAGES.items():
        given = list(read_cases(language))
        sources = [" ".join(sentences) for _, sentences in given]
        translations = client.translate(sources, to=target, source=language, segments=True)
        for index, ((group, sentences), translation) in enumerate(zip(given, translations, strict=True)):
            found = tuple(segment.source_span.of(sources[index]) for segment in translation.segments)
            # A dash that begins a line of dialogue stays where it stands.
            spoken = tuple(sentence.removeprefix("— ") for sentence in sentences[:1]) + sentences[1:]
            fault = "" if found in (sentences, spoken) else f"{len(found)} segments: {BORDER.join(found)}"
            cases.append(Case(f"{language}, {group}", sources[index], fault))
            held_back.append(index % HELD_BACK == HELD_BACK - 1)
    apart = [case for case, is_apart in zip(cases, held_back, strict=True) if is_apart]
    right = sum(not case.fault for case in apart)
    note = f"Of the {len(apart)} cases that were held back while the rules were written, {right} are right."
    return Kind("Sentence borders", cases, 0.98, notes=(note,))
