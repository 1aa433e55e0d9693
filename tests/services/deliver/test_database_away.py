"""A database that is away: deliveries go on when it is back, and each loss is one line of log."""

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from feed.ingest_setup import device_in, settings_for
from hubwell import worker
from hubwell.deliver.channels import LANES
from hubwell.deliver.queue import deliveries
from lanes.database_lane import Database
from services.deliver.test_deliver import alert, record, until, waiting, working


@pytest.fixture
def hub(database: Database) -> Database:
    device_in(database.url, "lab")
    return database


async def test_lost_notifications_of_the_queue_come_back_and_are_one_line_of_log(
    hub: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("hubwell.deliver.queue._POLL_S", 600)  # only a notification begins a delivery
    settings = settings_for(hub.url)
    database = conninfo_to_dict(hub.url)["dbname"]
    listening = f"FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'LISTEN \"procrastinate%'"

    def lost() -> int:
        return sum("no notifications of the queue" in message for message in caplog.messages)

    with psycopg.connect(hub.url, dbname="postgres", autocommit=True) as other:

        def listeners() -> int:
            row = other.execute(f"SELECT count(*) {listening}").fetchone()
            return row[0] if row else 0

        async with working(settings):
            await until(lambda: listeners() == len(LANES))
            other.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
            try:
                other.execute(f"SELECT pg_terminate_backend(pid, 5000) {listening}")
                await until(lambda: lost() == len(LANES))
            finally:
                other.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
            await until(lambda: listeners() == len(LANES))
            await record(settings, alert())
            await until(lambda: waiting(hub.url) == 0)
    assert lost() == len(LANES)
    assert not [record for record in caplog.records if record.exc_info]


async def test_stalled_deliveries_wait_for_the_database_in_one_line_of_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = settings_for("postgresql://127.0.0.1:1/hub")
    await worker._requeue(deliveries(away))
    lines = [record for record in caplog.records if record.name.startswith("hubwell.")]
    assert [(record.levelname, record.exc_info) for record in lines] == [("WARNING", None)]
    assert "\n" not in lines[0].getMessage()
