"""Somebody tries to find out whether one certain person was there, by everything that their role may look at.

Two worlds are the same but for that person. What each role sees of them must be equal to the letter: before
the tap, right after it, and when the windows are closed. In the room is somebody else, too: that an empty
room turns to "in use" is the room's state, see the gate's docstring. The one step of a number at the fifth
person is tried by itself below. Officers during an alarm are the one role that is entitled.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from hubwell.privacy.publish_counts import SETTLE, window_of
from hubwell.vocabulary import COUNT_WINDOW, Role
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.dashboards.conftest import expand_macros
from services.privacy.paired_worlds import SPACES, Worlds, paths, seen_by, seen_by_grafana

MINUTE = timedelta(minutes=1)
_REFUSALS = ("303 /sign-in", "401 ", "403 ")
crowds = st.fixed_dictionaries(dict.fromkeys(SPACES, st.integers(0, 13)))
times = st.tuples(st.integers(13, 24), st.none() | st.integers(7, 12))


@pytest.fixture
async def hub(database: Database) -> AsyncIterator[tuple[House, Worlds]]:
    """Give the running server and its two worlds."""
    async with open_house(database) as house:
        worlds = Worlds(database.url)
        worlds.begin()
        yield house, worlds


async def _visitors(house: House) -> dict[str, httpx.AsyncClient]:
    found = {"nobody": house.browser()}
    for role in Role:
        found[role] = await house.signed_in(role, role)
    return found


async def _look(house: House, worlds: Worlds, visitors: dict[str, httpx.AsyncClient]) -> dict[str, Any]:
    addresses = sorted(set(paths(house, worlds.planted)))
    found: dict[str, Any] = {}
    for role, client in visitors.items():
        answers = await seen_by(client, [each for each in addresses if each not in worlds.refused[role]])
        assert len(answers) > 30
        # The rules of a route refuse a role before anything is read: looking there once is enough.
        worlds.refused[role] |= {name for name, answer in answers.items() if answer.startswith(_REFUSALS)}
        found[role] = {each: answer for each, answer in answers.items() if each not in worlds.refused[role]}
    found["grafana"] = seen_by_grafana(worlds.url, expand_macros, worlds.since)
    return found


def _where(one: object, other: object) -> str:
    """Show where two answers begin to differ."""
    left, right = str(one), str(other)
    start = max(0, next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0) - 90)
    return f"{left[start : start + 180]!r} or {right[start : start + 180]!r}"


def _differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [
        f"{role} at {asked}: {_where(answer, other[role].get(asked))}"
        for role, answers in one.items()
        for asked, answer in answers.items()
        if other[role].get(asked) != answer
    ]


@given(
    people=crowds,
    place=st.sampled_from(sorted(SPACES)),
    minutes=times,
    badge=st.binary(min_size=16, max_size=16),
)
@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking would look at hundreds of worlds
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.slow
@pytest.mark.timeout(1200)  # it may begin again where the clock reaches another window, see below
async def test_no_role_sees_who_was_there(
    hub: tuple[House, Worlds],
    people: dict[str, int],
    place: str,
    minutes: tuple[int, int | None],
    badge: bytes,
) -> None:
    people = people | {place: max(people[place], 1)}
    assume(4 not in _sums(people))
    house, worlds = hub
    visitors = await _visitors_once(house)
    came, went = minutes
    ago = [came] if went is None else [came, went]
    differences: list[str] = []
    for _ in range(3):  # again if they differ and the clock has reached another window meanwhile
        begun = window_of(datetime.now(UTC))
        pairs = await _both_worlds(house, worlds, visitors, people, place, ago, badge)
        differences = [text for without, planted in pairs for text in _differences(without, planted)]
        if not differences or window_of(datetime.now(UTC)) == begun:
            break
    assert differences == []


async def _both_worlds(
    house: House,
    worlds: Worlds,
    visitors: dict[str, httpx.AsyncClient],
    people: dict[str, int],
    place: str,
    ago: list[int],
    badge: bytes,
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return what is seen without and with the person: right after the taps, and of closed windows."""
    now = worlds.since = datetime.now(UTC)
    worlds.measure(now)  # readings that do not grow old before the clock reaches another window
    house.app.state.page_parts.day_steps._fetched = None  # the plots of the last minute are without them
    worlds.crowd(people, badge)
    worlds.windows(now - 30 * MINUTE, anew=True)
    before = await _look(house, worlds, visitors)
    worlds.windows(now)
    without = await _look(house, worlds, visitors)

    worlds.windows(now - 30 * MINUTE, anew=True)
    worlds.tap(place, *(now - minutes * MINUTE for minutes in ago))
    tapped = await _look(house, worlds, visitors)
    worlds.windows(now)
    return [(before, tapped), (without, await _look(house, worlds, visitors))]


