"""From a name to a loaded model that has proved itself."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Protocol, TypeVar, cast

import ctranslate2
import structlog

from polygist_service.engine.cost import CostModel
from polygist_service.engine.golden_answers import check_golden_answers, describe_calculation
from polygist_service.engine.hardware import Placement, estimate_memory, read_processor
from polygist_service.engine.interface import Decoding, Encoding, ModelInfo, Offers, Options, Role, State
from polygist_service.engine.models.base import Model
from polygist_service.engine.models.causal import CausalModel
from polygist_service.engine.models.decoding import Generation
from polygist_service.engine.models.encoder import SentenceEncoder
from polygist_service.engine.models.invariance import PROBED_TOKENS, find_seams
from polygist_service.engine.models.prompt_format import ChatTemplate, Prompt, PromptFormat
from polygist_service.engine.models.seq2seq import SequenceToSequence
from polygist_service.engine.models.tokenizers import (
    JsonTokenizer,
    SentencePieceTokenizer,
    TemplateTokenizer,
    Tokenizer,
)
from polygist_service.errors import PolygistError, StoreError
from polygist_service.store.convert.inspect import CONVERTED, read_vocabulary
from polygist_service.store.description import Description, InstalledModel, Inventory
from polygist_service.store.isolation import opening
from polygist_service.store.saturation import describe_saturation, find_int8_limit
from polygist_service.store.seams import Conditions, FoundSeams, KeptSeams

TokenT = TypeVar("TokenT")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LoadableModel:
    """An installed model, and how it would be loaded."""

    installed: InstalledModel
    placement: Placement

    @property
    def memory_bytes(self) -> int:
        """What it would take, estimated."""
        stored = self.installed.description.compute_type
        return estimate_memory(self.installed.size_bytes, stored_type=stored, placement=self.placement)

    @cached_property
    def fingerprint(self) -> str:
        """See `ModelInfo.fingerprint`."""
        parts = [self.installed.revision, self.installed.description.to_json(), asdict(self.placement)]
        return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=16).hexdigest()

    @property
    def conditions(self) -> Conditions:
        """All that its seams depend on; empty where that is not known."""
        calculation = describe_calculation(self.placement)
        if not calculation.instruction_set:
            return {}
        return {"model": self.fingerprint, "processor": read_processor(), **asdict(calculation)}

    @property
    def saturation(self) -> str:
        """Why its answers are worse here than they could be, and the cure; empty where they are not."""
        if self.placement.device == "cuda":
            return ""
        return describe_saturation(self.installed, find_int8_limit(), runs_as=self.placement.compute_type)

    def describe(self, state: State) -> ModelInfo:
        """What may be known of it. Every call asks for all models, to find its own: so it is put together once."""
        if state not in self._described:
            self._described[state] = self._describe(state)
        return self._described[state]

    @cached_property
    def _described(self) -> dict[State, ModelInfo]:
        return {}

    def _describe(self, state: State) -> ModelInfo:
        installed, entry = self.installed, self.installed.description
        return ModelInfo(
            name=installed.name,
            display_name=entry.display_name,
            role=Role(entry.role),
            source_languages=entry.source_languages,
            target_languages=entry.target_languages,
            max_input_tokens=entry.max_input_tokens,
            has_shortlist=entry.shortlist,
            quality_beam_size=entry.quality_beam_size,
            compute_type=self.placement.compute_type,
            device=str(self.placement),
            revision=installed.revision,
            license=entry.license,
            size_bytes=installed.size_bytes,
            state=state,
            memory_bytes=self.memory_bytes,
            family=entry.family,
            follows_instructions=entry.tokenizer == "chat",
            is_experimental=entry.experimental,
            max_output_tokens=entry.max_output_tokens,
            aligns=bool(entry.aligns),
            fingerprint=self.fingerprint,
        )


@dataclass(frozen=True)
class Found:
    """What the store has: the models by name, what is left out of them, and what its catalogue has beside them."""

    models: Mapping[str, LoadableModel]
    inventory: Inventory
    offers: Offers


class Opening(Protocol):
    """Loads an installed model, as `open_model` does."""

    def __call__(self, installed: InstalledModel, *, slots: int, placement: Placement) -> Model: ...


class Store(Protocol):
    """What is installed; see `store.store.Store`."""

    @property
    def catalogue(self) -> Offers:
        """What could be installed."""
        ...

    def look(self) -> Inventory:
        """Return what is installed, and what is left out of that; raises StoreError where nothing can be read."""
        ...

    def find(self, name: str) -> InstalledModel:
        """Return one installed model; raises StoreError where it is not installed or damaged."""
        ...

    def verify(self, name: str) -> None:
        """Check every file of an installed model; raises StoreError, naming what is wrong."""
        ...

    @property
    def seams(self) -> KeptSeams:
        """What was found out of the installed models."""
        ...


def trust(loadable: LoadableModel) -> None:
    """Take a model for one that loads."""


class Loader:
    """Reads the store and loads models. All of it blocks, and belongs on one thread.

    Args:
        store: opens the store, with its catalogue as it is by then.
        slots: how many batches one model may run at the same time.
        place: decides where a model runs.
        open_model: loads an installed model.
        expect_loadable: raises an error for a model that crashes what loads it; see `Trials`.
        keeps_seams: whether the seams that are found are kept in the store.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        slots: int,
        place: Callable[[InstalledModel], Placement],
        open_model: Opening,
        expect_loadable: Callable[[LoadableModel], None] = trust,
        keeps_seams: bool = True,
    ) -> None:
        self._store = store
        self._slots = slots
        self._place = place
        self._open_model = open_model
        self._expect_loadable = expect_loadable
        self._keeps_seams = keeps_seams
        self._warned_of: set[str] = set()

    def find_all(self) -> Found:
        """What is installed; raises StoreError where the catalogue is damaged or nothing can be read."""
        store = self._store()
        inventory = store.look()
        models = {model.name: LoadableModel(model, self._place(model)) for model in inventory.models}
        return Found(models, inventory, store.catalogue)

    def examine(self, name: str) -> LoadableModel:
        """An installed model, its files verified; raises StoreError where it is damaged, or gone."""
        store = self._store()
        installed = store.find(name)
        store.verify(name)
        return LoadableModel(installed, self._place(installed))

    def open(self, loadable: LoadableModel) -> tuple[Model, CostModel]:
        """Load a model, let it answer its golden texts and read its whole window; returns it with how long that took.

        Raises:
            StoreError: it does not.
        """
        try:
            self._expect_loadable(loadable)
            # failpoint: engine.load
            model = self._open_model(loadable.installed, slots=self._slots, placement=loadable.placement)
            cost = warm_up(loadable.installed, model)
            self._warn_of_missing_answers(loadable)
            check_golden_answers(loadable.installed, model, loadable.placement)
            if isinstance(model, SequenceToSequence):
                model.seams = self._find_seams(loadable, model)
        except PolygistError:
            raise
        except Exception as error:
            raise StoreError(f"model {loadable.installed.name} does not load: {error}") from error
        return model, cost

    def _warn_of_missing_answers(self, loadable: LoadableModel) -> None:
        """Log once that nothing tells whether a model is damaged."""
        if loadable.installed.golden is None and loadable.fingerprint not in self._warned_of:
            self._warned_of.add(loadable.fingerprint)
            name = loadable.installed.name
            cure = f"run: polygist-server models record {name}"
            log.warning("golden_answers_missing", model=name, hint=f"whether it is damaged cannot be told; {cure}")

    def _find_seams(self, loadable: LoadableModel, model: SequenceToSequence) -> tuple[int, ...]:
        """Return the seams of a model: those that were found before where all that they depend on is the same."""
        kept, name, conditions = self._store().seams, loadable.installed.name, loadable.conditions
        seams = kept.read(name, conditions) if conditions else None
        if seams is not None:
            return seams
        began = time.monotonic()
        seams = probe(loadable.installed, model)
        log.info("batches_probed", model=name, seams=seams, seconds=round(time.monotonic() - began, 3))
        if self._keeps_seams and conditions and seams is not None:
            kept.keep(name, FoundSeams(conditions, seams))
        return seams or ()


