"""API keys over real gRPC: who may call what, how long, and how much of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2
from polygist_service.access.access import Access
from polygist_service.access.keys import Key, Quota, changing, make_key
from polygist_service.access.quotas import Demand
from polygist_service.errors import KeyFileError

from tests.service.echo import EchoEngine
from tests.service.harness import failure_of, read_failure, serving

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TEXT = "The library opens at nine."
TRANSLATE = translation_service_pb2.TranslateRequest(
    contents=[TEXT], source_language_code="en", target_language_code="pt"
)
SUMMARISE = summarisation_service_pb2.SummariseRequest(contents=[TEXT], source_language_code="en")


def add(path: Path, name: str, *scopes: str, **more) -> list[tuple[str, str]]:
    """Add a key to a file; what a call with it sends."""
    text, digest = make_key(name)
    with changing(path) as keys:
        keys[name] = Key(name=name, digest=digest, scopes=scopes, created=NOW, **more)
    return [("authorization", f"Bearer {text}")]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "keys.json"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 1000)


def open_access(path, clock=None) -> Access:
    clock = clock or Clock()
    return Access(path, clock=clock, now=clock.now)


async def messages(*given):
    for each in given:
        yield each


def batch(*contents):
    """The messages of a BatchTranslate stream."""
    if not contents:
        return messages()
    config = translation_service_pb2.TranslateRequest(source_language_code="en", target_language_code="pt")
    items = (translation_service_pb2.BatchItem(item_id=str(at), content=each) for at, each in enumerate(contents))
    request = translation_service_pb2.BatchTranslateRequest
    return messages(request(config=config), *(request(item=item) for item in items))


def methods(service):
    """A call of every method of our services, by the scope that it needs; takes the metadata."""
    translation, summarisation, models, admin = (
        service.translation, service.summarisation, service.models, service.admin,
    )  # fmt: skip
    detect = translation_service_pb2.DetectLanguageRequest(contents=[TEXT])
    stream = translation_service_pb2.StreamTranslateRequest(request=TRANSLATE)
    document = translation_service_pb2.TranslateDocumentRequest(config=TRANSLATE)
    streamed = summarisation_service_pb2.StreamSummariseRequest(request=SUMMARISE)
    return {
        "translate": {
            "Translate": lambda metadata: translation.Translate(TRANSLATE, metadata=metadata),
            "StreamTranslate": lambda metadata: first_of(translation.StreamTranslate(stream, metadata=metadata)),
            # Without a message: for gRPC's client one that comes after the answer is an error of its own.
            "BatchTranslate": lambda metadata: first_of(translation.BatchTranslate(batch(), metadata=metadata)),
            "DetectLanguage": lambda metadata: translation.DetectLanguage(detect, metadata=metadata),
            "TranslateDocument": lambda metadata: translation.TranslateDocument(document, metadata=metadata),
        },
        "summarise": {
            "Summarise": lambda metadata: summarisation.Summarise(SUMMARISE, metadata=metadata),
            "StreamSummarise": lambda metadata: first_of(summarisation.StreamSummarise(streamed, metadata=metadata)),
        },
        "admin": {
            "LoadModel": lambda metadata: admin.LoadModel(model_service_pb2.LoadModelRequest(), metadata=metadata),
        },
        "": {
            "ListModels": lambda metadata: models.ListModels(model_service_pb2.ListModelsRequest(), metadata=metadata),
            "GetServerInfo": lambda metadata: models.GetServerInfo(
                model_service_pb2.GetServerInfoRequest(), metadata=metadata
            ),
        },
    }


async def first_of(call):
    replies = [reply async for reply in call]
    return replies[0] if replies else None


async def reason_of(call) -> str:
    """The reason that a call fails for; empty where it does not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return read_failure(error).reason or repr(error)
    return ""


