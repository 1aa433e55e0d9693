"""People of a test: enrolled with made-up badges, their taps' answers, and the visits stored of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from feed.ingest_setup import commit, one, rows
from feed.simulated_device import Packet
from hubwell.events import TapAnswered
from hubwell.presence.rules import Visit
from hubwell.storage.connect import connect_sync

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

ENROL = """
WITH somebody AS (
    INSERT INTO person (id, kind, language)
    VALUES (coalesce(%(person)s, gen_random_uuid()), 'enrolled', %(language)s)
    ON CONFLICT (id) DO UPDATE SET kind = excluded.kind RETURNING id
), held AS (
    INSERT INTO credential (person_id, kind, valid, revoked_why)
    SELECT id, %(kind)s, tstzrange(%(since)s, %(until)s),
           CASE WHEN %(until)s::timestamptz IS NOT NULL THEN 'lost' END
    FROM somebody RETURNING id, person_id
), named AS (
    INSERT INTO credential_pseudonym (badge, credential_id, epoch) SELECT %(badge)s, id, %(epoch)s FROM held
)
SELECT person_id FROM held
"""


def enrol(url: str, badge: bytes, **values: Any) -> UUID:
    """Give a badge to a new person or to `person`; valid from long ago to `until`."""
    usual = {"person": None, "language": None, "kind": "badge", "since": LONG_AGO, "until": None, "epoch": 1}
    with connect_sync(url, name="test") as conn:
        row = conn.execute(ENROL, usual | values | {"badge": badge}).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def person_of(url: str, badge: bytes) -> UUID:
    """Return whose badge it is."""
    query = """SELECT person_id FROM credential c JOIN credential_pseudonym p ON p.credential_id = c.id
               WHERE p.badge = %s"""
    return UUID(str(one(url, query, badge)))


def visits_of(url: str, person: UUID) -> list[Visit]:
    """Return a person's visits in order."""
    query = """SELECT space_id, lower(during), upper(during), ended_by FROM visit
               WHERE person_id = %s ORDER BY during"""
    return [Visit(*row) for row in rows(url, query, person)]


def suspicions(url: str) -> list[tuple[str, str | None, str | None]]:
    """Return the questions that were noted: kind, space, other space."""
    return [
        tuple(row) for row in rows(url, "SELECT kind, space_id, other_space_id FROM suspicion ORDER BY id")
    ]


def told(url: str, *packets: Packet, **values: Any) -> list[TapAnswered]:
    """Commit one batch in a hub that refuses unknown badges; return what people hear, in order."""
    return [answer for answer in answers(url, *packets, **values) if answer.text]


def answers(url: str, *packets: Packet, **values: Any) -> list[TapAnswered]:
    """The same with what only devices have to know."""
    outcomes = commit(url, packets, **{"unknown_badges": "refuse"} | values)
    return [answer for outcome in outcomes for answer in outcome.answers]


def verdicts(url: str, *packets: Packet, **values: Any) -> list[str]:
    return [answer.verdict for answer in told(url, *packets, **values)]
