"""Register the demonstration hub: the spaces and devices of the simulator, from `demo_hub.toml`."""

import tomllib
from importlib.resources import files
from typing import Any, Final

from psycopg import Connection

from hubwell.spaces.register import put_device, put_space

_SCENARIO: Final = files("hubwell_wire").joinpath("demo_hub.toml")


def seed(conn: Connection[Any]) -> int:
    """Register the demonstration's spaces and devices; return the number of spaces. Idempotent."""
    spaces = tomllib.loads(_SCENARIO.read_text())["spaces"]
    for space in spaces:
        put_space(
            conn,
            space_id=space["id"],
            name=space["name"],
            kind=space["kind"],
            capacity=space["capacity"],
            zone=space["zone"],
        )
        put_device(conn, device_id=space["device"], space_id=space["id"], name=space["name"])
    return len(spaces)
