"""Real texts of the data folder, each of them distinct: a server decodes equal segments of one request once."""

import heapq
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
    """So many English articles, the longest of them halved where they are fewer; raises ValueError without any."""
    whole = [record["article"] for name in ARTICLES for record in data.records(name)]
    articles = list(dict.fromkeys([*whole, *read_documents(data, "en")]))
    if not articles:
        raise ValueError(f"the data has no articles, {count} are needed")
    by_length = [(-len(article), article) for article in articles]
    heapq.heapify(by_length)
    while len(by_length) < count:
        _, longest = heapq.heappop(by_length)
        for half in halve(longest):
            heapq.heappush(by_length, (-len(half), half))
    return [article for _, article in by_length[:count]]


def halve(article: str) -> tuple[str, str]:
    """Cut an article in two at the line break that is nearest to its middle, or else at the space."""
    middle = len(article) // 2
    mark = "\n" if "\n" in article.strip() else " "
    at = article.find(mark, middle)
    at = at if at >= 0 else article.rindex(mark, 0, middle)
    return article[:at], article[at + 1 :]


def read_documents(data: DataFolder, language: str) -> list[str]:
    """News documents, a line for each sentence."""
    return ["\n".join(record[language]) for record in data.records(DOCUMENTS)]


def take(texts: Iterator[str], count: int, what: str) -> list[str]:
    """The first so many distinct ones of `texts`; raises ValueError where there are not enough."""
    chosen = list(islice(dict.fromkeys(texts), count))
    if len(chosen) < count:
        raise ValueError(f"the data has {len(chosen)} {what}, {count} are needed")
    return chosen
