"""Wrapped text: paragraphs that were wrapped at a column are read as such, and all else stays line by line."""

import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from polygist_client import Client, Segment, Span

from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).with_name("cases") / "wrapped.toml"
OTHER = {"en": "pt", "pt": "en"}
CUT = "·"
# Sentences of a paragraph, which fill three lines of 100 columns and more.
SENTENCES = 4
GREETINGS = {"en": ("Hello Anna,", "See you soon,"), "pt": ("Olá Ana,", "Até breve,")}


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A text with one wrapped paragraph.

    Attributes:
        sentences: of the paragraph.
        width: the most columns of its lines.
        rest: what stands before each line but the first.
        line_break: what ends its lines.
    """

    group: str
    language: str
    text: str
    sentences: Sequence[str]
    width: int
    rest: str
    line_break: str


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate and summarise each wrapped text, and translate what is none."""
    contents = tomllib.loads(CASES.read_text())
    cases = [Case(each.group, each.text, find_fault(client, each)) for each in wrapped_texts(contents)] + [
        Case(f"{each['group']} stay lines", each["text"].strip(), find_joined(client, each))
        for each in contents["lines"]
    ]
    return Kind("Wrapped text", cases, target=1.0)


def wrapped_texts(contents: dict[str, Any]) -> Iterator[Wrapped]:
    """Yield the texts that the forms and sentences of the file make, every other one with the line breaks of mail."""
    start = 0
    for language, sentences in contents["sentences"].items():
        for form in contents["forms"]:
            for width in form["widths"]:
                chosen = [sentences[at % len(sentences)] for at in range(start, start + SENTENCES)]
                start += SENTENCES + 1
                text = wrap(" ".join(chosen), width, form)
                if not form["first"]:
                    greeting, close = GREETINGS[language]
                    text = f"{greeting}\n\n{text}\n\n{close}\nRay\n"
                line_break = ("\n", "\r\n")[start % 2]
                yield Wrapped(
                    form["group"],
                    language,
                    text.replace("\n", line_break),
                    [each.replace(CUT, "") for each in chosen],
                    width,
                    form["rest"],
                    line_break,
                )


def wrap(text: str, width: int, form: dict[str, Any]) -> str:
    """Wrap `text` as a form has it."""
    if form.get("cuts"):
        return "\n".join(cut_lines(text.split(), width, form.get("hyphen", "-")))
    lines = textwrap.wrap(
        text.replace(CUT, ""),
        width,
        initial_indent=form["first"],
        subsequent_indent=form["rest"],
        break_long_words=False,
        break_on_hyphens=False,
    )
    if form.get("justified"):
        lines = [*(justify(line, width) for line in lines[:-1]), lines[-1]]
    return "\n".join(lines)


def cut_lines(words: Sequence[str], width: int, hyphen: str) -> Iterator[str]:
    """Yield lines whose last word is cut at the last of its places that fits."""
    line = ""
    for word in words:
        whole = word.replace(CUT, "")
        space = " " if line else ""
        if len(line) + len(space) + len(whole) <= width:
            line += space + whole
            continue
        parts = word.split(CUT)
        room = width - len(line) - len(space) - 1
        heads = ["".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]
        head = next((head for head in heads if 2 <= len(head) <= room), "")
        yield f"{line}{space}{head}{hyphen}" if head else line
        line = whole.removeprefix(head)
    yield line


def justify(line: str, width: int) -> str:
    """Return a line with spaces between its words so that it fills the width, as `man` does."""
    indentation = line[: len(line) - len(line.lstrip())]
    words = line.split()
    more = width - len(line)
    gaps = [" " * (1 + more // (len(words) - 1)) for _ in words[1:]]
    for at in islice(range(len(gaps) - 1, -1, -2), more % (len(words) - 1)):
        gaps[at] += " "
    filled = "".join(gap + word for gap, word in zip(["", *gaps], words, strict=True))
    return indentation + filled


def find_fault(client: Client, wrapped: Wrapped) -> str:
    """Return what is wrong with a wrapped text's translation, or with its summary in all its sentences."""
    language = wrapped.language
    translation = client.translate(wrapped.text, source=language, to=OTHER[language], segments=True)
    wanted = [letters(sentence) for sentence in wrapped.sentences]
    read = [letters(cut(wrapped.text, segment.source_span)) for segment in translation.segments]
    if wanted[0] not in read:
        return f"did not read {wrapped.sentences[0]!r} but {read}"
    first = read.index(wanted[0])
    own = translation.segments[first : first + len(wanted)]
    if read[first : first + len(wanted)] != wanted:
        return f"read {read}, right is {wanted}"
    if fault := find_loose_line(translation.text, own, wrapped):
        return f"{fault} in {translation.text!r}"
    summary = client.summarise(wrapped.text, source=language, max_sentences=100, sentences=True)
    told = [sentence.text for sentence in summary.sentences]
    lost = [sentence for sentence in wrapped.sentences if sentence not in told]
    return f"{lost[0]!r} is not among the sentences of the summary: {told}" if lost else ""


def cut(text: str, span: Span) -> str:
    """Return what stands at a span."""
    return text[span.start : span.end]


def letters(text: str) -> str:
    """Return the letters and digits of `text`, by which it is known however it was wrapped."""
    return "".join(filter(str.isalnum, text))


def find_loose_line(text: str, segments: Sequence[Segment], wrapped: Wrapped) -> str:
    """Return what is wrong with the lines of a translated paragraph."""
    start, end = segments[0].target_span.start, segments[-1].target_span.end
    line_start = text.rfind("\n", 0, start) + 1
    lines = text[line_start:end].split(wrapped.line_break)
    if len(lines) < 2 or any("\n" in line for line in lines):
        return f"{len(lines)} lines"
    if loose := [line for line in lines[1:] if not line.startswith(wrapped.rest)]:
        return f"{loose[0]!r} does not begin with {wrapped.rest!r}"
    wide = [line for line in lines if len(line) > wrapped.width and " " in line.strip()]
    return f"{wide[0]!r} is wider than {wrapped.width}" if wide else ""


def find_joined(client: Client, case: dict[str, str]) -> str:
    """Return what is wrong with the translation of lines that are no paragraph."""
    text, language = case["text"].strip(), case["language"]
    translation = client.translate(text, source=language, to=OTHER[language], segments=True)
    joined = [cut(text, segment.source_span) for segment in translation.segments]
    joined = [source for source in joined if "\n" in source]
    if joined:
        return f"{joined[0]!r} was read as one sentence"
    before, after = len(text.splitlines()), len(translation.text.splitlines())
    return "" if before == after else f"{after} lines came of {before}"
