"""The converters by the names that the catalogue gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


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


# The converters are imported by the model that needs them: they import ctranslate2.specs, and that imports torch where
# it is installed, which a server must neither wait nor have room for.


def _convert_bergamot(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.bergamot import convert_bergamot

    convert_bergamot(files, folder, compute_type=compute_type)


def _convert_bert(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.bert import convert_bert

    convert_bert(files, folder, compute_type=compute_type)


def _convert_gguf(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.gguf import convert_gguf

    convert_gguf(files, folder, compute_type=compute_type)


CONVERTERS: Mapping[str, Converter] = {
    "bergamot": Converter(1, ("model", "vocabulary", "shortlist", "adapter"), _convert_bergamot),
    "bert": Converter(1, ("model", "settings", "tokenizer"), _convert_bert),
    "gguf": Converter(1, ("model",), _convert_gguf),
}
