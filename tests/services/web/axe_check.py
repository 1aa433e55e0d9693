"""axe in a real browser: what is wrong with a page at each size, in light and dark."""

from typing import Any, Final

from playwright.async_api import Page

from lanes.missing_part import missing
from lanes.paths import NODE_PACKAGES

_AXE: Final = NODE_PACKAGES / "node_modules" / "axe-core" / "axe.min.js"
SIZES: Final = ((360, 780), (1024, 600), (1440, 900))
"""A phone, a kiosk, a desk."""
_RULES: Final[dict[str, dict[str, Any]]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {"runOnly": ["color-contrast"]},  # dark differs from light in its colours only
}


async def axe(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """Return what axe finds on a page as it is now: the rule and the first element that breaks it."""
    if not _AXE.is_file():
        missing("axe-core")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE.read_text())
    result: dict[str, Any] = await page.evaluate("options => axe.run(options)", rules or _RULES["light"])
    return [f"{each['id']} in {each['nodes'][0]['html'][:200]}" for each in result["violations"]]


async def problems(page: Page) -> list[str]:
    """Return what axe finds at every size, in both colour schemes, and where something scrolls sideways."""
    found = []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"scrolls sideways at {width}")
        for scheme, rules in _RULES.items():
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found += [f"{scheme} at {width}: {fault}" for fault in await axe(page, rules)]
    return found
