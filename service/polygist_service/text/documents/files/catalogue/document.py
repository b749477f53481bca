"""Catalogues of messages as files: what is translated of them, and how they are written again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from polygist.charsets import find_name

from polygist_service.errors import InvalidDocument
from polygist_service.notices import Notice, NoticeKind
from polygist_service.text.addresses import find_addresses
from polygist_service.text.documents.base import HTML, PLAIN
from polygist_service.text.documents.files.base import FileNotice, FileText, ReadOptions, TranslatedText, WrittenFile
from polygist_service.text.documents.files.catalogue.entries import Entry, cut_lines, read_entries
from polygist_service.text.documents.files.catalogue.formats import (
    Format,
    compare_placeholders,
    double_quotes,
    find_counter,
    find_formats,
    find_kept,
    find_placeholders,
    number_placeholders,
    part_placeholders,
    place_counter,
    place_number,
    restore_turns,
)
from polygist_service.text.documents.files.catalogue.header import (
    ACCELERATOR,
    CONTENT_TYPE,
    LANGUAGE,
    SOURCE_LANGUAGE,
    Header,
    PluralRule,
    find_declared_encoding,
)
from polygist_service.text.documents.files.catalogue.wording import (
    TAG,
    Wording,
    find_markers,
    mark_breaks,
    restore_breaks,
)
from polygist_service.text.documents.files.catalogue.writing import CatalogueWriter
from polygist_service.text.documents.files.encodings import MOST_LETTERS_SHOWN, UTF8, Encoding
from polygist_service.text.segmentation import has_letters

# A tag that ends something or is whole by itself, or a character reference: such a message is a piece of HTML.
MARKUP = re.compile(
    r"</[a-z][\w:.-]{0,30}\s*>|<[a-z][\w:.-]{0,30}(?:\s[^<>]{0,500})?/>|<(?:br|hr|img|wbr)\b[^<>]{0,500}>"
    r"|&(?:[a-z]{2,8}|\#\d{1,6}|\#x[\da-f]{1,5});",
    re.IGNORECASE,
)
# In their place stands who has translated a catalogue.
CREDITS = frozenset(("translator-credits", "translator_credits"))
CREDITS_CONTEXTS = frozenset(("NAME OF TRANSLATORS", "EMAIL OF TRANSLATORS"))
# A message that came back as it was is one that was not translated, unless it is made of names: these have capitals.
SMALL_WORD = re.compile(r"(?<![\w.-])[^\W\d_A-Z]{2,}(?![\w-])")
FEWEST_SMALL_WORDS = 2
COPIED = "the message was left as it was; it is marked as fuzzy"


@dataclass(frozen=True, slots=True)
class Source:
    """A message, or the plural of one.

    Attributes:
        own: as it stands in the catalogue.
        wording: what of it is translated.
        numbered: that, with numbers for placeholders that take their turn.
        counter: the placeholder that stands for the number one, which is sent in its place; empty where there is none.
        index: of its text in the file; None where it has no words and is carried over as it is.
    """

    own: str
    wording: Wording
    numbered: str
    index: int | None = None
    counter: str = ""

    @classmethod
    def of(cls, own: str, formats: Sequence[Format], markers: str, index: int, *, is_of_one: bool = False) -> "Source":
        """Read a message.

        Args:
            own: as it stands in the catalogue.
            formats: of its placeholders.
            markers: what may mark its accelerator.
            index: of its text, should it have words.
            is_of_one: whether it is in the singular, and has a plural.
        """
        code = "".join(own[slice(*span)] for span in find_placeholders(own, formats))
        wording = Wording.of(own, "" if MARKUP.search(own) else "".join(each for each in markers if each not in code))
        numbered = number_placeholders(wording.text, formats)
        counter = find_counter(numbered, formats) if is_of_one else ""
        return cls(own, wording, numbered, index if has_words(numbered, formats) else None, counter)

    @property
    def sent(self) -> str:
        """What is translated: by the number one in it, a model tells that it is one thing."""
        return self.numbered.replace(self.counter, "1") if self.counter else self.numbered

    def receive(self, translated: str) -> str:
        """Return the translation of `numbered`, given that of `sent`."""
        return place_counter(translated, self.counter) if self.counter else translated


@dataclass(frozen=True, slots=True)
class Task:
    """An entry to translate.

    Attributes:
        entry: the entry.
        formats: of its placeholders.
        sources: which source each form is translated from; None for one that stays.
        doubtful: forms that stand for several numbers, one among them, though their source has no place for it.
    """

    entry: Entry
    formats: Sequence[Format]
    sources: Sequence[Source | None]
    doubtful: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CatalogueFile:
    """See `base.DocumentFile`."""

    document: bytes
    encoding: Encoding
    lines: Sequence[str]
    entries: Sequence[Entry]
    header: Header
    rule: PluralRule
    options: ReadOptions
    tasks: Sequence[Task]
    texts: Sequence[FileText]

    @classmethod
    def read(cls, document: bytes, options: ReadOptions) -> "CatalogueFile":
        """Read a catalogue, or the template of one.

        Raises:
            InvalidDocument: it is none, its encoding or its rule of plural forms is unknown, or it has translations
                into another language.
        """
        encoding = find_declared_encoding(document, options.charset)
        lines = cut_lines(encoding.decode(document))
        entries = read_entries(lines)
        header = Header.of(entries)
        check_language(header, entries, options)
        target = options.target or header.language() or "en"
        rule = header.plural_rule(target)
        tasks, texts = plan(entries, header, rule, options)
        return cls(document, encoding, lines, entries, header, rule, options, tasks, texts)

    def write(self, translated: Sequence[TranslatedText], language: str) -> WrittenFile:
        """See `base.DocumentFile.write`.

        What is written are translations, the flag and the former words of entries that get one, and of the header the
        language, the rule of plural forms where there is none, and the encoding where it cannot stay. Who has revised
        it, and when, stays as it is: nobody has.
        """
        if not any(each.is_changed for each in translated):
            return WrittenFile(self.document)
        writer = CatalogueWriter(self.lines)
        notices: list[FileNotice] = []
        for task in self.tasks:
            used = [each for each in task.sources if each]
            if not all(each.index is None or translated[each.index].is_changed for each in used):
                continue
            forms: dict[int, str] = {}
            found = [*describe_doubt(task)]
            for number, source in enumerate(task.sources):
                if source:
                    forms[number], faults = write_form(source, task.formats, translated, language)
                    found += faults
            notices += found
            is_new = any(each.index is not None for each in used)
            is_doubtful = any(translated[each.index].is_doubtful for each in used if each.index is not None)
            is_fuzzy = bool(found) or is_doubtful or (is_new and self.options.mark_fuzzy)
            writer.translate(task.entry, len(task.sources), forms, is_fuzzy=is_fuzzy)
        fields = self.header.fields_in(language, self.rule)
        document, notice = self.encoding.encode(writer.text)
        says_utf8 = find_name(self.header.charset) == UTF8
        if not says_utf8 and (notice or (self.encoding.codec == UTF8 and not document.isascii())):
            fields[CONTENT_TYPE] = "text/plain; charset=UTF-8"
            notice = notice or (describe_encoding(self.header.charset, document) if self.header.charset else None)
        writer.head(self.header.entry, fields)
        if notice:
            notices.append(FileNotice(0, notice))
        return WrittenFile(self.encoding.encode(writer.text)[0], list(dict.fromkeys(notices)))


def check_language(header: Header, entries: Sequence[Entry], options: ReadOptions) -> None:
    """Raise InvalidDocument where translations into another language than the wanted one would stay."""
    language = header.language()
    if not language or not options.target or options.retranslate or header.is_in(options.target):
        return
    if any(each.is_translated and not each.is_fuzzy for each in entries if not each.is_header):
        raise InvalidDocument(
            f"has translations into {language} already, by its field {LANGUAGE}; give the template of the catalogue"
            f" (.pot), or translate all of it again into {options.target}: catalogue_config.retranslate"
        )


def plan(
    entries: Sequence[Entry], header: Header, rule: PluralRule, options: ReadOptions
) -> tuple[list[Task], list[FileText]]:
    """Return what is to be done for a catalogue, and the texts that are translated for it."""
    wanted = [each for each in entries if is_wanted(each, options, rule)]
    markers = find_markers((each.message for each in entries), said=header[ACCELERATOR])
    tasks: list[Task] = []
    sources: list[Source] = []
    for entry in wanted:
        formats = find_formats(entry.flags)
        forms, doubtful = choose_sources(entry, formats, rule, options)
        made: dict[str, Source] = {}
        for own in filter(None, dict.fromkeys(forms)):
            is_of_one = entry.plural not in (None, own)
            made[own] = Source.of(own, formats, markers, len(sources), is_of_one=is_of_one)
            if made[own].index is not None:
                sources.append(made[own])
        tasks.append(Task(entry, formats, [made[own] if own else None for own in forms], doubtful))
    kept = frozenset(
        phrase
        for task in tasks
        for source in filter(None, task.sources)
        for phrase in find_kept(source.numbered, task.formats)
    )
    language = header.language(SOURCE_LANGUAGE)
    texts = [
        FileText(mark_breaks(each.sent), HTML, kept=kept, language=language)
        if MARKUP.search(each.sent)
        else FileText(each.sent, PLAIN, kept=kept, language=language)
        for each in sources
    ]
    return tasks, texts


def is_wanted(entry: Entry, options: ReadOptions, rule: PluralRule) -> bool:
    """Whether an entry is to be translated."""
    if not entry.message or entry.message in CREDITS or entry.context in CREDITS_CONTEXTS:
        return False
    is_short = entry.plural is not None and len(entry.forms) < rule.count
    return options.retranslate or entry.is_fuzzy or is_short or not entry.is_translated


def choose_sources(
    entry: Entry, formats: Sequence[Format], rule: PluralRule, options: ReadOptions
) -> tuple[list[str | None], frozenset[int]]:
    """Return what each form of an entry is translated from, and which are doubtful; see `Task`.

    Forms that have a translation stay, unless it is a guess or all is translated again.
    """
    stays = [not options.retranslate and not entry.is_fuzzy and bool(form.text) for form in entry.forms]
    if entry.plural is None:
        return [None if stays[0] else entry.message], frozenset()
    one, singular = rule.form_of_one, entry.message
    # Where the form for one stands for 21 or for none as well, it needs the place for a number.
    if len(rule.numbers[one]) > 1:
        singular = place_number(singular, entry.plural, formats)
    forms: list[str | None] = [entry.plural] * rule.count
    if singular and rule.count > 1:
        forms[one] = singular
    forms = [None if stay else own for stay, own in zip_longest(stays[: rule.count], forms)]
    is_doubtful = rule.count > 1 and not singular and forms[one]
    return forms, frozenset([one] if is_doubtful else [])


def has_words(text: str, formats: Sequence[Format]) -> bool:
    """Whether a message has letters that are not of a placeholder or an address."""
    return has_letters("".join(find_wording(text, formats)))


def is_copied(text: str, translated: str, formats: Sequence[Format]) -> bool:
    """Whether a message that is more than names came back as it was."""
    if text.split() != translated.split():
        return False
    rest = TAG.sub(" ", " ".join(find_wording(text, formats)))
    return len(SMALL_WORD.findall(rest)) >= FEWEST_SMALL_WORDS


def find_wording(text: str, formats: Sequence[Format]) -> list[str]:
    """Return what stands between the placeholders and addresses of a message."""
    at, rest = 0, []
    for start, end in sorted(chain(find_placeholders(text, formats), find_addresses(text))):
        rest.append(text[at:start])
        at = max(at, end)
    return [*rest, text[at:]]


def write_form(
    source: Source, formats: Sequence[Format], translated: Sequence[TranslatedText], language: str
) -> tuple[str, list[FileNotice]]:
    """Return the translation of a message, and what is wrong with it."""
    if source.index is None:
        return source.own, []
    answer = translated[source.index].text
    if is_copied(source.sent, answer, formats):
        notice = Notice(NoticeKind.UNTRANSLATED, COPIED, (0, len(source.sent)))
        return source.own, [FileNotice(source.index, notice)]
    written = source.receive(restore_breaks(source.sent, answer))
    written = part_placeholders(source.numbered, written, formats)
    wrong = compare_placeholders(source.numbered, written, formats)
    if not wrong:
        written, wrong = restore_turns(source.wording.text, source.numbered, written, formats)
    notices = [
        FileNotice(source.index, describe_lost(source.sent, placeholder)) for placeholder in dict.fromkeys(wrong)
    ]
    return source.wording.restore(double_quotes(source.own, written, formats), language), notices


def describe_encoding(charset: str, document: bytes) -> Notice:
    """Return the notice that a catalogue that said to be in another encoding is UTF-8 now."""
    lacking = " ".join(sorted(each for each in set(document.decode()) if not each.isascii())[:MOST_LETTERS_SHOWN])
    return Notice(NoticeKind.DOCUMENT_ALTERED, f"the file is UTF-8 now, as {charset} has no: {lacking}")


def describe_lost(text: str, placeholder: str) -> Notice:
    """Return the notice that a placeholder does not stand in a translation as it should."""
    at = text.find(placeholder)
    return Notice(
        NoticeKind.PLACEHOLDER_LOST,
        f"the placeholder {placeholder!r} is not in the translation as it has to be; it is marked as fuzzy",
        (at, at + len(placeholder)) if at >= 0 else (0, len(text)),
    )


def describe_doubt(task: Task) -> Iterator[FileNotice]:
    """Yield the notices that a form was made of a plural though it stands for one thing as well."""
    for form in task.doubtful:
        source = task.sources[form]
        if source and source.index is not None:
            message = (
                f"msgstr[{form}] stands for one and for other numbers, but the singular has no place for a number: it"
                " was made from the plural, and is marked as fuzzy"
            )
            yield FileNotice(source.index, Notice(NoticeKind.DOCUMENT_ALTERED, message, (0, len(source.sent))))
