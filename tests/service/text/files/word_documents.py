"""Documents of Word made of hand-written XML, and what stands in them."""

import io
import zipfile
from html import escape, unescape

from lxml import etree
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import ReadOptions, TranslatedText
from polygist_service.text.documents.files.kinds import WORD
from polygist_service.text.documents.html.tokens import TokenKind, read_attributes, read_tokens

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMESPACES = {
    "w": W,
    "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
    "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
    "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
    "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
    "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
    "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
    "w14": "http://schemas.microsoft.com/office/word/2010/wordml",
    "v": "urn:schemas-microsoft-com:vml",
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
}
DECLARATIONS = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMESPACES.items())
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
OFFICE = "application/vnd.openxmlformats-officedocument."
TYPES = {
    "word/document.xml": f"{OFFICE}wordprocessingml.document.main+xml",
    "word/styles.xml": f"{OFFICE}wordprocessingml.styles+xml",
    "word/header1.xml": f"{OFFICE}wordprocessingml.header+xml",
    "word/footer1.xml": f"{OFFICE}wordprocessingml.footer+xml",
    "word/footnotes.xml": f"{OFFICE}wordprocessingml.footnotes+xml",
    "word/endnotes.xml": f"{OFFICE}wordprocessingml.endnotes+xml",
    "word/comments.xml": f"{OFFICE}wordprocessingml.comments+xml",
    "word/charts/chart1.xml": f"{OFFICE}drawingml.chart+xml",
    "word/diagrams/data1.xml": f"{OFFICE}drawingml.diagramData+xml",
    "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
    "word/vbaProject.bin": "application/vnd.ms-office.vbaProject",
    "_xmlsignatures/sig1.xml": "application/vnd.openxmlformats-package.digital-signature-xmlsignature+xml",
}
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
RELATED = {
    "word/document.xml": f"{NAMESPACES['r']}/officeDocument",
    "docProps/core.xml": f"{RELATIONS}/metadata/core-properties",
}
OPTIONS = ReadOptions(unpacked_bytes=1 << 24, members=100)


def part(name, inner):
    """A part whose root has a name and all namespaces."""
    return f"{XML}<w:{name} {DECLARATIONS}>{inner}</w:{name}>".encode()


def make_docx(body, parts=None, *, types=None):
    """A document with a body and other parts; those that are no bytes are put into a root of their own name."""
    parts = {"word/document.xml": part("document", f"<w:body>{body}<w:sectPr/></w:body>"), **(parts or {})}
    types = {**TYPES, **(types or {})}
    declared = "".join(f'<Override PartName="/{name}" ContentType="{types[name]}"/>' for name in parts if name in types)
    listed = (
        f'{XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{declared}</Types>'
    )
    related = "".join(
        f'<Relationship Id="rId{at}" Type="{RELATED[name]}" Target="{name}"/>'
        for at, name in enumerate(name for name in parts if name in RELATED)
    )
    relations = f'<Relationships xmlns="{RELATIONS}">{related}</Relationships>'
    return make_zip({"[Content_Types].xml": listed, "_rels/.rels": relations, **parts})


def make_zip(members):
    """A zip of members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1999, 12, 31, 23, 58, 2)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def read_word(document):
    """A document that was read."""
    return read_file(document, WORD, OPTIONS)


def page_of(body, parts=None):
    """The page that a document is."""
    (text,) = read_word(make_docx(body, parts)).texts
    return text.text


def shout(page):
    """The page in the language of those who shout; what is kept is as it was."""
    parts = []
    kept = 0
    for token in read_tokens(page):
        shown = page[token.start : token.end]
        if token.kind is TokenKind.START:
            kept += "translate=no" in shown or token.name == "code" or (kept and token.name not in ("br", "img"))
            found = read_attributes(page, token).get("alt")
            if found:
                value = escape(unescape(found.value).upper())
                shown = page[token.start : found.start] + value + page[found.end : token.end]
        elif token.kind is TokenKind.END:
            kept -= bool(kept)
        elif token.kind is TokenKind.TEXT and not kept:
            shown = escape(unescape(shown).upper(), quote=False)
        parts.append(shown)
    return "".join(parts)


def write(document, change=shout, language="pt"):
    """The document, its page changed."""
    file = read_word(document)
    return file.write([TranslatedText(change(each.text)) for each in file.texts], language)


def read_bytes(document, name):
    """The bytes of a part."""
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return archive.read(name)


def read_part(document, name="word/document.xml"):
    """A part of a document, of the body what is in it, without namespaces."""
    root = etree.fromstring(read_bytes(document, name))
    inner = root[0] if name == "word/document.xml" else root
    shown = "".join(etree.tostring(each, encoding="unicode", with_tail=False) for each in inner)
    for prefix, namespace in NAMESPACES.items():
        shown = shown.replace(f' xmlns:{prefix}="{namespace}"', "")
    return shown.removesuffix("<w:sectPr/>")


def rewrite(body, change=shout, parts=None, language="pt"):
    """The body of a document, its page changed."""
    return read_part(write(make_docx(body, parts), change, language).document)
