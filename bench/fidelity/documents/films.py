"""Subtitles of films that nobody made: sentences of public sets in cues, timed and styled as those of real files."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random

from bench.quality.sets import DataFolder

# Sentences of documentaries and news, and lines of dialogue.
LONG, SHORT = ("ntrex128", "flores_devtest"), "tatoeba_2021_08_07"
LONGEST, SHORTEST = 190, 60
LONGEST_LINE = 42
PORTUGUESE = {"ntrex128": "pt-BR", "flores_devtest": "pt", SHORT: "pt"}
SOUNDS = {
    "en": ("door opens", "phone ringing", "laughs", "music playing", "applause"),
    "pt": ("porta abre", "telefone tocando", "risos", "música tocando", "aplausos"),
}
SETTINGS = ("", " line:85%", " align:start position:10%", " line:0 position:50% size:80%")
STYLE = "STYLE\n::cue(.yellow) {\n  color: yellow;\n}\n\nREGION\nid:low\nwidth:40%\n\nNOTE\nmade by hand & checked\n\n"


@dataclass(frozen=True, slots=True)
class Spread:
    """A sentence that stands in several cues.

    Attributes:
        cues: their indices.
        sentence: its words, joined.
        reference: what a person made of it.
    """

    cues: Sequence[int]
    sentence: str
    reference: str


@dataclass(slots=True)
class Film:
    """A file of subtitles.

    Attributes:
        kind: "srt" or "vtt".
        name: tells it from the others.
        language: "en" or "pt".
        document: its bytes.
        count: of its cues.
        spreads: its sentences that stand in several cues.
    """

    kind: str
    name: str
    language: str
    document: bytes = b""
    count: int = 0
    spreads: list[Spread] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence, and what a person made of it."""

    sentence: str
    reference: str


