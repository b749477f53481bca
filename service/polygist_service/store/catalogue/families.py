"""Families of models: the rules that their members share, and how a member is recognised."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polygist_service.errors import StoreError
from polygist_service.store.catalogue.tables import Table
from polygist_service.text.languages import BadTag, parse_tag

ROLES = ("translation", "encoder", "summarisation")
TOKENIZERS = ("sentencepiece", "pieces", "json", "chat")


@dataclass(frozen=True)
class Family:
    """What models of one make have in common; its attributes that `Description` has too are defaults for it.

    Attributes:
        architectures: names in a published ``config.json`` that its members have.
        tokenizer_class: the published tokenizer that tells it from other families of the same architecture.
        converts_as: the tokenizer that Transformers has in its place, where it has none of that name.
        tokenizer_files: what the tokenizer reads.
        optional_files: what is kept beside them where it is there.
        language_token: pattern of the tokens that name a language; its group is the language's code.
        reads_all: whether it reads all languages that it has tokens for.
        owner: who publishes members under names of `name_pattern` on the Hub; empty for nobody.
        name_pattern: pattern of names that tell a pair; its groups are the codes of source and target.
        groups: codes of `name_pattern` that stand for several languages.
        codes: the codes that `text.tags.parse_tag` would read as another language, with what they are.
        defaults: attributes of `Description`.
    """

    name: str
    architectures: tuple[str, ...]
    tokenizer_class: str
    converts_as: str
    tokenizer_files: tuple[str, ...]
    optional_files: tuple[str, ...]
    language_token: re.Pattern[str] | None
    reads_all: bool
    owner: str
    name_pattern: re.Pattern[str] | None
    groups: tuple[str, ...]
    codes: Mapping[str, str]
    defaults: Mapping[str, Any]

    def read_languages(self, vocabulary: Iterable[str]) -> dict[str, str]:
        """The languages that `vocabulary` has tokens for: BCP-47 to token, sorted.

        A code that is no language's, such as a noise marker, is left out. Of two codes of one language the shorter
        one stands for it.
        """
        if self.language_token is None:
            return {}
        found: dict[str, str] = {}
        for token in sorted(vocabulary, key=lambda token: (len(token), token)):
            if match := self.language_token.fullmatch(token):
                code = match[1]
                try:
                    found.setdefault(parse_tag(self.codes.get(code, code)), token)
                except BadTag:
                    continue
        return dict(sorted(found.items()))

    def read_name(self, name: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """The languages that a model of this name reads and writes, none where a code stands for several.

        None where the name is not made as the family's names are.
        """
        match = self.name_pattern.fullmatch(name) if self.name_pattern else None
        if match is None:
            return None
        return self._read_code(match[1]), self._read_code(match[2])

    def _read_code(self, code: str) -> tuple[str, ...]:
        if code.lower() in self.groups or code.isupper():
            return ()
        try:
            return (parse_tag(self.codes.get(code, code)),)
        except BadTag:
            return ()


def read_families(table: Table) -> dict[str, Family]:
    """The families of a catalogue."""
    families = {}
    for name in table:
        inner = table.table(name)
        families[name] = Family(
            name=name,
            architectures=inner.texts("architectures") if "architectures" in inner else (),
            tokenizer_class=inner.text("tokenizer_class") if "tokenizer_class" in inner else "",
            converts_as=inner.text("converts_as") if "converts_as" in inner else "",
            tokenizer_files=inner.texts("tokenizer_files"),
            optional_files=inner.texts("optional_files") if "optional_files" in inner else (),
            language_token=_compile(inner, "language_token", 1),
            reads_all=inner.flag("reads_all") if "reads_all" in inner else False,
            owner=inner.text("owner") if "owner" in inner else "",
            name_pattern=_compile(inner, "name_pattern", 2),
            groups=inner.texts("groups") if "groups" in inner else (),
            codes=inner.text_table("codes") if "codes" in inner else {},
            defaults=read_settings(inner),
        )
        inner.close()
    return families


def _compile(table: Table, key: str, groups: int) -> re.Pattern[str] | None:
    if key not in table:
        return None
    pattern = table.text(key)
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise table.error(key, pattern, f"a regular expression ({error})") from None
    if compiled.groups != groups:
        raise table.error(key, pattern, f"a regular expression with {groups} groups, for the codes of languages")
    return compiled


def read_settings(table: Table) -> dict[str, Any]:
    """The attributes of `Description` that a family or an entry may set, as many as there are."""
    readers: dict[str, Any] = {
        "display_name": table.text,
        "role": lambda key: table.text(key, among=ROLES),
        "license": table.text,
        "tokenizer": lambda key: table.text(key, among=TOKENIZERS),
        "source_languages": lambda key: _tags(table, key),
        "target_languages": lambda key: _tags(table, key),
        "source_layout": table.texts,
        "target_layout": table.texts,
        "text_prefix": table.text,
        "max_input_tokens": table.count,
        "max_output_tokens": table.count,
        "quality_beam_size": table.count,
        "shortlist": table.flag,
        "experimental": table.flag,
        "runs_as": table.text,
        "golden_text": table.text,
    }
    return {key: read(key) for key, read in readers.items() if key in table}


def _tags(table: Table, key: str) -> tuple[str, ...]:
    values = table.texts(key)
    try:
        return tuple(map(parse_tag, values))
    except BadTag as error:
        raise table.error(key, list(values), f"a list of languages ({error})") from None


def recognise(
    families: Mapping[str, Family],
    config: Mapping[str, Any],
    tokenizer_class: str,
    vocabulary: Collection[str],
    files: Collection[str],
) -> Family:
    """The family of a published model: by its architecture, then its tokenizer, then the languages it has tokens for.

    Args:
        config: its ``config.json``; that of a converted model names no architecture.
        tokenizer_class: as its ``tokenizer_config.json`` names it; a ``Fast`` at the end does not count.
        vocabulary: its tokens, or none where they are not known yet: the families that are left are then so much alike
            that the first one will do for a conversion.
        files: of the repository.

    Raises:
        StoreError: none, or more than one; names the candidates.
    """
    architectures = config.get("architectures") or []
    plain = tokenizer_class.removesuffix("Fast")
    fitting = [
        family
        for family in families.values()
        if family.architectures
        and (not architectures or set(family.architectures) & set(architectures))
        and (architectures or set(family.tokenizer_files) <= set(files))
    ]
    fitting = [family for family in fitting if plain and family.tokenizer_class == plain] or (
        fitting if architectures else []
    )
    if vocabulary:
        speaking = [family for family in fitting if family.read_languages(vocabulary)]
        fitting = speaking or [family for family in fitting if family.language_token is None]
    if len(fitting) == 1 or (fitting and not vocabulary):
        return fitting[0]
    what = f"architecture {', '.join(architectures) or 'unknown'}, tokenizer {tokenizer_class or 'unknown'}"
    names = ", ".join(family.name for family in fitting or families.values())
    raise StoreError(f"cannot tell the family of this model ({what}); give --family, one of: {names}")


def window_cost(layout: Sequence[str]) -> int:
    """How many tokens a layout adds to a text, the end of sentence left out, as a window counts that itself."""
    return max(0, len([part for part in layout if part != "{text}"]) - 1)
