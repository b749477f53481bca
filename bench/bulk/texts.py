"""Real texts of the data folder, each of them distinct: a server decodes equal segments of one request once."""

from collections.abc import Iterator
from itertools import islice

from bench.quality.sets import DataFolder

SENTENCES = ("distil/sentences.en.txt", "distil/manuals.en.txt")
# English news; the first set has the longest articles.
ARTICLES = (
    "articles/bbc_300.jsonl",
    "summarisation/newsroom_60.jsonl",
    "summarisation/cnndm_train_100.jsonl",
    "summarisation/summeval_cnndm_100.jsonl",
    "summarisation/xsum_1000.jsonl",
)
DOCUMENTS = "articles/ntrex_docs.public.jsonl"
FEWEST_WORDS, MOST_WORDS = 4, 30
MOST_WORDS_OF_AN_ITEM = 6


def read_sentences(data: DataFolder, count: int) -> list[str]:
    """So many English sentences; raises ValueError where there are not enough."""
    lines = (line for name in SENTENCES for line in data.lines(name))
    usual = (line for line in lines if FEWEST_WORDS <= len(line.split()) <= MOST_WORDS)
    return take(usual, count, "sentences")


def read_items(data: DataFolder, count: int) -> list[str]:
    """So many beginnings of English sentences; raises ValueError where there are not enough."""
    lines = (line.split() for name in SENTENCES for line in data.lines(name))
    cut = (" ".join(words[:MOST_WORDS_OF_AN_ITEM]) for words in lines if len(words) >= FEWEST_WORDS)
    return take(cut, count, "short items")


def read_articles(data: DataFolder, count: int) -> list[str]:
    """So many English articles, or parts of them where there are fewer; raises ValueError where they are not enough."""
    whole = [record["article"] for name in ARTICLES for record in data.records(name)]
    if len(whole) >= count:
        return take(iter(whole), count, "articles")
    return take((part for article in whole for part in halve(article)), count, "articles or halves of them")


def halve(article: str) -> Iterator[str]:
    """Yield an article in two parts, each of whole paragraphs; one part where it has only one."""
    paragraphs = [line for line in article.split("\n") if line.strip()]
    if len(paragraphs) < 2:
        # News without line breaks: at a stop near the middle.
        middle = article.find(". ", len(article) // 2)
        parts = [article] if middle < 0 else [article[: middle + 1], article[middle + 2 :]]
    else:
        parts = ["\n".join(paragraphs[: len(paragraphs) // 2]), "\n".join(paragraphs[len(paragraphs) // 2 :])]
    yield from (part for part in parts if part.strip())


def read_documents(data: DataFolder, language: str) -> list[str]:
    """News documents, a line for each sentence."""
    return ["\n".join(record[language]) for record in data.records(DOCUMENTS)]


def take(texts: Iterator[str], count: int, what: str) -> list[str]:
    """The first so many distinct ones of `texts`; raises ValueError where there are not enough."""
    chosen = list(islice(dict.fromkeys(texts), count))
    if len(chosen) < count:
        raise ValueError(f"the data has {len(chosen)} {what}, {count} are needed")
    return chosen
