"""What is tried in a process of its own, which a broken library or model may crash: imports, files, models, two calls.

The functions that run there import what they need themselves: that it cannot be imported is something to find out.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from polygist_service.errors import PolygistError
from polygist_service.settings import Settings

if TYPE_CHECKING:
    from polygist_service.app.services import Runtime, Services
    from polygist_service.store.description import InstalledModel
    from polygist_service.store.store import Store
    from polygist_service.summarisation.types import SummaryRequest
    from polygist_service.translation.types import TranslationRequest

# What the answers of a server depend on most.
LIBRARIES = ("ctranslate2", "sentencepiece", "tokenizers", "grpcio")
# What imports all that a server does, by the extra of the package that it takes.
SERVED_BY: Mapping[str, str] = {
    "service": "polygist_service.app.lifecycle",
    "http": "polygist_service.app.http",
    "otel": "polygist_service.observability.otlp",
}
CALLER = "doctor"
# A call is made at least so many times and the fastest counts, so that no load does; more often within so many seconds.
LEAST_TIMES, MOST_TIMES, MOST_SECONDS = 2, 3, 2.0
# An article of so many of the package's own sentences, and so many of them in its summary.
ARTICLE_SENTENCES, SUMMARY_SENTENCES = 24, 3


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is before any model is loaded.

    Attributes:
        versions: of the libraries, by name.
        refusals: why files that the settings name would keep a server from starting.
        warnings: what a server would log of them.
        sizes: what each model takes in memory, in bytes.
        unable: models that cannot run on this machine, and why.
    """

    versions: Mapping[str, str]
    refusals: Sequence[str]
    warnings: Sequence[str]
    sizes: Mapping[str, int]
    unable: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        what: what has answered.
        seconds: that it took.
        reason: why there is no answer; empty where there is one.
    """

    what: str = ""
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of loading models and of a call of each kind.

    Attributes:
        loaded: seconds that it took, by model.
        failed: why others did not load.
        translation, summary: of the calls; None where no model is for that.
    """

    loaded: Mapping[str, float]
    failed: Mapping[str, str]
    translation: Answer | None
    summary: Answer | None


def find_extras(settings: Settings) -> list[str]:
    """Return the extras of the package that a server needs."""
    wanted = {"service": True, "http": settings.http_listen, "otel": settings.otlp_endpoint}
    return [name for name, is_wanted in wanted.items() if is_wanted]


def survey(values: Mapping[str, Any]) -> Survey:
    """Import all that a server needs, read the files that its settings name, and tell what its models take.

    Args:
        values: the settings.

    Raises:
        ImportError: a library is missing, or does not load.
    """
    settings, warnings = Settings(**values), list[str]()
    for name in (name for extra, name in SERVED_BY.items() if extra in find_extras(settings)):
        try:
            import_module(name)
        except ImportError:
            raise
        except Exception as error:  # of one that is there in part: ctranslate2 leaves out what does not load
            raise ImportError(f"{type(error).__name__}: {error}") from error
    collect_warnings(warnings)
    from polygist_service.app.services import place_model
    from polygist_service.engine.residency.loader import LoadableModel
    from polygist_service.store.store import Store

    refusals = list(find_refusals(settings))
    sizes, unable = dict[str, int](), dict[str, str]()
    for installed in list_installed(Store(settings.home)):
        try:
            sizes[installed.name] = LoadableModel(installed, place_model(settings, installed)).memory_bytes
        except PolygistError as error:
            unable[installed.name] = error.message
    return Survey({name: version(name) for name in LIBRARIES}, refusals, warnings, sizes, unable)


def list_installed(store: Store) -> Sequence[InstalledModel]:
    """Return the models that are installed; none where they cannot be read, which the examination of models tells."""
    try:
        return store.look().models
    except PolygistError:
        return ()


def find_refusals(settings: Settings) -> Iterator[str]:
    """Yield why a certificate, API keys or a glossary cannot be used."""
    from polygist_service.access.access import Access
    from polygist_service.app.certificates import Certificates
    from polygist_service.app.services import warn_of_exposed, warn_of_repeated
    from polygist_service.translation.terms.glossaries import Glossaries

    readers: list[Callable[[], object]] = [
        lambda: Access(settings.access_keys, exposed=warn_of_exposed),
        lambda: Glossaries(settings.glossaries, repeated=warn_of_repeated).load(),
    ]
    if (certificate := settings.tls_cert) and (key := settings.tls_key):
        readers.append(lambda: Certificates(certificate, key, settings.tls_client_ca))
    for read in readers:
        try:
            read()
        except (OSError, PolygistError) as error:
            yield str(error)


def load(values: Mapping[str, Any], name: str) -> None:
    """Load a model as a server would, to find out whether this process lives on; raises what loading does."""
    from polygist_service.app.services import place_model
    from polygist_service.engine.residency.loader import open_model, warm_up
    from polygist_service.store.store import Store

    settings = Settings(**values)
    installed = Store(settings.home).find(name)
    warm_up(installed, open_model(installed, slots=1, placement=place_model(settings, installed)))


