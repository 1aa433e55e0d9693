"""Advice fits the air: while it is airing, when the sensor fell silent, and where no rule can judge."""

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from feed.ingest_setup import reading
from hubwell.doctor import checks
from lanes.database_lane import Database
from services.web.running_site import Site, serving
from services.web.sample_hub import Hub

MINUTE = timedelta(minutes=1)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def _page(site: Site, path: str = "/") -> str:
    answer = await site.client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


def _hub(conn: psycopg.Connection) -> Hub:
    hub = Hub(conn)
    hub.space("lab", "Lab", "workshop", 8)
    hub.device("lab-pi", "lab")
    return hub


async def _told(database: Database) -> tuple[str, str]:
    async with serving(database) as site:
        board, alerts = await _page(site), await _page(site, "/alerts")
    return words(board), words(alerts)


async def test_airing_that_works_says_so_and_until_when(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        hub.readings("lab-pi", "co2", [(now - n * MINUTE, 700.0 + 40 * n) for n in range(20)])
        hub.reading("lab-pi", "presence", 1)
        hub.alert("lab", now - 22 * MINUTE)
    for page in await _told(database):
        assert "The airing works." in page
        down_to = re.search(
            r"CO₂ is down to (\d+) ppm\. This alert ends when its average of 15 minutes", page
        )
        assert down_to, page
        assert 700 <= int(down_to[1]) < 1000, "everybody sees the mean of the last closed window"
        assert "is below 900 ppm." in page
        assert not re.search(r"Open (two|a) window|The air needs changing", page)


async def test_episode_whose_sensor_fell_silent_says_when(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        hub.reading("lab-pi", "co2", 1400, now - 90 * MINUTE)
        hub.alert("lab", now - 120 * MINUTE)
    for page in await _told(database):
        assert re.search(r"The air was stuffy when the sensor fell silent at [^.]*\d\d:\d\d\.", page)
        assert not re.search(r"Open (two|a) window|The air needs changing", page)


async def test_stuffy_air_still_asks_for_two_windows(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        hub.reading("lab-pi", "co2", 1400)
        hub.reading("lab-pi", "presence", 1)
        hub.alert("lab", now - 20 * MINUTE)
    board, alerts = await _told(database)
    assert "The air needs changing: Lab" in board
    assert "Open two windows for about ten minutes." in board
    assert "Open two windows for about ten minutes." in alerts


@pytest.mark.parametrize("every", [6, 10])
async def test_sensor_that_sends_seldom_is_not_silent_between_two_readings(
    database: Database, every: int
) -> None:
    """Its rhythm is what the rule holds its values by: board, advice, API and doctor know it too."""
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        last = now - (every - 0.5) * MINUTE
        for name, value in (("co2", 1800.0), ("presence", 1.0)):
            hub.readings("lab-pi", name, [(last - n * every * MINUTE, value) for n in range(8)])
        hub.alert("lab", now - 60 * MINUTE)
    for page in await _told(database):
        assert "Open two windows for about ten minutes." in page
        assert not re.search("fell silent|silent since|No alert is possible", page)
    async with serving(database) as site:
        ((space),) = (await site.client.get("/api/v1/spaces")).json()["spaces"]
        ((device),) = (await site.client.get("/api/v1/devices")).json()["devices"]
    assert [space[key] for key in ("state", "air", "air_reason", "presence_reason", "air_unjudged")] == [
        "used", "stuffy", None, None, None,
    ]  # fmt: skip
    assert (device["silent"], {series["state"] for series in device["series"]}) == (False, {"ok"})
    with reading(database.url) as conn:
        assert "silent" not in " ".join(item.found for item in checks._contents(conn))


async def test_sensor_that_stopped_is_silent_after_three_steps_and_gives_no_value(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        hub.device("old-pi", "lab")
        for device, every, ago in (("lab-pi", 6, 19), ("old-pi", 1, 6)):
            times = [now - (ago + n * every) * MINUTE for n in range(8)]
            hub.readings(device, "co2", [(time, 1800.0) for time in times])
    async with serving(database) as site:
        ((space),) = (await site.client.get("/api/v1/spaces")).json()["spaces"]
        devices = (await site.client.get("/api/v1/devices")).json()["devices"]
    assert [space[key] for key in ("air", "air_reason", "co2_ppm")] == ["unknown", "silent", None]
    assert [device["silent"] for device in devices] == [True, True]


@pytest.mark.parametrize(
    ("every", "presence", "text", "reason"),
    [
        (1, True, None, None),
        (14, True, "No alert is possible: CO₂ is measured less often than every ten minutes.", "too-seldom"),
        (1, False, "No alert is possible: it is not known whether people are here.", "people-unknown"),
    ],
)
async def test_what_cannot_be_judged_is_said(
    database: Database, every: int, text: str | None, reason: str | None, *, presence: bool
) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub, now = _hub(conn), datetime.now(UTC)
        hub.readings("lab-pi", "co2", [(now - n * every * MINUTE, 1800.0) for n in range(8)])
        if presence:
            hub.reading("lab-pi", "presence", 1)
    board, alerts = await _told(database)
    for page in (board, alerts):
        assert (text or "No alert is possible") in page if text else "No alert is possible" not in page
    async with serving(database) as site:
        ((space),) = (await site.client.get("/api/v1/spaces")).json()["spaces"]
    assert space["air_unjudged"] == reason
    with reading(database.url) as conn:
        found = [item.found for item in checks._contents(conn) if item.part == "rules"]
    assert found == ([] if reason is None else [f"the air of 1 spaces cannot be judged: lab ({reason})"])
