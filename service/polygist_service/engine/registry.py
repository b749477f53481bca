"""Which models are installed here, and which of them are loaded."""

import structlog

from polygist_service.engine.api import Decoding, Encoding, ModelInfo, Options, Role, State
from polygist_service.engine.devices import Placement
from polygist_service.engine.model import Model
from polygist_service.engine.opening import open_model
from polygist_service.errors import ModelLoading, NotFound, StoreError
from polygist_service.store.home import InstalledModel, Store

log = structlog.get_logger(__name__)


class Registry:
    """Loads installed models and hands them out by name.

    Args:
        store: where they are installed.
        slots: how many batches one model may run at the same time.
        device: as ``ctranslate2`` names it.
    """

    def __init__(self, store: Store, *, slots: int, device: str = "cpu") -> None:
        self._store = store
        self._slots = slots
        self._device = device
        self._installed = {model.name: model for model in store.installed()}
        self._states = dict.fromkeys(self._installed, State.UNLOADED)
        self._loaded: dict[str, Model] = {}

    def names(self) -> list[str]:
        """Installed models, sorted."""
        return sorted(self._installed)

    def load(self, name: str) -> None:
        """Verify, load and try one model; raises StoreError where it is damaged. Blocks.

        The model counts as loaded only after it has answered its golden text.
        """
        installed = self._installed[name]
        self._states[name] = State.LOADING
        try:
            self._store.verify(name)
            placement = Placement(self._device, compute_type=installed.entry.compute_type)
            model = open_model(installed, slots=self._slots, placement=placement)
            self._warm_up(installed, model)
        except StoreError:
            self._states[name] = State.FAILED
            raise
        except Exception as error:
            self._states[name] = State.FAILED
            raise StoreError(f"model {name} does not load: {error}") from error
        self._loaded[name] = model
        self._states[name] = State.READY
        log.info("model_loaded", model=name, revision=installed.revision)

    def get(self, name: str) -> Model:
        """A loaded model; raises NotFound or ModelLoading."""
        if name not in self._installed:
            raise NotFound(
                f"models/{name}", f"no model {name!r} here; this server has: {', '.join(self.names()) or 'none'}"
            )
        if name not in self._loaded:
            raise ModelLoading(f"model {name} is {self._states[name].value}, try again in a moment")
        return self._loaded[name]

    def info(self, name: str) -> ModelInfo:
        """What may be known of an installed model; raises NotFound."""
        if name not in self._installed:
            self.get(name)
        installed, entry = self._installed[name], self._installed[name].entry
        return ModelInfo(
            name=name,
            display_name=entry.display_name,
            role=Role(entry.role),
            source_languages=entry.source_languages,
            target_languages=entry.target_languages,
            max_input_tokens=entry.max_input_tokens,
            has_shortlist=entry.shortlist,
            quality_beam_size=entry.quality_beam_size,
            compute_type=entry.compute_type,
            device=self._device,
            revision=installed.revision,
            license=entry.license,
            size_bytes=installed.size_bytes,
            state=self._states[name],
            memory_bytes=installed.size_bytes,
        )

    def _warm_up(self, installed: InstalledModel, model: Model) -> None:
        options: Options = Encoding() if installed.entry.role == Role.ENCODER.value else Decoding()
        tokens = model.tokenise(installed.entry.golden_text, options)
        (result,) = model.run([tokens], options)
        if result.vector is None and not any(hypothesis.text for hypothesis in result.hypotheses):
            raise StoreError(f"model {installed.name} answers nothing to its golden text: pull it again")
