"""``translate --stream``: segments as they come."""

import json
from pathlib import Path

import grpc
import pytest

from tests.client.conftest import Polygist
from tests.fakes.server import Failing, Fake

STREAM = ["translate", "-t", "pt", "--stream"]


def test_segments_are_printed_as_they_come_and_make_the_translation(polygist: Polygist, fake: Fake, tmp_path: Path):
    (tmp_path / "a.txt").write_text("One day.\n\nAnother day.\n")
    (tmp_path / "b.txt").write_text("The end.")
    outcome = polygist(*STREAM, tmp_path / "a.txt", tmp_path / "b.txt", "--text", "")
    assert (outcome.code, outcome.out) == (0, "ONE DAY.\n\nANOTHER DAY.\nTHE END.\n\n")
    assert len(fake.requests("StreamTranslate")) == 3


@pytest.mark.parametrize("text", ["One day.", "One day.\n", "One day.\n\n"])
@pytest.mark.parametrize("flags", [[], ["--scores", "--segments", "--alternatives", "1"], ["-v"], ["-s", "en"]])
def test_what_is_said_is_what_is_said_without_streaming(polygist: Polygist, text: str, flags: list[str]):
    streamed = polygist(*STREAM, "--text", text, *flags)
    whole = polygist("translate", "-t", "pt", "--text", text, *flags)
    assert (streamed.out, streamed.err) == (whole.out, whole.err)


def test_events_are_lines_of_json(polygist: Polygist):
    outcome = polygist(*STREAM, "--jsonl", "--text", "One day.")
    events = [json.loads(line) for line in outcome.out.splitlines()]
    assert {event["id"] for event in events} == {"text-1"}
    assert "".join(event.get("textDelta", "") for event in events) == "ONE DAY."
    assert "usage" in events[-1]


def test_one_of_several_may_fail(polygist: Polygist, fake: Fake):
    fake.script("StreamTranslate", Failing(grpc.StatusCode.INTERNAL, "broken", reason="INFERENCE_FAILED"))
    outcome = polygist(*STREAM, "--text", "a", "--text", "b")
    assert (outcome.code, outcome.out) == (3, "B\n")
    assert "error: text-1: broken" in outcome.err
