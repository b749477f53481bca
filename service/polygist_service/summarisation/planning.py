"""How a summary comes about: by which method, which model, and in which language before any translation."""

from collections.abc import Sequence
from dataclasses import dataclass

from polygist_service.engine.interface import Engine, ModelInfo, Role, pull_metadata
from polygist_service.errors import InvalidRequest, UnsupportedCapability
from polygist_service.summarisation.main_content import ArticleText
from polygist_service.summarisation.types import Form, Method, SummaryRequest
from polygist_service.text.documents.plain_view import PlainView
from polygist_service.text.languages import is_same_language, serving
from polygist_service.translation.detection import DetectedLanguage
from polygist_service.translation.types import DecodingPreset, Preference

INSTALL_WRITER = "install a model with the role summarisation (BART, Pegasus, T5 or mT5 family)"


@dataclass(frozen=True, slots=True)
class Plan:
    """How the summary of one article comes about.

    Attributes:
        request: what is wanted of it, and of other articles.
        article: what is read.
        source: its language, ``und`` where it has no letters.
        method: the one that runs, never AUTO.
        model: name of the one that picks or writes the sentences; empty where they are ranked without one, and where
            there are no letters and so no choice.
        written: the language of the summary before any translation.
        writes_source: whether a model that writes another one could write the article's language, too.
        view: what was read of the file that the article is in; None where it is in none.
    """

    request: SummaryRequest
    article: ArticleText
    source: DetectedLanguage
    method: Method
    model: str
    written: str
    writes_source: bool = False
    view: PlainView | None = None

    @property
    def language(self) -> str:
        """The code of the article's language."""
        return self.source.language


def make_plan(engine: Engine, request: SummaryRequest, article: ArticleText, source: DetectedLanguage) -> Plan:
    """Plan the summary of one article, before any work is done.

    Args:
        engine: has the models.
        request: what is wanted.
        article: what is read.
        source: its language.

    Raises:
        NotFound: the model named is not installed.
        InvalidRequest: it is not for summaries, or nothing is decoded where decoding options are given.
        UnsupportedCapability: no installed model does what is asked for in this language.
    """
    language = source.language
    if language == "und":
        return Plan(request, article, source, Method.EXTRACTIVE, "", language)
    method, model = choose_model(engine, request, language)
    if method is Method.ABSTRACTIVE and model:
        written = written_language(model, language, request.target)
        writes_source = serving(language, model.target_languages) is not None
        return Plan(request, article, source, method, model.name, written, writes_source)
    if request.decoding != DecodingPreset() and not request.target:
        # No model writes anything: the options would be ignored silently.
        is_preference = request.decoding.preference is not Preference.DEFAULT
        raise InvalidRequest(
            "performance_preference" if is_preference else "decoding_config",
            "has no meaning here: an extractive summary in the article's language decodes nothing; leave it unset, or "
            "give target_language_code",
        )
    return Plan(request, article, source, method, model.name if model else "", language)


def choose_model(engine: Engine, request: SummaryRequest, source: str) -> tuple[Method, ModelInfo | None]:
    """Return the method that runs on an article in the language `source`, never AUTO, and its model.

    Sentences can be ranked without one, so that extractive summaries are served in every language.

    Raises:
        NotFound: the model named is not installed.
        InvalidRequest: it is not for summaries.
        UnsupportedCapability: it does not cover this language, or no installed model writes summaries in it.
    """
    method = choose_method(engine, request, source)
    role = Role.SUMMARISATION if method is Method.ABSTRACTIVE else Role.ENCODER
    if request.model is not None:
        model = engine.model(request.model)
        check_named(model, role, request, source)
        return method, model
    models = [model for model in engine.models() if model.role is role]
    fit = [model for model in models if not model.is_experimental and covers(model, source, request.target)]
    if not fit and method is Method.ABSTRACTIVE:
        raise none_writes(models, request, source, offer=engine.offers.reader(role.value, source))
    if not fit:
        return method, None
    # One that writes the target language goes before one whose summary has to be translated.
    return method, max(fit, key=lambda model: written_language(model, source, request.target) != source)


