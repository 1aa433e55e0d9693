"""Account for every message, per device and day, from the ledger in the database.

sent = stored + rejected + missing + dropped, where *dropped* is what the device declared it had to drop and
*missing* is what nobody explained. Copies are counted beside that: they change nothing.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from psycopg import Connection
from psycopg.rows import dict_row

from hubwell.commands.cli_output import print_rows
from hubwell.storage.connect import connect_sync
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.ingest")


@dataclass(frozen=True, slots=True)
class Hole:
    """Numbers of one boot that are not here, and why if it is known."""

    boot: str
    first: int
    last: int
    cause: str
    explained: bool

    @property
    def count(self) -> int:
        """How many messages the hole is."""
        return self.last - self.first + 1


@dataclass(slots=True)
class Day:
    """The account of one device on one day of the hub."""

    device: str
    day: date
    stored: int = 0
    rejected: int = 0
    duplicated: int = 0
    readings: int = 0
    dropped: int = 0
    missing: int = 0
    unnumbered: int = 0
    """Observations that the device lost before it could number them, as it declared."""
    holes: list[Hole] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Messages that the device gave a number."""
        return self.stored + self.rejected + self.dropped + self.missing


class _Days(dict[tuple[str, date], Day]):
    def __missing__(self, key: tuple[str, date]) -> Day:
        self[key] = Day(*key)
        return self[key]


def audit(
    conn: Connection[Any], *, since: datetime, zone: str = "UTC", device: str | None = None
) -> list[Day]:
    """Return the account of each device and day since a time, newest day first."""
    values = {"since": since, "zone": zone, "device": device}
    days = _Days()
    for row in _rows(conn, "audit_days", values):
        day = days[row["device_id"], row["day"]]
        day.stored, day.rejected = row["stored"], row["rejected"]
        day.duplicated, day.readings = row["duplicated"], row["readings"]
    for row in _rows(conn, "audit_unnumbered", values):
        day = days[row["device_id"], row["day"]]
        day.rejected += row["rejected"]
        day.duplicated += row["duplicated"]
    for row in _rows(conn, "audit_lost_before_numbering", values):
        days[row["device_id"], row["day"]].unnumbered += row["count"]
    for row in _rows(conn, "audit_holes", values):
        _add_hole(days[row["device_id"], row["day"]], row)
    return sorted(days.values(), key=lambda day: (-day.day.toordinal(), day.device))


def _rows(conn: Connection[Any], query: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from conn.cursor(row_factory=dict_row).execute(_SQL[query], values)


def _add_hole(day: Day, row: dict[str, Any]) -> None:
    if row["explained"]:
        cause = f"dropped by the device: {row['declared']}"
    elif row["at_end"]:
        cause = "not arrived yet: the device may still hold them"
    else:
        cause = "unknown"
    hole = Hole(str(row["boot"]), row["first"], row["last"], cause, row["explained"])
    day.holes.append(hole)
    if hole.explained:
        day.dropped += hole.count
    else:
        day.missing += hole.count


def print_audit(url: str, *, zone: str, device: str | None, days: int, as_json: bool) -> int:
    """Print the account; return 0 when nothing is missing without a cause, else 1."""
    since = datetime.now(UTC) - timedelta(days=days)
    with connect_sync(url, name="audit") as conn:
        account = audit(conn, since=since, zone=zone, device=device)
    missing = sum(day.missing for day in account)
    if as_json:
        rows = [{**asdict(day), "sent": day.sent} for day in account]
        json.dump(
            {"days": rows, "missing": missing, "clean": missing == 0}, sys.stdout, default=str, indent=2
        )
        sys.stdout.write("\n")
    else:
        _print_for_people(account, missing)
    return 0 if missing == 0 else 1


def _print_for_people(account: list[Day], missing: int) -> None:
    rows = [
        {
            "device": day.device,
            "day": day.day,
            "sent": day.sent,
            "stored": day.stored,
            "duplicated": day.duplicated,
            "rejected": day.rejected,
            "dropped": day.dropped,
            "missing": day.missing,
            "readings": day.readings,
        }
        for day in account
    ]
    print_rows(rows, title="messages", as_json=False)
    for day in account:
        for hole in day.holes:
            sys.stdout.write(
                f"{day.device}, {day.day}: numbers {hole.first} to {hole.last} of boot {hole.boot[:8]}: "
                f"{hole.cause}\n"
            )
        if day.unnumbered:
            sys.stdout.write(f"{day.device}, {day.day}: {day.unnumbered} observations lost, disk full\n")
    sentence = "Nothing is missing." if missing == 0 else f"{missing} messages are missing."
    sys.stdout.write(sentence + "\n")


def print_rejected(url: str, *, most: int, as_json: bool) -> None:
    """Print the newest rejected messages with their reasons."""
    with connect_sync(url, name="audit") as conn:
        rows = list(_rows(conn, "newest_rejected", {"most": most}))
    print_rows(rows, title="rejected messages", as_json=as_json)
