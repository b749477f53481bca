"""What a trained decoder translates: BLEU and chrF of the int8 model that the converter makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
from polygist_service.store.convert.bergamot import POSITIONS, convert_bergamot
from polygist_service.store.saturation import find_int8_limit
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sentencepiece import SentencePieceProcessor

from training.originals import Original
from training.text import read_lines

BATCH_TOKENS = 1024
# Printed quotes and dashes are read as typed ones, as they are where the models are served.
TYPED = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-"})


@dataclass(frozen=True)
class ParallelSet:
    """Sentences and one or more lists of their reference translations."""

    name: str
    sources: Sequence[str]
    references: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Score:
    """Of a set, as sacreBLEU computes them."""

    name: str
    bleu: float
    chrf: float


def read_set(paths: Sequence[Path]) -> ParallelSet:
    """Read a file of sources, a sentence a line, and one or more files of references."""
    sources, *references = [read_lines(path) for path in paths]
    return ParallelSet(paths[0].name, sources, references)


def convert(original: Original, adapter: Path, folder: Path, *, compute_type: str = "int8") -> None:
    """Make the model that is served, in `folder`, which is made."""
    folder.mkdir(parents=True)
    files = {"model": original.model, "vocabulary": original.vocabulary, "shortlist": original.shortlist}
    convert_bergamot(files | {"adapter": adapter}, folder, compute_type=compute_type, int8_limit=find_int8_limit())


def translate(model: Path, texts: Sequence[str], *, compute_type: str = "int8") -> list[str]:
    """Translate greedily, over the full vocabulary; of a text of over 511 tokens, the first."""
    translator = ctranslate2.Translator(str(model), compute_type=compute_type)
    vocabulary = SentencePieceProcessor(model_file=str(model / "tokenizer.spm"))
    pieces = vocabulary.encode([text.translate(TYPED) for text in texts], out_type=str)
    results = translator.translate_batch(
        pieces, beam_size=1, max_batch_size=BATCH_TOKENS, batch_type="tokens", max_input_length=POSITIONS - 1
    )
    return [vocabulary.decode(result.hypotheses[0]) for result in results]


def score(model: Path, sets: Sequence[ParallelSet]) -> list[Score]:
    """BLEU and chrF of every set."""
    scores = []
    for each in sets:
        outputs = translate(model, each.sources)
        bleu, chrf = (metric.corpus_score(outputs, each.references).score for metric in (BLEU(), CHRF()))
        scores.append(Score(each.name, bleu, chrf))
    return scores
