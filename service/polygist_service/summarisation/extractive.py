"""Summaries of the article's own sentences."""

from collections.abc import AsyncGenerator, Sequence

import numpy as np

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, Role, Vector
from polygist_service.notices import Notice, NoticeKind
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.boilerplate import ends_sentence, trim_stamp
from polygist_service.summarisation.embedding import embed
from polygist_service.summarisation.lengths import SENTENCES, is_by_length, sentence_limit, word_limit
from polygist_service.summarisation.passages import cut_endless, drop_headings, drop_repeats
from polygist_service.summarisation.planning import Plan
from polygist_service.summarisation.selection import (
    Likeness,
    Preset,
    find_eligible,
    find_shares,
    keep_proper,
    keep_telling,
    select,
)
from polygist_service.summarisation.types import (
    Citation,
    Draft,
    DraftEvent,
    Form,
    Length,
    Method,
    Order,
    Passage,
)
from polygist_service.text.documents.base import Segment
from polygist_service.text.words import count_words, split_pieces, split_terms
from polygist_service.translation.types import Progress

# A summary of more words that has so much of its article is no summary of it.
WORDS_OF_A_SENTENCE = 40
WHOLE = 0.9


class Extractive:
    """Picks sentences, with a sentence encoder where one covers the article's language.

    Args:
        engine: runs the encoder.
        pool: where splitting and selection happen.
    """

    def __init__(self, engine: Engine, pool: TextPool) -> None:
        self._engine = engine
        self._pool = pool

    async def draft(self, plan: Plan, context: CallContext) -> AsyncGenerator[DraftEvent, None]:
        """Yield progress, the sentences of a summary of a text with letters in the order asked for, and the draft.

        Which sentence is picked depends on all others, so they come together.
        """
        sentences, word_count = await self._pool.call(context, lambda: read_eligible(plan))
        texts = [sentence.text for sentence in sentences]
        if plan.request.query:
            texts.append(plan.request.query)
        embeddings: list[Vector] = []
        if plan.model:
            embeddings = await embed(self._engine, plan.model, texts, context)

        def choose() -> tuple[Likeness, tuple[Passage, ...], tuple[Notice, ...]]:
            likeness = compare(plan, texts, embeddings)
            passages = pick(plan, sentences, likeness, word_count=word_count)
            return likeness, passages, make_notices(plan, sentences, passages, word_count=word_count)

        likeness, passages, notices = await self._pool.call(context, choose)
        yield Progress(1, 1)
        if not plan.model:
            offer = self._engine.offers.reader(Role.ENCODER.value, plan.language)
            notices = (notice_ranking(plan, likeness, offer=offer), *notices)
        for passage in passages:
            yield passage
        yield Draft(passages, plan.language, notices)


def read_eligible(plan: Plan) -> tuple[list[Segment], int]:
    """Return the sentences of the article that may stand in a summary, and the number of words of the whole."""
    request = plan.request
    article = Article.parse(
        plan.article.text,
        plan.language,
        splitting=request.splitting,
        foreign=plan.article.foreign,
    )
    enough = SENTENCES[Form.PARAGRAPH][Length.MEDIUM]
    wanted = min(sentence_limit(request, Method.EXTRACTIVE) or enough, enough)
    proper = keep_proper(article.sentences, article.text)
    sentences = drop_headings(
        cut_endless([trim_stamp(sentence) for sentence in proper], article.text, language=article.language)
    )
    split = split_terms if plan.model else split_pieces
    texts = [sentence.text for sentence in sentences]
    # A query that has no word of the article asks for nothing that could be found by words.
    query = keep_telling(request.query, plan.language)
    query = query if plan.model or find_shares(texts, query).any() else ""
    kept = find_eligible(texts, language=plan.language, count=wanted, query=query, split=split)
    return drop_repeats([sentences[at] for at in kept]), count_words(article.text)


def compare(plan: Plan, texts: Sequence[str], embeddings: Sequence[Vector]) -> Likeness:
    """Compare sentences with each other and with the query.

    Args:
        plan: says what the reader wants to know.
        texts: the sentences, and behind them the query where there is one.
        embeddings: theirs; none where no encoder covers them.
    """
    query = keep_telling(plan.request.query, plan.language)
    sentences = texts[:-1] if query else texts
    if not embeddings:
        return Likeness.by_words(sentences, query)
    stacked = np.stack(embeddings[: len(sentences)])
    return Likeness.by_meaning(sentences, stacked, query=query, query_embedding=embeddings[-1] if query else None)


def pick(plan: Plan, sentences: Sequence[Segment], likeness: Likeness, *, word_count: int) -> tuple[Passage, ...]:
    """Pick the sentences of the summary.

    Args:
        plan: says how many, by which query, and in which order they are wanted.
        sentences: those to pick from.
        likeness: theirs.
        word_count: of the article.
    """
    request = plan.request
    count = sentence_limit(request, Method.EXTRACTIVE)
    if is_by_length(request):
        # A summary that repeats most of an article is none; whoever gives a number knows what they want.
        count = min(count, max(1, len(sentences) // 2))
    selection = select(
        [sentence.text for sentence in sentences],
        likeness,
        # Who asks a question does not want the lead.
        preset=Preset.COVERAGE if likeness.is_asked else Preset.for_words(word_count),
        count=count,
        max_words=word_limit(request),
    )
    ranked = list(zip(selection.indices, selection.gains, strict=True))
    if request.order is Order.OFFSET:
        ranked.sort()
    return tuple(
        Passage(
            sentences[at].text,
            (Citation(sentences[at].span, 1.0),),
            rank_score=min(1.0, gain / selection.gains[0]),
            is_quoted=True,
            is_line=not ends_sentence(sentences[at].text),
        )
        for at, gain in ranked
    )


def notice_ranking(plan: Plan, likeness: Likeness, *, offer: str | None) -> Notice:
    """Return what to say of sentences that were ranked without an encoder; `offer` is one that could be installed."""
    query = ""
    if likeness.relevance is not None:
        query = ", and by the words of the query" if likeness.is_asked else "; the query has none of their words"
    return Notice(
        NoticeKind.METHOD_FALLBACK,
        f"no installed sentence encoder covers {plan.language}: sentences were ranked by their words and places alone"
        f"{query}{f'; to rank by meaning: polygist-server models pull {offer}' if offer else ''}",
    )


def make_notices(
    plan: Plan, sentences: Sequence[Segment], passages: Sequence[Passage], *, word_count: int
) -> tuple[Notice, ...]:
    """Return what to say of a summary that is not made of sentences, or not shorter than its article.

    Args:
        plan: says how long it should be; whoever gives a limit in figures gets what is within it, which may be all.
        sentences: those that it was picked from.
        passages: the summary.
        word_count: of the article.
    """
    notices = []
    cut = {sentence.span for sentence in sentences if sentence.hard_split}
    if any(citation.source_span in cut for passage in passages for citation in passage.citations):
        message = "the article has text without sentence ends: passages of it stand in for sentences"
        notices.append(Notice(NoticeKind.METHOD_FALLBACK, message))
    words = sum(count_words(passage.text) for passage in passages)
    is_whole = words >= WHOLE * word_count and len(passages) == len(sentences)
    if is_by_length(plan.request) and words > WORDS_OF_A_SENTENCE and is_whole:
        message = f"the summary has {words} of the {word_count} words of the article, which has no shorter part"
        notices.append(Notice(NoticeKind.LENGTH_TARGET_MISSED, message))
    return tuple(notices)
