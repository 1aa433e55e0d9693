"""The API's addresses, one module per resource; a new resource is added to the list."""

from typing import Final

from hubwell.api.routes import (
    accounts,
    alerts,
    badges,
    course_sessions,
    devices,
    evacuation,
    operation,
    people_figures,
    persons,
    spaces,
    stream,
    tokens,
)

_MODULES: Final = (
    spaces,
    people_figures,
    devices,
    alerts,
    stream,
    persons,
    badges,
    course_sessions,
    evacuation,
    accounts,
    tokens,
    operation,
)
RESOURCES: Final = tuple(module.api for module in _MODULES)
