"""Whether an article's summary has the same sentences in other languages, and whether a query finds what it asks for.

``python -m bench.quality.picks --data FOLDER`` measures this alone.
"""

import argparse
import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path

from polygist_service.concurrency import TextPool
from polygist_service.engine.interface import Engine, Span
from polygist_service.summarisation.extractive import Extractive, read_eligible
from polygist_service.summarisation.main_content import ArticleText
from polygist_service.summarisation.planning import Plan, choose_model
from polygist_service.summarisation.types import Draft, Method, SummaryRequest
from polygist_service.text.languages import parse_tag
from polygist_service.translation.detection import DetectedLanguage

from bench.quality.engine import open_engine
from bench.quality.report import Cell, Say, Table, say
from bench.quality.sets import DataFolder
from bench.quality.summaries import CONTEXT

ORIGINAL = "en"
# Files of one table row together, and the languages that they have.
SETS = {
    "ntrex128": (("ntrex128",), ("de", "es", "fr", "ru", "pt", "pt-BR")),
    "flores": (("flores_dev", "flores_devtest"), ("de", "es", "fr", "ru", "pt", "my")),
    "tico19": (("tico19",), ("es-LA", "fr", "ru", "pt-BR", "my")),
}
# Of how many documents the text is made that queries are put to, about how many of them, and how many sentences are
# picked.
QUERIED, QUERIES, ANSWERS = {"ntrex128": 8, "flores": 20}, 4, 2
# The code of a language in the files, where it is none of BCP-47.
CODES = {"es-LA": "es-419"}
# Shorter documents leave nothing to choose; longer ones are cut.
FEWEST_LINES, MOST_LINES = 4, 40
# Of so many lines one is picked.
LINES_OF_A_PICK = 4
SYSTEM = ("set", "language", "ranked by")
COLUMNS = (*SYSTEM, "articles", "picks", "same", "filtered lead", "lead", "random", "beyond lead")
QUERY_COLUMNS = (*SYSTEM, "queries", "found", "random")

