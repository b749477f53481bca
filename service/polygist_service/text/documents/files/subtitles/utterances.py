"""What is said in cues: who speaks, where words begin and end, and which of them are read as one text.

A cue has turns: the lines of one speaker, of a song, of a sign. A turn has utterances: words, or the words of a sound
in brackets. All that stands between the words, as dashes, names of speakers and tags around all of them, stays letter
for letter. Utterances that follow each other in time are one paragraph, so that a sentence may go on in the next cue.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from polygist_service.text.documents.files.subtitles.cues import Cue, CueFile
from polygist_service.text.documents.files.subtitles.marks import (
    MUSIC,
    SRT_MARK,
    VTT_MARK,
    Mark,
    MarkKind,
    count_shown,
    find_marks,
)
from polygist_service.text.segmentation import Span

# In seconds: a sentence does not go on behind a longer silence, nor in a cue that is shown with the one before.
LONGEST_PAUSE, LONGEST_OVERLAP = 2.5, 0.1
# So many cues without the end of a sentence between them are read as one text, as captions by machines have none.
MOST_UNENDED = 8
# A paragraph is no longer than that.
MOST_UTTERANCES = 40
# How many characters tell how an utterance begins, or ends.
EDGE = 200
# Of one turn; what follows is read as words.
MOST_SOUNDS = 8

WHITE = re.compile(r"\s+")
SHOWN_LINE = re.compile(r"[^\r\n]+")
DASH = r"[-\u2010-\u2015\u2212](?:[ \t]+|\Z|(?=[^\W\d_]|[\"'“‘¿¡\[(]))"
CHEVRONS = r"(?:>|&gt;){2,3}[ \t]*"
SPEAKER = re.compile(rf"(?:{DASH}|{CHEVRONS})+", re.IGNORECASE)
LABEL = re.compile(r"[^\W\d_][\w .'’#&/-]{0,30}:(?=\s|\Z)")
SOUND = re.compile(r"\[[^\[\]]{1,80}\]|\([^()]{1,80}\)|（[^（）]{1,80}）|【[^【】]{1,80}】")
BEHIND = re.compile(r"[ \t]*(?:\r{0,2}\n|\r)|[ \t]+|\Z")
TRAILING_SOUND = re.compile(r"\s\[[^\[\]]{1,80}\]\Z")
LONGEST_SOUND = 84
# What ends a sentence, and an ellipsis, behind which it may go on.
ENDED = re.compile(r"[.!?。！？｡؟।…:]['\"”’»)\]」』]*\Z")
ELLIPSIS_END, ELLIPSIS_BEGIN = re.compile(r"(?:\.{2,}|…|[-–—]{1,2})\Z"), re.compile(r"(?:\.{2,}|…)\s*(?=\S)")
# Texts that players do not show: the name of a picture, an object of JSON; none is longer.
LONGEST_DATA = 10_000
DATA = re.compile(
    r"[^\s#]+\.(?:jpe?g|png|webp|gif|avif)(?:#\S*)?\s*\Z|(?:\[\s*)?\{\s*\"[\s\S]*[\]}]\s*\Z", re.IGNORECASE
)


class UtteranceKind(Enum):
    """What is said: words, a sound that is described, a song."""

    SPEECH = 0
    SOUND = 1
    SONG = 2


@dataclass(slots=True)
class Utterance:
    """Words of one turn that are read as one.

    Attributes:
        cue: index of the cue.
        turn: index of the turn.
        start, end: half-open span of the words in the file.
        kind: what they are.
        width: how many characters of them are shown.
        voice: who speaks, as a tag says; empty where none does.
        is_new_speaker: whether a dash or a name says that somebody else speaks.
    """

    cue: int
    turn: int
    start: int
    end: int
    kind: UtteranceKind
    width: int
    voice: str = ""
    is_new_speaker: bool = False


@dataclass(slots=True)
class Turn:
    """Lines of a cue that stay lines of their own.

    Attributes:
        cue: index of the cue.
        start, end: its half-open span in the file, without the end of its last line.
        widths: how many characters are shown on each of its lines.
        utterances: in order; none where it has no words.
    """

    cue: int
    start: int
    end: int
    widths: Sequence[int]
    utterances: list[Utterance] = field(default_factory=list)

    @property
    def width(self) -> int:
        """How many characters of it are shown."""
        return sum(self.widths)


@dataclass(slots=True)
class Script:
    """What is said in a file.

    Attributes:
        marks: of all cues, in order.
        turns: in order.
        paragraphs: utterances that are read together.
    """

    marks: list[Mark] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    paragraphs: list[list[Utterance]] = field(default_factory=list)

    def marks_in(self, start: int, end: int) -> Sequence[tuple[int, Mark]]:
        """Return the marks in a span of the file, with their indices."""
        first = bisect_left(self.marks, start, key=lambda mark: mark.start)
        last = bisect_left(self.marks, end, lo=first, key=lambda mark: mark.start)
        return list(enumerate(self.marks[first:last], first))

    def count_shown(self, text: str, start: int, end: int) -> int:
        """Return how many characters are shown of a span of the file."""
        return count_shown(text, [mark for _, mark in self.marks_in(start, end)], start, end)


def read_script(text: str, file: CueFile) -> Script:
    """Return what is said in the cues of a file."""
    reader = ScriptReader(text, file)
    for index, cue in enumerate(file.cues):
        if cue.lines and not is_data(text[cue.lines[0][0] : cue.lines[-1][1]]):
            reader.read(index, cue)
    return reader.script


class ScriptReader:
    """Reads cue by cue.

    Live captions roll: a cue begins with the last line of the one before. There each line is read by itself, so that it
    is the same in both.

    Args:
        text: of the file.
        file: its cues.

    Attributes:
        script: what was read.
    """

    def __init__(self, text: str, file: CueFile) -> None:
        self._text = text
        self._file = file
        self._pattern = VTT_MARK if file.has_references else SRT_MARK
        self._last_line = ""  # of the cue before
        self._is_rolling = False  # whether the cue begins with that line
        self._unended = 0  # cues at the end of the last paragraph in which no sentence ends
        self.script = Script()

    def read(self, index: int, cue: Cue) -> None:
        """Take the cue at an index, which has text."""
        marks, span = self.script.marks, (cue.lines[0][0], cue.lines[-1][1])
        marks += find_marks(self._text, span, self._pattern, len(marks))
        first, last = (
            self._pattern.sub("", self._text[slice(*line)]).strip() for line in (cue.lines[0], cue.lines[-1])
        )
        self._is_rolling, self._last_line = first == self._last_line, last
        own: list[Utterance] = []
        for start, end in self._find_turns(cue):
            shown = [found.span() for found in SHOWN_LINE.finditer(self._text, start, end)]
            turn = Turn(index, start, end, [self.script.count_shown(self._text, *each) for each in shown])
            turn.utterances = list(self._read_turn(turn, len(self.script.turns)))
            self.script.turns.append(turn)
            own += turn.utterances
        for place, utterance in enumerate(own):
            self._add(utterance, is_first=place == 0)

    def _find_turns(self, cue: Cue) -> Iterator[Span]:
        """Yield the spans of the turns of a cue."""
        text, lines = self._text, cue.lines
        starts: list[int] = []
        ends: list[int] = []
        is_new = True
        for start, end in lines:
            shown = text[start:end].strip()
            if not shown:
                is_new = True
                continue
            if is_new or self._begins_turn(start, end):
                starts.append(start)
                ends.append(end)
            for _, mark in self.script.marks_in(start, end):
                if mark.voice is not None and starts[-1] < mark.start and text[start : mark.start].strip():
                    ends[-1] = mark.start
                    starts.append(mark.start)
                    ends.append(end)
            ends[-1] = end
            is_new = self._is_rolling or self._ends_song(start, end) or bool(SOUND.fullmatch(shown))
        yield from zip(starts, ends, strict=True)

    def _ends_song(self, start: int, end: int) -> bool:
        """Whether a sign of music ends a line."""
        marks, shown = self.script.marks_in(start, end), self._text[start:end].rstrip()
        return bool(marks) and marks[-1][1].source[0] in MUSIC and marks[-1][1].end == start + len(shown)

    def _begins_turn(self, start: int, end: int) -> bool:
        """Whether somebody else speaks, or something else sounds, on a line."""
        low = start
        for _, mark in [*self.script.marks_in(start, end), (0, None)]:
            limit = mark.start if mark else end
            low = min(skip_white(self._text, low), end)
            if low < limit:
                break
            if mark and (mark.source[0] in MUSIC or mark.voice is not None):
                return True
            low = mark.end if mark else end
        if self._text[low : low + 1] == "[" or SPEAKER.match(self._text, low, end):
            return True
        return bool(find_label(self._text, low, end)) or bool(SOUND.fullmatch(self._text[low:end].strip()))

    def _read_turn(self, turn: Turn, index: int) -> Iterator[Utterance]:
        """Yield the utterances of a turn."""
        text, at, voice, is_new = self._text, turn.start, "", False
        for _ in range(MOST_SOUNDS + 1):
            core = Core(self.script, text, at, turn.end)
            low, high = core.low, core.high
            voice, is_new = core.voice or voice, core.is_new_speaker or is_new
            if low >= high:
                return
            sound = SOUND.match(text, low, min(high, low + LONGEST_SOUND))
            if sound and BEHIND.match(text, sound.end(), high) and self._is_whole(low, sound.end()):
                yield from self._make(turn, index, (low + 1, sound.end() - 1), UtteranceKind.SOUND, voice, is_new)
                at, is_new = sound.end(), False
                continue
            trailing = TRAILING_SOUND.search(text, max(low, high - LONGEST_SOUND), high)
            if trailing and self._is_whole(trailing.start(), high):
                behind = Core(self.script, text, at, trailing.start())
                kind = UtteranceKind.SONG if core.is_song else UtteranceKind.SPEECH
                yield from self._make(turn, index, (low, max(low, behind.high)), kind, voice, is_new)
                span = trailing.start() + 2, high - 1
                yield from self._make(turn, index, span, UtteranceKind.SOUND, voice, False)
                return
            kind = UtteranceKind.SONG if core.is_song else UtteranceKind.SPEECH
            yield from self._make(turn, index, (low, high), kind, voice, is_new)
            return

    def _make(
        self, turn: Turn, index: int, span: Span, kind: UtteranceKind, voice: str, is_new: bool
    ) -> Iterator[Utterance]:
        """Yield the utterance with some words, if there are any."""
        core = Core(self.script, self._text, *span, is_edge=False)
        if core.low < core.high:
            width = self.script.count_shown(self._text, core.low, core.high)
            yield Utterance(turn.cue, index, core.low, core.high, kind, width, voice, is_new)

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether no pair of marks has only one of its marks in a span."""
        marks = self.script.marks
        return all(
            mark.partner is None or start <= marks[mark.partner].start < end
            for _, mark in self.script.marks_in(start, end)
        )

    def _add(self, utterance: Utterance, *, is_first: bool) -> None:
        """Add an utterance to the last paragraph if it goes on with it, and to a new one if not."""
        paragraphs, text = self.script.paragraphs, self._text
        last = paragraphs[-1][-1] if paragraphs else None
        if not (last and is_first and len(paragraphs[-1]) < MOST_UTTERANCES and self._goes_on(last, utterance)):
            paragraphs.append([utterance])
            self._unended = 1
            return
        begun = ELLIPSIS_BEGIN.match(text, utterance.start, utterance.end)
        cut = ELLIPSIS_END.search(text, max(last.start, last.end - 4), last.end)
        if cut and text[cut.start()] in ".…" and cut.start() > last.start:
            last.end = last.start + len(text[last.start : cut.start()].rstrip())
            last.width = self.script.count_shown(text, last.start, last.end)
        if begun:
            utterance.start = begun.end()
            utterance.width = self.script.count_shown(text, utterance.start, utterance.end)
        self._unended = 1 if ENDED.search(self._tail(last)) else self._unended + 1
        paragraphs[-1].append(utterance)

    def _goes_on(self, last: Utterance, following: Utterance) -> bool:
        """Whether what is said in a cue may go on in the next one."""
        text, cues = self._text, self._file.cues
        before, behind = cues[last.cue], cues[following.cue]
        if last.kind is not UtteranceKind.SPEECH or following.kind is not UtteranceKind.SPEECH:
            return False
        if self._is_rolling or following.is_new_speaker or last.voice != following.voice:
            return False
        if following.cue != last.cue + 1 or not -LONGEST_OVERLAP <= behind.begin - before.end <= LONGEST_PAUSE:
            return False
        if self.script.turns[last.turn].utterances[-1] is not last:
            return False
        tail, head = self._tail(last), text[following.start : min(following.end, following.start + EDGE)]
        head = self._pattern.sub("", head)
        begun = ELLIPSIS_BEGIN.match(head)
        letters = re.search(r"[^\W\d_]", head[begun.end() if begun else 0 :])
        is_moved = before.placing != behind.placing or self._placing(last) != self._placing(following)
        if is_moved and (ENDED.search(tail) or not (letters and letters[0].islower())):
            return False
        if ELLIPSIS_END.search(tail):
            return bool(begun) or bool(letters and letters[0].islower())
        if self._unended >= MOST_UNENDED and not ENDED.search(tail):
            return False
        return is_shouted(text, last) == is_shouted(text, following) or bool(letters and letters[0].islower())

    def _tail(self, utterance: Utterance) -> str:
        """Return the end of an utterance, without marks."""
        return self._pattern.sub("", self._text[max(utterance.start, utterance.end - EDGE) : utterance.end]).rstrip()

    def _placing(self, utterance: Utterance) -> Sequence[str]:
        """Return the marks of the turn of an utterance that say where it is shown."""
        turn = self.script.turns[utterance.turn] if utterance.turn < len(self.script.turns) else None
        marks = self.script.marks_in(turn.start, turn.end) if turn else ()
        return [mark.source for _, mark in marks if mark.source.startswith(("{\\a", "{\\pos", "{\\move"))]


