"""Everyone can use the page: axe finds nothing, in any state, at any width, in light and dark."""

import pytest
from playwright.sync_api import expect

from tests.service.echo import EN_PT, ENCODER, EchoEngine
from tests.web.desk import Desk
from tests.web.served import serving_echo

TEXT = (
    "The ferry is late today. Fog closed the harbour at dawn. O conselho distrital decidiu ontem à noite parar o barco."
)
# What has the focus, and how that is seen.
FOCUSED = """(({ id, className }) => [id || className, getComputedStyle(document.activeElement).outlineStyle])(
  document.activeElement)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 844)])
@pytest.mark.parametrize("language", ["en", "pt"])
def test_axe_finds_nothing(open_desk, axe, scheme, width, height, language):
    found = {}
    with open_desk(f"ui={language}&to=pt", color_scheme=scheme, viewport={"width": width, "height": height}) as desk:
        found["empty"] = desk.violations_of_axe(axe)
        desk.paste(TEXT)
        found["written"] = desk.violations_of_axe(axe)
        desk.run("summarise").locator(".stretch").first.click()
        found["summary"] = desk.violations_of_axe(axe)
        desk.page.keyboard.press("Escape")
        desk.run("translate").locator(".stretch").first.click()
        found["translation"] = desk.violations_of_axe(axe)
        desk.page.keyboard.press("Escape")
        desk.page.click("#more")
        found["options"] = desk.violations_of_axe(axe)
        desk.page.keyboard.press("Escape")
        desk.open("film.bin", b"\x00\x01")
        found["document"] = desk.violations_of_axe(axe)
        desk.run_to_failure("translate")
        found["failed"] = desk.violations_of_axe(axe)
        desk.page.evaluate("document.getElementById('drop').hidden = false")
        found["drop"] = desk.violations_of_axe(axe)
    assert {state: violations for state, violations in found.items() if violations} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_it_works_and_after_a_stop(browser, axe, scheme):
    with (
        serving_echo(EchoEngine(EN_PT, ENCODER, delay=0.5, reverses=False)) as address,
        Desk(browser, address, color_scheme=scheme) as desk,
    ):
        desk.paste("\n\n".join(f"The ferry {number} is late." for number in range(300)))
        desk.start("translate")
        expect(desk.answer("translate")).to_contain_text("[The ferry")
        assert desk.violations_of_axe(axe) == []
        desk.page.click("#run-translate")
        desk.expect_state("translate", "stopped")
        assert desk.violations_of_axe(axe) == []


def test_what_happens_is_read_out(open_desk):
    with open_desk("to=pt") as desk:
        announcer = desk.page.locator("#announcer")
        expect(announcer).to_have_attribute("role", "status")
        desk.paste(TEXT)
        desk.run("summarise")
        expect(announcer).to_contain_text("The summary is ready")
        desk.run("translate")
        expect(announcer).to_have_text("The translation into Portuguese is ready.")


def test_what_has_the_focus_is_seen(open_desk):
    with open_desk("to=pt") as desk:
        desk.paste(TEXT)
        desk.run("translate")
        seen = set()
        for _ in range(40):
            desk.page.keyboard.press("Tab")
            name, outline = desk.page.evaluate(FOCUSED)
            assert outline == "solid" or name == "", name
            seen.add(name)
        assert {"skip", "from", "edit", "open", "tab-translate", "link", "more", "to", "run-translate"} <= seen
