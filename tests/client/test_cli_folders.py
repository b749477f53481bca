"""Folders and many files on the command line."""

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from polygist.v1 import common_pb2

from tests.client.conftest import Polygist, sent
from tests.fakes.server import Failing, Fake, summarise

TRANSLATE = ["translate", "-s", "en", "-t", "pt"]


def write_files(folder: Path, **texts: str) -> None:
    """Write files; two underscores in a name are a slash, one is a dot."""
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_mirrored(polygist: Polygist, tmp_path: Path):
    write_files(tmp_path, in__x_txt="x", in__b__y_txt="y", in__b__c__z_text="z", in__B__y_txt="w", other_txt="o")
    outcome = polygist(*TRANSLATE, tmp_path / "in", tmp_path / "other.txt", "-o", f"{tmp_path}/out/")
    assert (outcome.code, outcome.err) == (0, "note: 5 done\n")
    assert found_in(tmp_path / "out") == {
        "x.pt.txt": "X", "b/y.pt.txt": "Y", "b/c/z.pt.text": "Z", "B/y.pt.txt": "W", "other.pt.txt": "O",
    }  # fmt: skip


def test_files_of_a_folder_are_read_in_the_order_of_their_names(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, c_txt="c", a__z_txt="az", b_txt="b", a__b_txt="ab", _hidden="h", _git__x="g")
    outcome = polygist(*TRANSLATE, tmp_path, "--jsonl")
    ids = [json.loads(line)["id"] for line in outcome.out.splitlines()]
    assert ids == [f"{tmp_path}/{name}" for name in ("a/b.txt", "a/z.txt", "b.txt", "c.txt")]
    assert sent(fake) == ["ab", "az", "b", "c"]


def test_results_in_the_folder_that_is_read_are_no_inputs(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, x_txt="x", b__y_txt="y")
    for _ in range(2):
        assert polygist(*TRANSLATE, tmp_path, "-o", f"{tmp_path}/b/out/").code == 0
    assert sorted(sent(fake)) == ["x", "x", "y", "y"]
    assert sorted(found_in(tmp_path)) == ["b/out/b/y.pt.txt", "b/out/x.pt.txt", "b/y.txt", "x.txt"]


def test_the_file_of_results_in_the_folder_that_is_read_is_no_input(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, a_txt="a", b_txt="b")
    fake.batching.errors["b"] = (grpc.StatusCode.INTERNAL, "")
    for _ in range(2):
        assert polygist(*TRANSLATE, tmp_path, "--jsonl", "-o", tmp_path / "c.jsonl").code == 3
        assert sorted(found_in(tmp_path)) == ["a.txt", "b.txt", "c.jsonl", "c.jsonl.partial.jsonl"]
    assert sorted(sent(fake)) == ["a", "a", "b", "b"]


def test_links_that_lead_back_do_not_hang(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, in__x_txt="x", in__b__y_txt="y", elsewhere_txt="e")
    (tmp_path / "in" / "b" / "up").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self").symlink_to("self")
    (tmp_path / "in" / "file").symlink_to(tmp_path / "elsewhere.txt")
    os.mkfifo(tmp_path / "in" / "pipe")
    assert polygist(*TRANSLATE, tmp_path / "in", "-o", f"{tmp_path}/out/").code == 0
    assert sorted(found_in(tmp_path / "out")) == ["b/y.pt.txt", "file.pt", "x.pt.txt"]


