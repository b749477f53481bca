"""The words of an utterance as they are written in its cue, with the marks that move with them."""

from collections.abc import Iterator, Mapping, Sequence
from html import unescape

from polygist_service.text.documents.files.subtitles.lines import Word, cost_of_end
from polygist_service.text.documents.files.subtitles.marks import HARD_SPACE, HARD_SPACES, LANGUAGE, REFERENCE, MarkKind
from polygist_service.text.documents.files.subtitles.markup import PlacedMark, Written
from polygist_service.text.documents.files.subtitles.utterances import Script, Utterance
from polygist_service.text.segmentation import Span

# What cues of WebVTT may not have as it is, or had better not.
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# It makes a line a timing, as many programs read it: in SRT something that is not seen parts it.
ARROW, ESCAPED_ARROW, PARTED_ARROW = "-->", "--&gt;", "--\u2060>"


class Spelling:
    """How words of a paragraph are written: as they are, but for what was written as a reference, or has to be one.

    Args:
        text: of the file.
        utterances: of the paragraph.
        has_references: whether players read character references.
    """

    def __init__(self, text: str, utterances: Sequence[Utterance], *, has_references: bool) -> None:
        source = " ".join(text[each.start : each.end] for each in utterances)
        found = {unescape(each): each for each in REFERENCE.findall(source)}
        if HARD_SPACES.search(source):
            found["\u00a0"] = HARD_SPACE
        plain = set(REFERENCE.sub("", source))
        own = {
            shown: each for shown, each in found.items() if len(shown) == 1 and (shown in "&<>" or shown not in plain)
        }
        escapes = {shown: each for shown, each in ESCAPES.items() if has_references and shown not in plain}
        self._table = str.maketrans({**escapes, **own})
        self._arrow = ESCAPED_ARROW if has_references else ARROW if ARROW in source else PARTED_ARROW

    def write(self, words: str) -> str:
        """Return some words as they stand in the file."""
        return words.translate(self._table).replace(ARROW, self._arrow)


