"""Every query of the API and the board runs on each database engine, with the same answers."""

from datetime import UTC, datetime, timedelta

import psycopg

from hubwell.api import live_state
from hubwell.api.health import figures
from hubwell.api.readings import binned_query, readings
from hubwell.api.schemas import Resolution, StepPoint
from hubwell.storage.engine import Engine
from lanes.database_lane import Database
from services.web.sample_hub import ordinary_day


async def test_queries_answer_alike_on_every_engine(lane_database: Database) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with psycopg.connect(lane_database.url, autocommit=True) as conn:
        hub = ordinary_day(conn, lane_database.url)
        hub.readings("studio-1", "co2", [(start + timedelta(minutes=step), step) for step in range(120)])
    engine = Engine(lane_database.engine)
    async with await psycopg.AsyncConnection.connect(lane_database.url, autocommit=True) as aconn:
        spaces = await live_state.spaces(aconn, UTC)
        devices = await live_state.devices(aconn)
        alerts = await live_state.alerts(aconn, datetime.now(UTC) - timedelta(days=7))
        found = await figures(aconn)
        means: dict[Resolution, list[float]] = {}
        for resolution in ("1m", "5m", "1h"):
            answer = await readings(
                aconn,
                engine,
                space="studio",
                start=start,
                end=start + timedelta(hours=2),
                resolution=resolution,
                quantity="co2",
                exact=resolution == "1m",
            )
            points = answer.series[0].points
            means[resolution] = [
                point.mean for point in points if isinstance(point, StepPoint) and point.mean is not None
            ]
        for name in ("newest_reading", "deliveries_waiting", "co2_series"):
            await live_state.rows(aconn, name)

    assert [len(spaces), len(devices), len(alerts.open), len(alerts.recent)] == [9, 9, 1, 1]
    assert {space.id: space.state for space in spaces}["library"] == "unknown"
    assert (found.committed, found.silent, found.episodes) == (900, 1, [("co2-asr-a3.6", 1)])
    assert means["1h"] == [29.5, 89.5]
    assert means["5m"][:3] == [2.0, 7.0, 12.0]
    assert len(means["1m"]) == 120
    kept = binned_query(engine, timedelta(hours=1)) == "readings_rolled"
    assert kept == (engine is Engine.TIMESCALE_COMMUNITY)
