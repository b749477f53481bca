"""From source files to a folder that the engine loads: the converters, by the names that the catalogue gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from polygist_service.errors import StoreError
from polygist_service.store.saturation import LARGEST_WITHOUT_VNNI, find_int8_limit

# Of a repository, which is converted by CTranslate2's own converter or comes converted; as `Converter.version`.
REPOSITORY_VERSION = 1


class Convert(Protocol):
    """Writes what CTranslate2 and the tokenizer load to `folder`, which is empty."""

    def __call__(
        self, files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = LARGEST_WITHOUT_VNNI
    ) -> None: ...


@dataclass(frozen=True)
class Converter:
    """A way to make a model out of source files.

    Attributes:
        version: grows when the output changes; models of an older version are converted again.
        files: the source files by the names that `convert` knows them by.
        fits_processor: whether its 8-bit weights go as far as the processor at hand can add up. Those of others go as
            far as every processor can: nobody has measured what more would gain them.
        optional_files: those that `convert` knows what to do without.
        needs: the package, and the extra of polygist by the same name, that it reads them with; empty for none.
    """

    version: int
    files: tuple[str, ...]
    convert: Convert
    needs: str = ""
    optional_files: tuple[str, ...] = ()
    fits_processor: bool = False

    @property
    def int8_limit(self) -> int:
        """The largest magnitude of the 8-bit weights that it writes on this machine."""
        return find_int8_limit() if self.fits_processor else LARGEST_WITHOUT_VNNI

    def expect_package(self, model: str) -> None:
        """Raise StoreError, with the command that helps, where what `model` is read with is not installed."""
        if self.needs and find_spec(self.needs) is None:
            raise StoreError(
                f"{model} is made of files that {self.needs} reads, which is not installed; run: "
                f"pip install 'polygist[{self.needs}]'"
            )


# The converters are imported by the model that needs them: they import ctranslate2.specs, and that imports torch where
# it is installed, which a server must neither wait nor have room for.


def convert_bergamot(
    files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = LARGEST_WITHOUT_VNNI
) -> None:
    from polygist_service.store.convert.bergamot import convert_bergamot as convert

    convert(files, folder, compute_type=compute_type, int8_limit=int8_limit)


def convert_bert(
    files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = LARGEST_WITHOUT_VNNI
) -> None:
    from polygist_service.store.convert.bert import convert_bert as convert

    convert(files, folder, compute_type=compute_type, int8_limit=int8_limit)


def convert_gguf(
    files: Mapping[str, Path], folder: Path, *, compute_type: str, int8_limit: int = LARGEST_WITHOUT_VNNI
) -> None:
    from polygist_service.store.convert.gguf import convert_gguf as convert

    convert(files, folder, compute_type=compute_type, int8_limit=int8_limit)


CONVERTERS: Mapping[str, Converter] = {
    "bergamot": Converter(
        1,
        ("model", "vocabulary", "shortlist", "adapter"),
        convert_bergamot,
        optional_files=("candidates",),
        fits_processor=True,
    ),
    "bert": Converter(1, ("model", "settings", "tokenizer"), convert_bert),
    "gguf": Converter(1, ("model",), convert_gguf, needs="gguf"),
}
