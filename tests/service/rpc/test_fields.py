"""No field of a request is ignored: setting it changes the answer or is refused by name."""

from base64 import b64encode
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.json_format import MessageToDict, ParseDict
from polygist.v1 import model_service_pb2, summarisation_service_pb2, translation_service_pb2

from tests.service.echo import EN_PT, ENCODER, PT_EN, EchoEngine, pair
from tests.service.harness import read_failure, serving
from tests.service.rpc.test_summarise import ARTICLE

ENGLISH = "The committee will meet on Thursday.\nThe * old town is far, far away."
UNREAD = "Ça va bien, merci beaucoup mes chers amis."


def encode(text: str) -> str:
    """A file of a text, as JSON has it."""
    return b64encode(text.encode()).decode()


def as_file(request: dict) -> dict:
    """The same of a file as of its only content."""
    (content,) = request["contents"]
    return {"document": encode(content), "config": {key: value for key, value in request.items() if key != "contents"}}


# What each request starts from, and for each of its fields the value that is set on top of it.
TRANSLATE = (
    {"contents": [ENGLISH], "targetLanguageCode": "pt"},
    {
        "contents": ["Another text, with other words in it."],
        "target_language_code": "en",
        "source_language_code": "en",
        "mime_type": "text/html",
        "model": "models/pt-en",
        "glossary_config": {"glossary": "glossaries/a"},
        "do_not_translate_phrases": ["Old town"],
        "placeholder_syntaxes": ["PLACEHOLDER_SYNTAX_BRACES"],
        "sentence_splitting": "SENTENCE_SPLITTING_NONE",
        "performance_preference": "PERFORMANCE_PREFERENCE_SPEED",
        "decoding_config.beam_size": 3,
        "decoding_config.max_output_tokens": 2,
        "alternative_count": 1,
        "output_config.include_score": True,
        "output_config.include_segments": True,
        "output_config.include_alignment": True,
        "output_config.encoding_type": "ENCODING_TYPE_UTF8",
        "pivot_policy": "PIVOT_POLICY_DIRECT_ONLY",
        "candidate_language_codes": ["pt"],
    },
)
SUMMARISE = (
    {"contents": [ARTICLE]},
    {
        "contents": [ENGLISH],
        "mime_type": "text/markdown",
        "source_language_code": "en",
        "target_language_code": "pt",
        "method": "SUMMARY_METHOD_ABSTRACTIVE",
        "type": "SUMMARY_TYPE_KEY_POINTS",
        "length": "SUMMARY_LENGTH_SHORT",
        "max_sentence_count": 1,
        "max_word_count": 20,
        "query": ARTICLE.splitlines()[-1],
        "sentence_order": "SENTENCE_ORDER_RANK",
        "output_mime_type": "text/markdown",
        "sentence_splitting": "SENTENCE_SPLITTING_NONE",
        "document.content": encode(ENGLISH),
        "document.mime_type": "text/plain",
        "document.name": "a.html",
        "output_config.include_source_text": True,
        "model": "models/none",
        "performance_preference": "PERFORMANCE_PREFERENCE_QUALITY",
        "decoding_config.beam_size": 2,
        "decoding_config.max_output_tokens": 9,
        "output_config.include_sentences": True,
        "output_config.include_citations": True,
        "output_config.encoding_type": "ENCODING_TYPE_UTF16",
        "glossary_config": {"ignoreCase": True},
        "do_not_translate_phrases": ["river"],
        "placeholder_syntaxes": ["PLACEHOLDER_SYNTAX_BRACES"],
        "pivot_policy": "PIVOT_POLICY_DIRECT_ONLY",
        "candidate_language_codes": ["pt"],
    },
)
DETECT = (
    {"contents": [ENGLISH]},
    {
        "contents": [UNREAD],
        "mime_type": "text/html",
        "max_candidate_count": 1,
        "candidate_language_codes": ["pt"],
    },
)
LIST_MODELS = {}, {"page_size": 1, "page_token": "MQ==", "task": "TASK_SUMMARISE"}
GET_MODEL = {"name": "models/en-pt"}, {"name": "models/pt-en"}
LIST_LANGUAGES = (
    {},
    {
        "page_size": 1,
        "page_token": "MQ==",
        "display_language_code": "pt",
        "task": "TASK_TRANSLATE",
    },
)
# In which tags are words, where they are not taken for tags.
PAGE = "<div class=anything>The town council met.</div>"
COUNT_TOKENS = (
    {"contents": [ENGLISH], "model": "models/en-pt"},
    {
        "contents": ["one"],
        "model": "models/none",
        "mime_type": "text/html",
    },
)

TRANSLATE_DOCUMENT = (
    as_file(TRANSLATE[0]),
    {
        **{f"config.{path}": value for path, value in TRANSLATE[1].items()},
        "document": encode("Another town."),
        "mime_type": "text/html",
        "name": "a.html",
        "include_text": True,
        "catalogue_config.mark_fuzzy": True,
        "catalogue_config.retranslate": True,
    },
)

