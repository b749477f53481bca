"""Results come in order, whatever is finished first; what is counted of them; what a job says."""

import json
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as some

from deploy.ray.corpus.documents import Document
from deploy.ray.corpus.progress import Progress, tell_time, write_summary
from deploy.ray.corpus.results import Failure, Result, Tally, work_in_order

FAILED = Failure("translate", "INVALID_ARGUMENT", "REQUEST_TOO_LARGE", "contents[0]: is too long")


def make_documents(lengths):
    return [Document(str(number), "a", number, "x" * length) for number, length in enumerate(lengths)]


def result_of(document, *errors):
    return Result(id=document.id, file=document.file, position=document.position, errors=errors, tokens_read=3)


@given(some.lists(some.integers(0, 9)), some.integers(1, 20))
def test_results_are_in_order_and_no_more_is_begun_than_asked_for(lengths, most):
    begun, most_begun = {}, []

    def submit(document):
        begun[document.id] = (future := Future())
        most_begun.append(sum(len(each.text) for each in documents if each.id in begun))
        if len(document.text) % 2:  # finished before it is waited for
            future.set_result(result_of(document))
        else:
            future.result = lambda: result_of(document)
        return future

    documents, found = make_documents(lengths), []
    for document, result in work_in_order(documents, submit, most_characters=most):
        assert result == result_of(document)
        begun.pop(document.id)
        found.append(document)
    assert found == documents
    assert all(characters <= max(most, 9) for characters in most_begun)


def test_what_cannot_be_read_is_not_sent():
    document = Document("a:0", "a", 0, problem="text: is null, not a text")
    ((_, result),) = work_in_order([document], lambda document: pytest.fail("it was sent"), most_characters=1)
    assert result.to_row() == {
        "id": "a:0",
        "file": "a",
        "position": 0,
        "source_language": None,
        "translation": None,
        "summary": None,
        "warnings": [],
        "errors": [
            {
                "step": "read",
                "code": "INVALID_ARGUMENT",
                "reason": "DOCUMENT_UNREADABLE",
                "message": "text: is null, not a text",
            }
        ],
    }


def count(lengths, failed=()):
    tally = Tally()
    for document in make_documents(lengths):
        tally.count(document, result_of(document, *((FAILED, FAILED) if document.position in failed else ())))
    return tally


def test_documents_are_counted_once_however_much_failed():
    tally = count([5, 6, 7], failed=[1])
    assert (tally.documents, tally.failed, tally.characters, tally.tokens_read) == (3, 1, 18, 9)
    assert tally.reasons == {"REQUEST_TOO_LARGE": 1}
    assert Tally.from_json(json.loads(json.dumps(tally.to_json()))) == tally
    tally.add(count([1], failed=[0]))
    assert (tally.documents, tally.failed, tally.reasons) == (4, 2, {"REQUEST_TOO_LARGE": 2})


def test_a_job_says_how_far_it_is():
    now, said = [0.0], []
    progress = Progress(4, [count([1, 1])], say=said.append, clock=lambda: now[0])
    now[0] = 9.0
    progress.add(count([1, 1, 1], failed=[0]), 4.0)
    assert said == []
    now[0] = 25.0
    progress.add(count([1] * 7), 18.0)
    assert said == ["part 3 of 4: 12 documents, 1 failed, 0.5/s, 10 s left"]
    summary = progress.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert write_summary(summary, "out").splitlines() == [
        "3 of 4 parts are done, 1 of them by jobs before",
        "12 documents, 1 failed; 12 characters, 36 tokens read and 0 written",
        "25 s, 20 s of them at work: 0.5 documents a second",
        "failed with REQUEST_TOO_LARGE: 1",
        "results: out",
        "1 parts failed, which is no matter of single documents: see above; start again for them",
    ]


@pytest.mark.parametrize(("seconds", "told"), [(0, "0 s"), (89, "89 s"), (600, "10 min"), (12_600, "3.5 h")])
def test_times_are_told_in_words(seconds, told):
    assert tell_time(seconds) == told
