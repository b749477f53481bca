"""From gRPC statuses to exceptions."""

import grpc
import pytest
from polygist_client import (
    CallFailed,
    Cancelled,
    Client,
    DeadlineExceeded,
    FieldViolation,
    MessageTooLarge,
    PolygistError,
    Unavailable,
    Unimplemented,
    errors,
)  # fmt: skip
from polygist_client.error_mapping import BY_CODE, BY_REASON

from tests.fakes.server import Failing, Fake, serving

PARENTS = {
    "INVALID_ARGUMENT": ["FIELD_INVALID", "FIELD_UNSUPPORTED", "MIME_TYPE_UNSUPPORTED", "REQUEST_TOO_LARGE"],
    "FAILED_PRECONDITION": ["LANGUAGE_PAIR_UNSUPPORTED", "LANGUAGE_UNDETERMINED", "CAPABILITY_UNSUPPORTED"],
    "NOT_FOUND": ["MODEL_NOT_FOUND", "GLOSSARY_NOT_FOUND"],
    "UNAUTHENTICATED": ["API_KEY_MISSING", "API_KEY_INVALID"],
    "PERMISSION_DENIED": ["SCOPE_MISSING"],
    "RESOURCE_EXHAUSTED": ["QUOTA_EXCEEDED"],
    "UNAVAILABLE": ["SERVER_OVERLOADED", "MODEL_LOADING", "SERVER_DRAINING"],
    "DEADLINE_EXCEEDED": ["DEADLINE_EXCEEDED"],
    "INTERNAL": ["INFERENCE_FAILED", "INTERNAL"],
}
TABLE = [(code, reason) for code, reasons in PARENTS.items() for reason in reasons]


@pytest.mark.parametrize(("code", "reason"), TABLE)
def test_status_and_reason_make_the_class(client: Client, fake: Fake, code: str, reason: str):
    status = grpc.StatusCode[code]
    answer = Failing(status, "what happened", reason=reason, metadata={"a": "b"}, retry_after=0.25, fields=("to",))
    fake.script("Translate", *[answer] * 3)
    with pytest.raises(CallFailed) as caught:
        client.translate("a", to="pt", request_id="r-9")
    error = caught.value
    assert type(error) is BY_REASON.get(reason, BY_CODE[code])
    assert isinstance(error, BY_CODE[code])
    assert (str(error), error.code, error.reason, error.metadata) == ("what happened", code, reason, {"a": "b"})
    assert (error.retry_after, error.request_id) == (0.25, "r-9")
    assert error.field_violations == (FieldViolation("to", "bad"),)


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_every_status_is_an_error_of_ours(client: Client, fake: Fake, code: grpc.StatusCode):
    fake.script("Translate", *[Failing(code, "plain")] * 3)
    with pytest.raises(CallFailed) as caught:
        client.translate("a", to="pt")
    assert type(caught.value) is BY_CODE.get(code.name, CallFailed)
    assert (str(caught.value), caught.value.reason) == ("plain", "")


def test_an_unknown_reason_falls_back_to_the_status(client: Client, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.NOT_FOUND, reason="NEW_REASON"))
    with pytest.raises(errors.NotFound) as caught:
        client.translate("a", to="pt")
    assert (type(caught.value), caught.value.reason) == (errors.NotFound, "NEW_REASON")


def test_a_reason_never_contradicts_the_status(client: Client, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.NOT_FOUND, reason="QUOTA_EXCEEDED"))
    with pytest.raises(errors.NotFound):
        client.translate("a", to="pt")


def test_details_that_cannot_be_read_are_left_out(client: Client, fake: Fake):
    fake.script("Translate", Failing(grpc.StatusCode.NOT_FOUND, trailer=(("grpc-status-details-bin", b"\xff\xff"),)))
    with pytest.raises(errors.NotFound, match="it failed"):
        client.translate("a", to="pt")


def test_pushback_says_when_to_try_again(client: Client, fake: Fake):
    fake.script("Translate", *[Failing(grpc.StatusCode.UNAVAILABLE, trailer=(("grpc-retry-pushback-ms", "20"),))] * 3)
    with pytest.raises(Unavailable) as caught:
        client.translate("a", to="pt")
    assert caught.value.retry_after == 0.02


def test_a_message_that_is_too_large_gets_a_hint():
    options = {"grpc.max_receive_message_length": 1000}
    hint = r"at most 1000 are allowed.*translate_many"
    with (
        serving(Fake(), **options) as fake,
        Client(fake.address) as client,
        pytest.raises(MessageTooLarge, match=hint),
    ):
        client.translate("a" * 2000, to="pt")


def test_a_server_that_lacks_the_call_is_told():
    with (
        serving(Fake(), with_health=False) as fake,
        Client(fake.address) as client,
        pytest.raises(Unimplemented, match=f"{fake.address} does not offer this call"),
    ):
        client.health()


def test_a_deadline_that_passes_says_how_long_it_was(client: Client, fake: Fake):
    fake.health.set("", 2)
    with pytest.raises(DeadlineExceeded, match=r"within 0\.2 s"):
        client.translate("a", to="pt", wait_for_ready=True, timeout=0.2)


def test_a_call_that_stays_cancelled_fails(client: Client, fake: Fake):
    fake.script("Translate", *[Failing(grpc.StatusCode.CANCELLED)] * 2)
    with pytest.raises(Cancelled):
        client.translate("a", to="pt")


@pytest.mark.parametrize(
    ("code", "details", "kind", "cure"),
    [
        (
            "UNAVAILABLE",
            "Stream removed (RST_STREAM (Received RST_STREAM with error code 7))",
            errors.ServerOverloaded,
            "fewer at the same time",
        ),
        ("UNAVAILABLE", "keepalive timeout", errors.ServerUnreachable, "no longer answers"),
        ("CANCELLED", "CANCELLED", Cancelled, "try again, with fewer"),
        ("CANCELLED", "", Cancelled, "try again, with fewer"),
    ],
)
def test_what_grpc_refuses_in_place_of_a_server_has_a_cure(
    client: Client, fake: Fake, code: str, details: str, kind: type[CallFailed], cure: str
):
    fake.script("Translate", *[Failing(grpc.StatusCode[code], details)] * 3)
    with pytest.raises(CallFailed, match=cure) as caught:
        client.translate("a", to="pt")
    assert type(caught.value) is kind
    assert fake.address in str(caught.value)


def test_the_tree_of_the_docstring_is_the_tree_of_the_classes():
    def draw(kind: type, depth: int = 0) -> list[tuple[int, str]]:
        below = [line for each in kind.__subclasses__() for line in draw(each, depth + 1)]
        return [(depth, kind.__name__), *below]

    lines = [
        line for line in (errors.__doc__ or "").splitlines() if line.startswith(("Polygist", "├", "└", "│", "    "))
    ]
    drawn = {(_depth(line), line.lstrip("│├└─ ").split()[0]) for line in lines}
    assert drawn == set(draw(PolygistError))


def _depth(line: str) -> int:
    return (len(line) - len(line.lstrip("│├└─ "))) // 4
