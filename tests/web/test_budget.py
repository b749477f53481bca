"""How heavy the page is: what it sends, what moves, when the first of it is seen."""

from polygist_service.http import pages

from tests.web.desk import Desk

FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"


def test_the_first_paint(browser, echo_address, capsys):
    times = []
    for _ in range(5):
        with Desk(browser, echo_address) as desk:
            desk.page.wait_for_function(f"({FIRST_PAINT}) !== null")
            times.append(desk.page.evaluate(FIRST_PAINT))
    with capsys.disabled():
        print(f"\nfirst paint: {', '.join(f'{time:.0f} ms' for time in times)}")


def test_nothing_moves_by_itself(open_desk):
    for width, height in ((1440, 900), (820, 1180), (390, 844)):
        for locale in ("en-GB", "pt-PT"):
            with open_desk(locale=locale, viewport={"width": width, "height": height}) as desk:
                desk.page.click("#example")
                desk.run("summarise")
                desk.run("translate")
                desk.page.wait_for_timeout(300)
                assert (width, locale, desk.shifts()) == (width, locale, 0)


def test_each_file_is_sent_once_and_packed(browser, echo_address, capsys):
    sent = []
    context = browser.new_context()
    page = context.new_page()
    page.on("requestfinished", lambda request: sent.append((request.url, request.sizes()["responseBodySize"])))
    page.goto(echo_address, wait_until="networkidle")
    files = {url: size for url, size in sent if "/v1/" not in url}
    context.close()
    assert len(files) == len([url for url, _ in sent if "/v1/" not in url])
    assert len(files) <= len(pages.read_files(pages.FOLDER))
    with capsys.disabled():
        print(f"\n{len(files)} files, {sum(files.values())} bytes on their way")
