"""Subtitles: only words change, each cue has some, and what can be read of it; sentences are translated whole."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

import srt
import webvtt
from polygist_client import Client, PolygistError
from sacrebleu.metrics.chrf import CHRF

from bench.fidelity.documents.calls import OTHER
from bench.fidelity.documents.films import Film, make_films
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.quality.sets import DataFolder

FILMS = 40
# Characters that are read in a second: Netflix' Timed Text Style Guides, programmes for adults.
SPEEDS = {"en": 20, "pt": 17}
LINE_LENGTH, LINES = 42, 2
MARK = re.compile(r"<[^>]+>|\{\\[^}]*\}|♪")
SPEAKER = re.compile(r"^(?:[-–] ?|[A-Z]+: )", re.MULTILINE)
LEAST_CHRF = 95.0


@dataclass(frozen=True, slots=True)
class Caption:
    """A cue as another parser reads it.

    Attributes:
        outside: number, times and place, as that parser has them.
        content: its text.
        duration: in seconds.
    """

    outside: tuple[object, ...]
    content: str
    duration: float

    @property
    def shown(self) -> str:
        """What is seen of it, on its lines."""
        return html.unescape(MARK.sub("", self.content))

    @property
    def width(self) -> int:
        """How many characters are seen."""
        return len(self.shown.replace("\n", ""))

    @property
    def words(self) -> str:
        """Its words on one line, without what a sentence that goes on has at its ends."""
        return re.sub(r"^\.\.\.|\.\.\.$", "", SPEAKER.sub("", " ".join(self.shown.split())))


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each file and compare it with what came."""
    cases: list[Case] = []
    outcomes = [translate(client, film) for film in make_films(data, FILMS)] if data else []
    for outcome in outcomes:
        cases += outcome.judge()
    if not outcomes:
        return Kind("Subtitles", cases, target=1.0, notes=("Without DATA there are none.",))
    notes, further = measure_speed(outcomes), []
    scores = list(measure_sentences(client, outcomes))
    notes += [note for note, _ in scores]
    further = [Requirement(f"chrF to the joined sentence is at least {LEAST_CHRF:g}", scores[0][1] >= LEAST_CHRF)]
    return Kind("Subtitles", cases, target=1.0, notes=tuple(notes), further=tuple(further))


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file, and what came of it.

    Attributes:
        film: the file.
        text: of it.
        written: of its translation; empty where there is none.
        warnings: about it.
        error: instead of it.
    """

    film: Film
    text: str
    written: str = ""
    warnings: Sequence[str] = ()
    error: str = ""

    @property
    def captions(self) -> Sequence[tuple[Caption, Caption]]:
        """Its cues, and those of its translation."""
        pairs = zip(read(self.film.kind, self.text), read(self.film.kind, self.written), strict=False)
        return list(pairs)

    @property
    def speed(self) -> int:
        """Characters of the language of the translation that are read in a second."""
        return SPEEDS[OTHER[self.film.language]]

    def judge(self) -> Iterator[Case]:
        """Yield a case for each thing that must hold of a file."""
        checks = {
            "outside": self.find_changed,
            "marks": self.find_marks,
            "no empty cue": self.find_empty,
            "read in time, or told": self.find_untold,
        }
        for aspect, check in checks.items():
            fault = self.error or "; ".join(check())[:400]
            yield Case(f"{aspect}, {self.film.kind}", self.film.name, fault, bool(self.warnings))

    def find_changed(self) -> Iterator[str]:
        """Yield what has changed outside of the words."""
        before, after = read(self.film.kind, self.text), read(self.film.kind, self.written)
        if len(before) != self.film.count or len(before) != len(after):
            yield f"{self.film.count} cues were {len(before)} and are {len(after)}"
        for one, other in zip(before, after, strict=False):
            if one.outside != other.outside:
                yield f"{one.outside} became {other.outside}"
        language = f"Language: {OTHER[self.film.language]}"
        written = self.written.replace(language, f"Language: {self.film.language}", 1)
        if blank(self.text, before) != blank(written, after):
            yield "something outside the cues is not as it was"
        if len({bool(re.search("(?<!\r)\n", each)) for each in (self.text, self.written)}) > 1:
            yield "lines end in another way"

    def find_marks(self) -> Iterator[str]:
        """Yield where a cue has other marks, or marks that do not nest."""
        for one, other in self.captions:
            if sorted(MARK.findall(one.content)) != sorted(MARK.findall(other.content)):
                yield f"{one.content!r} became {other.content!r}"
            stack: list[str] = []
            for closing, name in re.findall(r"<(/?)([a-z]+)", other.content):
                if closing and (not stack or stack.pop() != name):
                    yield f"tags cross: {other.content!r}"
                if not closing:
                    stack.append(name)

    def find_empty(self) -> Iterator[str]:
        """Yield the cues that have no words any more."""
        for one, other in self.captions:
            if re.search(r"\w", one.shown) and not re.search(r"\w", other.shown):
                yield f"{one.content!r} became {other.content!r}"

    def find_untold(self) -> Iterator[str]:
        """Yield the cues that are too full, of which no warning says so."""
        lines = [number for number, line in enumerate(self.written.splitlines(), 1) if "-->" in line]
        sources = [number for number, line in enumerate(self.text.splitlines(), 1) if "-->" in line]
        for (one, other), line, source in zip(self.captions, lines, sources, strict=False):
            if self.is_over(one, other) and not any(f"line {source} " in each for each in self.warnings):
                yield f"{other.content!r} on line {line} has {other.width} for {other.duration:.1f} s"

    def is_over(self, one: Caption, other: Caption) -> bool:
        """Whether a cue has more than can be read of it, and more than it had."""
        return other.width > max(self.speed * one.duration, one.width) or is_long(one, other)


def is_long(one: Caption, other: Caption) -> bool:
    """Whether a cue has more or longer lines than it should have and had."""
    own, new = one.shown.split("\n"), other.shown.split("\n")
    return len(new) > max(LINES, len(own)) or max(map(len, new)) > max(LINE_LENGTH, *map(len, own))


def translate(client: Client, film: Film) -> Outcome:
    """Translate a file."""
    text = film.document.decode()
    try:
        result = client.translate_document(
            film.document, to=OTHER[film.language], source=film.language, name=f"film.{film.kind}"
        )
    except PolygistError as error:
        return Outcome(film, text, error=str(error))
    return Outcome(film, text, result.document.decode(), [notice.message for notice in result.warnings])


def read(kind: str, text: str) -> Sequence[Caption]:
    """Return the cues of a file as parsers read them that are not the server's: srt, and webvtt-py."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if kind == "srt":
        return [
            Caption(
                (each.index, each.start, each.end, each.proprietary),
                each.content,
                (each.end - each.start).total_seconds(),
            )
            for each in srt.parse(text)
        ]
    return [
        Caption(
            (each.identifier, each.start, each.end, each.settings, each.voice),
            each.raw_text,
            seconds_of(each.end) - seconds_of(each.start),
        )
        for each in webvtt.WebVTT.from_string(text)
    ]