class UtteranceWriter:
    """Writes an utterance with other words.

    Args:
        script: of the file.
        written: the paragraph with the words.
        words: spans of them between which a line may end.
        spelling: of the paragraph.
    """

    def __init__(self, script: Script, written: Written, words: Sequence[Span], spelling: Spelling) -> None:
        self._script = script
        self._written = written
        self._words = words
        self._spelling = spelling

    def write(self, utterance: Utterance, start: int, end: int) -> list[Word]:
        """Return the words of the paragraph from one place to another, with all marks of an utterance.

        Args:
            utterance: the marks of which they get.
            start, end: span in the paragraph; a word begins at its start, if any does.
        """
        words = [span for span in self._words if start <= span[0] < end]
        marks = self._settle(utterance, words)
        found: list[Word] = []
        at = 0
        for place, (low, high) in enumerate(words):
            shown, width = "", 0
            while at < len(marks) and marks[at].at < high:
                if not shown and found and marks[at].at <= low and self._is_behind(marks[at], words[place - 1]):
                    found[-1] = self._append(found[-1], marks[at])
                else:
                    begin = max(low, marks[at].at)
                    shown += self._spell(low, begin) + self._source(marks[at])
                    width += self._script.marks[marks[at].index].width
                    low = begin
                at += 1
            shown += self._spell(low, high)
            width += high - words[place][0]
            behind = words[place + 1][0] if place + 1 < len(words) else high
            cost = cost_of_end(self._written.text[max(0, high - 12) : high])
            found.append(Word(shown, width, " " if behind > high else "", cost))
        if at < len(marks) and not found:
            found.append(Word("", 0))
        for mark in marks[at:]:
            found[-1] = self._append(found[-1], mark)
        return found

    def _settle(self, utterance: Utterance, words: Sequence[Span]) -> Sequence[PlacedMark]:
        """Return the marks of an utterance at places in its words, with timestamps in their order."""
        low, high = (words[0][0], words[-1][1]) if words else (0, 0)
        first, last = utterance.start, utterance.end
        own = [each for each in self._written.marks if first <= self._script.marks[each.index].start < last]
        marks = [PlacedMark(min(max(each.at, low), high), each.index) for each in own]
        times = [at for at, each in enumerate(marks) if self._source(each)[1:2].isdecimal()]
        for at, index in zip(times, sorted(marks[at].index for at in times), strict=True):
            marks[at].index = index
        if words:
            self._fill_pairs(marks, words)
        return marks

    def _fill_pairs(self, marks: Sequence[PlacedMark], words: Sequence[Span]) -> None:
        """Put pairs of marks that had something between them, and would be at an edge, around the word there."""
        low, high = words[0][0], words[-1][1]
        places = {each.index: each for each in marks}
        at = low
        for each in marks:
            each.at = at = max(each.at, at)
            if self._is_empty(places, each, MarkKind.CLOSING, low):
                each.at = at = words[0][1]
        at = high
        for each in reversed(marks):
            each.at = at = min(each.at, at)
            if self._is_empty(places, each, MarkKind.OPENING, high):
                each.at = at = words[-1][0]

    def _is_empty(self, places: Mapping[int, PlacedMark], each: PlacedMark, kind: MarkKind, at: int) -> bool:
        """Whether a mark is of a kind, and it and its partner are at a place, though there was something between."""
        mark = self._script.marks[each.index]
        if mark.kind is not kind or each.at != at or mark.partner is None or mark.partner not in places:
            return False
        partner = self._script.marks[mark.partner]
        return places[mark.partner].at == at and mark.start not in (partner.end, partner.start - len(mark.source))

    def _is_behind(self, mark: PlacedMark, word: Span) -> bool:
        """Whether a mark between two words goes with the first one."""
        kind = self._script.marks[mark.index].kind
        return kind is MarkKind.CLOSING or (kind is MarkKind.ALONE and mark.at <= word[1])

    def _source(self, mark: PlacedMark) -> str:
        """Return a mark as it is written, in the language that its words are now in."""
        source, language = self._script.marks[mark.index].source, self._written.languages.get(mark.index)
        found = LANGUAGE.match(source)
        return f"{source[: found.start(1)]}{language}{source[found.end(1) :]}" if language and found else source

    def _spell(self, start: int, end: int) -> str:
        return self._spelling.write(self._written.text[start:end])

    def _append(self, word: Word, mark: PlacedMark) -> Word:
        width = word.width + self._script.marks[mark.index].width
        return Word(word.shown + self._source(mark), width, word.space, word.cost)


def join_turn(words: Sequence[Sequence[Word]], gaps: Sequence[str], widths: Sequence[int]) -> Iterator[Word]:
    """Yield the words of a turn with what stands around those of its utterances.

    Args:
        words: of each utterance.
        gaps: what stands before the first one, between them, and behind the last one.
        widths: how many characters are shown of each.
    """
    pending, width = gaps[0], widths[0]
    for place, own in enumerate(words, 1):
        first, *rest = own
        own = [Word(pending + first.shown, width + first.width, first.space, first.cost), *rest]
        yield from own[:-1]
        last, gap, width = own[-1], gaps[place], widths[place]
        space = "" if place == len(words) else find_space(gap)
        before, _, pending = gap.rpartition(space) if space else (gap, "", "")
        yield Word(last.shown + before, last.width + (width if not pending else len(before)), space, last.cost)
        width = len(pending)


def find_space(gap: str) -> str:
    """Return the white space in a gap at which a line may end, a line break if there is one; empty without any."""
    at = max(gap.rfind("\n"), gap.rfind("\r"), -1)
    if at < 0:
        at = max(gap.rfind(" "), gap.rfind("\t"))
    if at < 0:
        return ""
    start, end = len(gap[:at].rstrip()), at + len(gap[at:]) - len(gap[at:].lstrip())
    return gap[start:end]
