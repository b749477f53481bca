"""Markdown documents: in another language they have the same blocks, marks, letters outside text, bold numbers."""

import importlib.metadata
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from polygist_client import Client, Translation

from bench.fidelity.documents.bold_numbers import BoldNumbers
from bench.fidelity.documents.calls import MARKDOWN, OTHER, find_error, translate_documents
from bench.fidelity.documents.markdown_structure import find_letter_fault, find_tree_fault, numbers
from bench.fidelity.documents.markdown_templates import templated_documents
from bench.fidelity.documents.templates import Document
from bench.fidelity.kinds import Case, Kind
from bench.quality.report import say
from bench.quality.sets import DataFolder

# Of each template and language: 100 documents in all.
EACH, ARTICLES = 6, 20
# The examples of CommonMark are under a licence that asks for the same one of what they become part of (CC BY-SA 4.0).
# They are read from where they are published as part of a package.
PACKAGE, EXAMPLES = "markdown-it-py", "tests/test_cmark_spec/commonmark.json"
DOWNLOAD = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", PACKAGE)
DOWNLOAD_SECONDS = 120


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each document and compare it with what came."""
    examples = read_examples()
    documents = [*examples, *(templated_documents(data, EACH, ARTICLES) if data else ())]
    notes = ["Examples of CommonMark: those of its specification, each as a document of its own."]
    notes += [] if examples else [f"They are missing, as {PACKAGE} could not be fetched from a package index."]
    notes += [] if data else ["Without DATA the documents of articles are missing."]
    cases: list[Case] = []
    bold = BoldNumbers()
    for document, translation in translate_all(client, documents):
        cases += judge(document, translation)
        before = numbers(document.text, bold_only=True)
        bold.add(before, numbers(translation.text), numbers(translation.text, bold_only=True))
    return Kind("Markdown documents", cases, target=1.0, notes=tuple(notes), further=(bold.requirement(),))


def translate_all(client: Client, documents: Sequence[Document]) -> Iterator[tuple[Document, Translation]]:
    """Yield each document with its translation to the other language."""
    for language in OTHER:
        own = [document for document in documents if document.language == language]
        texts = [document.text for document in own]
        yield from zip(own, translate_documents(client, texts, MARKDOWN, language), strict=True)


def judge(document: Document, translation: Translation) -> list[Case]:
    """Return a case for the blocks and marks of a document and one for its letters."""
    faults = {"tree": find_tree_fault, "letters": find_letter_fault}
    is_warned, error = bool(translation.warnings), find_error(translation)
    return [
        Case(f"{aspect}, {document.group}", document.name, error or find(document.text, translation.text), is_warned)
        for aspect, find in faults.items()
    ]


def read_examples() -> list[Document]:
    """Return the examples of CommonMark's specification; none where their package cannot be fetched."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = f"{PACKAGE}=={importlib.metadata.version(PACKAGE)}"
        try:
            subprocess.run([*DOWNLOAD, "--dest", folder, wanted], check=True, timeout=DOWNLOAD_SECONDS)
            archive = next(Path(folder).glob("*.tar.gz"))
        except (subprocess.SubprocessError, StopIteration) as error:
            say(f"no examples of CommonMark: {error}")
            return []
        with tarfile.open(archive) as packed:
            name = next(name for name in packed.getnames() if name.endswith(EXAMPLES))
            content = packed.extractfile(name)
            assert content is not None
            examples = json.load(content)
    return [
        Document("CommonMark", f"{each['section']}, {each['example']}: {each['markdown']!r}", "en", each["markdown"])
        for each in examples
    ]
