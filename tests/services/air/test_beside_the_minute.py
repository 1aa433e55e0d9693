"""The rule on readings beside the full minute, as those of real devices are: each minute is judged."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from feed.ingest_setup import commit, device_in, rows
from feed.simulated_device import Packet
from lanes.database_lane import Database
from services.air.arrival_orders import WAVES, backwards, in_order, nearly, shuffled, split
from services.air.stuffy_air import LONG_AGO, episodes, events, minutes


@pytest.mark.parametrize("every", [10, 50, 61, 130, 300, 599])
def test_readings_beside_the_full_minute_are_judged_as_they_come(database: Database, every: int) -> None:
    """Each reading is a message and a batch of its own, and none is at a full minute."""
    url = database.url
    pi, begin = device_in(url, "lab"), LONG_AGO + timedelta(seconds=7, milliseconds=123)
    times = [begin + timedelta(seconds=n) for n in range(0, 3601, every)]
    packets = [pi.telemetry(at, {"co2": 1800.0 + n % 3, "presence": 1.0}) for n, at in enumerate(times)]
    commit(url, *([packet] for packet in packets))
    ((opened, resolved),) = episodes(url, LONG_AGO)
    assert resolved is None
    assert opened <= (14 if every < 120 else 60), "a slow series is judged when its rhythm is known"
    assert events(url) == ["EpisodeOpened"]


def test_silence_between_two_readings_is_judged_with_the_second(database: Database) -> None:
    """The last reading before a silence holds beyond its own time: alone and in one batch alike."""
    url = database.url
    found = []
    for space, is_together in (("lab", False), ("den", True)):
        pi, begin = device_in(url, space), LONG_AGO + timedelta(seconds=7)
        ago = [timedelta(seconds=30 * n) for n in range(23)]
        late = pi.telemetry(begin + timedelta(hours=5), {"co2": 500.0})
        packets = [pi.telemetry(begin + n, {"co2": 1800.0, "presence": 1.0}) for n in ago] + [late]
        commit(url, *([packets] if is_together else [[packet] for packet in packets]))
        found.append(rows(url, "SELECT opened_at, resolved_at FROM episode WHERE space_id = %s", space))
    assert found[0] == found[1]
    assert len(found[0]) == 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("order", [in_order, nearly, shuffled, backwards])
def test_episodes_are_those_of_one_batch_in_every_order(
    database: Database, order: Callable[[list[Packet], random.Random], list[Packet]], seed: int
) -> None:
    url, chance, begin = database.url, random.Random(seed), LONG_AGO + timedelta(seconds=7)
    lab, den = device_in(url, "lab"), device_in(url, "den")
    commit(url, minutes(den, begin, WAVES))
    commit(url, *split(chance, order(minutes(lab, begin, WAVES), chance)))
    query = "SELECT opened_at, resolved_at FROM episode WHERE space_id = %s ORDER BY 1"
    found = {space: rows(url, query, space) for space in ("lab", "den")}
    assert found["lab"] == found["den"]
    assert len(found["den"]) == 3
