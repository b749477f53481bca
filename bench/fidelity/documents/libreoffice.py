"""LibreOffice as another program that makes documents of Word, and opens them."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from bench.fidelity.documents.word_structure import read_paragraphs

SOFFICE = shutil.which("soffice")
SECONDS = 300


def convert(documents: Mapping[str, bytes], kind: str) -> dict[str, bytes]:
    """Return files of another kind, by the same names without their endings; without those that were not opened.

    Args:
        documents: by their file names.
        kind: the ending and, if need be, the filter, as "docx:MS Word 2007 XML".
    """
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target")
        source.mkdir()
        for name, content in documents.items():
            (source / name).write_bytes(content)
        command = [str(SOFFICE), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", kind]
        paths = [str(source / name) for name in documents]
        subprocess.run([*command, "--outdir", str(target), *paths], check=True, capture_output=True, timeout=SECONDS)
        return {path.stem: path.read_bytes() for path in target.iterdir()}


def find_unseen(document: bytes, opened: bytes) -> str:
    """Return a paragraph of a document of Word that is not there where it was opened and saved as flat ODF."""
    seen = letters("".join(ElementTree.fromstring(opened).itertext()))
    for paragraph in read_paragraphs(document):
        for part in paragraph.split():
            if letters(part) not in seen:
                return f"{part!r} of {paragraph!r} is not there"
    return ""


def letters(text: str) -> str:
    """Return the letters of a text: numbers of pages and dates are another day's."""
    return "".join(filter(str.isalpha, text))
