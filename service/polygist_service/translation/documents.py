"""Files in, translated files out."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.errors import InvalidDocument, InvalidRequest, RequestTooLarge
from polygist_service.notices import Notice
from polygist_service.text.documents import read_layout
from polygist_service.text.documents.files import read_file
from polygist_service.text.documents.files.base import (
    DocumentFile,
    FileNotice,
    FileText,
    ReadOptions,
    TranslatedText,
    WrittenFile,
)
from polygist_service.text.documents.plain_view import PlainView
from polygist_service.translation.terms.types import PlaceholderSyntax
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import TranslatedSegment, Translation, TranslationRequest


@dataclass(frozen=True, slots=True)
class DocumentRequest:
    """A file to translate.

    Attributes:
        document: its bytes.
        mime_type: what it is.
        options: how to translate it; without contents.
        reading: how the file is read.
        most_characters: of all that is translated of it.
    """

    document: bytes
    mime_type: str
    options: TranslationRequest
    reading: ReadOptions
    most_characters: int


@dataclass(frozen=True, slots=True)
class TranslatedDocument:
    """A translated file.

    Attributes:
        document: its bytes.
        translation: without text; spans are in `source_text` and `translated_text`.
        source_text, translated_text: what was read and written, without marks.
    """

    document: bytes
    translation: Translation
    source_text: str
    translated_text: str


class DocumentTranslator:
    """Translates files.

    Args:
        translator: translates their texts.
        pool: where files are read and written.
    """

    def __init__(self, translator: Translator, pool: TextPool) -> None:
        self._translator = translator
        self._pool = pool

    async def translate(self, request: DocumentRequest, context: CallContext) -> TranslatedDocument:
        """Translate a file.

        Raises:
            InvalidRequest: it is damaged, encrypted or hostile, or has too much text.
            UnsupportedCapability: what reads such files is not installed.
            PolygistError: see `Translator.events`.
        """
        file = await self._pool.call(context, lambda: read_document(request))
        texts = file.texts
        if (characters := sum(len(each.text) for each in texts)) > request.most_characters:
            raise RequestTooLarge(
                "document", f"{characters} characters, the limit is {request.most_characters}; cut it into several",
                requested=characters, limit=request.most_characters,
            )  # fmt: skip
        groups: dict[TranslationRequest, list[int]] = defaultdict(list)
        for index, text in enumerate(texts):
            groups[make_options(text, request.options)].append(index)
        translations: dict[int, Translation] = {}
        for options, indices in groups.items():
            contents = [texts[index].text for index in indices]
            found = await self._translator.translate(replace(options, contents=contents), context)
            translations.update(zip(indices, found, strict=True))
        ordered = [translations[index] for index in range(len(texts))]
        return await self._pool.call(context, lambda: write_document(file, texts, ordered, request.options.target))


def read_document(request: DocumentRequest) -> DocumentFile:
    """Read a file; raises InvalidRequest where that cannot be done."""
    try:
        return read_file(request.document, request.mime_type, request.reading)
    except InvalidDocument as error:
        raise InvalidRequest("document", error.message) from None


def make_options(text: FileText, options: TranslationRequest) -> TranslationRequest:
    """Return how a text of a file is translated."""
    syntaxes = set(options.terms.syntaxes)
    if text.has_printf:
        syntaxes.add(PlaceholderSyntax.PRINTF)
    if text.has_braces:
        syntaxes.add(PlaceholderSyntax.BRACES)
    terms = replace(options.terms, syntaxes=frozenset(syntaxes))
    return replace(options, mime_type=text.mime_type, terms=terms, source=options.source or text.language)


def write_document(
    file: DocumentFile, texts: Sequence[FileText], translations: Sequence[Translation], target: str
) -> TranslatedDocument:
    """Write a file with its texts translated; say where in the plain texts everything stands."""
    outputs = [
        TranslatedText(
            each.text,
            is_changed=each.model is not None,
            segments=[(segment.source_span, segment.target_span) for segment in each.segments],
        )
        for each in translations
    ]
    written = file.write(outputs, target)
    source = PlainView([read_layout(each.text, each.mime_type) for each in texts])
    pairs = zip(outputs, texts, strict=True)
    goal = PlainView([read_layout(each.text, text.mime_type) for each, text in pairs])
    translation = join_texts(translations, written, source, goal, target)
    return TranslatedDocument(written.document, translation, source.text, goal.text)


def join_texts(
    translations: Sequence[Translation], written: WrittenFile, source: PlainView, goal: PlainView, target: str
) -> Translation:
    """Return the translation of a file: that of its longest text, with what there is to know of all."""
    if not translations:
        return Translation("", "und", target)
    main = max(translations, key=lambda each: (each.model is not None, len(each.text)))
    notices = [FileNotice(index, each) for index, one in enumerate(translations) for each in one.notices]
    return replace(
        main,
        text="",
        segments=tuple(move_segments(translations, source, goal)),
        notices=tuple(dict.fromkeys(move_notices([*notices, *written.notices], source))),
        input_token_count=sum(each.input_token_count for each in translations),
        output_token_count=sum(each.output_token_count for each in translations),
    )


def move_notices(notices: Sequence[FileNotice], source: PlainView) -> Iterator[Notice]:
    """Yield notices about texts of a file with their spans in what was read of it."""
    for each in notices:
        span = source.span(each.index, each.notice.span) if each.notice.span else None
        yield replace(each.notice, span=span)


def move_segments(
    translations: Sequence[Translation], source: PlainView, goal: PlainView
) -> Iterator[TranslatedSegment]:
    """Yield the segments of all texts of a file with their spans in what was read and written of it."""
    for index, translation in enumerate(translations):
        for each in translation.segments:
            alignment = tuple(
                pair._replace(source=source.span(index, pair.source), target=goal.span(index, pair.target))
                for pair in each.alignment
            )
            yield replace(
                each,
                source_span=source.span(index, each.source_span),
                target_span=goal.span(index, each.target_span),
                alignment=alignment,
            )
