import asyncio
import time

import grpc
import pytest
from polygist.v1 import translation_service_pb2
from polygist_service.app.services import build_services
from polygist_service.concurrency import TextPool
from polygist_service.context import CallContext
from polygist_service.engine.interface import State
from polygist_service.errors import InvalidRequest, StreamIdle
from polygist_service.limits import Limits
from polygist_service.observability.metrics import Metrics
from polygist_service.rpc.batch import BatchTranslation
from polygist_service.wire.translation import RefusedItem

from tests.service.echo import EN_PT, EchoEngine, pair
from tests.service.harness import (
    DETECTOR,
    blocking_translation,
    failure_of,
    failure_of_stream,
    read_failure,
    serving,
    until,
)
from tests.service.rpc.test_stream_translate import collect
from tests.service.rpc.test_translate import ENGLISH, PORTUGUESE, make

GERMAN = "Der Ausschuss trifft sich am Donnerstag in der alten Stadt."
SENTENCES = " ".join(f"Number {count} is a sentence of its own." for count in range(60))


def config(**fields):
    return translation_service_pb2.BatchTranslateRequest(config=make(**fields))


def item(item_id, content, **fields):
    return translation_service_pb2.BatchTranslateRequest(
        item=translation_service_pb2.BatchItem(item_id=item_id, content=content, **fields)
    )


async def batch(service, *requests, **options):
    """Answers by id; raises where an item has two."""
    answers = {}
    async for answer in service.translation.BatchTranslate(iter(requests), **options):
        assert answer.item_id not in answers
        answers[answer.item_id] = answer
    return answers


async def refused(*requests, engine=None, answers=None, **options):
    async with serving(engine or EchoEngine(), **options) as service:
        with blocking_translation(service) as translation:
            return await failure_of_stream(translation.BatchTranslate(iter(requests)), answers)


async def test_each_item_is_answered_as_a_request_of_its_own():
    texts = {"a": f"{ENGLISH}\n\n* One.\r\n", "b": "", "c": " 12 ", "d": PORTUGUESE, "e": SENTENCES}
    fields = {
        "source_language_code": "", "alternative_count": 2,
        "output_config": {"include_segments": True, "include_score": True},
    }  # fmt: skip
    async with serving(EchoEngine()) as service:
        answers = await batch(service, config(**fields), *(item(key, text) for key, text in texts.items()))
        assert answers.keys() == texts.keys()
        for key, text in texts.items():
            unary = await service.translation.Translate(make(text, **fields))
            assert answers[key].translation == unary.translations[0]
            assert answers[key].usage == unary.usage


async def test_an_item_may_name_its_own_language():
    async with serving(EchoEngine(pair("en", "pt"), pair("fr", "pt"))) as service:
        answers = await batch(service, config(), item("1", "One."), item("2", "Un.", source_language_code="fr"))
    assert [answers[key].translation.source_language_code for key in "12"] == ["en", "fr"]


async def test_an_item_may_be_another_kind_of_document():
    texts = {"text/plain": ENGLISH, "text/html": f"<p>{ENGLISH}</p><pre>x</pre>", "text/markdown": f"# {ENGLISH}\n"}
    async with serving(EchoEngine()) as service:
        items = [item(kind, text, mime_type=kind) for kind, text in texts.items()]
        answers = await batch(service, config(mime_type="text/html"), *items, item("of config", texts["text/html"]))
        for kind, text in texts.items():
            unary = await service.translation.Translate(make(text, mime_type=kind))
            assert answers[kind].translation == unary.translations[0]
    assert answers["of config"].translation == answers["text/html"].translation


