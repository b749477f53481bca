"""The converters by the names that the catalogue gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from polygist_service.store.convert_bergamot import convert_bergamot
from polygist_service.store.convert_bert import convert_bert


class Convert(Protocol):
    """Writes what CTranslate2 and the tokenizer load to `folder`, which is empty."""

    def __call__(self, files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None: ...


@dataclass(frozen=True)
class Converter:
    """A way to make a model out of source files.

    Attributes:
        version: grows when the output changes; models of an older version are converted again.
        files: the source files by the names that `convert` knows them by.
    """

    version: int
    files: tuple[str, ...]
    convert: Convert


CONVERTERS: Mapping[str, Converter] = {
    "bergamot": Converter(1, ("model", "vocabulary", "shortlist", "adapter"), convert_bergamot),
    "bert": Converter(1, ("model", "settings", "tokenizer"), convert_bert),
}
