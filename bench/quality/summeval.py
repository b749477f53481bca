"""What experts say of summaries, beside what the measures of support say of their sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from polygist_service.context import CallContext
from polygist_service.engine.interface import Engine, Role
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.embedding import embed
from polygist_service.summarisation.grounding.support import Wording

from bench.quality.report import Say
from bench.quality.sets import DataFolder

SET = "summarisation/summeval_cnndm_100"
# What all three experts give a summary that says nothing but what the article says.
CONSISTENT = 5.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A summary of one article.

    Attributes:
        article: its place among the articles.
        consistency: the experts' mean, 1 to 5.
        similarities: of each sentence, the highest cosine to one of the article's.
        wordings: of each sentence, the share of word pairs found in the article.
    """

    article: int
    consistency: float
    similarities: NDArray[np.float64]
    wordings: NDArray[np.float64]

    @property
    def is_consistent(self) -> bool:
        """Whether no expert found anything that the article does not say."""
        return self.consistency == CONSISTENT

    def scores(self, weight: float) -> NDArray[np.float64]:
        """The support of each sentence with so much weight on similarity."""
        return weight * np.clip(self.similarities, 0, 1) + (1 - weight) * self.wordings


async def read_judged(engine: Engine, data: DataFolder, say: Say) -> list[Judged]:
    """Every summary that the experts judged; raises ValueError where no sentence encoder is installed."""
    encoders = [model.name for model in engine.models() if model.role is Role.ENCODER]
    if not encoders:
        raise ValueError("no sentence encoder is installed; run: polygist-server models pull starter")
    articles = {record["id"]: record["article"] for record in data.records(f"{SET}.jsonl")}
    judged: list[Judged] = []
    for at, record in enumerate(data.records(f"{SET}.judgements.jsonl")):
        say(f"article {at + 1}")
        systems = list(record["systems"].values())
        consistencies = [system["scores"]["consistency"] for system in systems]
        summaries = [system["summary"] for system in systems]
        measured = await _measure(engine, encoders[0], articles[record["id"]], summaries)
        judged += [Judged(at, value, *found) for value, found in zip(consistencies, measured, strict=True)]
    return judged


async def _measure(
    engine: Engine, encoder: str, text: str, summaries: Sequence[str]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Similarities and wordings of the sentences of each summary."""
    own = [segment.text for segment in Article.parse(text, "en").sentences]
    split = [[segment.text for segment in Article.parse(summary, "en").sentences] for summary in summaries]
    texts = [*own, *(sentence for sentences in split for sentence in sentences)]
    embeddings = await embed(engine, encoder, texts, CallContext("bench"))
    vectors = np.stack(embeddings)
    nearest = (vectors[len(own) :] @ vectors[: len(own)].T).max(axis=1).astype(float)
    wording = Wording(text)
    ends = np.cumsum([len(texts) for texts in split])[:-1]
    shares = (np.array([wording.found_share(text) for text in texts]) for texts in split)
    return list(zip(np.split(nearest, ends), shares, strict=True))
