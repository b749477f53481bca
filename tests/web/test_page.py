"""What the page does, with a server that needs no models."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from polygist_service.access.access import Access
from polygist_service.access.keys import Key, changing, make_key

from tests.service.echo import EN_PT, ENCODER, EchoEngine
from tests.web.desk import Desk
from tests.web.served import serving_echo

TEXT = "The ferry is late today. Fog closed the harbour at dawn."
HEBREW = "המעבורת מאחרת היום. הערפל סגר את הנמל."
HOSTILE = """<script>window.broken = 1</script> The ferry is late. <img src=x onerror="window.broken = 1"> Fog \
closed the <b>harbour</b> at dawn. </textarea><svg onload=window.broken=1> &lt;i&gt; ]]> {{7*7}} javascript:alert(1)"""


def test_markup_in_an_article_stays_text(open_desk):
    for fragment in ("", "format=html", "format=markdown"):
        with open_desk(fragment) as desk:
            desk.paste(HOSTILE)
            for task in ("translate", "summarise"):
                desk.run(task)
                assert desk.source.evaluate("each => each.textContent") == HOSTILE
                for place in (desk.source, desk.answer(task)):
                    assert place.locator(":not(span)").count() == 0
            assert desk.page.evaluate("window.broken") is None


def test_markup_in_a_file_name_a_fragment_and_an_error_stays_text(open_desk):
    mark = "<img src=x onerror=window.broken=1>"
    with open_desk("to=<b>x</b>&ui=<i>&type=<u>&translator=<s>&text=<b>Hello there</b>, you all.") as desk:
        desk.start("translate")
        desk.expect_state("translate", "failed")
        assert desk.panel("translate").locator(".failure b").count() == 0
        desk.open(f"{mark}.bin", b"\x00\x01\x02\x03")
        desk.start("translate")
        desk.expect_state("translate", "failed")
        expect(desk.page.locator("#file-name")).to_have_text(f"{mark}.bin")
        assert desk.page.evaluate("window.broken") is None


def test_nothing_is_asked_of_another_host_and_nothing_is_stored(open_desk, echo_address):
    with open_desk() as desk:
        desk.page.click("#example")
        desk.run("summarise")
        desk.run("translate")
        assert desk.hosts == {echo_address.split("/")[2]}
        assert desk.page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert desk.context.cookies() == []
        assert "ferry" not in desk.page.url


def test_the_fragment_says_the_options_and_restores_them(open_desk):
    with open_desk() as desk:
        desk.page.click("#tab-translate")
        desk.page.select_option("#to", "pt")
        desk.set_option("keep", "Lake Orvel\nSandmoor")
        expect(desk.page.locator("#changed")).to_have_text("1")
        fragment = desk.page.url.partition("#")[2]
    with open_desk(fragment) as desk:
        expect(desk.page.locator("#tab-translate")).to_have_attribute("aria-selected", "true")
        assert desk.page.locator("#to").input_value() == "pt"
        assert desk.page.locator("[name=keep]").input_value() == "Lake Orvel\nSandmoor"


def test_a_link_that_was_asked_for_has_a_short_article_in_it(open_desk, echo_address):
    with open_desk(permissions=["clipboard-read", "clipboard-write"]) as desk:
        desk.paste(TEXT)
        desk.page.click("#link")
        expect(desk.page.locator("#link")).to_have_text("Copied")
        link = desk.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(echo_address)
    with open_desk(link.partition("#")[2]) as desk:
        assert desk.text.input_value() == TEXT
        assert "ferry" not in desk.page.url
        desk.text.fill(TEXT * 500)
        desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
        desk.page.click("#link")
        expect(desk.page.locator("#announcer")).to_have_text("Link copied, without the article")


def test_the_key_goes_with_calls_and_is_kept_nowhere(open_desk):
    with open_desk() as desk:
        desk.page.click("#more")
        desk.page.fill("#key", "pg_secret")
        with desk.page.expect_request("**/v1/models*") as asked:
            desk.page.click("#options .primary")
        assert asked.value.headers["authorization"] == "Bearer pg_secret"
        assert "secret" not in desk.page.url
        desk.page.reload()
        assert desk.page.locator("#key").input_value() == ""


def test_a_server_that_asks_for_keys_is_given_one(browser, tmp_path):
    text, digest = make_key("reader")
    with changing(tmp_path / "keys.json") as keys:
        keys["reader"] = Key(name="reader", digest=digest, scopes=("translate", "summarise"), created=datetime.now(UTC))
    with (
        serving_echo(EchoEngine(), access=Access(tmp_path / "keys.json")) as address,
        Desk(browser, address, state="key") as desk,
    ):
        expect(desk.page.locator("#server")).to_have_text("The server asks for an API key")
        expect(desk.page.locator("#from option")).to_have_text(["Detect language"])
        expect(desk.page.locator("#to option")).to_have_text(["English · auto"])
        desk.paste(TEXT)
        desk.run_to_failure("summarise")
        expect(desk.panel("summarise").locator("h3").first).to_have_text("This server asks for an API key")
        desk.panel("summarise").get_by_role("button", name="Open the options").click()
        expect(desk.page.locator("#key")).to_be_focused()
        desk.page.fill("#key", "pg_wrong")
        desk.page.click("#options .primary")
        desk.run_to_failure("summarise")
        expect(desk.panel("summarise").locator("h3").first).to_have_text("The server does not know this API key")
        desk.page.click("#more")
        desk.page.fill("#key", text)
        desk.page.click("#options .primary")
        expect(desk.page.locator("#server")).to_have_attribute("data-state", "ready")
        desk.run("summarise")


def test_a_task_is_stopped_and_what_was_written_stays(browser):
    with (
        serving_echo(EchoEngine(EN_PT, ENCODER, delay=0.3, reverses=False)) as address,
        Desk(browser, address) as desk,
    ):
        desk.paste("\n\n".join(f"The ferry {number} is late." for number in range(200)))
        desk.start("translate")
        expect(desk.answer("translate")).to_contain_text("[The ferry")
        expect(desk.page.locator("#run-translate")).to_have_text("Stop")
        desk.page.click("#run-translate")
        desk.expect_state("translate", "stopped")
        expect(desk.panel("translate").locator(".note")).to_contain_text("Stopped.")
        expect(desk.answer("translate")).to_contain_text("[The ferry")
        expect(desk.page.locator("#run-translate")).to_have_text("Translate")


def test_what_had_come_stays_where_a_server_ends_in_between(browser):
    with serving_echo(EchoEngine(EN_PT, ENCODER, delay=0.3, reverses=False)) as address:
        desk = Desk(browser, address)
        desk.paste("\n\n".join(f"The ferry {number} is late." for number in range(300)))
        desk.start("translate")
        expect(desk.answer("translate")).to_contain_text("[The ferry")
    with desk:
        desk.expect_state("translate", "failed")
        expect(desk.panel("translate").locator("h3").first).to_have_text("The connection broke off")
        expect(desk.answer("translate")).to_contain_text("[The ferry 0 is late.]")
        expect(desk.page.locator("#server")).to_have_attribute("data-state", "gone")
        expect(desk.panel("translate").locator(".copy")).to_be_enabled()
        with desk.page.expect_download() as saved:
            desk.panel("translate").locator(".download").click()
        assert saved.value.path().read_text("utf-8").startswith("[The ferry 0 is late.]")


def test_failures_say_what_to_do(open_desk):
    with open_desk("to=de&do=translate") as desk:
        failure = desk.panel("translate").locator(".failure")
        desk.paste(TEXT)
        desk.start("translate")
        desk.expect_state("translate", "failed")
        expect(failure.locator("h3")).to_have_text("No model here translates from English into German")
        failure.locator("summary").click()
        expect(failure.locator(".detail")).to_contain_text(re.compile(r"no model for en->de.*\nRequest \w+", re.DOTALL))
        desk.set_option("terms", "ferry")
        failure.get_by_role("button", name="Try again").click()
        expect(failure.locator(".advice")).to_have_text("“ferry” has no “=” between a term and its translation.")
        desk.set_option("method", "abstractive")
        desk.start("summarise")
        desk.expect_state("summarise", "failed")
        expect(desk.panel("summarise").locator("h3").first).to_have_text("No model that is installed here can do this")


def test_without_an_article_it_says_so(open_desk):
    with open_desk() as desk:
        desk.page.click("#run-summarise")
        expect(desk.page.locator("#article-note")).to_contain_text("There is no article yet")
        expect(desk.page.locator("#announcer")).to_contain_text("There is no article yet")
        expect(desk.text).to_be_focused()
        desk.paste(TEXT)
        expect(desk.page.locator("#article-note")).to_be_hidden()
        desk.run("translate")
        desk.page.click("#edit")
        desk.text.fill(" \n\n ")
        desk.start("translate")
        desk.expect_state("translate", "empty")
        expect(desk.page.locator("#article-note")).to_contain_text("There is no article yet")
        for name in ("empty.txt", "empty.srt", "empty.docx"):
            desk.open(name, b"")
            expect(desk.page.locator("#article-note-words")).to_have_text(f"There is no text in {name}.")
            expect(desk.page.locator("#file-card")).to_be_hidden()


def test_a_file_that_is_no_utf_8_is_read_as_what_the_reader_says(open_desk):
    note = "not in UTF-8"
    with open_desk() as desk:
        desk.open("noticia.txt", "Olá, a balsa não está atrasada.".encode("cp1252"))
        expect(desk.page.locator("#article-note")).to_contain_text(note)
        assert desk.text.input_value() == "Olá, a balsa não está atrasada."
        desk.open("novost.txt", "Паром опоздал.".encode("cp1251"))
        desk.page.focus("#encoding")
        desk.page.select_option("#encoding", "windows-1251")
        expect(desk.text).to_have_value("Паром опоздал.")
        expect(desk.page.locator("#encoding")).to_be_focused()
        desk.open("film.srt", "1\n00:00:00,000 --> 00:00:03,400\nThe café is late.\n".encode("cp1252"))
        expect(desk.page.locator("#article-note")).to_contain_text(note)
        expect(desk.run("translate")).to_contain_text("[The café is late.]")
        page = '<meta charset="windows-1252"><p>The café is late.</p>'
        desk.open("page.html", page.encode("cp1252"))
        expect(desk.page.locator("#article-note")).to_be_hidden()
        expect(desk.run("translate")).to_contain_text("[The café is late.]")


def test_a_file_that_cannot_be_read_is_said_to_be_that(open_desk):
    with open_desk() as desk:
        for name, content in (("report.docx", b"PK\x03\x04word/document.xml"), ("notes.txt", b"ab\x00\x01\xff")):
            desk.open(name, content)
            desk.run_to_failure("translate")
            expect(desk.panel("translate").locator("h3").first).to_have_text("This document cannot be read")


def test_of_several_files_the_first_is_opened_and_that_is_said(open_desk):
    with open_desk() as desk:
        files = [{"name": name, "mimeType": "", "buffer": TEXT.encode()} for name in ("one.txt", "other.txt")]
        desk.page.evaluate("document.getElementById('file').multiple = true")
        desk.page.locator("#file").set_input_files(files)
        expect(desk.page.locator("#article-note")).to_contain_text("Only one.txt was opened")


def test_a_text_that_would_be_lost_is_not_left_without_a_question(open_desk):
    for is_written in (False, True):
        with open_desk() as desk:
            asked = []
            desk.page.click("#example")
            if is_written:
                desk.text.press("a")
            desk.page.on("dialog", lambda dialog, asked=asked: (asked.append(dialog.type), dialog.accept()))
            desk.page.reload()
            assert asked == (["beforeunload"] if is_written else [])


def test_the_keyboard_is_enough(open_desk):
    with open_desk() as desk:
        press = desk.page.keyboard.press
        desk.paste(TEXT)
        press("Control+Enter")
        desk.expect_state("summarise", "done")
        desk.page.focus("#tab-summarise")
        press("ArrowRight")
        expect(desk.page.locator("#tab-translate")).to_be_focused()
        press("Control+Enter")
        desk.expect_state("translate", "done")
        desk.answer("translate").locator("[tabindex='0']").focus()
        press("ArrowRight")
        assert desk.lit(desk.source) == ["Fog closed the harbour at dawn."]
        press("Enter")
        expect(desk.source.locator(".lit")).to_be_focused()
        press("Home")
        assert desk.lit(desk.answer("translate")) == ["[The ferry is late today.]"]
        press("Escape")
        assert desk.lit(desk.source) == []


def test_an_article_that_was_pasted_is_shown_from_its_beginning_and_keeps_the_focus(open_desk):
    for width in (390, 820, 1440):
        with open_desk(viewport={"width": width, "height": 844}) as desk:
            desk.paste(f"{TEXT}\n\n" * 100)
            assert desk.text.evaluate("each => each.scrollTop") > 0
            desk.page.keyboard.press("Control+Enter")
            desk.expect_state("summarise", "done")
            assert desk.source.evaluate("each => each.scrollTop") == 0
            expect(desk.source).to_be_focused()
            desk.page.keyboard.press("Control+Enter")
            desk.expect_state("summarise", "done")
            expect(desk.source).to_be_focused()


def test_another_article_stops_what_is_running_and_takes_the_place_of_all_answers(browser):
    with (
        serving_echo(EchoEngine(EN_PT, ENCODER, delay=0.3, reverses=False)) as address,
        Desk(browser, address) as desk,
    ):
        text = "\n\n".join(f"The ferry {number} is late." for number in range(200))
        replacements = (lambda: desk.page.click("#clear"), lambda: desk.open("other.txt", b"Another article."))
        for replace in replacements:
            desk.text.fill(text)
            desk.start("translate")
            expect(desk.answer("translate")).to_contain_text("[The ferry")
            replace()
            desk.expect_state("translate", "empty")
            expect(desk.page.locator("#run-translate")).to_have_text("Translate")
            expect(desk.answer("translate")).to_be_empty()
            expect(desk.panel("translate").locator(".copy")).to_be_disabled()


def test_what_is_said_of_a_failure_goes_with_its_article(open_desk):
    with open_desk() as desk:
        desk.open("report.pdf", b"%PDF-1.7 \xff\xfe\x00")
        desk.run_to_failure("translate")
        desk.open("good.txt", TEXT.encode())
        desk.expect_state("translate", "empty")
    with open_desk("to=de") as desk:
        desk.paste(TEXT)
        desk.run_to_failure("translate")
        desk.paste(" More.")
        desk.expect_state("translate", "empty")


def test_an_article_that_has_changed_is_no_longer_linked(open_desk):
    with open_desk() as desk:
        desk.paste(TEXT)
        desk.run("translate")
        desk.page.click("#edit")
        expect(desk.text).to_be_focused()
        desk.page.keyboard.press("Control+End")
        desk.page.keyboard.type(" More.")
        expect(desk.panel("translate").locator(".note")).to_contain_text("has changed since")
        desk.run("translate")
        expect(desk.panel("translate").locator(".note")).to_be_hidden()
        expect(desk.source).to_contain_text("More.")


def test_files_that_are_text_are_edited_and_others_are_sent_as_they_are(open_desk):
    with open_desk() as desk:
        desk.open("notes.md", b"# Ferry\r\n\r\nThe ferry is late.\r\n")
        assert desk.text.input_value() == "# Ferry\n\nThe ferry is late.\n"
        assert desk.page.locator("#format").input_value() == "markdown"
        desk.open("notes.txt", "Olá, a balsa está atrasada.".encode("utf-16"))
        expect(desk.page.locator("#file-name")).to_have_text("notes.txt")
        desk.page.click("#clear")
        expect(desk.page.locator("#starters")).to_be_visible()
        drop(desk, "page.html", "<p>The ferry is late today.</p><p>Fog closed the harbour.</p>")
        expect(desk.page.locator("#file-name")).to_have_text("page.html")
        translation = desk.run("translate")
        expect(translation).to_contain_text("[The ferry is late today.]")
        assert "<p>" not in desk.source.inner_text()


def drop(desk: Desk, name: str, content: str) -> None:
    """Drop a file on the page."""
    desk.page.evaluate(
        """([name, content]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([content], name));
          for (const type of ["dragover", "drop"])
            dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [name, content],
    )


