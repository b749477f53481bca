"""The page in a browser, as its reader uses it, and what went wrong in it meanwhile."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

# Noted before any script of the page runs.
WATCH = """
window.violations = [];
window.shifts = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
}).observe({ type: "layout-shift", buffered: true });
"""


class Desk:
    """A tab of a browser with the page in it.

    Args:
        browser: opens it.
        address: of the page.
        fragment: of the address, without its mark.
        state: what the page is to find of the server first.
        options: of the browser's context, such as `color_scheme` and `viewport`.
    """

    def __init__(
        self, browser: Browser, address: str, fragment: str = "", *, state: str = "ready", **options: Any
    ) -> None:
        settings = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **options}
        self.context: BrowserContext = browser.new_context(**settings)
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.failed: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.failed.append(str(error)))
        self.context.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.page.goto(f"{address}#{fragment}" if fragment else address)
        expect(self.page.locator("#server")).to_have_attribute("data-state", state, timeout=30_000)

    def __enter__(self) -> "Desk":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        violations = self.page.evaluate("window.violations")
        self.context.close()
        if kind is None:
            assert (self.failed, violations) == ([], [])

    @property
    def text(self) -> Locator:
        """Where the article is written."""
        return self.page.locator("#text")

    @property
    def source(self) -> Locator:
        """The article as it is shown beside an answer."""
        return self.page.locator("#source")

    def panel(self, task: str) -> Locator:
        """The tab of a task."""
        return self.page.locator(f"#panel-{task}")

    def answer(self, task: str) -> Locator:
        """The text of the answer in the tab of a task."""
        return self.panel(task).locator(".reading")

    def paste(self, text: str) -> None:
        """Put a text into the article, as pasting does."""
        self.text.focus()
        self.page.keyboard.insert_text(text)

    def open(self, name: str, content: bytes) -> None:
        """Choose a file for the article."""
        self.page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": content})

    def start(self, task: str) -> None:
        """Choose the tab of a task and press its button."""
        self.page.click(f"#tab-{task}")
        self.page.click(f"#run-{task}")

    def run(self, task: str) -> Locator:
        """Do a task to its end, and return the text of the answer."""
        self.start(task)
        self.expect_state(task, "done")
        return self.answer(task)

    def run_to_failure(self, task: str) -> None:
        """Do a task that fails."""
        self.start(task)
        self.expect_state(task, "failed")

    def expect_state(self, task: str, state: str) -> None:
        """Wait until the tab of a task is in a state."""
        expect(self.panel(task).locator(".output")).to_have_attribute("data-state", state, timeout=30_000)

    def lit(self, text: Locator) -> list[str]:
        """The stretches of a text that are lit."""
        return text.locator(".lit").all_inner_texts()

    def set_option(self, name: str, value: str) -> None:
        """Choose an option in the dialog."""
        self.page.click("#more")
        control = self.page.locator(f"#options [name={name}]")
        if control.evaluate("each => each.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)
        self.page.click("#options .primary")

    def violations_of_axe(self, axe: Path) -> list[str]:
        """What axe finds wrong with the page as it is now, each with the elements."""
        self.page.evaluate(axe.read_text("utf-8"))
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [f"{each['id']}: {json.dumps([node['target'] for node in each['nodes']])}" for each in found]

    def shifts(self) -> float:
        """How much of what the reader sees has moved without his doing: the sum of the layout shifts."""
        return float(sum(self.page.evaluate("window.shifts")))