def test_a_file_that_is_no_text_fails_alone(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, in__a_txt="a", in__c_txt="c", in__d_txt="fails")
    (tmp_path / "in" / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    fake.batching.errors["fails"] = (grpc.StatusCode.INTERNAL, "INFERENCE_FAILED")
    outcome = polygist(*TRANSLATE, tmp_path / "in", "-o", f"{tmp_path}/out/")
    assert outcome.code == 3
    assert sorted(found_in(tmp_path / "out")) == ["a.pt.txt", "c.pt.txt"]
    errors = sorted(line for line in outcome.err.splitlines() if line.startswith("error"))
    assert errors[0].startswith(f"error: {tmp_path}/in/b.png: is an image, no text")
    assert errors[1] == f"error: {tmp_path}/in/d.txt: fails failed"
    assert outcome.err.splitlines()[-1] == "note: 2 done, 2 failed"
    shown = [json.loads(line) for line in polygist(*TRANSLATE, tmp_path / "in", "--jsonl").out.splitlines()]
    assert [(Path(each["id"]).name, each.get("translatedText")) for each in shown] == [
        ("a.txt", "A"), ("b.png", None), ("c.txt", "C"), ("d.txt", None),
    ]  # fmt: skip
    assert shown[3]["error"] == {"code": "INTERNAL", "reason": "INFERENCE_FAILED", "message": "fails failed"}
    assert shown[1]["error"]["reason"] == "RECORD_INVALID"
    assert shown[1]["error"]["message"].startswith("is an image")


def test_a_folder_of_records_is_mirrored(polygist: Polygist, tmp_path: Path):
    write_files(tmp_path, in__a_jsonl='{"body": "a"}\n', in__b__c_jsonl='{"body": "c"}\n')
    flags = ["--format", "jsonl", "--field", "body"]
    assert polygist(*TRANSLATE, tmp_path / "in", *flags, "-o", f"{tmp_path}/out/").code == 0
    assert found_in(tmp_path / "out") == {
        "a.pt.jsonl": '{"body": "a", "body_pt": "A"}\n', "b/c.pt.jsonl": '{"body": "c", "body_pt": "C"}\n',
    }  # fmt: skip


def test_a_file_of_records_that_cannot_be_read_leaves_no_folder_behind(polygist: Polygist, tmp_path: Path):
    write_files(tmp_path, in__a_csv="id\n1\n", in__b__c__d_csv="id\n1\n", in__e__f_csv="title\nRain\n")
    arguments = [*TRANSLATE, tmp_path / "in", "--format", "csv", "--field", "title", "-o", f"{tmp_path}/out/"]
    assert polygist(*arguments).code == 3
    assert [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")] == ["e", "e/f.pt.csv"]


def test_a_folder_goes_on_where_it_stopped(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, in__a_txt="a", in__b__c_txt="c", in__b__d_txt="d")
    fake.batching.errors["c"] = (grpc.StatusCode.INTERNAL, "")
    arguments = [*TRANSLATE, tmp_path / "in", "-o", f"{tmp_path}/out/", "--resume"]
    assert polygist(*arguments).code == 3
    fake.batching.errors.clear()
    fake.asked.clear()
    assert polygist(*arguments).code == 0
    assert sent(fake) == ["c"]


def test_summaries_of_a_folder_isolate_the_one_that_fails(polygist: Polygist, fake: Fake, tmp_path: Path):
    write_files(tmp_path, **{f"in__{letter}_txt": f"{letter}\nrest" for letter in "abc"})
    outcome = polygist("summarise", tmp_path / "in", "-o", f"{tmp_path}/out/")
    assert outcome.code == 0
    assert found_in(tmp_path / "out") == {f"{letter}.summary.txt": letter for letter in "abc"}


def test_what_all_articles_of_a_language_have_is_said_once(polygist: Polygist, fake: Fake, tmp_path: Path):
    def answer(request: Any) -> Any:
        reply = summarise(request)
        for summary, text in zip(reply.summaries, request.contents, strict=True):
            language = text.partition(" ")[0]
            summary.warnings.add(code=common_pb2.WARNING_CODE_METHOD_FALLBACK, message=f"no encoder covers {language}")
            summary.warnings.add(code=common_pb2.WARNING_CODE_NUMBER_CHANGED, message="a number")
        return reply

    fake.rules["Summarise"] = answer
    write_files(tmp_path, in__a_txt="de a", in__b_txt="de b", in__c_txt="ru c", in__d_txt="de d")
    outcome = polygist("summarise", tmp_path / "in", "-o", f"{tmp_path}/out/")
    said = [line for line in outcome.err.splitlines() if "[method-fallback]" in line]
    assert [line.rpartition("covers ")[2] for line in said] == ["de [method-fallback]", "ru [method-fallback]"]
    assert outcome.err.count("[number-changed]") == 4  # which is about one article each
    assert outcome.err.endswith("note: 4 done, 4 by another method, 4 with numbers changed\n")


def test_an_empty_folder_is_told(polygist: Polygist, tmp_path: Path):
    outcome = polygist(*TRANSLATE, tmp_path, "--jsonl")
    assert (outcome.code, outcome.err) == (
        2, f"error: {tmp_path}: has no files; those whose name begins with a dot are left out\n",
    )  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_told(polygist: Polygist, tmp_path: Path):
    (tmp_path / "closed").mkdir(mode=0)
    outcome = polygist(*TRANSLATE, tmp_path, "--jsonl")
    assert (outcome.code, outcome.err) == (2, f"error: {tmp_path}/closed: Permission denied\n")


def test_a_result_that_does_not_come_leaves_no_folder_behind(polygist: Polygist, fake: Fake, tmp_path: Path):
    fake.script("Translate", Failing(grpc.StatusCode.UNAUTHENTICATED, "no"))
    assert polygist(*TRANSLATE, "--text", "a", "-o", tmp_path / "new" / "more" / "a.txt").code == 6
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_fails_alone(polygist: Polygist, tmp_path: Path):
    write_files(tmp_path, in__a_txt="a", in__b_txt="b")
    (tmp_path / "out" / "a.pt.txt").mkdir(parents=True)
    outcome = polygist(*TRANSLATE, tmp_path / "in", "-o", f"{tmp_path}/out/")
    assert (outcome.code, outcome.err.splitlines()) == (
        3, [f"error: {tmp_path}/in/a.txt: {tmp_path}/out/a.pt.txt: Is a directory", "note: 1 done, 1 failed"],
    )  # fmt: skip
    assert found_in(tmp_path / "out") == {"b.pt.txt": "B"}
