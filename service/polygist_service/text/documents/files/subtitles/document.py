"""Subtitles: SRT and WebVTT in which only words change, and where in their cues they stand."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import HTML
from polygist_service.text.documents.files.base import FileNotice, FileText, ReadOptions, TranslatedText, WrittenFile
from polygist_service.text.documents.files.encodings import Encoding, tell_encoding
from polygist_service.text.documents.files.subtitles.borders import Border, BorderFinder, Room
from polygist_service.text.documents.files.subtitles.cues import Cue, CueFile, read_cues
from polygist_service.text.documents.files.subtitles.lines import (
    MOST_LINES,
    Word,
    break_lines,
    find_words,
    join_spans,
    line_length,
    reading_speed,
)
from polygist_service.text.documents.files.subtitles.marks import MarkKind
from polygist_service.text.documents.files.subtitles.markup import (
    Page,
    Written,
    read_page,
    write_pages,
    write_utterance,
)
from polygist_service.text.documents.files.subtitles.utterances import Script, Turn, Utterance, read_script
from polygist_service.text.documents.files.subtitles.wording import Spelling, UtteranceWriter, join_turn
from polygist_service.text.segmentation import Span

# A cue that was too full before is told as well, where it has so many times the characters that can be read of it.
MOST_EXCESS = 1.2
# What lines lose to words that do not fit at their ends, in characters, where it is guessed how much a cue takes.
LOSS = 6


@dataclass(frozen=True)
class SubtitleFile:
    """See `base.DocumentFile`."""

    text: str
    encoding: Encoding
    cues: CueFile
    script: Script
    find_kept: Callable[[str], Iterable[Span]]

    @classmethod
    def read(cls, document: bytes, options: ReadOptions, *, mime_type: str) -> "SubtitleFile":
        """Read a file; its first line says whether it is WebVTT.

        Raises:
            InvalidDocument: it has no cues, a line in it is a timing that says no time, or it is in no known encoding.
        """
        encoding = tell_encoding(document, mime_type=mime_type, charset=options.charset)
        text = encoding.decode(document)
        cues = read_cues(text)
        return cls(text, encoding, cues, read_script(text, cues), options.find_kept)

    @cached_property
    def pages(self) -> Sequence[Page]:
        """What is said, as HTML."""
        return list(write_pages(self.text, self.script))

    @property
    def texts(self) -> Sequence[FileText]:
        """See `base.DocumentFile.texts`."""
        return [FileText(page.text, HTML, language=self.cues.language) for page in self.pages]

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """See `base.DocumentFile.write`."""
        writer = SubtitleWriter(self, language)
        for index, (page, output) in enumerate(zip(self.pages, translated, strict=True)):
            if output.is_changed and output.text != page.text:
                writer.take(index, page, output)
        text, notices = writer.finish()
        document, notice = self.encoding.encode(text)
        return WrittenFile(document, [*notices, FileNotice(0, notice)] if notice else notices)


class SubtitleWriter:
    """Writes a file with other words.

    Args:
        file: what was read.
        language: of the words, a canonical tag.
    """

    def __init__(self, file: SubtitleFile, language: str) -> None:
        self._file = file
        self._text = file.text
        self._script = file.script
        self._language = language
        self._words: dict[int, Sequence[Word]] = {}  # of utterances that have changed, by where they begin
        self._places: dict[int, tuple[int, Span]] = {}  # of all utterances: their page, and where in it they stand
        self._notices: list[FileNotice] = []
        self._turns: dict[int, list[Turn]] = defaultdict(list)
        self._shown: dict[int, int] = defaultdict(int)  # characters of each cue
        self._length = line_length(language)
        for turn in file.script.turns:
            self._turns[turn.cue].append(turn)
            self._shown[turn.cue] += turn.width

    def take(self, index: int, page: Page, output: TranslatedText) -> None:
        """Take what was written of the page at an index."""
        sources, targets = read_page(page.text, self._script), read_page(output.text, self._script)
        sentences = Sentences(output.segments)
        for paragraph, spans, source, target in zip(page.paragraphs, page.spans, sources, targets, strict=True):
            for each, span in zip(paragraph, spans, strict=True):
                self._places[each.start] = index, span
            if (source.text, source.marks, source.borders) == (target.text, target.marks, target.borders):
                continue
            words = list(find_words(target.text, self._language))
            edges = [0, *self._find_borders(paragraph, spans, target, words, sentences), len(target.text)]
            before = [0, *source.borders, len(source.text)]
            same = [
                each.start
                for each, own, new in zip(paragraph, pairwise(before), pairwise(edges), strict=True)
                if source.part(*own) == target.part(*new)
            ]
            self._put(paragraph, target, words, edges)
            for start in same:
                self._words.pop(start, None)

    def _find_borders(
        self,
        paragraph: Sequence[Utterance],
        spans: Sequence[Span],
        target: Written,
        words: Sequence[Span],
        sentences: "Sentences",
    ) -> Sequence[int]:
        """Return where in a paragraph its utterances end, but for the last one."""
        if len(paragraph) == 1:
            return []
        borders = []
        edges = self._find_edges(target)
        for place, at in enumerate(target.borders):
            limits = sentences.find(spans[place][1])
            low, high = (target.place(limits[0]), target.place(limits[1])) if limits else (0, 0)
            after = paragraph[place + 1].start
            before = max((last for index, (_, last) in edges.items() if index < after), default=0)
            behind = min((first for index, (first, _) in edges.items() if index >= after), default=len(target.text))
            borders.append(Border(at, (low, high), before, behind))
        whole = list(join_spans(words, self._file.find_kept(target.text)))
        return BorderFinder(target.text, whole, [self._room(each) for each in paragraph], borders).find()

    def _find_edges(self, target: Written) -> Mapping[int, Span]:
        """Return where pairs of marks stand in a paragraph, by where in the file they begin."""
        edges: dict[int, Span] = {}
        begun: dict[int, int] = {}
        for each in target.marks:
            mark = self._script.marks[each.index]
            if mark.kind is MarkKind.OPENING:
                begun[each.index] = each.at
            elif mark.partner in begun:
                edges[mark.start] = begun[mark.partner or 0], each.at
        return edges

    def _room(self, utterance: Utterance) -> Room:
        """Return how much an utterance may have: its share of what can be read of its cue."""
        cue, turns = self._file.cues.cues[utterance.cue], self._turns[utterance.cue]
        shown = self._shown[utterance.cue]
        most = self._most(cue, shown) * utterance.width / max(1, shown)
        lines, length = self._frame(self._script.turns[utterance.turn])
        lines = lines if len(turns) > 1 else max(lines, MOST_LINES)
        return Room(most, max(utterance.width, lines * length - LOSS))

    def _most(self, cue: Cue, shown: int) -> float:
        """Return how many characters can be read of a cue, or are in it where those are more."""
        return max(reading_speed(self._language) * cue.duration, float(shown))

    def _frame(self, turn: Turn) -> tuple[int, int]:
        """Return how many lines a turn has, and how long a line of it may be."""
        return len(turn.widths), max(self._length, *turn.widths)

    def _put(
        self, paragraph: Sequence[Utterance], target: Written, words: Sequence[Span], edges: Sequence[int]
    ) -> None:
        """Note the words of the utterances of a paragraph, which begin and end at some places."""
        spelling = Spelling(self._text, paragraph, has_references=self._file.cues.has_references)
        writer = UtteranceWriter(self._script, target, words, spelling)
        spans = list(pairwise(edges))
        filled = [span for span in spans if any(map(str.isalnum, target.text[slice(*span)]))]
        for utterance, span in zip(paragraph, spans, strict=True):
            if span in filled or not any(map(str.isalnum, self._text[utterance.start : utterance.end])):
                self._words[utterance.start] = writer.write(utterance, *span)
            elif filled:
                nearest = min(filled, key=lambda other: abs(other[0] - span[0]))
                self._words[utterance.start] = writer.write(utterance, *nearest)
                said = "has the words of the cue beside it, as there are too few"
                self._warn(NoticeKind.MARKUP_DEGRADED, [utterance], said)
            else:
                self._warn(NoticeKind.UNTRANSLATED, [utterance], "is as it was: no words came back")

    def finish(self) -> tuple[str, Sequence[FileNotice]]:
        """Return the text of the file, and what there is to know about it."""
        parts: list[str] = []
        at = 0
        language, (start, end) = self._file.cues.language, self._file.cues.language_span
        if language and self._words:
            parts += [self._text[:start], self._language]
            at = end
        for index, turns in self._turns.items():
            if not any(each.start in self._words for turn in turns for each in turn.utterances):
                continue
            width = most_lines = 0
            is_wide = False
            for turn in turns:
                lines = self._write_turn(turn)
                if lines:
                    parts += [self._text[at : turn.start], self._join(lines)]
                    at = turn.end
                length, count = self._frame(turn)[1], len(lines) or self._frame(turn)[0]
                widths = [sum(word.width + len(word.space) for word in line[:-1]) + line[-1].width for line in lines]
                is_wide |= any(each > length for each in widths)
                width += sum(widths) if lines else turn.width
                most_lines += count
            self._check(index, turns, width, most_lines, is_wide=is_wide)
        parts.append(self._text[at:])
        return "".join(parts), self._notices

    def _write_turn(self, turn: Turn) -> Sequence[Sequence[Word]]:
        """Return the words of a turn on lines; nothing where it stays as it is."""
        utterances = turn.utterances
        if not any(each.start in self._words for each in utterances):
            return []
        words = [self._words.get(each.start) or self._read_again(each) for each in utterances]
        edges = [turn.start, *(place for each in utterances for place in (each.start, each.end)), turn.end]
        spans = list(zip(edges[::2], edges[1::2], strict=True))
        gaps = [self._text[slice(*span)] for span in spans]
        widths = [self._script.count_shown(self._text, *span) for span in spans]
        count, length = self._frame(turn)
        # Where the lines would have fitted on one, the break between them is meant.
        is_meant = count > 1 and turn.width <= length
        share = turn.widths[0] / turn.width if is_meant and turn.width else 0.5
        return break_lines(list(join_turn(words, gaps, widths)), length, count if is_meant else 1, share)

    def _read_again(self, utterance: Utterance) -> Sequence[Word]:
        """Return the words of an utterance that has not changed."""
        (written,) = read_page(f"<p>{write_utterance(self._text, self._script, utterance)}</p>", self._script)
        spelling = Spelling(self._text, [utterance], has_references=self._file.cues.has_references)
        words = list(find_words(written.text, self._language))
        return UtteranceWriter(self._script, written, words, spelling).write(utterance, 0, len(written.text))

    def _join(self, lines: Sequence[Sequence[Word]]) -> str:
        """Return the text of some lines."""
        parts: list[str] = []
        for line in lines:
            parts += (part for word in line for part in (word.shown, word.space))
            space = parts.pop()
            parts.append(space if "\n" in space or "\r" in space else self._file.cues.newline)
        return "".join(parts[:-1])

    def _check(self, index: int, turns: Sequence[Turn], width: int, lines: int, *, is_wide: bool) -> None:
        """Warn where a cue has more than can be read of it."""
        cue = self._file.cues.cues[index]
        own_lines = sum(self._frame(turn)[0] for turn in turns)
        utterances = [each for turn in turns for each in turn.utterances if each.start in self._places]
        speed = reading_speed(self._language)
        if width > min(self._most(cue, self._shown[index]), MOST_EXCESS * speed * cue.duration):
            said = f"has {width} characters for {cue.duration:.1f} s; {speed} a second can be read, shorten it"
            self._warn(NoticeKind.READING_SPEED_EXCEEDED, utterances, said)
        elif is_wide or lines > max(MOST_LINES, own_lines):
            said = f"has {lines} lines, of which some are long; shorten it"
            self._warn(NoticeKind.READING_SPEED_EXCEEDED, utterances, said)

    def _warn(self, kind: NoticeKind, utterances: Sequence[Utterance], said: str) -> None:
        """Warn about the cue of some utterances."""
        places = [self._places[each.start] for each in utterances]
        page = places[0][0]
        spans = [span for index, span in places if index == page]
        cue = self._file.cues.cues[utterances[0].cue]
        span = min(start for start, _ in spans), max(end for _, end in spans)
        self._notices.append(FileNotice(page, Notice(kind, f"the cue with the timing on line {cue.line} {said}", span)))


class Sentences:
    """Tells which sentence of a page a place is in, and where that stands now.

    Args:
        segments: spans of sentences in the page as it was, and as it is now.
    """

    def __init__(self, segments: Sequence[tuple[Span, Span]]) -> None:
        self._segments = segments
        self._starts = [source[0] for source, _ in segments]

    def find(self, at: int) -> Span | None:
        """Return where the sentence stands now inside of which a place was; None where it was in none."""
        found = bisect_right(self._starts, at) - 1
        if found < 0:
            return None
        (start, end), target = self._segments[found]
        return target if start < at < end else None
