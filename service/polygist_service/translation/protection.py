"""What a model would lose or change of a segment: taken out before it reads, put back into what it wrote.

A vocabulary of some ten thousand pieces has no ü, no emoji and no 東京, and folds 10⁶ to 106; what it lacks it drops,
and a lacking letter wrecks its word. So a segment is read without them:

- An address, a code and a word in another script become a placeholder, which models copy as they copy names.
- A sign is left out, and comes back beside the word that the model wrote for its neighbour: the alignment tells.
- A letter is read as the nearest one, and a word that was copied gets its own letters back.
- A line in capitals is read as a sentence, and what is written of it is put into capitals.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from polygist_service.text.capitals import Capitals, to_sentence
from polygist_service.text.characters import BEFORE_NUMBERS
from polygist_service.text.segmentation import Span, has_letters
from polygist_service.translation.edits import Edit, Placeholder, Sign, Spelling, find_edits, merge_scripts
from polygist_service.translation.terms.application import PARTED, Showing, tell_capitals
from polygist_service.translation.vocabulary import Vocabulary

# Of the forms tried (X1, (1), _1_, a number, a URL) this is copied most often over both directions: 96 % en-pt and 95 %
# pt-en, where it stands anywhere in a sentence.
PLACEHOLDER = "XQ{}"
# Before these a space stays where a sign was left out.
OPENERS = "([{\"'“‘«$€£"
# Words with a capital, one behind the other.
NAME = re.compile(r"[^\W\d_a-zà-öø-ÿ][\w'’\u0300-\u036f-]*(?: [^\W\d_a-zà-öø-ÿ][\w'’\u0300-\u036f-]*)*")


@dataclass(frozen=True, slots=True)
class Protected:
    """A segment as a model reads it, and what to put back.

    Attributes:
        source: the segment.
        text: what is read.
        head, tail: signs at its ends, with the white space between.
        capitals: how the source is written.
        showings: how what is prescribed is read.
    """

    source: str
    text: str
    head: str = ""
    tail: str = ""
    placeholders: tuple[Placeholder, ...] = ()
    signs: tuple[Sign, ...] = ()
    spellings: tuple[Spelling, ...] = ()
    capitals: Capitals = Capitals.SENTENCE
    showings: tuple[Showing, ...] = ()

    @property
    def has_terms(self) -> bool:
        """Whether there are terms that the model has to write itself."""
        return any(showing.is_term for showing in self.showings)

    @property
    def needs_alignment(self) -> bool:
        """Whether what is put back has a place that only the alignment tells."""
        return bool(self.signs) or any(spelling.is_shouted for spelling in self.spellings)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left that could be translated."""
        rest = self.text
        for placeholder in self.placeholders:
            rest = rest.replace(placeholder.shown, "", 1)
        return not has_letters(rest)

    @property
    def has_foreign_script(self) -> bool:
        """Whether there are words in letters that the model lacks."""
        return any(placeholder.is_script for placeholder in self.placeholders)


def protect(
    text: str,
    vocabulary: Vocabulary,
    showings: Sequence[Showing] = (),
    *,
    with_placeholders: bool = True,
    with_names: bool = True,
) -> Protected:
    """Return a segment as a model with `vocabulary` should read it.

    Args:
        text: the segment.
        vocabulary: of the model.
        showings: how the model reads what is prescribed in it.
        with_placeholders: without, what would have one is left out and comes back as a sign does: for a model that
            did not copy them.
        with_names: without, capitalised words with lacking letters have placeholders too: for a model that did not
            copy them in their nearest letters.
    """
    capitals = tell_capitals(text, showings)
    edits = find_edits(text, vocabulary, showings)
    if capitals is Capitals.SENTENCE and not edits:
        return Protected(text, text, showings=tuple(showings))
    read = text
    if capitals is not Capitals.SENTENCE:
        recased = to_sentence(text, capitals, vocabulary.likelihood)
        if len(recased) == len(text):
            read = overlay(recased, text, [(edit.start, edit.end) for edit in edits if edit.kind is not Spelling])
            edits = find_edits(read, vocabulary, showings) if any(edit.kind is Spelling for edit in edits) else edits
    if not with_names:
        edits = widen_names(edits, text)
    if not with_placeholders:
        edits = [replace(edit, shown="", kind=Sign) if edit.kind is Placeholder else edit for edit in edits]
    return replace(apply_edits(text, read, merge_scripts(edits, text), capitals), showings=tuple(showings))


def is_name(edit: Edit, text: str) -> bool:
    """Whether an edit is a capitalised word in letters that its model lacks."""
    return edit.kind is Spelling and edit.returns and edit.is_foreign and text[edit.start].isupper()


