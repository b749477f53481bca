"""Terms of a glossary in sentences of the public sets, and that terms which do not occur change nothing.

The terms are drawn from the sets: words of a sentence with the words that its translation by people has for them, where
most sentences of the sets with the one have the other. Half of them are such that the model writes another word if it
is not told, so that a glossary is of use.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from polygist_client import Client
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from bench.fidelity.documents.marked_sentences import MIME_TYPES, mark, read_pairs, unmark
from bench.fidelity.expectations import OTHER_LANGUAGE
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.quality.sets import DataFolder, read_translation_sets

SEED = 20261127
SENTENCES = 200
# Terms beside each sentence that are in none.
ABSENT = 500
APPLIED, TOLD = 0.95, 0.99
WORD = re.compile(r"[^\W\d_]{4,}")
# A word of one language goes with one of the other where so many sentences have both, and of those with either so many.
FEWEST, LEAST_DICE = 3, 0.3


@dataclass(frozen=True, slots=True)
class Sample:
    """A sentence, a term in it and what that is to be; `is_needed`: the model writes something else."""

    language: str
    text: str
    term: str
    target: str
    reference: str
    is_needed: bool = False


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate sentences with a term each, in both directions and three formats, and one set with terms it lacks."""
    samples = draw_samples(client, list(read_pairs(data))) if data else []
    draw = random.Random(SEED)
    cases = [try_sample(client, sample, mime_type, draw) for mime_type in MIME_TYPES for sample in samples]
    told = sum(case.is_warned for case in cases if case.fault) + sum(not case.fault for case in cases)
    share = told / len(cases) if cases else 1.0
    further = [Requirement(f"{100 * share:.2f} % applied or told, of 99 %", share >= TOLD)]
    if data:
        further += compare_absent(client, data)
    return Kind(
        "Terms of a glossary", cases, target=APPLIED, notes=tuple(score(client, samples)), further=tuple(further)
    )


def draw_samples(client: Client, pairs: Sequence[tuple[str, str, str]]) -> list[Sample]:
    """Return sentences with a term each: of each language as many that need it as others."""
    draw = random.Random(SEED)
    samples: list[Sample] = []
    for language, target in OTHER_LANGUAGE.items():
        own = [(text, reference) for code, text, reference in pairs if code == language]
        draw.shuffle(own)
        found = list(find_terms(language, own))
        texts = list(dict.fromkeys(sample.text for sample in found))
        answers = client.translate_many(texts, to=target, source=language)
        written = {text: answer.text for text, answer in zip(texts, answers, strict=True)}
        told = [replace(each, is_needed=not has_word(each.target, written[each.text])) for each in found]
        for is_needed in (True, False):
            by_text = {each.text: each for each in told if each.is_needed is is_needed}
            samples += list(by_text.values())[: SENTENCES // 4]
    return samples


def find_terms(language: str, pairs: Sequence[tuple[str, str]]) -> Iterator[Sample]:
    """Yield the terms of sentences and their translations."""
    dice = relate([(words_of(text), words_of(reference)) for text, reference in pairs])
    for text, reference in pairs:
        sources, targets = words_of(text), words_of(reference)
        for term in sorted(sources):
            best = max(sorted(targets), key=lambda target: dice.get((term, target), 0.0), default="")
            is_once = len(re.findall(rf"(?<![\w-]){term}(?![\w-])", text)) == 1
            if dice.get((term, best), 0.0) >= LEAST_DICE and is_once and best != term:
                yield Sample(language, text, term, best, reference)


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text that have no capitals."""
    return frozenset(word for word in WORD.findall(text) if word.islower())


def relate(pairs: Sequence[tuple[frozenset[str], frozenset[str]]]) -> Mapping[tuple[str, str], float]:
    """Return Dice's coefficient of words of two languages that stand in the same pairs of sentences."""
    left, right, both = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
    for sources, targets in pairs:
        left.update(sources)
        right.update(targets)
        both.update((source, target) for source in sources for target in targets)
    return {pair: 2 * n / (left[pair[0]] + right[pair[1]]) for pair, n in both.items() if n >= FEWEST}


def has_word(word: str, text: str) -> bool:
    """Whether a text has a word, in any case."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def try_sample(client: Client, sample: Sample, mime_type: str, draw: random.Random) -> Case:
    """Translate a sentence in a format with its term."""
    source = mark(sample.text, mime_type, draw, sample.term)
    translation = client.translate(
        source,
        to=OTHER_LANGUAGE[sample.language],
        source=sample.language,
        mime_type=mime_type,
        terms=[(sample.term, sample.target)],
    )
    told = [
        unmark(source[warning.span.start : warning.span.end], mime_type)
        for warning in translation.warnings
        if warning.code == "glossary-term-not-applied" and warning.span
    ]
    # A plural counts, as a glossary lists singulars, and so does an adjective that agrees.
    other = re.sub(r"[oa](?=s?$)", lambda found: "a" if found[0] == "o" else "o", sample.target)
    forms = (f"{form}{ending}" for form in (sample.target, other) for ending in ("", "s", "es"))
    is_there = any(has_word(form, unmark(translation.text, mime_type)) for form in forms)
    fault = "" if is_there else f"{translation.text!r}: {sample.term} is to be {sample.target}"
    group = "the model writes another word" if sample.is_needed else "the model writes it anyway"
    return Case(f"{group}, {mime_type}", source, fault, any(sample.term in span for span in told))


def score(client: Client, samples: Sequence[Sample]) -> Iterator[str]:
    """Yield what terms do to BLEU and chrF against the translations by people, which have them."""
    for is_needed in (True, False):
        due = [sample for sample in samples if sample.is_needed is is_needed]
        outputs: dict[str, list[str]] = {"without": [], "with": []}
        for sample in due:
            for name, terms in (("without", []), ("with", [(sample.term, sample.target)])):
                to = OTHER_LANGUAGE[sample.language]
                outputs[name].append(client.translate(sample.text, to=to, source=sample.language, terms=terms).text)
        references = [[sample.reference for sample in due]]
        figures = (
            f"{name} terms BLEU {BLEU().corpus_score(texts, references).score:.2f}, "
            f"chrF {CHRF().corpus_score(texts, references).score:.2f}"
            for name, texts in outputs.items()
        )
        if due:
            yield f"Where the model writes {'another word' if is_needed else 'it anyway'}: {'; '.join(figures)}."


def compare_absent(client: Client, data: DataFolder) -> Iterator[Requirement]:
    """Yield whether terms of which a set has none leave each of its translations as it is."""
    for each in read_translation_sets(data):
        if each.name == "ntrex128":
            terms = [(f"zq{at}vx compound", f"composto {at}") for at in range(ABSENT)]
            keep = [f"Zq{at} Keep" for at in range(ABSENT)]
            # One by one: what is decoded beside others may differ by a word from one time to the other.
            translate = partial(client.translate, to=each.target, source=each.source)
            plain = [translate(text).text for text in each.sources]
            termed = [translate(text, terms=terms, keep=keep).text for text in each.sources]
            bleu = BLEU().corpus_score(termed, each.references).score
            chrf = CHRF().corpus_score(termed, each.references).score
            name = f"{each.name} {each.direction} with {ABSENT} terms that it lacks is as it is without"
            statement = f"{name}: BLEU {bleu:.2f}, chrF {chrf:.2f}"
            yield Requirement(statement, plain == termed)
