"""The encodings of texts by their names, and the one that a page of HTML declares."""

import codecs
import re
from collections.abc import Iterator, Mapping

HEAD_BYTES = 100_000
# What may declare it, and what has declarations in it that are none: comments, scripts and styles.
START = re.compile(rb"<(?:(?P<closed>!--|script\b|style\b)|(?P<xml>\?xml\s)|meta(?=[\s/]))", re.IGNORECASE)
ENDS: Mapping[bytes, bytes] = {b"!--": b"-->", b"script": b"</script", b"style": b"</style"}
ATTRIBUTE = re.compile(rb"""(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([^\s"';,]+)""")
# What browsers read for what Python calls so: often something that has more characters (encoding.spec.whatwg.org).
CODECS: Mapping[str, str] = {
    **{name: name for name in ("cp866", "koi8-r", "koi8-u", "euc_jp", "iso2022_jp", "gb18030", "cp932", "cp949")},
    **{name: name for name in ("big5hkscs", "mac-roman", "mac-cyrillic")},
    **{f"cp{number}": f"cp{number}" for number in (874, *range(1250, 1259))},
    **{f"iso8859-{number}": f"iso8859-{number}" for number in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("tis-620", "iso8859-11"), "cp874"),
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
# What browsers never write of that, by Python's name for what is declared; they read it, but not all programs do.
UNWRITTEN: Mapping[str, re.Pattern[bytes]] = {
    **dict.fromkeys(("gb2312", "gbk"), re.compile(rb".{4}", re.DOTALL)),
    **dict.fromkeys(("big5", "big5hkscs"), re.compile(rb"[\x80-\xa0]")),
    **dict.fromkeys(("shift_jis", "cp932"), re.compile(rb"[\x80\xa0\xfd-\xff]\Z")),
    "euc_jp": re.compile(rb"\x8f"),
    "koi8-u": re.compile(rb"[\xae\xbe]"),  # other letters for browsers
}
# Names that Python does not know.
LABELS: Mapping[str, str] = {
    "x-user-defined": "cp1252", "x-cp1252": "cp1252", "windows-874": "cp874", "windows-31j": "cp932", "x-sjis": "cp932",
    "windows-949": "cp949", "x-gbk": "gbk", "x-x-big5": "big5hkscs", "iso-8859-8-i": "iso8859-8",
    "x-mac-roman": "mac-roman", "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic", "koi": "koi8-r",
}  # fmt: skip

# What Python calls the encodings of Unicode that a label may name, and which it is without a mark; ASCII is UTF-8.
UNICODE: Mapping[str, str] = {
    **{name: name for name in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")},
    "ascii": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le",
}  # fmt: skip


def find_encoding(label: str) -> str:
    """Find Python's codec for what an encoding is called; empty where none is known that texts are written in."""
    return UNICODE.get(find_name(label)) or find_codec(label)


def find_charset(raw: bytes) -> tuple[str, str]:
    """Find the encoding that a page declares.

    What can be read so far is no UTF-16: a page that declares that is in UTF-8, for browsers too.

    Returns:
        Its name there and Python's codec for it; both empty where it declares none, an unknown one, or Unicode.
    """
    label = next(declared_labels(raw[:HEAD_BYTES].lower()), b"").decode("ascii", "replace").strip()
    codec = find_codec(label)
    return (label, codec) if codec else ("", "")


def declared_labels(head: bytes) -> Iterator[bytes]:
    """Yield the encodings that a page declares, in lower case as it is itself."""
    place = 0
    while found := START.search(head, place):
        end = head.find(ENDS.get(found["closed"] or b"", b">"), found.end())
        if end < 0:
            return
        inside, place = head[found.end() : end], end
        if found["closed"]:
            continue
        attributes = {each[1]: each[2] or each[3] or each[4] or b"" for each in ATTRIBUTE.finditer(inside)}
        if found["xml"]:
            label = attributes.get(b"encoding", b"")
        elif attributes.get(b"http-equiv") == b"content-type":
            said = CHARSET.search(attributes.get(b"content", b""))
            label = said[1] if said else b""
        else:
            label = attributes.get(b"charset", b"")
        if label:
            yield label


def find_codec(label: str) -> str:
    """Find Python's codec for the name of an encoding; empty where it is none that browsers know, or Unicode."""
    return CODECS.get(find_name(label), "")


def find_name(label: str) -> str:
    """Find Python's name for an encoding as it is called; empty where it has none."""
    try:
        return codecs.lookup(LABELS.get(label.lower(), label)).name
    except (LookupError, ValueError):
        return ""


def lacks_letter(label: str, codec: str, letter: str) -> bool:
    """Tell whether browsers have no bytes for a letter beyond ASCII in an encoding that is called so."""
    try:
        written = letter.encode(codec)
    except UnicodeEncodeError:
        return True
    unwritten = UNWRITTEN.get(find_name(label))
    return written.decode(codec) != letter or bool(unwritten and unwritten.match(written))
