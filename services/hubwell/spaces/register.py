"""Add and change spaces and devices, in the caller's transaction."""

from datetime import time
from typing import Any, Final

import psycopg
from psycopg import Connection
from psycopg.rows import dict_row

from hubwell.storage.notify import Channel, notify_blocking
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.spaces")
_PROBLEMS: Final = {
    "hub_id_is_plain": "an id has lower-case letters, digits and '-' only and starts with a letter or digit",
    "space_name_not_empty": "a space needs a name",
    "space_kind_known": "kind is one of workshop, collaboration, relaxation",
    "space_capacity_positive": "capacity is the number of people, at least 1",
    "space_when_full_known": "when it is full: warn or refuse",
    "device_space_id_fkey": "there is no such space; `hubwell space list` shows them",
}


class RegisterError(ValueError):
    """The register refused a change; the text names the rule and the remedy."""


def put_space(
    conn: Connection[Any],
    *,
    space_id: str,
    name: str,
    kind: str,
    capacity: int,
    zone: str = "",
    when_full: str | None = None,
    closes_at: str | None = None,
    personal: bool | None = None,
) -> None:
    """Add a space or change the one with this id. Raises RegisterError.

    Of the last three, None leaves the stored value as it is. `when_full` is "warn" or "refuse", `closes_at`
    is local time as "HH:MM" or "hub" for the hub's closing time, `personal` marks one person's room.
    """
    values = {"id": space_id, "name": name, "kind": kind, "capacity": capacity, "zone": zone}
    door = {"when_full": when_full, "closes_at": _closing(space_id, closes_at), "personal": personal}
    _put(conn, "put_space", {**values, **door, "closing_set": closes_at is not None})


def _closing(space_id: str, text: str | None) -> time | None:
    if text is None or text == "hub":
        return None
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise RegisterError(f"{space_id!r}: a closing time is HH:MM, as 17:30, or hub") from None


def put_device(conn: Connection[Any], *, device_id: str, space_id: str | None, name: str = "") -> None:
    """Register a device, or move the one with this id to another space. Raises RegisterError."""
    _put(conn, "put_device", {"id": device_id, "space": space_id, "name": name})


def set_station(conn: Connection[Any], device_id: str, *, on: bool) -> bool:
    """Choose whether a device is a muster station; return whether there is such a device."""
    return conn.execute(_SQL["set_station"], {"device": device_id, "on": on}).rowcount > 0


def _put(conn: Connection[Any], query: str, values: dict[str, Any]) -> None:
    try:
        with conn.transaction():
            conn.execute(_SQL[query], values)
            notify_blocking(conn, Channel.ALLOWLISTS)  # allow-lists hold the space of each device
    except psycopg.IntegrityError as error:
        name = error.diag.constraint_name or ""
        raise RegisterError(f"{values['id']!r}: {_PROBLEMS.get(name, str(error))}") from error


def list_spaces(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the spaces, by kind and name."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["spaces"]).fetchall()


def list_devices(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Return the devices by id, with the time of each one's last message."""
    return conn.cursor(row_factory=dict_row).execute(_SQL["devices"]).fetchall()