def warm_up(installed: InstalledModel, model: Model) -> CostModel:
    """Let a model answer its golden text, and read its window; raises StoreError where it has no answer.

    Returns:
        How long the golden text took: without it, the first batch of a slow model would look stuck.
    """
    options = golden_options(installed.description)
    tokens = model.tokenise(installed.description.golden_text, options)
    if tokens is None:
        raise StoreError(f"model {installed.name} has no room for its golden text in its window; give a shorter one")
    began, cost = time.monotonic(), CostModel()
    opening(installed.folder / CONVERTED)  # it is the weights that are used from here on
    (result,) = model.run([tokens], options)
    written = max((hypothesis.token_count for hypothesis in result.hypotheses), default=0)
    cost.add(time.monotonic() - began, padded=len(tokens), steps=written, segments=1)
    if result.vector is None and not any(hypothesis.text for hypothesis in result.hypotheses):
        raise StoreError(f"model {installed.name} answers nothing to its golden text: pull it again")
    # A text as long as the window: a wrong one is found here, and not by the first long text.
    missing = installed.description.max_input_tokens - model.count(installed.description.golden_text)
    if isinstance(tokens, Prompt) and isinstance(options, Decoding):
        longest = replace(tokens, tokens=stretch(tokens.tokens, missing - 1))  # the end belongs to the window
        model.run([longest], replace(options, max_output_tokens=2, min_output_tokens=1))
    else:
        model.run([stretch(cast(Sequence[int], tokens), missing)], options)
    return cost


