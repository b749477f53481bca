"""Which of a model's languages serves a language, and what can be reached from each one."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from polygist_service.engine.interface import ModelInfo
from polygist_service.text.languages import matches

# So many languages are named in a message, of more the number is told.
MOST_NAMED = 8

# Which of some models read a language.
Readers = frozenset[int]


@lru_cache(maxsize=4096)
def serving(requested: str, served: tuple[str, ...]) -> str | None:
    """The code of `served` that serves `requested`: itself where it is there, else the first that matches."""
    near = [code for code in served if is_kin(requested, code)]
    if requested in near:
        return requested
    return next((code for code in near if matches(requested, code)), None)


def is_kin(one: str, other: str) -> bool:
    """Whether two codes name one language, in whatever scripts and regions."""
    return _base(one) == _base(other)


def is_same_language(one: str, other: str) -> bool:
    """Whether a text in one of them is in the other already, whatever the regions say."""
    return is_kin(one, other) and (matches(one, other) or matches(other, one))


def name_few(names: Collection[str], *, most: int = MOST_NAMED) -> str:
    """The first of some names in order, and how many more there are."""
    shown = sorted(names)
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest or "none"


class Reach:
    """The languages that can be reached directly, and those that need one language in between.

    Languages that the same models read reach the same, so there are few sets to join however many languages there are.

    Args:
        models: the translation models.
    """

    def __init__(self, models: Sequence[ModelInfo]) -> None:
        self._models = models
        self._readers: dict[str, Readers] = {}
        self._pivoted: dict[Readers, tuple[str, ...]] = {}

    def direct(self, source: str) -> tuple[str, ...]:
        """Languages that some model translates `source` to, sorted."""
        return _without_own(source, self._targets(self._readers_of(source)))

    def pivoted(self, source: str) -> tuple[str, ...]:
        """Languages that `source` reaches through another language only, sorted."""
        return _without_own(source, self._pivot_targets(self._readers_of(source)))

    def _readers_of(self, code: str) -> Readers:
        if code not in self._readers:
            self._readers[code] = frozenset(
                at for at, model in enumerate(self._models) if serving(code, model.source_languages)
            )
        return self._readers[code]

    def _targets(self, readers: Readers) -> tuple[str, ...]:
        return tuple(sorted({target for at in readers for target in self._models[at].target_languages}))

    def _pivot_targets(self, readers: Readers) -> tuple[str, ...]:
        if readers not in self._pivoted:
            direct = self._targets(readers)
            onward = {self._readers_of(code) for code in direct}
            reached = {target for each in onward for target in self._targets(each)}
            self._pivoted[readers] = tuple(sorted(code for code in reached if not serving(code, direct)))
        return self._pivoted[readers]


def _without_own(source: str, targets: Iterable[str]) -> tuple[str, ...]:
    base = _base(source)  # asked of every target of every language: nearly all of them are told apart by this alone
    return tuple(target for target in targets if not (target.startswith(base) and is_same_language(source, target)))


def _base(tag: str) -> str:
    """The language of a canonical tag, without script and region: cheap to compare."""
    return tag.partition("-")[0]
