"""Which language a text is in: what the caller said, what the text itself says, or what detection makes of it.

A language that is expected is taken in doubt: one from which the target can be reached, one of the caller's candidates,
one that the other texts of the request are in. But what the answer is called sure of is only what texts say: a short
German text that a server takes for English, because it reads nothing else, comes with a warning.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple, Protocol

from polygist_service.concurrency import SHORT, Pauses, TextPool, let_go, run_in_turns
from polygist_service.context import CallContext
from polygist_service.errors import UndeterminedLanguage, UnsupportedLanguagePair
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents.base import Readable
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.text.language_odds import (
    READABLE,
    SURE,
    Evidence,
    Expectation,
    Ranking,
    Reading,
    add_shares,
    read_shares,
    weigh,
)
from polygist_service.text.language_runs import Block, LanguageRun, Mixture, cut_blocks, find_mixture
from polygist_service.text.languages import base_language, is_among, is_kin, name_few, serving
from polygist_service.text.segmentation import has_letters
from polygist_service.translation.declarations import JoinedText
from polygist_service.translation.neighbours import Turn

# From here on an unreadable language is a finding, not a guess; below it a readable one is worth a warning.
CONFIDENT = 0.50
# To choose the language of one text takes some 0.3 ms: the clock is looked at after so many.
FEW_TEXTS = 4
# Told of each detected text: the likeliest language, and whether that is ``sure``, a ``guess`` or ``undetermined``.
Detected = Callable[[str, str], None]


class Detector(Protocol):
    """Ranks languages by probability; see `text.language_id.LanguageDetector`. Its first use takes a while."""

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
        confidence: what the texts say for it; None where the language was given, or the document says it.
        foreign: the runs of the text that are in other languages.
        nearest: the likeliest of all other languages.
    """

    language: str
    confidence: float | None = None
    foreign: tuple[LanguageRun, ...] = ()
    nearest: str | None = None

    def notices(self) -> tuple[Notice, ...]:
        """A warning where the detection is a guess, and one for each run in another language."""
        notices = []
        if self.confidence is not None and self.confidence < CONFIDENT:
            other = f", or else {self.nearest}" if self.nearest else ""
            message = (
                f"the language is a guess: {self.language} (confidence {self.confidence:.2f}){other}; "
                "give source_language_code"
            )
            notices.append(Notice(NoticeKind.LOW_DETECTION_CONFIDENCE, message))
        for run in self.foreign:
            message = f"this part of the text is in {run.language}, most of it in {self.language}"
            notices.append(Notice(NoticeKind.MIXED_LANGUAGES, message, (run.start, run.end)))
        return tuple(notices)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which languages a request can be served in.

    Attributes:
        readable: languages that some model reads; None where every language will do.
        likely: those from which what is asked for can be done.
        target: what is to be translated into.
        candidates: what the detection is limited to; empty for no limit.
    """

    readable: tuple[str, ...] | None
    likely: tuple[str, ...] = ()
    target: str | None = None
    candidates: frozenset[str] = frozenset()

    def reads(self, language: str) -> bool:
        """Whether some model reads a language."""
        return self.readable is None or serving(language, self.readable) is not None

    def allows(self, language: str) -> bool:
        """Whether a language is among the candidates, in whatever region, or there are none."""
        return not self.candidates or is_among(self.candidates, language)

    def limit(self, ranking: Ranking) -> list[tuple[str, float]]:
        """Return what of a ranking is among the candidates, in whatever region; all of it where there are none."""
        if not self.candidates:
            return list(ranking)
        return [(language, p) for language, p in ranking if self.allows(language)]

    def serves(self, language: str) -> bool:
        """Whether what is asked for can be done with a text in a language, if only to leave it as it is."""
        served = (*self.likely, self.target) if self.target else self.likely
        return serving(language, served) is not None


class Verdict(NamedTuple):
    """Languages by falling probability: with what is expected, and by what texts say only."""

    expected: Ranking
    told: Ranking
    is_doubtful: bool = False

    def confidence(self, language: str) -> float:
        """Return what the texts say for a language."""
        return next((p for code, p in self.told if code == language), 0.0)


class Finding(NamedTuple):
    """What a text says by itself, what it is said to be in where that is believed, and what of its ranking counts."""

    reading: Reading
    declared: str | None
    ranking: Ranking


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

    @cached_property
    def _told(self) -> frozenset[str]:
        return frozenset(map(base_language, self._detector.languages()))

    async def list_known(self, context: CallContext) -> tuple[str, ...]:
        """Return the languages that can be told, sorted.

        Args:
            context: of the call that asks.
        """
        return await self._pool.call(context, self._detector.languages)

    async def rank(
        self,
        texts: Sequence[Readable],
        candidates: Collection[str],
        context: CallContext,
        *,
        readable: tuple[str, ...] = (),
    ) -> list[list[tuple[str, float]]]:
        """Return the languages of each text by itself by falling probability, `candidates` only where there are any.

        The probabilities stay those among all languages, of which those that are `readable` are somewhat likelier.
        What a document says that it is in is not looked at.
        """
        scope = Scope(readable, candidates=frozenset(candidates))
        expected = Expectation(readable, factor=READABLE)

        def rank_one(document: Readable) -> list[tuple[str, float]]:
            text = JoinedText.of(document).text
            return scope.limit(weigh(Evidence.of(text, self._detector.rank(text)), expected))

        rankings = await self._pool.run(context, rank_one, texts)
        for ranking in rankings:
            self._count(*ranking[0] if ranking else ("und", 0.0))
        return rankings

    async def resolve(
        self,
        documents: Sequence[Readable],
        *,
        given: str | None,
        readable: tuple[str, ...] | None,
        candidates: Collection[str],
        context: CallContext,
        likely: tuple[str, ...] | None = None,
        target: str | None = None,
        turn: Turn | None = None,
    ) -> list[DetectedLanguage]:
        """Return the language of each text, in order.

        What a document says that it is in is believed, unless it is surely in another language, as many pages say what
        the program that made them was set to. So is what is said of a passage; see `Reading.refutes`.

        Args:
            given: the language the caller named; nothing is detected then, but passages that say that they are in
                another one, and not that of the document, are still in that.
            readable: languages that some model reads; None where every language will do.
            candidates: limits the detection, and what documents are believed; empty for no limit.
            context: whose request the texts are of.
            likely: languages from which what is asked for can be done; by default all `readable` ones.
            target: what the texts are to be translated into.
            turn: of the text, where it is one of a stream.

        Raises:
            UndeterminedLanguage: a text with letters is in a script of no known language, or in none of `candidates`.
            UnsupportedLanguagePair: a text is surely in a language that no model reads, and no part in another one.
        """
        scope = Scope(readable, readable or () if likely is None else likely, target, frozenset(candidates))
        # One passage is joined already.
        length = 0 if all(isinstance(each, PlainLayout) for each in documents) else None
        texts = await self._pool.run(context, JoinedText.of, documents, characters=length)
        lettered = await self._keep_lettered(texts, context)
        if given:
            found = {at: DetectedLanguage(given) for at in lettered}
        else:
            found = await self._detect(lettered, scope, context, turn)
        found = await self._heed(lettered, found, given, scope, context, characters=length)
        return [found.get(at) or DetectedLanguage("und") for at in range(len(texts))]

    async def _keep_lettered(self, texts: Sequence[JoinedText], context: CallContext) -> dict[int, JoinedText]:
        """Return the texts that have letters, by their places; nearly all have one among their first characters."""
        begin_so = await run_in_turns(lambda text: has_letters(text.text[:SHORT]), texts)
        others = [at for at, text in enumerate(texts) if not begin_so[at] and len(text.text) > SHORT]
        have_any = await self._pool.run(context, lambda at: has_letters(texts[at].text), others)
        late = {at for at, is_lettered in zip(others, have_any, strict=True) if is_lettered}
        return {at: text for at, text in enumerate(texts) if begin_so[at] or at in late}

    async def _detect(
        self, texts: Mapping[int, JoinedText], scope: Scope, context: CallContext, turn: Turn | None
    ) -> dict[int, DetectedLanguage]:
        """Return the language of each text, by its place in the request.

        The runs in other ones are those of the joined text.
        """
        every = [text.text for text in texts.values()]

        def read(text: JoinedText) -> Finding:
            """Read a text, and what of its ranking counts."""
            reading, language = self._read(text.text), text.language
            if language and scope.allows(language) and not self._refutes(reading, language):
                return Finding(reading, language, [pair for pair in reading.ranking if is_kin(pair[0], language)])
            return Finding(reading, None, scope.limit(reading.ranking))

        findings = dict(zip(texts, await self._pool.run(context, read, list(texts.values())), strict=True))
        declared = {at: finding.declared for at, finding in findings.items() if finding.declared}
        others = [at for at in texts if at not in declared]
        some = [texts[at].text for at in others]
        verdicts = dict(
            zip(
                others,
                await self._judge(some, [findings[at].reading for at in others], scope, context, turn),
                strict=True,
            )
        )
        rankings = [finding.ranking for finding in findings.values()]
        mixtures = await self._find_mixtures(every, rankings, scope.candidates, context)
        found, pauses = {}, Pauses(FEW_TEXTS)
        for at, mixture in zip(texts, mixtures, strict=True):
            await pauses.pause()
            if at in declared:
                found[at] = choose_declared(at, declared[at], mixture, scope)
                continue
            verdict = verdicts[at]
            language = verdict.expected[0][0] if verdict.expected else "und"
            self._count(language, verdict.confidence(language))
            found[at] = choose(at, verdict, mixture, scope)
        done = [*findings.values(), *verdicts.values(), *rankings, *mixtures]
        for each in (findings, verdicts, rankings, mixtures):
            each.clear()
        let_go(done)
        return found

    async def _heed(
        self,
        texts: Mapping[int, JoinedText],
        found: Mapping[int, DetectedLanguage],
        given: str | None,
        scope: Scope,
        context: CallContext,
        *,
        characters: int | None,
    ) -> dict[int, DetectedLanguage]:
        """Return languages whose runs are those of the source, with the passages that say what they are in.

        Args:
            texts, found: by their places in the request.
            given, scope, context: see `resolve`.
            characters: see `TextPool.run`; none where each text is one passage.
        """
        places = list(found)

        def find_cases(at: int) -> list[tuple[int, int, str]]:
            declared = texts[at].find_declared(given or texts[at].language)
            return [(at, place, language) for place, language in declared.items() if scope.allows(language)]

        every = await self._pool.run(context, find_cases, places, characters=characters)
        cases = [case for each in every for case in each]

        def is_believed(case: tuple[int, int, str]) -> bool:
            at, place, language = case
            reading = self._read(texts[at].passages[place].text)
            return not self._refutes(reading, language, whole=found[at].language)

        declared: dict[int, dict[int, str]] = {at: {} for at in texts}
        for (at, place, language), believed in zip(
            cases, await self._pool.run(context, is_believed, cases), strict=True
        ):
            if believed:
                declared[at][place] = language

        def find_runs(at: int) -> DetectedLanguage:
            language = found[at]
            return replace(language, foreign=texts[at].find_runs(language.language, language.foreign, declared[at]))

        return dict(zip(places, await self._pool.run(context, find_runs, places, characters=characters), strict=True))

    def _read(self, text: str) -> Reading:
        """Return what a text says by itself."""
        return Reading.of(text, self._detector.rank(text))

    def _refutes(self, reading: Reading, language: str, *, whole: str = "") -> bool:
        """Whether a text is surely not in a language that is said of it; of one that cannot be told nobody knows."""
        return base_language(language) in self._told and reading.refutes(language, whole=whole)

    def _count(self, language: str, confidence: float) -> None:
        result = "sure" if confidence >= CONFIDENT else "guess"
        self._detected(language, "undetermined" if language == "und" else result)

    async def _judge(
        self, texts: Sequence[str], readings: Sequence[Reading], scope: Scope, context: CallContext, turn: Turn | None
    ) -> list[Verdict]:
        """Return which languages each text is in, with all that is known."""
        shares = await run_in_turns(lambda reading: read_shares(reading.alone), readings)
        own = dict(zip(texts, shares, strict=True))
        total = add_shares(own.values()) if len(own) > 1 else {}
        if turn:
            for text, reading in zip(texts, readings, strict=True):
                total = add_shares([total, await turn.tell(text, reading)])
        expected = Expectation(scope.likely, target=scope.target, candidates=scope.candidates)

        def judge_one(case: tuple[str, Reading]) -> Verdict:
            text, reading = case
            if reading.evidence.is_long and (not reading.alone or reading.alone[0][1] >= SURE):
                return Verdict(reading.alone, reading.alone)
            if reading.is_sure or not total:
                return Verdict(weigh(reading.evidence, expected), reading.alone, reading.is_unlikely)
            weigh_here = partial(weigh, reading.evidence, others=total, own=own[text] if len(own) > 1 else {})
            return Verdict(weigh_here(expected), weigh_here())

        cases = list(zip(texts, readings, strict=True))
        return await self._pool.run(context, judge_one, cases, characters=sum(map(len, texts)))

    async def _find_mixtures(
        self,
        texts: Sequence[str],
        rankings: Sequence[Ranking],
        candidates: Collection[str],
        context: CallContext,
    ) -> list[Mixture | None]:
        """Return the languages of each text that has several."""
        length = sum(map(len, texts))
        cuts = await self._pool.run(context, cut_blocks, texts, characters=length)
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
        return await self._pool.run(context, judge, cases, characters=length)


def judge(case: tuple[str, Sequence[Block], Sequence[Ranking], Ranking]) -> Mixture | None:
    """Return the languages of a text, given its blocks, their rankings and that of the whole, if it has several."""
    text, blocks, rankings, whole = case
    return find_mixture(text, blocks, rankings, whole[0][0]) if blocks and whole else None


def choose(at: int, verdict: Verdict, mixture: Mixture | None, scope: Scope) -> DetectedLanguage:
    """Return the likeliest language of the text at `at` that it can be served in, unless it is surely in another one.

    Raises:
        UndeterminedLanguage, UnsupportedLanguagePair: see `LanguageResolver.resolve`.
    """
    if mixture and (mixture.confidence >= CONFIDENT or scope.reads(mixture.language)):
        languages = [mixture.language, *(run.language for run in mixture.foreign)]
        if any(map(scope.reads, languages)):
            return DetectedLanguage(mixture.language, mixture.confidence, mixture.foreign)
    if not verdict.expected:
        raise UndeterminedLanguage(
            f"contents[{at}]: language not detected; give source_language_code", metadata={"field": f"contents[{at}]"}
        )
    languages = [code for code, _ in scope.limit(verdict.expected)]
    best, probability = verdict.expected[0]
    if best not in languages and (probability >= CONFIDENT or not languages):
        names = name_few(scope.candidates)
        raise UndeterminedLanguage(
            f"contents[{at}] {told_of(best, verdict)}, which is none of the candidates: {names}; leave them out, or "
            "give source_language_code",
            metadata={"field": f"contents[{at}]", "source": best},
        )
    if probability >= CONFIDENT and best in languages and not verdict.is_doubtful:
        found = best if scope.reads(best) else None
    else:
        found = next(filter(scope.serves, languages), None) or next(filter(scope.reads, languages), None)
    if found is None:
        readable = scope.readable or ()
        raise UnsupportedLanguagePair(
            f"contents[{at}] {told_of(languages[0], verdict)}; this server reads: {name_few(readable)}",
            metadata={"field": f"contents[{at}]", "source": languages[0], "readable": ",".join(sorted(readable))},
        )
    nearest = next((code for code, _ in verdict.expected if code != found), None)
    return DetectedLanguage(found, verdict.confidence(found), nearest=nearest)


def choose_declared(at: int, declared: str, mixture: Mixture | None, scope: Scope) -> DetectedLanguage:
    """Return the language of the text at `at` that it says it is in, or of most of it where it has several.

    Raises:
        UnsupportedLanguagePair: no model reads any of them.
    """
    found = DetectedLanguage(declared)
    if mixture and is_kin(mixture.language, declared):
        found = DetectedLanguage(declared, foreign=mixture.foreign)
    elif mixture:
        found = DetectedLanguage(mixture.language, mixture.confidence, mixture.foreign)
    if not any(map(scope.reads, [found.language, *(run.language for run in found.foreign)])):
        readable = scope.readable or ()
        raise UnsupportedLanguagePair(
            f"contents[{at}] is in {declared}, as it says; this server reads: {name_few(readable)}",
            metadata={"field": f"contents[{at}]", "source": declared, "readable": ",".join(sorted(readable))},
        )
    return found


def told_of(language: str, verdict: Verdict) -> str:
    """Return what is said in an error of the language of a text."""
    confidence = verdict.confidence(language)
    return f"{'is' if confidence >= CONFIDENT else 'seems to be'} in {language} (confidence {confidence:.2f})"
