"""ROUGE of extractive summaries beside the leads of the articles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polygist_client import Client
from polygist_service.summarisation.article import Article
from polygist_service.summarisation.selection import find_eligible, keep_proper
from rouge_score.rouge_scorer import RougeScorer  # type: ignore[import-untyped]

from bench.quality.intervals import bootstrap_mean
from bench.quality.report import Cell, Say, Table
from bench.quality.sets import DataFolder, Record

METRICS = ("rouge1", "rouge2", "rougeL")
ARTICLES_IN_A_REQUEST = 16
COLUMNS = ("set", "language", "articles", "sentences", "system", "R-1", "R-2", "R-L", "R-1, 95 %")


@dataclass(frozen=True, slots=True)
class SummarySet:
    """Articles with human summaries, and how many sentences to compare with them."""

    name: str
    sentences: tuple[int, ...]
    note: str = ""


SETS = (
    SummarySet("cnndm_train_100", (3,)),
    SummarySet("summeval_cnndm_100", (3,), "against the one of 11 references that is nearest by ROUGE-1"),
    SummarySet("newsroom_60", (2,)),
    SummarySet("xsum_1000", (1, 2)),
    SummarySet("ptnews_chatgpt", (3,), "references written by a machine"),
)


def measure_summarisation(client: Client, data: DataFolder, say: Say) -> Table:
    """The table of scores of our summaries, the filtered lead and the plain lead."""
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    for each in SETS:
        records = data.records(f"summarisation/{each.name}.jsonl")
        if records and each.note:
            notes.append(f"{each.name}: {each.note}.")
        for count in each.sentences if records else ():
            say(f"summarisation: {each.name}, {count} sentences")
            rows += _rows(client, each.name, records, count)
    notes.append(
        "ROUGE F, stemmed, times 100. lead: the first sentences; filtered lead: the first that are long enough and no "
        "boilerplate. 95 %: the interval of the mean over articles (percentile bootstrap); two systems on the same "
        "articles differ less by chance than their intervals suggest."
    )
    return Table("Extractive summaries", COLUMNS, tuple(rows), tuple(notes))


def _rows(client: Client, name: str, records: Sequence[Record], count: int) -> Iterator[tuple[Cell, ...]]:
    systems = {
        "polygist": _summarise(client, records, count),
        "filtered lead": [" ".join(filtered_lead(record["article"], record["language"], count)) for record in records],
        "lead": [lead(record["article"], record["language"], count) for record in records],
    }
    # The stemmer is English and the tokens are a-z: what the published figures of Portuguese sets use too.
    scorer = RougeScorer(list(METRICS), use_stemmer=True)
    for system, summaries in systems.items():
        scores = [
            score(scorer, record.get("summaries") or [record["summary"]], summary)
            for record, summary in zip(records, summaries, strict=True)
        ]
        columns = {metric: [score[metric] for score in scores] for metric in METRICS}
        means = [sum(values) / len(values) for values in columns.values()]
        low, high = bootstrap_mean(columns["rouge1"])
        yield name, records[0]["language"], len(records), count, system, *means, f"{low:.1f} to {high:.1f}"


def score(scorer: RougeScorer, references: Sequence[str], summary: str) -> dict[str, float]:
    """F by metric, times 100, against the one reference that is nearest by ROUGE-1."""
    scores = (scorer.score(reference, summary) for reference in references)
    best = max(scores, key=lambda score: score[METRICS[0]].fmeasure)
    return {metric: 100 * best[metric].fmeasure for metric in METRICS}


def _summarise(client: Client, records: Sequence[Record], count: int) -> list[str]:
    summaries: list[str] = []
    for start in range(0, len(records), ARTICLES_IN_A_REQUEST):
        some = records[start : start + ARTICLES_IN_A_REQUEST]
        articles = [record["article"] for record in some]
        answers = client.summarise(articles, source=some[0]["language"], max_sentences=count)
        summaries += [answer.text for answer in answers]
    return summaries


def lead(article: str, language: str, count: int) -> str:
    """The first `count` sentences of an article."""
    return " ".join(segment.text for segment in Article.parse(article, language).sentences[:count])


def filtered_lead(article: str, language: str, count: int) -> list[str]:
    """The first `count` sentences that may stand in a summary."""
    parsed = Article.parse(article, language)
    sentences = [segment.text for segment in keep_proper(parsed.sentences, parsed.text)]
    return [sentences[at] for at in find_eligible(sentences, language=language, count=count)[:count]]
