"""Which attention of a model tells best which words became which: measured, since its files do not say.

Two sentences that differ in one word are translated. Where their translations differ in one word, too, that is what was
written for it, in any language and by any model; and an attention is right where it leads from the one to the other.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from polygist_service.engine.hardware import Placement, count_usable_cores
from polygist_service.engine.interface import Decoding, Hypothesis, Role
from polygist_service.engine.models.base import Model
from polygist_service.engine.residency.loader import open_model
from polygist_service.store.convert.attention import Attention, AttentionSetting, find_attention
from polygist_service.store.convert.inspect import CONVERTED
from polygist_service.store.description import Description, InstalledModel
from polygist_service.text.alignment import find_words, join_words
from polygist_service.text.languages import serving
from polygist_service.text.segmentation import Span

# The languages that there are sentences in, the likeliest to be read well first, and those that are rather written.
SOURCES = ("en", "pt", "es", "fr", "de", "it")
TARGETS = ("es", "fr", "de", "pt", "it", "en")
# A model of which so many groups of sentences give fewer known words is taken for one that does not translate.
FIRST_GROUPS, FIRST_WORDS = 4, 4
# Of fewer words nothing can be said.
LEAST_WORDS = 24
# All layers are tried on so many words, and so many of them are kept; then their heads.
LAYER_WORDS, LAYERS_KEPT, HEAD_WORDS, HEADS_KEPT = 24, 3, 40, 2
# Of deep models fewer, so that no step takes more sentences than this. The starter models take three seconds; one
# of 600 M parameters would take four minutes on two cores: random weights of that size do 10 sentences a second.
MOST_SENTENCES, FEWEST_WORDS = 600, 8
# Of 752 marked elements, the starter models' alignments place 95 % at their words. Where one word in four is tied to
# another, they place no more than are placed without any, 59 %.
LEAST_SHARE = 0.75
BATCH = 16


class Example(NamedTuple):
    """A sentence, where the word stands in which it differs from others, and whether that is a word of grammar."""

    text: str
    span: Span
    is_grammar: bool


class KnownWord(NamedTuple):
    """A sentence of which it is known where the word stands that was written for its own."""

    example: Example
    target: Span


class Score(NamedTuple):
    """How well an attention tells some words; those of grammar count as much as the others.

    Attributes:
        share: of how many the right ones are told.
        weight: how much of what is looked at is right.
    """

    share: float
    weight: float

    @property
    def mean(self) -> float:
        """What attentions are compared by: of the starter models' the best by their shares alone are not the best."""
        return (self.share + self.weight) / 2


