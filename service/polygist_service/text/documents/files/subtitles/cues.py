"""Cues of SRT and WebVTT files: where their words stand, and when they are shown.

SRT has no standard; what is read here is what players read: cues without numbers, with blank lines in their text or
none between them, times without hours and with points for commas. WebVTT is read by the rules of its standard
(https://www.w3.org/TR/webvtt1/#file-parsing), but that numbers before a timing are never words.

Parsers of subtitles, such as pysubs2, srt and webvtt-py, write a file anew: how times are spelled, blank lines,
comments and numbers are then theirs, and none of them says where words stand in the file. Here that is what is read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from polygist_service.errors import InvalidDocument
from polygist_service.text.languages import BadTag, parse_tag
from polygist_service.text.segmentation import Span

LINE = re.compile(r"[^\r\n]*+(\r{0,2}\n|\r|\Z)")
TIME = r"-?(?:(\d{1,4}) ?: ?)?(\d{1,3}) ?: ?(\d{1,2})(?: ?[.,:;] ?(\d{1,9}))?"
TIMING = re.compile(rf"[ \t\ufeff]*+{TIME}[ \t]*+-[- ]{{0,3}}>[ \t]*+{TIME}(?P<settings>(?![\w:]).*)")
# What was meant to be one, and what is none: an arrow behind a figure.
BROKEN_TIMING = re.compile(r"[ \t\ufeff]*+\d.*?-->")
NUMBER = re.compile(r"[ \t\ufeff]*+\d{1,9}[ \t]*+\Z")
SETTING = re.compile(r"[:;=%]")
SIGNATURE = re.compile(r"\ufeff?WEBVTT(?=[ \t\r\n]|\Z)")
HEADER = re.compile(r"(?P<name>Kind|Language)[ \t]*:[ \t]*(?P<value>[^\s]*)[ \t]*\Z", re.IGNORECASE)
COMMENT = re.compile(r"(?:NOTE(?=[ \t]|\Z)|(?:STYLE|REGION)[ \t]*\Z)")
# What begins a file of which nobody knows what it is.
FIRST_LINES = 20
MOST_SHOWN = 60
# How many lines before its timing the number of a cue may stand; those between are blank.
FURTHEST_NUMBER = 3


class Line(NamedTuple):
    """A line: its span without what ends it, and where the next one begins."""

    start: int
    end: int
    stop: int


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at a time.

    Attributes:
        line: number of the line with its timing, from 1.
        begin, end: when it is shown, in seconds.
        settings: what stands behind its timing: where it is shown.
        lines: spans of the lines of its text, of which neither the first nor the last one is blank.
    """

    line: int
    begin: float
    end: float
    settings: str
    lines: Sequence[Span]

    @property
    def placing(self) -> Sequence[str]:
        """The settings that say at which height it is shown, or that its lines are vertical."""
        return [each for each in self.settings.lower().split() if each.startswith(("line:", "region:", "vertical:"))]

    @property
    def duration(self) -> float:
        """For how long it is shown, in seconds."""
        return max(0.0, self.end - self.begin)


@dataclass(frozen=True, slots=True)
class CueFile:
    """The cues of a file.

    Attributes:
        cues: as they come in the file.
        has_references: whether character references are read in their text.
        newline: what ends a line.
        language: canonical tag of what it says that it is in; None where it says nothing.
        language_span: where it says so; empty where it does not.
    """

    cues: Sequence[Cue]
    has_references: bool
    newline: str
    language: str | None = None
    language_span: Span = (0, 0)


def is_vtt(text: str) -> bool:
    """Whether a text is WebVTT, by its first line."""
    return SIGNATURE.match(text) is not None


def is_srt(text: str) -> bool:
    """Whether a text is SRT: a timing is the first that it has, but for a number."""
    for count, line in enumerate(read_lines(text)):
        shown = text[line.start : line.end]
        if TIMING.match(shown):
            return True
        if count > FIRST_LINES or (shown.strip(" \t\ufeff") and not NUMBER.match(shown)):
            return False
    return False


def read_cues(text: str) -> CueFile:
    """Read the cues of a file, which is WebVTT where its first line says so.

    Raises:
        InvalidDocument: it has no cues at all, or a line in it is a timing that says no time.
    """
    lines = list(read_lines(text))
    newline = next((end for line in lines if (end := text[line.end : line.stop])), "\n")
    if is_vtt(text):
        return read_vtt(text, lines, newline)
    cues = list(read_srt(text, lines))
    if not cues and text.strip(" \t\r\n\ufeff"):
        raise InvalidDocument("has no timing such as 00:00:01,000 --> 00:00:02,500; send text as text/plain")
    return CueFile(cues, False, newline)


def read_lines(text: str) -> Iterator[Line]:
    """Yield the lines of a text; only carriage returns and line feeds end one."""
    at = 0
    while at < len(text):
        found = LINE.match(text, at)
        assert found
        yield Line(at, found.start(1), found.end())
        at = found.end()


