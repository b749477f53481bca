"""From a language pair to the models that serve it: one directly, or two by way of a pivot language."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from polygist_service.engine.interface import Decoding, Engine, ModelInfo, Role, State
from polygist_service.errors import InvalidRequest
from polygist_service.translation.coverage import Reach, serving
from polygist_service.translation.presets import DecodingWish, Preference
from polygist_service.translation.refusals import refuse_model, refuse_pair, refuse_pivot


class PivotPolicy(Enum):
    """What to do where no model serves a pair directly: translate through another language, or refuse."""

    ALLOWED = 0
    DIRECT_ONLY = 1


@dataclass(frozen=True, slots=True)
class Hop:
    """A model and the language codes that it reads and writes: ``pt`` where ``pt-BR`` was asked for."""

    model: ModelInfo
    source: str
    target: str

    def decoding(self, wish: DecodingWish) -> Decoding:
        """The options; a model of one pair is told no languages, so that all its callers share batches."""
        options = wish.for_model(self.model)
        if not self.model.is_multilingual:
            return options
        return replace(options, source=self.source, target=self.target)


@dataclass(frozen=True, slots=True)
class Route:
    """One hop, or two where the text goes through a pivot language."""

    hops: tuple[Hop, ...]

    @property
    def source(self) -> str:
        """The language that is read."""
        return self.hops[0].source

    @property
    def target(self) -> str:
        """The language that is written in the end."""
        return self.hops[-1].target

    @property
    def model(self) -> ModelInfo:
        """The model that writes it."""
        return self.hops[-1].model

    @property
    def pivots(self) -> tuple[str, ...]:
        """The languages in between."""
        return tuple(hop.target for hop in self.hops[:-1])


class Routes:
    """The pairs that the installed translation models serve.

    Args:
        engine: whose models they are.
        pivot_languages: those to translate through rather than any other, the best first.
    """

    def __init__(self, engine: Engine, *, pivot_languages: Sequence[str] = ("en",)) -> None:
        self._engine = engine
        self._pivot_languages = pivot_languages

    def find(
        self,
        source: str,
        target: str,
        *,
        model: str | None = None,
        preference: Preference = Preference.DEFAULT,
        pivot_policy: PivotPolicy = PivotPolicy.ALLOWED,
    ) -> Route:
        """The route of a pair: by the model named, else directly, else through a pivot language.

        A model of one pair goes before a multilingual one; then the one that names the very region or script; then a
        small one, or with QUALITY a large one. A model that failed to load is taken only where no other would do.

        Raises:
            NotFound: no such model.
            InvalidRequest: the model named is not for translation.
            UnsupportedLanguagePair: no route, none by the model named, or none without a pivot where that is asked.
        """
        if model is not None:
            return Route((self._hop_by(model, source, target),))
        models = self.models()
        sound = [each for each in models if each.state is not State.FAILED]
        for candidates in (sound, models):
            finder = Finder(candidates, preference, self._pivot_languages)
            if direct := finder.direct(source, target):
                return Route((direct,))
            if pivot_policy is PivotPolicy.ALLOWED and (hops := finder.pivoted(source, target)):
                return Route(hops)
        if pivot_policy is PivotPolicy.DIRECT_ONLY and (hops := finder.pivoted(source, target)):
            raise refuse_pivot(source, target, through=hops[0].target, models=models)
        raise refuse_pair(source, target, models=models)

    def models(self) -> list[ModelInfo]:
        """The installed translation models."""
        return [model for model in self._engine.models() if model.role is Role.TRANSLATION]

    def readable(self) -> tuple[str, ...]:
        """Languages that some translation model reads, sorted."""
        return tuple(sorted({language for model in self.models() for language in model.source_languages}))

    def reach(self) -> Reach:
        """What can be translated to what, with the models of this moment."""
        return Reach(self.models())

    def _hop_by(self, name: str, source: str, target: str) -> Hop:
        model = self._engine.model(name)
        if model.role is not Role.TRANSLATION:
            raise InvalidRequest("model", f"{name} is a model for {model.role.value}, not for translation")
        hop = _hop(model, source, target)
        if hop is None:
            raise refuse_model(source, target, model=model)
        return hop


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds hops among some models, by one preference."""

    models: Sequence[ModelInfo]
    preference: Preference
    pivot_languages: Sequence[str]

    def direct(self, source: str, target: str) -> Hop | None:
        """The best model for a pair, if there is one."""
        hops = (_hop(model, source, target) for model in self.models)
        return min(filter(None, hops), key=lambda hop: self._rank(hop, source, target), default=None)

    def pivoted(self, source: str, target: str) -> tuple[Hop, ...]:
        """The best two hops; empty where there are none."""
        for language in self.pivot_languages:
            if hops := self._through(language, source, target):
                return hops
        ways = (self._through(language, source, target) for language in self._meetings(source, target))
        return min(filter(None, ways), key=_multilingual_hops, default=())

    def _through(self, language: str, source: str, target: str) -> tuple[Hop, ...]:
        first = self.direct(source, language)
        second = first and self.direct(first.target, target)
        # From pt-BR to pt-PT, both served by pt, is no reason to go there and back.
        return (first, second) if first and second and first.source != second.target else ()

    def _meetings(self, source: str, target: str) -> list[str]:
        """Languages that a reader of `source` writes and a writer of `target` reads, sorted."""
        written = _union(model.target_languages for model in self.models if serving(source, model.source_languages))
        read = _union(model.source_languages for model in self.models if serving(target, model.target_languages))
        return [code for code in written if serving(code, read)]

    def _rank(self, hop: Hop, source: str, target: str) -> tuple[bool, bool, bool, int, str]:
        """The smallest is the best."""
        model = hop.model
        memory = -model.memory_bytes if self.preference is Preference.QUALITY else model.memory_bytes
        return model.is_multilingual, hop.target != target, hop.source != source, memory, model.name


def _hop(model: ModelInfo, source: str, target: str) -> Hop | None:
    reads, writes = serving(source, model.source_languages), serving(target, model.target_languages)
    return Hop(model, reads, writes) if reads and writes and reads != writes else None


def _multilingual_hops(hops: Sequence[Hop]) -> int:
    return sum(hop.model.is_multilingual for hop in hops)


def _union(languages: Iterable[Collection[str]]) -> tuple[str, ...]:
    return tuple(sorted(set().union(*languages)))
