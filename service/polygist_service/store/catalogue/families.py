"""Families of models: the rules that their members share, and how a member is recognised."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    StrictBool,
    StrictInt,
    ValidationError,
)

from polygist_service.errors import StoreError
from polygist_service.store.description import ROLES, TOKENIZERS
from polygist_service.store.validation import must_be, one_of, show
from polygist_service.text.languages import BadTag, parse_tag


def parse_languages(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Read the languages that a table names."""
    try:
        return tuple(map(parse_tag, tags))
    except BadTag as error:
        raise ValueError(f"a list of languages ({error})") from None


Text = Annotated[str, must_be("a text that is not empty", bool)]
Texts = Annotated[tuple[str, ...], must_be("a list of texts")]
Count = Annotated[StrictInt, must_be("a whole number of at least 1", lambda value: value > 0)]
Flag = Annotated[StrictBool, must_be("true or false")]
Languages = Annotated[Texts, AfterValidator(parse_languages)]
OneCode = Annotated[re.Pattern[str], must_be("a regular expression with 1 group", lambda it: it.groups == 1)]
TwoCodes = Annotated[re.Pattern[str], must_be("a regular expression with 2 groups", lambda it: it.groups == 2)]

TAGS = ("wheel", "folder", "pinned", "published")

# A pair of languages, as people write one.
PAIR = re.compile(r"([A-Za-z_]+)(?:->|[->→])([A-Za-z_]+(?:-[A-Za-z]+)*)")


class Table(BaseModel):
    """A table of the catalogue. Unknown keys are refused: a misspelt one would be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DescriptionTable(Table):
    """A table with attributes of `Description`, as many of them as are known before a model is installed."""

    display_name: Text = ""
    role: Annotated[str, one_of(ROLES)] = ""
    license: Text = ""
    tokenizer: Annotated[str, one_of(TOKENIZERS)] = ""
    source_languages: Languages = ()
    target_languages: Languages = ()
    source_layout: Texts = ()
    target_layout: Texts = ()
    text_prefix: Text = ""
    max_input_tokens: Count = 0
    max_output_tokens: Count = 0
    quality_beam_size: Count = 0
    shortlist: Flag = False
    experimental: Flag = False
    runs_as: Text = ""
    golden_text: Text = ""

    @property
    def settings(self) -> dict[str, Any]:
        """The attributes of `Description` that it names."""
        return self.model_dump(include=set(DescriptionTable.model_fields), exclude_unset=True)


class Family(DescriptionTable):
    """What models of one make have in common; the attributes of `Description` are defaults for it.

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
        languages: what its published members read and write, known before one is installed; empty where that differs.
        aligns: whether members tell which words became which, as far as they were not measured.
        codes: the codes that `text.tags.parse_tag` would read as another language, with what they are.
    """

    _name: str = PrivateAttr("")
    architectures: Texts = ()
    tokenizer_class: Text = ""
    converts_as: Text = ""
    tokenizer_files: Texts
    optional_files: Texts = ()
    language_token: OneCode | None = None
    reads_all: Flag = False
    owner: Text = ""
    name_pattern: TwoCodes | None = None
    groups: Texts = ()
    languages: Languages = ()
    aligns: Flag = False
    codes: Annotated[dict[str, str], must_be("a table of texts")] = {}

    @property
    def name(self) -> str:
        """What its table is called."""
        return self._name

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
        return self.read_code(match[1]), self.read_code(match[2])

    def read_code(self, code: str) -> tuple[str, ...]:
        """The language that a code of a name stands for, or none where it stands for several."""
        if code.lower() in self.groups or code.isupper():
            return ()
        try:
            return (parse_tag(self.codes.get(code, code)),)
        except BadTag:
            return ()


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


def read_pair(name: str) -> tuple[str, str] | None:
    """The languages of a pair such as en-fr, en>fr or en->pt-BR; None where a name is none."""
    found = PAIR.fullmatch(name)
    try:
        return (parse_tag(found[1]), parse_tag(found[2])) if found else None
    except BadTag:
        return None


def explain(error: ValidationError) -> StoreError:
    """Say what the first thing is that is wrong: the key, its value and what it must be."""
    rows = error.errors(include_url=False)
    places = [locate(row["loc"]) for row in rows]
    row, place = rows[0], places[0]
    match row["type"]:
        case "missing":
            return missing(".".join(place))
        case "extra_forbidden":
            table = place[:-1]
            beside = [each for each, row in zip(places, rows, strict=True) if row["type"] == "extra_forbidden"]
            return unknown_keys(".".join(table), [each[-1] for each in beside if each[:-1] == table])
        case "value_error":
            return wrong(".".join(place), row["input"], row["ctx"]["error"])
    return wrong(".".join(place), row["input"], "a table")


def locate(loc: Sequence[int | str]) -> list[str]:
    """The keys that lead to a value, without what pydantic has between them."""
    return ["name" if key == "[key]" else str(key) for place, key in enumerate(loc) if place != 2 or key not in TAGS]


def wrong(key: str, value: object, wanted: object) -> StoreError:
    """The error of a key whose value is wrong."""
    return StoreError(f"catalogue: {key} is {show(value)}; it must be {wanted}")


def missing(key: str) -> StoreError:
    """The error of a key that is not there."""
    return StoreError(f"catalogue: {key} is missing; add it")


def unknown_keys(table: str, keys: Iterable[str]) -> StoreError:
    """The error of keys that nobody reads."""
    return StoreError(f"catalogue: {table or 'the file'} has unknown keys: {', '.join(sorted(keys))}; remove them")