async def test_each_service_needs_its_scope(path):
    given = {scope: add(path, scope, scope) for scope in ("translate", "summarise", "admin")}
    async with serving(EchoEngine(), access=open_access(path)) as service:
        for needed, calls in methods(service).items():
            for name, call in calls.items():
                for scope, metadata in given.items():
                    reason = await reason_of(call(metadata))
                    assert (reason == "SCOPE_MISSING") == (needed not in ("", scope)), (name, scope, reason)


async def test_no_method_of_ours_is_open_without_a_key(path):
    add(path, "someone", "translate", "summarise", "admin")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        for calls in methods(service).values():
            for name, call in calls.items():
                assert await reason_of(call(None)) == "API_KEY_MISSING", name


@pytest.mark.parametrize(
    "wrong",
    ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer polygist_me_", "Bearer polygist_you_ab", f"Bearer {'x' * 4000}"],
)
async def test_a_wrong_key_is_refused_with_its_cure(path, wrong):
    add(path, "me", "translate")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        failure = await failure_of(service.translation.Translate(TRANSLATE, metadata=[("authorization", wrong)]))
    assert (failure.code, failure.reason) == ("UNAUTHENTICATED", "API_KEY_INVALID")
    assert "xxxx" not in failure.message
    assert failure.trailer["x-request-id"]


async def test_the_key_of_one_is_not_that_of_another(path):
    ((name, key),) = add(path, "me", "translate")
    add(path, "you", "translate")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        failure = await failure_of(
            service.translation.Translate(TRANSLATE, metadata=[(name, key.replace("_me_", "_you_"))])
        )
    assert failure.reason == "API_KEY_INVALID"


