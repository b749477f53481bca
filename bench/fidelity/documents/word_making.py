"""Documents of Word made of the sentences of articles: by python-docx, and by LibreOffice; the same in each run."""

import html
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import docx
from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Pt, RGBColor

from bench.fidelity.documents.html_templates import templated_pages
from bench.fidelity.documents.templates import LANGUAGES, Document, Filler, read_articles
from bench.quality.sets import DataFolder

CASES = Path(__file__).parents[1] / "cases" / "word"
PAGES, REPORTS = 10, 10
TRACKED = ' w:id="{0}" w:author="A" w:date="2020-01-01T00:00:00Z"'


def read_sentences(data: DataFolder | None, language: str) -> list[list[str]]:
    """Return the sentences of articles; without data those that come with this package."""
    if data and (articles := read_articles(data, language)):
        return articles
    return [(CASES / f"sentences.{language}.txt").read_text("utf-8").splitlines()]


class WordMaker:
    """Makes one document with python-docx.

    Args:
        sentences: of an article; over again where they do not suffice.
        random: what it chooses by.
    """

    def __init__(self, sentences: Sequence[str], random: Random) -> None:
        self._sentences = cycle(sentences)
        self._random = random
        self._document = docx.Document()
        self._number = 100
        self._kinds: Sequence[Callable[[], Any]] = (
            *(self._add_paragraph, self._add_paragraph, self._add_list, self._add_table, self._add_fields),
            *(self._add_link, self._add_changes, self._add_box, self._add_picture, self._add_comment, self._add_lines),
        )

    def make(self) -> bytes:
        """Return a document with one of everything, in some order."""
        document = self._document
        document.core_properties.title = self._next()
        document.sections[0].header.paragraphs[0].text = self._next()
        self._write(document.sections[0].footer.paragraphs[0])
        document.add_heading(self._next(), 1)
        for kind in self._random.sample(self._kinds, len(self._kinds)):
            kind()
        made = io.BytesIO()
        document.save(made)
        return made.getvalue()

    def _next(self) -> str:
        return next(self._sentences)

    def _write(self, paragraph: Any) -> Any:
        """Write a sentence whose words look in several ways, in runs as Word parts them; return the paragraph."""
        words = re.findall(r"\s*\S+", self._next())
        while words:
            count = self._random.randint(1, 5)
            run = paragraph.add_run("".join(words[:count]))
            look = self._random.randrange(12)
            run.bold = True if look == 0 else None
            run.italic = True if look in (1, 2) else None
            run.underline = True if look == 3 else None
            if look == 4:
                run.font.size = Pt(9)
            elif look == 5:
                run.font.color.rgb = RGBColor(200, 0, 0)
            elif look == 6:
                run.bold = False
            elif look == 7:
                paragraph._p.append(parse_xml(f'<w:proofErr {nsdecls("w")} w:type="spellStart"/>'))
            words = words[count:]
        return paragraph

    def _add_paragraph(self) -> Any:
        paragraph = self._write(self._document.add_paragraph())
        paragraph.add_run(" ")
        return self._write(paragraph)

    def _add_list(self) -> None:
        for style in ("List Bullet", "List Number"):
            self._write(self._document.add_paragraph(style=style))

    def _add_table(self) -> None:
        table = self._document.add_table(2, 2, style="Table Grid")
        table.cell(0, 0).text = self._next()
        table.cell(0, 1).text = "1,234.5"
        self._write(table.cell(1, 0).paragraphs[0])
        inner = table.cell(1, 1).add_table(1, 1)
        self._write(inner.cell(0, 0).paragraphs[0])

    def _add_lines(self) -> None:
        paragraph = self._document.add_paragraph(self._next())
        paragraph.add_run().add_tab()
        paragraph.add_run("12").add_break()
        self._write(paragraph)
        paragraph.add_run().add_break(WD_BREAK.PAGE)

    def _add_fields(self) -> None:
        paragraph = self._write(self._document.add_paragraph())
        for code, shown in (("PAGE", "1"), ("DATE", "1.2.2020")):
            self._append(paragraph, f'<w:r {{}}><w:t xml:space="preserve"> {code.title()} </w:t></w:r>')
            for inner in (
                '<w:fldChar w:fldCharType="begin"/>',
                f'<w:instrText xml:space="preserve"> {code} </w:instrText>',
                '<w:fldChar w:fldCharType="separate"/>',
                f"<w:t>{shown}</w:t>",
                '<w:fldChar w:fldCharType="end"/>',
            ):
                self._append(paragraph, f"<w:r {{}}>{inner}</w:r>")

    def _append(self, paragraph: Any, xml: str) -> None:
        paragraph._p.append(parse_xml(xml.replace("{}", nsdecls("w"), 1)))

    def _add_link(self) -> None:
        paragraph = self._write(self._document.add_paragraph())
        text = html.escape(" ".join(self._next().split()[:3]), quote=False)
        bookmark = '<w:bookmark{0} {{}} w:id="{1}" w:name="b{1}"/>'
        self._number += 1
        self._append(paragraph, bookmark.format("Start", self._number))
        run = f'<w:r><w:rPr><w:u w:val="single"/></w:rPr><w:t xml:space="preserve"> {text}</w:t></w:r>'
        self._append(paragraph, f'<w:hyperlink {{}} w:anchor="b{self._number}">{run}</w:hyperlink>')
        self._append(paragraph, f'<w:bookmarkEnd {{}} w:id="{self._number}"/>')
        paragraph.add_run(". ")
        self._write(paragraph)

    def _add_changes(self) -> None:
        paragraph = self._write(self._document.add_paragraph())
        text = html.escape(" ".join(self._next().split()[:4]), quote=False)
        for name, shown in (("ins", "t"), ("del", "delText")):
            self._number += 1
            run = f'<w:r><w:{shown} xml:space="preserve"> {text}</w:{shown}></w:r>'
            self._append(paragraph, f"<w:{name} {{}}{TRACKED.format(self._number)}>{run}</w:{name}>")
        paragraph.add_run(". ")
        self._write(paragraph)

    def _add_box(self) -> None:
        paragraph = self._write(self._document.add_paragraph())
        text = html.escape(self._next(), quote=False)
        content = f"<w:txbxContent><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:txbxContent>"
        box = f'<v:shape id="box" style="width:200pt;height:50pt"><v:textbox>{content}</v:textbox></v:shape>'
        paragraph._p.append(
            parse_xml(f'<w:r {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict>{box}</w:pict></w:r>')
        )

    def _add_picture(self) -> None:
        paragraph = self._write(self._document.add_paragraph())
        picture = paragraph.add_run().add_picture(io.BytesIO(make_picture()), Pt(40))
        picture._inline.docPr.set("descr", self._next())
        paragraph.add_run(" ")
        self._write(paragraph)

    def _add_comment(self) -> None:
        paragraph = self._add_paragraph()
        runs = paragraph.runs
        self._document.add_comment(runs[1 : max(2, len(runs) // 2)], text=self._next(), author="A")


def make_picture() -> bytes:
    """Return a PNG of one grey point."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n"]
    for name, content in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0\x80")), (b"IEND", b"")):
        parts += struct.pack(">I", len(content)), name, content, struct.pack(">I", zlib.crc32(name + content))
    return b"".join(parts)


def make_with_python(data: DataFolder | None, count: int) -> Iterator[tuple[Document, bytes]]:
    """Yield so many documents made by python-docx, in both languages."""
    for language in LANGUAGES:
        articles = cycle(read_sentences(data, language))
        for number in range(count // len(LANGUAGES)):
            name = f"{language} {number}"
            made = WordMaker(next(articles), Random(f"word {name}")).make()
            yield Document("python-docx", name, language, ""), made


class OpenMarkup:
    """Writes sentences as ODF, with spans around some of their words."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def mark_up(self, sentence: str, value: str) -> str:
        """See `templates.Markup`."""
        words, out = sentence.split(" "), []
        while words:
            count = self.random.randint(1, 4)
            text = self.escape(" ".join(words[:count]))
            look = self.random.randrange(8)
            out.append(f'<text:span text:style-name="T{look}">{text}</text:span>' if 0 < look < 4 else text)
            words = words[count:]
        return " ".join(out)

    def escape(self, text: str) -> str:
        """See `templates.Markup`."""
        return html.escape(text, quote=False)

    def quote(self, text: str) -> str:
        """See `templates.Markup`."""
        return html.escape(text)

    def paragraphs(self, sentences: Sequence[Sequence[str]]) -> str:
        """See `templates.Markup`."""
        return "\n".join(f"<text:p>{' '.join(each)}</text:p>" for each in sentences)


def make_sources(data: DataFolder | None) -> Iterator[tuple[Document, str]]:
    """Yield documents that LibreOffice makes documents of Word of, and the endings of their names: pages and ODF."""
    pages = [*templated_pages(data, 2 * PAGES)] if data else []
    at = (len(pages) - PAGES) // 2  # as many in one language as in the other
    yield from ((page, "html") for page in pages[max(0, at) :][:PAGES])
    template = (CASES / "report.fodt").read_text("utf-8")
    for language in LANGUAGES:
        articles = cycle(read_sentences(data, language))
        for number in range(REPORTS // len(LANGUAGES)):
            name = f"{language} {number}"
            filler = Filler(language, next(articles), OpenMarkup(Random(f"odf {name}")))
            yield Document("report", name, language, filler.fill(template)), "fodt"
