"""What reads bytes that others have written: each takes any, and raises nothing but what it says."""

import io
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from polygist_service.errors import GlossaryError, InvalidDocument, InvalidRequest, StoreError
from polygist_service.store.archives import read_archive, zstd
from polygist_service.store.catalogue.catalogue import read_catalogue
from polygist_service.store.store import Store, report_nothing
from polygist_service.text.documents import LAYOUTS, parse
from polygist_service.text.documents.base import Output, Splitting
from polygist_service.text.documents.files import FILES
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.input_file import InputFile
from polygist_service.text.segmentation import split_long, split_sentences
from polygist_service.translation.terms.tables import read_table

ROOT = Path(__file__).parents[2]
OPTIONS = ReadOptions(unpacked_bytes=1 << 22, members=64, target="pt")
LANGUAGES = ("en", "pt", "de", "fr", "ja", "th", "und", "zh-Hant")
SPLITTINGS = tuple(Splitting)
FOLDER = Path(tempfile.mkdtemp(prefix="polygist-fuzz-"))
# Of an installed model, with the sizes and names that a manifest has.
MANIFEST = (
    b'{"format": 2, "name": "de-en", "description": {"name": "de-en", "display_name": "a", "role": "translation",'
    b'"family": "marian", "license": "MIT", "source_languages": ["de"], "target_languages": ["en"],'
    b'"tokenizer": "pieces", "max_input_tokens": 96}, "recipe": "a", "converter": "marian", "converter_version": 1,'
    b'"source": {"kind": "path"}, "source_files": {}, "polygist_version": "0.1.0", "revision": "a",'
    b'"files": {"model.bin": {"size": 1, "sha256": "a"}}}'
)
CATALOGUE = (
    b'[models.a]\nfamily = "marian"\nrepository = "a/b"\nrevision = "0123456789012345678901234567890123456789"\n'
    b'license = "MIT"\nsource_languages = ["de"]\ntarget_languages = ["en"]\n[sets]\nb = ["a"]\n'
)
GLOSSARY = b'en\tpt-BR\tde\nheart rate\tpulsa\xc3\xa7\xc3\xa3o\tPuls\nbank\t"banco ""a"""\t\n;a,b;"c\n'


@dataclass(frozen=True)
class Parser:
    """What is tried.

    Attributes:
        read: takes any bytes; fails where the parser does what it should not.
        seeds: what it knows how to read, to begin with.
    """

    read: Callable[[bytes], None]
    seeds: Sequence[bytes]


def choose(content: bytes, *choices: Sequence[object]) -> tuple[list[object], bytes]:
    """A value of each of some choices, by a byte for each; and what is left of the bytes."""
    head, rest = content[: len(choices)].ljust(len(choices), b"\0"), content[len(choices) :]
    return [choice[at % len(choice)] for choice, at in zip(choices, head, strict=True)], rest


def segment(content: bytes) -> None:
    """Sentences cover their text, and so do the pieces of one that is too long."""
    (language, most), rest = choose(content, LANGUAGES, range(4, 80))
    text = rest.decode(errors="replace")
    for spans in (split_sentences(text, language), split_long(text, lambda piece: len(piece) <= most)):
        assert not text or (spans[0][0], spans[-1][1]) == (0, len(text))
        assert all(before[1] == after[0] for before, after in pairwise(spans))


def read_text(content: bytes) -> None:
    """A text of any type is put together again from its own segments, each of which stands where it says."""
    (mime_type, splitting, language), rest = choose(content, tuple(LAYOUTS), SPLITTINGS, LANGUAGES)
    text = rest.decode(errors="replace")
    with suppress(InvalidDocument):
        document = parse(text, language=language, splitting=splitting, mime_type=mime_type)
        rebuilder = document.rebuild("pt")
        for each in document.segments:
            assert 0 <= each.start <= each.end <= len(text)
            rebuilder.add(Output(each.text))
        rebuilder.finish()


def read_document(content: bytes) -> None:
    """A file of any kind is read or refused, and what was read is written."""
    (mime_type, _), rest = choose(content, ("", *FILES), (0,))
    with suppress(InvalidRequest):
        opened = InputFile(document=rest, mime_type=mime_type, options=OPTIONS, most_characters=100_000).open()
        assert opened.view.text is not None
        opened.file.write([TranslatedText(each.text) for each in opened.texts], "pt")


