"""From an article to its summary and its translation, with the starter models in a server of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.end_to_end.server import ServerProcess, find_free_port
from tests.web.desk import Desk

ARTICLE = """The ferry across Lake Orvel came back on Monday evening. It had stopped in October 1984, with eleven \
passengers on board. The crossing takes 50 minutes and costs 6.50 euros.

Fishermen fear for the reed beds, in which pike lay their eggs. The district will count young fish every spring."""

MIXED = "O conselho distrital decidiu ontem à noite que o barco continua a navegar."
FILM = """1
00:00:00,000 --> 00:00:03,400
The ferry is late.

2
00:00:03,500 --> 00:00:06,000
Fog closed the harbour.
"""


def test_from_an_article_to_its_summary_and_translation(browser, starter_address):
    with Desk(browser, starter_address) as desk:
        desk.paste(ARTICLE)
        expect(desk.page.locator("#from option").first).to_have_text("English · detected")
        summary = desk.run("summarise")
        sentences = summary.locator(".stretch").all_inner_texts()
        assert sentences
        assert all(sentence in ARTICLE for sentence in sentences)
        summary.locator(".stretch").nth(1).hover()
        assert desk.lit(summary) == desk.lit(desk.source) == [sentences[1]]
        expect(desk.panel("summarise").locator(".facts")).to_have_text("Word for word from the article")

        translation = desk.run("translate")
        expect(translation).to_have_attribute("lang", "pt")
        expect(translation).to_contain_text("6,50 euros")
        desk.source.get_by_text("The crossing takes").hover()
        (lit,) = desk.lit(translation)
        assert "50 minutos" in lit
        translation.get_by_text("50 minutos").hover()
        assert desk.lit(desk.source) == ["The crossing takes 50 minutes and costs 6.50 euros."]
        assert desk.shifts() == 0

        desk.page.click("#tab-summarise")
        expect(desk.source.locator(".cited").first).to_be_visible()


def test_what_is_to_be_checked_stands_where_it_belongs(browser, starter_address):
    with Desk(browser, starter_address, "to=pt") as desk:
        desk.paste(f"{ARTICLE}\n\n{MIXED}")
        desk.run("translate")
        warnings = desk.panel("translate").locator(".warnings li")
        expect(warnings).to_have_count(1)
        expect(warnings.locator("strong")).to_have_text("Several languages in one text")
        expect(desk.panel("translate").locator(".chip.warned")).to_have_text("1 thing to check")
        warnings.get_by_role("button").click()
        assert "conselho distrital" in "".join(desk.lit(desk.source))
        expect(desk.source.locator(".warned").first).to_be_focused()


def test_a_server_that_has_gone_and_comes_back(browser, starter_home, tmp_path):
    grpc, http = (f"127.0.0.1:{find_free_port()}" for _ in range(2))

    @contextmanager
    def serve() -> Iterator[None]:
        with ServerProcess(starter_home, tmp_path / "log", "--http-listen", http, address=grpc) as server:
            server.wait_for("serving", seconds=120)
            yield

    with serve():
        desk = Desk(browser, f"http://{http}/")
    desk.paste(ARTICLE)
    desk.start("summarise")
    desk.expect_state("summarise", "failed")
    failure = desk.panel("summarise").locator(".failure")
    expect(failure.locator("h3")).to_have_text("The server does not answer")
    expect(failure.locator(".advice")).to_contain_text(http)
    expect(failure.locator(".command")).to_have_text(f"polygist-server serve --http-listen {http}")
    expect(desk.page.locator("#server")).to_have_text("No answer from the server")
    with desk, serve():
        expect(desk.page.locator("#server")).to_have_attribute("data-state", "ready", timeout=10_000)
        assert desk.text.input_value() == ARTICLE
        failure.get_by_role("button").click()
        desk.expect_state("summarise", "done")


def test_a_summary_in_another_language_rests_on_passages_of_the_article(browser, starter_address):
    with Desk(browser, starter_address, "in=pt") as desk:
        desk.paste(ARTICLE)
        summary = desk.run("summarise")
        expect(summary).to_have_attribute("lang", "pt")
        summary.locator(".stretch").first.hover()
        assert desk.lit(summary)[0] not in ARTICLE
        assert desk.lit(desk.source)[0] in ARTICLE


def test_documents_go_in_and_come_out(browser, starter_address):
    with Desk(browser, starter_address) as desk:
        desk.open("film.srt", FILM.encode())
        expect(desk.page.locator("#file-name")).to_have_text("film.srt")
        translation = desk.run("translate")
        expect(desk.source).to_contain_text("Fog closed the harbour.")
        translation.locator(".stretch").last.hover()
        assert desk.lit(desk.source) == ["Fog closed the harbour."]
        with desk.page.expect_download() as saved:
            desk.panel("translate").locator(".download").click()
        assert saved.value.suggested_filename == "film.pt.srt"
        content = saved.value.path().read_text("utf-8")
        assert content.startswith("1\n00:00:00,000 --> 00:00:03,400\n")
        assert "Fog" not in content
        desk.run("summarise")
        assert desk.source.inner_text().startswith("The ferry is late.")
