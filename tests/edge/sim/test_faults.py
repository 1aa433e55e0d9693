from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hubwell_edge.sim.faults import check_faults, load_faults, parse_fault
from hubwell_edge.sim.scenario import load_scenario

ZONE = ZoneInfo("Europe/Helsinki")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


def test_fault_by_time_of_day_happens_every_day() -> None:
    fault = parse_fault("wood-workshop-1:silent:10:00-11:00")
    for day in ("2026-11-22", "2026-11-23"):
        assert fault.onset(at(f"{day}T10:59:59"), ZONE) == at(f"{day}T10:00")
        assert fault.onset(at(f"{day}T09:59:59"), ZONE) is None
        assert fault.onset(at(f"{day}T11:00"), ZONE) is None


def test_fault_over_midnight_began_the_day_before() -> None:
    fault = parse_fault("wood-workshop-1/mic:stuck:23:30-00:30")
    assert fault.onset(at("2026-11-23T00:10"), ZONE) == at("2026-11-22T23:30")
    assert fault.onset(at("2026-11-23T00:30"), ZONE) is None


def test_fault_between_two_moments_happens_once() -> None:
    fault = parse_fault("wood-workshop-1/scd41:drifting:2026-11-22T08:00:00Z-2026-11-22T10:00:00+00:00:-25")
    assert fault.size == -25
    assert fault.onset(at("2026-11-22T11:00"), ZONE) == at("2026-11-22T10:00")
    assert fault.onset(at("2026-11-23T11:00"), ZONE) is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "does not have the form DEVICE"),
        ("wood-workshop-1:asleep:10:00-11:00", "silent"),
        ("wood-workshop-1/nose:stuck:10:00-11:00", "sensor 'nose' is not one of"),
        ("wood-workshop-1/mic:network-gone:10:00-11:00", "concerns the whole device"),
        ("wood-workshop-1:silent:10:00-10:00", "must last for some time"),
        ("wood-workshop-1:silent:10:00-2026-11-22T10:00:00Z", "time of day or at moments"),
        ("wood-workshop-1:silent:2026-11-22T10:00:00Z-2026-11-21T10:00:00Z", "must end after"),
    ],
)
def test_fault_that_cannot_be_understood_says_why(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_fault(line)


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(
        '[[faults]]\ndevice = "quiet-corner-1"\nkind = "clock-wrong"\nsince = 10:00:00\nuntil = 11:00:00\n'
        '[[faults]]\ndevice = "quiet-corner-1"\nkind = "network-gone"\n'
        "since = 2026-11-22T10:00:00Z\nuntil = 2026-11-22T10:05:00Z\n",
        encoding="utf-8",
    )
    clock, network = load_faults(path)
    assert clock.size == 1200
    assert network.onset(at("2026-11-22T12:02"), ZONE) == at("2026-11-22T12:00")


def test_fault_of_an_unknown_device_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no device 'attic-1' in this hub; there are wood-workshop-1"):
        check_faults([parse_fault("attic-1:silent:10:00-11:00")], load_scenario())
