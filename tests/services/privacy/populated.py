"""A person with a row in every table that can hold one."""

import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from hubwell.access import codes

Conn = psycopg.AsyncConnection[Any]


class PopulatedPerson:
    """A person with a row in every table that can hold one."""

    def __init__(self, conn: Conn, name: str) -> None:
        self.conn, self.name = conn, name
        self.id = uuid4()
        self.badges = [secrets.token_bytes(16), secrets.token_bytes(16)]

    @property
    def traces(self) -> list[str]:
        """What must not be found anywhere."""
        return [self.name, str(self.id), *(badge.hex() for badge in self.badges)]

    async def _put(self, query: str, *values: Any) -> Any:
        row = await (await self.conn.execute(query.encode(), values)).fetchone()
        return row[0] if row else None

    async def enrol(self) -> "PopulatedPerson":
        await self._put(
            "INSERT INTO person (id, kind, name, language) VALUES (%s, 'enrolled', %s, 'fi') RETURNING id",
            self.id,
            self.name,
        )
        card = await self._put(
            "INSERT INTO credential (person_id, kind, label, valid) "
            "VALUES (%s, 'sun', 'blue card', tstzrange(now() - interval '9 days', NULL)) RETURNING id",
            self.id,
        )
        for epoch, badge in enumerate(self.badges, 1):
            await self._put(
                "INSERT INTO credential_pseudonym VALUES (%s, %s, %s) RETURNING epoch", badge, card, epoch
            )
        await self._leave_traces(card)
        return self

    async def _leave_traces(self, card: int) -> None:
        now = datetime.now(UTC)
        await self._put(
            "INSERT INTO tap (person_id, space_id, time, source, stream_id, seq, reader, credential_id) "
            "VALUES (%s, 'lab', %s, 'reader', 1, %s, 'door', %s) RETURNING id",
            self.id,
            now,
            secrets.randbelow(2**40),
            card,
        )
        await self._put(
            "INSERT INTO visit (person_id, space_id, during) VALUES (%s, 'lab', tstzrange(%s, NULL)) "
            "RETURNING id",
            self.id,
            now,
        )
        await self._put("INSERT INTO signed_message VALUES (%s, 61, %s) RETURNING counter", card, now)
        await self._put(
            "INSERT INTO suspicion (credential_id, kind, at) VALUES (%s, 'two-places', %s) RETURNING id",
            card,
            now,
        )
        await self._put(
            "INSERT INTO sign_in (token_hash, person_id, csrf, expires_at) "
            "VALUES (%s, %s, 'x', now() + interval '1 hour') RETURNING csrf",
            hashlib.sha256(self.id.bytes).digest(),
            self.id,
        )
        await codes.issue(self.conn, self.id)
        await self._put(
            "INSERT INTO muster_person (muster_id, person_id, space_id, zone, since) "
            "SELECT id, %s, 'lab', '', %s FROM muster RETURNING id",
            self.id,
            now,
        )
        await self._put(
            "INSERT INTO desk_tap (device_id, reader, badge, epoch) VALUES ('lab-pi', 'desk', %s, 1) "
            "RETURNING id",
            self.badges[0],
        )
        payload = (
            f'{{"type":"tap","data":{{"badge":"{self.badges[1].hex()}","sun":{{"picc":"x"}}}}}}'.encode()
        )
        await self._put(
            "INSERT INTO rejected (digest, topic, code, reason, payload, size) "
            "VALUES (%s, 'hub/v1/hub/lab-pi/up/event', 'clock-unsynced', 'the clock was never set', %s, %s) "
            "RETURNING id",
            hashlib.sha256(payload).digest(),
            payload,
            len(payload),
        )
        await self._add_account()
        await self._wait_at_the_desk(card)

    async def _wait_at_the_desk(self, card: int) -> None:
        """Be on a list that waits for badges."""
        await self._put(
            "INSERT INTO defect (space_id, kind, first_at, last_at, reports, closed_at, closed_by) "
            "VALUES ('lab', 'other', now(), now(), 1, now(), %s) RETURNING id",
            self.account,
        )
        list_id = await self._put(
            "INSERT INTO class_list (owner_id, started_at, used_at, taps_after) "
            "VALUES (%s, now(), now(), now()) RETURNING id",
            self.account,
        )
        await self._put(
            "INSERT INTO class_name (list_id, position, name, credential_id) VALUES (%s, 1, %s, %s) "
            "RETURNING position",
            list_id,
            self.name,
            card,
        )

    async def _add_account(self) -> None:
        self.account = await self._put(
            "INSERT INTO account (login, name, person_id) VALUES (%s, %s, %s) RETURNING id",
            f"login-{self.id.hex}",
            self.name,
            self.id,
        )
