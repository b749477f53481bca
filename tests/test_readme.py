"""What the README shows is run: its programs against a real server, its tables against the contract."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import docx
import pytest
from polygist.v1 import summarisation_service_pb2, translation_service_pb2
from polygist_service.store.catalogue.catalogue import read_catalogue

from tests.end_to_end.server import ServerProcess, find_free_port
from tests.hub import HubStandIn

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS, HTTP_ADDRESS = "localhost:50051", "localhost:8080"
# Sections whose commands are run.
SHOWN = ("Command line", "HTML and Markdown", "Files", "Terms", "Any language")
CATALOGUE = """msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"

msgid "The library is open."
msgstr ""
"""


def section(title: str) -> str:
    """The text of one section."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(language: str, text: str = README) -> list[str]:
    """The code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def commands(title: str) -> list[str]:
    """The commands of a section's shell blocks, continued lines joined."""
    joined = "".join(blocks("sh", section(title))).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip()]


def run(command: str, address: str, folder: Path) -> str:
    """Run a shell command with our own programs first on the path, in a folder with what it reads."""
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "sentences.txt").write_text("One day.\n\nAnother day.\n")
    (folder / "articles").mkdir(exist_ok=True)
    (folder / "articles" / "one.txt").write_text("The library opens at nine in the morning.\n")
    (folder / "table.csv").write_text("id,title,body\n1,The library,The library opens at nine in the morning.\n")
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "page.html").write_text("<p>The library opens at <b>nine</b>.</p>\n")
    (folder / "site" / "notes.md").write_text("# The library\n\n- It opens at *nine*.\n")
    (folder / "pages.jsonl").write_text('{"title": "The library", "body": "<p>It opens at <b>nine</b>.</p>"}\n')
    (folder / "articles.jsonl").write_text('{"id": 1, "body": "The library opens at nine in the morning."}\n')
    (folder / "app.po").write_text(CATALOGUE)
    report = docx.Document()
    report.add_heading("The library")
    report.add_paragraph("The library opens at ").add_run("nine").bold = True
    report.add_paragraph("It has four thousand books, most of them about the sea, and a reading room for children.")
    report.add_paragraph("The council wants to close it in winter, since few people come when the days are short.")
    report.save(str(folder / "report.docx"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POLYGIST_")}
    environment |= {"POLYGIST_ADDRESS": address, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command.replace(ADDRESS, address)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


@pytest.mark.model
@pytest.mark.parametrize("command", [command for title in SHOWN for command in commands(title)])
def test_the_commands_run(command, server, tmp_path):
    shown, output = run(command, server.address, tmp_path), re.search(r" -o (\S+)", command.partition("#")[0])
    if output:
        path = tmp_path / output[1]
        files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
        shown = "".join(file.read_text(errors="replace") for file in files)
    assert shown.strip()


@pytest.mark.model
def test_the_requests_over_http_are_answered(starter_home, tmp_path):
    address = f"127.0.0.1:{find_free_port()}"
    with ServerProcess(starter_home, tmp_path / "log", "--http-listen", address) as server:
        server.wait_until_serving()
        shown = [command.replace(HTTP_ADDRESS, address) for command in commands("HTTP")]
        outputs = [run(f"set -o pipefail; {command}", "", tmp_path) for command in shown]
        (page,) = blocks("js", section("HTTP"))
        if shutil.which("node"):
            program = shlex.quote(page.replace(HTTP_ADDRESS, address))
            outputs.append(run(f"node --input-type=module -e {program}", "", tmp_path))
    assert (tmp_path / "articles" / "one.txt.pt").read_text().startswith("A biblioteca")
    told = [output for command, output in zip_longest(shown, outputs, fillvalue="") if not command.startswith("for ")]
    assert all(told)
    assert not [output for output in told if "error" in output]


@pytest.mark.model
@pytest.mark.parametrize("program", blocks("python"))
def test_the_programs_run(program, server, tmp_path):
    (tmp_path / "program.py").write_text(program.replace(ADDRESS, server.address))
    assert run("python -W error::UserWarning program.py", server.address, tmp_path).count("\n") >= 5


@pytest.mark.model
def test_the_models_are_installed_by_the_command_shown(starter_home, tmp_path):
    (command,) = [line for line in commands("Start a server") if "models pull" in line]
    output = run(f"POLYGIST_HOME={shlex.quote(str(starter_home))} {command}", "", tmp_path)
    assert output.count("already installed") == 3


def test_the_commands_about_models_run_in_their_order(tmp_path):
    """The Hub is a stand-in, its models are tiny."""
    repositories = {
        "Helsinki-NLP/opus-mt-en-de": "marian",
        "facebook/nllb-200-distilled-600M": "nllb",
        "facebook/m2m100_418M": "m2m100",
        "alirezamsh/small100": "small100",
    }
    shown = commands("Models")
    assert len(shown) == 9
    with HubStandIn() as hub:
        for name, folder in repositories.items():
            paths = (ROOT / "tests" / "parity" / folder).iterdir()
            hub.add(name, {path.name: path.read_bytes() for path in paths if path.name != "golden.jsonl"})
        settings = f"export HF_ENDPOINT={hub.url} HF_HOME={tmp_path}/hf POLYGIST_HOME={tmp_path}/home; "
        outputs = [run(settings + command, "", tmp_path) for command in shown]
    assert [output.count("installed") for output in outputs[1:5]] == [1, 1, 1, 1]
    assert "renewed" in outputs[6]
    assert outputs[7].count(": ok") == 4
    assert outputs[8].count(": 20 golden answers, ") == 4


def test_the_entry_shown_is_one_of_a_catalogue(tmp_path):
    (entry,) = blocks("toml", section("Models"))
    (tmp_path / "catalogue.toml").write_text(entry)
    assert read_catalogue(tmp_path / "catalogue.toml").entry("en-fi").role == "translation"


@pytest.mark.parametrize(
    ("rpc", "request_type"),
    [
        ("Translate", translation_service_pb2.TranslateRequest),
        ("Summarise", summarisation_service_pb2.SummariseRequest),
    ],
)
def test_the_table_names_every_field(rpc, request_type):
    (row,) = [line for line in section("What works today").splitlines() if line.startswith(f"| `{rpc}` ")]
    named = set(re.findall(r"`([a-z_]+)", row))
    assert {field.name for field in request_type.DESCRIPTOR.fields} <= named


def test_the_two_commands_are_there():
    assert [line.split("#")[0].strip() for line in blocks("sh")[0].splitlines()] == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^demo:.*\n\t", makefile, re.MULTILINE)
    assert re.search(r"^test:.*\n\t", makefile, re.MULTILINE)
