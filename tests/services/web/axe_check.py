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


async def problems(page: Page) -> list[str]:
    """Return what axe finds at every size, in both colour schemes, and where something scrolls sideways."""
    if not _AXE.is_file():
        missing("axe-core")
    await page.evaluate(_AXE.read_text())
    found = []
    for width, height in SIZES:
        await page.set_viewport_size({"width": width, "height": height})
        if await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append(f"scrolls sideways at {width}")
        for scheme, rules in _RULES.items():
            await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            result: dict[str, Any] = await page.evaluate("options => axe.run(options)", rules)
            found += [
                f"{scheme} at {width}: {violation['id']} in {violation['nodes'][0]['html'][:200]}"
                for violation in result["violations"]
            ]
    return found
