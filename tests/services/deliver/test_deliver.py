"""Deliveries by the real queue to a real web server: once, patiently, signed, never what was rolled back."""

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest

from feed.ingest_setup import device_in, one, rows, settings_for
from feed.notifications import listen_to
from hubwell import worker
from hubwell.deliver.channels import Channels
from hubwell.deliver.queue import PatientRetry, deliveries
from hubwell.events import EpisodeOpened, EpisodeResolved, FaultReported
from hubwell.storage.connect import connect, connect_sync
from hubwell.storage.notify import Channel
from lanes.database_lane import Database
from lanes.servers import free_port

KEY = "s3cret-signing-key"
TOKEN = "in-the-address"  # noqa: S105 - a secret of the test
PATIENCE = 20.0


@dataclass
class Receiver:
    """A web server that remembers what was posted; `answers` are the next status codes, then 204."""

    port: int
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://officer:{TOKEN}@127.0.0.1:{self.port}/alerts?key={TOKEN}"

    def start(self) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, dict(self.headers), body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own name
                """Stay silent."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(free_port())
    server = receiver.start()
    yield receiver
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a failed delivery be tried again at once instead of after seconds."""
    monkeypatch.setattr("hubwell.deliver.queue._LONGEST_WAIT_S", 0)
    monkeypatch.setattr("hubwell.deliver.queue._POLL_S", 0.05)


def alert(value: float = 1234.5, *, age: timedelta = timedelta(0)) -> EpisodeOpened:
    return EpisodeOpened(
        episode_id=UUID(int=5),
        rule="co2-asr-a3.6",
        rule_version=1,
        space_id="lab",
        opened_at=datetime.now(UTC) - age,
        value=value,
    )


def settings_with(database: Database, receiver: Receiver) -> Any:
    return settings_for(database.url, webhook_url=receiver.url, webhook_secret=KEY)


async def record(
    settings: Any, *facts: EpisodeOpened | EpisodeResolved | FaultReported, fail: bool = False
) -> None:
    """Record facts in one transaction, and roll it back if it is to fail."""
    queue = deliveries(settings)
    async with await connect(settings.database_url, name="test") as conn, conn.transaction() as transaction:
        for fact in facts:
            await queue.record(conn, fact)
        if fail:
            raise psycopg.Rollback(transaction)


@asynccontextmanager
async def working(settings: Any) -> AsyncIterator[None]:
    """Let a worker process's own loop run."""
    task = asyncio.create_task(worker.run(settings))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - the condition is in the database
            await asyncio.sleep(0.03)


def waiting(url: str) -> int:
    return int(one(url, "SELECT count(*) FROM delivery WHERE delivered_at IS NULL"))


@pytest.fixture
def hub(database: Database) -> Database:
    device_in(database.url, "lab")
    return database


