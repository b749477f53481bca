"""From a language pair to the model that serves it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from polygist_service.engine.api import Engine, ModelInfo, Role
from polygist_service.errors import InvalidRequest, UnsupportedLanguagePair
from polygist_service.text.tags import matches


@dataclass(frozen=True, slots=True)
class Route:
    """A model and the language codes that it reads and writes: ``pt`` where ``pt-BR`` was asked for."""

    model: ModelInfo
    source: str
    target: str


class Routes:
    """The pairs that the installed translation models serve.

    Args:
        engine: whose models they are.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def models(self) -> list[ModelInfo]:
        """The installed translation models."""
        return [model for model in self._engine.models() if model.role is Role.TRANSLATION]

    def find(self, source: str, target: str, *, model: str | None = None) -> Route:
        """The route of a pair, by a named model where one is given.

        Raises:
            NotFound: no such model.
            UnsupportedLanguagePair: no model, or not this one, serves the pair.
        """
        candidates = self.models() if model is None else [self._translation_model(model)]
        for candidate in candidates:
            reads, writes = _serving(source, candidate.source_languages), _serving(target, candidate.target_languages)
            if reads and writes and reads != writes:
                return Route(candidate, reads, writes)
        pairs = self._pairs(candidates)
        served = ", ".join(pairs) or "none"
        owner = f"model {model}" if model else "this server"
        raise UnsupportedLanguagePair(
            f"no model for {source}->{target}; {owner} has: {served}",
            metadata={"source": source, "target": target, "nearest": self._nearest(source, target, pairs)},
        )

    def readable(self) -> tuple[str, ...]:
        """Languages that some translation model reads, sorted."""
        return tuple(sorted({language for model in self.models() for language in model.source_languages}))

    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """From each readable language to the languages that it can be translated to directly."""
        return {
            source: tuple(
                sorted(
                    {
                        target
                        for model in self.models()
                        if source in model.source_languages
                        for target in model.target_languages
                        if target != source
                    }
                )
            )
            for source in self.readable()
        }

    def same_language(self, source: str, target: str) -> bool:
        """Whether the text is already in the target language, whatever the regions say."""
        return matches(source, target) or matches(target, source)

    def _translation_model(self, name: str) -> ModelInfo:
        model = self._engine.model(name)
        if model.role is not Role.TRANSLATION:
            raise InvalidRequest("model", f"{name} is a model for {model.role.value}, not for translation")
        return model

    def _pairs(self, models: Iterable[ModelInfo]) -> list[str]:
        return sorted(
            f"{source}->{target}"
            for model in models
            for source in model.source_languages
            for target in model.target_languages
            if source != target
        )

    def _nearest(self, source: str, target: str, pairs: list[str]) -> str:
        """The served pair that shares most with the one asked for."""

        def closeness(pair: str) -> int:
            reads, writes = pair.split("->")
            return 2 * matches(source, reads) + matches(target, writes)

        return max(pairs, key=closeness, default="")


def _serving(requested: str, served: Iterable[str]) -> str | None:
    return next((code for code in served if matches(requested, code)), None)
