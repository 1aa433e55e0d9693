"""Taps that come late or in another order, from a door's messages to what the person reads on My visits."""

import asyncio
import itertools
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in
from feed.ntag424_badge import sun_message
from hubwell.keys import Keys
from hubwell_wire.pseudonym import pseudonym
from services.access.running_app import House

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
SUN_KEY = bytes(range(16))
Seen = tuple[str, str | None, str | None]


def at(text: str) -> datetime:
    return DAY + timedelta(hours=int(text[:2]), minutes=int(text[3:]))


async def seen(house: House, person: UUID) -> list[Seen]:
    """Return what the person takes along: begin, end and how it ended of each visit, in UTC."""
    answer = await (await house.with_code(person)).get("/me/export.json")
    visits: list[dict[str, Any]] = answer.json()["visits"]

    def clock(moment: str | None) -> str | None:
        return None if moment is None else f"{datetime.fromisoformat(moment).astimezone(UTC):%H:%M}"

    found = [(clock(visit["start"]) or "", clock(visit["end"]), visit["ended_by"]) for visit in visits]
    return sorted(found)


async def test_leaver_after_closing_reads_one_visit(house: House) -> None:
    url, badge = house.database.url, bytes([7]) * 16
    person = await asyncio.to_thread(enrol, url, badge)
    lab = await asyncio.to_thread(device_in, url, "lab")
    taps = [[lab.tap(at(clock), badge)] for clock in ("13:00", "18:05")]
    await asyncio.to_thread(commit, url, *taps, closing_time=time(17, 30))
    assert await seen(house, person) == [("13:00", "18:05", "tap")]


async def test_card_that_signs_gives_the_same_visits_in_all_six_orders(house: House, tmp_path: Path) -> None:
    url = house.database.url
    keys = Keys(tmp_path / "keys")
    keys.put_sun_key(SUN_KEY.hex())
    keys.add_epoch()
    lab = await asyncio.to_thread(device_in, url, "lab")
    presented = [("07:00", 10), ("08:00", 11), ("08:30", 12)]
    for number, order in enumerate(itertools.permutations(presented)):
        uid = b"\x04" + bytes([number + 1]) * 6
        badge = bytes.fromhex(pseudonym(uid, keys.newest_epoch()))
        person = await asyncio.to_thread(enrol, url, badge, kind="sun")
        messages = [
            {"reader": "door", "epoch": 1, "sun": sun_message(uid, counter, SUN_KEY)} for _, counter in order
        ]
        packets = [
            [lab.event(at(clock), "tap", data)] for (clock, _), data in zip(order, messages, strict=True)
        ]
        values = {"closing_time": time(22), "unknown_badges": "refuse", "keys_dir": keys.folder}
        await asyncio.to_thread(commit, url, *packets, **values)
        expected: list[Seen] = [("07:00", "08:00", "tap"), ("08:30", "20:30", "inferred")]
        assert await seen(house, person) == expected, order