async def test_an_item_that_fails_leaves_the_others_alone():
    engine = EchoEngine()
    limits = Limits(request_characters=100)
    async with serving(engine, limits=limits) as service:
        answers = await batch(
            service,
            config(source_language_code=""),
            item("good", ENGLISH),
            item("german", GERMAN),
            item("letters", "ᏣᎳᎩ"),
            item("long", "x" * 101),
            item("tag", ENGLISH, source_language_code="no such"),
            item("pair", ENGLISH, source_language_code="fi"),
            item("type", ENGLISH, mime_type="image/png"),
            item("also good", ENGLISH, mime_type="Text/Plain; charset=utf-8"),
        )
        for key, text in {"german": GERMAN, "letters": "ᏣᎳᎩ"}.items():
            unary = await failure_of(service.translation.Translate(make(text, source_language_code="")))
            error = answers[key].error
            assert (unary.code, unary.reason) == (grpc_name(error.code), error.reason)
            assert unary.message.replace("contents[0]", "content") == error.message
    assert answers["good"].translation.translated_text == answers["also good"].translation.translated_text != ""
    told = {
        key: (grpc_name(answer.error.code), answer.error.reason)
        for key, answer in answers.items()
        if answer.HasField("error")
    }
    assert told == {
        "german": ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED"),
        "letters": ("FAILED_PRECONDITION", "LANGUAGE_UNDETERMINED"),
        "long": ("INVALID_ARGUMENT", "REQUEST_TOO_LARGE"),
        "tag": ("INVALID_ARGUMENT", "FIELD_INVALID"),
        "pair": ("FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED"),
        "type": ("INVALID_ARGUMENT", "MIME_TYPE_UNSUPPORTED"),
    }
    assert answers["long"].error.message.startswith("content: 101 characters")
    assert answers["tag"].error.message.startswith("source_language_code: ")


def grpc_name(code):
    return next(status.name for status in grpc.StatusCode if status.value[0] == code)


async def test_an_item_that_the_engine_fails_on_and_one_whose_model_is_not_there():
    def answer(text):
        if "poison" in text:
            raise RuntimeError("secret")
        return f"[{text}]"

    async with serving(EchoEngine(answer=answer)) as service:
        answers = await batch(service, config(), item("1", "Some poison here."), item("2", "Some water here."))
    assert answers["1"].error.code == grpc.StatusCode.INTERNAL.value[0]
    assert "secret" not in answers["1"].error.message
    assert answers["2"].translation.translated_text == "[Some water here.]"
    async with serving(EchoEngine(pair("en", "pt", state=State.LOADING))) as service:
        answers = await batch(service, config(), item("1", "One."))
    assert (grpc_name(answers["1"].error.code), answers["1"].error.reason) == ("UNAVAILABLE", "MODEL_LOADING")


async def test_an_answer_that_fits_no_message_is_an_error_of_its_item():
    text = " ".join(f"Sentence {count}." for count in range(20))
    asked = config(output_config={"include_segments": True})
    async with serving(EchoEngine(), limits=Limits(message_bytes=len(text) + 200)) as service:
        answers = await batch(service, asked, item("1", text), item("2", "One."))
    assert (grpc_name(answers["1"].error.code), answers["1"].error.reason) == ("INVALID_ARGUMENT", "REQUEST_TOO_LARGE")
    assert answers["2"].translation.translated_text == "[One.]"


