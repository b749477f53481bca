"""BLEU and chrF of every set, direction and preset, with what others reach beside."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from polygist_client import Client, Translation
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bench.quality.presets import GREEDY, QUALITY, SPEED
from bench.quality.report import Cell, Say, Table
from bench.quality.sets import DataFolder, ParallelSet, Record, read_translation_sets

COLUMNS = ("set", "direction", "lines", "system", "BLEU", "chrF", "published BLEU", "published COMET, %")


def measure_translation(client: Client, data: DataFolder, say: Say) -> tuple[Table, Table]:
    """The table of scores, and the table of characters that the models do not have."""
    published = data.document("translation/reference_outputs/scores.json")
    scores: list[tuple[Cell, ...]] = []
    unknown: list[tuple[Cell, ...]] = []
    sets = read_translation_sets(data)
    for each in sets:
        for preset, prefer in (GREEDY, SPEED, QUALITY):
            say(f"translation: {each.name} {each.direction} {preset}")
            answers = client.translate_many(each.sources, to=each.target, source=each.source, prefer=prefer)
            translations = list(answers)
            scores.append(_score(each, f"polygist {preset}", [translation.text for translation in translations]))
            if prefer is None:
                unknown.append((each.name, each.direction, *count_unknown(each.sources, translations)))
        scores += _neighbours(each, data, published)
    return _scores_table(scores, sets), _unknown_table(unknown)


def signatures() -> dict[str, str]:
    """The metrics' own descriptions of how they count, with one reference."""
    found = {}
    for name, metric in (("BLEU", BLEU()), ("chrF", CHRF())):
        # A signature is complete once something has been scored.
        metric.corpus_score(["One sentence."], [["One sentence."]])
        found[name] = str(metric.get_signature())
    return found


def count_unknown(sources: Sequence[str], translations: Sequence[Translation]) -> tuple[int, int, float]:
    """Sentences with unknown characters, such characters, and their number in a million characters."""
    spans = [
        [notice.span for notice in translation.warnings if notice.code == "unknown-characters" and notice.span]
        for translation in translations
    ]
    characters = sum(span.end - span.start for span in chain.from_iterable(spans))
    return sum(map(bool, spans)), characters, 1e6 * characters / max(1, sum(map(len, sources)))


def _score(each: ParallelSet, system: str, outputs: Sequence[str], *published: Cell) -> tuple[Cell, ...]:
    bleu = BLEU().corpus_score(outputs, each.references).score
    chrf = CHRF().corpus_score(outputs, each.references).score
    return each.name, each.direction, len(outputs), system, bleu, chrf, *(published or (None, None))


def _neighbours(each: ParallelSet, data: DataFolder, published: Record) -> Iterator[tuple[Cell, ...]]:
    """Other systems: our scores of their outputs where those are published, and the scores that they publish.

    Raises:
        ValueError: an output file does not pair with the set.
    """
    for system, figures in published.get(each.direction, {}).get(each.name, {}).items():
        claimed = figures.get("bleu"), 100 * figures["comet"] if "comet" in figures else None
        name = f"translation/reference_outputs/{each.name}.{each.direction}.{system}.txt"
        if figures.get("output") and data.has(name):
            outputs = data.lines(name)
            if len(outputs) != len(each.sources):
                raise ValueError(f"{name} has {len(outputs)} lines for {len(each.sources)} of {each.name}")
            yield _score(each, system, outputs, *claimed)
        else:
            yield each.name, each.direction, None, system, None, None, *claimed


def _scores_table(rows: Iterable[tuple[Cell, ...]], sets: Iterable[ParallelSet]) -> Table:
    notes = dict.fromkeys(f"{each.name}: {each.note}." for each in sets if each.note)
    explained = (
        "Rows of other systems: BLEU and chrF are ours, of their published outputs for the same lines; the published "
        "figures are of the whole set, which may have more lines.",
    )
    return Table("Translation", COLUMNS, tuple(rows), (*notes, *explained))


def _unknown_table(rows: Iterable[tuple[Cell, ...]]) -> Table:
    columns = ("set", "direction", "sentences with any", "characters", "per million characters")
    return Table("Unknown characters", columns, tuple(rows), ("As the warnings of the default preset name them.",))
