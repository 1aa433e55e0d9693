"""The air rule from a device's messages to board and alerts: slow sensors, airing that works, silence."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest

from feed.enrolled_people import enrol
from feed.ingest_setup import commit, device_in
from feed.simulated_device import Device
from lanes.database_lane import Database
from services.privacy.count_windows import publish
from services.web.running_site import serving

MINUTE = timedelta(minutes=1)
ADVICE = r"Open (two|a) window|The air needs changing"


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def measured(url: str, *steps: tuple[float, float]) -> Device:
    """Send readings of CO2 with people there, each (minutes ago, ppm), one message at a time."""
    pi, now = device_in(url, "lab"), datetime.now(UTC).replace(microsecond=0)
    commit(url, *([pi.telemetry(now - ago * MINUTE, {"co2": co2, "presence": 1.0})] for ago, co2 in steps))
    return pi


async def pages(database: Database) -> tuple[str, str]:
    """Return the words of board and alerts."""
    async with serving(database) as site:
        answers = [await site.client.get(path, headers={"accept": "text/html"}) for path in ("/", "/alerts")]
    assert [answer.status_code for answer in answers] == [200, 200]
    return words(answers[0].text), words(answers[1].text)


@pytest.mark.parametrize("every_s", [180, 300, 540])
async def test_slow_sensor_opens_one_alert(database: Database, every_s: int) -> None:
    """1800 ppm for two hours, with people there: one value in so many seconds is enough to judge it."""
    steps = [(120 - n * every_s / 60, 1800.0 + n % 2) for n in range(7200 // every_s + 1)]
    await asyncio.to_thread(measured, database.url, *steps)
    board, alerts = await pages(database)
    assert "The air needs changing: Lab" in board
    assert "Open two windows for about ten minutes." in board
    assert "1 alert is open" in alerts
    assert "No alert is possible" not in board + alerts


async def test_sensor_that_is_too_slow_is_named_and_opens_nothing(database: Database) -> None:
    await asyncio.to_thread(measured, database.url, *((ago, 1800.0 + ago % 7) for ago in range(120, -1, -20)))
    for page in await pages(database):
        assert "No alert is possible: CO₂ is measured less often than every ten minutes." in page


async def test_airing_that_works_is_not_asked_for_again(database: Database) -> None:
    stuffy = [(ago, 2200.0 + ago % 7) for ago in range(60, 11, -1)]
    falling = [(ago, 700.0 + ago % 7) for ago in range(11, -1, -1)]
    await asyncio.to_thread(measured, database.url, *stuffy, *falling)
    for page in await pages(database):
        assert "The airing works." in page
        assert "CO₂ is down to 70" in page
        assert "This alert ends when its average of 15 minutes is below 900 ppm." in page
        assert not re.search(ADVICE, page)


async def test_stuffy_air_of_a_sensor_that_fell_silent_is_no_advice(database: Database) -> None:
    await asyncio.to_thread(measured, database.url, *((ago, 1500.0 + ago % 7) for ago in range(100, 40, -1)))
    for page in await pages(database):
        assert re.search(r"The air was stuffy when the sensor fell silent at [^.]*\d\d:\d\d\.", page)
        assert not re.search(ADVICE, page)


def crowd(url: str, last_heard: datetime) -> None:
    """Ten people check in half an hour ago in a space for forty; its sensors were heard at this time last."""
    lab, came = device_in(url, "lab", capacity=40), datetime.now(UTC) - 30 * MINUTE
    badges = [bytes([number]) * 16 for number in range(1, 11)]
    for badge in badges:
        enrol(url, badge)
    commit(url, [lab.tap(came + n * timedelta(seconds=1), badge) for n, badge in enumerate(badges)])
    commit(url, [lab.telemetry(last_heard, {"co2": 500.0, "presence": 1.0, "noise": 35.0})])
    publish(url)


@pytest.mark.parametrize(("minutes_ago", "offered"), [(1, True), (20, False)])
async def test_space_whose_sensors_are_silent_is_not_offered(
    database: Database, minutes_ago: int, *, offered: bool
) -> None:
    """Also where badges show that there is room left."""
    await asyncio.to_thread(crowd, database.url, datetime.now(UTC) - minutes_ago * MINUTE)
    async with serving(database) as site:
        found = (await site.client.get("/?find=1&people=1", headers={"accept": "text/html"})).text
    answer = re.search(r'<section class="answer".*?</section>', found, re.DOTALL)
    assert answer is not None
    assert ("Go to Lab" in words(answer[0])) == offered