class Core:
    """Finds the words of a stretch: without what stays at its edges, and with whole pairs of marks.

    Attributes:
        low, high: half-open span of the words; empty where there are none.
        voice: the last one that a tag at the begin names.
        is_new_speaker: whether a dash or a name at the begin says that somebody else speaks.
        is_song: whether signs of music are at an edge.
    """

    def __init__(self, script: Script, text: str, start: int, end: int, *, is_edge: bool = True) -> None:
        self.voice = ""
        self.is_new_speaker = self.is_song = False
        self.low, self.high = start, end
        self._script = script
        self._text = text
        self._is_edge = is_edge
        marks = script.marks_in(start, end)
        first = self._find_low(marks, start, end)
        last = self._find_high(marks, self.low, end)
        for _, mark in marks[:first]:
            if mark.kind is MarkKind.OPENING and self.low <= script.marks[mark.partner or 0].start < self.high:
                self.low = mark.start
                break
        for _, mark in marks[last:]:
            if mark.kind is MarkKind.CLOSING and self.low <= script.marks[mark.partner or 0].start < self.high:
                self.high = mark.end

    def _find_low(self, marks: Sequence[tuple[int, Mark]], low: int, end: int) -> int:
        """Find where the words begin; return how many marks stand before them."""
        count, text = 0, self._text
        while low < end:
            limit = marks[count][1].start if count < len(marks) else end
            if limit == low:
                mark = marks[count][1]
                self.voice = self.voice if mark.voice is None else mark.voice
                self.is_song |= mark.source[0] in MUSIC
                low, count = mark.end, count + 1
            elif found := WHITE.match(text, low, limit):
                low = found.end()
            elif self._is_edge and (found := SPEAKER.match(text, low, limit) or find_label(text, low, limit)):
                low, self.is_new_speaker = found.end(), True
            else:
                break
        self.low = min(low, end)
        return count

    def _find_high(self, marks: Sequence[tuple[int, Mark]], low: int, high: int) -> int:
        """Find where the words end; return the index of the first mark behind them."""
        last, text = len(marks), self._text
        while low < high:
            if last and marks[last - 1][1].end == high:
                mark = marks[last - 1][1]
                self.is_song |= mark.source[0] in MUSIC
                high, last = mark.start, last - 1
            elif text[high - 1].isspace():
                high -= 1
            else:
                break
        self.high = high
        return last


def is_data(text: str) -> bool:
    """Whether the text of a cue is the name of a picture, or data for a program."""
    return len(text) <= LONGEST_DATA and bool(DATA.match(text))


def skip_white(text: str, at: int) -> int:
    """Return the first place from one on at which no white space stands."""
    found = WHITE.match(text, at)
    return found.end() if found else at


def find_label(text: str, start: int, end: int) -> re.Match[str] | None:
    """Return the name of a speaker, with its colon, that a stretch begins with: in capitals, and the rest is not."""
    found = LABEL.match(text, start, end)
    if not found or not found[0].isupper():
        return None
    return None if text[found.end() : min(end, found.end() + 200)].isupper() else found


def is_shouted(text: str, utterance: Utterance) -> bool:
    """Whether an utterance is in capitals."""
    shown = text[utterance.start : min(utterance.end, utterance.start + 200)]
    return shown.isupper() and sum(map(str.isalpha, shown)) > 2
