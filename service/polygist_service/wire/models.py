"""Models, languages and glossaries as messages, and lists of them in pages."""

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from polygist import __version__
from polygist.v1 import model_service_pb2, translation_service_pb2

from polygist_service.engine.interface import ModelInfo, Role, State
from polygist_service.errors import InvalidRequest
from polygist_service.limits import Limits
from polygist_service.text.languages import display_name, is_right_to_left, native_name
from polygist_service.translation.routing import Reach
from polygist_service.translation.terms.glossaries import Glossary
from polygist_service.wire.validation import GLOSSARY_PREFIX, MODEL_PREFIX, check_enum, parse_language, parse_number

TASKS = {
    Role.TRANSLATION: model_service_pb2.TASK_TRANSLATE,
    Role.ENCODER: model_service_pb2.TASK_SUMMARISE,
    Role.SUMMARISATION: model_service_pb2.TASK_SUMMARISE,
}
STATES = {
    State.UNLOADED: model_service_pb2.MODEL_STATE_UNLOADED,
    State.LOADING: model_service_pb2.MODEL_STATE_LOADING,
    State.READY: model_service_pb2.MODEL_STATE_READY,
    State.FAILED: model_service_pb2.MODEL_STATE_FAILED,
}
DEFAULT_PAGE_SIZE = 100
MOST_PAGE_SIZE = 2**31 - 1

EntryT = TypeVar("EntryT")


class PageRequest(Protocol):
    """A request for a page of a list."""

    page_size: int
    page_token: str


def take_page(entries: Sequence[EntryT], request: PageRequest, limits: Limits) -> tuple[Sequence[EntryT], str]:
    """Return one page of `entries` and the token of the next, empty on the last page."""
    size = parse_number("page_size", request.page_size, most=MOST_PAGE_SIZE) or DEFAULT_PAGE_SIZE
    start = parse_page_token(request.page_token) if request.page_token else 0
    end = start + min(size, limits.page_size)
    next_token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(entries) else ""
    return entries[start:end], next_token


def parse_page_token(token: str) -> int:
    """Return where the page of a token starts."""
    try:
        start = int(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        start = -1
    if start < 0:
        raise InvalidRequest("page_token", f"{token!r} is not a token of this list; pass next_page_token unchanged")
    return start


def to_models_response(
    request: model_service_pb2.ListModelsRequest, models: Iterable[ModelInfo], limits: Limits
) -> model_service_pb2.ListModelsResponse:
    """Return a page of the models that do the task asked for."""
    check_enum(request, "task")
    chosen = [model for model in models if request.task in (0, TASKS[model.role])]
    page, token = take_page(chosen, request, limits)
    return model_service_pb2.ListModelsResponse(models=map(to_model, page), next_page_token=token)


def to_model(model: ModelInfo) -> model_service_pb2.Model:
    """Return the message for a model."""
    message = model_service_pb2.Model(
        name=f"{MODEL_PREFIX}{model.name}",
        display_name=model.display_name,
        tasks=[TASKS[model.role]],
        state=STATES[model.state],
        max_input_tokens=model.max_input_tokens,
        compute_type=model.compute_type,
        device=model.device,
        revision=model.revision,
        license=model.license,
        size_bytes=model.size_bytes,
        source_language_codes=model.source_languages,
        target_language_codes=model.target_languages,
        memory_bytes=model.memory_bytes if model.state is State.READY else 0,
        word_alignment=model.aligns,
    )
    if model.last_used is not None:
        message.last_used_time.FromNanoseconds(int(model.last_used * 1e9))
    return message


class LanguagePage(NamedTuple):
    """The languages of one page of a list.

    Attributes:
        codes: of the languages, in order.
        next_token: of the next page; empty on the last one.
        tasks: what can be done in each language.
        shown_in: the language that their names are in.
    """

    codes: Sequence[str]
    next_token: str
    tasks: Mapping[str, Collection[int]]
    shown_in: str


def find_languages(
    request: model_service_pb2.ListLanguagesRequest,
    models: Iterable[ModelInfo],
    limits: Limits,
    *,
    detected: Iterable[str],
) -> LanguagePage:
    """Return a page of the languages; summaries are made in all: their sentences can be ranked without a model.

    Args:
        request: which page, and of which languages.
        models: those installed.
        limits: on pages.
        detected: the languages that are told of a text.
    """
    check_enum(request, "task")
    shown_in = parse_language("display_language_code", request.display_language_code) or "en"
    summarise = model_service_pb2.TASK_SUMMARISE
    tasks: dict[str, set[int]] = {code: {summarise, model_service_pb2.TASK_DETECT_LANGUAGE} for code in detected}
    for model in models:
        for code in (*model.source_languages, *model.target_languages):
            tasks.setdefault(code, {summarise}).add(TASKS[model.role])
    chosen = [code for code in sorted(tasks) if not request.task or request.task in tasks[code]]
    page, token = take_page(chosen, request, limits)
    return LanguagePage(page, token, tasks, shown_in)


def to_language(code: str, page: LanguagePage, reach: Reach) -> model_service_pb2.Language:
    """Return the message for a language of a page, with its names, which take a while where they are new."""
    return model_service_pb2.Language(
        language_code=code,
        display_name=display_name(code, page.shown_in),
        native_name=native_name(code),
        right_to_left=is_right_to_left(code),
        target_language_codes=reach.direct(code),
        pivot_target_language_codes=reach.pivoted(code),
        tasks=sorted(page.tasks[code]),  # type: ignore[arg-type]
    )


def to_glossaries_response(
    request: translation_service_pb2.ListGlossariesRequest, glossaries: Sequence[Glossary], limits: Limits
) -> translation_service_pb2.ListGlossariesResponse:
    """Return a page of the glossaries."""
    page, token = take_page(glossaries, request, limits)
    return translation_service_pb2.ListGlossariesResponse(
        glossaries=[
            translation_service_pb2.Glossary(
                name=f"{GLOSSARY_PREFIX}{each.name}",
                language_codes=each.languages,
                entry_count=each.entry_count,
                revision=each.revision,
            )
            for each in page
        ],
        next_page_token=token,
    )


def to_server_info(
    limits: Limits, *, queued: int, active: int, glossaries: Iterable[str]
) -> model_service_pb2.GetServerInfoResponse:
    """Return what a server tells of itself: version, limits, the requests that it has, the names of its glossaries."""
    return model_service_pb2.GetServerInfoResponse(
        version=__version__,
        limits=[model_service_pb2.Limit(name=name, value=value) for name, value in limits.named()],
        queued_request_count=queued,
        active_request_count=active,
        glossaries=[f"{GLOSSARY_PREFIX}{name}" for name in glossaries],
    )