@pytest.mark.parametrize(
    ("requests", "code", "reason", "field"),
    [
        ([item("1", "One.")], "INVALID_ARGUMENT", "FIELD_INVALID", "config"),
        ([config(), config()], "INVALID_ARGUMENT", "FIELD_INVALID", "config"),
        ([translation_service_pb2.BatchTranslateRequest()], "INVALID_ARGUMENT", "FIELD_INVALID", "config"),
        ([config(), translation_service_pb2.BatchTranslateRequest()], "INVALID_ARGUMENT", "FIELD_INVALID", "item"),
        ([config(), item("", "One.")], "INVALID_ARGUMENT", "FIELD_INVALID", "item.item_id"),
        ([config(target="")], "INVALID_ARGUMENT", "FIELD_INVALID", "target_language_code"),
        ([config(alternative_count=99)], "INVALID_ARGUMENT", "FIELD_INVALID", "alternative_count"),
        ([config(model="models/none", source_language_code="")], "NOT_FOUND", "MODEL_NOT_FOUND", ""),
        ([config(model="models/minilm", source_language_code="")], "INVALID_ARGUMENT", "FIELD_INVALID", "model"),
        ([config(target="fi")], "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED", ""),
        (
            [translation_service_pb2.BatchTranslateRequest(config=make("One."))],
            "INVALID_ARGUMENT", "FIELD_INVALID", "config.contents",
        ),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_the_stream_ends_it(requests, code, reason, field):
    failure = await refused(*requests)
    assert (failure.code, failure.reason, failure.field) == (code, reason, field)


async def test_what_is_in_work_is_answered_before_a_wrong_message_ends_the_stream():
    answers = []
    engine = EchoEngine(delay=0.1)
    failure = await refused(config(), item("1", "One."), item("1", "Again."), engine=engine, answers=answers)
    assert (failure.code, failure.field) == ("INVALID_ARGUMENT", "item.item_id")
    assert [answer.translation.translated_text for answer in answers] == ["[One.]"]


async def test_an_id_may_be_used_again_once_it_is_answered():
    async with serving(EchoEngine()) as service:
        call = service.translation.BatchTranslate()
        await call.write(config())
        for text in ("One.", "Two."):
            await call.write(item("1", text))
            assert (await call.read()).translation.translated_text == f"[{text}]"
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF


async def test_an_id_may_be_used_again_while_its_answer_is_still_on_its_way():
    pool, limits, is_on_its_way = TextPool(1), Limits(), asyncio.Event()
    services = build_services(EchoEngine(), detector=DETECTOR, pool=pool, limits=limits)

    async def requests():
        yield config()
        yield item("1", "One.")
        await is_on_its_way.wait()
        yield item("1", "Two.")

    batch = BatchTranslation(
        services.translator,
        limits=limits,
        access=services.access,
        admission=services.admission,
        pool=pool,
        context=CallContext(caller="me"),
        draining=asyncio.Event(),
    )
    answers = batch.answers(requests())
    first = await anext(answers)
    is_on_its_way.set()
    await asyncio.sleep(0.05)  # the item is read before the answer is taken for written
    rest = [answer async for answer in answers]
    pool.close()
    assert [answer.translation.translated_text for answer in (first, *rest)] == ["[One.]", "[Two.]"]


async def test_no_more_items_are_in_work_than_the_limit_allows():
    engine, most = EchoEngine(delay=0.02), 0
    texts = [f"Item {count} of the stream." for count in range(30)]

    def answer(text):
        nonlocal most
        most = max(most, len(engine.held))
        return f"[{text}]"

    engine.answer = answer
    async with serving(engine, limits=Limits(batch_items=4)) as service:
        answers = await batch(service, config(), *(item(text, text) for text in texts))
    assert {key: answer.translation.translated_text for key, answer in answers.items()} == {
        text: f"[{text}]" for text in texts
    }
    assert 1 < most <= 4


async def test_long_items_share_what_one_request_may_hold():
    engine, most = EchoEngine(delay=0.02), 0

    def answer(text):
        nonlocal most
        most = max(most, len(engine.held))
        return f"[{text}]"

    engine.answer = answer
    async with serving(engine, limits=Limits(request_characters=50)) as service:
        answers = await batch(service, config(), *(item(str(count), f"{count} " + "long " * 8) for count in range(8)))
    assert len(answers) == 8
    assert most == 1


async def test_items_of_one_stream_share_batches_with_each_other():
    engine = EchoEngine(delay=0.5)
    async with serving(engine) as service:
        call = service.translation.BatchTranslate()
        await call.write(config())
        for count in range(8):
            await call.write(item(str(count), f"Item {count} of the stream."))
        await until(lambda: len(engine.held) == 8)
        await call.done_writing()
        assert len([answer async for answer in call]) == 8


async def test_cancelling_stops_the_work_of_all_items():
    engine = EchoEngine(delay=0.5)
    async with serving(engine) as service:
        call = service.translation.BatchTranslate()
        await call.write(config())
        for count in range(8):
            await call.write(item(str(count), f"{SENTENCES} And {count}."))
        await until(lambda: len(engine.held) == 8)
        call.cancel()
        await asyncio.wait_for(engine.free.wait(), 10)
        await until(lambda: not service.in_flight.active)


async def test_a_caller_who_falls_silent_is_not_waited_for_for_ever():
    async with serving(EchoEngine(), limits=Limits(batch_idle_seconds=1)) as service:
        call = service.translation.BatchTranslate()
        await call.write(config())
        await call.write(item("1", "One."))
        assert (await call.read()).item_id == "1"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    failure = read_failure(caught.value)
    assert (failure.code, failure.reason) == ("DEADLINE_EXCEEDED", "STREAM_IDLE")


@pytest.mark.parametrize("pause", [0.0, 0.02])
async def test_lines_that_cannot_be_read_are_silence(pause):
    """Else who sends nothing else would keep a stream for ever."""
    pool, limits, count = TextPool(1), Limits(), 0
    object.__setattr__(limits, "batch_idle_seconds", 0.2)  # less than operators may set
    services = build_services(EchoEngine(), detector=DETECTOR, pool=pool, limits=Limits())

    async def requests():
        nonlocal count
        yield config()
        yield item("1", "One.")
        while True:
            count += 1
            yield RefusedItem(f"lines[{count}]", InvalidRequest("lines", "is no JSON"))
            await asyncio.sleep(pause)

    batch = BatchTranslation(
        services.translator,
        limits=limits,
        access=services.access,
        admission=services.admission,
        pool=pool,
        context=CallContext(caller="me"),
        draining=asyncio.Event(),
    )
    answers = []
    with pytest.raises(StreamIdle, match="no item that can be read came"):
        await collect(batch.answers(requests()), answers)
    pool.close()
    assert sum(not answer.HasField("error") for answer in answers) == 1
    assert len(answers) in (count, count + 1)  # each line but the last one is answered


async def test_work_that_takes_long_is_no_silence():
    async with serving(EchoEngine(delay=0.05), limits=Limits(batch_idle_seconds=1)) as service:
        answers = await batch(service, config(), item("1", SENTENCES))
    assert answers["1"].translation.translated_text.endswith("[Number 59 is a sentence of its own.]")


async def test_a_caller_who_does_not_read_is_not_waited_for_for_ever(log):
    # Texts without letters come back as they are: 200 answers of 200 kB.
    async with serving(EchoEngine(), limits=Limits(batch_idle_seconds=1)) as service:
        requests = (config(), *(item(str(count), f"{count:09} " * 20_000) for count in range(200)))
        with blocking_translation(service) as translation:
            call = translation.BatchTranslate(iter(requests))
            await until(lambda: log)
            # Who reads on at last finds what was on its way, then why there is no more.
            answers = []
            failure = await failure_of_stream(call, answers)
    assert 0 < len(answers) < 150
    assert failure.reason == "STREAM_IDLE"
    assert (log[0]["code"], log[0]["reason"]) == ("DEADLINE_EXCEEDED", "STREAM_IDLE")
    # Flow control holds back answers, and they the items.
    assert 0 < log[0]["contents"] < 150


async def test_each_item_has_a_deadline_of_its_own():
    limits = Limits(deadline_seconds=2, batch_items=4)
    async with serving(EchoEngine(delay=0.1), limits=limits) as service:
        answers = await batch(service, config(), item("1", SENTENCES), item("2", "Two."))
        assert grpc_name(answers["1"].error.code) == "DEADLINE_EXCEEDED"
        assert answers["2"].translation.translated_text == "[Two.]"
        # More seconds than a call may have, in many items: four take 0.2 each time.
        began = time.monotonic()
        many = await batch(service, config(), *(item(str(n), f"Item {n}. Its second sentence {n}.") for n in range(48)))
        assert {answer.WhichOneof("result") for answer in many.values()} == {"translation"}
        assert time.monotonic() - began > limits.deadline_seconds


async def test_a_server_that_shuts_down_answers_what_is_in_work_and_begins_nothing():
    engine = EchoEngine(EN_PT, delay=0.3)
    async with serving(engine) as service:
        call = service.translation.BatchTranslate()
        await call.write(config())
        await call.write(item("1", "One."))
        await until(lambda: engine.held)
        drained = asyncio.create_task(service.in_flight.drain(10))
        assert (await call.read()).translation.translated_text == "[One.]"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert await drained
    failure = read_failure(caught.value)
    assert (failure.code, failure.reason) == ("UNAVAILABLE", "SERVER_DRAINING")


async def test_failed_items_are_counted_and_logged(log):
    metrics = Metrics({"en", "pt"})
    async with serving(EchoEngine(), metrics=metrics) as service:
        await batch(service, config(), item("1", "One."), item("2", "Zwei.", source_language_code="fi"))
    (line,) = [line for line in log if line["method"] == "BatchTranslate"]
    assert (line["code"], line["contents"], line["characters"], line["failed_items"]) == ("OK", 2, 9, 1)
    counted = {
        tuple(sample.labels[name] for name in ("grpc_method", "grpc_code", "reason")): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "polygist_calls_failed_total"
    }
    assert counted == {("BatchTranslate", "FAILED_PRECONDITION", "LANGUAGE_PAIR_UNSUPPORTED"): 1}
