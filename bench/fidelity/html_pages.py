"""HTML pages: in another language they have the same tree, letters outside their text, and bold numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence

from polygist_client import Client, Translation
from selectolax.lexbor import LexborHTMLParser

from bench.fidelity.documents.bold_numbers import BoldNumbers
from bench.fidelity.documents.calls import HTML, OTHER, find_error, translate_documents
from bench.fidelity.documents.html_structure import find_byte_fault, find_tree_fault, numbers
from bench.fidelity.documents.html_templates import TEMPLATES, templated_pages
from bench.fidelity.documents.templates import Document
from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder

HAND_MADE = TEMPLATES / "hand_made.txt"
TEMPLATED = 160


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each page and compare it with what came."""
    pages = [*hand_made_pages(), *(templated_pages(data, TEMPLATED) if data else ())]
    cases: list[Case] = []
    bold = BoldNumbers()
    for page, translation in translate_pages(client, pages):
        cases += judge(page, translation)
        bold.add(*count_bold(page.text, translation.text))
    note = "" if data else "Without DATA the pages of articles are missing."
    return Kind("HTML pages", cases, target=1.0, notes=(note,) if note else (), further=(bold.requirement(),))


def hand_made_pages() -> Iterator[Document]:
    """Yield the pages that were written by hand; the head of their file says how."""
    for place, part in enumerate(HAND_MADE.read_text("utf-8").split("\n%% ")[1:]):
        head, _, body = part.partition("\n")
        name, language = head.rsplit(", ", 1)
        text = body.strip("\n").replace("\\r", "\r").replace("\\t", "\t").replace("\\0", "\0")
        yield Document("hand-made", f"{place} {name}", language, text)


def translate_pages(client: Client, pages: Sequence[Document]) -> Iterator[tuple[Document, Translation]]:
    """Yield each page with its translation to the other language."""
    for language in OTHER:
        own = [page for page in pages if page.language == language]
        yield from zip(own, translate_documents(client, [page.text for page in own], HTML, language), strict=True)


def judge(page: Document, translation: Translation) -> list[Case]:
    """Return a case for the tree of a page and one for its letters."""
    faults = {"tree": find_tree_fault, "letters": find_byte_fault}
    is_warned, error = bool(translation.warnings), find_error(translation)
    return [
        Case(f"{aspect}, {page.group}", page.name, error or find(page.text, translation.text), is_warned)
        for aspect, find in faults.items()
    ]


def count_bold(source: str, target: str) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return the bold numbers of a page, all numbers of its translation, and the bold ones of that."""
    before, after = LexborHTMLParser(source), LexborHTMLParser(target)
    return numbers(before, bold_only=True), numbers(after), numbers(after, bold_only=True)
