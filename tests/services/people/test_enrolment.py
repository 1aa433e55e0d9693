"""Enrol, revoke, restore, take back: what the register says afterwards, and what it refuses."""

import asyncio
import re
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest

from feed.ingest_setup import settings_for
from feed.notifications import listen_to
from hubwell.errors import DomainError
from hubwell.events import Facts
from hubwell.people import credentials, desk_taps, persons
from hubwell.people.credentials import NewPerson
from hubwell.switchboard import Switchboard
from hubwell_wire.pseudonym import EpochKey, token_pseudonym
from services.people.people_register import Register, badge, now

KEY = EpochKey(3, b"\x05" * 32)


async def test_badge_from_the_desk_is_enrolled_for_somebody_new(register: Register) -> None:
    held = badge()
    tap_id = await register.desk_tap(held)
    tap = await desk_taps.tap(register.conn, tap_id, now())
    assert not tap.known

    made = await credentials.enrol(
        register.conn, tap.as_badge(), NewPerson("  Maija   Mehiläinen ", "fi"), now()
    )

    person = await persons.person(register.conn, made.person_id)
    assert (person.name, person.language) == ("Maija Mehiläinen", "fi")
    (credential,) = await credentials.credentials_of(register.conn, made.person_id)
    assert (credential.kind, credential.until, credential.revoked_why) == ("badge", None, None)
    with pytest.raises(DomainError, match="two minutes"):  # it does not wait any longer
        await desk_taps.tap(register.conn, tap_id, now())


async def test_several_badges_may_be_one_persons(register: Register) -> None:
    first = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    second = await credentials.enrol(register.conn, badge(kind="sun"), first.person_id, now())

    assert second.person_id == first.person_id
    kinds = {one.kind for one in await credentials.credentials_of(register.conn, first.person_id)}
    assert kinds == {"badge", "sun"}


async def test_person_may_stay_without_a_name(register: Register) -> None:
    made = await credentials.enrol(register.conn, badge(label="blue"), NewPerson(), now())

    assert (await persons.person(register.conn, made.person_id)).name == ""
    assert await persons.find(register.conn, "ue") == []


async def test_badge_enrolled_twice_is_refused_and_nothing_is_left_of_the_try(register: Register) -> None:
    held = badge()
    made = await credentials.enrol(register.conn, held, NewPerson("Ada"), now())

    with pytest.raises(DomainError) as refused:
        async with register.conn.transaction():
            await credentials.enrol(register.conn, held, NewPerson("Bea"), now())

    assert refused.value.code == "already-enrolled"
    assert await register.value("SELECT count(*) FROM person") == 1
    assert len(await credentials.credentials_of(register.conn, made.person_id)) == 1


async def test_of_two_that_enrol_one_badge_at_once_one_wins(register: Register) -> None:
    held = badge()

    async def enrol(name: str) -> bool:
        async with await psycopg.AsyncConnection.connect(register.database.url) as conn:
            try:
                async with conn.transaction():
                    await credentials.enrol(conn, held, NewPerson(name), now())
            except DomainError:
                return False
            return True

    assert sorted(await asyncio.gather(*(enrol(f"Person {n}") for n in range(5)))) == [False] * 4 + [True]
    assert await register.value("SELECT count(*) FROM person") == 1


async def test_counted_badge_starts_anew_and_is_not_linked_to_what_was_counted(register: Register) -> None:
    held = badge()
    counted = await register.counted(held)
    await register.visit(counted, await register.space("wood"), now() - timedelta(days=1), now())

    made = await credentials.enrol(register.conn, held, NewPerson("Ada"), now())

    assert made.counted == counted
    assert made.person_id != counted
    assert await register.value("SELECT person_id FROM visit") == counted
    assert await register.value("SELECT count(*) FROM credential WHERE person_id = %s", counted) == 0


async def test_desk_tap_waits_for_two_minutes_only(register: Register) -> None:
    late = await register.desk_tap(badge(), ago=timedelta(minutes=2, seconds=1))
    fresh = await register.desk_tap(badge(), ago=timedelta(minutes=1, seconds=50))

    assert [tap.id for tap in await desk_taps.taps(register.conn, now())] == [fresh]
    with pytest.raises(DomainError, match="Hold the badge"):
        await desk_taps.tap(register.conn, late, now())


async def test_desk_knows_whose_badge_it_is_but_not_who_was_only_counted(register: Register) -> None:
    known, counted = badge(), badge()
    made = await credentials.enrol(register.conn, known, NewPerson("Ada"), now())
    await register.counted(counted)
    await register.desk_tap(known)
    await register.desk_tap(counted)

    taps = {tap.badge: tap for tap in await desk_taps.taps(register.conn, now())}

    assert (taps[known.pseudonym].person_id, taps[known.pseudonym].name) == (made.person_id, "Ada")
    assert not taps[counted.pseudonym].known


