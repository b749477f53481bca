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

# What a sentence ends with, before quotes and brackets that close and marks of notes.
ENDS = ".!?…:;。！？；।۔؟"
CLOSERS = re.compile(r"(?:[\"'”’»)\]}*]|\[\d{1,3}\])+$")
# Scripts whose sentences have no mark at their end.
UNMARKED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]$")
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
BYLINE = re.compile(rf"^\W*+(?i:{terms.BYLINE_STARTS})\s+(?:(?:the|a|o|os|as)\s+)?{NAME}")
CREDITS_OF_WORK = re.compile(rf"^\W*+(?:{terms.WORK_STARTS})", re.IGNORECASE)
NAME_AND_ROLE = re.compile(rf"^{NAME}(?:\s+(?:d[aeo]s?\s+)?{NAME}){{1,4}},?\s")
ROLE = re.compile(rf"\b(?:{terms.ROLES})\b", re.IGNORECASE)
BIOGRAPHY = re.compile(
    rf"^{NAME}(?:\s+(?:d[aeo]s?\s+)?{NAME}){{0,4}},?\s+(?:is|has been|é|tem sido)\s+"
    rf"(?:[^\s.,;]+\s+){{0,6}}?(?:{terms.ROLES})\b"
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
DEIXIS = re.compile(rf"\b(?:{terms.DEIXIS})\b", re.IGNORECASE)
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
    bare = CLOSERS.sub("", text.rstrip()[-MOST_CHARACTERS_OF_AN_END:]).rstrip()
    return bare.endswith(tuple(ENDS)) or bool(UNMARKED.search(bare))


@dataclass(frozen=True, slots=True)
class Line:
    """The sentences of one block, and where its block stands.

    Attributes:
        indices: of its sentences.
        is_edge: whether it is among the first or the last of the article.
    """

    indices: Sequence[int]
    texts: Sequence[str]
    is_edge: bool

    @property
    def text(self) -> str:
        """The whole of it."""
        return " ".join(self.texts)[:MOST_CHARACTERS]


def find_boilerplate(sentences: Sequence[Segment]) -> frozenset[int]:
    """Return the indices of the sentences that are no part of an article, which may be all of them.

    Args:
        sentences: all sentences of an article, in order.
    """
    found: set[int] = set()
    is_below_heading = False
    for line in split_lines(sentences):
        is_open = len(line.texts) == 1 and not line.texts[0].rstrip().endswith(".")
        is_below_heading = bool(HEADING.match(line.text)) or (is_below_heading and is_open)
        if is_below_heading or is_boilerplate_line(line):
            found.update(line.indices)
            continue
        points = [score_sentence(text) for text in line.texts]
        hits = [each >= PROMPT for each in points]
        # A banner's other sentences may be as plain as any.
        if hits[0] and 2 * sum(hits) >= len(hits):
            found.update(line.indices)
        else:
            found.update(at for at, each in zip(line.indices, points, strict=True) if each >= PROMPT_AMONG_OTHERS)
    return frozenset(found)


def split_lines(sentences: Sequence[Segment]) -> Iterator[Line]:
    """Yield the lines that the sentences of an article make up."""
    lines = [list(group) for _, group in groupby(range(len(sentences)), key=lambda at: sentences[at].block)]
    for place, indices in enumerate(lines):
        is_edge = place < EDGE or place >= len(lines) - EDGE
        yield Line(indices, [sentences[at].text for at in indices], is_edge)


def is_boilerplate_line(line: Line) -> bool:
    """Whether a line is boilerplate as a whole."""
    text = line.text
    if is_navigation(text):
        return True
    if len(text.split()) > MOST_WORDS_OF_A_LINE:
        return False
    if COUNT.match(text) or LABEL.match(text) or CAPTION.match(text) or has_credit(text):
        return True
    if is_byline(text) or is_stamp(text):
        return True
    return bool(BIOGRAPHY.match(text)) and (line.is_edge or bool(MARK_OF_BIOGRAPHY.search(text)))


def score_sentence(text: str) -> int:
    """Return how many points one sentence has as boilerplate, most for what only boilerplate says."""
    text = text[:MOST_CHARACTERS]
    words = [word.replace("’", "'") for word in TERM.findall(QUOTED.sub(" ", text.lower()))]
    if ("©" in text or not terms.PHRASE_WORDS.isdisjoint(words)) and PHRASE.search(text):
        return CERTAIN
    if CREDITS_OF_WORK.match(text) or is_byline(text):
        return CERTAIN
    if not terms.REPORTING.isdisjoint(words):
        return 0
    return CERTAIN if START.match(text) else score_prompt(text, words)


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
    if "|" in text or (separators >= 2 and len(words) <= 5 * (separators + 1)):
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


def score_prompt(text: str, words: Sequence[str]) -> int:
    """Return how many points a sentence has as a prompt or a banner of a web page.

    Two for a command to the reader and for each word that only such pages use or an address; one for we, for you,
    for "this page", and for each word that they use often. None where no word of either kind is there, nor for
    what stands in quotes.

    Args:
        text: the sentence.
        words: its words in lower case.
    """
    if text.lstrip()[:1] in terms.OPENING_QUOTES:
        return 0
    known = set(words)
    spaced = f" {' '.join(words)} "
    strong = (f" {term} " in spaced for word in known & terms.STRONG.keys() for term in terms.STRONG[word])
    vocabulary = 2 * sum(strong) + len(known & terms.WEAK)
    if "@" in text or "www." in text or "://" in text:
        vocabulary += 2
    if not vocabulary:
        return 0
    has_possessive = bool(known & terms.POSSESSIVES)
    is_to_reader = bool(known & terms.SECOND_PERSON) or (has_possessive and words[0] in terms.FORMAL_STARTS)
    points = bool(known & terms.FIRST_PERSON) + is_to_reader + bool(DEIXIS.search(text)) + 2 * is_command(text, words)
    return vocabulary + points + (has_possessive and not is_to_reader) if points else 0


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
