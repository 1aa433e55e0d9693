"""Find, rename and merge people; who is on site; questions about badges."""

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from hubwell.access.principal import Principal
from hubwell.errors import DomainError
from hubwell.people import credentials, persons
from hubwell.people.credentials import NewPerson
from hubwell.presence import actions as presence
from hubwell.presence import suspicions
from hubwell.presence.closing_hours import Hours
from hubwell.settings import Settings
from hubwell.workflows import people
from services.people.people_register import Register, badge, now

ZONE = ZoneInfo("Europe/Helsinki")
HOURS = Hours(
    ZONE, (now() + timedelta(hours=12)).astimezone(ZONE).time().replace(minute=0, second=0, microsecond=0)
)
"""The hub closes half a day away, so that nobody's visit of this morning ends by the clock."""


async def merge(register: Register, keep: UUID, drop: UUID) -> None:
    settings = Settings(_env_file=None, zone=ZONE.key, closing_time=HOURS.hub)
    await people.merge(register.conn, Principal(actor="cli"), settings, keep=keep, drop=drop)


async def entered(register: Register, name: str = "Ada") -> UUID:
    return (await credentials.enrol(register.conn, badge(), NewPerson(name), now())).person_id


async def test_search_needs_two_letters_and_gives_twenty_people_at_most(register: Register) -> None:
    for number in range(25):
        await entered(register, f"Person {number:02}")

    assert await persons.find(register.conn, "p") == []
    assert await persons.find(register.conn, " p ") == []
    assert len(await persons.find(register.conn, "pe")) == 20
    assert [one.name for one in await persons.find(register.conn, "on 24")] == ["Person 24"]


@pytest.mark.parametrize("text", ["%%", "__", "\\\\", "a%", "\x00\x00", "' OR true --"])
async def test_search_takes_signs_literally(register: Register, text: str) -> None:
    await entered(register, "Ada Lovelace")
    assert await persons.find(register.conn, text) == []


async def test_text_that_is_too_long_is_neither_composed_nor_looked_for(register: Register) -> None:
    long = "e\u0301" * 60 + " " * 2000  # a name of 60 letters, once it is composed
    await entered(register, "e\u0301" * 60)

    assert await persons.find(register.conn, long) == []
    with pytest.raises(DomainError, match="120"):
        await entered(register, long)


async def test_search_puts_the_beginning_of_a_name_first(register: Register) -> None:
    for name in ("Johanna", "Anna", "Susanna"):
        await entered(register, name)
    assert [one.name for one in await persons.find(register.conn, "ANN")] == ["Anna", "Johanna", "Susanna"]


async def test_who_loses_the_name_is_not_shown_as_on_site(register: Register) -> None:
    person = await entered(register)
    await register.conn.execute("UPDATE person SET shown_on_site = true, shown_as = 'mentor'")

    await persons.change(register.conn, person, name="", language=None)

    assert not (await persons.person(register.conn, person)).shown_on_site


async def test_on_site_are_those_who_chose_it_and_are_in(register: Register) -> None:
    space = await register.space("wood")
    shown, quiet, gone = [await entered(register, name) for name in ("Ada", "Bea", "Cleo")]
    await register.conn.execute(
        "UPDATE person SET shown_on_site = true, shown_as = 'mentor' WHERE name IN ('Ada', 'Cleo')"
    )
    for person in (shown, quiet):
        await register.visit(person, space, now() - timedelta(hours=1))
    await register.visit(gone, space, now() - timedelta(hours=2), now() - timedelta(hours=1))

    assert [(one.name, one.shown_as) for one in await persons.on_site(register.conn, now())] == [
        ("Ada", "mentor")
    ]


async def test_merged_person_has_the_badges_taps_and_visits_of_both(register: Register) -> None:
    wood, metal = await register.space("wood"), await register.space("metal")
    keep, drop = await entered(register, ""), await entered(register, "Ada")
    old = now() - timedelta(days=40)
    await register.visit(drop, wood, old, old + timedelta(hours=1))
    morning = now() - timedelta(hours=3)
    await presence.check_in(register.conn, keep, wood, morning, hours=HOURS)
    await presence.check_in(register.conn, drop, metal, morning + timedelta(hours=1), hours=HOURS)

    async with register.conn.transaction():
        await merge(register, keep, drop)

    assert await register.value("SELECT count(*) FROM tap WHERE person_id = %s", keep) == 2
    assert (await persons.person(register.conn, keep)).name == "Ada"
    with pytest.raises(DomainError):
        await persons.person(register.conn, drop)
    assert len(await credentials.credentials_of(register.conn, keep)) == 2
    visits = await (
        await register.conn.execute(
            "SELECT space_id, lower(during), upper(during), ended_by, person_id FROM visit ORDER BY during"
        )
    ).fetchall()
    assert visits == [
        ("wood", old, old + timedelta(hours=1), "tap", keep),
        ("wood", morning, morning + timedelta(hours=1), "moved", keep),
        ("metal", morning + timedelta(hours=1), None, None, keep),
    ]


async def test_merging_moves_the_account(register: Register) -> None:
    keep, drop = await entered(register), await entered(register)
    await register.conn.execute("INSERT INTO account (login, person_id) VALUES ('ada', %s)", (drop,))

    await merge(register, keep, drop)

    assert await register.value("SELECT person_id FROM account") == keep


async def test_person_is_not_merged_with_themselves_nor_with_nobody(register: Register) -> None:
    person = await entered(register)
    held = badge()
    counted = await register.counted(held)

    with pytest.raises(DomainError, match="same entry"):
        await merge(register, person, person)
    with pytest.raises(DomainError, match="no such person"):
        await merge(register, person, counted)


async def test_questions_name_nobody_who_was_only_counted_and_no_places(register: Register) -> None:
    space = await register.space("wood")
    made = await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    await register.counted(badge())
    await register.conn.execute(
        "INSERT INTO suspicion (credential_id, kind, at, space_id, other_space_id) "
        "SELECT id, 'two-places', now(), %s, %s FROM credential",
        (space, space),
    )

    (question,) = await suspicions.open_suspicions(register.conn)

    assert (question.kind, question.name, question.credential_id) == ("two-places", "Ada", made.credential_id)
    assert not {"space_id", "other_space_id"} & set(type(question).__slots__)
    assert await suspicions.resolve(register.conn, question.id, now()) == made.credential_id
    assert await suspicions.resolve(register.conn, question.id, now()) is None
    assert await suspicions.open_suspicions(register.conn) == []


def test_name_is_stored_in_one_spelling() -> None:
    assert persons.clean_name(" A\u030aland  \t Island ") == "Åland Island"
