"""A webhook whose receiver drips, hangs, sends 1 GB or asks to wait: it delays itself and nothing else."""

import asyncio
import resource
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from feed.bad_servers import (
    Answer,
    bad_server,
    drip_body,
    drip_headers,
    endless_body,
    hang,
    status,
)
from feed.ingest_setup import device_in, one, rows, settings_for
from hubwell.deliver.channels import Channels, _retry_after
from hubwell.outbound.exchange import Answer as HttpAnswer
from hubwell.outbound.exchange import Limits
from lanes.database_lane import Database
from services.deliver.test_deliver import alert, record, until, working

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ATTEMPTS = "SELECT max(attempts) FROM delivery WHERE channel = 'webhook'"
TRIED = "SELECT count(*) FROM delivery WHERE channel = 'webhook' AND attempts > 0"
ERROR = "SELECT max(last_error) FROM delivery WHERE channel = 'webhook'"
BOARD_WAITS = "SELECT count(*) FROM delivery WHERE channel = 'board' AND delivered_at IS NULL"
OPEN = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hubwell-deliver' "
    "AND state LIKE 'idle in transaction%' AND now() - xact_start > interval '0.5 seconds'"
)


@pytest.fixture
def hub(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr("hubwell.deliver.queue._POLL_S", 0.05)
    monkeypatch.setattr("hubwell.deliver.channels._WEBHOOK_LIMITS", Limits(seconds=1.5, body_bytes=0))
    device_in(database.url, "lab")
    return database


@pytest.mark.parametrize("answer", [hang, drip_headers], ids=["hangs", "drips"])
async def test_receiver_that_never_answers_delays_no_board_and_holds_no_transaction(
    hub: Database, answer: Answer
) -> None:
    async with bad_server(answer) as receiver:
        settings = settings_for(hub.url, webhook_url=receiver.url)
        await record(settings, *(alert(float(1000 + number)) for number in range(8)))
        async with working(settings):
            await until(lambda: receiver.posts)
            await asyncio.sleep(0.8)
            assert one(hub.url, OPEN) == 0
            await until(lambda: one(hub.url, BOARD_WAITS) == 0)
            assert one(hub.url, TRIED) < 8, "the board waited for the other channel"
            await until(lambda: one(hub.url, ATTEMPTS) == 1)
    assert one(hub.url, ERROR) == "too-slow: 127.0.0.1 took longer than 1.5 s"


@pytest.mark.parametrize("answer", [endless_body, drip_body], ids=["1 GB", "drips"])
async def test_body_of_the_answer_is_never_read(hub: Database, answer: Answer) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with bad_server(answer) as receiver:
        settings = settings_for(hub.url, webhook_url=receiver.url)
        await record(settings, alert())
        async with working(settings):
            await until(lambda: one(hub.url, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL") == 0)
    assert len(receiver.posts) == 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, f"{grown} KB"


async def test_receiver_that_asks_to_wait_is_left_alone_for_that_time(hub: Database) -> None:
    async with bad_server(status("429 Too Many Requests", "Retry-After: 4")) as receiver:
        settings = settings_for(hub.url, webhook_url=receiver.url)
        await record(settings, alert(1000.0), alert(2000.0))
        async with working(settings):
            await until(lambda: len(receiver.posts) == 1)
            await asyncio.sleep(2.5)  # without the header it would be asked again after a second
            assert len(receiver.posts) == 1
            receiver.answer = status("204 No Content")
            await until(lambda: one(hub.url, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL") == 0)
    assert receiver.posts[1] - receiver.posts[0] >= 3.9
    assert len(receiver.posts) == 3


@pytest.mark.parametrize(
    ("answered", "value", "seconds"),
    [
        (429, "120", 120),
        (503, " 7 ", 7),
        (503, format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (429, format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        (429, "99999999999999999999", 86400),
        (429, "-5", 0),
        (429, "soon", 0),
        (429, "", 0),
        (500, "120", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(answered: int, value: str, seconds: float) -> None:
    assert _retry_after(HttpAnswer(answered, {"retry-after": value}, b""), NOW) == seconds


async def test_alert_that_is_a_day_old_is_given_up(hub: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubwell.deliver.queue._TOO_OLD", timedelta(minutes=30))
    async with bad_server(status("204 No Content")) as receiver:
        settings = settings_for(hub.url, webhook_url=receiver.url)
        await record(settings, alert(age=timedelta(minutes=40)))
        async with working(settings):
            await until(lambda: one(hub.url, ATTEMPTS) == 1)
            await until(lambda: one(hub.url, "SELECT count(*) FROM procrastinate_jobs") == 0)
    assert not receiver.posts
    assert one(hub.url, ERROR) == "given up: the alert is more than a day old"


async def test_jobs_of_a_release_without_lanes_are_delivered(hub: Database) -> None:
    async with bad_server(status("204 No Content")) as receiver:
        settings = settings_for(hub.url, webhook_url=receiver.url)
        await record(settings, alert())
        rows(hub.url, "UPDATE procrastinate_jobs SET queue_name = 'default' RETURNING id")
        async with working(settings):
            await until(lambda: one(hub.url, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL") == 0)
    assert len(receiver.posts) == 1


def test_webhook_of_an_alert_without_an_address_says_which_setting(hub: Database) -> None:
    channels = Channels(settings_for(hub.url))
    with pytest.raises(Exception, match="HUBWELL_WEBHOOK_URL"):
        asyncio.run(channels.post("alerts", (1, "EpisodeOpened", NOW, "lab", "Lab", {}, 0)))
