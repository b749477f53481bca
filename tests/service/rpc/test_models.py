from dataclasses import replace

import grpc
import pytest
from polygist import __version__
from polygist.v1 import model_service_pb2
from polygist_service.engine.interface import State
from polygist_service.limits import Limits

from tests.service.echo import EN_PT, PT_EN, EchoEngine
from tests.service.harness import failure_of, serving


async def ask(method, request, **options):
    async with serving(EchoEngine(), **options) as service:
        return await getattr(service.models, method)(request)


async def refused(method, request, **options):
    async with serving(EchoEngine(), **options) as service:
        return await failure_of(getattr(service.models, method)(request))


async def test_models_are_listed_with_all_that_an_operator_wants_to_know():
    reply = await ask("ListModels", model_service_pb2.ListModelsRequest())
    assert [model.name for model in reply.models] == ["models/en-pt", "models/minilm", "models/pt-en"]
    first = reply.models[0]
    assert (first.license, first.compute_type, first.device, first.size_bytes) == ("MPL-2.0", "int8", "cpu", 1000)
    assert (first.source_language_codes, first.target_language_codes) == (["en"], ["pt"])
    assert (first.state, first.tasks) == (model_service_pb2.MODEL_STATE_READY, [model_service_pb2.TASK_TRANSLATE])
    assert first.revision == "r1"


async def test_memory_and_last_use_are_those_of_a_loaded_model():
    loaded = replace(EN_PT, memory_bytes=2000, last_used=1_700_000_000.5)
    async with serving(EchoEngine(loaded, replace(PT_EN, memory_bytes=2000, state=State.UNLOADED))) as service:
        first, second = (await service.models.ListModels(model_service_pb2.ListModelsRequest())).models
        alone = (await service.models.GetModel(model_service_pb2.GetModelRequest(name="models/en-pt"))).model
    assert (first.memory_bytes, first.last_used_time.ToMilliseconds()) == (2000, 1_700_000_000_500)
    assert (second.memory_bytes, second.HasField("last_used_time")) == (0, False)
    assert alone == first


async def test_models_are_filtered_by_task():
    reply = await ask("ListModels", model_service_pb2.ListModelsRequest(task="TASK_SUMMARISE"))
    assert [model.name for model in reply.models] == ["models/minilm"]


async def test_pages_follow_each_other_to_the_end():
    async with serving(EchoEngine()) as service:
        names, token = [], ""
        for _ in range(5):
            reply = await service.models.ListModels(model_service_pb2.ListModelsRequest(page_size=2, page_token=token))
            names.append([model.name for model in reply.models])
            token = reply.next_page_token
            if not token:
                break
    assert names == [["models/en-pt", "models/minilm"], ["models/pt-en"]]


@pytest.mark.parametrize("token", ["?", "abc", "LTE=", "MQ"])
async def test_a_made_up_token_is_refused(token):
    failure = await refused("ListModels", model_service_pb2.ListModelsRequest(page_token=token))
    assert (failure.code, failure.field) == ("INVALID_ARGUMENT", "page_token")


async def test_a_page_is_never_longer_than_the_limit():
    reply = await ask("ListModels", model_service_pb2.ListModelsRequest(page_size=50), limits=Limits(page_size=1))
    assert len(reply.models) == 1


async def test_one_model():
    reply = await ask("GetModel", model_service_pb2.GetModelRequest(name="models/pt-en"))
    assert reply.model.name == "models/pt-en"


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("", "INVALID_ARGUMENT", "FIELD_INVALID"),
        ("pt-en", "INVALID_ARGUMENT", "FIELD_INVALID"),
        ("models/none", "NOT_FOUND", "MODEL_NOT_FOUND"),
    ],
)
async def test_a_model_that_is_not_there(name, code, reason):
    failure = await refused("GetModel", model_service_pb2.GetModelRequest(name=name))
    assert (failure.code, failure.reason) == (code, reason)


async def test_languages_with_names_targets_and_tasks():
    reply = await ask(
        "ListLanguages", model_service_pb2.ListLanguagesRequest(display_language_code="pt", page_size=1000)
    )
    named = {language.language_code: language for language in reply.languages}
    english, portuguese = named["en"], named["pt"]
    assert (english.language_code, english.display_name, english.native_name) == ("en", "inglês", "English")
    assert english.target_language_codes == ["pt"]
    assert not portuguese.right_to_left
    assert portuguese.tasks == [
        model_service_pb2.TASK_TRANSLATE,
        model_service_pb2.TASK_SUMMARISE,
        model_service_pb2.TASK_DETECT_LANGUAGE,
    ]


async def test_every_language_that_is_told_of_a_text_is_summarised_whatever_the_models_read():
    request = model_service_pb2.ListLanguagesRequest(task="TASK_SUMMARISE", page_size=1000)
    languages = {language.language_code: language for language in (await ask("ListLanguages", request)).languages}
    assert {"de", "ru", "my", "th", "zh", "en", "pt"} <= set(languages)
    assert languages["ar"].right_to_left
    assert not languages["de"].target_language_codes
    assert model_service_pb2.TASK_TRANSLATE not in languages["de"].tasks
    request = model_service_pb2.ListLanguagesRequest(task="TASK_TRANSLATE")
    assert [each.language_code for each in (await ask("ListLanguages", request)).languages] == ["en", "pt"]


async def test_languages_are_named_in_english_by_default_and_paged():
    reply = await ask("ListLanguages", model_service_pb2.ListLanguagesRequest(page_size=1, task=1))
    assert [language.display_name for language in reply.languages] == ["English"]
    assert reply.next_page_token


async def test_tokens_are_counted_text_by_text():
    reply = await ask(
        "CountTokens", model_service_pb2.CountTokensRequest(contents=["one two", "", "one"], model="models/en-pt")
    )
    assert (reply.token_counts, reply.max_input_tokens) == ([2, 0, 1], 64)


@pytest.mark.parametrize(("fields", "field"), [({"contents": ["a"]}, "model"), ({"model": "models/en-pt"}, "contents")])
async def test_counting_needs_texts_and_a_model(fields, field):
    failure = await refused("CountTokens", model_service_pb2.CountTokensRequest(**fields))
    assert (failure.reason, failure.field) == ("FIELD_INVALID", field)


async def test_the_server_tells_its_version_its_limits_and_its_load():
    reply = await ask("GetServerInfo", model_service_pb2.GetServerInfoRequest(), queued=3, limits=Limits(words=7))
    limits = {limit.name: limit.value for limit in reply.limits}
    assert reply.version == __version__
    assert limits == dict(Limits(words=7).named())
    assert (reply.queued_request_count, reply.active_request_count) == (3, 1)


@pytest.mark.parametrize("method", ["LoadModel", "UnloadModel", "ReloadConfiguration"])
async def test_administration_is_off(method):
    async with serving(EchoEngine()) as service:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await getattr(service.admin, method)(getattr(model_service_pb2, f"{method}Request")())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert method in caught.value.details()
