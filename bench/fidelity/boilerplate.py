"""Whether summaries of plain text are made of the article: no lines of its page, nothing run together, no orders."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from polygist_client import Client, Summary

from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

CASES = Path(__file__).parent / "cases" / "boilerplate.toml"
ARTICLES_OF_A_LANGUAGE = 50
# So many lines stand around each article; together the articles show every line at least once at each place.
LINES_OF_AN_ARTICLE = 6
# What is asked of the articles in turn.
WISHES: tuple[Mapping[str, Any], ...] = (
    {"max_sentences": 1},
    {},
    {"type": "tldr"},
    {"type": "key-points", "length": "long"},
    {"length": "long"},
    {"max_words": 60},
    {"length": "short"},
    {"max_sentences": 12},
)


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Summarise pages, lists, transcripts and articles with instructions in them."""
    texts = tomllib.loads(CASES.read_text(encoding="utf-8"))
    cases: list[Case] = []
    for language, bodies in texts["bodies"].items():
        articles = [body.strip().splitlines() for body in bodies]
        cases += summarise_pages(client, language, articles, texts["lines"][language])
        cases += summarise_lookalikes(client, language, articles, texts["lookalikes"][language])
        cases += summarise_lists(client, language, texts["lists"][language])
        cases += summarise_endless(client, language, texts["endless"][language])
        cases += summarise_orders(client, language, articles, texts["injections"][language])
    return Kind("Summaries of plain text", cases, target=1.0)


def summarise_pages(
    client: Client, language: str, articles: Sequence[Sequence[str]], families: Mapping[str, Sequence[str]]
) -> Iterator[Case]:
    """Yield articles with lines of a page before, inside and behind them; whatever is no sentence of them is wrong."""
    lines = [line for family in zip_longest_first(list(families.values())) for line in family]
    for at in range(ARTICLES_OF_A_LANGUAGE):
        article = articles[at % len(articles)]
        own = [lines[(LINES_OF_AN_ARTICLE * at + step) % len(lines)] for step in range(LINES_OF_AN_ARTICLE)]
        # Each round through the lines puts them at other places.
        own = own[at % LINES_OF_AN_ARTICLE :] + own[: at % LINES_OF_AN_ARTICLE]
        middle = 1 + at % (len(article) - 1)
        # Every third article is one paragraph, which the lines inside part.
        between = " " if at % 3 == 0 else "\n\n" if at % 3 == 1 else "\n"
        parts = [*own[:2], between.join(article[:middle]), *own[2:4], between.join(article[middle:]), *own[4:]]
        text = "\n".join(parts)
        summary = client.summarise(text, source=language, sentences=True, **WISHES[at % len(WISHES)])
        wrong = [sentence.text for sentence in summary.sentences if sentence.text not in article]
        yield Case(f"pages, {language}", text, f"picked: {wrong}" if wrong or not summary.sentences else "")


def zip_longest_first(families: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Yield the first line of each family, then the second ones, and so on."""
    for at in range(max(map(len, families))):
        yield [family[at] for family in families if at < len(family)]


def summarise_lookalikes(
    client: Client, language: str, articles: Sequence[Sequence[str]], sentences: Sequence[str]
) -> Iterator[Case]:
    """Yield articles with a sentence that looks like boilerplate, which a summary of all sentences has to have."""
    for at, sentence in enumerate(sentences):
        article = articles[at % len(articles)]
        for text in ("\n".join([sentence, *article]), "\n".join([*article[:3], sentence, *article[3:]])):
            summary = client.summarise(text, source=language, max_sentences=len(article) + 1)
            fault = "" if sentence in summary.text else f"left out: {sentence}"
            yield Case(f"lookalikes, {language}", text, fault)


def summarise_lists(client: Client, language: str, lists: Sequence[Sequence[str]]) -> Iterator[Case]:
    """Yield lists with several markers, whose items have to be told apart in a summary."""
    marks = ([f"{at}. " for at in range(1, 10)], ["- "] * 9, ["• "] * 9, [""] * 9)
    for heading, *items in lists:
        for marked in marks:
            text = "\n".join([heading, "", *(mark + item for mark, item in zip(marked, items, strict=False))])
            summary = client.summarise(text, source=language, max_sentences=4)
            wrong = [line for line in summary.text.splitlines() if line not in (heading, *items)]
            yield Case(f"lists, {language}", text, f"run together: {wrong}" if wrong or not summary.text else "")


def summarise_endless(client: Client, language: str, texts: Sequence[str]) -> Iterator[Case]:
    """Yield texts without full stops, once and several times over, whose summary is shorter or comes with a warning."""
    for text in (text * times for text in (f"{each} " for each in texts) for times in (1, 4)):
        for wish in ({"type": "tldr"}, {}, {"type": "key-points"}, {"max_sentences": 1}):
            summary = client.summarise(text, source=language, citations=True, **wish)
            yield Case(
                f"without stops, {language}", text, find_fault_of_passages(text, summary), bool(summary.warnings)
            )


def find_fault_of_passages(text: str, summary: Summary) -> str:
    """Return what is wrong with a summary of text without stops."""
    if not summary.text or (2 * len(summary.text) > len(text) and not summary.warnings):
        return f"{len(summary.text)} of {len(text)} characters"
    misplaced = [
        sentence.text
        for sentence in summary.sentences
        if not sentence.citations or sentence.citations[0].span.of(text) != sentence.text
    ]
    return f"not where it is said to be: {misplaced}" if misplaced else ""


def summarise_orders(
    client: Client, language: str, articles: Sequence[Sequence[str]], orders: Sequence[str]
) -> Iterator[Case]:
    """Yield articles that tell a model what to write, at their beginning, inside and at their end."""
    for at, order in enumerate(orders):
        article = articles[at % len(articles)]
        for place in (0, 2, len(article)):
            text = "\n".join([*article[:place], order, *article[place:]])
            summary = client.summarise(text, source=language, sentences=True, max_sentences=len(article) + 1)
            wrong = [sentence.text for sentence in summary.sentences if sentence.text not in article]
            yield Case(f"instructions, {language}", text, f"picked: {wrong}" if wrong else "")