async def _visitors_once(house: House) -> dict[str, httpx.AsyncClient]:
    if not hasattr(house.app.state, "test_visitors"):
        house.app.state.test_visitors = await _visitors(house)
    found: dict[str, httpx.AsyncClient] = house.app.state.test_visitors
    return found


def _sums(people: dict[str, int]) -> list[int]:
    zones = [sum(people[space] for space, zone in SPACES.items() if zone == name) for name in SPACES.values()]
    return [*people.values(), *zones, sum(people.values())]


async def test_the_fifth_person_moves_a_number_and_nothing_else(hub: tuple[House, Worlds]) -> None:
    """The limit of groups of five: a step is seen, when its window is closed; not who, and not when."""
    house, worlds = hub
    client = house.browser()
    now = worlds.since = datetime.now(UTC)
    worlds.crowd({"hall": 4}, b"5" * 16)
    worlds.windows(now - 30 * MINUTE, anew=True)
    before = (await client.get("/api/v1/spaces/hall")).json()
    oldest = window_of(now - SETTLE) - 4 * COUNT_WINDOW  # of the last four that `now` publishes
    worlds.tap("hall", oldest + MINUTE)
    assert (await client.get("/api/v1/spaces/hall")).json() == before
    worlds.windows(now)
    path = "/api/v1/people?scope=space&place=hall"
    zone = ZoneInfo((await client.get(path)).json()["time_zone"])
    moments = (oldest, datetime.now(UTC))  # of two days, soon after midnight
    days = sorted({moment.astimezone(zone).date() for moment in moments})
    answers = [(await client.get(f"{path}&day={day}")).json() for day in days]
    figures = [figure for answer in answers for figure in answer["figures"]]
    last = [(figure["about"], figure["withheld"]) for figure in figures][-4:]
    assert last == [(5, None), (None, "held"), (None, "held"), (None, "held")]


@pytest.mark.parametrize("path", ["/api/v1/stream", "/live"])
async def test_a_tap_is_no_news_to_those_who_watch_each_second(hub: tuple[House, Worlds], path: str) -> None:
    house, worlds = hub
    worlds.crowd({"hall": 7, "lab": 3}, b"w" * 16)
    told: set[str] = set()
    for _ in range(3):  # again if a window ended meanwhile, which is news of all
        now = datetime.now(UTC)
        worlds.windows(now)
        told = await _told_after_taps(house, worlds, path)
        if window_of(datetime.now(UTC)) == window_of(now):
            break
    assert "hall" not in told


async def _told_after_taps(house: House, worlds: Worlds, path: str) -> set[str]:
    """Watch from the beginning, and return the spaces that are told of after taps in the hall."""
    async with asyncio.timeout(60), house.browser().stream("GET", path) as answer:
        events = _events(answer)
        told: set[str] = set()
        while not told >= set(SPACES) - {"loft"}:  # the stream begins with everything
            for presence in (0.0, 1.0):
                told |= await _until(events, worlds, "loft", presence)
        for _ in range(3):
            await asyncio.to_thread(worlds.tap, "hall", datetime.now(UTC))
        return await _until(events, worlds, "loft", 0.0)


