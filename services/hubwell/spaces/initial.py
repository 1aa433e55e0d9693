"""The first spaces and devices of a database that nothing serves yet: the demonstration, benches and tests.

What changes while Hubwell runs goes through `register`, whose facts reach those who listen.
"""

from typing import Any, Final

from psycopg import Connection

from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces")


def put_space(
    conn: Connection[Any], *, space_id: str, name: str, kind: str, capacity: int, zone: str = ""
) -> None:
    """Enter a space, or replace the one with this id; its door is as it was, or of the defaults."""
    values = {"id": space_id, "name": name, "kind": kind, "capacity": capacity, "zone": zone}
    conn.execute(_SQL["enter_space"], values)


def put_device(conn: Connection[Any], *, device_id: str, space_id: str | None, name: str = "") -> None:
    """Enter a device, or move the one with this id."""
    conn.execute(_SQL["put_device"], {"id": device_id, "space": space_id, "name": name})