async def test_revoked_badge_ends_now_and_says_why(register: Register) -> None:
    made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now() - timedelta(days=3))
    at = now()

    revoked = await credentials.revoke(register.conn, made.credential_id, "lost", at)
    assert revoked.person_id == made.person_id

    (credential,) = await credentials.credentials_of(register.conn, made.person_id)
    assert (credential.until, credential.revoked_why) == (at, "lost")
    with pytest.raises(DomainError, match="already"):
        await credentials.revoke(register.conn, made.credential_id, "lost", now())
    with pytest.raises(DomainError, match="no such badge"):
        await credentials.revoke(register.conn, made.credential_id + 1, "lost", now())
    with pytest.raises(DomainError, match="Choose why"):
        await credentials.revoke(register.conn, made.credential_id, "stolen", now())


async def test_badge_can_be_revoked_in_the_moment_of_its_enrolment(register: Register) -> None:
    at = now()
    made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), at)

    await credentials.revoke(register.conn, made.credential_id, "lost", at)

    (credential,) = await credentials.credentials_of(register.conn, made.person_id)
    assert credential.until is not None
    assert credential.until > credential.since


async def test_found_badge_works_again(register: Register) -> None:
    made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    with pytest.raises(DomainError, match="nothing to restore"):
        await credentials.restore(register.conn, made.credential_id)
    await credentials.revoke(register.conn, made.credential_id, "lost", now())

    await credentials.restore(register.conn, made.credential_id)

    (credential,) = await credentials.credentials_of(register.conn, made.person_id)
    assert (credential.until, credential.revoked_why) == (None, None)


async def test_enrolment_is_taken_back_with_the_person_it_made(register: Register) -> None:
    held = badge()
    made = await credentials.enrol(register.conn, held, NewPerson("Ada"), now())

    undone = await credentials.undo_enrolment(register.conn, made.credential_id, now())
    assert undone.person_id is None

    assert await register.value("SELECT count(*) FROM person") == 0
    await credentials.enrol(register.conn, held, NewPerson("Bea"), now())


async def test_taking_a_second_badge_back_leaves_the_person(register: Register) -> None:
    first = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    second = await credentials.enrol(register.conn, badge(), first.person_id, now())

    undone = await credentials.undo_enrolment(register.conn, second.credential_id, now())
    assert undone.person_id == first.person_id

    assert len(await credentials.credentials_of(register.conn, first.person_id)) == 1


async def test_old_enrolment_is_not_taken_back(register: Register) -> None:
    made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now() - timedelta(minutes=11))

    with pytest.raises(DomainError, match="10 minutes"):
        await credentials.undo_enrolment(register.conn, made.credential_id, now())


async def test_code_is_random_and_only_its_pseudonym_is_stored(register: Register) -> None:
    one = await credentials.issue_code(register.conn, NewPerson("Ada"), KEY, now())
    other = await credentials.issue_code(register.conn, one.enrolled.person_id, KEY, now())

    assert re.fullmatch(r"HW1:[A-Z2-7]{26}", one.text)
    assert one.text != other.text
    badges = {
        row[0].hex()
        for row in await (await register.conn.execute("SELECT badge FROM credential_pseudonym")).fetchall()
    }
    assert badges == {token_pseudonym(one.text, KEY), token_pseudonym(other.text, KEY)}
    stored = str(await (await register.conn.execute("SELECT c FROM credential c")).fetchall())
    assert one.text[4:] not in stored


async def test_every_change_of_badges_calls_for_new_lists(register: Register) -> None:
    switchboard = Switchboard.of(settings_for(register.database.url))
    async with await psycopg.AsyncConnection.connect(register.database.url, autocommit=True) as listener:
        await listener.execute(listen_to("hubwell_roster").encode())

        async def notified(facts: Facts) -> bool:
            await switchboard.commit(register.conn, facts)
            return len([notice async for notice in listener.notifies(timeout=5, stop_after=1)]) == 1

        made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
        assert await notified(made.facts)
        assert await notified(
            (await credentials.revoke(register.conn, made.credential_id, "lost", now())).facts
        )
        assert await notified((await credentials.restore(register.conn, made.credential_id)).facts)
        assert await notified(await persons.change(register.conn, made.person_id, name="Ada", language="it"))


@pytest.mark.parametrize(
    ("owner", "label", "why"),
    [
        (uuid4(), "", "person-gone"),
        (NewPerson("x" * 121), "", "name-too-long"),
        (NewPerson("Ada\u202eadA"), "", "name-odd"),
        (NewPerson("Ada", "tlh"), "", "language-unknown"),
        (NewPerson("Ada"), "x" * 61, "label-too-long"),
    ],
)
async def test_enrolment_that_cannot_be_is_refused(
    register: Register, owner: NewPerson, label: str, why: str
) -> None:
    with pytest.raises(DomainError) as refused:
        async with register.conn.transaction():
            await credentials.enrol(register.conn, badge(label=label), owner, now())
    assert refused.value.code == why
    assert await register.value("SELECT count(*) FROM credential") == 0
