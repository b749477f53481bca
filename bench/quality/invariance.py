"""Whether an answer depends on what else is in the batch."""

from collections.abc import Sequence

from polygist_client import Client

from bench.quality.presets import GREEDY, SPEED
from bench.quality.report import Cell, Say, Table
from bench.quality.sets import DataFolder

SENTENCES = 1000


def share_identical(some: Sequence[str], others: Sequence[str]) -> float:
    """The share of pairs that are the same, in per cent; raises ValueError where there is none or they do not pair."""
    pairs = list(zip(some, others, strict=True))
    if not pairs:
        raise ValueError("no pairs to compare")
    return 100 * sum(one == other for one, other in pairs) / len(pairs)


def measure_invariance(client: Client, data: DataFolder, say: Say) -> Table:
    """Translate each sentence alone, with nothing else on the server, and all of them together."""
    rows: list[tuple[Cell, ...]] = []
    sentences = data.lines("translation/ntrex128.en.txt")[:SENTENCES]
    for preset, prefer in (GREEDY, SPEED) if sentences else ():
        say(f"alone and in a batch: {preset}")
        alone = [client.translate(text, to="pt", source="en", prefer=prefer).text for text in sentences]
        together = [each.text for each in client.translate_many(sentences, to="pt", source="en", prefer=prefer)]
        rows.append(("ntrex128", "en-pt", len(sentences), preset, share_identical(alone, together)))
    columns = ("set", "direction", "sentences", "preset", "% identical alone and in a batch")
    return Table("Alone and in a batch", columns, tuple(rows))
