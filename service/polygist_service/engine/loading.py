"""From a name to a loaded model that has proved itself."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from polygist_service.engine.api import Decoding, Encoding, ModelInfo, Options, Role, State
from polygist_service.engine.devices import Placement, estimate_memory
from polygist_service.engine.model import Model
from polygist_service.errors import PolygistError, StoreError
from polygist_service.store.description import Description
from polygist_service.store.store import InstalledModel, Store


class Opening(Protocol):
    """As `opening.open_model` does it."""

    def __call__(self, installed: InstalledModel, *, slots: int, placement: Placement) -> Model: ...


@dataclass(frozen=True)
class Candidate:
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

    def find_all(self) -> dict[str, Candidate]:
        """All installed models by name, sorted; raises StoreError where the catalogue or a manifest is damaged."""
        return {model.name: self._consider(model) for model in self._store().installed()}

    def examine(self, name: str) -> Candidate:
        """An installed model, its files verified; raises StoreError where it is damaged, or gone."""
        store = self._store()
        candidate = self._consider(store.find(name))
        store.verify(name)
        return candidate

    def open(self, candidate: Candidate) -> Model:
        """Load a model and let it answer its golden text; raises StoreError where it does not."""
        try:
            model = self._open_model(candidate.installed, slots=self._slots, placement=candidate.placement)
            _warm_up(candidate.installed, model)
        except PolygistError:
            raise
        except Exception as error:
            raise StoreError(f"model {candidate.installed.name} does not load: {error}") from error
        return model

    def _consider(self, installed: InstalledModel) -> Candidate:
        return Candidate(installed, self._place(installed))


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
