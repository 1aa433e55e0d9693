"""A hub's own colour: what can be read stays, the rest moves to the nearest that can."""

from importlib.resources import files

import pytest

from hubwell.hub_profile.colours import (
    DARKEST_GROUND,
    LEGIBLE,
    LIGHTEST_GROUND,
    contrast,
    for_dark_pages,
    nearest_legible,
)
from services.web.test_contrast import _themes

_GROUNDS = ("page", "card", "calm-fill", "alert-fill", "gap-fill")
_COLOURS = ["#ffff00", "#ff0000", "#00ff00", "#0000ff", "#ffffff", "#000000", "#808080", "#f0a0c0", "#0b6e4f"]


def test_formula_is_that_of_the_page_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_grounds_are_those_of_the_pages() -> None:
    themes = _themes()
    against = {theme: [themes[theme][name] for name in _GROUNDS] for theme in themes}
    assert min(against["light"], key=lambda ground: contrast(ground, "#000000")) == DARKEST_GROUND
    assert max(against["dark"], key=lambda ground: contrast(ground, "#000000")) == LIGHTEST_GROUND


@pytest.mark.parametrize("colour", _COLOURS)
def test_result_can_be_read_on_every_ground_and_in_buttons(colour: str) -> None:
    themes, light, dark = _themes(), nearest_legible(colour), for_dark_pages(colour)
    for name in _GROUNDS:
        assert contrast(light, themes["light"][name]) >= LEGIBLE
        assert contrast(dark, themes["dark"][name]) >= LEGIBLE
    assert contrast(light, themes["light"]["on-link"]) >= LEGIBLE
    assert contrast(dark, themes["dark"]["on-link"]) >= LEGIBLE


def test_what_can_be_read_stays_and_what_cannot_keeps_its_hue() -> None:
    assert nearest_legible("#0b6e4f") == "#0b6e4f"
    red, green, blue = (int(nearest_legible("#ffff00")[place : place + 2], 16) for place in (1, 3, 5))
    assert red == green > 0 == blue


def test_sheet_uses_the_text_colours_of_buttons_in_tokens() -> None:
    tokens = files("hubwell.web").joinpath("static", "tokens.css").read_text()
    assert "--on-link: #ffffff" in tokens
    assert "--on-link: #10202b" in tokens