def test_answers_are_copied_and_saved(open_desk):
    with open_desk(permissions=["clipboard-read", "clipboard-write"]) as desk:
        desk.paste(TEXT)
        desk.run("translate")
        expected = "[The ferry is late today.] [Fog closed the harbour at dawn.]"
        desk.panel("translate").locator(".copy").click()
        expect(desk.panel("translate").locator(".copy")).to_have_text("Copied")
        assert desk.page.evaluate("navigator.clipboard.readText()") == expected
        with desk.page.expect_download() as saved:
            desk.panel("translate").locator(".download").click()
        assert saved.value.suggested_filename == "article.pt.txt"
        assert saved.value.path().read_text("utf-8") == expected


def test_it_speaks_english_and_portuguese(open_desk):
    with open_desk(locale="pt-BR") as desk:
        expect(desk.page.locator("html")).to_have_attribute("lang", "pt")
        expect(desk.page.locator("#run-summarise")).to_have_text("Resumir")
        desk.paste(TEXT)
        expect(desk.page.locator("#from option").first).to_have_text(re.compile("inglês · detetado"))
        desk.run("summarise")
        desk.page.click("[data-language=en]")
        expect(desk.page.locator("#run-summarise")).to_have_text("Summarise")
        expect(desk.page.locator("#from option").first).to_have_text("English · detected")
        expect(desk.panel("summarise").locator(".facts")).to_contain_text("picked")
        assert "ui=en" in desk.page.url
    with open_desk(locale="fr-FR") as desk:
        expect(desk.page.locator("html")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(("source", "target", "text"), [("en", "ar", TEXT), ("he", "en", HEBREW)])
def test_texts_from_right_to_left_stand_so(open_desk, source, target, text):
    directions = {"ar": "rtl", "he": "rtl", "en": "ltr"}
    with open_desk(f"from={source}&to={target}") as desk:
        desk.paste(text)
        translation = desk.run("translate")
        assert desk.source.evaluate("each => [each.dir, each.lang]") == [directions[source], source]
        assert translation.evaluate("each => [each.dir, each.lang]") == [directions[target], target]
        assert desk.page.locator("html").get_attribute("dir") is None


def test_nothing_moves_for_those_who_want_that(open_desk):
    still = "each => getComputedStyle(each).animationName + getComputedStyle(each).transitionDuration"
    with open_desk(reduced_motion="reduce") as desk:
        desk.paste(TEXT)
        answer = desk.run("translate")
        assert answer.locator(".stretch").first.evaluate(still) == "none0s"
        assert desk.panel("translate").locator(".progress span").evaluate(still) == "none0s"


def test_a_narrow_page_quotes_the_other_side(open_desk):
    with open_desk(viewport={"width": 390, "height": 844}, has_touch=True) as desk:
        desk.paste(TEXT)
        translation = desk.run("translate")
        translation.locator(".stretch").nth(1).tap()
        expect(desk.page.locator("#sheet-text")).to_have_text("Fog closed the harbour at dawn.")
        expect(desk.page.locator("#sheet-title")).to_have_text("In the article")
        desk.page.tap("#sheet-show")
        expect(desk.source.locator(".lit")).to_be_focused()


def test_no_page_is_wider_than_its_window(open_desk):
    for width in (320, 390, 820, 1440):
        for language in ("en", "pt"):
            with open_desk(f"to=pt&ui={language}", viewport={"width": width, "height": 800}) as desk:
                desk.paste(TEXT)
                desk.run("summarise")
                desk.run("translate")
                assert desk.page.evaluate("document.documentElement.scrollWidth") <= width, (width, language)


CUT = """() => [...document.querySelectorAll("main select")].filter((each) => {
  const measure = document.createElement("canvas").getContext("2d");
  const style = getComputedStyle(each);
  measure.font = style.font;
  const room = each.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
  return each.checkVisibility() && measure.measureText(each.selectedOptions[0].text).width > room;
}).map((each) => `${each.name}: ${each.selectedOptions[0].text}`)"""


def test_what_is_chosen_is_read_whole(open_desk):
    for width, height in ((320, 640), (390, 844), (820, 1100), (844, 390), (1440, 900)):
        for language in ("en", "pt"):
            with open_desk(f"do=translate&ui={language}", viewport={"width": width, "height": height}) as desk:
                desk.page.click("#example")
                desk.run("translate")
                cut = desk.page.evaluate(CUT)
                desk.run("summarise")
                assert cut + desk.page.evaluate(CUT) == [], (width, language)


def test_key_points_are_entries_of_a_list(open_desk):
    with open_desk("type=key-points&length=long") as desk:
        desk.paste(
            "".join(f"The ferry number {number} is late today, and its passengers wait. " for number in range(12))
        )
        summary = desk.run("summarise")
        assert summary.locator(".stretch").count() > 2
        assert summary.locator(".stretch").first.evaluate("each => getComputedStyle(each).display") == "list-item"


def test_long_articles_are_shown_whole(open_desk):
    with open_desk() as desk:
        text = "The ferry 🛳️ is late today. Fog closed the harbour at dawn.\n\n" * 400
        desk.text.fill(text)
        translation = desk.run("translate")
        assert desk.source.evaluate("each => each.textContent") == text
        assert translation.evaluate("each => each.textContent").count("[Fog closed the harbour at dawn.]") == 400
        translation.locator(".stretch").last.hover()
        assert desk.lit(desk.source) == ["Fog closed the harbour at dawn."]
        expect(desk.source.locator(".lit")).to_be_in_viewport()


def test_the_page_in_the_repository_is_the_one_that_is_served(open_desk):
    with open_desk() as desk:
        markup = (Path(__file__).parents[2] / "service/polygist_service/http/playground/index.html").read_text("utf-8")
        assert desk.page.request.get(desk.page.url.partition("#")[0]).text() == markup