REQUESTS = {
    "translation.Translate": (translation_service_pb2.TranslateRequest, *TRANSLATE),
    "translation.TranslateDocument": (translation_service_pb2.TranslateDocumentRequest, *TRANSLATE_DOCUMENT),
    "translation.DetectLanguage": (translation_service_pb2.DetectLanguageRequest, *DETECT),
    "summarisation.Summarise": (summarisation_service_pb2.SummariseRequest, *SUMMARISE),
    "models.ListModels": (model_service_pb2.ListModelsRequest, *LIST_MODELS),
    "models.GetModel": (model_service_pb2.GetModelRequest, *GET_MODEL),
    "models.ListLanguages": (model_service_pb2.ListLanguagesRequest, *LIST_LANGUAGES),
    "models.CountTokens": (model_service_pb2.CountTokensRequest, *COUNT_TOKENS),
    "models.GetServerInfo": (model_service_pb2.GetServerInfoRequest, {}, {}),
}
# These need company: spans to be measured in other units, marks to be escaped, something that is decoded or pivoted.
COMPANY = {
    ("models.CountTokens", "mime_type"): {"contents": [PAGE]},
    ("translation.Translate", "mime_type"): {"contents": [PAGE]},
    ("translation.DetectLanguage", "mime_type"): {"contents": [PAGE]},
    ("summarisation.Summarise", "mime_type"): {"contents": [ARTICLE.replace("the", "**the**")]},
    ("summarisation.Summarise", "output_config.encoding_type"): {
        "contents": [f"\U0001f600\U0001f600 {ARTICLE}"],
        "outputConfig": {"includeCitations": True},
    },
    ("summarisation.Summarise", "output_mime_type"): {"type": "SUMMARY_TYPE_KEY_POINTS"},
    ("summarisation.Summarise", "sentence_order"): {
        "contents": [f"A ferry to the town.\nThis here now as well as it was before.\n{ARTICLE}\n{ARTICLE}"],
        "query": ARTICLE.splitlines()[-1],
    },
    ("summarisation.Summarise", "query"): {"maxSentenceCount": 1},
    ("summarisation.Summarise", "sentence_splitting"): {"maxSentenceCount": 1},
    ("summarisation.Summarise", "document.content"): {"contents": [], "document": {"content": encode(ARTICLE)}},
    ("summarisation.Summarise", "document.mime_type"): {
        "contents": [],
        "document": {"content": encode(PAGE), "name": "a.html"},
    },
    ("summarisation.Summarise", "document.name"): {"contents": [], "document": {"content": encode(PAGE)}},
    ("translation.TranslateDocument", "mime_type"): {"document": encode(PAGE)},
    ("translation.TranslateDocument", "name"): {"document": encode(PAGE)},
    ("translation.Translate", "do_not_translate_phrases"): {"contents": ["Old town."]},
    ("translation.Translate", "placeholder_syntaxes"): {"contents": ["{town}."]},
    ("translation.Translate", "pivot_policy"): {"sourceLanguageCode": "de"},
    ("translation.Translate", "output_config.encoding_type"): {
        "contents": ["\U0001f600 The committee will meet on Thursday."],
        "outputConfig": {"includeSegments": True},
    },
}


for (rpc, path), company in [*COMPANY.items()]:
    if rpc == "translation.Translate" and path != "mime_type":
        COMPANY["translation.TranslateDocument", f"config.{path}"] = as_file(TRANSLATE[0] | company)


def paths(descriptor: Descriptor, prefix: str = "") -> Iterator[str]:
    """Every field of a request, by dotted path; a message of its own kind that is refused whole counts as one."""
    for field in descriptor.fields:
        path = f"{prefix}{field.name}"
        if field.message_type is not None and not field.is_repeated and field.name != "glossary_config":
            yield from paths(field.message_type, f"{path}.")
        else:
            yield path


CASES = [(rpc, path) for rpc, (request, _, values) in REQUESTS.items() for path in paths(request.DESCRIPTOR)]


@pytest.mark.parametrize("rpc", list(REQUESTS))
def test_every_field_has_a_value_here(rpc):
    request, _, values = REQUESTS[rpc]
    assert set(values) == set(paths(request.DESCRIPTOR))


def set_path(base: dict, path: str, value: object) -> dict:
    *parents, name = path.split(".")
    message = base
    for parent in parents:
        message = message.setdefault(parent, {})
    message[name] = value
    return base


def build(request_type, base, path=None, value=None):
    message = ParseDict(base, request_type())
    if path is not None:
        ParseDict(set_path({}, path, value), message) if "." in path else _overwrite(message, path, value)
    return message


def _overwrite(message, path, value):
    message.ClearField(path)
    ParseDict({path: value}, message)


async def answer(service, rpc, request):
    """The reply as a dictionary, or the field or resource that it was refused for."""
    stub, method = rpc.split(".")
    try:
        return MessageToDict(await getattr(getattr(service, stub), method)(request))
    except grpc.aio.AioRpcError as error:
        failure = read_failure(error)
        assert failure.code in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"), failure
        return failure


@pytest.mark.parametrize(("rpc", "path"), CASES, ids=[".".join(case) for case in CASES])
async def test_a_set_field_changes_the_answer_or_is_refused_by_name(rpc, path):
    request_type, base, values = REQUESTS[rpc]
    base = base | COMPANY.get((rpc, path), {})
    async with serving(EchoEngine(pair("de", "en"), EN_PT, ENCODER, PT_EN)) as service:
        plain = await answer(service, rpc, build(request_type, base))
        changed = await answer(service, rpc, build(request_type, base, path, values[path]))
    assert isinstance(plain, dict), plain
    assert changed != plain
    if not isinstance(changed, dict) and changed.code == "INVALID_ARGUMENT":
        assert changed.field in (path, path.partition(".")[0])
