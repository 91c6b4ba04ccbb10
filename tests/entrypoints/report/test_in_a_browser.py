"""The page of a report in a browser, which is the judge of what hostile text can do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from monitor.entrypoints.report.forms import Form, written
from monitor.wording import Language, wording
from tests.entrypoints.report.sample import hostile_sheet

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


def shown(browser: Browser, page_of: Path, width: int, scheme: str, language: Language) -> Page:
    sheet = hostile_sheet(language)
    page_of.write_text(written([sheet], wording(language), Form.HTML), encoding="utf-8")
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        bypass_csp=True,  # for axe, which is a script; nothing else may run all the same
    )
    return context.new_page()


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [
        (340, "light", Language.ENGLISH),
        (390, "dark", Language.CHINESE),
        (1100, "dark", Language.ENGLISH),
        (1100, "light", Language.CHINESE),
    ],
)
def test_hostile_text_does_nothing_and_everybody_can_read_it(
    browser: Browser, tmp_path: Path, width: int, scheme: str, language: Language
) -> None:
    file = tmp_path / "report.html"
    page = shown(browser, file, width, scheme, language)
    asked, said = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    assert asked == [file.as_uri()]
    assert said == []
    assert page.evaluate("document.scripts.length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("svg.curve").count() == 1
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in violations] == []
    page.context.close()


def test_it_prints_on_a4(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    page = shown(browser, file, 1100, "dark", Language.ENGLISH)
    page.goto(file.as_uri())
    page.emulate_media(media="print", color_scheme="dark")
    # 210 mm less the margins, at 96 pixels an inch.
    page.set_viewport_size({"width": 688, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF-")
    assert b"/MediaBox [0 0 594.9" in printed or b"/MediaBox [0 0 595" in printed
    page.context.close()
