"""A person at a real browser: what she sees, what her browser complains of, and whom it asks."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

_PATIENCE = 60_000.0  # milliseconds until what should come to be seen counts as missed
DESK, PHONE = (1280, 900), (390, 844)
_SERIOUS = {"serious", "critical"}
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--no-sandbox",  # root may use none, and CI is root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
)


@dataclass(slots=True)
class Reader:
    """One page, and all that went wrong on it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda asked: self.hosts.add(urlsplit(asked.url).netloc))

    async def open(self, path: str) -> None:
        await self.page.goto(self.url + path.lstrip("/"))

    async def text(self, selector: str) -> str:
        return await self.page.locator(selector).first.inner_text()

    async def is_wider_than_its_window(self) -> bool:
        return bool(
            await self.page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    async def obstacles(self) -> list[str]:
        """Return what keeps some people from reading the page, as axe-core finds it."""
        found = (await Axe().run(self.page)).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in found
            if one["impact"] in _SERIOUS
            for node in one["nodes"]
        ]


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    assert program, "Chromium is needed: make servers"
    expect.set_options(timeout=_PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def reading(
    browser: Browser,
    url: str,
    *,
    size: tuple[int, int] = DESK,
    locale: str = "en-GB",
    is_dark: bool = False,
    has_scripts: bool = True,
) -> AsyncIterator[Reader]:
    """Open a window; at its end nothing may have gone wrong, and no other host been asked."""
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        locale=locale,
        color_scheme="dark" if is_dark else "light",
        java_script_enabled=has_scripts,
    )
    try:
        reader = Reader(await context.new_page(), url)
        yield reader
        assert not reader.complaints, reader.complaints
        assert reader.hosts == {urlsplit(url).netloc}, reader.hosts
    finally:
        await context.close()
