"""From a name to a loaded model that has proved itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import ctranslate2

from polygist_service.engine.hardware import Placement, estimate_memory
from polygist_service.engine.interface import Decoding, Encoding, ModelInfo, Options, Role, State
from polygist_service.engine.models.causal import CausalModel
from polygist_service.engine.models.decoding import Generation
from polygist_service.engine.models.prompt_format import ChatTemplate, PromptFormat
from polygist_service.engine.models.seq2seq import Model, SentenceEncoder, SequenceToSequence
from polygist_service.engine.models.tokenizers import (
    JsonTokenizer,
    SentencePieceTokenizer,
    TemplateTokenizer,
    Tokenizer,
)
from polygist_service.errors import PolygistError, StoreError
from polygist_service.store.convert.contents import read_vocabulary
from polygist_service.store.description import Description
from polygist_service.store.store import InstalledModel, Store


def open_model(installed: InstalledModel, *, slots: int, placement: Placement) -> Model:
    """Load a model as its description asks. Blocks.

    Args:
        installed: what to load; its files are verified already.
        slots: how many batches it may run at the same time.
        placement: the device and the numbers it calculates with.
    """
    folder, description = installed.folder, installed.entry
    native = {**placement.arguments(), "inter_threads": slots, "intra_threads": 1}
    if description.role == "encoder":
        return SentenceEncoder(
            ctranslate2.Encoder(str(folder), **native),
            TemplateTokenizer(folder / "tokenizer.json"),
            max_input_tokens=description.max_input_tokens,
            pooling=description.pooling,
        )
    if description.tokenizer == "chat":
        return CausalModel(
            ctranslate2.Generator(str(folder), **native),
            JsonTokenizer(folder / "tokenizer.json"),
            frame=ChatTemplate(folder, JsonTokenizer(folder / "tokenizer.json")).frame,
            instruction=description.text_prefix,
            max_input_tokens=description.max_input_tokens,
            generation=_generation(description),
        )
    return SequenceToSequence(
        ctranslate2.Translator(str(folder), **native),
        TOKENIZERS[description.tokenizer](folder, description),
        max_input_tokens=description.max_input_tokens,
        layout=PromptFormat(
            source=description.source_layout,
            target=description.target_layout,
            languages=description.language_tokens,
            text_prefix=description.text_prefix,
        ),
        generation=_generation(description),
    )


def _generation(description: Description) -> Generation:
    return Generation(
        max_output_tokens=description.max_output_tokens,
        min_output_tokens=description.min_output_tokens,
        no_repeat_ngram_size=description.no_repeat_ngram_size,
        repetition_penalty=description.repetition_penalty,
        length_penalty=description.length_penalty,
        end_tokens=description.end_tokens,
    )


def _open_joint(folder: Path, description: Description) -> Tokenizer:
    return SentencePieceTokenizer(folder / "tokenizer.spm")


def _open_pieces(folder: Path, description: Description) -> Tokenizer:
    """One model for each side, or one for both; their pieces are looked up in the vocabulary."""
    target = folder / "target.spm"
    source = next(path for path in (folder / "source.spm", folder / "sentencepiece.bpe.model") if path.exists())
    return SentencePieceTokenizer(
        source,
        target=target if target.exists() else None,
        vocabulary=read_vocabulary(folder),
        reserved=description.language_tokens.values(),
        reads_printed=False,
    )


def _open_json(folder: Path, description: Description) -> Tokenizer:
    return JsonTokenizer(folder / "tokenizer.json", reserved=description.language_tokens.values())


TOKENIZERS: Mapping[str, Callable[[Path, Description], Tokenizer]] = {
    "sentencepiece": _open_joint,
    "pieces": _open_pieces,
    "json": _open_json,
}


class Opening(Protocol):
    """As `opening.open_model` does it."""

    def __call__(self, installed: InstalledModel, *, slots: int, placement: Placement) -> Model: ...


@dataclass(frozen=True)
class LoadableModel:
    """An installed model, and how it would be loaded."""

    installed: InstalledModel
    placement: Placement

    @property
    def memory_bytes(self) -> int:
        """What it would take, estimated."""
        stored = self.installed.entry.compute_type
        return estimate_memory(self.installed.size_bytes, stored_type=stored, placement=self.placement)

    def describe(self, state: State) -> ModelInfo:
        """What may be known of it."""
        installed, entry = self.installed, self.installed.entry
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
        )


class Loader:
    """Reads the store and loads models. All of it blocks, and belongs on one thread.

    Args:
        store: opens the store, with its catalogue as it is by then.
        slots: how many batches one model may run at the same time.
        place: decides where a model runs.
        open_model: loads an installed model.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        *,
        slots: int,
        place: Callable[[InstalledModel], Placement],
        open_model: Opening,
    ) -> None:
        self._store = store
        self._slots = slots
        self._place = place
        self._open_model = open_model

    def find_all(self) -> dict[str, LoadableModel]:
        """All installed models by name, sorted; raises StoreError where the catalogue or a manifest is damaged."""
        return {model.name: self._consider(model) for model in self._store().installed()}

    def examine(self, name: str) -> LoadableModel:
        """An installed model, its files verified; raises StoreError where it is damaged, or gone."""
        store = self._store()
        loadable = self._consider(store.find(name))
        store.verify(name)
        return loadable

    def open(self, loadable: LoadableModel) -> Model:
        """Load a model and let it answer its golden text; raises StoreError where it does not."""
        try:
            model = self._open_model(loadable.installed, slots=self._slots, placement=loadable.placement)
            _warm_up(loadable.installed, model)
        except PolygistError:
            raise
        except Exception as error:
            raise StoreError(f"model {loadable.installed.name} does not load: {error}") from error
        return model

    def _consider(self, installed: InstalledModel) -> LoadableModel:
        return LoadableModel(installed, self._place(installed))


def _warm_up(installed: InstalledModel, model: Model) -> None:
    options = _golden_options(installed.entry)
    tokens = model.tokenise(installed.entry.golden_text, options)
    (result,) = model.run([tokens], options)
    if result.vector is None and not any(hypothesis.text for hypothesis in result.hypotheses):
        raise StoreError(f"model {installed.name} answers nothing to its golden text: pull it again")


def _golden_options(entry: Description) -> Options:
    """How the golden text, which is English where the model reads English, is put through the model."""
    if entry.role == Role.ENCODER.value:
        return Encoding()
    source = "en" if "en" in entry.source_languages else next(iter(entry.source_languages), "")
    target = next((language for language in entry.target_languages if language != source), source)
    return Decoding(source=source, target=target)
