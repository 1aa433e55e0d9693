"""Doors that were left without a tap there: their devices are told, to say "in" by themselves."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec
from uuid import UUID
from zoneinfo import ZoneInfo

import aiomqtt
import pytest

from feed.enrolled_people import answers, enrol
from feed.ingest_setup import CLOSING, device_in, one, rows, settings_for
from feed.notifications import listen_to, notify_of
from feed.simulated_device import SITE, Device
from hubwell.events import Facts, TapAnswered
from hubwell.mqtt.publisher import DevicePublisher
from hubwell.presence.actions import check_in, check_out, close_forgotten, correct_end, remove_visit
from hubwell.presence.closing_hours import Hours
from hubwell.presence.departure_notices import tell_doors
from hubwell.storage.connect import connect, connect_sync
from hubwell.switchboard import Switchboard
from hubwell.vocabulary import LONGEST_VISIT, OPEN_VISIT_IGNORED_AFTER
from hubwell_wire.commands import Answer
from hubwell_wire.parse import parse
from lanes.brokers import Mosquitto

ANNA = bytes([1]) * 16
HOURS = Hours(ZoneInfo("UTC"), CLOSING)
PATIENCE_S = 30
P = ParamSpec("P")


@pytest.fixture
def anna(url: str) -> UUID:
    return enrol(url, ANNA)


def left(door: Device, seq: int) -> TapAnswered:
    return TapAnswered(device_id=door.name, boot=door.boot, seq=seq, verdict="out", text="", language="en")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def silent(found: list[TapAnswered]) -> list[TapAnswered]:
    """Return what only devices have to know."""
    return [answer for answer in found if not answer.text]


@contextmanager
def notified(url: str) -> Iterator[list[str]]:
    """Give a list that holds, at the end, which taps the worker is notified of."""
    found: list[str] = []
    with connect_sync(url, name="worker") as worker:
        worker.execute(listen_to("hubwell_left").encode())
        yield found
        with connect_sync(url, name="test") as conn:
            conn.execute(notify_of("hubwell_left", "end").encode())
        # One generator for all: what came in the same packet would be gone with it. Open, it holds the lock.
        with closing(worker.notifies(timeout=PATIENCE_S)) as heard:
            for notice in heard:
                if notice.payload == "end":
                    return
                found.append(notice.payload)
        pytest.fail("the last notification did not come")


def numbers(url: str) -> list[str]:
    """Return the taps at readers as notifications name them, in order."""
    found = rows(url, "SELECT stream_id, seq FROM tap WHERE stream_id IS NOT NULL ORDER BY time")
    return [f"{stream} {seq}" for stream, seq in found]


def does(
    url: str,
    action: Callable[Concatenate[Any, P], Awaitable[Facts]],
    *args: P.args,
    **more: P.kwargs,
) -> None:
    async def work() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            facts = await action(conn, *args, **more)
            await Switchboard.of(settings_for(url)).commit(conn, facts)

    asyncio.run(work())


def visit_id(url: str) -> int:
    return int(one(url, "SELECT id FROM visit"))


@pytest.mark.usefixtures("anna")
def test_door_is_told_of_who_moved_on(url: str, lab: Device, den: Device, now: datetime) -> None:
    first = answers(url, lab.tap(now - minutes(5), ANNA))
    assert silent(first) == []
    moved, told = answers(url, den.tap(now, ANNA))
    assert moved.verdict == "moved"
    assert told == left(lab, 1)


@pytest.mark.usefixtures("anna")
def test_in_one_batch_the_person_at_the_door_comes_first(
    url: str, lab: Device, den: Device, now: datetime
) -> None:
    found = answers(url, lab.tap(now - minutes(5), ANNA), den.tap(now, ANNA))
    assert [answer.verdict for answer in found] == ["in", "moved", "out"]
    assert found[2] == left(lab, 1)


@pytest.mark.usefixtures("anna")
def test_late_tap_of_the_door_that_was_left(url: str, lab: Device, den: Device, now: datetime) -> None:
    """The door was cut off while the person moved on: it hears of both at once."""
    answers(url, den.tap(now, ANNA))
    assert silent(answers(url, lab.tap(now - minutes(5), ANNA))) == [left(lab, 1)]


@pytest.mark.usefixtures("anna")
def test_own_tap_needs_no_second_word(url: str, lab: Device, now: datetime) -> None:
    assert silent(answers(url, lab.tap(now - minutes(5), ANNA), lab.tap(now, ANNA))) == []


@pytest.mark.usefixtures("anna")
def test_who_went_out_by_another_door_of_the_space(url: str, lab: Device, now: datetime) -> None:
    back = device_in(url, "lab", "lab-back-pi")
    assert silent(answers(url, lab.tap(now - minutes(5), ANNA), back.tap(now, ANNA))) == [left(lab, 1)]


@pytest.mark.usefixtures("anna")
def test_who_is_there_again_is_not_told_off(url: str, lab: Device, den: Device, now: datetime) -> None:
    at = [now - minutes(8), now - minutes(4), now]
    answers(url, den.tap(at[1], ANNA))
    assert silent(answers(url, lab.tap(at[2], ANNA))) == [left(den, 1)]
    assert silent(answers(url, lab.tap(at[0], ANNA))) == []


@pytest.mark.usefixtures("anna")
def test_devices_that_have_forgotten_anyway_are_not_told(
    url: str, lab: Device, den: Device, now: datetime
) -> None:
    answers(url, lab.tap(now - OPEN_VISIT_IGNORED_AFTER - minutes(1), ANNA))
    assert silent(answers(url, den.tap(now, ANNA))) == []


@pytest.mark.parametrize("leave", ["check_out", "check_in", "correct_end", "remove_visit"])
@pytest.mark.usefixtures("den")
def test_leaving_without_a_badge_is_for_the_worker_to_tell(
    url: str, lab: Device, anna: UUID, now: datetime, leave: str
) -> None:
    answers(url, lab.tap(now - minutes(30), ANNA))
    (number,) = numbers(url)
    with notified(url) as found:
        match leave:
            case "check_out":
                does(url, check_out, anna, "lab", now, hours=HOURS)
            case "check_in":
                does(url, check_in, anna, "den", now, hours=HOURS)
            case "correct_end":
                does(url, correct_end, visit_id(url), anna, now - minutes(5), hours=HOURS)
            case _:
                does(url, remove_visit, visit_id(url), anna, hours=HOURS)
    assert found == [number]


def test_who_is_forgotten_at_closing_may_leave_late_first(
    url: str, lab: Device, anna: UUID, now: datetime
) -> None:
    came, closing = now - minutes(120), now - minutes(60)
    answers(url, lab.tap(came, ANNA))
    one(url, "UPDATE space SET closes_at = %s WHERE id = 'lab' RETURNING id", closing.time())
    (number,) = numbers(url)
    settings = settings_for(url)
    with notified(url) as early:
        does(url, close_forgotten, came + LONGEST_VISIT - minutes(1), settings)
    assert one(url, "SELECT ended_by FROM visit WHERE person_id = %s", anna) == "inferred"
    with notified(url) as told:
        does(url, close_forgotten, came + LONGEST_VISIT + minutes(1), settings)
    with notified(url) as late:
        does(url, close_forgotten, came + LONGEST_VISIT + minutes(30), settings)
    assert (early, told, late) == ([], [number], [])


@pytest.mark.broker
async def test_worker_tells_the_device(mosquitto: Mosquitto, url: str, lab: Device, now: datetime) -> None:
    person = await asyncio.to_thread(enrol, url, ANNA)
    await asyncio.to_thread(answers, url, lab.tap(now - minutes(5), ANNA))
    settings = settings_for(url, broker_url=mosquitto.url)
    link = DevicePublisher(settings)
    async with aiomqtt.Client("127.0.0.1", mosquitto.port) as door:
        await door.subscribe(f"hub/v1/{SITE}/{lab.name}/down/cmd", qos=1)
        tasks = [asyncio.create_task(link.run()), asyncio.create_task(tell_doors(settings, link))]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.to_thread(wait_for_listener, url)
                await asyncio.to_thread(does, url, check_out, person, "lab", now, hours=HOURS)
                message = await anext(aiter(door.messages))
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)
    answer = parse(message.topic.value, bytes(message.payload)).message
    assert answer == Answer(v=1, type="answer", boot=lab.boot, seq=1, verdict="out")


def wait_for_listener(url: str) -> None:
    """Return when the worker's task listens."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'hubwell-left' AND state = 'idle' AND query LIKE 'LISTEN%'"
    )
    while not one(url, query):
        time.sleep(0.05)  # nothing tells of it
