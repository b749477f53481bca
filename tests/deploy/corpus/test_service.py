"""The service within a process of the job, with real models that are tiny."""

import pytest
from polygist_service.wire.failures import CallFailed

from deploy.ray.corpus.documents import Document
from deploy.ray.corpus.local_service import LocalService
from deploy.ray.corpus.task import Task

TO_ENGLISH = Task(translate_to="en", source_language="de")


@pytest.fixture
def open_service(tiny_home):
    """Opens services of the tiny model for a task."""
    from polygist_service.settings import Settings

    opened = []

    def open_it(task, **limits):
        opened.append(LocalService(Settings(home=tiny_home, slots=1, limits=limits), task))
        return opened[-1]

    yield open_it
    for each in opened:
        each.close()


def test_documents_are_translated_and_what_fails_is_in_the_result(open_service):
    service = open_service(TO_ENGLISH, request_characters=40)
    good, long = (
        service.submit(Document(name, "a", 0, text)).result() for name, text in (("good", "Eins."), ("long", 50 * "x"))
    )
    assert (good.id, good.source_language, good.errors) == ("good", "de", ())
    assert good.translation
    assert good.tokens_read
    (error,) = long.errors
    assert (long.translation, error.step, error.code, error.reason) == (
        None, "translate", "INVALID_ARGUMENT", "REQUEST_TOO_LARGE"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task(translate_to="fr", source_language="de"), "fr"),
        (Task(translate_to="no language"), "target_language_code"),
        (Task(summarise=True, summary_method="abstractive"), "no installed model writes summaries"),
    ],
)
def test_what_no_document_can_get_is_refused_before_the_first(open_service, task, message):
    with pytest.raises(CallFailed, match=message):
        open_service(task)