async def _until(
    events: AsyncIterator[tuple[str, str]], worlds: Worlds, space: str, presence: float
) -> set[str]:
    """Let a reading change a space, and return the spaces that were told of until its news came."""
    message = worlds.devices[space].telemetry(datetime.now(UTC), {"presence": presence})
    await asyncio.to_thread(worlds.commit, message)
    told: set[str] = set()
    async for name, text in events:
        if name == space and re.search(
            r'"state": ?"used"|In use' if presence else r'"state": ?"free"|Free', text
        ):
            return told
        told.add(name)
    raise AssertionError("the stream ended")


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    async for line in answer.aiter_lines():
        if line.startswith("data:"):
            found = json.loads(line.removeprefix("data:"))
            if "id" in found:
                yield found["id"], line


async def test_nothing_but_a_place_and_a_day_can_be_asked_for(hub: tuple[House, Worlds]) -> None:
    """Attack c: windows that a visitor could choose would differ by one tap."""
    house, worlds = hub
    worlds.crowd({"hall": 9}, b"c" * 16)
    worlds.windows(datetime.now(UTC))
    client = house.browser()
    for query in ("from=2026-11-23T09:00:00Z", "to=2026-11-23T09:05:00Z", "window=1", "person=1", "day=now"):
        assert (await client.get(f"/api/v1/people?{query}")).status_code == 422
    figures = (await client.get("/api/v1/people")).json()["figures"]
    starts = {datetime.fromisoformat(figure["start"]) for figure in figures}
    assert all(start == window_of(start) and start + 5 * MINUTE <= datetime.now(UTC) for start in starts)


async def test_a_late_tap_revises_nothing(hub: tuple[House, Worlds]) -> None:
    house, worlds = hub
    now = datetime.now(UTC)
    worlds.crowd({"hall": 4}, b"l" * 16)
    worlds.windows(now, anew=True)
    client = house.browser()
    published = (await client.get("/api/v1/people.csv")).text
    worlds.tap("hall", now - 40 * MINUTE)
    worlds.windows(now)
    assert (await client.get("/api/v1/people.csv")).text == published


async def test_windows_missed_while_the_worker_was_away_are_what_they_would_have_been(
    hub: tuple[House, Worlds],
) -> None:
    house, worlds = hub
    now = datetime.now(UTC)
    worlds.crowd({"hall": 8, "lab": 12}, b"m" * 16)
    for ago in range(30, -1, -5):
        worlds.windows(now - ago * MINUTE, anew=ago == 30)
    one_by_one = (await house.browser().get("/api/v1/people.csv")).text
    worlds.windows(now - 30 * MINUTE, anew=True)
    worlds.windows(now)
    worlds.windows(now)
    assert (await house.browser().get("/api/v1/people.csv")).text == one_by_one


async def test_one_persons_room_is_theirs(hub: tuple[House, Worlds]) -> None:
    """Attack e: nobody without a role for it learns anything that tells whether they are in."""
    house, worlds = hub
    worlds.write("UPDATE space SET personal = true WHERE id = 'den'")
    worlds.crowd({"hall": 6}, b"e" * 16)
    client = house.browser()
    empty = (await client.get("/api/v1/spaces/den")).json()
    worlds.tap("den", datetime.now(UTC) - 10 * MINUTE)
    worlds.windows(datetime.now(UTC))
    there = (await client.get("/api/v1/spaces/den")).json()
    assert empty == there
    assert (there["state"], there["people"], there["co2_ppm"], there["air"]) == (
        "unknown",
        None,
        None,
        "unknown",
    )
    assert (await client.get("/api/v1/spaces/den/readings")).status_code == 401
    devices = {device["id"]: device for device in (await client.get("/api/v1/devices")).json()["devices"]}
    assert {series["value"] for series in devices["den-pi"]["series"]} == {None}