def probe(installed: InstalledModel, model: SequenceToSequence) -> tuple[int, ...] | None:
    """Find out which lengths may share batches of a model that has answered its golden text; see `find_seams`."""
    entry = installed.description
    usual = golden_options(entry)
    assert isinstance(usual, Decoding)
    options = replace(usual, scores=True, max_output_tokens=PROBED_TOKENS)
    golden = model.tokenise(entry.golden_text, options)
    assert golden is not None
    return find_seams(lambda batch: model.run(batch, options), golden, window=entry.max_input_tokens)


def stretch(tokens: Sequence[TokenT], missing: int) -> list[TokenT]:
    """Repeat the token in the middle, which is one of the text."""
    middle = len(tokens) // 2
    return [*tokens[:middle], *[tokens[middle]] * missing, *tokens[middle:]]


def golden_options(entry: Description) -> Options:
    """Return how the golden text, which is English where the model reads English, is put through the model."""
    if entry.role == Role.ENCODER.value:
        return Encoding()
    source = "en" if "en" in entry.source_languages else next(iter(entry.source_languages), "")
    target = next((language for language in entry.target_languages if language != source), source)
    return Decoding(source=source, target=target)


def open_model(installed: InstalledModel, *, slots: int, placement: Placement, threads: int = 1) -> Model:
    """Load a model as its description asks. Blocks.

    Args:
        installed: what to load; its files are verified already.
        slots: how many batches it may run at the same time.
        placement: the device and the numbers it calculates with.
        threads: of each batch.
    """
    folder, description = installed.folder, installed.description
    weights = opening(folder / CONVERTED).parent
    native = {**placement.arguments(), "inter_threads": slots, "intra_threads": threads}
    if description.role == "encoder":
        return SentenceEncoder(
            ctranslate2.Encoder(str(weights), **native),
            TemplateTokenizer(opening(folder / "tokenizer.json")),
            max_input_tokens=description.max_input_tokens,
            pooling=description.pooling,
        )
    if description.tokenizer == "chat":
        return CausalModel(
            ctranslate2.Generator(str(weights), **native),
            JsonTokenizer(opening(folder / "tokenizer.json")),
            frame=ChatTemplate(folder, JsonTokenizer(folder / "tokenizer.json")).frame,
            instruction=description.text_prefix,
            max_input_tokens=description.max_input_tokens,
            generation=generation_of(description),
        )
    return SequenceToSequence(
        ctranslate2.Translator(str(weights), **native),
        open_tokenizer(folder, description),
        max_input_tokens=description.max_input_tokens,
        prompt_format=PromptFormat(
            source=description.source_layout,
            target=description.target_layout,
            languages=description.language_tokens,
            text_prefix=description.text_prefix,
        ),
        generation=generation_of(description),
    )


def open_tokenizer(folder: Path, description: Description) -> Tokenizer:
    """Open the tokenizer of an encoder-decoder, of the kind that its description names."""
    languages = description.language_tokens.values()
    if description.tokenizer == "sentencepiece":
        return SentencePieceTokenizer(opening(folder / "tokenizer.spm"))
    if description.tokenizer == "json":
        return JsonTokenizer(opening(folder / "tokenizer.json"), reserved=languages)
    # One SentencePiece model for each side, or one for both; their pieces are looked up in the vocabulary.
    target = folder / "target.spm"
    source = next(path for path in (folder / "source.spm", folder / "sentencepiece.bpe.model") if path.exists())
    return SentencePieceTokenizer(
        opening(source),
        target=target if target.exists() else None,
        vocabulary=read_vocabulary(folder),
        reserved=languages,
        reads_printed=False,
    )


def generation_of(description: Description) -> Generation:
    """Return how a model's own settings have it write."""
    return Generation(
        max_output_tokens=description.max_output_tokens,
        min_output_tokens=description.min_output_tokens,
        no_repeat_ngram_size=description.no_repeat_ngram_size,
        repetition_penalty=description.repetition_penalty,
        length_penalty=description.length_penalty,
        end_tokens=description.end_tokens,
        positions=max(0, description.decoder_positions - len(description.target_layout)),
    )
