"""The keywords of the calls and the words that they take, declared once for both clients."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, TypedDict

Preference = Literal["speed", "quality"]
Splitting = Literal["punctuation-and-newlines", "punctuation", "none"]
SummaryMethod = Literal["abstractive", "extractive"]
SummaryType = Literal["paragraph", "tldr", "key-points", "headline"]
SummaryLength = Literal["short", "medium", "long"]
SentenceOrder = Literal["offset", "rank"]
Task = Literal["translate", "summarise", "detect-language"]
MimeType = Literal["text/plain", "text/html", "text/markdown"]
DocumentType = Literal[
    "text/plain",
    "text/html",
    "text/markdown",
    "text/vtt",
    "application/x-subrip",
    "text/x-gettext-translation",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
]
Placeholder = Literal["mustache", "braces", "printf", "shell", "url-email"]

Texts = list[str] | tuple[str, ...]
Document = bytes | PathLike[str]
Terms = Mapping[str, str] | Sequence[tuple[str, str]]
JsonReply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One of many texts, where there is more to say of it than the text itself.

    Attributes:
        text: what to work on.
        id: any name of yours, such as a record's; need not be unique. Results and errors have it as their `id`.
        source: language of this text (BCP-47), in place of the call's.
        mime_type: what this text is, in place of the call's.
    """

    text: str
    id: str | None = None
    source: str | None = None
    mime_type: MimeType | None = None


class CallOptions(TypedDict, total=False):
    """Keywords of every call.

    Attributes:
        timeout: seconds for this call, its repeats included; `math.inf` leaves it to the server's own limit.
        request_id: goes with the call and into the server's log; a new one by default.
        wait_for_ready: wait for a server, up to the timeout, instead of failing where none answers.
        on_reply: called with the server's reply, before the results are made of it: a dict in the contract's JSON form.
            It has what results have no place for, such as usage. Pages come as one reply, the parts of a stream one by
            one; of ``translate_many`` and ``summarise_many`` each item's reply comes just before its result.
    """

    timeout: float | None
    request_id: str | None
    wait_for_ready: bool | None
    on_reply: Callable[[JsonReply], object] | None


class TermOptions(CallOptions, total=False):
    """Keywords that prescribe words; of summaries they matter where `to` is another language than the article's.

    What could not be kept or applied is told of by warnings: "placeholder-lost", "glossary-term-not-applied".

    Attributes:
        glossary: name of a glossary that the operator has mounted; see `list_glossaries`.
        terms: what terms of the source become, as a mapping or as pairs, up to 1,000; they win over those of
            `glossary`. `GlossaryFile` reads them from a file.
        ignore_case: find terms whatever their case.
        keep: phrases that are carried over as they are, up to 1,000.
        placeholders: syntaxes of placeholders that are carried over as they are: "mustache" is ``{{name}}``, "braces"
            ``{name}`` and ICU arguments, "printf" ``%s`` and ``%(name)s``, "shell" ``$name`` and ``${name}``.
    """

    glossary: str | None
    terms: Terms | None
    ignore_case: bool
    keep: Sequence[str]
    placeholders: Sequence[Placeholder]


class TranslationOptions(TermOptions, total=False):
    """Keywords of every translation, of texts and of files.

    Attributes:
        source: language of the texts (BCP-47); detected for each text where it is not given.
        candidates: the languages that detection may find.
        model: name of the model; picked by the languages where it is not given.
        splitting: where segments end; None is "punctuation-and-newlines", but for paragraphs wrapped at a column.
        prefer: "speed" or "quality"; None is greedy decoding over the whole vocabulary.
        beam_size: 0 follows `prefer`.
        max_output_tokens: most tokens of one segment; 0 is the model's own rule.
        scores: give scores.
        segments: give the segments, with their place in source and translation.
        alignment: tell which words became which; `segments` come along.
        pivot: whether a text may go through another language where no model serves the pair directly.
    """

    source: str | None
    candidates: Sequence[str]
    model: str | None
    splitting: Splitting | None
    prefer: Preference | None
    beam_size: int
    max_output_tokens: int
    scores: bool
    segments: bool
    alignment: bool
    pivot: bool


