"""The package that a document of Word is: a zip of parts, each with a type; read with bounds, and written again."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.files.word.markup import Element, parse_part

TYPES_PART = "[Content_Types].xml"
METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
CHUNK = 1 << 20
# A tree takes several times the memory of its source; the share of what may be unpacked that is read as one.
PARSED_SHARE = 4


@dataclass(frozen=True)
class Package:
    """A package.

    Attributes:
        source: its bytes.
        parsed_bytes: how large all parts may be together that are read as trees.
    """

    source: bytes
    parsed_bytes: int

    @classmethod
    def read(cls, source: bytes, *, unpacked_bytes: int, members: int) -> "Package":
        """Read a package, all of it once, so that what is damaged is known before anything is translated.

        Raises:
            InvalidDocument: it is damaged, encrypted, hostile, or another kind of file.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(source)) as archive:
                check_members(archive.infolist(), unpacked_bytes=unpacked_bytes, members=members)
                for info in archive.infolist():
                    with archive.open(info) as member:
                        while member.read(CHUNK):
                            pass
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
            raise InvalidDocument(f"is no document of Word, or is damaged ({error}); save it again as .docx") from None
        package = cls(source, unpacked_bytes // PARSED_SHARE)
        package.main_part  # noqa: B018
        return package

    @cached_property
    def names(self) -> list[str]:
        """The names of all parts."""
        with zipfile.ZipFile(io.BytesIO(self.source)) as archive:
            return archive.namelist()

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The content types of the parts by their names, in the order of the zip."""
        if TYPES_PART not in self.names:
            raise InvalidDocument(f"is no document of Word: it has no {TYPES_PART}; save it again as .docx")
        defaults: dict[str, str] = {}
        overrides: dict[str, str] = {}
        for each in self.parse(TYPES_PART):
            kind = each.get("ContentType", "")
            if each.get("Extension"):
                defaults[each.get("Extension", "").lower()] = kind
            elif each.get("PartName"):
                overrides[each.get("PartName", "").lstrip("/").lower()] = kind
        return {
            name: overrides.get(name.lower(), defaults.get(name.rpartition(".")[2].lower(), "")) for name in self.names
        }

    @cached_property
    def main_part(self) -> str:
        """The name of the part with the body.

        Raises:
            InvalidDocument: there is none.
        """
        for name, kind in self.types.items():
            if kind.endswith(".main+xml") and "word" in kind:
                return name
        raise InvalidDocument("is no document of Word: it has no part with a body; save it again as .docx")

    @property
    def is_signed(self) -> bool:
        """Whether somebody signed it."""
        return any("digital-signature" in kind for kind in self.types.values())

    def of_type(self, ending: str) -> Iterator[str]:
        """Yield the names of the parts whose content type ends so."""
        return (name for name, kind in self.types.items() if kind.endswith(ending))

    def read_part(self, name: str) -> bytes:
        """Return the bytes of a part."""
        with zipfile.ZipFile(io.BytesIO(self.source)) as archive:
            return archive.read(name)

    def parse(self, name: str) -> Element:
        """Return the root of a part; raises InvalidDocument, see `parse_part`."""
        return parse_part(self.read_part(name), name)

    def check_parsed(self, names: Iterable[str]) -> None:
        """Raise InvalidDocument if some parts are together too large to be read as trees."""
        wanted = set(names)
        with zipfile.ZipFile(io.BytesIO(self.source)) as archive:
            size = sum(info.file_size for info in archive.infolist() if info.filename in wanted)
        if size > self.parsed_bytes:
            raise InvalidDocument(
                f"has {size:,} bytes of text with its marks, the limit is {self.parsed_bytes:,}; cut it into several"
            )

    def write(self, changed: Mapping[str, bytes]) -> bytes:
        """Return the package with other bytes in some parts; the others are as they were, in the same order."""
        target = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(self.source)) as archive,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as written,
        ):
            written.comment = archive.comment
            for info in archive.infolist():
                data = changed.get(info.filename)
                written.writestr(info, archive.read(info) if data is None else data)
        return target.getvalue()


def check_members(infos: list[zipfile.ZipInfo], *, unpacked_bytes: int, members: int) -> None:
    """Raise InvalidDocument for a zip that is hostile, or that no program for documents has written.

    What is declared of the size of a member is all that is ever unpacked of it.
    """
    if len(infos) > members:
        raise InvalidDocument(f"has {len(infos):,} files packed in it, the limit is {members:,}; send another one")
    size = sum(info.file_size for info in infos)
    if size > unpacked_bytes:
        raise InvalidDocument(f"unpacks to {size:,} bytes, the limit is {unpacked_bytes:,}; make its pictures smaller")
    seen = set()
    for info in infos:
        name = info.filename
        if name.startswith("/") or ".." in name.replace("\\", "/").split("/"):
            raise InvalidDocument(f"has a file {name[:80]!r} packed in it, which lies outside; save it again as .docx")
        if name.lower() in seen:
            raise InvalidDocument(f"has two files {name[:80]!r} packed in it; save it again as .docx")
        seen.add(name.lower())
        if info.flag_bits & 0x1:
            raise InvalidDocument("is encrypted; save it without a password")
        if info.compress_type not in METHODS:
            raise InvalidDocument(f"has {name[:80]!r} packed in a way that Word cannot read; save it again as .docx")
