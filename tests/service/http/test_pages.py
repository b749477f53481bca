"""The page for browsers as it is served. What it does in one is tested in `tests/web`."""

import re

from polygist.v1.common_pb2 import WarningCode
from polygist_service.http import pages

from tests.service.echo import EchoEngine
from tests.service.http.doors import opened

FILES = {path.name: path.read_text("utf-8") for path in pages.FOLDER.iterdir()}
MODULES = {name: text for name, text in FILES.items() if name.endswith(".js")}
MOST_BYTES = 150_000


def read_words(name: str) -> dict[str, str]:
    return dict(re.findall(r'^  "([^"]+)": "((?:[^"\\]|\\.)*)",?$', FILES[name], re.MULTILINE))


async def test_the_page_and_its_files_are_served_with_their_types_and_a_strict_policy():
    async with opened(EchoEngine()) as doors:
        for path, name in [("/", "index.html"), *((f"/assets/{name}", name) for name in FILES)]:
            answer = await doors.http.get(path)
            assert (answer.status_code, answer.text) == (200, FILES[name])
            assert answer.headers["content-type"] == pages.MEDIA_TYPES[f".{name.rpartition('.')[2]}"]
            assert answer.headers["content-encoding"] == "gzip"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; ")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_browser_that_has_a_file_is_not_sent_it_again():
    async with opened(EchoEngine()) as doors:
        first = await doors.http.get("/assets/page.css", headers={"accept-encoding": "identity"})
        again = await doors.http.get("/assets/page.css", headers={"if-none-match": first.headers["etag"]})
    assert first.text == FILES["page.css"]
    assert "content-encoding" not in first.headers
    assert (again.status_code, again.content) == (304, b"")


async def test_nothing_else_is_served():
    async with opened(EchoEngine()) as doors:
        for path in (
            "/assets/",
            "/assets/none.js",
            "/assets/../pages.py",
            "/assets/%2e%2e/pages.py",
            "/assets/..%2fpages.py",
            "/assets/..%5cpages.py",
            "/assets//etc/passwd",
            "/assets/page.css%00.html",
            "/assets/page.css/",
            "/index.html",
        ):
            answer = await doors.http.get(path)
            assert (path, answer.status_code) == (path, 404)
            assert answer.json()["error"]["status"] == "NOT_FOUND"


async def test_the_page_is_only_read():
    async with opened(EchoEngine()) as doors:
        assert (await doors.http.head("/")).status_code == 200
        assert (await doors.http.post("/", content=b"")).status_code == 405


def test_the_page_is_small():
    assert sum(len(text.encode()) for text in FILES.values()) < MOST_BYTES


def test_no_file_is_left_out():
    assert set(pages.read_files(pages.FOLDER)) == FILES.keys()


def test_markup_has_no_script_style_or_handler_of_its_own_and_nothing_from_elsewhere():
    markup = FILES["index.html"]
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", markup) == []
    for name, text in FILES.items():
        assert re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w-]+\.\w+", text) == [], name


def test_text_never_becomes_markup_or_code():
    for name, text in MODULES.items():
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc"
        assert re.findall(forbidden, text) == [], name


def test_nothing_is_stored():
    for name, text in MODULES.items():
        assert re.findall(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.", text) == [], name


def test_modules_import_what_is_there():
    for name, text in MODULES.items():
        for imported in re.findall(r'from "\./([^"]+)"', text):
            assert imported in MODULES, f"{name} imports {imported}"


def test_modules_are_asked_for_at_once_not_one_after_the_other():
    preloaded = re.findall(r'<link rel="modulepreload" href="assets/([^"]+)">', FILES["index.html"])
    assert sorted([*preloaded, "first_words.js", "main.js"]) == sorted(MODULES)


def test_both_languages_have_the_same_words_and_places_for_values():
    english, portuguese = read_words("words_en.js"), read_words("words_pt.js")
    assert len(english) > 100
    assert english.keys() == portuguese.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", portuguese[key])), key


def test_words_that_the_page_names_are_there_and_all_are_named():
    english = read_words("words_en.js")
    markup = set(re.findall(r'data-words[a-z-]*="([^"]+)"', FILES["index.html"]))
    code = "\n".join(text for name, text in MODULES.items() if not name.startswith("words_"))
    assert markup <= english.keys()
    made_up = re.compile(r"(warnings?|failed|server|working|count|options\.changed|rests|finished)\.")
    unnamed = {key for key in english if key not in markup and f'"{key}"' not in code and not made_up.match(key)}
    assert unnamed == set()


def test_warnings_have_titles():
    english = read_words("words_en.js")
    codes = [name.removeprefix("WARNING_CODE_") for name in WarningCode.DESCRIPTOR.values_by_name]
    assert {f"warning.{code}" for code in codes if code != "UNSPECIFIED"} <= english.keys()
