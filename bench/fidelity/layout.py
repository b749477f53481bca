"""Layout: what stands between the cells, items and sentences of plain text stays as it is."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from polygist_client import Client, Span

from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).with_name("cases") / "layout.txt"
OTHER = {"en": "pt", "pt": "en"}
MARKED = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
# How numbers are written is another kind's, and so is how far apart aligned columns stand.
FIGURE = re.compile(r"\d[\d.,]*")
SPACES = re.compile(r" {2,}")
RULES = re.compile(r"([-=─])\1+")


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each text and compare what stands between its segments, before and after."""
    cases = []
    for group, language, source, segments in read_cases(CASES.read_text()):
        translation = client.translate(source, source=language, to=OTHER[language], segments=True)
        found = [source[segment.source_span.start : segment.source_span.end] for segment in translation.segments]
        found = [text for text in found if any(map(str.isalpha, text))]
        before = skeleton(source, [segment.source_span for segment in translation.segments])
        after = skeleton(translation.text, [segment.target_span for segment in translation.segments])
        fault = ""
        if found != segments:
            fault = f"read {found}, right is {segments}"
        elif after != before:
            fault = f"came {translation.text!r}, between its segments {after!r}, right is {before!r}"
        cases.append(Case(group, source, fault, is_warned=bool(translation.warnings)))
    return Kind("Layout", cases, target=1.0)


def read_cases(text: str) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield group, language, source and segments of each case of a file; its head says how it is written."""
    for case in text.split("\n%% ")[1:]:
        head, _, body = case.partition("\n")
        group, language = head.rsplit(", ", 1)
        body = body.rstrip("\n").replace("\\t", "\t").replace("\\xa0", "\xa0")
        yield group, language, MARKED.sub(r"\1", body), MARKED.findall(body)


def skeleton(text: str, spans: Sequence[Span]) -> str:
    """Return what stands between `spans`, without figures and however wide white space and rules are."""
    ends, starts = [0, *(span.end for span in spans)], [*(span.start for span in spans), len(text)]
    between = "\0".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    return RULES.sub(r"\1", SPACES.sub("  ", FIGURE.sub("", between)))
