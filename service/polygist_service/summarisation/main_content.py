"""What of a document is its article, and the text that is read of it, with the way back to where it stands.

Which blocks of a page are its article is told by trafilatura. It gives text without places, so each block goes in
behind a mark, and comes out behind it. Where that finds no prose (its parser drops what is nested deeper than about 250
elements) the blocks are chosen by what the page says of them. Text that nobody sees is never a part of the article.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.summarisation.boilerplate import ends_sentence, find_boilerplate
from polygist_service.text.documents.base import (
    HTML,
    BlockKind,
    Layout,
    Passage,
    Splitting,
    is_read_whole,
    span_of_passages,
)
from polygist_service.text.documents.plain import PlainLayout
from polygist_service.text.language_runs import LanguageRun, is_within
from polygist_service.text.segmentation import Span, has_letters
from polygist_service.text.words import count_words

BETWEEN = "\n\n"
# The first and the last of the characters that marks are made of: signs of scripts that no page has beside another, as
# trafilatura takes out what cannot be printed. Marks are of those that the page does not have.
ALPHABETS = (("\u2801", "\u28ff"), ("\ua000", "\ua0fe"), ("\U00013000", "\U000130fe"))
# What has so many words may be prose without ending as sentences do.
WORDS_OF_PROSE = 8
# Trafilatura is not asked about pages of more tags, for which it takes seconds; others take it half a second at most.
MOST_TAGS = 20_000
# A block of whose letters more belong to links is a list of them.
MOST_LINKS = 0.5
# More characters of prose are never those of a banner, a prompt or a form alone.
MOST_OF_NOTICES = 2000
# Blocks that are no text of an article, wherever they stand.
UNREAD = frozenset((BlockKind.CODE, BlockKind.CAPTION))


@dataclass(frozen=True, slots=True)
class ArticleText:
    """The text that a summary is made of.

    Attributes:
        layout: of the document.
        text: of plain text all of it; of a document the passages of its article, with blank lines between them.
        passages: what it is made of, in order.
        starts: where each of them begins in `text`.
        foreign: the runs of `text` in other languages than its own.
    """

    layout: Layout
    text: str
    passages: Sequence[Passage]
    starts: Sequence[int]
    foreign: tuple[LanguageRun, ...] = ()

    @classmethod
    def plain(cls, text: str, foreign: Sequence[LanguageRun] = ()) -> "ArticleText":
        """Return the text of a plain article."""
        layout = PlainLayout(text)
        return cls(layout, text, layout.passages, (0,), tuple(foreign))

    @property
    def is_missing(self) -> bool:
        """Whether there is a document, but no article in it."""
        return not self.text.strip() and bool(self.layout.text.strip())

    def source_span(self, span: Span) -> Span:
        """Return where in the document a span of `text` stands, marks inside it included."""
        start, end = span
        first, last = (bisect_right(self.starts, at) - 1 for at in (start, max(start, end - 1)))
        if first == last:
            return self._place(first, span)
        return self._place(first, (start, start + 1))[0], self._place(last, (end - 1, end))[1]

    def _place(self, at: int, span: Span) -> Span:
        start, passage = self.starts[at], self.passages[at]
        low, high = (each - start for each in span)
        # Between two passages it is the end of the first one.
        low = min(low, len(passage.text) - 1)
        return self.layout.source_span(passage, (low, max(low + 1, min(high, len(passage.text)))))


@dataclass(frozen=True, slots=True)
class MainContent:
    """The passages of a document that are its article; a `base.Readable`.

    Attributes:
        layout: of the document.
        passages: none where it has no article.
    """

    layout: Layout
    passages: Sequence[Passage]

    @classmethod
    def find(cls, layout: Layout, mime_type: str) -> "MainContent":
        """Find the article of a document; all of a plain text is one."""
        whole = cls(layout, layout.passages)
        if is_read_whole(whole):
            return whole
        if mime_type == HTML:
            chosen = choose_by_trafilatura(layout, whole.passages)
            if not is_article(chosen):
                chosen = choose_by_place(whole.passages)
            is_found = is_article(chosen)
        else:
            chosen = choose_by_place(whole.passages)
            is_found = any(map(is_prose, chosen))
        if not is_found:
            return cls(layout, ())
        # Cells say something in their rows only, but those of old pages hold whole paragraphs.
        chosen = [passage for passage in chosen if passage.kind is not BlockKind.ROW or is_prose(passage)]
        # What is never translated may be summarised.
        return cls(layout, [replace(each, is_kept=False) for each in with_title(chosen, whole.passages)])

    @property
    def text(self) -> str:
        """See `base.Readable`."""
        return self.layout.text

    @property
    def language(self) -> str | None:
        """See `base.Readable`."""
        return self.layout.language

    def source_span(self, passage: Passage, span: Span) -> Span:
        """See `base.Readable`."""
        return self.layout.source_span(passage, span)

    def read(self, foreign: Sequence[LanguageRun]) -> ArticleText:
        """Return the text of the article; that of a document has nothing of the runs in foreign languages."""
        if is_read_whole(self):
            return ArticleText.plain(self.layout.text, foreign)
        passages = [
            passage for passage in self.passages if not is_within(span_of_passages(self, [passage])[0], foreign)
        ]
        starts, at = [], 0
        for passage in passages:
            starts.append(at)
            at += len(passage.text) + len(BETWEEN)
        return ArticleText(self.layout, BETWEEN.join(passage.text for passage in passages), passages, starts)


def is_prose(passage: Passage) -> bool:
    """Whether a passage is made of sentences, and not of links."""
    if passage.kind in (BlockKind.HEADING, *UNREAD) or passage.link_share > MOST_LINKS:
        return False
    return count_words(passage.text) >= WORDS_OF_PROSE or (has_letters(passage.text) and ends_sentence(passage.text))


def is_article(passages: Sequence[Passage]) -> bool:
    """Whether passages of a page have prose that is not known as boilerplate from the first sentence to the last."""
    prose = [passage.text for passage in passages if is_prose(passage)]
    text = BETWEEN.join(prose)
    if not prose or len(text) > MOST_OF_NOTICES:
        return bool(prose)
    # No language is known yet; what boilerplate is told by is English and Portuguese.
    sentences = PlainLayout(text).split("en", Splitting.PUNCTUATION_AND_NEWLINES).prose()
    return not sentences or len(find_boilerplate(sentences, text)) < len(sentences)


def choose_by_place(passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages that are seen and about the matter, by what their document says of them."""
    seen = [
        passage
        for passage in passages
        if not (passage.is_hidden or passage.is_aside or is_title(passage) or passage.kind in UNREAD)
        and passage.link_share <= MOST_LINKS
    ]
    main = [passage for passage in seen if passage.is_main]
    return main if any(map(is_prose, main)) else seen


