"""The lines of a page that are no part of its article: bylines, captions, banners, navigation, prompts, notices.

There are two ways to know one. Some begin with a label or say what nothing else says ("Photograph: ...", "All rights
reserved"). Others are told by what they have together: whom they address, what they ask for, and the words of web
pages; no one of these is enough, as articles are about cookies, subscribers and newspapers too. What somebody is
reported to have said is part of the article. A line is judged as a whole first: a caption may have three sentences of
which only the last has the credit.

That a line has no full stop is not looked at here but by `selection`, which prefers sentences that have one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from polygist_service.summarisation import boilerplate_terms as terms
from polygist_service.text.documents.base import Segment
from polygist_service.text.segmentation import fold

# What a sentence ends with, before quotes and brackets that close, marks of direction and marks of notes.
ENDS = ".!?…:;。！？；：．｡‼⁇⁈⁉।॥۔؟؛։።፡፧፨᙮᠃᠉᱾᱿꘎꤯꧉꩝꫰။។៕།༎"
CLOSERS = re.compile(
    r"(?:[\"'”’“‘»«›‹)\]}*」』）》〉】〕\u200e\u200f\u202a-\u202e\u2066-\u2069]|\[\d{1,3}\]|(?<=[\u200e\u200f])\s)+$"
)
# Scripts whose sentences have no mark at their end, as Thai and Lao; a bar that stands for the mark of an Indic one.
UNMARKED = re.compile(r"[\u0e00-\u0eff\u1950-\u19df\u1a20-\u1aaf\uaa80-\uaadf]$")
BAR = re.compile(r"[\u0900-\u0dff]\s?[|\u09f7]$")
TERM = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
NAME = r"[A-ZÀ-Ý][\w.'’-]*"
# What somebody is quoted with; a name or a title between quotes is shorter.
QUOTED = re.compile(r"[\"“«][^\"“”«»]{20,}[\"”»]")

# Longer lines are paragraphs, of which only sentences can be boilerplate.
MOST_WORDS_OF_A_LINE = 80
MOST_CHARACTERS_OF_A_CREDIT = 200
MOST_CHARACTERS_OF_AN_END = 40
# Below this share of names and words that stand among them, it is no list of names.
NAMES_SHARE = 0.85
# So many points make a prompt of a whole line, and so many of a sentence among others: see `score_prompt`. Articles
# about programs and web sites tell their readers what to do too, but not in lines of their own.
PROMPT, PROMPT_AMONG_OTHERS, CERTAIN = 4, 7, 100
# Where no more than this share of its sentences speak to the reader, an article does not.
VOICES_SHARE = 0.1
# So many clauses are looked at for a command.
MOST_CLAUSES = 4
# A short line that begins like a byline or has a separator is one whatever it ends with.
SHORT = 12
# So many lines at either end of an article are where biographies stand.
EDGE = 3
# More characters are never looked at: the rest of an endless line says nothing new.
MOST_CHARACTERS = 2000

LABEL = re.compile(rf"^\W*+(?:{terms.LABELS})(?:\s+(?:of|de|da|do|das|dos)\s+\w+)?\s*[:|]", re.IGNORECASE)
CAPTION = re.compile(rf"^\W*+(?:{terms.CAPTION_STARTS})", re.IGNORECASE)
CREDIT = re.compile(
    rf"(?:\b(?:{terms.CREDITS})\s*(?::|©|\bby\b|\bcourtesy\b)[^.!?]{{0,100}}|[/(]\s*(?:{terms.AGENCIES})\b[^.!?]{{0,40}})"
    r"(?:[.)\s]|\w\.)*$",
    re.IGNORECASE,
)
# "A fireman carries a child from the house, Brenmouth, 3 March 1974."
DATED = re.compile(rf",\s{NAME}(?:\s{NAME})?,\s(?:\d{{1,2}}\s(?:de\s)?\w+|{NAME}\s\d{{1,2}},)\s(?:de\s)?\d{{4}}\.?$")
BYLINE = re.compile(rf"^\W*+(?i:{terms.BYLINE_STARTS})\s+(?:(?:the|a|o|os|as)\s+)?{NAME}")
CREDITS_OF_WORK = re.compile(rf"^\W*+(?:{terms.WORK_STARTS})", re.IGNORECASE)
NAME_AND_ROLE = re.compile(rf"^{NAME}(?:\s+(?:d[aeo]s?\s+)?{NAME}){{1,4}},?\s")
ROLE = re.compile(rf"\b(?:{terms.ROLES})\b", re.IGNORECASE)
FULL_NAME = rf"{NAME}(?:\s+(?:d[aeo]s?\s+)?{NAME}){{0,4}}"
BIOGRAPHY = re.compile(
    rf"^(?:(?:Natural|Nascid[oa])\s[^.,]{{2,40}},\s)?{FULL_NAME}(?:,?\s(?:and|e)\s{FULL_NAME})?,?\s+"
    rf"(?:(?:is|are|has been|é|são|tem sido)\s+(?:[^\s.,;]+\s+){{0,6}}?(?:{terms.ROLES})"
    rf"|an?\s[^.]{{0,40}}\b(?:{terms.ROLES})\b[^.]{{0,40}},\sis\s"
    r"|(?:covers|edits|cobre|writes\s+(?:about|for)|reports\s+(?:on|for|from)|escreve\s+(?:sobre|para|n[ao])))\b"
)
# "Bob Ray, Aldport correspondent, was at the scene": a title without an article is that of a byline.
TITLED = re.compile(
    rf"^{FULL_NAME},\s(?!(?:an?|the|um|uma|o|a)\s)(?:[^\s,.]+\s){{0,3}}(?:{terms.ROLES})(?:\s[^\s,.]+){{0,3}},\s"
)
MARK_OF_BIOGRAPHY = re.compile(terms.BIOGRAPHIES, re.IGNORECASE)
STAMP = re.compile(rf"^\W*+(?:{terms.STAMPS})\b(?=.{{0,40}}(?:\d|\b(?:ago|now|today|agora|hoje)\b))", re.IGNORECASE)
READING_TIME = re.compile(terms.READING_TIMES, re.IGNORECASE)
COUNT = re.compile(rf"^\W*+[\d.,]+\s*(?:k|mil)?\s*(?:{terms.COUNTED})\W*+$", re.IGNORECASE)
PHRASE = re.compile(terms.PHRASES, re.IGNORECASE)
START = re.compile(rf"^\W*+(?:{terms.STARTS})", re.IGNORECASE)
SEPARATOR = re.compile(r"\s[|›»>•·/]\s|\|")
HEADING = re.compile(rf"^\W*+(?:{terms.LINK_HEADINGS})\W*+$", re.IGNORECASE)
FINITE = re.compile(rf"\b(?:{terms.FINITE_VERBS})\b", re.IGNORECASE)
THIS_ARTICLE = re.compile(rf"\b(?:{terms.THIS_ARTICLE})\b", re.IGNORECASE)
DEIXIS = re.compile(rf"\b(?:{terms.DEIXIS})\b", re.IGNORECASE)
CLAUSE = re.compile(r"[;:!?]\s|,\s(?=torne-se|inicie|crie|please|por favor)")
ENCLITIC = re.compile(r"-(?:nos|a|o|as|os|lhe)$")
# When an entry of a live blog was written.
ENTRY_STAMP = re.compile(
    r"^\W*+\d{1,2}\s?(?:[:h]\s?\d{2}|[:h.]\d{2}\s?(?:am|pm)|h|am|pm)\s?(?:hrs?|am|pm|a\.m\.|p\.m\.)?\s*"
    r"(?:[A-Z]{2,4}\b\s*(?:[-–—:|]\s+)?|[-–—:|]\s+|(?=[A-ZÀ-Ý]))(?=[\"“«'‘(]?[A-ZÀ-Ý])"
)


def trim_stamp(sentence: Segment) -> Segment:
    """Return an entry of a live blog without the time at its beginning ("14h32 - The mayor ...")."""
    stamp = ENTRY_STAMP.match(sentence.text[:40])
    if not stamp or len(sentence.text) != sentence.end - sentence.start:
        return sentence
    return replace(sentence, start=sentence.start + stamp.end(), text=sentence.text[stamp.end() :])


def ends_sentence(text: str) -> bool:
    """Whether `text` ends as sentences do; one in a script without such marks always does."""
    bare = find_bare_end(text)
    return bare.endswith(tuple(ENDS)) or bool(BAR.search(bare) or UNMARKED.search(bare))


def lacks_mark(text: str) -> bool:
    """Whether `text` ends in a script whose sentences have no mark there: it may be one, or a heading."""
    return bool(UNMARKED.search(find_bare_end(text)))


def find_bare_end(text: str) -> str:
    """Return the end of `text` without quotes and brackets that close."""
    return CLOSERS.sub("", text.rstrip()[-MOST_CHARACTERS_OF_AN_END:]).rstrip()


@dataclass(frozen=True, slots=True)
class Score:
    """What one sentence has of boilerplate.

    Attributes:
        points: CERTAIN for what only boilerplate says; else see `score_prompt`.
        is_addressed: whether it speaks to the reader, or for those who made the page.
        is_command: whether it has points for a command.
    """

    points: int
    is_addressed: bool = False
    is_command: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """The sentences of one block, and where its block stands.

    Attributes:
        text: the whole of it, with what stands between sentences and cells, up to a number of characters.
        indices: of its sentences.
        texts: theirs.
        is_edge: whether it is among the first or the last of the article.
    """

    text: str
    indices: Sequence[int]
    texts: Sequence[str]
    is_edge: bool


def find_boilerplate(sentences: Sequence[Segment], text: str) -> frozenset[int]:
    """Return the indices of the sentences that are no part of an article, which may be all of them.

    Args:
        sentences: all of an article, in order.
        text: of the article.
    """
    scores = [score_sentence(sentence.text) for sentence in sentences]
    # Where the article itself speaks to its reader, as guides do, that tells less.
    voices = sum(score.is_addressed and not score.points for score in scores)
    bonus = int(VOICES_SHARE * len(sentences) >= voices)
    points = [score.points + bonus * (score.points > 0) for score in scores]
    found: set[int] = set()
    is_below_heading = False
    for line in split_lines(sentences, text):
        is_open = len(line.texts) == 1 and not line.texts[0].rstrip().endswith(".")
        is_below_heading = bool(HEADING.match(line.text)) or (is_below_heading and is_open)
        hits = [at for at in line.indices if points[at] >= PROMPT]
        # A banner's other sentences may be as plain as any, but they do not begin it.
        first = line.indices[0]
        is_banner = 2 * len(hits) >= len(line.indices) and (first in hits or scores[first].is_addressed)
        if is_below_heading or is_banner or is_boilerplate_line(line):
            found.update(line.indices)
        else:
            found.update(at for at in hits if points[at] >= PROMPT_AMONG_OTHERS)
    return frozenset(found)


def split_lines(sentences: Sequence[Segment], text: str) -> Iterator[Line]:
    """Yield the lines that the sentences of an article make up."""
    lines = [list(group) for _, group in groupby(range(len(sentences)), key=lambda at: sentences[at].block)]
    for place, indices in enumerate(lines):
        is_edge = place < EDGE or place >= len(lines) - EDGE
        texts = [sentences[at].text for at in indices]
        source = fold(text[sentences[indices[0]].start : sentences[indices[-1]].end][:MOST_CHARACTERS])
        # With markup in it, or words that were cut at a line's end, the source is not what is read.
        whole = source if texts[0][:MOST_CHARACTERS] in source else " ".join(texts)
        yield Line(whole[:MOST_CHARACTERS], indices, texts, is_edge)


def is_boilerplate_line(line: Line) -> bool:
    """Whether a line is boilerplate as a whole."""
    text = line.text
    if len(text) == MOST_CHARACTERS:
        return False
    if is_navigation(text):
        return True
    if len(text.split()) > MOST_WORDS_OF_A_LINE:
        return False
    if COUNT.match(text) or LABEL.match(text) or CAPTION.match(text) or has_credit(text) or DATED.search(text[-60:]):
        return True
    if is_byline(text) or is_stamp(text):
        return True
    if line.is_edge and len(text.split()) <= SHORT and TITLED.match(text):
        return True
    return bool(BIOGRAPHY.match(text)) and (line.is_edge or bool(MARK_OF_BIOGRAPHY.search(text)))


def score_sentence(text: str) -> Score:
    """Return what one sentence has of boilerplate."""
    text = text[:MOST_CHARACTERS]
    # The country is not "us".
    lowered = text.replace("US", "U.S.").lower()
    words = [word.replace("’", "'") for word in TERM.findall(QUOTED.sub(" ", lowered))]
    if ("©" in text or not terms.PHRASE_WORDS.isdisjoint(words)) and PHRASE.search(text):
        return Score(CERTAIN)
    if CREDITS_OF_WORK.match(text) or is_byline(text):
        return Score(CERTAIN)
    # Pages that lost their line breaks have these among sentences.
    if len(words) < SHORT and (LABEL.match(text) or CAPTION.match(text) or COUNT.match(text) or is_stamp(text)):
        return Score(CERTAIN)
    if not terms.REPORTING.isdisjoint(words):
        return Score(0)
    return Score(CERTAIN, True) if START.match(text) else score_prompt(text, words)


def has_credit(text: str) -> bool:
    """Whether `text` ends in the credit of a picture."""
    end = text[-MOST_CHARACTERS_OF_A_CREDIT:]
    lowered = end.lower()
    return any(cue in lowered for cue in terms.CREDIT_CUES) and bool(CREDIT.search(end))


def is_byline(text: str) -> bool:
    """Whether `text` says who made the article: "By Ann Lee, in Aldport", "Ann Lee, political editor"."""
    if marker := BYLINE.match(text):
        return not ends_sentence(text) or is_name_list(text[marker.start() :])
    if ends_sentence(text) or not NAME_AND_ROLE.match(text):
        return False
    return bool(ROLE.search(text)) and not FINITE.search(text)


def is_name_list(text: str) -> bool:
    """Whether nearly all words of `text` are names, or what stands among the names of a byline."""
    words = TERM.findall(text)
    among = sum(word[0].isupper() or word.lower() in terms.AMONG_NAMES for word in words)
    return bool(among >= NAMES_SHARE * len(words))


def is_navigation(text: str) -> bool:
    """Whether `text` is a list of links: items between separators, or the names of sections."""
    if ends_sentence(text):
        return False
    separators = len(SEPARATOR.findall(text))
    words = TERM.findall(text)
    if len(words) <= (12 if "|" in text else 5) * (separators + 1) and (separators >= 2 or "|" in text):
        return True
    sections = sum(word.lower() in terms.SECTIONS for word in words)
    return sections >= 3 and sections >= len(words) // 4


def is_stamp(text: str) -> bool:
    """Whether `text` says when something was published, or how long it takes to read."""
    if STAMP.match(text):
        return not ends_sentence(text) or not FINITE.search(text)
    if not any(cue in text.lower() for cue in terms.READING_CUES) or not READING_TIME.search(text):
        return False
    return not ends_sentence(text) or len(text.split()) <= SHORT


def score_prompt(text: str, words: Sequence[str]) -> Score:
    """Return what a sentence has of a prompt or a banner of a web page.

    Two points for a command to the reader and for each word that only such pages use or an address; one for we, for
    you, for "this page", and for each word that they use often. None where no word of either kind is there, nor for
    what stands in quotes.

    Args:
        text: the sentence.
        words: its words in lower case.
    """
    if not words or text.lstrip()[:1] in terms.OPENING_QUOTES:
        return Score(0)
    known = set(words)
    has_possessive = bool(known & terms.POSSESSIVES)
    is_to_reader = bool(known & terms.SECOND_PERSON) or words[0] in terms.FORMAL_STARTS
    is_order = has_command(text, words)
    points = bool(known & terms.FIRST_PERSON) + is_to_reader + 2 * is_order
    is_addressed = points > 0
    strong = (
        f" {term} " in f" {' '.join(words)} " for word in known & terms.STRONG.keys() for term in terms.STRONG[word]
    )
    vocabulary = 2 * sum(strong) + len(known & terms.WEAK)
    if "@" in text or "www." in text or "://" in text:
        vocabulary += 2
    if not vocabulary:
        return Score(0, is_addressed)
    points += bool(DEIXIS.search(text)) + bool(THIS_ARTICLE.search(text))
    if not points:
        return Score(0, is_addressed)
    return Score(vocabulary + points + (has_possessive and not is_to_reader), is_addressed, is_order)


def has_command(text: str, words: Sequence[str]) -> bool:
    """Whether a sentence, or what follows a colon or semicolon in it, begins with a command to the reader.

    Args:
        text: the sentence.
        words: its words in lower case.
    """
    if is_command(text, words):
        return True
    return any(
        is_command(clause, TERM.findall(clause.lower())) for clause in CLAUSE.split(text)[1:MOST_CLAUSES] if clause
    )


def is_command(text: str, words: Sequence[str]) -> bool:
    """Whether a sentence begins with a command to the reader, and not with a noun that looks like one.

    Args:
        text: the sentence.
        words: its words in lower case.
    """
    at = next((at for at, word in enumerate(words[:4]) if word not in terms.POLITE), None)
    if at is None:
        return False
    verb = words[at] if words[at] in terms.COMMANDS else ENCLITIC.sub("", words[at])
    if verb not in terms.COMMANDS:
        return False
    if verb != words[at] or verb in terms.CLEAR_COMMANDS or at + 1 == len(words):
        return True
    following = TERM.findall(text)[at + 1]
    return following[0].isupper() or words[at + 1] in terms.OBJECTS