class TranslateOptions(TranslationOptions, total=False):
    """Keywords of `translate`, `translate_many` and `stream_translate`.

    Attributes:
        mime_type: what the texts are; None is "text/plain". Of "text/html" and "text/markdown" the same document comes
            back, in the other language: tags, marks, code and addresses stay as they are.
        alternatives: how many other translations of each text to give.
    """

    mime_type: MimeType | None
    alternatives: int


class TranslateDocumentOptions(TranslationOptions, total=False):
    """Keywords of `translate_document`.

    Attributes:
        name: file name, by whose ending the server tells what the file is; that of the path where one is given.
        mime_type: what the file is; None lets the server tell by name and content.
        charset: what a text, subtitles or a catalogue are encoded in, such as "windows-1252"; None where the file says
            so itself or is UTF-8. What is translated is written in that, too.
        include_text: give `source_text` and `translated_text`, which segments and warnings point into.
        mark_fuzzy: of a catalogue (PO): mark what is translated as fuzzy.
        retranslate: of a catalogue: translate again what has a translation, too.
    """

    name: str | None
    mime_type: DocumentType | None
    charset: str | None
    include_text: bool
    mark_fuzzy: bool
    retranslate: bool


class SummaryOptions(TermOptions, total=False):
    """Keywords of every summary; of `length`, `max_sentences` and `max_words` give one at most.

    Attributes:
        source: language of the articles (BCP-47); detected for each where it is not given.
        candidates: the languages that detection may find.
        to: language of the summaries; the article's own where it is not given.
        method: None is the server's choice.
        type: None is "paragraph".
        length: None is "medium".
        max_sentences: longest summary, in sentences.
        max_words: longest summary, in
        query: what the summary should be about.
        order: order of extracted sentences; None is "offset", as in the article.
        markdown: write Markdown instead of plain text.
        model: name of the model.
        splitting: where the sentences of the articles end; None as for `translate`.
        prefer: "speed" or "quality".
        beam_size: 0 follows `prefer`.
        max_output_tokens: most tokens of one chunk; 0 is the model's own rule.
        sentences: give the sentences of the summary with their place and rank.
        citations: give the passages of the article behind each sentence; `sentences` come along.
        pivot: as for `translate`, with `to`.
    """

    source: str | None
    candidates: Sequence[str]
    to: str | None
    method: SummaryMethod | None
    type: SummaryType | None
    length: SummaryLength | None
    max_sentences: int | None
    max_words: int | None
    query: str
    order: SentenceOrder | None
    markdown: bool
    model: str | None
    splitting: Splitting | None
    prefer: Preference | None
    beam_size: int
    max_output_tokens: int
    sentences: bool
    citations: bool
    pivot: bool


class SummariseOptions(SummaryOptions, total=False):
    """Keywords of `summarise`, `summarise_many` and `stream_summarise`.

    Attributes:
        mime_type: what the articles are; None is "text/plain". In a page of "text/html" the article is found. Summaries
            are plain text or what `markdown` says.
    """

    mime_type: MimeType | None


class SummariseDocumentOptions(SummaryOptions, total=False):
    """Keywords of `summarise_document`.

    Attributes:
        name: as for `translate_document`.
        mime_type: as for `translate_document`.
        charset: as for `translate_document`.
        include_text: give `source_text`, which citations and warnings point into.
    """

    name: str | None
    mime_type: DocumentType | None
    charset: str | None
    include_text: bool


class DetectOptions(CallOptions, total=False):
    """Keywords of `detect_language`.

    Attributes:
        mime_type: what the texts are; None is "text/plain".
        max_candidates: how many guesses to give; 0 is the server's default.
        candidates: the languages that detection may find.
    """

    mime_type: MimeType | None
    max_candidates: int
    candidates: Sequence[str]


class TokenOptions(CallOptions, total=False):
    """Keywords of `count_tokens`.

    Attributes:
        mime_type: what the texts are; None is "text/plain". Of a document what a model reads is counted.
    """

    mime_type: MimeType | None


class ListOptions(CallOptions, total=False):
    """Keywords of `list_models`.

    Attributes:
        task: list what does this task only.
    """

    task: Task | None


class LanguageOptions(ListOptions, total=False):
    """Keywords of `list_languages`.

    Attributes:
        display_language: language of the display names; None is English.
    """

    display_language: str | None
