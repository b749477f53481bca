"""From an installed model to a loaded one."""

from collections.abc import Mapping

from polygist_service.engine.api import Role
from polygist_service.engine.devices import Placement
from polygist_service.engine.model import Model, SentenceEncoder, SequenceToSequence
from polygist_service.store.home import InstalledModel

CLASSES: Mapping[Role, type[SequenceToSequence] | type[SentenceEncoder]] = {
    Role.TRANSLATION: SequenceToSequence,
    Role.SUMMARISATION: SequenceToSequence,
    Role.ENCODER: SentenceEncoder,
}


def open_model(installed: InstalledModel, *, slots: int, placement: Placement) -> Model:
    """Load a model as its family asks. Blocks.

    Args:
        installed: what to load; its files are verified already.
        slots: how many batches it may run at the same time.
        placement: the device and the numbers it calculates with.
    """
    entry = installed.entry
    return CLASSES[Role(entry.role)](
        installed.folder, max_input_tokens=entry.max_input_tokens, slots=slots, placement=placement
    )