def read_model(content: bytes) -> None:
    """A folder with any manifest is a model or a damaged one."""
    folder = FOLDER / "home" / "models" / "de-en"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(b"a")
    (folder / "manifest.json").write_bytes(content)
    store = Store(FOLDER / "home")
    store.look()
    with suppress(StoreError):
        store.verify("de-en")


def read_models_table(content: bytes) -> None:
    """A catalogue is read or refused."""
    (FOLDER / "catalogue.toml").write_bytes(content)
    with suppress(StoreError):
        catalogue = read_catalogue(FOLDER / "catalogue.toml")
        catalogue.select(list(catalogue.models)[:1])


def read_terms(content: bytes) -> None:
    """A glossary is read or refused."""
    for name in ("terms.tsv", "terms.csv"):
        (FOLDER / name).write_bytes(content)
        with suppress(GlossaryError):
            read_table(FOLDER / name)


def unpack(content: bytes) -> None:
    """An archive brings one folder, and nothing elsewhere, or is refused; as it comes, and packed by ourselves."""
    for packed in (content, zstd.compress(content)):
        with tempfile.TemporaryDirectory(dir=FOLDER) as name:
            inner = Path(name, "inner")
            inner.mkdir()
            Path(name, "a.tar.zst").write_bytes(packed)
            with suppress(StoreError):
                read_archive(Path(name, "a.tar.zst"), inner, report_nothing)
            assert {path.name for path in Path(name).iterdir()} == {"inner", "a.tar.zst"}
            assert not any(path.is_symlink() for path in inner.rglob("*"))


def pack(format_: int) -> bytes:
    """A tar of a model that is nothing but a manifest, with a long name and a link beside it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=format_) as archive:
        for name in ("de-en/manifest.json", f"{'a' * 90}/{'b' * 90}"):
            member = tarfile.TarInfo(name)
            member.size = len(MANIFEST)
            archive.addfile(member, io.BytesIO(MANIFEST))
        link = tarfile.TarInfo("de-en/link")
        link.type, link.linkname = tarfile.SYMTYPE, "../../elsewhere"
        archive.addfile(link)
    return packed.getvalue()


def find_seeds(folder: str, *endings: str) -> list[bytes]:
    """The files of the repository with one of some endings, the first 4 kB of each."""
    return [path.read_bytes()[:4096] for path in sorted((ROOT / folder).rglob("*")) if path.suffix in endings]


TEXTS = [*find_seeds("tests/service/pages", ".html", ".md"), *find_seeds("examples", ".txt", ".html", ".md")]
FILE_SEEDS = [
    b"\0\0" + each
    for each in (
        *TEXTS,
        *find_seeds("examples", ".srt", ".vtt", ".po", ".docx"),
        b"1\r\n00:00:01,000 --> 00:00:02,500\r\n- Good <i>morning</i>.\r\n- Hi!\r\n",
        b"WEBVTT - a film\n\nNOTE x\n\n00:01.000 --> 00:02.500 align:start\n<v Ann>Good <b>morning</b>.\n",
        b'# A catalogue\nmsgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n#, python-format, fuzzy\n'
        b'#| msgid "a"\nmsgctxt "x"\nmsgid "%d day"\nmsgid_plural "%d days"\nmsgstr[0] ""\nmsgstr[1] ""\n',
    )
]
PARSERS: Mapping[str, Parser] = {
    "segmenter": Parser(segment, [b"\0\0" + each for each in TEXTS]),
    "texts": Parser(read_text, [bytes([kind, 0, 0]) + each for each in TEXTS for kind in range(3)]),
    "documents": Parser(read_document, FILE_SEEDS),
    "manifest": Parser(read_model, [MANIFEST]),
    "catalogue": Parser(read_models_table, [CATALOGUE]),
    "glossary": Parser(read_terms, [GLOSSARY, GLOSSARY.replace(b"\t", b";")]),
    "archive": Parser(unpack, [pack(each) for each in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]),
}
