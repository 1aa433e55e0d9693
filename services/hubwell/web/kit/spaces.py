"""Spaces as all pages show them: whether one is closed, its shape, the names of its access attributes."""

from gettext import NullTranslations

from hubwell.api.schemas import SpaceNow
from hubwell.vocabulary import SpaceFeature


def is_closed(space: SpaceNow) -> bool:
    """Return whether a space is shown as closed: out of hours, and not in use."""
    return not space.open and space.state != "used" and not space.personal


def shape(space: SpaceNow) -> str:
    """Return the name of the shape that shows a space's state: `free`, `used`, `unknown` or `closed`."""
    return "closed" if is_closed(space) else space.state


def feature_names(translations: NullTranslations) -> dict[SpaceFeature, str]:
    """Return the access attributes by name."""
    _ = translations.gettext
    return {
        SpaceFeature.STEP_FREE: _("Step-free access"),
        SpaceFeature.HEARING_LOOP: _("Hearing loop"),
        SpaceFeature.QUIET: _("Quiet place"),
        SpaceFeature.DAYLIGHT: _("Daylight"),
    }
