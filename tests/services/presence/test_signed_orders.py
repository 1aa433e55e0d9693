"""Signed taps in any order of arrival: counter and time are judged together, copies are always refused."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feed.enrolled_people import enrol, person_of, suspicions, verdicts, visits_of
from feed.ingest_setup import commit, device_in, one, rows, settings_for
from feed.ntag424_badge import sun_message
from feed.simulated_device import Device, Packet
from hubwell.keys import Keys
from hubwell.people import credentials
from hubwell.people.desk_taps import tap
from hubwell.presence.closing_hours import Hours
from hubwell.presence.rules import TapAt, Visit, fold_taps
from hubwell.privacy.retention import retention_hourly
from hubwell.storage.connect import connect, connect_sync
from hubwell_wire.pseudonym import pseudonym

SUN_KEY = bytes(range(16))
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
HOURS = Hours(ZoneInfo("UTC"), time(22))
SPACES = ["lab", "den"]
uids = (b"\x04" + number.to_bytes(6) for number in itertools.count(1))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(tmp_path / "keys")
    keys.put_sun_key(SUN_KEY.hex())
    keys.add_epoch()
    return keys


@pytest.fixture
def doors(url: str) -> dict[str, Device]:
    return {space: device_in(url, space) for space in SPACES}


Message = tuple[float, int, str]
"""Hour of the day, counter, space."""


class Card:
    """A new signing card of a person who is enrolled."""

    def __init__(self, url: str, keys: Keys, doors: dict[str, Device]) -> None:
        self.url, self.keys, self.doors, self.uid = url, keys, doors, next(uids)
        enrol(url, self.badge, kind="sun")

    @property
    def badge(self) -> bytes:
        return bytes.fromhex(pseudonym(self.uid, self.keys.newest_epoch()))

    def packet(self, message: Message) -> Packet:
        hour, counter, space = message
        data = {"reader": "door", "epoch": 1, "sun": sun_message(self.uid, counter, SUN_KEY)}
        return self.doors[space].event(DAY + timedelta(hours=hour), "tap", data)

    def arrive(self, messages: Sequence[Message]) -> None:
        """Let messages arrive in this order, each in a batch of its own."""
        commit(
            self.url,
            *[[self.packet(message)] for message in messages],
            unknown_badges="refuse",
            closing_time=time(22),
            keys_dir=self.keys.folder,
        )

    @property
    def visits(self) -> list[Visit]:
        return visits_of(self.url, person_of(self.url, self.badge))

    @property
    def questions(self) -> set[tuple[str, datetime]]:
        query = """SELECT s.kind, s.at FROM suspicion s JOIN credential_pseudonym p USING (credential_id)
                   WHERE p.badge = %s"""
        return {(kind, when) for kind, when in rows(self.url, query, self.badge)}


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def test_honest_taps_count_in_all_six_orders(url: str, keys: Keys, doors: dict[str, Device]) -> None:
    messages: list[Message] = [(7, 10, "lab"), (8, 11, "lab"), (8.5, 12, "lab")]
    for order in itertools.permutations(messages):
        card = Card(url, keys, doors)
        card.arrive(order)
        assert card.visits == [
            Visit("lab", at(7), at(8), "tap"),
            Visit("lab", at(8.5), at(20.5), "inferred"),
        ], order
    assert suspicions(url) == []


@pytest.mark.parametrize("copied", [11, 10], ids=["same message", "older message"])
def test_copy_is_refused_in_every_order(url: str, keys: Keys, doors: dict[str, Device], copied: int) -> None:
    """The copy is presented at 9, after the card had reached counter 11 at 8."""
    messages: list[Message] = [(7, 10, "lab"), (8, 11, "lab"), (9, copied, "den")]
    for order in itertools.permutations(messages):
        card = Card(url, keys, doors)
        card.arrive(order)
        assert card.visits == [Visit("lab", at(7), at(8), "tap")], order
        assert card.questions == {("counter-replayed", at(9))}, order


def expected(messages: Sequence[Message]) -> list[Visit]:
    """Return the visits of those messages that no earlier one has the counter of, or a higher one."""
    genuine = [m for m in messages if not any(other[0] < m[0] and other[1] >= m[1] for other in messages)]
    taps = [TapAt(at(hour), space) for hour, _, space in genuine]
    return fold_taps(taps, datetime.now(UTC), HOURS).visits


MESSAGES = st.lists(
    st.tuples(st.integers(24, 80).map(lambda n: n / 4), st.integers(1, 6), st.sampled_from(SPACES)),
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES, data=st.data())
@example(messages=[(7, 10, "lab"), (8, 11, "lab"), (8.5, 12, "lab")], data=None)
@example(messages=[(9, 5, "lab"), (10, 6, "lab"), (8, 6, "den")], data=None)  # the last one exposes both
@example(messages=[(9, 5, "lab"), (9, 5, "den"), (9, 6, "lab")], data=None)
def test_visits_are_a_function_of_the_messages(
    url: str, keys: Keys, doors: dict[str, Device], messages: list[Message], data: st.DataObject | None
) -> None:
    order = messages if data is None else data.draw(st.permutations(messages))
    card = Card(url, keys, doors)
    card.arrive(order)
    assert card.visits == expected(messages)


def test_copy_that_was_let_in_is_out_as_soon_as_it_is_exposed(
    url: str, keys: Keys, doors: dict[str, Device]
) -> None:
    """The honest tap comes late, from a device that was offline, and at a kiosk: no door folds it."""
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES ('lab-pi', 'door', 'kiosk')")
    card = Card(url, keys, doors)
    card.arrive([(9, 4, "den")])
    assert [visit.space_id for visit in card.visits] == ["den"]
    card.arrive([(8, 4, "lab")])
    assert card.visits == []
    assert card.questions == {("counter-replayed", at(9))}


def test_message_of_the_desk_is_no_key_afterwards(url: str, keys: Keys, doors: dict[str, Device]) -> None:
    """A card is enrolled by the message that it showed at the desk: a copy of it opens nothing."""
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES ('lab-pi', 'door', 'desk')")
    now, uid = datetime.now(UTC), next(uids)
    sun = {"reader": "door", "epoch": 1, "sun": sun_message(uid, 7, SUN_KEY)}
    assert verdicts(url, doors["lab"].event(now, "tap", sun), keys_dir=keys.folder) == ["desk"]

    async def enrol_it() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            held = await tap(conn, one(url, "SELECT id FROM desk_tap"), datetime.now(UTC))
            await credentials.enrol(conn, held.as_badge(), credentials.NewPerson("Ada"), datetime.now(UTC))

    asyncio.run(enrol_it())
    copy = doors["den"].event(datetime.now(UTC), "tap", sun)
    assert verdicts(url, copy, keys_dir=keys.folder) == ["refused"]


def test_retention_keeps_what_exposes_copies(url: str, keys: Keys, doors: dict[str, Device]) -> None:
    """Of counters that are past their term the highest stays: an old message cannot be used again."""
    card = Card(url, keys, doors)
    card.arrive([(7, 10, "lab"), (8, 11, "lab"), (9, 12, "lab")])

    async def after_a_week() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            await retention_hourly(conn, datetime.now(UTC) + timedelta(days=7), settings_for(url))

    asyncio.run(after_a_week())
    assert rows(url, "SELECT counter FROM signed_message") == [(12,)]
    card.arrive([(10, 11, "den")])
    assert [kind for kind, _ in card.questions] == ["counter-replayed"]
