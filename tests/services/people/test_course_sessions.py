"""Sessions and their rolls: who sees what, for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from hubwell.errors import DomainError
from hubwell.people import course_sessions, credentials
from hubwell.people.course_sessions import Plan
from hubwell.people.credentials import NewPerson
from services.people.people_register import Register, badge, now

OWNER = uuid4()


def plan(**values: object) -> Plan:
    start = now() - timedelta(minutes=30)
    made = Plan(
        title="Turning", purpose="Certificates", space_id="wood", start=start, end=start + timedelta(hours=2)
    )
    return replace(made, **values)  # type: ignore[arg-type] # by name


async def entered(register: Register, name: str) -> UUID:
    return (await credentials.enrol(register.conn, badge(), NewPerson(name), now())).person_id


async def test_roll_has_who_was_there_in_that_space_and_time_each_once(register: Register) -> None:
    wood, metal = await register.space("wood"), await register.space("metal")
    at = plan()
    there, twice, before, elsewhere, nameless = [
        await entered(register, name) for name in ("Ada", "Bea", "Cleo", "Dora", "")
    ]
    minute = timedelta(minutes=1)
    await register.visit(there, wood, at.start - minute)
    await register.visit(twice, wood, at.start, at.start + 5 * minute)
    await register.visit(twice, wood, at.start + 10 * minute)
    await register.visit(before, wood, at.start - 60 * minute, at.start)
    await register.visit(elsewhere, metal, at.start)
    await register.visit(nameless, wood, at.start + minute)
    made = await course_sessions.add(register.conn, OWNER, at, now())

    found = await course_sessions.session(register.conn, made, OWNER, now())
    assert found is not None
    roll = await course_sessions.roll(register.conn, found, at.end)

    assert (roll.names, roll.nameless, roll.people) == (["Ada", "Bea"], 1, 3)


async def test_session_is_its_owners_and_only_until_its_roll_ends(register: Register) -> None:
    await register.space("wood")
    at = plan(kept_days=3)
    made = await course_sessions.add(register.conn, OWNER, at, now())
    last = at.end + timedelta(days=3)

    assert await course_sessions.session(register.conn, made, uuid4(), now()) is None
    assert await course_sessions.session(register.conn, made, OWNER, last - timedelta(seconds=1)) is not None
    assert await course_sessions.session(register.conn, made, OWNER, last) is None
    assert await course_sessions.sessions_of(register.conn, OWNER, last) == []
    assert len(await course_sessions.sessions_of(register.conn, OWNER, now())) == 1


async def test_roll_opens_when_the_session_ends_so_that_it_is_no_look_into_the_room(
    register: Register,
) -> None:
    wood = await register.space("wood")
    await register.visit(await entered(register, "Ada"), wood, now() - timedelta(hours=1))
    at = plan()
    made = await course_sessions.add(register.conn, OWNER, at, now())
    found = await course_sessions.session(register.conn, made, OWNER, now())
    assert found is not None

    for early in (at.start - timedelta(hours=1), now(), at.end - timedelta(seconds=1)):
        with pytest.raises(DomainError) as refused:
            await course_sessions.roll(register.conn, found, early)
        assert refused.value.code == "roll-not-yet"
    assert (await course_sessions.roll(register.conn, found, at.end)).names == ["Ada"]


async def test_place_to_rest_has_no_roll_also_where_it_became_one_later(register: Register) -> None:
    await register.space("wood")
    await register.conn.execute(
        "INSERT INTO space (id, name, kind, capacity) VALUES ('quiet', 'Quiet', 'relaxation', 4)"
    )
    at = plan()
    with pytest.raises(DomainError) as refused:
        await course_sessions.add(register.conn, OWNER, plan(space_id="quiet"), now())
    made = await course_sessions.add(register.conn, OWNER, at, now())
    await register.conn.execute("UPDATE space SET kind = 'relaxation' WHERE id = 'wood'")
    found = await course_sessions.session(register.conn, made, OWNER, now())
    assert found is not None

    with pytest.raises(DomainError) as never:
        await course_sessions.roll(register.conn, found, at.end)

    assert (refused.value.code, never.value.code) == ("session-in-relaxation", "roll-never")
    assert await course_sessions.spaces(register.conn) == []


async def test_all_that_is_wrong_with_a_session_is_said_at_once(register: Register) -> None:
    await register.space("wood")
    at = plan(title="", purpose="", kept_days=0)

    with pytest.raises(DomainError) as refused:
        await course_sessions.add(register.conn, OWNER, replace(at, end=at.start), now())

    found = {each.field: each.code for each in (refused.value, *refused.value.also)}
    assert found == {
        "title": "title-missing",
        "purpose": "purpose-missing",
        "end": "session-ends-before-it-begins",
        "days": "roll-too-short",
    }


async def test_owner_deletes_a_session_and_nobody_else(register: Register) -> None:
    await register.space("wood")
    made = await course_sessions.add(register.conn, OWNER, plan(), now())

    assert not await course_sessions.delete(register.conn, made, uuid4())
    assert await course_sessions.delete(register.conn, made, OWNER)
    assert not await course_sessions.delete(register.conn, made, OWNER)


async def test_ones_own_sessions_cannot_overlap_so_that_nobody_keeps_a_standing_list(
    register: Register,
) -> None:
    await register.space("wood")
    await register.space("metal")
    await course_sessions.add(register.conn, OWNER, plan(), now())

    with pytest.raises(DomainError) as refused:
        await course_sessions.add(register.conn, OWNER, plan(space_id="metal"), now())
    assert (refused.value.code, refused.value.params) == ("overlaps", {"title": "Turning"})
    await course_sessions.add(register.conn, uuid4(), plan(), now())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"title": "  "}, "title-missing"),
        ({"title": "x" * 121}, "title-too-long"),
        ({"purpose": ""}, "purpose-missing"),
        ({"purpose": "x" * 301}, "purpose-too-long"),
        ({"space_id": "no-such-space"}, "space-unknown"),
        ({"space_id": "office"}, "space-unknown"),
        ({"end": None}, "session-ends-before-it-begins"),
        ({"end": timedelta(hours=8, seconds=1)}, "session-too-long"),
        ({"start": timedelta(hours=-1, seconds=-1)}, "long-ago"),
        ({"kept_days": 0}, "roll-too-short"),
        ({"kept_days": 31}, "roll-too-long"),
    ],
)
async def test_session_that_cannot_be_is_refused(
    register: Register, change: dict[str, object], why: str
) -> None:
    await register.space("wood")
    await register.space("office", personal=True)
    at = plan()
    if "end" in change:
        change = {"end": at.start + change["end"] if isinstance(change["end"], timedelta) else at.start}
    if isinstance(change.get("start"), timedelta):
        change = {"start": now() + timedelta(hours=-1, seconds=-1)}

    with pytest.raises(DomainError) as refused:
        await course_sessions.add(register.conn, OWNER, replace(at, **change), now())  # type: ignore[arg-type] # by name

    assert refused.value.code == why


@pytest.mark.parametrize("start", [now() + timedelta(days=731), datetime(9999, 12, 31, 22, tzinfo=UTC)])
async def test_session_far_ahead_is_refused(register: Register, start: datetime) -> None:
    await register.space("wood")
    far = replace(plan(), start=start, end=start + timedelta(hours=1))

    with pytest.raises(DomainError) as refused:
        await course_sessions.add(register.conn, OWNER, far, now())

    assert (refused.value.code, refused.value.params) == ("session-far-ahead", {"most": 730})


async def test_one_persons_own_room_is_not_offered(register: Register) -> None:
    await register.space("wood")
    await register.space("office", personal=True)

    assert [row[0] for row in await course_sessions.spaces(register.conn)] == ["wood"]
    assert [row[0] for row in await course_sessions.spaces(register.conn, for_sessions=False)] == [
        "office",
        "wood",
    ]
