"""From documents to requests of the service, and from its answers to results."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from polygist.v1 import common_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.wire.failures import CallFailed

from .documents import Document
from .results import Failure, Result
from .task import Task

TRANSLATE = "/polygist.v1.TranslationService/Translate"
SUMMARISE = "/polygist.v1.SummarisationService/Summarise"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the things that are done with a document.

    Attributes:
        name: what results call it.
        method: full path.
        request: the message.
    """

    name: str
    method: str
    request: Any


def make_steps(task: Task, text: str) -> Iterator[Step]:
    """Yield what is to be asked for a text."""
    general: dict[str, Any] = {
        "contents": [text],
        "source_language_code": task.source_language,
        "mime_type": task.mime_type,
    }
    if task.prefer:
        wanted = f"PERFORMANCE_PREFERENCE_{task.prefer.upper()}"
        general["performance_preference"] = common_pb2.PerformancePreference.Value(wanted)
    if task.translate_to:
        request = translation_service_pb2.TranslateRequest(**general, target_language_code=task.translate_to)
        yield Step("translate", TRANSLATE, request)
    if task.summarise:
        yield Step("summarise", SUMMARISE, make_summary_request(task, general))


def make_summary_request(task: Task, general: dict[str, Any]) -> Any:
    """Return the request of a summary; `general` is what it has in common with that of a translation."""
    request = summarisation_service_pb2.SummariseRequest(**general, target_language_code=task.summary_language)
    if task.summary_length:
        wanted = f"SUMMARY_LENGTH_{task.summary_length.upper()}"
        request.length = summarisation_service_pb2.SummaryLength.Value(wanted)
    if task.summary_method:
        wanted = f"SUMMARY_METHOD_{task.summary_method.upper()}"
        request.method = summarisation_service_pb2.SummaryMethod.Value(wanted)
    if task.summary_type:
        wanted = f"SUMMARY_TYPE_{task.summary_type.upper()}"
        request.type = summarisation_service_pb2.SummaryType.Value(wanted)
    return request


def begin_result(document: Document) -> Result:
    """Return the result of a document with which nothing has been done yet."""
    return Result(id=document.id, file=document.file, position=document.position)


def add_answer(result: Result, step: Step, answer: Any) -> Result:
    """Return a result with what the service answered to a step of it."""
    if step.name == "translate":
        (written,) = answer.translations
        result = replace(result, translation=written.translated_text)
    else:
        (written,) = answer.summaries
        result = replace(result, summary=written.text)
    names = {common_pb2.WarningCode.Name(each.code).removeprefix("WARNING_CODE_") for each in written.warnings}
    return replace(
        result,
        source_language=result.source_language or written.source_language_code or None,
        warnings=tuple(sorted(names.union(result.warnings))),
        tokens_read=result.tokens_read + answer.usage.input_token_count,
        tokens_written=result.tokens_written + answer.usage.output_token_count,
    )


def add_failure(result: Result, step: Step, failure: CallFailed) -> Result:
    """Return a result with how a step of it failed."""
    error = Failure(step.name, failure.code, failure.reason, failure.message)
    return replace(result, errors=(*result.errors, error))
