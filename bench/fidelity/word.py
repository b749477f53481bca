"""Documents of Word: in another language they have the same parts, marks and looks, and LibreOffice opens them."""

from collections.abc import Iterator

from polygist_client import Client, PolygistError

from bench.fidelity.documents.calls import OTHER
from bench.fidelity.documents.libreoffice import SOFFICE, convert, find_unseen
from bench.fidelity.documents.templates import Document
from bench.fidelity.documents.word_making import make_sources, make_with_python
from bench.fidelity.documents.word_structure import find_lost_paragraph, find_structure_fault
from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

MADE_WITH_PYTHON = 20
DOCX = "docx:MS Word 2007 XML"
ABSENT = "Without LibreOffice its documents are missing, and none was opened: apt-get install libreoffice-writer-nogui."


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each document, compare it with what came, and let LibreOffice open that."""
    documents = [*make_with_python(data, MADE_WITH_PYTHON), *(make_with_libreoffice(data) if SOFFICE else ())]
    cases: list[Case] = []
    written: dict[str, bytes] = {}
    for at, (document, source) in enumerate(documents):
        try:
            answer = client.translate_document(source, to=OTHER[document.language], source=document.language)
        except PolygistError as error:
            cases.append(Case(f"structure, {document.group}", document.name, str(error)))
            continue
        written[f"{at}.docx"] = answer.document
        for aspect, find in (("structure", find_structure_fault), ("paragraphs", find_lost_paragraph)):
            fault = find(source, answer.document)
            cases.append(Case(f"{aspect}, {document.group}", document.name, fault, bool(answer.warnings)))
    if SOFFICE:
        opened = convert(written, "fodt")
        for name, content in written.items():
            document, _ = documents[int(name.removesuffix(".docx"))]
            shown = opened.get(name.removesuffix(".docx"))
            fault = find_unseen(content, shown) if shown else "not opened"
            cases.append(Case(f"opened by LibreOffice, {document.group}", document.name, fault))
    notes = [] if SOFFICE else [ABSENT]
    notes += [] if data else ["Without DATA the sentences of articles are missing, and pages."]
    return Kind("Documents of Word", cases, target=1.0, notes=tuple(notes))


def make_with_libreoffice(data: DataFolder | None) -> Iterator[tuple[Document, bytes]]:
    """Yield documents that LibreOffice has made of pages and of ODF."""
    sources = [*make_sources(data)]
    for ending in ("html", "fodt"):
        files = {f"{at}.{ending}": each.text.encode() for at, (each, own) in enumerate(sources) if own == ending}
        made = convert(files, DOCX) if files else {}
        for name in files:
            at = name.partition(".")[0]
            document = sources[int(at)][0]
            yield Document(f"LibreOffice, {document.group}", document.name, document.language, ""), made[at]
