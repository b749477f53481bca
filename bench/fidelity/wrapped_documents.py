"""Wrapped documents: sentences in HTML and Markdown are translated as well as plain ones; summaries cite the page."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from polygist_client import Client
from polygist_client.options import MimeType
from sacrebleu.metrics.bleu import BLEU
from selectolax.lexbor import LexborHTMLParser

from bench.fidelity.documents.calls import HTML, MARKDOWN, find_error, summarise_document, translate_documents
from bench.fidelity.documents.html_structure import MARKUP, tokenize
from bench.fidelity.documents.html_templates import templated_pages
from bench.fidelity.documents.markdown_structure import PARSER
from bench.fidelity.documents.markdown_templates import SIGNS
from bench.fidelity.documents.templates import Document
from bench.fidelity.kinds import Case, Kind
from bench.quality.sets import DataFolder, ParallelSet, read_translation_sets

SETS = ("ntrex128", "flores_devtest", "flores_dev")
LINES_OF_A_DOCUMENT = 40
MOST_LOST = 0.5
SUMMARISED = 48
SENTENCES = 5
# Digits of <sup> and <sub>, as a text without tags has them.
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉", "0123456789" * 2)
# References to notes, which no summary has.
NOTE = re.compile(r"<sup[^<>]*>(?:<a[^<>]*>)?(?:\[|&#91;)\d+(?:\]|&#93;)(?:</a>)?</sup>", re.IGNORECASE)
# Elements whose letters no reader sees.
UNSEEN = frozenset(("-comment", "iframe", "math", "script", "style", "svg", "template", "textarea"))


@dataclass(frozen=True, slots=True)
class Format:
    """A way to wrap sentences.

    Attributes:
        name: such as "HTML".
        blocks: what stands around a sentence, in turn.
        marks: what stands around some of its words.
        escape: makes a sentence text of that format.
        read: returns the sentences of a document.
    """

    name: str
    mime_type: MimeType
    blocks: Sequence[str]
    marks: Sequence[tuple[str, str]]
    escape: Callable[[str], str]
    read: Callable[[str], list[str]]

    def wrap(self, sentences: Sequence[str]) -> str:
        """Return a document in which each sentence is a block."""
        random = Random(sentences[0])
        marked = [self.mark_words(sentence, random) for sentence in sentences]
        return "".join(self.blocks[at % len(self.blocks)].format(each) for at, each in enumerate(marked))

    def mark_words(self, sentence: str, random: Random) -> str:
        """Return a sentence with marks around some of its words, once in a dozen around the first of two."""
        out, words = [], sentence.split()
        while words:
            count = random.randint(1, 3) if random.random() < 0.12 else 0
            part, words = words[: max(1, count)], words[max(1, count) :]
            text = " ".join(part)
            found = re.fullmatch(r"(\W*)(\w.*?)(\W*)", text) if count else None
            if not found:
                out.append(self.escape(text))
                continue
            start, end = random.choice(self.marks)
            before, inner, after = map(self.escape, found.groups())
            out.append(f"{before}{start}{inner}{end}{after}")
        return " ".join(out)


def read_page(page: str) -> list[str]:
    """Return the texts of the blocks of a page."""
    blocks = LexborHTMLParser(page).css("h2, p, li, td")
    return [" ".join(block.text(separator="").split()) for block in blocks]


def read_markdown(document: str) -> list[str]:
    """Return the texts of the blocks of a Markdown document."""
    blocks = [token.children or [] for token in PARSER.parse(document) if token.type == "inline"]
    texts = ("".join(" " if child.type == "softbreak" else child.content for child in children) for children in blocks)
    return [" ".join(text.split()) for text in texts]


def escape_markdown(text: str) -> str:
    """Return text in which no sign is a mark, at the beginning of a line neither."""
    return re.sub(r"^([-+>]|\d+(?=[.)](?:\s|$)))", escape_start, SIGNS.sub(r"\\\1", text)).replace("&", "&amp;")


def escape_start(found: re.Match[str]) -> str:
    """Return the first sign of a text, or its first number, such that it begins no list and no quotation."""
    start = found.group()
    return f"{start}\\" if start.isdigit() else f"\\{start}"


FORMATS = (
    Format(
        "HTML",
        HTML,
        (
            "<h2>{}</h2>\n",
            "<p>{}</p>\n",
            "<p>\n  {}\n</p>\n",
            "<ul><li>{}</li></ul>",
            "<table><tr><td>{}</td></tr></table>",
        ),
        (("<b>", "</b>"), ("<i>", "</i>"), ('<a href="/x?a=1&amp;b=2">', "</a>"), ("<em><u>", "</u></em>")),
        lambda text: html.escape(text, quote=False),
        read_page,
    ),
    Format(
        "Markdown",
        MARKDOWN,
        ("## {}\n\n", "{}\n\n", "* {}\n\n", "> {}\n\n", "1. {}\n\n"),
        (("**", "**"), ("*", "*"), ("[", "](/x?a=1&b=2)"), ("***", "***")),
        escape_markdown,
        read_markdown,
    ),
)


def measure(client: Client, data: DataFolder | None) -> Kind:
    """Compare BLEU of wrapped and of plain sentences, and the citations of summaries with the pages."""
    cases: list[Case] = []
    notes = [] if data else ["Without DATA there is nothing to wrap."]
    for each in read_translation_sets(data) if data else ():
        if each.name in SETS:
            plain, scores = compare(client, each, cases)
            figures = ", ".join(f"{name} {score:.2f}" for name, score in scores.items())
            notes.append(f"BLEU, {each.name} {each.direction}: plain {plain:.2f}, {figures}.")
    for page in templated_pages(data, SUMMARISED) if data else ():
        cases += cite(client, page)
    return Kind("Wrapped documents", cases, target=1.0, notes=tuple(notes))


def compare(client: Client, each: ParallelSet, cases: list[Case]) -> tuple[float, dict[str, float]]:
    """Return BLEU of a set's plain sentences and of each format's, and append a case for each format."""
    answers = client.translate_many(each.sources, to=each.target, source=each.source)
    plain = score([answer.text for answer in answers], each)
    scores = {}
    for form in FORMATS:
        parts = [each.sources[at : at + LINES_OF_A_DOCUMENT] for at in range(0, len(each.sources), LINES_OF_A_DOCUMENT)]
        documents = [form.wrap(part) for part in parts]
        found: list[str] = []
        fault = ""
        translations = translate_documents(client, documents, form.mime_type, each.source)
        for part, translation in zip(parts, translations, strict=True):
            read = form.read(translation.text)
            if len(read) != len(part):
                fault = find_error(translation) or f"{len(read)} blocks came of {len(part)}"
            found += [*read, *[""] * len(part)][: len(part)]
        scores[form.name] = score(found, each)
        if abs(scores[form.name] - plain) > MOST_LOST:
            fault = f"BLEU {scores[form.name]:.2f}, of plain sentences {plain:.2f}"
        cases.append(Case(f"BLEU, {form.name}", f"{each.name} {each.direction}", fault))
    return plain, scores


def score(outputs: Sequence[str], each: ParallelSet) -> float:
    """Return the BLEU of translations of a set."""
    return float(BLEU().corpus_score(outputs, each.references).score)


def cite(client: Client, page: Document) -> Iterator[Case]:
    """Yield a case for each citation of a page's summary."""
    summary = summarise_document(client, page.text, HTML, page.language, SENTENCES)
    group = f"citations, {page.language}"
    if not any(sentence.citations for sentence in summary.sentences):
        yield Case(group, f"{page.group} {page.name}", "no citation", bool(summary.warnings))
    for sentence in summary.sentences:
        for citation in sentence.citations:
            said = visible_text(citation.span.of(page.text))
            fault = (
                ""
                if said == " ".join(sentence.text.translate(RAISED).split())
                else f"cites {said!r} for {sentence.text!r}"
            )
            yield Case(group, f"{page.group} {page.name}", fault, bool(summary.warnings))


def visible_text(passage: str) -> str:
    """Return what a reader sees of a passage of a page."""
    tokens = tokenize(NOTE.sub("", passage))
    seen = "".join(token.letters if not token.name else show(token.name, token.letters) for token in tokens)
    return " ".join(html.unescape(seen).split())


def show(name: str, letters: str) -> str:
    """Return what a reader sees of a tag, or of an element that stays as it is."""
    if name == "br":
        return " "
    return "" if name in UNSEEN else MARKUP.sub("", letters)