def read_srt(text: str, lines: Sequence[Line]) -> Iterator[Cue]:
    """Yield the cues of an SRT file: all from a timing to the number of the next one is text."""
    timings = [(at, timing) for at in range(len(lines)) if (timing := read_timing(text, lines, at))]
    last: int | None = None
    begins = []
    for at, _ in timings:
        begin, last = find_number(text, lines, at, last)
        begins.append(begin)
    for (at, timing), end in zip(timings, [*begins, len(lines)][1:], strict=True):
        yield make_cue(text, lines, at, timing, end)


def find_number(text: str, lines: Sequence[Line], timing: int, last: int | None) -> tuple[int, int | None]:
    """Return the index of the line with which a cue begins, its number or its timing, and that number.

    Args:
        timing: index of the line with the timing.
        last: number of the cue before.
    """
    at = timing - 1
    while at >= 0 and timing - at <= FURTHEST_NUMBER and is_blank(text, lines[at]):
        at -= 1
    shown = text[lines[at].start : lines[at].end] if at >= 0 else ""
    if NUMBER.match(shown):
        number = int(shown.strip(" \t\ufeff"))
        if at == timing - 1 or last is None or number == last + 1:
            return at, number
    return timing, None if last is None else last + 1


def read_vtt(text: str, lines: Sequence[Line], newline: str) -> CueFile:
    """Return the cues of a WebVTT file, and what its header says; other blocks are left alone."""
    at, kind, language, language_span = 1, "", None, (0, 0)
    while at < len(lines) and not is_blank(text, lines[at]) and not is_timing(text, lines, at):
        start, end, _ = lines[at]
        found = HEADER.match(text, start, end)
        if found and found["name"].lower() == "kind":
            kind = found["value"].lower()
        elif found and language is None:
            try:
                language = parse_tag(found["value"])
                language_span = found.span("value")
            except BadTag:
                pass
        at += 1
    cues = [] if kind == "metadata" else list(read_blocks(text, lines, at))
    return CueFile(cues, True, newline, language, language_span)


def read_blocks(text: str, lines: Sequence[Line], at: int) -> Iterator[Cue]:
    """Yield the cues in the blocks of a WebVTT file from a line on."""
    while at < len(lines):
        begins = [place for place in (at, at + 1) if is_timing(text, lines, place)]
        if is_blank(text, lines[at]):
            at += 1
        elif not begins:
            is_comment = COMMENT.match(text, lines[at].start, lines[at].end)
            at += 1
            while at < len(lines) and not is_blank(text, lines[at]):
                if not is_comment and read_timing(text, lines, at):
                    break
                at += 1
        else:
            timing = read_timing(text, lines, begins[0])
            assert timing
            at = end = begins[0] + 1
            while at < len(lines) and not is_blank(text, lines[at]) and not read_timing(text, lines, at):
                at = end = at + 1
            if end < len(lines) and end - 1 > begins[0] and is_timing(text, lines, end):
                shown = text[lines[end - 1].start : lines[end - 1].end]
                at = end = end - 1 if NUMBER.match(shown) else end
            yield make_cue(text, lines, begins[0], timing, end)


def is_blank(text: str, line: Line) -> bool:
    """Whether nothing stands on a line."""
    return not text[line.start : line.end].strip(" \t")


def is_timing(text: str, lines: Sequence[Line], at: int) -> bool:
    """Whether the line at an index, if there is one, is a timing."""
    return at < len(lines) and TIMING.match(text, lines[at].start, lines[at].end) is not None


def read_timing(text: str, lines: Sequence[Line], at: int) -> re.Match[str] | None:
    """Return the timing that the line at an index is; None where it is none.

    Raises:
        InvalidDocument: it is one that says no time, or has words behind it.
    """
    shown = text[lines[at].start : lines[at].end]
    if ">" not in shown:
        return None
    found = TIMING.match(shown)
    if not found and BROKEN_TIMING.match(shown):
        raise InvalidDocument(
            f"has no times on line {at + 1}: {shown.strip()[:MOST_SHOWN]!r}; write them as"
            " 00:00:01,000 --> 00:00:02,500"
        )
    if found and any(map(str.isalpha, found["settings"])) and not SETTING.search(found["settings"]):
        raise InvalidDocument(
            f"has words behind the timing on line {at + 1}: {found['settings'].strip()[:MOST_SHOWN]!r};"
            " put them on a line of their own"
        )
    return found


def make_cue(text: str, lines: Sequence[Line], at: int, timing: re.Match[str], end: int) -> Cue:
    """Return the cue with a timing on the line at an index, and all lines behind it up to `end`."""
    own = [(line.start, line.end) for line in lines[at + 1 : end]]
    shown = [place for place, span in enumerate(own) if text[slice(*span)].strip()]
    if shown:
        own = own[shown[0] : shown[-1] + 1]
    times = timing.groups()
    return Cue(at + 1, read_time(times[:4]), read_time(times[4:8]), timing["settings"].strip(), own if shown else [])


def read_time(figures: Sequence[str | None]) -> float:
    """Return a time in seconds: hours, minutes, seconds and the digits behind them."""
    hours, minutes, seconds = (int(each or 0) for each in figures[:3])
    return hours * 3600 + minutes * 60 + seconds + float(f"0.{figures[3] or 0}")
