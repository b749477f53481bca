"""LibreTranslate's own tests, and programs that speak its API, unchanged; all are fetched when this runs."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from polygist_service.store.catalogue.pull_options import PullOptions
from polygist_service.store.store import Store

from tests.interop.conftest import ROOT, fetch_wheel, install_npm_package, install_packages, serving_http

pytestmark = pytest.mark.outside

LIBRETRANSLATE = "libretranslate==1.9.6"
WEBLATE = "weblate==5.14.3"
CLIENTS = ("libretranslatepy==2.1.4", "deep-translator==1.11.4")
OTHER_CLIENT = "translate==3.8.1"  # with an older libretranslatepy
NPM_CLIENT = "libretranslate@1.0.1"


@pytest.fixture(scope="module")
def spanish_url(tmp_path_factory):
    """The URL of a server with a tiny model from English to Spanish: its random weights write nothing of sense."""
    folder = tmp_path_factory.mktemp("spanish")
    options = PullOptions(name="en-es", sources=("en",), targets=("es",))
    store = Store(folder / "home")
    store.pull([f"path:{ROOT / 'tests' / 'parity' / 'marian'}"], options=options)
    with serving_http(store.home, folder / "log") as url:
        yield url


def test_its_own_tests_of_the_api_pass(spanish_url, tmp_path):
    """But for that which installs Argos' models, and has nothing to do with the API."""
    with zipfile.ZipFile(fetch_wheel(LIBRETRANSLATE)) as wheel:
        names = [name for name in wheel.namelist() if re.fullmatch(r"libretranslate/tests/test_api/test_\w+\.py", name)]
        for name in names:
            (tmp_path / Path(name).name).write_bytes(wheel.read(name))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "--noconftest",
        "-p",
        "tests.interop.flask_client",
        "-c",
        os.devnull,
    ]
    environment = {**os.environ, "LIBRETRANSLATE_URL": spanish_url, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"=+ \d\d passed in", done.stdout)


@pytest.fixture
def run(http_url):
    """Run a program of Python that has some packages and `url`; what it prints is JSON."""

    def run_program(text: str, *packages: str) -> object:
        folder = install_packages(*(packages or CLIENTS))
        environment = {**os.environ, "PYTHONPATH": str(folder), "NO_PROXY": "127.0.0.1"}
        program = f"import json\nurl = {http_url!r}\n{text}"
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run_program


@pytest.mark.model
def test_libretranslatepy(run):
    text, detected, languages = run("""
from libretranslatepy import LibreTranslateAPI
api = LibreTranslateAPI(url)
text = "The library is old."
print(json.dumps([api.translate(text, "en", "pt"), api.detect(text), api.languages()]))
""")
    assert "biblioteca" in text
    assert detected[0]["language"] == "en"
    assert {each["code"] for each in languages} == {"en", "pt"}


@pytest.mark.model
def test_deep_translator(run):
    text, texts = run("""
from deep_translator import LibreTranslator
translator = LibreTranslator(source="en", target="pt", api_key="none", custom_url=f"{url}/")
print(json.dumps([translator.translate("The library is old."), translator.translate_batch(["A river.", "A school."])]))
""")
    assert "biblioteca" in text
    assert len(texts) == 2


@pytest.mark.model
def test_translate(run):
    text = run(
        """
from translate import Translator
translator = Translator(to_lang="pt", from_lang="autodetect", provider="libre", base_url=url, secret_access_key=None)
print(json.dumps(translator.translate("The library is old, and the children read there.")))
""",
        OTHER_CLIENT,
    )
    assert "biblioteca" in text


@pytest.mark.model
def test_the_backend_of_weblate(run, tmp_path):
    """As it stands in Weblate, on a base class of a few lines: that of Weblate needs its database."""
    with zipfile.ZipFile(fetch_wheel(WEBLATE)) as wheel:
        (tmp_path / "libretranslate.py").write_bytes(wheel.read("weblate/machinery/libretranslate.py"))
    languages, answer = run(f"""
import sys, types, importlib.util, requests

class Base:
    settings = {{"key": ""}}
    def get_api_url(self, *parts): return "/".join([url, *parts])
    def map_language_code(self, code): return code
    def request(self, method, address, **more):
        answer = requests.request(method, address, **more)
        answer.raise_for_status()
        return answer

package = types.ModuleType("machinery"); package.__path__ = []
base = types.ModuleType("machinery.base"); base.BatchMachineTranslation = Base
forms = types.ModuleType("machinery.forms"); forms.LibreTranslateMachineryForm = None
sys.modules |= {{"machinery": package, "machinery.base": base, "machinery.forms": forms}}
spec = importlib.util.spec_from_file_location("machinery.libretranslate", {str(tmp_path / "libretranslate.py")!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
backend = module.LibreTranslateTranslation()
texts = [("The library is old.", None), ("A school.", None)]
print(json.dumps([backend.download_languages(), backend.download_multiple_translations("en", "pt", texts)]))
""")
    assert languages == ["en", "pt"]
    assert "biblioteca" in answer["The library is old."][0]["text"]


@pytest.mark.model
def test_the_client_of_npm(http_url):
    program = """
const { translate } = require("libretranslate");
translate({ query: "The library is old.", source: "en", target: "pt", apiurl: process.argv[1] })
  .then((text) => console.log(JSON.stringify(text)));
"""
    command = ["node", "-e", program, http_url]
    done = subprocess.run(
        command, cwd=install_npm_package(NPM_CLIENT), capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "biblioteca" in json.loads(done.stdout)
