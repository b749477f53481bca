"""Passages of text without full stops, to stand in for its sentences: transcripts, and sentences that do not end.

A passage ends where a speaker would draw breath: before a word that begins a clause ("so", "but", "because"), behind a
comma, at a longer gap; where nothing tells, after a usual number of words.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np

from polygist_service.summarisation.boilerplate import ENDS, ends_sentence, lacks_mark
from polygist_service.summarisation.tfidf import TfidfVectors
from polygist_service.text.abbreviations import words
from polygist_service.text.documents.base import Segment
from polygist_service.text.segmentation import Span
from polygist_service.text.words import UNPARTED_RUN, count_letters, count_words, is_word, split_units

# More words has no sentence that ends; and one without an end is no sentence beyond fewer.
MOST_WORDS, MOST_WORDS_WITHOUT_END = 60, 40
# Among proper sentences one has to be so long, as lists in legal texts are whole sentences.
MOST_WORDS_AMONG_SENTENCES = 120
# How many words a passage has.
LEAST, USUAL, MOST = 8, 20, 36
# A line is a heading, where no mark tells, below so many letters and this share of what the lines of its article have.
MOST_LETTERS_OF_A_HEADING, HEADING_SHARE = 80, 0.5
# Passages whose TF-IDF cosine is higher say the same.
SAME = 0.75

STOPS, COMMAS = ENDS, ",，、،၊፣፤–—"
# By language: what begins a clause, the more surely the higher; two of them in a row begin it together.
STARTERS: Mapping[str, Mapping[str, float]] = {
    "en": {
        **dict.fromkeys(("so", "but", "because", "although", "however", "okay", "well"), 2.0),
        **dict.fromkeys(("um", "uh", "anyway", "yeah"), 2.0),
        **dict.fromkeys(("and", "then", "when", "while", "which", "where", "now", "if", "who", "since", "until"), 1.0),
    },
    "pt": {
        **dict.fromkeys(("mas", "então", "porque", "porém", "contudo", "embora", "aí", "bom", "pois", "agora"), 2.0),
        **dict.fromkeys(("daí",), 2.0),
        **dict.fromkeys(("e", "depois", "quando", "enquanto", "onde", "se", "já", "também", "como", "até"), 1.0),
    },
}
# By language: what nobody stops behind.
BINDING: Mapping[str, frozenset[str]] = {
    "en": words("""
        the a an of to in on at for with from by and or is was my this that their his her our your two very as do no
    """),
    "pt": words("""
        o a os as um uma uns umas de do da dos das em no na nos nas num numa por pelo pela com para e ou que se não ao à
    """),
}


def cut_endless(sentences: Sequence[Segment], text: str, *, language: str) -> list[Segment]:
    """Return the sentences of an article, those that never end cut into passages, which are marked as `hard_split`.

    Args:
        sentences: in order.
        text: of the article.
        language: its canonical tag.
    """
    lengths = [count_words(sentence.text) for sentence in sentences]
    endless = [
        length > (MOST_WORDS if ends_sentence(sentence.text) else MOST_WORDS_WITHOUT_END)
        for sentence, length in zip(sentences, lengths, strict=True)
    ]
    is_transcript = 2 * sum(length for length, is_long in zip(lengths, endless, strict=True) if is_long) > sum(lengths)
    result: list[Segment] = []
    for at, sentence in enumerate(sentences):
        is_cut = endless[at] and (is_transcript or lengths[at] > MOST_WORDS_AMONG_SENTENCES)
        result += cut_passages(sentence, text, language) if is_cut else [sentence]
    return result


def cut_passages(sentence: Segment, text: str, language: str) -> list[Segment]:
    """Cut one segment into passages; one that does not stand in `text`, white space aside, stays whole."""
    read = [at for at, character in enumerate(sentence.text) if not character.isspace()]
    source = [at for at in range(sentence.start, sentence.end) if not text[at].isspace()]
    if [sentence.text[at] for at in read] != [text[at] for at in source]:
        return [sentence]
    places = dict(zip(read, source, strict=True))
    return [
        Segment(places[start], places[end - 1] + 1, sentence.text[start:end], sentence.block, hard_split=True)
        for start, end in split_passages(sentence.text, language)
    ]


def split_passages(text: str, language: str) -> list[Span]:
    """Return the spans of the passages of `text`, in linear time; a comma or dash that ends one is not of it."""
    units = split_units(text)
    scores = score_borders(text, units, language)
    spans: list[Span] = []
    first = 0
    while first < len(units):
        last = len(units)
        if last - first > USUAL + LEAST:
            # The rest must not be shorter than a passage.
            places = range(first + LEAST, min(first + MOST, last - LEAST) + 1)
            worth = [scores[at] - abs(at - first - USUAL) / 10 for at in places]
            last = places[worth.index(max(worth))]
        spans.append((units[first][0], end_of(text, units[first][0], units[last - 1][1])))
        first = last
    return spans


def score_borders(text: str, units: Sequence[Span], language: str) -> list[float]:
    """Return how well a passage may begin with each of `units`."""
    base = language.partition("-")[0]
    starters, binding = STARTERS.get(base, {}), BINDING.get(base, frozenset())
    scores = [0.0]
    before = text[slice(*units[0])].lower() if units else ""
    for (_, end), (start, stop) in pairwise(units):
        after = text[start:stop].lower()
        score = starters.get(after.rstrip(",."), 0.0)
        if before[-1] in STOPS:
            score += 4
        elif before[-1] in COMMAS:
            score += 2
        elif before in starters:
            score -= 2
        elif before in binding:
            score -= 1
        # In scripts that part no words any space is such a gap, and punctuation stands alone.
        is_unparted = bool(UNPARTED_RUN.match(text, end - 1) and UNPARTED_RUN.match(text, start))
        if start - end > 1 or text[end:start] == "\n" or (is_unparted and end < start):
            score += 2
        if end == start and not is_word(after):
            score -= 4
        scores.append(score)
        before = after
    return scores


def end_of(text: str, start: int, end: int) -> int:
    """Return where text[start:end] ends without a comma or dash behind it."""
    return start + len(text[start:end].rstrip(COMMAS + " ")) or end


def drop_headings(sentences: Sequence[Segment]) -> list[Segment]:
    """Return the sentences of an article without its headings, in scripts that have no mark at the end of a sentence.

    There a heading is a line of its own that is much shorter than most and has others below it. In other scripts it is
    told by the mark that it lacks.
    """
    if not any(lacks_mark(sentence.text) for sentence in sentences):
        return list(sentences)
    lines = [list(line) for _, line in groupby(sentences, key=lambda sentence: sentence.block)]
    lengths = [sum(count_letters(sentence.text) for sentence in line) for line in lines]
    most = min(MOST_LETTERS_OF_A_HEADING, HEADING_SHARE * sum(lengths) / len(lines))
    kept = [
        line
        for line, length in zip(lines[:-1], lengths, strict=False)
        if len(line) > 1 or length > most or not lacks_mark(line[0].text)
    ]
    return [sentence for line in (*kept, lines[-1]) for sentence in line]


def drop_repeats(sentences: Sequence[Segment]) -> list[Segment]:
    """Return sentences without the passages that say what an earlier one says: speakers repeat themselves."""
    if not any(sentence.hard_split for sentence in sentences):
        return list(sentences)
    similarities = TfidfVectors.of([sentence.text for sentence in sentences]).similarities()
    kept: list[int] = []
    for at, sentence in enumerate(sentences):
        if not (sentence.hard_split and kept and np.max(similarities[at, kept]) > SAME):
            kept.append(at)
    return [sentences[at] for at in kept]
