"""From source files to a folder that the engine loads: the converters, by the names that the catalogue gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

# Of a repository, which is converted by CTranslate2's own converter or comes converted; as `Converter.version`.
REPOSITORY_VERSION = 1


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


def convert_bergamot(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.bergamot import convert_bergamot as convert

    convert(files, folder, compute_type=compute_type)


def convert_bert(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.bert import convert_bert as convert

    convert(files, folder, compute_type=compute_type)


def convert_gguf(files: Mapping[str, Path], folder: Path, *, compute_type: str) -> None:
    from polygist_service.store.convert.gguf import convert_gguf as convert

    convert(files, folder, compute_type=compute_type)


CONVERTERS: Mapping[str, Converter] = {
    "bergamot": Converter(1, ("model", "vocabulary", "shortlist", "adapter"), convert_bergamot),
    "bert": Converter(1, ("model", "settings", "tokenizer"), convert_bert),
    "gguf": Converter(1, ("model",), convert_gguf),
}
