"""Addresses in running text: URLs, domains, hosts, e-mail addresses, @handles, #tags and paths, as far as they go.

What a reader would paste into a browser or a mail is the address; the punctuation of the sentence around it is not.
"""

import re
from collections.abc import Iterator

from polygist_service.text.abbreviations import words
from polygist_service.text.segmentation import Span

# What a URL is made of. Brackets and quotes of prose end it, as do white space and full-width punctuation; a comma
# does where another URL follows. An apostrophe, an en dash and letters of any script stand in paths of wikis.
URL_CHARACTERS = r"(?:[^\s<>\"“”„«»`—,;|。，、；：！？「」『』（）【】《》\x00-\x1f\x7f]|[,;|](?!\w++://|www\.|\s))"
LABEL = r"[^\W_](?:[\w-]*+)"
DOMAIN = rf"{LABEL}(?:\.{LABEL})++"
# Behind a host: a port, and what begins with one of "/?#".
REST = rf"(?P<rest>(?::\d{{1,5}}(?!\d))?(?:[/?#]{URL_CHARACTERS}*+)?)"

# Possessive quantifiers and a look behind each start: no character is read more than a few times.
SCHEMES = re.compile(
    r"(?<![^\W_])(?:(?i:https?|ftps?|sftp|ssh|git|svn|file|wss?|ldaps?|s3|gs|ipfs|rtsp|rtmp|irc|postgres(?:ql)?|mysql"
    r"|mongodb|redis|jdbc|amqp|grpc|tcp|udp|chrome|about|vscode|app)://(?=[\w\[/])|(?i:mailto|tel|sms|doi|urn|magnet):(?=[\w+?])"
    rf"|(?i:www)\.(?=[^\W_])){URL_CHARACTERS}++"
)
# A local part has at most 64 characters; `git@host:owner/repository` is an address too.
EMAILS = re.compile(
    rf"(?<![\w@])[^\W_](?:[\w.+%&=~-]|['’](?=\w)){{0,63}}+@{DOMAIN}(?::[\w.~-]++/[\w./~-]*+)?", re.UNICODE
)
HANDLES = re.compile(rf"(?<![\w@./])@[^\W\d](?:\w|\.(?=\w)){{0,38}}+(?!\w)(?:@{DOMAIN})?")
TAGS = re.compile(r"(?<![\w#&/])#[^\W\d](?:\w|-(?=\w)){1,80}+")
# Of a file: from a root, by drive letters, or with a suffix behind the last of several names.
PATHS = re.compile(
    r"(?<![\w./\\~@%+-])(?:(?:~|\.{1,2})?(?:/[\w.@+%-]+){2,}+/?|(?:~|\.{1,2})/[\w.@+%-]++|[A-Za-z]:\\[\w.\\@+%-]++"
    r"|[A-Za-z][\w-]*+(?:/[\w-]++)+\.[A-Za-z]\w{0,4}+)"
)
# Sixth version, and those of network cards.
NUMBERED = re.compile(
    r"(?<![\w:.])(?:(?=[0-9A-Fa-f:]{0,39}::)[0-9A-Fa-f:]{3,39}|(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}"
    r"|(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})(?![\w:])(?:/\d{1,3})?"
)
HOSTS = re.compile(
    rf"(?<![\w@.\-/\\$%&=+])(?:(?P<ip>(?:\d{{1,3}}\.){{3}}\d{{1,3}})(?![\w]|\.\d)|(?P<local>localhost)(?=[:/])"
    rf"|(?P<doi>10\.\d{{4,9}}(?=/))|(?P<domain>{DOMAIN})){REST}"
)

# Top-level domains that are words or endings in prose where a space behind a full stop was forgotten, or names of
# files; they are taken for a domain where a port or a path follows.
WORDS = words(
    """
    am as at be by do eh he in is it la me my na no pm se so to um us name post mobi travel today news world
    life live work page link test local home health academy school university community foundation global
    network systems software design studio digital
    """
)
COUNTRIES = words(
    """
    ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca
    cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo
    fr ga gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je
    jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo
    mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt
    pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk
    tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw
    """
)
GENERIC = words(
    """
    com org net gov edu mil int arpa info biz name mobi travel museum jobs coop aero asia cat tel post eco app
    dev blog shop store online site tech cloud xyz club agency news media press live world life today work
    digital wiki art bank health academy school university community foundation global network systems software
    design studio email page link local internal lan corp home test example invalid onion рф бел укр срб 中国 中國
    公司 网络 香港 台灣 한국
    """
)
TOP_LEVEL = COUNTRIES | GENERIC

# What ends a sentence or a quotation rather than an address.
TRAILING = ".,;:!?'’‘\"*…‚›‹"
CLOSING = {")": "(", "]": "[", "}": "{"}
BRACKETS = re.compile(r"[()\[\]{}]")
POSSESSIVE = re.compile(r"['’]s$")


def find_addresses(text: str) -> list[Span]:
    """Find the addresses in `text`, in linear time.

    Returns:
        Half-open spans in code points, in order and apart. Trailing punctuation and brackets that were not opened
        inside belong to the sentence.
    """
    found = sorted(candidates(text))
    spans: list[Span] = []
    for start, end in found:
        if spans and start < spans[-1][1]:
            continue
        if (end := start + address_length(text[start:end])) > start:
            spans.append((start, end))
    return spans


def candidates(text: str) -> Iterator[Span]:
    """Yield what is shaped like an address, with what may follow it; one may lie in another that starts before it."""
    if "://" in text or ":" in text or "www." in text.lower():
        yield from (found.span() for found in SCHEMES.finditer(text))
    if "@" in text:
        yield from (found.span() for found in EMAILS.finditer(text))
        yield from (found.span() for found in HANDLES.finditer(text))
    if ":" in text:
        yield from (found.span() for found in NUMBERED.finditer(text) if any(map(str.isalnum, found[0])))
    if "#" in text:
        yield from (found.span() for found in TAGS.finditer(text))
    if "/" in text or "\\" in text:
        yield from (found.span() for found in PATHS.finditer(text))
    yield from (found.span() for found in HOSTS.finditer(text) if is_host(found))


def is_host(found: re.Match[str]) -> bool:
    """Whether dotted labels are a host: by numbers that are octets, or by a top-level domain that there is."""
    if found["domain"] is None:
        return found["ip"] is None or all(int(octet) < 256 for octet in found["ip"].split("."))
    *labels, top = found["domain"].split(".")
    if found["domain"].isupper() and (len(labels) > 1 or top != "NET"):  # ASP.NET, VB.NET
        top = top.lower()
    if not (top in TOP_LEVEL or top.startswith("xn--")):
        return False
    if found["rest"] or top not in WORDS:
        return any(not label.isdecimal() for label in labels) or bool(found["rest"])
    return len(labels) > 1 and all(len(label) > 1 for label in labels)


def address_length(candidate: str) -> int:
    """How many characters of `candidate` are address: all before an unopened bracket, less the punctuation behind."""
    opened: list[str] = []
    for bracket in BRACKETS.finditer(candidate):
        if bracket[0] not in CLOSING:
            opened.append(bracket[0])
        elif opened and opened[-1] == CLOSING[bracket[0]]:
            opened.pop()
        else:
            candidate = candidate[: bracket.start()]
            break
    core = candidate.rstrip(TRAILING + "".join(opened))
    return len(POSSESSIVE.sub("", core).rstrip(TRAILING))
