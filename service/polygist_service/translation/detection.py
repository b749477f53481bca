"""Which language a text is in: what the caller said, or what detection makes of it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.errors import UndeterminedLanguage, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.languages import name_few, serving
from polygist_service.text.segmentation import has_letters

# Below: not detected. Measured on windows of real sentences up to 20 characters: 0.10 tells 81 % of the English ones
# and takes 5 % of those in 14 neighbouring languages, with a warning; 0.20 tells 74 % and takes 2 %.
MIN_CONFIDENCE = 0.10
# From here on an unreadable language is a finding, not a guess; below it a readable one is worth a warning.
CONFIDENT = 0.50


# Told of each detected text: the likeliest language, and whether that is ``sure``, a ``guess`` or ``undetermined``.
Detected = Callable[[str, str], None]


class Detector(Protocol):
    """Ranks languages by probability; see `text.language_id.LanguageDetector`."""

    def rank(self, text: str, *, candidates: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Languages of `text` by falling probability, not renormalised."""
        ...


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """The language of one text; ``und`` for a text without letters. `confidence` is None where it was given."""

    language: str
    confidence: float | None = None

    def notices(self) -> tuple[Notice, ...]:
        """A warning where the detection is a guess."""
        if self.confidence is None or self.confidence >= CONFIDENT:
            return ()
        message = f"detected {self.language} with confidence {self.confidence:.2f}; give source_language_code"
        return (Notice(NoticeKind.LOW_DETECTION_CONFIDENCE, message),)


class LanguageResolver:
    """Tells the languages of texts, off the event loop.

    Args:
        detector: ranks the languages.
        pool: where it runs.
        detected: is told of each text.
    """

    def __init__(self, detector: Detector, pool: TextPool, detected: Detected = lambda language, result: None) -> None:
        self._detector = detector
        self._pool = pool
        self._detected = detected

    async def rank(
        self, texts: Sequence[str], candidates: Collection[str], context: CallContext
    ) -> list[list[tuple[str, float]]]:
        """Return the detector's ranking of each text, limited to `candidates` where there are any."""
        rank = partial(self._detector.rank, candidates=candidates or None)
        rankings = await self._pool.run(context, rank, texts)
        for ranking in rankings:
            language, confidence = ranking[0] if ranking else ("und", 0.0)
            if confidence < MIN_CONFIDENCE:
                self._detected("und", "undetermined")
            else:
                self._detected(language, "sure" if confidence >= CONFIDENT else "guess")
        return rankings

    async def resolve(
        self,
        texts: Sequence[str],
        *,
        given: str | None,
        readable: tuple[str, ...],
        candidates: Collection[str],
        context: CallContext,
    ) -> list[DetectedLanguage]:
        """Return the language of each text, in order.

        Args:
            given: the language the caller named; nothing is detected then.
            readable: languages that some model reads.
            candidates: limits the detection; empty for no limit.
            context: whose request the texts are of.

        Raises:
            UndeterminedLanguage: a text with letters is in no language that can be told.
            UnsupportedLanguagePair: a text is surely in a language that no model reads.
        """
        if given:
            return [DetectedLanguage(given if has_letters(text) else "und") for text in texts]
        lettered = [at for at, text in enumerate(texts) if has_letters(text)]
        rankings = await self.rank([texts[at] for at in lettered], candidates, context)
        choices = {at: choose(at, ranking, readable) for at, ranking in zip(lettered, rankings, strict=True)}
        lost = [at for at, choice in choices.items() if choice is None]
        if lost:
            fields = ", ".join(f"contents[{at}]" for at in lost[:10])
            raise UndeterminedLanguage(
                f"{fields}: language not detected; give source_language_code, or longer text",
                metadata={"field": f"contents[{lost[0]}]"},
            )
        return [choices.get(at) or DetectedLanguage("und") for at in range(len(texts))]


def choose(at: int, ranking: Sequence[tuple[str, float]], readable: tuple[str, ...]) -> DetectedLanguage | None:
    """Return the likeliest readable language of the text at `at`, unless the text is surely in another."""
    if not ranking:
        return None
    language, confidence = ranking[0]
    if confidence >= CONFIDENT and not serving(language, readable):
        raise UnsupportedLanguagePair(
            f"contents[{at}] is in {language} (confidence {confidence:.2f}); this server reads: {name_few(readable)}",
            metadata={"field": f"contents[{at}]", "source": language, "readable": ",".join(sorted(readable))},
        )
    for language, confidence in ranking:
        if confidence >= MIN_CONFIDENCE and serving(language, readable):
            return DetectedLanguage(language, confidence)
    return None
