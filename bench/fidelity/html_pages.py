"""HTML pages: in another language they have the same tree, letters outside their text, and bold numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence

from polygist_client import Client, Translation
from selectolax.lexbor import LexborHTMLParser

from bench.fidelity.documents import HTML, OTHER, translate_documents
from bench.fidelity.html_templates import TEMPLATES, Page, templated_pages
from bench.fidelity.kinds import Case, Kind, Requirement
from bench.fidelity.markup import find_byte_fault, find_tree_fault, numbers
from bench.quality.sets import DataFolder

HAND_MADE = TEMPLATES / "hand_made.txt"
TEMPLATED = 160
BOLD_TARGET = 0.98


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Translate each page and compare it with what came."""
    pages = [*hand_made_pages(), *(templated_pages(data, TEMPLATED) if data else ())]
    cases, kept, lost, unwritten = [], 0, Counter[str](), 0
    for page, translation in translate_pages(client, pages):
        cases += judge(page, translation)
        before, written, bold = count_bold(page.text, translation.text)
        kept += (before & bold).total()
        lost += (before & written) - bold
        unwritten += (before - written).total()
    asked = kept + lost.total()
    requirement = Requirement(
        f"Numbers in bold that stay in bold: {kept} of {asked} ({100 * kept / max(1, asked):.1f} %), "
        f"at least {100 * BOLD_TARGET:g} %; {unwritten} more are written otherwise in the translation",
        kept >= BOLD_TARGET * asked,
    )
    note = "" if data else "Without DATA the pages of articles are missing."
    return Kind("HTML pages", cases, target=1.0, notes=(note,) if note else (), further=(requirement,))


def hand_made_pages() -> Iterator[Page]:
    """Yield the pages that were written by hand; the head of their file says how."""
    for place, part in enumerate(HAND_MADE.read_text("utf-8").split("\n%% ")[1:]):
        head, _, body = part.partition("\n")
        name, language = head.rsplit(", ", 1)
        text = body.strip("\n").replace("\\r", "\r").replace("\\t", "\t").replace("\\0", "\0")
        yield Page("hand-made", f"{place} {name}", language, text)


def translate_pages(client: Client, pages: Sequence[Page]) -> Iterator[tuple[Page, Translation]]:
    """Yield each page with its translation to the other language."""
    for language in OTHER:
        own = [page for page in pages if page.language == language]
        yield from zip(own, translate_documents(client, [page.text for page in own], HTML, language), strict=True)


def judge(page: Page, translation: Translation) -> list[Case]:
    """Return a case for the tree of a page and one for its letters."""
    faults = {"tree": find_tree_fault, "letters": find_byte_fault}
    is_warned = bool(translation.warnings)
    return [
        Case(f"{aspect}, {page.group}", page.name, find(page.text, translation.text), is_warned)
        for aspect, find in faults.items()
    ]


def count_bold(source: str, target: str) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Return the bold numbers of a page, all numbers of its translation, and the bold ones of that."""
    before, after = LexborHTMLParser(source), LexborHTMLParser(target)
    return numbers(before, bold_only=True), numbers(after), numbers(after, bold_only=True)
