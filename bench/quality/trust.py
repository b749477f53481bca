"""Whether summaries can be trusted: those that models write, before and after they are checked, beside picked ones."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean

import numpy as np
from polygist_service.concurrency import TextPool
from polygist_service.engine.interface import Engine, ModelInfo, Role
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.embedding import embed
from polygist_service.summarisation.grounding.facts import Facts
from polygist_service.summarisation.grounding.support import Support, Wording
from polygist_service.summarisation.tfidf import split_terms
from polygist_service.summarisation.types import Method, SummaryRequest
from polygist_service.text.languages import matches
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

from bench.quality.engine import open_engine
from bench.quality.report import Cell, Say, Table
from bench.quality.sets import DataFolder, Record
from bench.quality.summaries import CONTEXT, Summary, pick, write
from bench.quality.summarisation import METRICS, filtered_lead, score

SETS = ("cnndm_train_100", "ptnews_chatgpt")
# A model that writes may take ten seconds an article here; each has so long, and all systems have the same articles.
ARTICLES = 30
WRITING_SECONDS = 150.0
SENTENCES = 3
TOLERANCE = 0.1
COLUMNS = (
    *("set", "articles", "system", "R-1", "R-2", "R-L", "similarity", "wording", "supported, %", "facts found, %"),
    *("replaced, %", "length met, %", "met or told, %", "repeated, %", "s an article"),
)


def measure_trust(data: DataFolder, *, home: Path | None, say: Say) -> Table:
    """The table of all systems; empty where no sentence encoder is installed."""
    rows = asyncio.run(_measure(data, home, say))
    notes = (
        f"The first {ARTICLES} articles of each set, or as many as the slowest model writes about in "
        f"{WRITING_SECONDS:.0f} s; {SENTENCES} sentences asked for. Models that an API call has to name (experimental "
        "ones) are here too. as written: what the model wrote, which the API never shows; as shown: what it answers.",
        "similarity: the mean over sentences of the highest cosine to a sentence of the article. wording: of the share "
        "of word pairs that the article has. supported: sentences that both together bear out. facts found: sentences "
        "all of whose numbers and names the article has. replaced: of the model's sentences, by the article's own. "
        f"length met: within {TOLERANCE:.0%}; told: with a warning. repeated: word triples of a summary that it has "
        "already.",
    )
    return Table("Trust in summaries", COLUMNS, tuple(rows), notes)


async def _measure(data: DataFolder, home: Path | None, say: Say) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    sets = {name: data.records(f"summarisation/{name}.jsonl")[:ARTICLES] for name in SETS}
    if not any(sets.values()):
        return rows
    with closing(TextPool(1)) as pool:
        async with open_engine(home) as engine:
            encoder = next((model for model in engine.models() if model.role is Role.ENCODER), None)
            if not encoder:
                return rows
            for name, records in sets.items():
                say(f"trust: {name}")
                systems = await _summarise(engine, pool, encoder, records) if records else {}
                fewest = min(map(len, systems.values()), default=0)
                for system, summaries in systems.items():
                    row = await measure_system(engine, encoder, records[:fewest], summaries[:fewest])
                    rows.append((name, fewest, system, *row))
    return rows


async def _summarise(
    engine: Engine, pool: TextPool, encoder: ModelInfo, records: Sequence[Record]
) -> dict[str, list[Summary]]:
    """The summaries of each system by its name, in the order of `records`; models may have fewer."""
    language = records[0]["language"]
    articles = [record["article"] for record in records]
    request = SummaryRequest(contents=articles, source=language, method=Method.ABSTRACTIVE, max_sentences=SENTENCES)
    leads = (filtered_lead(article, language, SENTENCES) for article in articles)
    systems = {
        "extractive": await pick(engine, pool, encoder, request),
        "filtered lead": [Summary(tuple(lead)) for lead in leads],
    }
    for model in engine.models():
        if model.role is Role.SUMMARISATION and any(matches(language, served) for served in model.source_languages):
            pairs = await write(engine, pool, model, request, seconds=WRITING_SECONDS)
            systems[f"{model.name}, as written"] = [written for written, _ in pairs]
            systems[f"{model.name}, as shown"] = [shown for _, shown in pairs]
    return systems


async def measure_system(
    engine: Engine, encoder: ModelInfo, records: Sequence[Record], summaries: Sequence[Summary]
) -> tuple[Cell, ...]:
    """All figures of one system, as they stand in `COLUMNS` after its name.

    Args:
        engine: runs the encoder.
        encoder: what supports are measured with.
        records: the articles and their references.
        summaries: one for each.
    """
    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    rouge, supports, found = [], [], []
    for record, summary in zip(records, summaries, strict=True):
        rouge.append(score(scorer, record.get("summaries") or [record["summary"]], " ".join(summary.sentences)))
        article = Article.parse(record["article"], record["language"])
        missing = Facts(article).find_missing(summary.sentences, language=article.language)
        found += [not each for each in missing]
        supports += await find_support(engine, encoder, article, summary.sentences)
    checked = sum(summary.checked_count for summary in summaries)
    seconds = [summary.seconds for summary in summaries if summary.seconds is not None]
    return (
        *(fmean(each[metric] for each in rouge) for metric in METRICS),
        fmean(support.similarity or 0.0 for support in supports),
        fmean(support.wording or 0.0 for support in supports),
        100 * fmean(support.is_enough for support in supports),
        100 * fmean(found),
        100 * sum(summary.replaced_count for summary in summaries) / checked if checked else None,
        100 * fmean(is_met(summary) for summary in summaries),
        100 * fmean(is_met(summary) or summary.is_warned for summary in summaries),
        100 * fmean(map(repeated_share, summaries)),
        fmean(seconds) if seconds else None,
    )


async def find_support(engine: Engine, encoder: ModelInfo, article: Article, sentences: Sequence[str]) -> list[Support]:
    """The support of each of `sentences` in the article."""
    own = [segment.text for segment in article.sentences]
    embeddings = await embed(engine, encoder.name, [*own, *sentences], CONTEXT)
    vectors = np.stack(embeddings)
    similarities = (vectors[len(own) :] @ vectors[: len(own)].T).max(axis=1)
    wording = Wording(article.text)
    return [
        Support(float(similarity), wording.found_share(sentence))
        for similarity, sentence in zip(similarities, sentences, strict=True)
    ]


def is_met(summary: Summary) -> bool:
    """Whether a summary has as many sentences as were asked for, give or take a tenth."""
    return abs(len(summary.sentences) - SENTENCES) <= TOLERANCE * SENTENCES


def repeated_share(summary: Summary) -> float:
    """The share of the word triples of a summary that stood in it before."""
    terms = split_terms(" ".join(summary.sentences))
    triples = list(zip(terms, terms[1:], terms[2:], strict=False))
    return 1 - len(set(triples)) / len(triples) if triples else 0.0
