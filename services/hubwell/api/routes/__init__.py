"""The API's addresses, one module per resource; a new resource is added to the list."""

from typing import Final

from hubwell.api.routes import alerts, devices, evacuation, operation, people_figures, spaces, stream

RESOURCES: Final = tuple(
    module.api for module in (spaces, people_figures, devices, alerts, stream, evacuation, operation)
)