async def test_alert_is_delivered_once_to_board_and_webhook(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    with connect_sync(hub.url, name="board") as board:
        board.execute(listen_to("hubwell_change").encode())
        async with working(settings), working(settings):
            await record(settings, alert(1000.0), alert(2000.0))
            await until(lambda: waiting(hub.url) == 0)
            await until(lambda: one(hub.url, "SELECT count(*) FROM procrastinate_jobs") == 0)
        heard = [json.loads(notice.payload) for notice in board.notifies(timeout=0.2)]
    assert sorted(json.loads(body)["data"]["value"] for _, _, body in receiver.posts) == [1000.0, 2000.0]
    assert sorted(notice["alert"] for notice in heard) == [1, 2]
    assert all(notice["spaces"] == ["lab"] for notice in heard)
    assert rows(hub.url, "SELECT DISTINCT attempts, last_error FROM delivery") == [(1, None)]


@pytest.mark.parametrize(
    "payload", ["x", "", "[]", "[" * 4000, '{"type": 1}', '{"type": "abort_job_requested", "job_id": 1}']
)
async def test_no_notification_of_another_role_ends_the_worker(
    hub: Database, receiver: Receiver, payload: str
) -> None:
    """Every role may notify on the queue's channels, and on the hub's if it knew their names."""
    settings = settings_with(hub, receiver)
    task = asyncio.create_task(worker.run(settings))
    try:
        await record(settings, alert(1000.0))
        await until(lambda: waiting(hub.url) == 0)
        with connect_sync(hub.url, name="stranger") as stranger:
            for channel in ("procrastinate_any_queue_v1", "procrastinate_queue_v1#default", "hubwell_left"):
                stranger.execute("SELECT pg_notify(%s, %s)", (channel, payload))
            for channel in Channel:
                stranger.execute("SELECT pg_notify(channel_name(%s), %s)", (channel, payload))
        await record(settings, alert(2000.0))
        await until(lambda: waiting(hub.url) == 0)
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_post_is_a_signed_cloud_event(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    fact = alert()
    await record(settings, fact)
    async with working(settings):
        await until(lambda: receiver.posts)
    ((path, headers, body),) = receiver.posts
    assert path == f"/alerts?key={TOKEN}"
    signature = hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hubwell-Signature"] == f"sha256={signature}"
    assert headers["Content-Type"] == "application/cloudevents+json"
    event = json.loads(body)
    assert (event["specversion"], event["type"]) == ("1.0", "org.hubwell.EpisodeOpened")
    assert (event["source"], event["subject"], event["id"]) == ("/hubwell/hub", "lab", "1")
    assert datetime.fromisoformat(event["time"]) == fact.opened_at
    assert event["data"]["space_name"] == "Lab"
    assert event["data"]["episode_id"] == str(fact.episode_id)


@pytest.mark.usefixtures("quick")
async def test_receiver_that_was_away_gets_it_once_when_it_is_back(hub: Database) -> None:
    receiver = Receiver(free_port())
    settings = settings_with(hub, receiver)
    await record(settings, alert())
    async with working(settings):
        await until(lambda: one(hub.url, "SELECT max(attempts) FROM delivery WHERE channel = 'webhook'") > 1)
        server = receiver.start()
        await until(lambda: waiting(hub.url) == 0)
    server.shutdown()
    server.server_close()
    assert len(receiver.posts) == 1


@pytest.mark.usefixtures("quick")
async def test_refusal_is_tried_again_and_noted(hub: Database, receiver: Receiver) -> None:
    receiver.answers = [500, 302]
    settings = settings_with(hub, receiver)
    await record(settings, alert())
    async with working(settings):
        await until(lambda: waiting(hub.url) == 0)
    assert len(receiver.posts) == 3
    assert one(hub.url, "SELECT attempts FROM delivery WHERE channel = 'webhook'") == 3
    assert len({headers["Idempotency-Key"] for _, headers, _ in receiver.posts}) == 1


async def test_what_was_rolled_back_is_never_sent(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    await record(settings, alert(1.0), fail=True)
    await record(settings, alert(2.0))
    async with working(settings):
        await until(lambda: receiver.posts and waiting(hub.url) == 0)
    assert [json.loads(body)["data"]["value"] for _, _, body in receiver.posts] == [2.0]
    assert one(hub.url, "SELECT count(*) FROM event") == 1


async def test_worker_that_dies_after_sending_sends_again_under_the_same_key(
    hub: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: what was sent and not noted is sent again, and the key lets the receiver drop it."""
    settings = settings_with(hub, receiver)
    await record(settings, alert())
    post, deaths = Channels.post, asyncio.Event()

    async def post_and_hang(self: Channels, target: str, event: Any) -> None:
        await post(self, target, event)
        deaths.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Channels, "post", post_and_hang)
    queue = deliveries(settings)
    async with queue.app.open_async():
        task = asyncio.create_task(
            queue.app.run_worker_async(install_signal_handlers=False, shutdown_graceful_timeout=0.01)
        )
        await asyncio.wait_for(deaths.wait(), PATIENCE)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    monkeypatch.undo()
    with connect_sync(hub.url, name="test") as conn:
        conn.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL WHERE status <> 'doing'"
        )
        conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    again = deliveries(settings)
    async with again.app.open_async():
        await again.requeue_stalled()
    async with working(settings):
        await until(lambda: waiting(hub.url) == 0)
    keys = [headers["Idempotency-Key"] for _, headers, _ in receiver.posts]
    assert keys == ["hub-1", "hub-1"]
    assert receiver.posts[0][2] == receiver.posts[1][2]


async def test_what_was_sent_and_noted_is_not_sent_again(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    await record(settings, alert())
    async with working(settings):
        await until(lambda: waiting(hub.url) == 0)
    queue = deliveries(settings)
    await queue._deliver(event=1, channel="webhook", target="alerts")
    assert len(receiver.posts) == 1


async def test_old_news_and_faults_are_recorded_but_not_sent(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    fault = FaultReported(
        device_id="lab-pi", space_id="lab", time=datetime.now(UTC), part="scd41", state="silent", detail=""
    )
    await record(settings, alert(age=timedelta(hours=2)), fault)
    assert rows(hub.url, "SELECT type FROM event ORDER BY id") == [("EpisodeOpened",), ("FaultReported",)]
    assert one(hub.url, "SELECT count(*) FROM delivery") == 0
    assert one(hub.url, "SELECT count(*) FROM procrastinate_jobs") == 0


@pytest.mark.parametrize("personal", [False, True])
async def test_alert_of_one_persons_room_stays_in_the_hub(
    hub: Database, receiver: Receiver, *, personal: bool
) -> None:
    """It would show another system when the person is in."""
    with psycopg.connect(hub.url, autocommit=True) as conn:
        conn.execute("UPDATE space SET personal = %s", (personal,))
    settings = settings_with(hub, receiver)
    opened = alert()
    resolved = EpisodeResolved(
        episode_id=opened.episode_id,
        rule=opened.rule,
        rule_version=1,
        space_id="lab",
        opened_at=opened.opened_at,
        resolved_at=opened.opened_at + timedelta(minutes=5),
        peak=1300.0,
    )
    async with working(settings):
        await record(settings, opened, resolved)
        await until(lambda: one(hub.url, "SELECT count(*) FROM procrastinate_jobs") == 0)
    assert len(receiver.posts) == (0 if personal else 2)
    assert rows(hub.url, "SELECT channel FROM delivery WHERE delivered_at IS NOT NULL ORDER BY 1") == [
        ("board",),
        ("board",),
        *([] if personal else [("webhook",), ("webhook",)]),
    ]


@pytest.mark.usefixtures("quick")
async def test_secrets_are_in_no_table_and_no_log(hub: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    receiver = Receiver(free_port())
    receiver.answers = [500]
    settings = settings_with(hub, receiver)
    await record(settings, alert())
    async with working(settings):
        await until(lambda: one(hub.url, "SELECT max(attempts) FROM delivery WHERE channel = 'webhook'") > 0)
        server = receiver.start()
        await until(lambda: waiting(hub.url) == 0)
    server.shutdown()
    server.server_close()
    tables = rows(hub.url, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
    texts = [str(rows(hub.url, f'SELECT * FROM "{table}"')) for (table,) in tables]  # noqa: S608 - as listed
    texts += [record.getMessage() + str(record.__dict__) for record in caplog.records]
    assert any("500" in text for text in texts)
    assert not [text for text in texts if TOKEN in text or KEY in text]


@pytest.mark.usefixtures("quick")
async def test_worker_waits_for_a_database_that_is_away(hub: Database, receiver: Receiver) -> None:
    settings = settings_with(hub, receiver)
    async with working(settings):
        await until(lambda: one(hub.url, "SELECT count(*) FROM procrastinate_workers"))
        with connect_sync(hub.url, name="test") as conn:
            conn.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        await record(settings, alert())
        await until(lambda: waiting(hub.url) == 0)
    assert len(receiver.posts) == 1


def test_patience_lasts_about_a_day() -> None:
    class Attempt:
        def __init__(self, attempts: int) -> None:
            self.attempts = attempts

    waits = []
    for attempts in range(1000):
        before = datetime.now(UTC)
        decision = PatientRetry().get_retry_decision(exception=OSError(), job=Attempt(attempts))  # type: ignore[arg-type] # only `attempts` is looked at
        if decision is None:
            break
        assert decision.retry_at is not None
        waits.append((decision.retry_at - before).total_seconds())
    assert waits[:4] == pytest.approx([1, 2, 4, 8], abs=1)
    assert max(waits) == pytest.approx(600, abs=1)
    assert 20 * 3600 < sum(waits) < 28 * 3600
