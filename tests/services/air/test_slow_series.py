"""The rule on series of a slow rhythm: a value holds as long as the series says."""

from datetime import timedelta

import pytest

from feed.ingest_setup import commit, device_in
from lanes.database_lane import Database
from services.air.stuffy_air import LONG_AGO, episodes, events, minutes, this_minute


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("every", [180, 300, 600])
def test_slow_series_is_judged_by_its_own_rhythm(database: Database, every: int, *, declared: bool) -> None:
    """1800 ppm for two hours with people there, one message at a time, as it comes."""
    url = database.url
    pi = device_in(url, "lab")
    meta = [pi.meta(sensors=[{"s": "board/co2", "u": "ppm", "every_s": every}])] if declared else []
    times = [LONG_AGO + timedelta(seconds=n) for n in range(0, 7201, every)]
    commit(url, meta, *([pi.telemetry(at, {"co2": 1800.0, "presence": 1.0})] for at in times))
    ((opened, resolved),) = episodes(url, LONG_AGO)
    assert resolved is None
    assert opened <= 60
    assert events(url) == ["EpisodeOpened"]


@pytest.mark.parametrize("declared", [True, False])
def test_declared_step_counts_more_than_the_one_that_is_seen(database: Database, *, declared: bool) -> None:
    """Twins a second apart, every ten minutes: by the median step of a second they would hold two minutes."""
    url = database.url
    pi = device_in(url, "lab")
    meta = [pi.meta(sensors=[{"s": "board/co2", "u": "ppm", "every_s": 600}])] if declared else []
    times = [LONG_AGO + timedelta(seconds=n + twin) for n in range(0, 7201, 600) for twin in (0, 1)]
    commit(url, meta, *([pi.telemetry(at, {"co2": 1800.0, "presence": 1.0})] for at in times))
    assert len(episodes(url, LONG_AGO)) == declared


def test_slow_series_in_one_batch_is_one_episode(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    begin = this_minute() - timedelta(hours=2)
    commit(
        url,
        [pi.telemetry(begin + timedelta(minutes=5 * n), {"co2": 1800.0, "presence": 1.0}) for n in range(25)],
    )
    ((opened, resolved),) = episodes(url, begin)
    assert (opened < 15, resolved) == (True, None)


def test_series_slower_than_ten_minutes_opens_nothing(database: Database) -> None:
    url = database.url
    pi = device_in(url, "lab")
    commit(
        url,
        [
            pi.telemetry(LONG_AGO + timedelta(minutes=20 * n), {"co2": 1800.0, "presence": 1.0})
            for n in range(9)
        ],
    )
    assert episodes(url, LONG_AGO) == []


def test_gap_of_a_fast_series_is_still_a_gap(database: Database) -> None:
    """Twelve of fifteen minutes are covered only if the five silent ones were held."""
    url = database.url
    pi = device_in(url, "lab")
    values: list[float | None] = [*[600.0] * 20, *[1600.0] * 2, *[None] * 13, *[500.0] * 20]
    commit(url, minutes(pi, LONG_AGO, values))
    assert episodes(url, LONG_AGO) == []
