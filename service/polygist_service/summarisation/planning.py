"""Which method and which model make a summary."""

from polygist_service.engine.interface import Engine, ModelInfo, Role
from polygist_service.errors import InvalidRequest, UnsupportedCapability
from polygist_service.summarisation.types import Form, Method, SummaryRequest
from polygist_service.text.languages import is_same_language, matches, serving

INSTALL_WRITER = "install a model with the role summarisation (BART, Pegasus, T5 or mT5 family)"
INSTALL_ENCODER = "install a sentence encoder: polygist-server models pull starter"


def choose_model(engine: Engine, request: SummaryRequest) -> tuple[Method, ModelInfo]:
    """The method that runs, never AUTO, and its model.

    Raises:
        NotFound: the model named is not installed.
        InvalidRequest: it is not for summaries.
        UnsupportedCapability: no installed model does what is asked for in this language.
    """
    method = _wanted_method(engine, request)
    role = Role.SUMMARISATION if method is Method.ABSTRACTIVE else Role.ENCODER
    if request.model is not None:
        return method, _check_named(engine.model(request.model), role, request)
    models = [model for model in engine.models() if model.role is role]
    fit = [model for model in models if _is_own_choice(model, request)]
    if fit:
        # One that writes the target language goes before one whose summary has to be translated.
        return method, max(fit, key=lambda model: written_language(model, request) != request.source)
    if request.form is Form.HEADLINE:
        what = f"writes headlines in {request.source}"
    else:
        what = f"{'writes' if role is Role.SUMMARISATION else 'picks'} summaries in {request.source}"
    experimental = [model.name for model in models if model.is_experimental and covers(model, request)]
    hint = f"; {experimental[0]} is experimental and writes only where a request names it" if experimental else ""
    raise UnsupportedCapability(
        f"no installed model {what}; {_cure(role, request)}{hint}",
        metadata={"language": request.source, "models": ",".join(model.name for model in models)},
    )


def _wanted_method(engine: Engine, request: SummaryRequest) -> Method:
    if request.form is Form.HEADLINE:
        if request.method is Method.EXTRACTIVE:
            raise UnsupportedCapability("EXTRACTIVE picks whole sentences and has no headlines; ask for TLDR")
        return Method.ABSTRACTIVE
    if request.method is not Method.AUTO:
        return request.method
    if request.model is not None:
        return Method.ABSTRACTIVE if engine.model(request.model).role is Role.SUMMARISATION else Method.EXTRACTIVE
    writers = (model for model in engine.models() if model.role is Role.SUMMARISATION)
    return Method.ABSTRACTIVE if any(_is_own_choice(model, request) for model in writers) else Method.EXTRACTIVE


def _check_named(model: ModelInfo, role: Role, request: SummaryRequest) -> ModelInfo:
    if model.role not in (Role.SUMMARISATION, Role.ENCODER):
        raise InvalidRequest("model", f"{model.name} is a model for {model.role.value}, not for summaries")
    if model.role is not role:
        verb = "writes" if model.role is Role.SUMMARISATION else "picks sentences for"
        other = "EXTRACTIVE" if model.role is Role.ENCODER else "ABSTRACTIVE"
        cure = "name another model" if request.form is Form.HEADLINE else f"name another model or ask for {other}"
        raise UnsupportedCapability(f"model {model.name} {verb} summaries; {cure}")
    if not covers(model, request):
        raise UnsupportedCapability(
            f"model {model.name} does not cover {request.source}; it covers: {', '.join(model.source_languages)}",
            metadata={"language": request.source, "model": model.name},
        )
    return model


def written_language(model: ModelInfo, request: SummaryRequest) -> str:
    """The language that a model writes a summary in: the one asked for where it can, else the article's.

    A model that follows instructions writes what it is told to; another one that writes the article's language too
    keeps to that.
    """
    source, target = request.source, request.target
    if not target or is_same_language(source, target):
        return source
    is_free = model.follows_instructions or not serving(source, model.target_languages)
    return (serving(target, model.target_languages) if is_free else None) or source


def covers(model: ModelInfo, request: SummaryRequest) -> bool:
    """Whether a model reads the article's language, and writes it or the one asked for."""
    if not any(matches(request.source, served) for served in model.source_languages):
        return False
    writes = model.role is Role.ENCODER or serving(request.source, model.target_languages) is not None
    return writes or written_language(model, request) != request.source


def _is_own_choice(model: ModelInfo, request: SummaryRequest) -> bool:
    """Whether the server may choose a model that nobody named."""
    return not model.is_experimental and covers(model, request)


def _cure(role: Role, request: SummaryRequest) -> str:
    if role is Role.ENCODER:
        return INSTALL_ENCODER
    return f"{INSTALL_WRITER}, or ask for {'TLDR' if request.form is Form.HEADLINE else 'EXTRACTIVE'}"
