"""Which language a text is in: what the caller said, or what detection makes of it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.errors import UndeterminedLanguage, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import PLAIN
from polygist_service.text.language_runs import Block, LanguageRun, Mixture, cut_blocks, find_mixture
from polygist_service.text.languages import name_few, serving
from polygist_service.text.segmentation import has_letters

# Below: not detected. Measured on windows of real sentences up to 20 characters: 0.10 tells 81 % of the English ones
# and takes 5 % of those in 14 neighbouring languages, with a warning; 0.20 tells 74 % and takes 2 %.
MIN_CONFIDENCE = 0.10
# From here on an unreadable language is a finding, not a guess; below it a readable one is worth a warning.
CONFIDENT = 0.50


# Languages of a text by falling probability.
Ranking = Sequence[tuple[str, float]]
# Told of each detected text: the likeliest language, and whether that is ``sure``, a ``guess`` or ``undetermined``.
Detected = Callable[[str, str], None]


class Detector(Protocol):
    """Ranks languages by probability; see `text.language_id.LanguageDetector`."""

    @property
    def languages(self) -> tuple[str, ...]:
        """All that it knows, sorted."""
        ...

    def rank(self, text: str, *, candidates: Collection[str] | None = None) -> list[tuple[str, float]]:
        """Languages of `text` by falling probability, not renormalised."""
        ...


@dataclass(frozen=True, slots=True)
class DetectedLanguage:
    """The language of one text.

    Attributes:
        language: ``und`` for a text without letters; that of most of its letters where it has several.
        confidence: None where the language was given.
        foreign: the runs of the text that are in other languages.
    """

    language: str
    confidence: float | None = None
    foreign: tuple[LanguageRun, ...] = ()

    def notices(self) -> tuple[Notice, ...]:
        """A warning where the detection is a guess, and one for each run in another language."""
        notices = []
        if self.confidence is not None and self.confidence < CONFIDENT:
            message = f"detected {self.language} with confidence {self.confidence:.2f}; give source_language_code"
            notices.append(Notice(NoticeKind.LOW_DETECTION_CONFIDENCE, message))
        for run in self.foreign:
            message = f"this part of the text is in {run.language}, most of it in {self.language}"
            notices.append(Notice(NoticeKind.MIXED_LANGUAGES, message, (run.start, run.end)))
        return tuple(notices)


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

    @property
    def known(self) -> tuple[str, ...]:
        """The languages that can be told."""
        return self._detector.languages

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
        mime_type: str,
        context: CallContext,
    ) -> list[DetectedLanguage]:
        """Return the language of each text, in order.

        Args:
            given: the language the caller named; nothing is detected then.
            readable: languages that some model reads.
            candidates: limits the detection; empty for no limit.
            mime_type: of the texts; runs in other languages are looked for in plain ones.
            context: whose request the texts are of.

        Raises:
            UndeterminedLanguage: a text with letters is in no language that can be told.
            UnsupportedLanguagePair: a text is surely in a language that no model reads, and no part in another one.
        """
        if given:
            return [DetectedLanguage(given if has_letters(text) else "und") for text in texts]
        lettered = [at for at, text in enumerate(texts) if has_letters(text)]
        some = [texts[at] for at in lettered]
        rankings = await self.rank(some, candidates, context)
        mixtures: Sequence[Mixture | None] = [None] * len(some)
        if mime_type == PLAIN:
            mixtures = await self._find_mixtures(some, rankings, candidates, context)
        choices = {
            at: choose(at, ranking, mixture, readable)
            for at, ranking, mixture in zip(lettered, rankings, mixtures, strict=True)
        }
        lost = [at for at, choice in choices.items() if choice is None]
        if lost:
            fields = ", ".join(f"contents[{at}]" for at in lost[:10])
            raise UndeterminedLanguage(
                f"{fields}: language not detected; give source_language_code, or longer text",
                metadata={"field": f"contents[{lost[0]}]"},
            )
        return [choices.get(at) or DetectedLanguage("und") for at in range(len(texts))]

    async def _find_mixtures(
        self,
        texts: Sequence[str],
        rankings: Sequence[Ranking],
        candidates: Collection[str],
        context: CallContext,
    ) -> list[Mixture | None]:
        """Return the languages of each text that has several."""
        cuts = await self._pool.run(context, cut_blocks, texts)
        blocks = [text[block.start : block.end] for text, cut in zip(texts, cuts, strict=True) for block in cut]
        if not blocks:
            return [None] * len(texts)
        ranked = iter(
            await self._pool.run(context, partial(self._detector.rank, candidates=candidates or None), blocks)
        )
        cases = [
            (text, cut, [next(ranked) for _ in cut], ranking)
            for text, cut, ranking in zip(texts, cuts, rankings, strict=True)
        ]
        return await self._pool.run(context, judge, cases)


def judge(case: tuple[str, Sequence[Block], Sequence[Ranking], Ranking]) -> Mixture | None:
    """Return the languages of a text, given its blocks, their rankings and that of the whole, if it has several."""
    text, blocks, rankings, whole = case
    return find_mixture(text, blocks, rankings, whole[0][0]) if blocks and whole else None


def choose(at: int, ranking: Ranking, mixture: Mixture | None, readable: tuple[str, ...]) -> DetectedLanguage | None:
    """Return the likeliest readable language of the text at `at`, unless all of the text is surely in others."""
    if mixture and (mixture.confidence >= CONFIDENT or serving(mixture.language, readable)):
        languages = [mixture.language, *(run.language for run in mixture.foreign)]
        if any(serving(language, readable) for language in languages):
            return DetectedLanguage(mixture.language, mixture.confidence, mixture.foreign)
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