async def test_health_and_reflection_need_no_key(path):
    add(path, "me", "translate")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        health = health_pb2_grpc.HealthStub(service.channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
        stub = reflection_pb2_grpc.ServerReflectionStub(service.channel)
        asked = messages(reflection_pb2.ServerReflectionRequest(list_services=""))
        assert (await first_of(stub.ServerReflectionInfo(asked))).list_services_response.service


async def test_the_message_of_a_call_without_a_key_is_not_even_decoded(path):
    add(path, "me", "translate")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        translate = service.channel.unary_unary("/polygist.v1.TranslationService/Translate")
        assert (await failure_of(translate(b"\x0a\x02\xff\xfe"))).reason == "API_KEY_MISSING"


async def test_a_key_ends_when_it_expires(path):
    clock = Clock()
    metadata = add(path, "me", "translate", expires=NOW + timedelta(seconds=10))
    async with serving(EchoEngine(), access=open_access(path, clock)) as service:
        assert await service.translation.Translate(TRANSLATE, metadata=metadata)
        clock.seconds += 10
        failure = await failure_of(service.translation.Translate(TRANSLATE, metadata=metadata))
    assert (failure.reason, failure.message) == (
        "API_KEY_INVALID",
        "the API key 'me' expired at 2030-01-01 00:00:10 UTC; ask for a new one",
    )


async def test_keys_are_read_again(path):
    old = add(path, "old", "translate")
    access = open_access(path)
    async with serving(EchoEngine(), access=access) as service:
        assert not await access.reload()
        new = add(path, "new", "translate")
        with changing(path) as keys:
            del keys["old"]
        assert await reason_of(service.translation.Translate(TRANSLATE, metadata=new)) == "API_KEY_INVALID"
        assert await access.reload()
        assert await reason_of(service.translation.Translate(TRANSLATE, metadata=new)) == ""
        assert await reason_of(service.translation.Translate(TRANSLATE, metadata=old)) == "API_KEY_INVALID"


async def test_a_key_that_is_looked_at_is_not_called_ignored(path, log):
    metadata = add(path, "me", "translate")
    async with serving(EchoEngine(), access=open_access(path)) as service:
        call = service.translation.Translate(TRANSLATE, metadata=metadata)
        await call
        assert "x-api-key" not in dict(iter(await call.trailing_metadata()))


async def test_requests_are_counted_by_the_minute(path):
    clock = Clock()
    metadata = add(path, "me", "translate", quota=Quota(requests_per_minute=3))
    other = add(path, "other", "translate")
    async with serving(EchoEngine(), access=open_access(path, clock)) as service:
        for _ in range(3):
            await service.translation.Translate(TRANSLATE, metadata=metadata)
        failure = await failure_of(service.translation.Translate(TRANSLATE, metadata=metadata))
        assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
        assert failure.metadata == {"quota": "requests_per_minute"}
        assert failure.details == ("ErrorInfo", "QuotaFailure", "RetryInfo")
        assert await service.translation.Translate(TRANSLATE, metadata=other)
        clock.seconds += 61
        assert await service.translation.Translate(TRANSLATE, metadata=metadata)


async def test_a_call_that_no_quota_has_room_for_says_so(path):
    metadata = add(path, "me", "translate", quota=Quota(characters_per_minute=10))
    async with serving(EchoEngine(), access=open_access(path)) as service:
        failure = await failure_of(service.translation.Translate(TRANSLATE, metadata=metadata))
    assert failure.details == ("ErrorInfo", "QuotaFailure")
    assert "send less at once" in failure.message


async def test_items_of_a_stream_wait_for_the_quota(path, monkeypatch):
    clock = Clock()
    slept = []

    async def sleep(seconds):
        slept.append(seconds)
        clock.seconds += 30

    monkeypatch.setattr("polygist_service.rpc.batch.asyncio.sleep", sleep)
    metadata = add(path, "me", "translate", quota=Quota(requests_per_minute=2))
    async with serving(EchoEngine(), access=open_access(path, clock)) as service:
        replies = [reply async for reply in service.translation.BatchTranslate(batch(*[TEXT] * 3), metadata=metadata)]
    assert len(replies) == 3
    assert clock.seconds >= 1061


async def test_items_of_a_stream_have_all_of_the_quota_and_no_more(path, monkeypatch):
    clock = Clock()
    begun = []

    async def sleep(seconds):
        clock.seconds += max(seconds, 0.01)

    def answer(text):
        begun.append((clock.seconds, len(text)))
        return text

    monkeypatch.setattr("polygist_service.rpc.batch.asyncio.sleep", sleep)
    metadata = add(path, "me", "translate", quota=Quota(characters_per_minute=600))
    texts = [f"Item {at:03}" for at in range(675)]  # 75 of them are what a minute has room for
    async with serving(EchoEngine(answer=answer), access=open_access(path, clock)) as service:
        replies = [reply async for reply in service.translation.BatchTranslate(batch(*texts), metadata=metadata)]
    assert len(replies) == len(texts)
    # The first minute's are taken at once.
    assert (clock.seconds - 1000) / 60 == pytest.approx(sum(map(len, texts)) / 600 - 1, rel=0.05)
    for first, _ in begun:
        assert sum(size for at, size in begun if first <= at < first + 60) <= 600


@pytest.mark.parametrize(("seconds", "is_open"), [(9.999, True), (10.0, False)])
async def test_a_stream_ends_at_the_moment_when_its_key_expires(path, seconds, is_open):
    clock = Clock()
    metadata = add(path, "me", "translate", expires=NOW + timedelta(seconds=10))
    async with serving(EchoEngine(), access=open_access(path, clock)) as service:
        call = service.translation.BatchTranslate(metadata=metadata)
        config, first, second = [message async for message in batch("One.", "Two.")]
        await call.write(config)
        await call.write(first)
        assert (await call.read()).item_id == "0"
        clock.seconds = 1000 + seconds
        await call.write(second)
        assert (await reason_of(call.read()) == "") is is_open


async def test_a_clock_that_is_set_back_gives_nobody_more(path):
    clock = Clock()
    (sent,) = add(path, "me", "translate", quota=Quota(requests_per_minute=2))
    access = open_access(path, clock)
    key = access.authorise("polygist.v1.TranslationService", [sent])
    for back in (0, 3600):
        clock.seconds -= back
        with access.call(key, Demand(1)):
            pass
    refusal = access.find_refusal(key, Demand(1))
    assert refusal.metadata == {"quota": "requests_per_minute"}
    clock.seconds += 3600 + 61
    assert access.find_refusal(key, Demand(1)) is None


async def test_a_bound_that_was_changed_holds_at_once_for_what_was_taken_before(path):
    (sent,) = add(path, "me", "translate")
    access = open_access(path)
    key = access.authorise("polygist.v1.TranslationService", [sent])
    for _ in range(5):
        with access.call(key, Demand(1)):
            pass
    with changing(path) as keys:
        keys["me"] = replace(keys["me"], quota=Quota(requests_per_minute=5))
    assert await access.reload()
    assert access.find_refusal(key, Demand(1))


async def test_a_file_that_was_written_in_part_leaves_the_keys_that_there_were(path):
    metadata = add(path, "me", "translate")
    access = open_access(path)
    whole = path.read_bytes()
    async with serving(EchoEngine(), access=access) as service:
        for size in range(0, len(whole) - 2, 7):
            path.write_bytes(whole[:size])
            with pytest.raises(KeyFileError, match="only a part of one; put back a copy"):
                await access.reload()
        assert await reason_of(service.translation.Translate(TRANSLATE, metadata=metadata)) == ""


async def test_a_file_that_everyone_may_write_is_told_of(path):
    add(path, "me", "translate")
    told = []
    access = Access(path, exposed=told.append)
    path.chmod(0o646)
    await access.reload()
    assert told == [path]


async def test_no_window_has_more_than_the_quota_and_a_steady_caller_nearly_all_of_it(path):
    clock = Clock()
    (sent,) = add(path, "me", "translate", quota=Quota(characters_per_minute=600))
    access = open_access(path, clock)
    key = access.authorise("polygist.v1.TranslationService", [sent])
    taken = []
    for _ in range(10 * 600):
        clock.seconds += 0.1
        if not access.find_refusal(key, Demand(7)):
            with access.call(key, Demand(7)):
                taken.append(clock.seconds)
    assert all(sum(7 for at in taken if begin <= at < begin + 60) <= 600 for begin in taken)
    assert 0.95 * 600 * 10 <= 7 * len(taken) <= 1.05 * 600 * 10


async def test_concurrent_work_of_a_key_is_bounded_and_one_call_always_has_its_turn(path):
    (sent,) = add(path, "me", "translate", quota=Quota(concurrent_seconds=2.0))
    access = open_access(path)
    key = access.authorise("polygist.v1.TranslationService", [sent])
    assert access.find_refusal(key, Demand(1, 9.0)) is None
    with access.call(key, Demand(1, 1.5)):
        assert access.find_refusal(key, Demand(1, 0.5)) is None
        refusal = access.find_refusal(key, Demand(1, 0.6))
        assert refusal.metadata == {"quota": "concurrent_seconds"}
        assert refusal.retry_after == pytest.approx(0.1)
    assert access.find_refusal(key, Demand(1, 9.0)) is None


@pytest.mark.parametrize("is_made_anew", [False, True])
async def test_a_stream_ends_when_its_key_is_revoked_whoever_has_its_name_now(path, is_made_anew):
    metadata = add(path, "me", "translate")
    access = open_access(path)
    async with serving(EchoEngine(), access=access) as service:
        call = service.translation.BatchTranslate(metadata=metadata)
        config, first, second = [message async for message in batch("One.", "Two.")]
        await call.write(config)
        await call.write(first)
        assert (await call.read()).item_id == "0"
        with changing(path) as keys:
            del keys["me"]
        if is_made_anew:
            add(path, "me", "translate")
        await access.reload()
        await call.write(second)
        assert await reason_of(call.read()) == "API_KEY_INVALID"
