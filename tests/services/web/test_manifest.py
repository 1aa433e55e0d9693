"""Installing the pages on a home screen: the manifest, its icons, the colours of the browser's own bars."""

import re
import struct
from pathlib import Path

from playwright.async_api import Browser

import hubwell.web
from services.web.running_site import Site

PNG = b"\x89PNG\r\n\x1a\n"
STYLES = (Path(hubwell.web.__file__).parent / "static" / "tokens.css").read_text()


async def test_manifest_names_the_hub_and_icons_that_exist_in_their_size(site: Site) -> None:
    found = await site.client.get("/manifest.webmanifest")
    assert found.headers["content-type"] == "application/manifest+json"
    content = found.json()
    assert (content["name"], content["start_url"], content["display"]) == ("Test hub", "/", "standalone")
    assert {icon["purpose"] for icon in content["icons"]} == {"any", "maskable"}
    for icon in content["icons"]:
        image = await site.client.get(icon["src"])
        assert image.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert image.content[:8] == PNG
            width, height = struct.unpack(">II", image.content[16:24])
            assert icon["sizes"] == f"{width}x{height}"


async def test_colours_of_the_browser_are_those_of_the_page(site: Site) -> None:
    light, dark = re.findall(r"--page: (#\w+);", STYLES)[:2]
    page = (await site.client.get("/", headers={"accept": "text/html"})).text
    assert re.findall(
        r'name="theme-color" content="(#\w+)" media="\(prefers-color-scheme: (\w+)\)"', page
    ) == [
        (light, "light"),
        (dark, "dark"),
    ]
    assert (await site.client.get("/manifest.webmanifest")).json()["background_color"] == light


async def test_chromium_finds_nothing_that_hinders_the_installation(site: Site, browser: Browser) -> None:
    page = await browser.new_page()
    await page.goto(site.address)
    devtools = await page.context.new_cdp_session(page)
    manifest = await devtools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"] == f"{site.address}/manifest.webmanifest"
    found = await devtools.send("Page.getInstallabilityErrors")
    assert {error["errorId"] for error in found["installabilityErrors"]} <= {"in-incognito"}  # as tests are
    await page.close()
