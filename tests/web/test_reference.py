"""The pages of the OpenAPI documents in a browser: readable by everybody, on a telephone too, and without scripts."""

import pytest


@pytest.mark.parametrize("path", ["docs", "docs/libretranslate"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing(browser, axe, echo_address, path, scheme, width):
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    try:
        page, asked = context.new_page(), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{echo_address}{path}")
        assert not [url for url in asked if not url.startswith(echo_address)]
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1344px"
        page.evaluate(axe.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    finally:
        context.close()
    assert [(each["id"], [node["html"][:100] for node in each["nodes"][:3]]) for each in found] == []
