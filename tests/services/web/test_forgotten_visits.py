"""Forgotten check-outs, from the taps and readings of a device to board, finder, muster, API and Grafana."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in, reading
from hubwell.dashboards.hub_now import hub_now
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import open_house, send
from services.privacy.count_windows import publish

MINUTE = timedelta(minutes=1)
BADGES = [bytes([number]) * 16 for number in range(1, 7)]


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def evening(url: str) -> None:
    """Six people come, four check out, and for twenty minutes it is dark and quiet with nobody there."""
    hall, now = device_in(url, "hall"), datetime.now(UTC).replace(microsecond=0)
    for badge in BADGES:
        enrol(url, badge)
    commit(url, [hall.tap(now - 50 * MINUTE + n * timedelta(seconds=1), b) for n, b in enumerate(BADGES)])
    publish(url, now - 30 * MINUTE)
    commit(url, [hall.tap(now - 25 * MINUTE + n * timedelta(seconds=1), b) for n, b in enumerate(BADGES[2:])])
    dark = {"presence": 0.0, "light": 0.0, "noise": 38.0}
    commit(url, [hall.telemetry(now - ago * MINUTE, dark) for ago in range(20, -1, -1)])
    publish(url)


async def test_dark_quiet_room_is_probably_free_on_board_finder_api_and_muster(database: Database) -> None:
    await asyncio.to_thread(evening, database.url)
    async with open_house(database) as house:
        anybody, officer = house.browser(), await house.signed_in("olga", Role.OSH)
        board = (await anybody.get("/")).text
        card = re.search(r'<li class="row" id="space-hall".*?</li>', board, re.DOTALL)
        found = (await anybody.get("/?find=1&people=2")).text
        answer = re.search(r'<section class="answer".*?</section>', found, re.DOTALL)
        space = (await anybody.get("/api/v1/spaces/hall")).json()
        await send(officer, "/muster", page="/account", kind="drill")
        muster = words((await officer.get("/muster")).text)

    assert card is not None
    assert answer is not None
    assert "Probably free No person detected for 10 minutes, but check-outs are missing." in words(card[0])
    assert not re.search(r"In use|full|: \d+ people|about \d|between \d\d:\d\d and", words(card[0]))
    assert "It is probably free: no person is detected there." in words(answer[0])
    assert (space["state"], space["check_outs_missing"], space["people"]) == ("free", True, None)
    assert "Nobody is sensed. They have probably left without tapping out." in muster


def test_dashboard_shows_the_same_room_as_probably_free(database: Database) -> None:
    evening(database.url)
    panels = {panel.title: panel.sql for row in hub_now().rows for panel in row.panels}
    spaces = next(sql for title, sql in panels.items() if title.startswith("Spaces now"))
    with reading(database.url) as conn:
        conn.execute("SELECT publish_shown()")  # as the worker does every half minute
        (row,) = conn.execute(spaces.encode()).fetchall()
    assert row[3:5] == ("free", "Probably nobody, check-outs are missing")
