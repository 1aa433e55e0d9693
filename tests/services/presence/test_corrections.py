"""What staff and people say of visits: checked in at the desk, "I left at 14:20", removed, merged."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from feed.enrolled_people import enrol, visits_of
from feed.ingest_setup import CLOSING, commit, one, rows, settings_for
from feed.notifications import listen_to
from feed.simulated_device import Device
from hubwell.errors import DomainError
from hubwell.events import Facts
from hubwell.presence.actions import check_in, check_out, correct_end, refold_person, remove_visit
from hubwell.presence.closing_hours import Hours
from hubwell.presence.rules import Visit
from hubwell.storage.connect import connect, connect_sync
from hubwell.switchboard import Switchboard

ANNA, BEN = bytes([1]) * 16, bytes([2]) * 16
HOURS = Hours(ZoneInfo("UTC"), CLOSING)
P = ParamSpec("P")


@pytest.fixture
def anna(url: str) -> UUID:
    return enrol(url, ANNA)


def does(
    url: str,
    action: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[Facts]],
    *args: P.args,
    **more: P.kwargs,
) -> None:
    """Let an action happen in a transaction of its own."""

    async def work() -> None:
        async with await connect(url, name="test") as conn, conn.transaction():
            facts = await action(conn, *args, **more)
            await Switchboard.of(settings_for(url)).commit(conn, facts)

    asyncio.run(work())


def why(url: str, action: Any, *args: Any) -> str:
    """Let an action be refused; return the code of the refusal."""
    with pytest.raises(DomainError) as refused:
        does(url, action, *args, hours=HOURS)
    return refused.value.code


def visit_id(url: str, space: str = "lab") -> int:
    return int(one(url, "SELECT id FROM visit WHERE space_id = %s ORDER BY during DESC LIMIT 1", space))


def forget_taps(url: str) -> None:
    with connect_sync(url, name="test") as conn:
        conn.execute("DELETE FROM tap")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.usefixtures("lab", "den")
def test_checked_in_and_out_at_the_desk(url: str, anna: UUID, now: datetime) -> None:
    begin = now - minutes(60)
    does(url, check_in, anna, "lab", begin, hours=HOURS)
    assert visits_of(url, anna) == [Visit("lab", begin, None, None)]
    does(url, check_in, anna, "lab", begin + minutes(5), hours=HOURS)
    does(url, check_out, anna, "den", begin + minutes(6), hours=HOURS)
    assert visits_of(url, anna) == [Visit("lab", begin, None, None)], (
        "in is in, and nobody leaves from elsewhere"
    )
    does(url, check_in, anna, "den", begin + minutes(10), hours=HOURS)
    does(url, check_out, anna, "den", begin + minutes(20), hours=HOURS)
    assert visits_of(url, anna) == [
        Visit("lab", begin, begin + minutes(10), "moved"),
        Visit("den", begin + minutes(10), begin + minutes(20), "tap"),
    ]
    assert rows(url, "SELECT DISTINCT source FROM tap") == [("desk",)]


def test_desk_and_badge_go_together(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    """Checked in at the desk, out with the badge; the badge's tap is told late."""
    begin = now - minutes(60)
    does(url, check_in, anna, "lab", begin, hours=HOURS)
    does(url, check_in, anna, "lab", now - minutes(10), hours=HOURS)
    commit(url, [lab.tap(begin + minutes(30), ANNA)])
    assert visits_of(url, anna) == [
        Visit("lab", begin, begin + minutes(30), "tap"),
        Visit("lab", now - minutes(10), None, None),
    ]


@pytest.mark.usefixtures("lab")
def test_board_hears_of_it(url: str, anna: UUID, now: datetime) -> None:
    with connect_sync(url, name="board") as board:
        board.execute(listen_to("hubwell_change").encode())
        does(url, check_in, anna, "lab", now, hours=HOURS)
        (notice,) = board.notifies(timeout=5, stop_after=1)
    assert notice.payload == '{"spaces": ["lab"]}'


@pytest.mark.usefixtures("lab")
def test_refused_check_ins(url: str, anna: UUID, now: datetime) -> None:
    assert why(url, check_in, anna, "lab", now + minutes(5)) == "in-the-future"
    assert why(url, check_in, anna, "nowhere", now) == "space-unknown"
    assert why(url, check_in, uuid4(), "lab", now) == "person-gone"
    assert rows(url, "SELECT FROM tap") == []


def tapped(url: str, device: Device, *times: datetime) -> None:
    commit(url, [device.tap(at, ANNA) for at in times])


@pytest.mark.parametrize("left", [10, 50])
@pytest.mark.parametrize("taps_kept", [True, False])
def test_corrected_end(
    url: str,
    lab: Device,
    anna: UUID,
    now: datetime,
    left: int,
    taps_kept: bool,  # noqa: FBT001 - a case
) -> None:
    """Earlier and later than the tap that ended it; as a tap, or in the visit itself where taps are gone."""
    begin = now - minutes(60)
    tapped(
        url,
        lab,
        begin,
        begin + minutes(30),
        begin
        + minutes(
            30,
        )
        + timedelta(seconds=3),
    )
    if not taps_kept:
        forget_taps(url)
    does(url, correct_end, visit_id(url), anna, begin + minutes(left), hours=HOURS)
    wanted = [Visit("lab", begin, begin + minutes(left), "corrected")]
    assert visits_of(url, anna) == wanted
    does(url, refold_person, anna, hours=HOURS)
    assert visits_of(url, anna) == wanted, "a fold keeps it"
    tapped(url, lab, now)
    assert visits_of(url, anna) == [*wanted, Visit("lab", now, None, None)]


