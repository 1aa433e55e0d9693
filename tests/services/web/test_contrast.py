"""Contrast, computed from the custom properties: text 4.5:1, state fills 3:1 (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re
from importlib.resources import files

import pytest

STATES = ("free", "used", "soon", "unknown", "bad", "curve", "edge")


def _themes() -> dict[str, dict[str, str]]:
    css = files("hubwell.web").joinpath("static", "tokens.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)")
    colours = re.compile(r"--([a-z-]+): (#[0-9a-f]{6});")
    found = dict(colours.findall(light))
    return {"light": found, "dark": found | dict(colours.findall(dark))}


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_formula_agrees_with_known_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    colours = _themes()[theme]
    for ground in ("page", "card", "calm-fill", "alert-fill", "gap-fill"):
        for text in ("ink", "soft", "link"):
            ratio = contrast(colours[text], colours[ground])
            assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"
    assert contrast(colours["on-link"], colours["link"]) >= 4.5
    assert contrast(colours["on-alarm"], colours["alarm"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_can_be_told_from_the_page(theme: str) -> None:
    colours = _themes()[theme]
    for ground in ("page", "card"):
        for state in STATES:
            ratio = contrast(colours[state], colours[ground])
            assert ratio >= 3, f"{state} on {ground}: {ratio:.2f}"
    assert contrast(colours["bad"], colours["alert-fill"]) >= 3


def test_dark_changes_every_colour_that_light_has() -> None:
    css = files("hubwell.web").joinpath("static", "tokens.css").read_text()
    light, dark = (set(re.findall(r"--([a-z-]+): #", part)) for part in css.split("@media"))
    assert light == dark