def choose_attention(folder: Path, description: Description) -> Description:
    """Have a converted model tell the attention that shows best which words became which.

    Args:
        folder: of the model; its weights are told which attention that is.
        description: what it is.

    Returns:
        The description, with what was chosen; that of a model for something else than translation as it is.

    Raises:
        StoreError, RuntimeError: the model does not load.
    """
    if description.role != Role.TRANSLATION.value:
        return description
    setting = find_attention(folder / CONVERTED)
    unable = replace(description, aligns=False)
    if setting is None:
        return unable
    meter = Meter(folder, description)
    known = meter.find_words()
    if len(known) < LEAST_WORDS:
        return unable
    best, score = Search(setting, meter, known).run()
    setting.write(best)
    return replace(
        description,
        aligns=score.share >= LEAST_SHARE,
        alignment_layer=best.layer,
        alignment_heads=best.heads,
        alignment_share=round(score.share, 3),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """Looks for the best attention of a model: first of its layers, then of the heads of the best ones.

    Attributes:
        known: the words to go by.
    """

    setting: AttentionSetting
    meter: "Meter"
    known: Sequence[KnownWord]

    def run(self) -> tuple[Attention, Score]:
        """Return the best one, and how good it is."""
        heads = self.setting.heads
        chosen = [Attention(layer, count) for layer in range(self.setting.layers) for count in sorted({1, heads})]
        layers = list(dict.fromkeys(each.layer for each in self._rank(chosen, LAYER_WORDS)))[:LAYERS_KEPT]
        counts = sorted({count for count in (1, 2, 4, 8, 16, heads) if count <= heads})
        chosen = self._rank([Attention(layer, count) for layer in layers for count in counts], HEAD_WORDS)
        scores = {each: self._measure(each, self.known) for each in chosen[:HEADS_KEPT]}
        return max(scores.items(), key=lambda item: item[1].mean)

    def _rank(self, chosen: Sequence[Attention], count: int) -> list[Attention]:
        """Return some attentions, the best first, by `count` words."""
        words = pick_words(self.known, min(count, max(FEWEST_WORDS, MOST_SENTENCES // len(chosen))))
        scores = {each: self._measure(each, words) for each in chosen}
        return sorted(chosen, key=lambda each: scores[each].mean, reverse=True)

    def _measure(self, attention: Attention, words: Sequence[KnownWord]) -> Score:
        self.setting.write(attention)
        return self.meter.measure(words)


class Meter:
    """Translates the sentences of the measurement with a model that lies in a folder.

    Args:
        folder: of the model, which is opened anew for each measurement, as its weights may say something else by then.
        description: of it.
    """

    def __init__(self, folder: Path, description: Description) -> None:
        self._installed = InstalledModel(description.name, description, folder, "", 0)
        sources = [serving(code, description.source_languages) for code in SOURCES]
        language, source = next(
            ((code, own) for code, own in zip(SOURCES, sources, strict=True) if own),
            ("und", description.source_languages[0]),
        )
        targets = (*(serving(code, description.target_languages) for code in TARGETS), *description.target_languages)
        target = next((code for code in targets if code and code != source), source)
        self._groups = read_examples(language)
        self._options = Decoding(source=source, target=target, alignment=True)
        self._slots = count_usable_cores()

    def find_words(self) -> list[KnownWord]:
        """Return the sentences of which it shows what was written for their word."""
        model, known = self._open(), list[KnownWord]()
        for groups in (self._groups[:FIRST_GROUPS], self._groups[FIRST_GROUPS:]):
            written = iter(self._translate(model, [example.text for group in groups for example in group]))
            for group in groups:
                known += find_known(group, [next(written).text for _ in group])
            if len(known) < FIRST_WORDS:
                break
        return known

    def measure(self, words: Sequence[KnownWord]) -> Score:
        """Return how well the attention that the weights name now tells some words."""
        hypotheses = self._translate(self._open(), [each.example.text for each in words])
        found = [find_weight(each, hypothesis) for each, hypothesis in zip(words, hypotheses, strict=True)]
        kinds = [
            [weight for each, weight in zip(words, found, strict=True) if each.example.is_grammar is is_grammar]
            for is_grammar in (False, True)
        ]
        shares = [sum(map(bool, kind)) / len(kind) for kind in kinds if kind]
        weights = [sum(kind) / len(kind) for kind in kinds if kind]
        return Score(sum(shares) / len(shares), sum(weights) / len(weights))

    def _open(self) -> Model:
        return open_model(self._installed, slots=self._slots, placement=Placement(compute_type="default"))

    def _translate(self, model: Model, texts: Sequence[str]) -> list[Hypothesis]:
        tokens = [model.tokenise(text, self._options) for text in texts]
        read = [each for each in tokens if each is not None]
        assert len(read) == len(texts), "a sentence of the measurement does not fit the window"
        batches = [read[at : at + BATCH] for at in range(0, len(read), BATCH)]
        with ThreadPoolExecutor(self._slots) as pool:
            results = pool.map(partial(model.run, options=self._options), batches)
            return [result.hypotheses[0] for batch in results for result in batch]


def find_weight(word: KnownWord, hypothesis: Hypothesis) -> float:
    """Return how much a known word is tied to its own; 0 where it is tied to another one more."""
    pairs = join_words(hypothesis.alignment, word.example.text, hypothesis.text)
    right = (pair.probability for pair in pairs if (pair.source, pair.target) == (word.example.span, word.target))
    return next(right, 0.0)


def pick_words(known: Sequence[KnownWord], count: int) -> list[KnownWord]:
    """Return about `count` words that stand far from each other, half of them words of grammar if there are as many."""
    kinds = [[each for each in known if each.example.is_grammar is is_grammar] for is_grammar in (False, True)]
    return [each for kind in kinds for each in kind[:: max(1, 2 * len(kind) // count)]]


@cache
def read_table() -> Mapping[str, Any]:
    """Return what ``word_alignment.toml`` beside this file says."""
    return tomllib.loads(files(__package__).joinpath("word_alignment.toml").read_text("utf-8"))


def read_examples(language: str) -> list[list[Example]]:
    """Return the sentences in a language; those of a group differ in one word."""
    table = read_table()
    own, groups = table["languages"][language], []
    for sentence in own["sentences"]:
        start, kind, end = sentence.replace("{", "}").split("}")
        is_grammar = "|" in kind
        words = kind.split("|") if is_grammar else own.get(kind) or table[kind]
        spans = [(len(start), len(start) + len(word)) for word in words]
        groups.append(
            [Example(f"{start}{word}{end}", span, is_grammar) for word, span in zip(words, spans, strict=True)]
        )
    return groups


def find_known(group: Sequence[Example], written: Sequence[str]) -> Iterator[KnownWord]:
    """Yield the sentences of a group of which the translation differs from others' in one word, and that word."""
    places = [find_words(text) for text in written]
    words = [[text[slice(*span)] for span in spans] for text, spans in zip(written, places, strict=True)]
    for example, own, spans in zip(group, words, places, strict=True):
        found = {at for other in words if len(other) == len(own) for at in find_difference(own, other)}
        if len(found) == 1:
            yield KnownWord(example, spans[found.pop()])


def find_difference(words: Sequence[str], others: Sequence[str]) -> list[int]:
    """Return the place at which two lists of as many words differ; nothing where there are more of them."""
    places = [at for at, (word, other) in enumerate(zip(words, others, strict=True)) if word != other]
    return places if len(places) == 1 else []