def test_visit_that_lasts_is_ended_by_what_the_person_says(
    url: str, lab: Device, anna: UUID, now: datetime
) -> None:
    begin = now - minutes(60)
    tapped(url, lab, begin)
    number = visit_id(url)
    does(url, correct_end, number, anna, begin + minutes(20), hours=HOURS)
    does(url, correct_end, number, anna, begin + minutes(25), hours=HOURS)
    assert visits_of(url, anna) == [Visit("lab", begin, begin + minutes(25), "corrected")]


def test_inferred_end_is_corrected_past_closing(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    begin = now - minutes(300)
    closed = {"closing_time": (begin + minutes(60)).time()}
    commit(url, [lab.tap(begin, ANNA)], **closed)
    hours = Hours(ZoneInfo("UTC"), closed["closing_time"])
    assert visits_of(url, anna) == [Visit("lab", begin, begin + minutes(60), "inferred")]
    does(url, correct_end, visit_id(url), anna, begin + minutes(150), hours=hours)
    assert visits_of(url, anna) == [Visit("lab", begin, begin + minutes(150), "corrected")]


def test_corrected_end_of_somebody_who_moved(
    url: str, lab: Device, den: Device, anna: UUID, now: datetime
) -> None:
    begin = now - minutes(60)
    tapped(url, lab, begin)
    tapped(url, den, begin + minutes(30))
    assert why(url, correct_end, visit_id(url), anna, begin + minutes(31)) == "next-visit-began"
    does(url, correct_end, visit_id(url), anna, begin + minutes(12), hours=HOURS)
    assert visits_of(url, anna) == [
        Visit("lab", begin, begin + minutes(12), "corrected"),
        Visit("den", begin + minutes(30), None, None),
    ]


def test_refused_corrections_change_nothing(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    begin = now - minutes(60)
    tapped(url, lab, begin, begin + minutes(30))
    number, before = visit_id(url), visits_of(url, anna)
    other = enrol(url, BEN)
    assert why(url, correct_end, number, anna, begin) == "visit-ends-before-it-begins"
    assert why(url, correct_end, number, anna, now + minutes(1)) == "in-the-future"
    assert why(url, correct_end, number, other, begin + minutes(10)) == "visit-gone"
    assert why(url, correct_end, number + 1, anna, begin + minutes(10)) == "visit-gone"
    assert why(url, remove_visit, number, other) == "visit-gone"
    assert why(url, remove_visit, number, uuid4()) == "person-gone"
    assert visits_of(url, anna) == before


def test_correction_of_more_than_half_a_day(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    tapped(url, lab, now - minutes(13 * 60))
    assert why(url, correct_end, visit_id(url), anna, now) == "visit-too-long"


@pytest.mark.parametrize("taps_kept", [True, False])
def test_removed_visit_leaves_the_others(
    url: str,
    lab: Device,
    den: Device,
    anna: UUID,
    now: datetime,
    taps_kept: bool,  # noqa: FBT001 - a case
) -> None:
    """The middle one of three: the one before does not grow into its time."""
    begin = now - minutes(60)
    tapped(url, lab, begin)
    tapped(url, den, begin + minutes(10))
    tapped(url, lab, begin + minutes(20), begin + minutes(30))
    if not taps_kept:
        forget_taps(url)
    does(url, remove_visit, visit_id(url, "den"), anna, hours=HOURS)
    does(url, refold_person, anna, hours=HOURS)
    assert visits_of(url, anna) == [
        Visit("lab", begin, begin + minutes(10), "corrected" if taps_kept else "moved"),
        Visit("lab", begin + minutes(20), begin + minutes(30), "tap"),
    ]


def test_removed_visit_does_not_come_back(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    begin = now - minutes(60)
    seconds = timedelta(seconds=3)
    tapped(url, lab, begin, begin + seconds, begin + minutes(10), begin + minutes(10) + seconds)
    does(url, remove_visit, visit_id(url), anna, hours=HOURS)
    assert visits_of(url, anna) == []
    assert rows(url, "SELECT FROM tap") == []
    tapped(url, lab, now)
    assert visits_of(url, anna) == [Visit("lab", now, None, None)]


def test_open_visit_is_removed(url: str, lab: Device, anna: UUID, now: datetime) -> None:
    tapped(url, lab, now - minutes(5))
    does(url, check_in, anna, "lab", now - minutes(2), hours=HOURS)
    does(url, remove_visit, visit_id(url), anna, hours=HOURS)
    assert (visits_of(url, anna), rows(url, "SELECT FROM tap")) == ([], [])


def test_two_entries_of_one_person(url: str, lab: Device, den: Device, anna: UUID, now: datetime) -> None:
    """Their taps are put together and folded as if they had been one person's all along."""
    begin = now - minutes(60)
    ben = enrol(url, BEN)
    commit(url, [lab.tap(begin, ANNA), den.tap(begin + minutes(10), BEN), den.tap(begin + minutes(30), BEN)])
    with connect_sync(url, name="test") as conn:
        conn.execute("DELETE FROM visit WHERE person_id = %s", [ben])
        conn.execute("UPDATE tap SET person_id = %s WHERE person_id = %s", [anna, ben])
    does(url, refold_person, anna, hours=HOURS)
    assert visits_of(url, anna) == [
        Visit("lab", begin, begin + minutes(10), "moved"),
        Visit("den", begin + minutes(10), begin + minutes(30), "tap"),
    ]
