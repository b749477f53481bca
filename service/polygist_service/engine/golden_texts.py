"""Has a model that is being installed answer its golden texts: short sentences in the languages that it knows."""

from collections.abc import Iterator
from itertools import cycle, islice

from polygist_service.engine.golden_answers import answer, describe_calculation, follows_instructions
from polygist_service.engine.hardware import resolve
from polygist_service.engine.interface import Role
from polygist_service.engine.models.seq2seq import SequenceToSequence
from polygist_service.engine.residency.loader import LoadableModel, open_model, probe, warm_up
from polygist_service.engine.word_alignment import SOURCES, TARGETS, read_examples
from polygist_service.store.description import Description, InstalledModel
from polygist_service.store.golden_answers import GoldenAnswer, GoldenAnswers
from polygist_service.store.seams import FoundSeams
from polygist_service.store.store import Recorded
from polygist_service.text.languages import serving

# So many texts: the starter models answer them in 0.05 s. One that follows instructions reads a text alone and is ten
# times as large or more: SmolLM2 of 135 M takes 0.1 s for each.
TEXTS, TEXTS_WITH_INSTRUCTION = 20, 8


def record_answers(installed: InstalledModel) -> Recorded:
    """Have a model read its window and answer its golden texts, on the CPU, in the numbers that it is served with here.

    Its seams are found as well, where it has any: a server that loads it need not look for them. A model that takes too
    long for that has none: nothing else runs here.

    Raises:
        StoreError: a text does not fit its window, or it answers nothing.
        UnsupportedCapability: the numbers are not this machine's.
        RuntimeError: CTranslate2 does not load it.
    """
    description = installed.description
    placement = resolve("cpu", (0,), "", description.compute_type, runs_as=description.runs_as)
    model = open_model(installed, slots=1, placement=placement)
    warm_up(installed, model)
    answers = answer(model, description, list(choose_questions(description)))
    golden = GoldenAnswers(describe_calculation(placement), tuple(answers))
    conditions = LoadableModel(installed, placement).conditions
    if not isinstance(model, SequenceToSequence) or not conditions:
        return Recorded(golden)
    return Recorded(golden, FoundSeams(conditions, probe(installed, model) or ()))


def choose_questions(description: Description) -> Iterator[GoldenAnswer]:
    """Yield the golden texts of a model, the languages that it translates in turn.

    Of those that have a shortlist, the second half is asked with it.
    """
    count = TEXTS_WITH_INSTRUCTION if follows_instructions(description) else TEXTS
    for at, (language, source, target) in enumerate(islice(cycle(choose_languages(description)), count)):
        groups = read_examples(language)
        group = groups[at * len(groups) // count]
        text = group[at % len(group)].text
        yield GoldenAnswer(text, source, target, shortlist=description.shortlist and at >= count / 2)


def choose_languages(description: Description) -> list[tuple[str, str, str]]:
    """Return the languages that a model is asked in: that of the text, and its source and target as it spells them.

    Of models for many languages, those are taken that there are sentences in.
    """
    known = [(code, own) for code in SOURCES if (own := serving(code, description.source_languages))]
    sources = known or [("und", next(iter(description.source_languages), ""))]
    if description.role == Role.ENCODER.value:
        return [(language, "", "") for language, _ in sources]
    writes = description.target_languages
    targets = [own for code in TARGETS if (own := serving(code, writes))] or list(writes[:1])
    pairs = [(language, source, target) for language, source in sources for target in targets if source != target]
    return pairs or [(language, source, source) for language, source in sources]