def try_services(values: Mapping[str, Any], names: Sequence[str], sound: Sequence[str]) -> Trial:
    """Load models as a server would, and make a call of each kind; keeps nothing of what it finds out.

    Args:
        values: the settings of the server.
        names: of the models.
        sound: those that a text may be translated by.

    Raises:
        PolygistError: the folder of the models cannot be read.
    """
    import asyncio

    # Others than those named are loaded where a call needs them; the files are read by `survey`.
    settings = Settings(**{**values, "preload": "none", "access_keys": None, "glossaries": None})
    return asyncio.run(run_services(settings, names, sound))


async def run_services(settings: Settings, names: Sequence[str], sound: Sequence[str]) -> Trial:
    """See `try_services`."""
    from polygist_service.app.services import Runtime
    from polygist_service.store.store import Store

    runtime = Runtime(settings, is_trial=True)
    try:
        loaded, failed = await load_models(runtime, names)
        store, services = Store(settings.home), runtime.services
        translators = [info.name for info in services.engine.models() if info.role.value == "translation"]
        name = next((each for each in translators if each in sound and each not in failed), None)
        translation = await translate(services, choose_sentence(store, name)) if name else None
        summary = await summarise(services, choose_article(services))
    finally:
        await runtime.close()
    return Trial(loaded, failed, translation, summary)


async def load_models(runtime: Runtime, names: Sequence[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Load models; returns how long each took, and why others did not load."""
    loaded, failed = dict[str, float](), dict[str, str]()
    for name in names:
        began = time.monotonic()
        try:
            await runtime.registry.load(name)
        except PolygistError as error:
            failed[name] = error.message
        else:
            loaded[name] = time.monotonic() - began
    return loaded, failed


def choose_sentence(store: Store, name: str) -> TranslationRequest:
    """Return a sentence for a model, in a language that it reads."""
    from polygist_service.engine.golden_texts import choose_questions
    from polygist_service.translation.types import TranslationRequest

    question = next(choose_questions(store.find(name).description))
    return TranslationRequest([question.text], question.target, source=question.source, model=name)


def choose_article(services: Services) -> SummaryRequest:
    """Return an article in a language that the models which summarise read, if there are any."""
    from itertools import islice

    from polygist_service.engine.word_alignment import SOURCES, read_examples
    from polygist_service.summarisation.types import SummaryRequest

    readers = [info for info in services.engine.models() if info.role.value != "translation"]
    read = {tag for info in readers for tag in info.source_languages}
    language = next((each for each in SOURCES if each in read), SOURCES[0])
    sentences = islice((each.text for group in read_examples(language) for each in group), ARTICLE_SENTENCES)
    return SummaryRequest(contents=[" ".join(sentences)], source=language, max_sentences=SUMMARY_SENTENCES)


async def translate(services: Services, request: TranslationRequest) -> Answer:
    """Translate a sentence."""
    from polygist_service.context import CallContext

    async def call() -> str:
        (translation,) = await services.translator.translate(request, CallContext(CALLER))
        return f"{translation.model}, {translation.source} to {translation.target}" if translation.text.strip() else ""

    return await measure(call)


async def summarise(services: Services, request: SummaryRequest) -> Answer:
    """Summarise an article."""
    from polygist_service.context import CallContext

    async def call() -> str:
        (summary,) = await services.summariser.summarise(request, CallContext(CALLER))
        return f"{summary.method.name.lower()} by {summary.model or 'words alone'}" if summary.text.strip() else ""

    return await measure(call)


async def measure(call: Callable[[], Awaitable[str]]) -> Answer:
    """Make a call some times; returns what it said and the least time that it took."""
    taken, what = list[float](), ""
    while len(taken) < LEAST_TIMES or (len(taken) < MOST_TIMES and sum(taken) < MOST_SECONDS):
        began = time.monotonic()
        try:
            what = await call()
        except PolygistError as error:
            # No caller is told why a model does not load: its cause says it.
            cause = error.__cause__
            return Answer(reason=cause.message if isinstance(cause, PolygistError) else error.message)
        taken.append(time.monotonic() - began)
        if not what:
            return Answer(reason="the answer is empty")
    return Answer(what, min(taken))


def collect_warnings(warnings: list[str]) -> None:
    """Have all that this process logs end here, and keep what a server warns of."""
    import structlog

    def collect(_: object, method: str, event: MutableMapping[str, Any]) -> str:
        if method in ("warning", "error", "critical"):
            facts = [str(event[name]) for name in ("model", "file", "term", "address") if name in event]
            why = event.get("hint") or event.get("reason") or ""
            warnings.append(f"{event['event']} {' '.join(facts)}".strip() + (f": {why}" if why else ""))
        raise structlog.DropEvent

    structlog.configure(processors=[collect], cache_logger_on_first_use=False)
