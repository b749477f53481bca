"""What a catalogue of messages says of itself, and how many forms its language has for numbers."""

import gettext
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import langcodes
from babel import Locale
from babel.messages.plurals import get_plural
from polygist.charsets import find_encoding, find_name

from polygist_service.errors import InvalidDocument
from polygist_service.text.documents.files.catalogue.entries import Entry
from polygist_service.text.documents.files.encodings import UTF8, Encoding, tell_encoding
from polygist_service.text.documents.files.kinds import GETTEXT
from polygist_service.text.languages import BadTag, base_language, is_kin, locale_of, parse_tag

CONTENT_TYPE, LANGUAGE, SOURCE_LANGUAGE = "Content-Type", "Language", "X-Source-Language"
PLURAL_FORMS, ACCELERATOR = "Plural-Forms", "X-Accelerator-Marker"
CHARSET = re.compile(r"charset=\s*([\w.:-]+)")
DECLARED = re.compile(rb"\bContent-Type:[^\n]{0,200}?charset=\s*([\w.:-]{1,40})")
HEAD_BYTES = 100_000
RULE = re.compile(r"\s*nplurals\s*=\s*(\d)\s*;\s*plural\s*=([^;]+);?\s*")
# What templates have where something is to be filled in.
UNFILLED = ("CHARSET", "INTEGER", "EXPRESSION")
# Every rule of CLDR shows all its forms in these numbers.
NUMBERS = (*range(1001), 1_000_000)
# What msginit, and so most catalogues, have for languages in which CLDR tells more forms, or others.
RULES = {
    **dict.fromkeys(("es", "he", "it", "pt"), (2, "(n != 1)")),
    **dict.fromkeys(("fr", "pt-BR"), (2, "(n > 1)")),
    "lv": (3, "(n%10==1 && n%100!=11 ? 0 : n != 0 ? 1 : 2)"),
    "ga": (3, "n==1 ? 0 : n==2 ? 1 : 2"),
}
# What gettext calls some scripts and regions.
LOCALES = {"zh-Hans": "zh_CN", "zh-Hant": "zh_TW", "zh": "zh_CN"}


@dataclass(frozen=True)
class PluralRule:
    """Which form of a message stands for which number.

    Attributes:
        count: how many there are.
        expression: which one, in C.
    """

    count: int
    expression: str

    @cached_property
    def numbers(self) -> Sequence[Sequence[int]]:
        """For each form the numbers that it stands for, of `NUMBERS`.

        Raises:
            ValueError: the expression is none, or has another number of forms.
        """
        # The library reads the expression by a grammar, of bounded length and depth, and runs what it made of it.
        choose: Callable[[int], int] = gettext.c2py(self.expression)
        found: list[list[int]] = [[] for _ in range(self.count)]
        for number in NUMBERS:
            form = choose(number)
            if not 0 <= form < self.count:
                raise ValueError(f"form {form} of {self.count} for {number}")
            found[form].append(number)
        return found

    @property
    def form_of_one(self) -> int:
        """Which form stands for one thing."""
        return next(form for form, numbers in enumerate(self.numbers) if 1 in numbers)

    def __str__(self) -> str:
        return f"nplurals={self.count}; plural={self.expression};"


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a header, by name."""

    entry: Entry | None
    fields: dict[str, str]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "Header":
        """Return the header of a catalogue, without fields where it has none."""
        entry = next((each for each in entries if each.is_header), None)
        lines = entry.forms[0].text.split("\n") if entry else []
        parted = [line.partition(":") for line in lines]
        return cls(entry, {name.strip().lower(): value.strip() for name, _, value in reversed(parted)})

    def __getitem__(self, name: str) -> str:
        """Return a field; empty where it is missing or waits to be filled in."""
        value = self.fields.get(name.lower(), "")
        return "" if any(each in value for each in UNFILLED) else value

    def language(self, name: str = LANGUAGE) -> str | None:
        """Return the canonical tag of a field that names a language."""
        locale, _, variant = self[name].partition("@")
        script = variant[:4].title() if variant in ("latin", "cyrillic", "arabic") else ""
        try:
            return (
                parse_tag("-".join(filter(None, (locale.split(".")[0].replace("_", "-"), script)))) if locale else None
            )
        except BadTag:
            return None

    @property
    def charset(self) -> str:
        """What it says that the catalogue is encoded in; empty where it does not."""
        found = CHARSET.search(self[CONTENT_TYPE])
        return found[1] if found else ""

    def is_in(self, language: str) -> bool:
        """Whether it says that the catalogue is in a language, of whatever region."""
        own = self.language()
        return own is not None and is_kin(own, language)

    def fields_in(self, language: str, rule: PluralRule) -> dict[str, str]:
        """Return the fields that have to be others where the catalogue is in a language, with a rule of forms."""
        fields = {} if self.is_in(language) else {LANGUAGE: locale_name(language)}
        if not self[PLURAL_FORMS] or (self.language() and fields):
            fields[PLURAL_FORMS] = str(rule)
        return fields

    def plural_rule(self, target: str) -> PluralRule:
        """Return the rule of the catalogue, or that of the target language where it has none, or another language's.

        Raises:
            InvalidDocument: its own is none.
        """
        if not self[PLURAL_FORMS] or (self.language() and not self.is_in(target)):
            return find_plural_rule(target)
        said = self[PLURAL_FORMS]
        found = RULE.fullmatch(said)
        try:
            rule = PluralRule(int(found[1]), found[2].strip()) if found else None
            if rule and rule.numbers:
                return rule
        except (ValueError, ArithmeticError):
            pass
        raise InvalidDocument(
            f"its {PLURAL_FORMS} are no rule of forms: {said[:100]!r}; leave the field out and that of the language is"
            f" taken: {find_plural_rule(target)}"
        )


def find_declared_encoding(document: bytes, charset: str) -> Encoding:
    """Return what a catalogue is encoded in: as its mark says, else the caller, else its header, else UTF-8.

    Raises:
        InvalidDocument: its header names an encoding that is not known.
    """
    told = tell_encoding(document, mime_type=GETTEXT, charset=charset)
    found = None if told.mark or charset else DECLARED.search(document[:HEAD_BYTES])
    label = found[1].decode("ascii") if found else ""
    if not label or label in UNFILLED:
        return told
    codec = find_encoding(label)
    if not codec:
        raise InvalidDocument(f"its encoding is not known: {label}; convert it to UTF-8 first: msgconv -t UTF-8")
    # A catalogue is in what it says, where a page is in what browsers take that for.
    return Encoding(codec if codec == UTF8 else find_name(label), label=label, mime_type=GETTEXT)


def find_plural_rule(language: str) -> PluralRule:
    """Return the rule of a language: gettext's own, else that of CLDR, else two forms as in English."""
    own = RULES.get(language) or RULES.get(base_language(language))
    if own:
        return PluralRule(*own)
    rule = get_plural(locale_of(language) or locale_of(base_language(language)) or "en")
    return PluralRule(rule.num_plurals, rule.plural_expr)


def locale_name(tag: str) -> str:
    """Return what gettext calls a language: ``pt_BR`` for pt-BR, ``sr@latin`` for sr-Latn."""
    if tag in LOCALES:
        return LOCALES[tag]
    language = langcodes.Language.get(tag)
    name = "_".join(filter(None, (language.language, language.territory)))
    script = Locale("en").scripts.get(language.script) if language.script else None
    return f"{name}@{script.lower()}" if script and language.language != "zh" else name