Rows = list[tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class TranslatedArticle:
    """The lines of an article in several languages; those of one number say the same."""

    lines: dict[str, tuple[str, ...]]

    @property
    def line_count(self) -> int:
        """How many lines it has in each language."""
        return len(self.lines[ORIGINAL])

    @property
    def count(self) -> int:
        """How many sentences its summary has."""
        return max(1, self.line_count // LINES_OF_A_PICK)


@dataclass(frozen=True, slots=True)
class Picked:
    """The numbers of the lines whose sentences are picked, and of the first ones that might be."""

    lines: frozenset[int]
    filtered_lead: frozenset[int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the picks of the original are among those in another language, the lead, or as many at random."""

    picks: int
    same: int
    filtered_lead: int
    lead: int
    random: float
    same_beyond_lead: int

    @classmethod
    def of(cls, article: TranslatedArticle, original: "Picked", other: "Picked") -> "Agreement":
        """Compare what was picked of one article in two languages."""
        lead = frozenset(range(article.count))
        return cls(
            picks=len(original.lines),
            same=len(original.lines & other.lines),
            filtered_lead=len(original.lines & other.filtered_lead),
            lead=len(original.lines & lead),
            random=len(original.lines) * article.count / article.line_count,
            same_beyond_lead=len((original.lines - lead) & other.lines),
        )


def read_articles(data: DataFolder, name: str) -> list[TranslatedArticle]:
    """All articles of a set; empty where a file is not there."""
    files, languages = SETS[name]
    return [
        TranslatedArticle({language: side[start:end] for language, side in sides.items()})
        for file in files
        if (sides := read_sides(data, file, languages))
        for start, end in find_documents(data.lines(f"translation/{file}.docids.txt"))
    ]


def read_sides(data: DataFolder, file: str, languages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The lines of a file by language; empty where one is not there."""
    names = {language: f"translation/{file}.{language}.txt" for language in (ORIGINAL, *languages)}
    if not all([data.has(name) for name in (*names.values(), f"translation/{file}.docids.txt")]):
        return {}
    return {language: tuple(data.lines(name)) for language, name in names.items()}


def find_documents(identifiers: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where documents begin and end, by the identifier of each line; long ones are cut."""
    for _, group in groupby(range(len(identifiers)), key=lambda at: identifiers[at]):
        numbers = list(group)
        for start in range(numbers[0], numbers[-1] + 1, MOST_LINES):
            end = min(start + MOST_LINES, numbers[-1] + 1)
            if end - start >= FEWEST_LINES:
                yield start, end


def measure_picks(data: DataFolder, *, home: Path | None, say: Say) -> tuple[Table, Table]:
    """The tables of summaries and of queries; empty where no sentence encoder reads the original."""
    rows, queries = asyncio.run(_measure(data, home, say))
    systems = "encoder: what the server does where one reads the language; words: what it does elsewhere. "
    notes = (
        f"{systems}Of the sentences that are picked in the original, English with the encoder, the share in % that is "
        f"picked in a translation too. One of {LINES_OF_A_PICK} lines is picked; a sentence counts as the line that it "
        "stands in. filtered lead: the first sentences in that language that are long enough and no boilerplate; lead: "
        "the first lines; random: as many of any. beyond lead: the same share of those picks alone that are not among "
        "the first lines."
    )
    query_notes = (
        f"{systems}The first line of a document is put as a query to the rest of it and other documents; found: the "
        f"share in % of the {ANSWERS} sentences picked that are of its document."
    )
    return (
        Table("Sentences picked in other languages", COLUMNS, tuple(rows), (notes,)),
        Table("Sentences picked by a query", QUERY_COLUMNS, tuple(queries), (query_notes,)),
    )


async def _measure(data: DataFolder, home: Path | None, say: Say) -> tuple[Rows, Rows]:
    rows: Rows = []
    queries: Rows = []
    with closing(TextPool(1)) as pool:
        async with open_engine(home) as engine:
            extractive = Extractive(engine, pool)
            encoder = find_encoder(engine, ORIGINAL)
            for name, (_, languages) in SETS.items() if encoder else ():
                articles = read_articles(data, name)
                if articles:
                    say(f"picks: {name}, {len(articles)} articles")
                    original = [await pick(extractive, article, ORIGINAL, encoder) for article in articles]
                for language in (ORIGINAL, *languages) if articles else ():
                    for model in dict.fromkeys((find_encoder(engine, language), "")):
                        system = (name, language, "encoder" if model else "words")
                        if language != ORIGINAL or not model:
                            rows.append((*system, *await compare(extractive, articles, original, language, model)))
                        if count := QUERIED.get(name):
                            queries.append((*system, *await ask(extractive, articles, language, model, count=count)))
    return rows, queries


async def compare(
    extractive: Extractive,
    articles: Sequence[TranslatedArticle],
    original: Sequence[Picked],
    language: str,
    model: str,
) -> tuple[Cell, ...]:
    """The figures of summaries in one language, as they stand in `COLUMNS` behind the system."""
    picked = [await pick(extractive, article, language, model) for article in articles]
    agreements = [Agreement.of(*each) for each in zip(articles, original, picked, strict=True)]
    return len(articles), *sum_up(agreements)


async def ask(
    extractive: Extractive, articles: Sequence[TranslatedArticle], language: str, model: str, *, count: int
) -> tuple[Cell, ...]:
    """The figures of queries in one language, each put to `count` articles, as they stand in `QUERY_COLUMNS`."""
    starts = range(0, len(articles) - count + 1, count)
    found = [await share_found(extractive, articles[at : at + count], language, model) for at in starts]
    return QUERIES * len(found), sum(found) / len(found) if found else None, 100 / count


def find_encoder(engine: Engine, language: str) -> str:
    """The sentence encoder that the server takes for a language; empty where none is installed."""
    request = SummaryRequest(contents=[], method=Method.EXTRACTIVE)
    _, model = choose_model(engine, request, read_code(language))
    return model.name if model else ""


def read_code(language: str) -> str:
    """The canonical tag of a language of the files."""
    return parse_tag(CODES.get(language, language))


async def pick(extractive: Extractive, article: TranslatedArticle, language: str, model: str) -> Picked:
    """What is picked of an article in one of its languages."""
    lines = article.lines[language]
    plan = make_plan(lines, language, model, count=article.count)
    eligible, _ = read_eligible(plan)
    lead = find_lines(lines, (sentence.span for sentence in eligible[: article.count]))
    return Picked(find_lines(lines, await draft(extractive, plan)), lead)


async def share_found(
    extractive: Extractive, articles: Sequence[TranslatedArticle], language: str, model: str
) -> float:
    """The share in % of right answers where the first of some articles are asked for, each by its first line."""
    right = asked = 0
    for at, article in enumerate(articles[:QUERIES]):
        parts = [each.lines[language][each is article :] for each in articles]
        lines = [line for part in parts for line in part]
        start = sum(map(len, parts[:at]))
        plan = make_plan(lines, language, model, count=ANSWERS, query=article.lines[language][0])
        found = find_lines(lines, await draft(extractive, plan))
        right += sum(start <= line < start + len(parts[at]) for line in found)
        asked += len(found)
    return 100 * right / asked


def make_plan(lines: Sequence[str], language: str, model: str, *, count: int, query: str = "") -> Plan:
    """A summary of lines that stand one behind the other, by a model or without one."""
    text, code = " ".join(lines), read_code(language)
    request = SummaryRequest(contents=[text], max_sentences=count, query=query)
    return Plan(request, ArticleText.plain(text), DetectedLanguage(code), Method.EXTRACTIVE, model, code)


async def draft(extractive: Extractive, plan: Plan) -> list[Span]:
    """Where the sentences stand that are picked."""
    async for event in extractive.draft(plan, CONTEXT):
        if isinstance(event, Draft):
            return [passage.citations[0].source_span for passage in event.passages]
    raise AssertionError("a draft ends what happens while it is made")


def find_lines(lines: Sequence[str], spans: Iterable[Span]) -> frozenset[int]:
    """The numbers of the lines in which the middles of `spans` stand, where a space parts the lines."""
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    return frozenset(bisect_right(starts, (start + end) // 2) - 1 for start, end in spans)


def sum_up(agreements: Sequence[Agreement]) -> tuple[Cell, ...]:
    """The picks of all articles, and the shares of them, as they stand in `COLUMNS`."""
    picks = sum(each.picks for each in agreements)
    lead = sum(each.lead for each in agreements)
    filtered, random = sum(each.filtered_lead for each in agreements), sum(each.random for each in agreements)
    shares = (sum(each.same for each in agreements), filtered, lead, random)
    beyond = sum(each.same_beyond_lead for each in agreements)
    return picks, *(100 * share / picks for share in shares), 100 * beyond / (picks - lead) if picks > lead else None


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality.picks", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--home", type=Path, help="folder of the installed models (default: the server's own)")
    arguments = parser.parse_args()
    data = DataFolder(arguments.data)
    for table in measure_picks(data, home=arguments.home, say=say):
        print(f"{table.to_markdown()}\n")
    if data.missing:
        say(f"data not found in {arguments.data}: {', '.join(data.missing)}")


if __name__ == "__main__":
    main()
