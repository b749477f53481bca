"""From a language pair to the models that serve it: one directly, or two by way of a pivot language."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from polygist_service.engine.interface import Decoding, Engine, ModelInfo, Role, State, advise_pull, pull_metadata
from polygist_service.errors import InvalidRequest, UnsupportedCapability, UnsupportedLanguagePair
from polygist_service.text.languages import base_language, is_kin, is_same_language, name_few, serving
from polygist_service.translation.types import DecodingPreset, PivotPolicy, Preference

# Of more pairs, only what has to do with the one asked for is told.
MOST_PAIRS = 12

# Which of some models read a language.
Readers = frozenset[int]


@dataclass(frozen=True, slots=True)
class Hop:
    """A model and the language codes that it reads and writes: ``pt`` where ``pt-BR`` was asked for."""

    model: ModelInfo
    source: str
    target: str

    def decoding(self, preset: DecodingPreset) -> Decoding:
        """The options; a model of one pair is told no languages, so that all its callers share batches."""
        options = preset.for_model(self.model)
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


@dataclass(frozen=True, slots=True)
class Advice:
    """What an error says of the models that would serve a pair.

    Attributes:
        pulls: those that the catalogue has, all of which have to be installed.
        guess: what may be found beyond it, where it has none.
    """

    pulls: tuple[str, ...] = ()
    guess: str | None = None

    @property
    def words(self) -> str:
        """How to install them, to stand behind a sentence; empty where nothing is known."""
        if self.guess and not self.pulls:
            return f"; the Hub may have a model of it: polygist-server models pull {self.guess}"
        return advise_pull(*self.pulls)

    @property
    def metadata(self) -> dict[str, str]:
        """The same for programs, as far as it is certain."""
        return pull_metadata(*self.pulls)


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
        return without_own(source, self._join_targets(self._readers_of(source)))

    def pivoted(self, source: str) -> tuple[str, ...]:
        """Languages that `source` reaches through another language only, sorted."""
        return without_own(source, self._pivot_targets(self._readers_of(source)))

    def _readers_of(self, code: str) -> Readers:
        if code not in self._readers:
            self._readers[code] = frozenset(
                at for at, model in enumerate(self._models) if serving(code, model.source_languages)
            )
        return self._readers[code]

    def _join_targets(self, readers: Readers) -> tuple[str, ...]:
        return tuple(sorted({target for at in readers for target in self._models[at].target_languages}))

    def _pivot_targets(self, readers: Readers) -> tuple[str, ...]:
        if readers not in self._pivoted:
            direct = self._join_targets(readers)
            onward = {self._readers_of(code) for code in direct}
            reached = {target for each in onward for target in self._join_targets(each)}
            self._pivoted[readers] = tuple(sorted(code for code in reached if not serving(code, direct)))
        return self._pivoted[readers]


def without_own(source: str, targets: Iterable[str]) -> tuple[str, ...]:
    """Return `targets` without the language `source` itself."""
    base = base_language(
        source
    )  # asked of every target of every language: nearly all of them are told apart by this alone
    return tuple(target for target in targets if not (target.startswith(base) and is_same_language(source, target)))


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
            finder = RouteFinder(candidates, preference, self._pivot_languages)
            if direct := finder.direct(source, target):
                return Route((direct,))
            if pivot_policy is PivotPolicy.ALLOWED and (hops := finder.pivoted(source, target)):
                return Route(hops)
        advice = self._advise(source, target, pivot_policy)
        if pivot_policy is PivotPolicy.DIRECT_ONLY and (hops := finder.pivoted(source, target)):
            raise refuse_pivot(source, target, through=hops[0].target, models=models, advice=advice)
        raise refuse_pair(source, target, models=models, advice=advice)

    def models(self) -> list[ModelInfo]:
        """The installed translation models."""
        return [model for model in self._engine.models() if model.role is Role.TRANSLATION]

    def find_model(self, name: str) -> ModelInfo:
        """Return a model by its name; raises NotFound, and InvalidRequest where it is not for translation."""
        model = self._engine.model(name)
        if model.role is not Role.TRANSLATION:
            raise InvalidRequest("model", f"{name} is a model for {model.role.value}, not for translation")
        return model

    def expect_alignment(self, models: Iterable[ModelInfo]) -> None:
        """Raise UnsupportedCapability where one of `models` does not tell which words became which."""
        lacking = [model.name for model in models if not model.aligns]
        if lacking:
            able = [model.name for model in self.models() if model.aligns]
            other = f", or name a model that does: {name_few(able)}" if able else ""
            raise UnsupportedCapability(
                f"output_config.include_alignment: model {lacking[0]} does not tell which words became which; "
                f"leave it unset{other}",
                metadata={"field": "output_config.include_alignment", "model": lacking[0]},
            )

    def readable(self) -> tuple[str, ...]:
        """Languages that some translation model reads, sorted."""
        return union_of(model.source_languages for model in self.models())

    def sources(self, target: str, *, model: str | None, pivot_policy: PivotPolicy) -> tuple[str, ...]:
        """Languages from which `target` can be reached, sorted; raises what `find_model` does."""
        if model is not None:
            return tuple(sorted(sources_of(target, [self.find_model(model)])))
        models = self.models()
        direct = sources_of(target, models)
        if pivot_policy is PivotPolicy.DIRECT_ONLY:
            return tuple(sorted(direct))
        pivots = tuple(sorted(direct))
        first = [each for each in models if any(serving(code, pivots) for code in each.target_languages)]
        return union_of([direct, *(each.source_languages for each in first)])

    def reach(self) -> Reach:
        """What can be translated to what, with the models of this moment."""
        return Reach(self.models())

    def explain_unread(
        self, refusal: UnsupportedLanguagePair, target: str, *, model: str | None, pivot_policy: PivotPolicy
    ) -> UnsupportedLanguagePair:
        """Return the refusal of a text that is in a language which no model reads, with what could be installed.

        Args:
            refusal: as `detection` has it; its metadata tell the language.
            target: what was to be translated into.
            model: the one that was named; no other one will do then.
            pivot_policy: whether there may be a language in between.
        """
        source, advice = refusal.metadata["source"], Advice()
        if model is None:
            advice = self._advise(source, target, pivot_policy)
        return UnsupportedLanguagePair(
            f"{refusal.message}{advice.words}",
            metadata={**pair_metadata(source, target, self.models()), **refusal.metadata, **advice.metadata},
        )

    def _advise(self, source: str, target: str, pivot_policy: PivotPolicy) -> Advice:
        """What could be installed to serve a pair: a model of it, what a way lacks, or one of many languages."""
        offers = self._engine.offers
        if base_language(source) == base_language(target):
            return Advice()  # there and back through another language is no way from one region to another
        if name := offers.translation(source, target):
            return Advice((name,))
        finder = RouteFinder(self.models(), Preference.DEFAULT, self._pivot_languages)
        for pivot in self._pivot_languages if pivot_policy is PivotPolicy.ALLOWED else ():
            hops = [finder.direct(*pair) or offers.translation(*pair) for pair in ((source, pivot), (pivot, target))]
            if all(hops):
                return Advice(tuple(hop for hop in hops if isinstance(hop, str)))
        if many := offers.multilingual(source, target):
            return Advice((many,))
        return Advice(guess=offers.guess(source, target))

    def _hop_by(self, name: str, source: str, target: str) -> Hop:
        model = self.find_model(name)
        hop = hop_of(model, source, target)
        if hop is None:
            raise refuse_model(source, target, model=model)
        return hop


@dataclass(frozen=True, slots=True)
class RouteFinder:
    """Finds hops among some models, by one preference."""

    models: Sequence[ModelInfo]
    preference: Preference
    pivot_languages: Sequence[str]

    def direct(self, source: str, target: str) -> Hop | None:
        """The best model for a pair, if there is one."""
        hops = (hop_of(model, source, target) for model in self.models)
        return min(filter(None, hops), key=lambda hop: self._rank(hop, source, target), default=None)

    def pivoted(self, source: str, target: str) -> tuple[Hop, ...]:
        """The best two hops; empty where there are none."""
        for language in self.pivot_languages:
            if hops := self._through(language, source, target):
                return hops
        ways = (self._through(language, source, target) for language in self._meetings(source, target))
        return min(filter(None, ways), key=lambda hops: sum(hop.model.is_multilingual for hop in hops), default=())

    def _through(self, language: str, source: str, target: str) -> tuple[Hop, ...]:
        first = self.direct(source, language)
        second = first and self.direct(first.target, target)
        # From pt-BR to pt-PT, both served by pt, is no reason to go there and back.
        return (first, second) if first and second and first.source != second.target else ()

    def _meetings(self, source: str, target: str) -> list[str]:
        """Languages that a reader of `source` writes and a writer of `target` reads, sorted."""
        written = union_of(model.target_languages for model in self.models if serving(source, model.source_languages))
        read = union_of(model.source_languages for model in self.models if serving(target, model.target_languages))
        return [code for code in written if serving(code, read)]

    def _rank(self, hop: Hop, source: str, target: str) -> tuple[bool, bool, bool, int, str]:
        """The smallest is the best."""
        model = hop.model
        memory = -model.memory_bytes if self.preference is Preference.QUALITY else model.memory_bytes
        return model.is_multilingual, hop.target != target, hop.source != source, memory, model.name


def hop_of(model: ModelInfo, source: str, target: str) -> Hop | None:
    """Return the hop that a model makes for a pair; None where it does not serve it."""
    reads, writes = serving(source, model.source_languages), serving(target, model.target_languages)
    return Hop(model, reads, writes) if reads and writes and reads != writes else None


def union_of(languages: Iterable[Collection[str]]) -> tuple[str, ...]:
    """Return all languages of some collections, sorted."""
    return tuple(sorted(set().union(*languages)))


def refuse_pair(source: str, target: str, *, models: Sequence[ModelInfo], advice: Advice) -> UnsupportedLanguagePair:
    """No model and no two models serve the pair; those of the advice, once installed, would."""
    have = describe_pairs(source, target, models)
    message = f"no model for {source}->{target}; this server has: {have}{advice.words}"
    return UnsupportedLanguagePair(message, metadata={**pair_metadata(source, target, models), **advice.metadata})


def refuse_model(source: str, target: str, *, model: ModelInfo) -> UnsupportedLanguagePair:
    """The model that was named does not serve the pair."""
    pairs = describe_pairs(source, target, [model])
    message = f"model {model.name} does not translate {source}->{target}; it has: {pairs}; or leave model unset"
    return UnsupportedLanguagePair(message, metadata=pair_metadata(source, target, [model]))


def refuse_pivot(
    source: str, target: str, *, through: str, models: Sequence[ModelInfo], advice: Advice
) -> UnsupportedLanguagePair:
    """There is a way through another language, but the request does not want one; what is advised goes directly."""
    message = (
        f"no model for {source}->{target} directly; there is a way through {through}: "
        f"leave pivot_policy unset to allow it{advice.words}"
    )
    facts = {**pair_metadata(source, target, models), **advice.metadata, "field": "pivot_policy"}
    return UnsupportedLanguagePair(message, metadata={**facts, "pivot": through})


def describe_pairs(source: str, target: str, models: Sequence[ModelInfo]) -> str:
    """All pairs where they are few, else those with one of the languages asked for."""
    if sum(len(model.source_languages) * len(model.target_languages) for model in models) <= MOST_PAIRS:
        return name_few(list_pairs(models), most=MOST_PAIRS)
    read = {code for model in models for code in model.source_languages}
    written = {code for model in models for code in model.target_languages}
    onward, origins = name_few(targets_of(source, models)), name_few(sources_of(target, models))
    counts = f"{len(read)} languages to read and {len(written)} to write"
    return f"{counts}; from {source} to: {onward}; to {target} from: {origins}"


def pair_metadata(source: str, target: str, models: Sequence[ModelInfo]) -> dict[str, str]:
    """Return what an error about a pair tells programs."""
    return {"source": source, "target": target, "nearest": nearest_pair(source, target, models)}


def nearest_pair(source: str, target: str, models: Sequence[ModelInfo]) -> str:
    """The served pair that shares most with the one asked for; the source counts more than the target."""
    pairs = {pair for model in models for pair in near_pairs(source, target, model)}

    def farness(pair: tuple[str, str]) -> tuple[int, tuple[str, str]]:
        return -2 * is_kin(source, pair[0]) - is_kin(target, pair[1]), pair

    best = min(pairs, key=farness, default=None)
    return "->".join(best) if best else ""


def near_pairs(source: str, target: str, model: ModelInfo) -> set[tuple[str, str]]:
    """Pairs of a model with one of the languages asked for, and its first one."""
    reads, writes = serving(source, model.source_languages), serving(target, model.target_languages)
    onward = {(reads, code) for code in model.target_languages} if reads else set()
    origins = {(code, writes) for code in model.source_languages} if writes else set()
    first = {(min(model.source_languages, default=""), code) for code in model.target_languages}
    return {(one, other) for one, other in onward | origins | first if one != other}


def list_pairs(models: Sequence[ModelInfo]) -> set[str]:
    """Return all pairs that some models serve."""
    return {
        f"{source}->{target}"
        for model in models
        for source in model.source_languages
        for target in model.target_languages
        if source != target
    }


def targets_of(source: str, models: Sequence[ModelInfo]) -> set[str]:
    """Return the languages that `source` is translated to."""
    readers = [model for model in models if serving(source, model.source_languages)]
    return {code for model in readers for code in model.target_languages} - {source}


def sources_of(target: str, models: Sequence[ModelInfo]) -> set[str]:
    """Return the languages that `target` is translated from."""
    writers = [model for model in models if serving(target, model.target_languages)]
    return {code for model in writers for code in model.source_languages} - {target}