def choose_method(engine: Engine, request: SummaryRequest, source: str) -> Method:
    """Return the method that is asked for, or that suits the form, the model named or the models there are."""
    if request.form is Form.HEADLINE:
        if request.method is Method.EXTRACTIVE:
            raise UnsupportedCapability("EXTRACTIVE picks whole sentences and has no headlines; ask for TLDR")
        return Method.ABSTRACTIVE
    if request.method is not Method.AUTO:
        return request.method
    if request.model is not None:
        return Method.ABSTRACTIVE if engine.model(request.model).role is Role.SUMMARISATION else Method.EXTRACTIVE
    can_write = any(
        model.role is Role.SUMMARISATION and not model.is_experimental and covers(model, source, request.target)
        for model in engine.models()
    )
    return Method.ABSTRACTIVE if can_write else Method.EXTRACTIVE


def check_named(model: ModelInfo, role: Role, request: SummaryRequest, source: str) -> None:
    """Refuse a model that the request names where it has another role, or does not cover the article's language."""
    if model.role not in (Role.SUMMARISATION, Role.ENCODER):
        raise InvalidRequest("model", f"{model.name} is a model for {model.role.value}, not for summaries")
    if model.role is not role:
        verb = "writes" if model.role is Role.SUMMARISATION else "picks sentences for"
        other = "EXTRACTIVE" if model.role is Role.ENCODER else "ABSTRACTIVE"
        cure = "name another model" if request.form is Form.HEADLINE else f"name another model or ask for {other}"
        raise UnsupportedCapability(f"model {model.name} {verb} summaries; {cure}")
    if not covers(model, source, request.target):
        raise UnsupportedCapability(
            f"model {model.name} does not cover {source}; it covers: {', '.join(model.source_languages)}",
            metadata={"language": source, "model": model.name},
        )


def none_writes(
    models: Sequence[ModelInfo], request: SummaryRequest, source: str, *, offer: str | None
) -> UnsupportedCapability:
    """Return the error, with its cure, where none of `models`, all those that write summaries, may be chosen.

    `offer` is one that could be installed.
    """
    is_headline = request.form is Form.HEADLINE
    install = f"install one: polygist-server models pull {offer}" if offer else INSTALL_WRITER
    cure = f"{install}, or ask for {'TLDR' if is_headline else 'EXTRACTIVE'}"
    what = f"writes {'headlines' if is_headline else 'summaries'} in {source}"
    experimental = [model.name for model in models if model.is_experimental and covers(model, source, request.target)]
    hint = f"; {experimental[0]} is experimental and writes only where a request names it" if experimental else ""
    return UnsupportedCapability(
        f"no installed model {what}; {cure}{hint}",
        metadata={
            "language": source,
            "models": ",".join(model.name for model in models),
            **pull_metadata(*filter(None, [offer])),
        },
    )


def written_language(model: ModelInfo, source: str, target: str | None) -> str:
    """Return the language that a model writes a summary in: the one asked for where it can, else the article's.

    A model that follows instructions writes what it is told to; another one that writes the article's language too
    keeps to that.
    """
    if not target or is_same_language(source, target):
        return source
    is_free = model.follows_instructions or not serving(source, model.target_languages)
    return (serving(target, model.target_languages) if is_free else None) or source


def covers(model: ModelInfo, source: str, target: str | None) -> bool:
    """Whether a model reads the article's language, and writes it or the one asked for."""
    if not serving(source, model.source_languages):
        return False
    writes = model.role is Role.ENCODER or serving(source, model.target_languages) is not None
    return writes or written_language(model, source, target) != source


def covered_languages(engine: Engine) -> tuple[str, ...]:
    """Return the languages that some model for summaries covers, sorted; others are served by their words alone."""
    models = [model for model in engine.models() if model.role in (Role.ENCODER, Role.SUMMARISATION)]
    return tuple(sorted({language for model in models for language in model.source_languages}))
