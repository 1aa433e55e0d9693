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
from hubwell.api.routes.booking import bookings, door, series, set_up
from hubwell.api.routes.calendar import addresses as calendar_addresses
from hubwell.api.routes.register import defects, screens
from hubwell.api.routes.register import devices as register_devices
from hubwell.api.routes.register import plans as register_plans
from hubwell.api.routes.register import spaces as register_spaces
from hubwell.api.routes.register import tables as register_tables

# A request is compared with one address after the other: first those of which many come at one moment.
_MODULES: Final = (
    series,  # before a booking, whose address would take this one's
    bookings,
    spaces,
    register_spaces,
    register_tables,
    register_plans,
    register_devices,
    screens,
    defects,
    people_figures,
    devices,
    alerts,
    stream,
    door,
    set_up,
    calendar_addresses,
    persons,
    badges,
    course_sessions,
    evacuation,
    accounts,
    tokens,
    operation,
)
RESOURCES: Final = tuple(module.api for module in _MODULES)
