"""The errors for pairs that are not served: short, however many languages a model has."""

from collections.abc import Sequence

from polygist_service.engine.interface import ModelInfo
from polygist_service.errors import UnsupportedLanguagePair
from polygist_service.translation.coverage import is_kin, name_few, serving

# Of more pairs, only what has to do with the one asked for is told.
MOST_PAIRS = 12


def refuse_pair(source: str, target: str, *, models: Sequence[ModelInfo]) -> UnsupportedLanguagePair:
    """No model and no two models serve the pair."""
    message = f"no model for {source}->{target}; this server has: {_describe(source, target, models)}"
    return UnsupportedLanguagePair(message, metadata=_metadata(source, target, models))


def refuse_model(source: str, target: str, *, model: ModelInfo) -> UnsupportedLanguagePair:
    """The model that was named does not serve the pair."""
    pairs = _describe(source, target, [model])
    message = f"model {model.name} does not translate {source}->{target}; it has: {pairs}; or leave model unset"
    return UnsupportedLanguagePair(message, metadata=_metadata(source, target, [model]))


def refuse_pivot(source: str, target: str, *, through: str, models: Sequence[ModelInfo]) -> UnsupportedLanguagePair:
    """There is a way through another language, but the request does not want one."""
    message = (
        f"no model for {source}->{target} directly; there is a way through {through}: "
        "leave pivot_policy unset to allow it"
    )
    return UnsupportedLanguagePair(
        message, metadata={**_metadata(source, target, models), "field": "pivot_policy", "pivot": through}
    )


def _describe(source: str, target: str, models: Sequence[ModelInfo]) -> str:
    """All pairs where they are few, else those with one of the languages asked for."""
    if sum(len(model.source_languages) * len(model.target_languages) for model in models) <= MOST_PAIRS:
        return name_few(_pairs(models), most=MOST_PAIRS)
    read = {code for model in models for code in model.source_languages}
    written = {code for model in models for code in model.target_languages}
    onward, origins = name_few(_targets(source, models)), name_few(_sources(target, models))
    counts = f"{len(read)} languages to read and {len(written)} to write"
    return f"{counts}; from {source} to: {onward}; to {target} from: {origins}"


def _metadata(source: str, target: str, models: Sequence[ModelInfo]) -> dict[str, str]:
    return {"source": source, "target": target, "nearest": _nearest(source, target, models)}


def _nearest(source: str, target: str, models: Sequence[ModelInfo]) -> str:
    """The served pair that shares most with the one asked for; the source counts more than the target."""
    pairs = {pair for model in models for pair in _near_pairs(source, target, model)}

    def farness(pair: tuple[str, str]) -> tuple[int, tuple[str, str]]:
        return -2 * is_kin(source, pair[0]) - is_kin(target, pair[1]), pair

    best = min(pairs, key=farness, default=None)
    return "->".join(best) if best else ""


def _near_pairs(source: str, target: str, model: ModelInfo) -> set[tuple[str, str]]:
    """Pairs of a model with one of the languages asked for, and its first one."""
    reads, writes = serving(source, model.source_languages), serving(target, model.target_languages)
    onward = {(reads, code) for code in model.target_languages} if reads else set()
    origins = {(code, writes) for code in model.source_languages} if writes else set()
    first = {(min(model.source_languages, default=""), code) for code in model.target_languages}
    return {(one, other) for one, other in onward | origins | first if one != other}


def _pairs(models: Sequence[ModelInfo]) -> set[str]:
    return {
        f"{source}->{target}"
        for model in models
        for source in model.source_languages
        for target in model.target_languages
        if source != target
    }


def _targets(source: str, models: Sequence[ModelInfo]) -> set[str]:
    readers = [model for model in models if serving(source, model.source_languages)]
    return {code for model in readers for code in model.target_languages} - {source}


def _sources(target: str, models: Sequence[ModelInfo]) -> set[str]:
    writers = [model for model in models if serving(target, model.target_languages)]
    return {code for model in writers for code in model.source_languages} - {target}
