"""What the translation of a text must have in it, written down by hand, and what a translation lacks of it."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from polygist_client import Client
from polygist_client.results import Translation

from bench.fidelity.kinds import Case

CASES = Path(__file__).parent / "cases"
# Warnings that tell a caller to look at the text.
WARNINGS = frozenset(("unknown-characters", "untranslated", "placeholder-lost", "repetition-suppressed"))
# What models write for what they do not know.
UNKNOWN_SIGNS = ("⁇", "�", "<unk>")
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
OTHER_LANGUAGE = {"en": "pt", "pt": "en"}


@dataclass(frozen=True, slots=True)
class Expectation:
    """A text and its right translations; "a|b" is either of two.

    Attributes:
        group: what it is an example of.
        language: "en", which is translated to Portuguese, or "pt", which is translated to English.
        source: the text.
        kept: what must stand in the translation letter for letter, as often as in the text.
        tokens: the same, with nothing grown onto them, such as addresses.
        words: beginnings of words that must stand in it, in any case.
        phrases: what must stand in it, in any case and with spaces of any kind.
        absent: what must not stand in it.
        start: what it must begin with.
        end: what it must end with.
        repeated: beginnings of words, and how often they must stand in it at least.
        is_untouched: whether the text must come back as it is, with a warning.
        is_certain: whether there must be no warning.
    """

    group: str
    language: str
    source: str
    kept: Sequence[str] = ()
    tokens: Sequence[str] = ()
    words: Sequence[str] = ()
    phrases: Sequence[str] = ()
    absent: Sequence[str] = ()
    start: str = ""
    end: str = ""
    repeated: Mapping[str, int] = field(default_factory=dict)
    is_untouched: bool = False
    is_certain: bool = False

    def judge(self, translation: Translation) -> Case:
        """Return the case that a translation of the text makes of it."""
        is_warned = any(warning.code in WARNINGS for warning in translation.warnings)
        faults = self.find_faults(translation.text)
        if self.is_untouched and not is_warned:
            faults.append("no warning")
        if self.is_certain and is_warned:
            faults.append("a warning")
        fault = f"{translation.text!r}: {', '.join(faults)}" if faults else ""
        return Case(f"{self.group}, {self.language}", self.source, fault, is_warned)

    def find_faults(self, text: str) -> list[str]:
        """Say what a translation lacks or has too much."""
        if self.is_untouched:
            return [] if text == self.source else ["not untouched"]
        source, text = unicodedata.normalize("NFC", self.source), unicodedata.normalize("NFC", text)
        visible = " ".join(INVISIBLE.sub("", text).split())
        folded = visible.casefold()
        kept = [choice for choice in self.kept if count_any(choice, text) != max(1, count_any(choice, source))]
        tokens = [token for token in self.tokens if count_token(token, text) != count_token(token, source)]
        words = [choice for choice in self.words if not count_beginnings(choice, folded)]
        repeated = [
            f"{least} x {choice}" for choice, least in self.repeated.items() if count_beginnings(choice, folded) < least
        ]
        phrases = [choice for choice in self.phrases if not count_any(choice.casefold(), folded)]
        absent = [f"not {sign}" for sign in (*self.absent, *UNKNOWN_SIGNS) if sign in text and sign not in source]
        start = [f"{self.start} at its start"] if not visible.startswith(tuple(self.start.split("|"))) else []
        end = [f"{self.end} at its end"] if not visible.endswith(tuple(self.end.split("|"))) else []
        return [*kept, *tokens, *words, *repeated, *phrases, *absent, *start, *end]


def count_any(choice: str, text: str) -> int:
    """Count the places of any of several strings."""
    return sum(text.count(unicodedata.normalize("NFC", string)) for string in choice.split("|"))


def count_token(token: str, text: str) -> int:
    """Count the places of a string that is no part of a longer word or address."""
    return len(re.findall(rf"(?<![\w/@#%=&?~-]){re.escape(token)}(?![\w/@#%=&~-])", text))


def count_beginnings(choice: str, text: str) -> int:
    """Count the words of `text` that begin with any of several strings."""
    return len(re.findall(rf"(?<!\w)(?:{'|'.join(map(re.escape, choice.casefold().split('|')))})", text))


def read_expectations(name: str) -> list[Expectation]:
    """Read those of a kind, one a line."""
    lines = (CASES / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Expectation(**json.loads(line)) for line in lines]


def translate_all(client: Client, expectations: Sequence[Expectation]) -> list[Translation]:
    """Translate each text to the other language."""
    translations: dict[int, Translation] = {}
    for language, target in OTHER_LANGUAGE.items():
        places = [place for place, expectation in enumerate(expectations) if expectation.language == language]
        texts = [expectations[place].source for place in places]
        translated = client.translate(texts, to=target, source=language) if texts else []
        translations.update(zip(places, translated, strict=True))
    return [translations[place] for place in range(len(expectations))]


def judge_all(client: Client, expectations: Sequence[Expectation]) -> list[Case]:
    """Translate the texts, each as a request's content of its own, and judge what came."""
    translations = translate_all(client, expectations)
    return [expectation.judge(translation) for expectation, translation in zip(expectations, translations, strict=True)]
