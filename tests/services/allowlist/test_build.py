"""What a device's list holds, and that nobody else can make one."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from hubwell.allowlist.build import REVOKED_SHOWN, HubContext, Texts, erasures, read, roster
from hubwell.allowlist.sign import seal
from hubwell.people import credentials
from hubwell.people.credentials import NewPerson
from hubwell.presence.reader_messages import crowded_for_roster, texts_for_roster
from hubwell_wire.commands import Roster, RosterSpace
from lanes.database_lane import Database
from services.people.people_register import Register, badge, now, opened

HOUSE = HubContext("hub", Texts(texts_for_roster(), crowded_for_roster()), "refuse", "fi")


@pytest.fixture
async def register(database: Database) -> AsyncIterator[Register]:
    """Give a register with one device that has a reader."""
    async with opened(database) as register:
        await register.device("door-1", '{"readers": [{"name": "door"}]}')
        yield register


async def test_list_has_enrolled_badges_of_epochs_with_a_key(register: Register) -> None:
    old, new, counted = badge(epoch=1), badge(epoch=2), badge(epoch=2)
    made = await credentials.enrol(register.conn, old, NewPerson("Ada", "it"), now())
    await credentials.enrol(register.conn, new, made.person_id, now())
    await register.counted(counted)

    both = await read(register.conn, [1, 2], now())
    newest = await read(register.conn, [2], now())

    assert {key: value.lang for key, value in both.badges.items()} == {
        old.pseudonym.hex(): "it",
        new.pseudonym.hex(): "it",
    }
    assert set(newest.badges) == {new.pseudonym.hex()}
    assert (await read(register.conn, [], now())).badges == {}


@pytest.mark.parametrize(
    ("meta", "purposes", "badges"),
    [
        ('{"readers": [{"name": "a"}]}', {"a": "kiosk"}, 0),
        ('{"readers": [{"name": "a"}, {"name": "b"}]}', {"a": "kiosk", "b": "desk"}, 0),
        ('{"readers": [{"name": "a"}, {"name": "b"}]}', {"a": "kiosk"}, 1),
        ("{}", {"a": "kiosk"}, 0),
        ("{}", {"a": "kiosk", "b": "space"}, 1),
    ],
)
async def test_device_without_a_door_gets_no_badges(
    register: Register, meta: str, purposes: dict[str, str], badges: int
) -> None:
    await register.device("hall-1", meta)
    for name, purpose in purposes.items():
        await register.conn.execute("INSERT INTO reader VALUES ('hall-1', %s, %s)", (name, purpose))
    await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    made = roster(await read(register.conn, [1], now()), "hall-1", HOUSE)
    assert len(made.badges) == badges
    assert {name: one.purpose for name, one in made.readers.items()} == {
        name: purpose for name, purpose in purposes.items() if purpose != "space"
    }


async def test_revoked_badge_is_told_apart_for_ninety_days(register: Register) -> None:
    held = badge()
    made = await credentials.enrol(register.conn, held, NewPerson("Ada"), now() - timedelta(days=200))
    at = now()
    await credentials.revoke(register.conn, made.credential_id, "lost", at)

    day = timedelta(days=1)
    soon = await read(register.conn, [1], at + REVOKED_SHOWN - day)
    later = await read(register.conn, [1], at + REVOKED_SHOWN + day)

    assert soon.badges[held.pseudonym.hex()].revoked
    assert later.badges == {}


async def test_lists_are_for_devices_with_readers(register: Register) -> None:
    await register.device("sensor-1", '{"sensors": [{"s": "a/co2", "u": "ppm"}]}')
    await register.device("desk-1")
    await register.conn.execute(
        "INSERT INTO reader VALUES ('desk-1', 'desk', 'desk'), ('door-1', 'door', 'space')"
    )

    found = await read(register.conn, [1], now())

    assert found.readers == {"desk-1": {"desk": "desk"}, "door-1": {"door": "space"}}
    assert {name: one.purpose for name, one in roster(found, "desk-1", HOUSE).readers.items()} == {
        "desk": "desk"
    }
    assert roster(found, "door-1", HOUSE).readers == {}


async def test_list_says_what_a_door_does_when_its_space_is_full(register: Register) -> None:
    await register.conn.execute(
        "INSERT INTO space (id, name, kind, zone, capacity, when_full) "
        "VALUES ('lab', 'Lab', 'workshop', 'East', 3, 'refuse')"
    )
    assert roster(await read(register.conn, [1], now()), "door-1", HOUSE).space is None

    await register.conn.execute("UPDATE device SET space_id = 'lab' WHERE id = 'door-1'")
    made = roster(await read(register.conn, [1], now()), "door-1", HOUSE)

    assert made.space == RosterSpace(id="lab", zone="East", capacity=3, when_full="refuse")
    assert set(made.crowded) == set(made.texts)


async def test_list_holds_no_names(register: Register) -> None:
    await credentials.enrol(register.conn, badge(label="blue tag"), NewPerson("Maija Mehiläinen"), now())

    text = roster(await read(register.conn, [1], now()), "door-1", HOUSE).encode().decode()

    assert "Maija" not in text
    assert "blue tag" not in text


async def test_signed_list_is_read_back_and_a_changed_one_is_not_believed(register: Register) -> None:
    await credentials.enrol(register.conn, badge(), NewPerson("Ada"), now())
    made = roster(await read(register.conn, [1], now()), "door-1", HOUSE)
    key = SigningKey.generate()

    sealed = seal(made, key)

    key.verify_key.verify(sealed.body.encode(), bytes.fromhex(sealed.sig))
    read_back = Roster.model_validate_json(sealed.body)
    assert read_back.model_copy(update={"at": made.at}) == made
    with pytest.raises(BadSignatureError):
        key.verify_key.verify(sealed.body.replace("refuse", "count").encode(), bytes.fromhex(sealed.sig))


async def test_erasures_come_in_messages_of_a_thousand_until_they_are_over(register: Register) -> None:
    await register.conn.execute(
        "INSERT INTO erased "
        "SELECT decode(md5(n::text), 'hex'), sha256(n::text::bytea), now() + interval '1 day' "
        "FROM generate_series(1, 1500) n"
    )
    at = now()

    assert [len(message.badges) for message in await erasures(register.conn, at)] == [1000, 500]
    assert await erasures(register.conn, at + timedelta(days=2)) == []
