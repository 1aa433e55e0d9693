"""The form of the hub's fields, on its own page and on that of the first start."""

from collections.abc import Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from starlette.datastructures import FormData

from hubwell.hub_profile import rules
from hubwell.hub_profile.colours import nearest_legible
from hubwell.settings import Settings
from hubwell.workflows import hub as workflow

_OWN = "own"


def typed_fields(form: FormData) -> dict[str, str]:
    """Return the hub's fields that a form has; what the installation sets is in no form."""
    typed = {name: value for name in rules.FIELDS if isinstance(value := form.get(name), str)}
    if "colour" in typed and form.get("colour_of") != _OWN:
        typed["colour"] = ""
    return typed


def shown_fields(
    settings: Settings, installation: Settings, typed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what the template of the fields needs; `typed` is shown in place of what is stored."""
    fields = {field.name: field for field in workflow.fields(settings, installation)}
    typed = dict(typed or {})
    if rules.is_colour(colour := typed.get("colour", "").strip().lower()):
        typed["colour"] = nearest_legible(colour)  # pale ones are refused with this one, which is then there
    return {
        "fields": fields,
        "values": {name: field.value for name, field in fields.items()} | typed,
        "longest": rules.LONGEST,
        "zones": _zones(),
    }


@cache
def _zones() -> list[str]:
    """Return the time zones to choose from: those of a continent and a city, each once."""
    continents = ("Africa", "America", "Antarctica", "Asia", "Australia", "Europe")
    oceans = ("Atlantic", "Indian", "Pacific")
    places = tuple(f"{place}/" for place in (*continents, *oceans))
    return sorted(name for name in available_timezones() if name.startswith(places))
