"""What the devices of the simulated hub hand over: repeatable, believable, and wrong on order."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import takewhile

import pytest

from hubwell_edge.sim.faults import parse_fault
from hubwell_edge.sim.hub import Device, TimedObservation, devices
from hubwell_edge.sim.room import utc
from hubwell_edge.sim.scenario import SERIES, Scenario, load_scenario
from hubwell_wire.messages import FaultData, TapData

HOUR_MS = 3_600_000
DEMO = load_scenario()


HUB = devices(DEMO)


def local_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=DEMO.zone).timestamp()) * 1000


def device(name: str, *faults: str, scenario: Scenario = DEMO) -> Device:
    return next(d for d in devices(scenario, map(parse_fault, faults)) if d.name == name)


def between(source: Device, after_ms: int, until_ms: int) -> list[TimedObservation]:
    return list(takewhile(lambda seen: seen.at_ms <= until_ms, source.timeline(after_ms)))


def digest(timeline: Iterable[TimedObservation]) -> str:
    return sha256("\n".join(map(repr, timeline)).encode()).hexdigest()


def values(timeline: Iterable[TimedObservation], series: str) -> list[float]:
    return [r.v for seen in timeline for r in seen.observation.readings if r.s == series]


@lru_cache
def one_day() -> dict[str, dict[str, tuple[float, ...]]]:
    """Return every value of a day: device -> series -> one value each ten seconds."""
    day = date(2026, 11, 20)
    columns = {
        source.name: zip(*(s.values for s in source.room.samples(day, 0)), strict=True) for source in HUB
    }
    return {name: dict(zip((n for n, _ in SERIES), column, strict=True)) for name, column in columns.items()}


def test_same_seed_gives_the_same_stream_wherever_it_is_cut() -> None:
    # Over midnight, where the room of the new day is computed afresh, and with faults in progress.
    faults = ("team-room-a-1/scd41:stuck:23:50-00:40", "team-room-a-1/mic:silent:00:10-00:20")
    begins, ends = local_ms("2026-11-20T23:00"), local_ms("2026-11-21T01:00")
    whole = between(device("team-room-a-1", *faults), begins, ends)
    assert any(isinstance(seen.observation.event, TapData) for seen in whole)
    for cut in (1, len(whole) // 3, len(whole) - 1):
        cursor = whole[cut - 1].observation.cursor
        assert cursor is not None
        rest = between(device("team-room-a-1", *faults), int(cursor), ends)
        assert digest([*whole[:cut], *rest]) == digest(whole)


def test_other_seed_gives_another_stream() -> None:
    begins = local_ms("2026-11-20T10:00")
    other = device("team-room-a-1", scenario=DEMO.model_copy(update={"seed": 1}))
    ours = device("team-room-a-1")
    assert digest(between(ours, begins, begins + HOUR_MS)) != digest(between(other, begins, begins + HOUR_MS))


def test_observations_come_in_order_every_ten_seconds() -> None:
    begins = local_ms("2026-11-20T11:00")
    for source in HUB:
        stream = between(source, begins - 1, begins + 2 * HOUR_MS - 1)
        times = [seen.at_ms for seen in stream]
        assert times == sorted(set(times))
        assert [seen.observation.cursor for seen in stream] == [str(at) for at in times]
        assert all(seen.observation.taken == utc(seen.at_ms) for seen in stream)
        ticks = [seen.at_ms for seen in stream if len(seen.observation.readings) == len(SERIES)]
        assert ticks == list(range(begins, begins + 2 * HOUR_MS, 10_000))


@pytest.mark.parametrize(
    ("series", "low", "high"),
    [
        ("scd41/co2", 380, 2500),
        ("scd41/temp", 17, 28),
        ("scd41/rh", 10, 70),
        ("mic/noise", 30, 95),
        ("bh1750/light", 0, 6000),
        ("pir/presence", 0, 1),
    ],
)
def test_values_are_believable(series: str, low: float, high: float) -> None:
    for columns in one_day().values():
        assert low <= min(columns[series]) < max(columns[series]) <= high


def test_summer_rooms_stay_bearable() -> None:
    for source in HUB[::3]:
        warmth = [sample.values[1] for sample in source.room.samples(date(2026, 7, 22), 0)]
        assert 18 <= min(warmth) <= max(warmth) <= 28


def test_values_come_in_the_steps_of_their_sensors() -> None:
    day = one_day()["wood-workshop-1"]
    assert all(v == int(v) for name in ("scd41/co2", "bh1750/light") for v in day[name])
    assert all(v == round(v, 1) for name in ("scd41/temp", "mic/noise") for v in day[name])
    assert set(day["pir/presence"]) == {0.0, 1.0}


def mean_15_min(co2: Iterable[float]) -> list[float]:
    sums = [0.0]
    for value in co2:
        sums.append(sums[-1] + value)
    return [(sums[n] - sums[n - 90]) / 90 for n in range(90, len(sums))]


def test_somewhere_the_air_gets_stuffy_in_any_three_hours_and_recovers() -> None:
    means = [mean_15_min(columns["scd41/co2"]) for columns in one_day().values()]
    stuffy = [any(mean[n] > 1000 for mean in means) for n in range(len(means[0]))]
    window = 3 * 360
    assert all(any(stuffy[n : n + window]) for n in range(len(stuffy) - window))
    worst = max(means, key=max)
    after = worst[worst.index(max(worst)) :]
    assert min(after) < 900


def test_people_are_there_round_the_clock() -> None:
    presence = [columns["pir/presence"] for columns in one_day().values()]
    occupied = [sum(there) for there in zip(*presence, strict=True)]
    assert sum(1 for spaces in occupied if spaces) > 0.98 * len(occupied)
    assert all(source.room.taps(date(2026, 11, 20)) for source in HUB)


def test_new_day_begins_as_the_old_one_ended() -> None:
    midnight = local_ms("2026-11-21T00:00")
    for source in HUB[::2]:
        stream = between(source, midnight - 20_000, midnight)
        before, after = values(stream, "scd41/temp")[-2:]
        assert abs(after - before) <= 0.5


def test_taps_from_before_the_first_reading_tell_who_is_there() -> None:
    begins = local_ms("2026-11-20T01:00")
    source = device("team-room-a-1")
    early = source.timeline(begins - 3 * HOUR_MS, measure_after_ms=begins)
    seen = list(takewhile(lambda seen: seen.at_ms <= begins + HOUR_MS, early))
    before = [timed for timed in seen if timed.at_ms <= begins]
    assert before
    assert all(isinstance(timed.observation.event, TapData) for timed in before)
    assert digest(seen[len(before) :]) == digest(between(source, begins, begins + HOUR_MS))


def test_silent_sensor_is_reported_and_comes_back() -> None:
    begins = local_ms("2026-11-20T10:00")
    source = device("wood-workshop-1", "wood-workshop-1/scd41:silent:10:10-10:20")
    stream = between(source, begins, begins + HOUR_MS)
    assert len(values(stream, "scd41/co2")) == 300
    assert len(values(stream, "mic/noise")) == 360
    events = [seen.observation.event for seen in stream]
    reported = [(e.part, e.state) for e in events if isinstance(e, FaultData)]
    assert reported == [("scd41", "silent"), ("scd41", "recovered")]


def test_silent_device_sends_no_telemetry() -> None:
    begins = local_ms("2026-11-20T10:00")
    stream = between(
        device("wood-workshop-1", "wood-workshop-1:silent:09:00-12:00"), begins, begins + HOUR_MS
    )
    assert not any(seen.observation.readings for seen in stream)


def test_stuck_sensor_repeats_its_first_value() -> None:
    begins = local_ms("2026-11-20T10:00")
    source = device("wood-workshop-1", "wood-workshop-1/mic:stuck:10:10-10:20")
    stream = between(source, begins + 600_000 - 1, begins + 1_200_000 - 1)
    assert len(set(values(stream, "mic/noise"))) == 1
    assert len(set(values(stream, "scd41/co2"))) > 1


def test_drifting_sensor_leaves_the_truth_little_by_little() -> None:
    begins = local_ms("2026-11-20T10:00")
    line = "wood-workshop-1/scd41:drifting:10:00-12:00:20"
    truth = values(between(device("wood-workshop-1"), begins, begins + HOUR_MS), "scd41/co2")
    drifted = values(between(device("wood-workshop-1", line), begins, begins + HOUR_MS), "scd41/co2")
    assert drifted[0] == pytest.approx(truth[0], abs=1)
    assert drifted[-1] == pytest.approx(1.2 * truth[-1], abs=1)


def test_wrong_clock_shifts_the_time_and_not_the_order() -> None:
    begins = local_ms("2026-11-20T10:00")
    source = device("wood-workshop-1", "wood-workshop-1:clock-wrong:10:00-11:00:90")
    for seen in between(source, begins, begins + HOUR_MS - 1):
        assert seen.observation.taken == utc(seen.at_ms) + timedelta(seconds=90)


def test_network_is_gone_for_the_ordered_time() -> None:
    begins = local_ms("2026-11-20T10:00") / 1000
    source = device("wood-workshop-1", "wood-workshop-1:network-gone:10:00-10:30")
    assert source.connected(begins - 1)
    assert not source.connected(begins)
    assert source.connected(begins + 1800)
