"""What became of segments, put together: parts that went on through a second model, and whole contents."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.concurrency import let_go
from polygist_service.engine.interface import Hypothesis
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.alignment import AlignedPair, Alignment, compose, join_words
from polygist_service.text.documents.base import Document, Output, Segment
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.drafts import change_text, mean_score
from polygist_service.translation.routing import Route
from polygist_service.translation.types import Alternative, TranslatedSegment, Translation, TranslationRequest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one segment.

    Attributes:
        segment: of the source.
        hypotheses: the best first.
        notices: what there is to know about it, with spans in the source.
    """

    segment: Segment
    hypotheses: tuple[Hypothesis, ...]
    notices: tuple[Notice, ...]

    def ranked(self, rank: int) -> Hypothesis:
        """Return one hypothesis; the last one where there are fewer."""
        return self.hypotheses[min(rank, len(self.hypotheses) - 1)]


async def join_parts(
    halfway: Iterable[Outcome],
    parts: Iterable[Document],
    outcomes: AsyncIterator[Outcome],
    *,
    language: str,
    fill: Callable[[str], str],
) -> AsyncGenerator[Outcome, None]:
    """Yield what became of segments whose outputs went on through a second model, each as a document of its own.

    Args:
        halfway: what the first model made of each segment.
        parts: its outputs, parsed.
        outcomes: what the second model made of the segments of all parts, in order.
        language: the one in between.
        fill: puts terms in place of what stands for them in that.
    """
    for before, part in zip(halfway, parts, strict=True):
        after = [await anext(outcomes) for _ in part.segments]
        # What was noticed further on is told of the segment that it comes from.
        moved = (
            replace(notice, message=f"in its {language} text: {notice.message}", span=before.segment.span)
            for outcome in after
            for notice in outcome.notices
        )
        rank_count = max((len(outcome.hypotheses) for outcome in after), default=1)
        joined = (
            join_hypotheses(part, [outcome.ranked(rank) for outcome in after], before.ranked(0).alignment)
            for rank in range(rank_count)
        )
        yield Outcome(
            before.segment,
            tuple(change_text(each, fill(each.text)) for each in joined),
            (*before.notices, *moved),
        )


def join_hypotheses(document: Document, chosen: Sequence[Hypothesis], before: Alignment) -> Hypothesis:
    """Join one hypothesis for each segment of a document; the text is whole, or empty where one of them is.

    Args:
        document: what the model before wrote.
        chosen: the hypotheses.
        before: the alignment of what that model read and wrote.
    """
    text = ""
    alignment: list[AlignedPair] = []
    if all(hypothesis.text for hypothesis in chosen):
        rebuilder = document.rebuild()
        text = "".join([rebuilder.add(Output(hypothesis.text)) for hypothesis in chosen]) + rebuilder.finish()
        for at, (segment, hypothesis) in enumerate(zip(document.segments, chosen, strict=True)):
            alignment += (
                AlignedPair(
                    document.source_span(segment, pair.source), rebuilder.target_span(at, pair.target), pair.probability
                )
                for pair in hypothesis.alignment
            )
    return Hypothesis(
        text,
        sum(hypothesis.token_count for hypothesis in chosen),
        mean_score(chosen),
        limited=any(hypothesis.limited for hypothesis in chosen),
        alignment=compose(before, tuple(alignment)),
    )


class Assembly:
    """One content that is put together from what becomes of its segments, in their order.

    Args:
        document: the content.
        route: the way that it goes.
        language: the one that it is in.
        request: how many further translations are asked for, and whether words are to be aligned.
    """

    def __init__(
        self, document: Document, route: Route, language: DetectedLanguage, request: TranslationRequest
    ) -> None:
        self._document = document
        self._route = route
        self._language = language
        self._is_aligned = request.decoding.alignment
        count = request.decoding.alternative_count + 1
        self._rebuilders = [document.rebuild(request.target) for _ in range(count)]
        self._texts: list[list[str]] = [[] for _ in self._rebuilders]
        self._outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> str:
        """Take what became of the next segment; return the text that is settled by it.

        A segment for which nothing was written keeps its source.
        """
        self._outcomes.append(outcome)
        for rank, (rebuilder, text) in enumerate(zip(self._rebuilders, self._texts, strict=True)):
            hypothesis = outcome.ranked(rank)
            shown = hypothesis.text or outcome.segment.text
            text.append(rebuilder.add(Output(shown, hypothesis.alignment if hypothesis.text else ())))
        return self._texts[0][-1]

    def finish(self) -> str:
        """Return the rest of the text."""
        for rebuilder, text in zip(self._rebuilders, self._texts, strict=True):
            text.append(rebuilder.finish())
        return self._texts[0][-1]

    def close(self) -> None:
        """Forget what has become of the segments, in turns with others."""
        let_go(self._outcomes, *self._texts)

    def translation(self) -> Translation:
        """Return the whole: its text is all that `add` and `finish` returned, joined."""
        outcomes, route = self._outcomes, self._route
        best = [outcome.ranked(0) for outcome in outcomes]
        rank_count = max((len(outcome.hypotheses) for outcome in outcomes), default=1)
        return Translation(
            text="".join(self._texts[0]),
            source=self._language.language,
            target=route.target,
            confidence=self._language.confidence,
            model=route.model.name,
            pivots=route.pivots,
            score=mean_score(best),
            segments=tuple(
                TranslatedSegment(outcome.segment.span, span, hypothesis.score, tuple(self._align(at, outcome.segment)))
                for at, (outcome, hypothesis, span) in enumerate(
                    zip(outcomes, best, self._rebuilders[0].spans, strict=True)
                )
            ),
            alternatives=tuple(
                Alternative("".join(self._texts[rank]), mean_score([outcome.ranked(rank) for outcome in outcomes]))
                for rank in range(1, rank_count)
            ),
            notices=tuple(self._notices()),
            token_count=sum(each.token_count for each in best),
        )

    def _align(self, at: int, segment: Segment) -> Iterator[AlignedPair]:
        """Yield the words that belong together of the segment at `at`, in the source and in the translation."""
        hypothesis = self._outcomes[at].ranked(0)
        if self._is_aligned and hypothesis.text:
            for pair in join_words(hypothesis.alignment, segment.text, hypothesis.text):
                source = self._document.source_span(segment, pair.source)
                target = self._rebuilders[0].target_span(at, pair.target)
                yield AlignedPair(source, target, pair.probability)

    def _notices(self) -> Iterator[Notice]:
        """Yield what there is to know: first about the whole, then about segments, in their order."""
        yield from self._language.notices()
        if self._route.pivots:
            models = " and ".join(hop.model.name for hop in self._route.hops)
            yield Notice(NoticeKind.PIVOTED, f"translated through {', '.join(self._route.pivots)}, by {models}")
        for outcome in self._outcomes:
            yield from outcome.notices
            if not outcome.ranked(0).text:
                message = "the model wrote nothing here, the source was kept"
                yield Notice(NoticeKind.UNTRANSLATED, message, outcome.segment.span)
        for span in self._rebuilders[0].refused:
            message = "what was written here would be read as other marks, the source was kept"
            yield Notice(NoticeKind.UNTRANSLATED, message, span)
        for span in self._rebuilders[0].doubts:
            message = "marks inside this sentence may have come back at other words than theirs"
            yield Notice(NoticeKind.MARKUP_DEGRADED, message, span)