def seconds_of(time: str) -> float:
    """Return a time of WebVTT with its hours."""
    hours, minutes, seconds = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def blank(text: str, captions: Sequence[Caption]) -> str:
    """Return a file without the texts of its cues."""
    text = text.replace("\r\n", "\n")
    parts, at = [], 0
    for each in captions:
        place = text.index(each.content, text.index("-->", at))
        parts.append(text[at:place])
        at = place + len(each.content)
    return "".join([*parts, text[at:]])


def measure_speed(outcomes: Sequence[Outcome]) -> list[str]:
    """Return how many cues can be read in time, before and after."""
    pairs = [(outcome, *pair) for outcome in outcomes for pair in outcome.captions]
    before = mean(one.width <= SPEEDS[outcome.film.language] * one.duration for outcome, one, _ in pairs)
    after = mean(other.width <= outcome.speed * other.duration for outcome, _, other in pairs)
    within = mean(not outcome.is_over(one, other) for outcome, one, other in pairs)
    return [
        f"Of {len(pairs)} cues {100 * before:.1f} % can be read in time in the source, {100 * after:.1f} % in the"
        f" translation; {100 * within:.1f} % can, or are no longer than the source's, on lines that fit."
    ]


def measure_sentences(client: Client, outcomes: Sequence[Outcome]) -> Iterator[tuple[str, float]]:
    """Yield chrF of sentences over several cues: to that of the joined sentence, and of all ways to a person's."""
    wholes: list[str] = []
    ours: list[str] = []
    alone: list[str] = []
    references: list[str] = []
    for language in OTHER:
        own = [
            (spread, [outcome.captions[at] for at in spread.cues])
            for outcome in outcomes
            if outcome.film.language == language and not outcome.error
            for spread in outcome.film.spreads
        ]
        ours += [" ".join(other.words for _, other in pairs) for _, pairs in own]
        references += [spread.reference for spread, _ in own]
        sentences = [spread.sentence for spread, _ in own]
        wholes += [each.text for each in client.translate_many(sentences, to=OTHER[language], source=language)]
        pieces = [one.words for _, pairs in own for one, _ in pairs]
        found = iter([each.text for each in client.translate_many(pieces, to=OTHER[language], source=language)])
        alone += [" ".join(next(found) for _ in pairs) for _, pairs in own]
    chrf = CHRF()
    score = chrf.corpus_score(ours, [wholes]).score
    yield (
        f"chrF of {len(ours)} sentences over several cues to the translation of the joined sentence: {score:.1f}",
        score,
    )
    scores = [chrf.corpus_score(each, [references]).score for each in (ours, wholes, alone)]
    yield (
        f"chrF to a person's translation: {scores[0]:.1f}; of the joined sentence {scores[1]:.1f};"
        f" of each cue by itself {scores[2]:.1f}",
        scores[0],
    )
