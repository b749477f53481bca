"""Files in, translated files out."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from polygist_service.concurrency import TextPool, gather_all, run_in_turns
from polygist_service.context import CallContext
from polygist_service.errors import PolygistError
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.documents import read_layout
from polygist_service.text.documents.base import Passage
from polygist_service.text.documents.files.base import FileNotice, FileText, TranslatedText, WrittenFile
from polygist_service.text.documents.files.input_file import InputFile, OpenFile
from polygist_service.text.documents.plain_view import PlainView
from polygist_service.text.segmentation import Span
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.translator import Translator
from polygist_service.translation.types import TranslatedSegment, Translation, TranslationRequest

# Unpacked files may be large; so many are in memory at a time, and others wait.
FILES_AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class TranslatedDocument:
    """A translated file.

    Attributes:
        document: its bytes.
        mime_type: what it was read as.
        translation: without text; spans are in `source_text` and `translated_text`.
        source_text, translated_text: what was read and written, without marks; the latter is empty where segments are
            not wanted.
    """

    document: bytes
    mime_type: str
    translation: Translation
    source_text: str
    translated_text: str


@dataclass(frozen=True, slots=True)
class FileReading:
    """All texts of a file as one, whose language is that of each; a `base.Readable`."""

    text: str
    language: str | None

    @property
    def passages(self) -> Sequence[Passage]:
        """See `base.Readable`."""
        return (Passage(0, len(self.text), self.text),)

    def source_span(self, passage: Passage, span: Span) -> Span:
        """See `base.Readable`."""
        return span


class DocumentTranslator:
    """Translates files.

    Args:
        translator: translates their texts.
        pool: where files are read and written.
        counted: is told what each file was read as, and its size in bytes.
    """

    def __init__(
        self, translator: Translator, pool: TextPool, counted: Callable[[str, int], None] = lambda mime_type, size: None
    ) -> None:
        self._translator = translator
        self._pool = pool
        self._counted = counted
        self._room = asyncio.Semaphore(FILES_AT_A_TIME)

    async def translate(
        self, file: InputFile, options: TranslationRequest, context: CallContext, *, has_segments: bool = True
    ) -> TranslatedDocument:
        """Translate a file.

        Args:
            file: what is translated.
            options: how; without contents.
            context: who wants it.
            has_segments: whether segments and `translated_text` are wanted, for which what was written is read again.

        Raises:
            InvalidRequest, UnsupportedCapability: see `InputFile.open`.
            PolygistError: see `Translator.events`; where that names a content, it is the file that is named.
        """
        async with self._room:
            opened = await self._pool.call(context, file.open)
            self._counted(opened.mime_type, len(file.document))
            with naming(file.document_field, options="config."):
                language = await self._tell_language(opened, options, context)
                known = replace(options, source=language.language, candidates=frozenset()) if language else options
                translations = await self._translate_texts(opened.texts, known, context)
            write = partial(write_document, opened, translations, language, options.target, has_segments=has_segments)
            return await self._pool.call(context, write)

    async def _tell_language(
        self, opened: OpenFile, options: TranslationRequest, context: CallContext
    ) -> DetectedLanguage | None:
        """Return the language of a file of several texts: words of one message tell less than those of all.

        None where it is given, or has to be told of the one text there is, which may have parts in others.
        """
        declared = next((each.language for each in opened.texts if each.language), None)
        if options.source or (len(opened.texts) < 2 and not declared):
            return None
        reading = FileReading(opened.view.text, declared)
        (language,) = await self._translator.tell_languages([reading], options, context)
        return None if language.language == "und" else language

    async def _translate_texts(
        self, texts: Sequence[FileText], options: TranslationRequest, context: CallContext
    ) -> list[Translation]:
        """Translate the texts of a file; return the translations in order."""
        kinds = await run_in_turns(partial(replace, text=""), texts)
        groups: dict[FileText, list[int]] = defaultdict(list)
        for index, kind in enumerate(kinds):
            groups[kind].append(index)
        found = await gather_all(
            self._translator.translate(
                replace(make_options(kind, options), contents=[texts[index].text for index in indices]), context
            )
            for kind, indices in groups.items()
        )
        members = [index for indices in groups.values() for index in indices]
        ordered = dict(zip(members, (each for group in found for each in group), strict=True))
        return [ordered[index] for index in range(len(texts))]


@contextmanager
def naming(field: str, *, options: str = "") -> Iterator[None]:
    """Let errors about contents name the field of the file that these are of, and those about options theirs.

    Args:
        field: of the file.
        options: what stands before the name of an option.
    """
    try:
        yield
    except PolygistError as error:
        if named := error.metadata.get("field"):
            error.rename_field(field if named.startswith("contents") else f"{options}{named}")
        raise


def make_options(text: FileText, options: TranslationRequest) -> TranslationRequest:
    """Return how a text of a file is translated."""
    kept = tuple(sorted({*options.terms.kept_phrases, *text.kept}))
    return replace(options, mime_type=text.mime_type, terms=replace(options.terms, kept_phrases=kept))


def write_document(
    opened: OpenFile,
    translations: Sequence[Translation],
    language: DetectedLanguage | None,
    target: str,
    *,
    has_segments: bool,
) -> TranslatedDocument:
    """Write a file with its texts translated; say where in the plain texts everything stands."""
    outputs = [
        TranslatedText(
            each.text,
            is_changed=each.model is not None,
            segments=[(segment.source_span, segment.target_span) for segment in each.segments],
            is_doubtful=any(notice.kind is NoticeKind.PLACEHOLDER_LOST for notice in each.notices),
        )
        for each in translations
    ]
    written = opened.file.write(outputs, target)
    source, goal = view_both(opened, translations, has_segments=has_segments)
    translation = join_texts(translations, written, source, goal, target)
    if language:
        notices = tuple(each for each in language.notices() if each.span is None)
        translation = replace(translation, confidence=language.confidence, notices=(*notices, *translation.notices))
    return TranslatedDocument(written.document, opened.mime_type, translation, source.text, goal.text if goal else "")


def view_both(
    opened: OpenFile, translations: Sequence[Translation], *, has_segments: bool
) -> tuple[PlainView, PlainView | None]:
    """Return what was read of a file, and of what was written, with the same asides: segments that are in no passage.

    What was written is not read again where nobody asks for its segments.
    """
    asides = {
        index: found
        for index, translation in enumerate(translations)
        if (found := [each for each in translation.segments if is_aside(opened.view, index, each)])
    }
    source = opened.view.with_asides({at: [each.source_span for each in found] for at, found in asides.items()})
    if not has_segments:
        return source, None
    pairs = zip(translations, opened.texts, strict=True)
    written = [read_layout(each.text, text.mime_type) for each, text in pairs]
    return source, PlainView(written, {at: [each.target_span for each in found] for at, found in asides.items()})


def is_aside(view: PlainView, index: int, segment: TranslatedSegment) -> bool:
    """Whether nothing is read in a view of a segment of the text at an index."""
    low, high = view.span(index, segment.source_span)
    return low == high


def join_texts(
    translations: Sequence[Translation], written: WrittenFile, source: PlainView, goal: PlainView | None, target: str
) -> Translation:
    """Return the translation of a file: that of its longest text, with what there is to know of all."""
    if not translations:
        return Translation("", "und", target)
    main = max(translations, key=lambda each: (each.model is not None, len(each.text)))
    notices = [FileNotice(index, each) for index, one in enumerate(translations) for each in one.notices]
    scored = [(each.score, each.token_count) for each in translations if each.score is not None]
    tokens = sum(count for _, count in scored)
    return replace(
        main,
        text="",
        score=sum(score * count for score, count in scored) / tokens if tokens else main.score,
        segments=tuple(move_segments(translations, source, goal)) if goal else (),
        notices=tuple(dict.fromkeys(move_notices([*notices, *written.notices], source))),
        token_count=sum(each.token_count for each in translations),
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
                pair._replace(
                    source=source.inner_span(index, pair.source, each.source_span),
                    target=goal.inner_span(index, pair.target, each.target_span),
                )
                for pair in each.alignment
            )
            yield replace(
                each,
                source_span=source.span(index, each.source_span),
                target_span=goal.span(index, each.target_span),
                alignment=alignment,
            )