def widen_names(edits: Sequence[Edit], text: str) -> list[Edit]:
    """Return the edits with a placeholder for each name that has a word in letters that are lacking, all of it."""
    widened: list[Edit] = []
    names = [found.span() for found in NAME.finditer(text)]
    for edit in edits:
        if is_name(edit, text):
            start, end = next((span for span in names if span[0] <= edit.start < span[1]), (edit.start, edit.end))
            edit = Edit(start, max(end, edit.end), kind=Placeholder)
        if widened and edit.start < widened[-1].end:
            continue
        widened.append(edit)
    return widened


def overlay(text: str, original: str, spans: Iterable[Span]) -> str:
    """Return `text` with the stretches `spans` of `original`, which is as long."""
    for start, end in spans:
        text = text[:start] + original[start:end] + text[end:]
    return text


def apply_edits(source: str, read: str, edits: Sequence[Edit], capitals: Capitals) -> Protected:
    """Make the text that is read.

    Args:
        source: the segment.
        read: the same, in small letters where it is in capitals.
        edits: in order.
        capitals: how the source is written.
    """
    start, end, edits = trim_edges(read, edits)
    pieces: list[str] = []
    placeholders: list[Placeholder] = []
    signs: list[Sign] = []
    spellings: list[Spelling] = []
    length, at = 0, start

    def add(piece: str) -> None:
        nonlocal length
        pieces.append(piece)
        length += len(piece)

    for edit in edits:
        add(read[at : edit.start])
        own, at = source[edit.start : edit.end] if edit.target is None else edit.target, edit.end
        if edit.kind is Placeholder:
            # A name that is kept is read as it is.
            is_free = edit.shown and (edit.shown == own or not whole(edit.shown).search(source))
            shown = edit.shown if is_free else next_placeholder(source, len(placeholders))
            placeholders.append(Placeholder(shown, own, edit.is_script, edit.match))
            add(shown)
        elif edit.kind is Spelling:
            spellings.append(Spelling(length, edit.shown, own, edit.is_shouted, edit.returns, edit.is_foreign))
            add(edit.shown)
        elif edit.kind is Sign:
            left = read[max(0, edit.start - 1) : edit.start].isspace()
            following = read[edit.end : edit.end + 1]
            is_unit = own[-1:] in BEFORE_NUMBERS and read[edit.end :].lstrip()[:1].isdigit()
            belongs_behind = is_unit or (left and not following.isspace())
            is_glued = edit.start > start and read[edit.start - 1].isalnum() and following.isalnum()
            signs.append(Sign(length - left, own, left, following.isspace(), belongs_behind, is_glued, edit.match))
            # Words that nothing but a sign parts are read apart.
            if is_glued:
                add(" ")
            # One of two spaces goes with what stood between them, and so does one before a mark: "great ™." is "great."
            if left and (following.isspace() or not (following.isalnum() or following in OPENERS)):
                pieces[-1] = pieces[-1][:-1]
                length -= 1
        else:
            add(edit.shown)
    add(read[at:end])
    return Protected(
        source,
        "".join(pieces),
        source[:start],
        source[end:],
        tuple(placeholders),
        tuple(signs),
        tuple(spellings),
        capitals,
    )


def whole(shown: str) -> re.Pattern[str]:
    """Return a pattern of what is shown, not as a part of a longer word or number."""
    return re.compile(rf"(?<!{PARTED}){re.escape(shown)}(?!{PARTED})", re.IGNORECASE)


def next_placeholder(source: str, count: int) -> str:
    """Return a placeholder that does not stand in `source`."""
    numbers = (number for number in range(count + 1, count + 1000) if PLACEHOLDER.format(number) not in source)
    return PLACEHOLDER.format(next(numbers))


def trim_edges(text: str, edits: Sequence[Edit]) -> tuple[int, int, list[Edit]]:
    """Return where the text begins and ends without the signs at its ends, and the edits in between."""
    low, high = 0, len(edits)
    start, end = 0, len(text)
    while low < high and is_left_out(edits[low]) and not text[start : edits[low].start].strip():
        start, low = edits[low].end, low + 1
    while low < high and is_left_out(edits[high - 1]) and not text[edits[high - 1].end : end].strip():
        end, high = edits[high - 1].start, high - 1
    inner = list(edits[low:high])
    core = text[start:end]
    return start + len(core) - len(core.lstrip()), end - len(core) + len(core.rstrip()), inner


def is_left_out(edit: Edit) -> bool:
    """Whether a model reads nothing in the place of an edit, and what stands there may come back at an end."""
    return edit.kind is Sign or (edit.kind is None and not edit.shown)
