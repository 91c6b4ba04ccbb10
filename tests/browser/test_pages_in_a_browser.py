"""What people see of the daemon on the embedded world, in Chromium."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Download, expect

from monitor.wording import Language, wording
from tests.browser.reader import DESK, PHONE, Reader, open_browser, reading
from tests.whole.shop import Shop, eventually, open_shop

IMG = "img.shop.example"


async def modify(shop: Shop) -> str:
    """Modify the record at both authorities, and return the change that the daemon sees."""
    shop.world.caches["stale"].upstream_reachable = False
    for authority in shop.world.authorities:
        shop.world.modify(authority)

    async def is_seen() -> bool:
        return bool(await shop.change(IMG))

    await eventually(is_seen)
    return str((await shop.change(IMG))["id"])


async def share(reader: Reader) -> float:
    return float(await reader.page.locator(".facts progress").first.get_attribute("value") or 0)


async def test_a_record_changes_and_the_pages_show_it_live(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, open_browser() as browser:  # noqa: SIM117  # not in one line
        async with reading(browser, shop.url) as overview, reading(browser, shop.url) as page:
            await overview.open("/")
            await expect(overview.page.locator("#changes + p")).to_have_text(
                wording(Language.ENGLISH).word("no_open_changes")
            )
            await overview.page.locator("#q").fill("half a wor")  # which no update may take away
            await overview.page.evaluate("window.isTheSame = true")

            number = await modify(shop)
            card = overview.page.locator(f'.changes a[href="/changes/{number}"]')
            await expect(card).to_be_visible()
            assert await overview.page.evaluate("window.isTheSame")
            assert await overview.page.locator("#q").input_value() == "half a wor"

            await page.open(f"/changes/{number}")
            seen = await share(page)
            shop.world.caches["stale"].upstream_reachable = True

            async def has_risen() -> bool:
                return await share(page) > seen

            await eventually(has_risen)
            await expect(page.page.locator("svg.curve path.curve-seen")).to_have_count(1)

            # One cache holds on to the old value for ever: its row says why, and what to do.
            row = page.page.locator("tr", has_text="override")
            await expect(row).to_contain_text("Ask the operator")


async def test_a_monitor_that_cannot_be_reached_says_so_on_the_page(tmp_path: Path) -> None:
    async with open_browser() as browser:  # noqa: SIM117  # not in one line
        async with open_shop(tmp_path) as shop, reading(browser, shop.url) as reader:
            await reader.open("/")
            stale = reader.page.locator("#stale")
            await expect(stale).to_be_hidden()
            await reader.page.context.set_offline(offline=True)
            await expect(stale).to_be_visible()
            await reader.page.context.set_offline(offline=False)
            await expect(stale).to_be_hidden()
            # What a browser says of a line that is cut is no fault of the page.
            cut = ("ERR_INTERNET", "Failed to fetch")
            reader.complaints[:] = [
                one for one in reader.complaints if not any(sign in one for sign in cut)
            ]


@pytest.mark.parametrize(
    ("size", "locale", "language", "is_dark"),
    [(DESK, "en-GB", "en", True), (PHONE, "zh-CN", "zh-Hans", False)],
    ids=["desk-english-dark", "phone-chinese-light"],
)
async def test_every_page_can_be_read_by_everybody_on_any_screen(
    tmp_path: Path, size: tuple[int, int], locale: str, language: str, *, is_dark: bool
) -> None:
    async with open_shop(tmp_path) as shop, open_browser() as browser:
        number = await modify(shop)
        paths = ["/", "/?q=nowhere", "/changes", f"/changes/{number}", "/resolvers", "/nowhere"]
        paths += [f"/domains/{name}.shop.example" for name in ("img", "old", "*", "video")]
        async with reading(browser, shop.url, size=size, locale=locale, is_dark=is_dark) as reader:
            for path in paths:
                await reader.open(path)
                assert not await reader.is_wider_than_its_window(), path
                assert await reader.obstacles() == [], path
                assert await reader.page.locator("html").get_attribute("lang") == language, path
            reader.complaints[:] = [one for one in reader.complaints if "404" not in one]


async def test_pages_work_without_scripts_and_by_the_keyboard(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, open_browser() as browser:  # noqa: SIM117  # not in one line
        async with reading(browser, shop.url, has_scripts=False) as reader:
            await reader.open("/")
            keyboard = reader.page.keyboard
            await keyboard.press("Tab")
            await expect(reader.page.locator(".skip")).to_be_focused()
            await keyboard.press("Enter")
            await reader.page.locator("#q").focus()
            await keyboard.type("img")
            await keyboard.press("Enter")
            await expect(reader.page.locator("tbody th a").first).to_have_text(IMG)
            await reader.page.locator("tbody th a").first.press("Enter")
            await expect(reader.page.locator("h1")).to_contain_text(IMG)
            await expect(reader.page.locator("svg.strip")).to_have_count(len(shop.world.caches))
            await reader.page.get_by_role("link", name="中文").press("Enter")
            await expect(reader.page.locator("h1")).to_contain_text(IMG)
            assert await reader.page.locator("html").get_attribute("lang") == "zh-Hans"


async def test_a_report_of_the_change_is_downloaded_and_the_log_behind_it_verifies(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as shop, open_browser() as browser:
        number = await modify(shop)
        async with reading(browser, shop.url) as reader:
            await reader.open(f"/changes/{number}")
            async with reader.page.expect_download() as coming:
                await reader.page.get_by_role("link", name="JSON", exact=True).click()
            report = json.loads(await _read(await coming.value))
            assert report["change"]["id"] == number

            await reader.page.get_by_role("link", name="HTML", exact=True).click()
            await expect(reader.page.locator("h1")).to_contain_text(IMG)
            assert await reader.obstacles() == []
    head = f"{report['head']['seq']}:{report['head']['hash']}"
    config = tmp_path / "config.toml"
    config.write_text(shop.text)
    command = [sys.executable, "-m", "monitor", "audit", "verify", "-c", str(config)]
    environ = {**os.environ, **shop.world.environ}
    assert subprocess.run([*command, "--head", head], env=environ, check=False).returncode == 0  # noqa: ASYNC221
    forged = head[:-1] + ("0" if head[-1] != "0" else "1")
    assert subprocess.run([*command, "--head", forged], env=environ, check=False).returncode == 2  # noqa: ASYNC221


async def _read(download: Download) -> str:
    return (await download.path()).read_text(encoding="utf-8")
