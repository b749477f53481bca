"""Streams beside unary calls: the same text, and how soon the first of it comes."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from polygist_client import Client, Delta, Finished
from polygist_service.context import CallContext
from polygist_service.engine.interface import Decoding
from polygist_service.engine.models.decoding import SHORTLIST
from polygist_service.engine.scheduler import BatchKey, Scheduler

from bench.bulk.findings import SOURCE, TARGET, Extent, Finding
from bench.bulk.texts import ARTICLES, read_documents
from bench.fidelity.kinds import Requirement
from bench.quality.process import join_articles, start_server
from bench.quality.report import say
from bench.quality.sets import DataFolder
from bench.speed.rounds import Spread

DOCUMENTS = 61
WORDS = 2000
# Time to the first segment is at most so many times that of its first batch alone, and so many seconds.
MOST_RATIO, MOST_MORE = 1.5, 0.005
WARM_UPS = 2
SLOTS = 2


@dataclass(frozen=True, slots=True)
class Starts:
    """Seconds in one round: to the first text of a stream, and of calls that hold just its first batch.

    Attributes:
        first: to the first text of the stream.
        batch: of a call with the segments of the first batch.
        segment: of a call with the first segment.
        whole: of the whole stream.
    """

    first: float
    batch: float
    segment: float
    whole: float


def measure(extent: Extent) -> Iterator[Finding]:
    """Both, on one server."""
    with start_server(extent.home) as server, Client(server.address) as client:
        yield compare(client, extent.data)
        yield measure_starts(client, extent)


def compare(client: Client, data: DataFolder) -> Finding:
    """Translate each document in both ways, in both directions."""
    rows, requirements = [], []
    for source, target in (("en", "pt"), ("pt", "en")):
        documents = read_documents(data, source)[:DOCUMENTS]
        equal = sum(is_equal(client, each, source, target) for each in documents)
        together = "".join(
            event.text for event in client.stream_translate(documents, to=target) if isinstance(event, Delta)
        )
        at_once = "".join(each.text for each in client.translate(documents, to=target))
        rows.append((f"{source}-{target}", len(documents), equal, "yes" if together == at_once else "NO"))
        is_met = equal == len(documents) == DOCUMENTS and together == at_once
        requirements.append(Requirement(f"{source}-{target}: the deltas of {DOCUMENTS} documents are the text", is_met))
    columns = ("direction", "documents", "equal byte for byte", "all in one request, language detected: equal")
    return Finding("Streams and unary calls", columns, rows, requirements)


def is_equal(client: Client, text: str, source: str, target: str) -> bool:
    """Whether the deltas of a stream joined are the text of a unary call, and its result is that call's."""
    events = list(client.stream_translate(text, to=target, source=source))
    joined = "".join(event.text for event in events if isinstance(event, Delta))
    results = [event.result for event in events if isinstance(event, Finished)]
    whole = client.translate(text, to=target, source=source)
    return joined == whole.text and results == [whole]


def measure_starts(client: Client, extent: Extent) -> Finding:
    """Time the first text of long articles, and in turn the calls with what the first batch holds."""
    articles = [record["article"] for name in ARTICLES[:1] for record in extent.data.records(name)]
    rounds = []
    for number in range(-WARM_UPS, extent.rounds):
        start = (number + WARM_UPS) * 6 % len(articles)
        rounds.append(measure_start(client, join_articles(articles[start:] + articles[:start], WORDS)))
    rounds = rounds[WARM_UPS:]
    say(f"streams: {rounds}")
    first, batch, segment, whole = (
        Spread.of(getattr(each, name) for each in rounds) for name in ("first", "batch", "segment", "whole")
    )
    most = MOST_RATIO * batch.median + MOST_MORE
    named = (
        ("to the first text of the stream", first),
        ("a call with its first batch", batch),
        ("a call with its first segment", segment),
        ("the whole stream", whole),
    )
    rows = [(name, *(round(1000 * value, 1) for value in (each.median, each.least, each.greatest)))
            for name, each in named]  # fmt: skip
    statement = f"first text within {MOST_RATIO:g} times its first batch + {1000 * MOST_MORE:g} ms (medians)"
    notes = (
        f"{len(rounds)} articles of {WORDS} words, in turn. The first batch is what the scheduler takes for one of"
        f" {SLOTS} slots; as a call of its own its segments are shared between the slots.",
    )
    columns = ("what", "median, ms", "least", "greatest")
    return Finding("Time to the first text", columns, rows, [Requirement(statement, first.median <= most)], notes)


def measure_start(client: Client, article: str) -> Starts:
    """Time one article."""
    segments = client.translate(article, to=TARGET, source=SOURCE, segments=True).segments
    texts = [each.source_span.of(article) for each in segments]
    batch = first_batch(texts, client)
    began = time.perf_counter()
    events = client.stream_translate(article, to=TARGET, source=SOURCE)
    next(event for event in events if isinstance(event, Delta) and event.text)
    first = time.perf_counter() - began
    list(events)
    whole = time.perf_counter() - began
    return Starts(first, time_call(client, batch), time_call(client, texts[:1]), whole)


def first_batch(texts: Sequence[str], client: Client) -> list[str]:
    """Those of the segments that the scheduler takes first when nothing else waits."""
    counts = client.count_tokens(texts, model=client.translate(texts[0], to=TARGET, source=SOURCE).model)
    scheduler = Scheduler(lambda key: SHORTLIST)
    key = BatchKey(None, Decoding())  # type: ignore[arg-type]  # no batch is run
    scheduler.add(key, Submitted(), ((index, ["a"] * each.count) for index, each in enumerate(counts)))
    return [texts[job.index] for job in sorted(scheduler.next_batch(SLOTS), key=lambda job: job.index)]


class Submitted:
    """A submission that is not cancelled."""

    context = CallContext(caller="bench")
    cancelled = False


def time_call(client: Client, texts: Sequence[str]) -> float:
    """Seconds of a `Translate` call."""
    began = time.perf_counter()
    client.translate(texts, to=TARGET, source=SOURCE)
    return time.perf_counter() - began
