"""A made-up house with people in it, written straight into a test's database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg

NORTH, SOUTH = "Ground floor, north", "Ground floor, south"


@dataclass
class House:
    """A door to the database for tests of musters."""

    conn: psycopg.Connection[Any]

    def space(self, space: str, name: str, zone: str) -> None:
        self.conn.execute(
            "INSERT INTO space (id, name, kind, capacity, zone) VALUES (%s, %s, 'workshop', 20, %s)",
            (space, name, zone),
        )

    def person(self, name: str = "", *, kind: str = "enrolled") -> UUID:
        return UUID(
            str(self._one("INSERT INTO person (kind, name) VALUES (%s, %s) RETURNING id", kind, name))
        )

    def badge(self, person: UUID, *, epoch: int = 1, label: str = "") -> bytes:
        credential = self._one(
            "INSERT INTO credential (person_id, kind, label, valid) "
            "VALUES (%s, 'badge', %s, tstzrange(now() - interval '1 day', NULL)) RETURNING id",
            person,
            label,
        )
        pseudonym = uuid4().bytes
        self.conn.execute(
            "INSERT INTO credential_pseudonym (badge, credential_id, epoch) VALUES (%s, %s, %s)",
            (pseudonym, credential, epoch),
        )
        return pseudonym

    def tap_in(self, person: UUID, space: str, at: datetime | None = None) -> None:
        self.conn.execute(
            "INSERT INTO visit (person_id, space_id, during) VALUES (%s, %s, tstzrange(%s, NULL))",
            (person, space, at or datetime.now(UTC) - timedelta(hours=1)),
        )

    def tap_out(self, person: UUID, at: datetime | None = None, ended_by: str = "tap") -> None:
        self.conn.execute(
            "UPDATE visit SET during = tstzrange(lower(during), %s), ended_by = %s "
            "WHERE person_id = %s AND upper_inf(during)",
            (at or datetime.now(UTC), ended_by, person),
        )

    def move(self, person: UUID, space: str) -> None:
        at = datetime.now(UTC)
        self.tap_out(person, at, "moved")
        self.tap_in(person, space, at)

    def inside(self, name: str, space: str) -> UUID:
        person = self.person(name)
        self.tap_in(person, space)
        return person

    def sensor(self, space: str, series: str, value: float, *, age: timedelta = timedelta(0)) -> None:
        quantity = series.rpartition("/")[2]
        self.conn.execute(
            "INSERT INTO device (id, space_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (f"{space}-1", space)
        )
        number = self._one(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES (%s, %s, %s, '/') "
            "ON CONFLICT ON CONSTRAINT series_device_name DO UPDATE SET name = excluded.name RETURNING id",
            f"{space}-1",
            series,
            quantity,
        )
        self.conn.execute(
            "INSERT INTO reading (time, series_id, value) VALUES (%s, %s, %s)",
            (datetime.now(UTC) - age, number, value),
        )

    def account(self, login: str, *roles: str, is_new: bool = False) -> UUID:
        age = timedelta(0) if is_new else timedelta(days=1)
        query = "INSERT INTO account (login, name, created_at) VALUES (%s, %s, now() - %s) RETURNING id"
        account = UUID(str(self._one(query, login, login, age)))
        for role in roles:
            self.conn.execute(
                "INSERT INTO account_role (account_id, role, granted_by) VALUES (%s, %s, 'local')",
                (account, role),
            )
        return account

    def count(self, table: str) -> int:
        return int(str(self._one(f"SELECT count(*) FROM {table}")))  # noqa: S608 (of a test)

    def actions(self) -> list[str]:
        """Return what the audit log says was done, in order."""
        return [row[0] for row in self.conn.execute("SELECT action FROM audit_entry ORDER BY id").fetchall()]

    def _one(self, query: str, *values: object) -> object:
        row = self.conn.execute(query.encode(), values).fetchone()
        assert row is not None
        return row[0]


def small_house(conn: psycopg.Connection[Any]) -> House:
    """Fill in three spaces of two zones with four people; one of them has no name."""
    house = House(conn)
    house.space("wood", "Wood workshop", NORTH)
    house.space("metal", "Metal workshop", NORTH)
    house.space("cafe", "Cafe corner", SOUTH)
    house.inside("Ada Example", "wood")
    house.inside("Bo Sample", "wood")
    house.inside("", "wood")
    house.inside("Cleo Specimen", "cafe")
    return house