def is_title(passage: Passage) -> bool:
    """Whether a passage is the document's title, which stands on no page."""
    return passage.kind is BlockKind.HEADING and passage.level == 0


def with_title(chosen: Sequence[Passage], passages: Sequence[Passage]) -> list[Passage]:
    """Return what was chosen of `passages`, with the heading above it all or else the document's title before it."""
    if any(passage.kind is BlockKind.HEADING and passage.level == 1 for passage in chosen):
        return list(chosen)
    before = [passage for passage in passages if passage.kind is BlockKind.HEADING and passage.start < chosen[0].start]
    titles = [passage for passage in before if passage.level == 1 and not (passage.is_hidden or passage.is_aside)]
    titles += filter(is_title, before)
    return [*titles[:1], *(passage for passage in chosen if passage not in titles[:1])]


def choose_by_trafilatura(layout: Layout, passages: Sequence[Passage]) -> list[Passage]:
    """Return the passages of a page that trafilatura takes for its article, less what is not seen or no text of it."""
    passages = [passage for passage in passages if not passage.is_hidden]
    if not passages or layout.text.count("<") > MOST_TAGS:
        return []
    alphabet = find_alphabet(layout.text, passages)
    if not alphabet:
        return []
    # Half a second and 50 MB that a server which is sent no page does without.
    from trafilatura import extract

    marks = list(write_marks(len(passages), alphabet))
    pieces, at = [], 0
    for passage, mark in zip(passages, marks, strict=True):
        start, _ = layout.source_span(passage, (0, 1))
        pieces += [layout.text[at:start], mark, " "]
        at = start
    page = "".join([*pieces, layout.text[at:]])
    # Of 160 pages made of templates that keeps 84 % of the sentences, 80 % without; 4 % of what it finds is not theirs.
    extracted = extract(page, include_comments=False, include_tables=True, favor_recall=True) or ""
    found = set(re.findall(f"[{re.escape(alphabet[0])}-{re.escape(alphabet[-1])}]{{{len(marks[0])}}}", extracted))
    chosen = [
        passage
        for passage, mark in zip(passages, marks, strict=True)
        if mark in found and not passage.is_aside and passage.kind not in UNREAD
    ]
    main = [passage for passage in chosen if passage.is_main]
    # What a page calls articles may be teasers of others.
    is_most = 2 * sum(len(passage.text) for passage in main) > sum(len(passage.text) for passage in chosen)
    return main if is_most else chosen


def find_alphabet(text: str, passages: Sequence[Passage]) -> str:
    """Return characters that a page does not have, in order; none where it has some of all that there are."""
    for first, last in ALPHABETS:
        pattern = re.compile(f"[{first}-{last}]")
        if not (pattern.search(text) or any(pattern.search(passage.text) for passage in passages)):
            return "".join(map(chr, range(ord(first), ord(last) + 1)))
    return ""


def write_marks(count: int, alphabet: str) -> Iterator[str]:
    """Yield so many different marks of one length."""
    width = 1
    while len(alphabet) ** width < count:
        width += 1
    for number in range(count):
        digits = []
        for _ in range(width):
            number, digit = divmod(number, len(alphabet))
            digits.append(alphabet[digit])
        yield "".join(digits)
