"""A hub's own colour: its contrast with the pages, the nearest legible one, and its form for dark pages.

Contrast is that of WCAG 2.2 (1.4.3): text needs 4.5:1. Colours are written as #rrggbb.
"""

from colorsys import hls_to_rgb, rgb_to_hls
from typing import Final

LEGIBLE: Final = 4.5
"""Least contrast of text."""
DARKEST_GROUND: Final = "#efeae0"
"""The darkest ground of light pages (`web/static/tokens.css`): what can be read on it can be read on all of
them, and white can be read on that."""
LIGHTEST_GROUND: Final = "#2a3132"
"""The lightest ground of dark pages."""
_STEPS: Final = 400
"""Of lightness, between black and white."""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def nearest_legible(colour: str) -> str:
    """Return the colour itself where text of it can be read on light pages, else the nearest darker one."""
    return _moved(colour, DARKEST_GROUND, step=-1)


def for_dark_pages(colour: str) -> str:
    """Return the colour, or the nearest lighter one of its hue, that can be read on dark pages."""
    return _moved(colour, LIGHTEST_GROUND, step=1)


def _moved(colour: str, ground: str, *, step: int) -> str:
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    moved = colour.lower()
    for number in range(_STEPS + 1):
        if contrast(moved, ground) >= LEGIBLE:
            break
        at = min(1.0, max(0.0, lightness + step * number / _STEPS))
        moved = "#" + "".join(f"{round(255 * part):02x}" for part in hls_to_rgb(hue, at, saturation))
    return moved


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 (WCAG's formula)
        for part in _parts(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