def make_films(data: DataFolder, count: int) -> Iterator[Film]:
    """Yield so many files: of each kind and each language a quarter, the same ones in each run."""
    pairs = {language: (read_pairs(data, LONG, language), read_pairs(data, (SHORT,), language)) for language in SOUNDS}
    for number in range(count):
        kind, language = ("srt", "vtt")[number % 2], ("en", "pt")[number // 2 % 2]
        long, short = pairs[language]
        if long and short:
            yield FilmMaker(kind, number, language, long, short).make()


def read_pairs(data: DataFolder, names: Sequence[str], language: str) -> list[Pair]:
    """Return the sentences of some sets in a language."""
    found = []
    for name in names:
        english, portuguese = (data.lines(f"translation/{name}.{each}.txt") for each in ("en", PORTUGUESE[name]))
        sides = zip(english, portuguese, strict=True)
        found += [Pair(*side) if language == "en" else Pair(*side[::-1]) for side in sides]
    is_long = names == LONG
    fits = (SHORTEST, LONGEST) if is_long else (8, LONGEST_LINE - 2)
    return [each for each in found if fits[0] <= len(each.sentence) <= fits[1] and is_plain(each.sentence)]


def is_plain(sentence: str) -> bool:
    """Whether a sentence begins and ends as one, without quotes and brackets that cues would part."""
    return bool(re.fullmatch(r"[A-ZÀ-Ý][^\"“”()\[\]<>:…]+[.!?]", sentence)) and "..." not in sentence


class FilmMaker:
    """Makes one file."""

    def __init__(self, kind: str, number: int, language: str, long: Sequence[Pair], short: Sequence[Pair]) -> None:
        self._random = Random(number)
        self._film = Film(kind, f"{number} {language}.{kind}", language)
        self._long = cycle(self._random.sample(long, len(long)))
        self._short = cycle(self._random.sample(short, len(short)))
        self._blocks: list[str] = []
        self._time = 1.0
        self._newline = self._random.choice(["\n", "\n", "\r\n"])
        self._has_numbers = self._random.random() < 0.9
        self._has_places = kind == "srt" and self._random.random() < 0.2

    def make(self) -> Film:
        """Return the file."""
        scenes = (self._narrate, self._narrate, self._narrate, self._talk, self._speak, self._sing, self._sound)
        for _ in range(24):
            self._random.choice(scenes)()
            self._time += self._random.choice([0.1, 0.5, 1.5, 4.0])
        head = "" if self._film.kind == "srt" else self._write_head()
        text = head + "\n\n".join(self._blocks) + self._random.choice(["", "\n", "\n\n"])
        mark = self._random.choice(["", "", "\ufeff"])
        self._film.document = (mark + text).replace("\n", self._newline).encode()
        self._film.count = len(self._blocks)
        return self._film

    def _write_head(self) -> str:
        language = self._random.choice(["", f"Kind: captions\nLanguage: {self._film.language}\n"])
        return f"WEBVTT{self._random.choice(['', ' - a film'])}\n{language}\n{self._random.choice(['', STYLE])}"

    def _narrate(self) -> None:
        """A sentence in cue after cue."""
        pair = next(self._long)
        pieces = self._cut(pair.sentence)
        style = self._random.choice(["", "", "", "i", "dots", "bold", "voice", "song"])
        first = len(self._blocks)
        placing = self._random.choice(SETTINGS) if self._film.kind == "vtt" else ""
        for place, piece in enumerate(pieces):
            shown = self._wrap(piece)
            if style == "i":
                shown = f"<i>{shown}</i>"
            elif style == "voice" and self._film.kind == "vtt":
                shown = f"<v Anna>{shown}"
            elif style == "bold":
                shown = self._mark_word(shown)
            elif style == "song" and self._film.kind == "vtt":
                shown = self._mark_times(shown, len(piece))
            if style == "dots":
                shown = f"{'...' if place else ''}{shown}{'...' if place < len(pieces) - 1 else ''}"
            self._add(shown, len(piece), placing)
            self._time += 0.08
        if len(pieces) > 1:
            cues = range(first, len(self._blocks))
            self._film.spreads.append(Spread(cues, pair.sentence, pair.reference))

    def _cut(self, sentence: str) -> list[str]:
        """Return the pieces of a sentence: what a cue has."""
        pieces: list[str] = []
        own: list[str] = []
        most = self._random.randint(40, 78)
        for word in sentence.split():
            if own and len(" ".join([*own, word])) > most:
                pieces.append(" ".join(own))
                own, most = [], self._random.randint(40, 78)
            own.append(word)
        return [*pieces, " ".join(own)]

    def _wrap(self, piece: str) -> str:
        """Return a piece on one line, or on two."""
        words = piece.split()
        if len(piece) <= LONGEST_LINE:
            return piece
        places = range(1, len(words))
        at = min(places, key=lambda place: abs(len(" ".join(words[:place])) - len(" ".join(words[place:]))))
        return f"{' '.join(words[:at])}\n{' '.join(words[at:])}"

    def _mark_word(self, shown: str) -> str:
        words = re.findall(r"\S+|\s", shown)
        at = self._random.randrange(0, len(words), 2)
        opening, closing = self._random.choice(
            [("<b>", "</b>"), ('<font color="#ffff00">', "</font>"), ("<u>", "</u>")]
            if self._film.kind == "srt"
            else [("<b>", "</b>"), ("<c.yellow>", "</c>"), ("<i.loud>", "</i>")]
        )
        words[at] = f"{opening}{words[at]}{closing}"
        return "".join(words)

    def _mark_times(self, shown: str, width: int) -> str:
        words = re.split(r"(\s)", shown)
        for place in (2, 4):
            if place < len(words):
                words[place] = f"<{self._write_time(self._time + place * width / 200)}>{words[place]}"
        return "".join(words)

    def _talk(self) -> None:
        """Two speakers in one cue."""
        lines = [next(self._short).sentence for _ in range(2)]
        dash = self._random.choice(["- ", "-", "– "])
        self._add("\n".join(f"{dash}{line}" for line in lines), sum(map(len, lines)))

    def _speak(self) -> None:
        """One line of one speaker."""
        line = next(self._short).sentence
        forms = ["{}", "JOHN: {}", "<i>{}</i>", "{{\\an8}}{}"]
        self._add(self._random.choice(forms).format(line), len(line))

    def _sing(self) -> None:
        line = next(self._short).sentence.rstrip(".")
        self._add(f"♪ {line} ♪", len(line))

    def _sound(self) -> None:
        sound = self._random.choice(SOUNDS[self._film.language])
        self._add(self._random.choice([f"[{sound}]", f"({sound.upper()})"]), len(sound))

    def _add(self, shown: str, width: int, placing: str = "") -> None:
        """Add a cue that is shown as long as a reader needs, more or less."""
        begin = self._time
        self._time += max(1.0, width / self._random.uniform(11, 18))
        number = f"{len(self._blocks) + 1}\n" if self._has_numbers and self._random.random() < 0.98 else ""
        if self._film.kind == "vtt":
            number = self._random.choice(["", number, f"cue-{len(self._blocks)}\n"])
        placing += " X1:117 X2:604 Y1:385 Y2:436" if self._has_places else ""
        timing = f"{self._write_time(begin)} --> {self._write_time(self._time)}{placing}"
        self._blocks.append(f"{number}{timing}\n{shown}")

    def _write_time(self, seconds: float) -> str:
        minutes, rest = divmod(seconds, 60)
        hours = "" if self._film.kind == "vtt" and self._film.name.startswith(("1 ", "5 ")) else "00:"
        written = f"{hours}{int(minutes):02}:{rest:06.3f}"
        return written.replace(".", ",") if self._film.kind == "srt" else written
