"""Recorded rooms, replayed through edge, MQTT and ingest: every row and column is in the database once.

The files are read here a second time, by the csv module alone, and compared with the database as sets.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from feed.ingest_setup import device_in, one, rows
from flows.system_processes import System, eventually, total
from lanes.paths import PROJECT

MAPS = PROJECT / "firmware_configs" / "replay"
Value = tuple[str, str, datetime, float]
"""(series, unit, time, value)"""

OFFICE = {
    "Temperature": ("office/temp", "Cel"),
    "Humidity": ("office/rh", "%RH"),
    "Light": ("office/light", "lx"),
    "CO2": ("office/co2", "ppm"),
    "HumidityRatio": ("office/humidity-ratio", "/"),
    "Occupancy": ("label/occupancy", "/"),
}
ROOM = {
    **{f"S{n}_Temp": (f"s{n}/temp", "Cel") for n in range(1, 5)},
    **{f"S{n}_Light": (f"s{n}/light", "lx") for n in range(1, 5)},
    **{f"S{n}_Sound": (f"s{n}/sound", "V") for n in range(1, 5)},
    "S5_CO2": ("s5/co2", "ppm"),
    "S5_CO2_Slope": ("s5/co2-slope", "ppm"),
    "S6_PIR": ("s6/motion", "/"),
    "S7_PIR": ("s7/motion", "/"),
    "Room_Occupancy_Count": ("label/count", "count"),
}


def office(file: Path) -> Iterator[Value]:
    """UCI 357: seven names over eight fields, the first an unnamed row number; local time of Mons."""
    with file.open(newline="") as text:
        table = csv.reader(text)
        names = ["row", *next(table)]
        for fields in table:
            row = dict(zip(names, fields, strict=True))
            time = datetime.fromisoformat(row["date"]).replace(tzinfo=ZoneInfo("Europe/Brussels"))
            for column, (series, unit) in OFFICE.items():
                yield series, unit, time.astimezone(UTC), float(row[column])


def room(file: Path) -> Iterator[Value]:
    """UCI 864: the day stands first in its dates; no zone is given, UTC keeps the times as they stand."""
    with file.open(newline="") as text:
        for row in csv.DictReader(text):
            day, month, year = map(int, row["Date"].split("-"))
            hour, minute, second = map(int, row["Time"].split(":"))
            time = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            for column, (series, unit) in ROOM.items():
                yield series, unit, time, float(row[column])


def stored(system: System, device: str) -> list[Value]:
    query = """SELECT s.name, s.unit, r.time, r.value FROM reading r JOIN series s ON s.id = r.series_id
               WHERE s.device_id = %s"""
    return [
        (name, unit, time.astimezone(UTC), value)
        for name, unit, time, value in rows(system.database, query, device)
    ]


def rows_in(system: System) -> int:
    return int(one(system.database, "SELECT count(*) FROM reading"))


def check_all_there(system: System, device: str, recorded: list[Value]) -> None:
    found = stored(system, device)
    assert len(found) == len(recorded)
    assert set(found) == set(recorded)
    account = system.audit("--device", device)
    assert account["clean"]
    assert (account["missing"], total(account, "rejected"), total(account, "dropped")) == (0, 0, 0)
    assert total(account, "readings") == len(recorded)


@pytest.fixture
def office_file(shared_data: Path) -> Path:
    return shared_data / "uci357_occupancy_detection" / "datatraining.txt"


@pytest.fixture
def room_file(shared_data: Path) -> Path:
    return shared_data / "uci864_room_occupancy_estimation" / "Occupancy_Estimation.csv"


def test_every_row_and_column_of_the_office_arrives_once(system: System, office_file: Path) -> None:
    device_in(system.database, "office", "replay-office")
    system.ingest()
    replay = system.replay(office_file, MAPS / "uci357.toml", "replay-office")
    replay.begin()
    assert replay.wait(120) == 0, replay.tail()
    recorded = list(office(office_file))
    assert len(recorded) == 8143 * 6
    check_all_there(system, "replay-office", recorded)


def test_every_row_and_column_of_the_room_arrives_once(system: System, room_file: Path) -> None:
    device_in(system.database, "room", "replay-room")
    system.ingest()
    replay = system.replay(room_file, MAPS / "uci864.toml", "replay-room", "--protocol", "311")
    replay.begin()
    assert replay.wait(180) == 0, replay.tail()
    recorded = list(room(room_file))
    assert len(recorded) == 10129 * 17
    check_all_there(system, "replay-room", recorded)


def test_office_arrives_once_though_agent_and_ingest_are_killed_in_the_middle(
    system: System, office_file: Path
) -> None:
    device_in(system.database, "office", "replay-office")
    ingest = system.ingest()
    # Six days in about eight seconds: there is a middle to be killed in.
    options = ("--outbox", str(system.folder / "box"), "--speed", "60000")
    replay = system.replay(office_file, MAPS / "uci357.toml", "replay-office", *options)
    whole = 8143 * 6
    replay.begin()
    eventually(lambda: rows_in(system) > whole // 5, "a fifth arrived")
    replay.kill()
    assert rows_in(system) < whole
    replay.begin()
    eventually(lambda: rows_in(system) > whole // 2, "half arrived")
    ingest.kill()
    assert rows_in(system) < whole
    ingest.begin()
    assert replay.wait(120) == 0, replay.tail()
    check_all_there(system, "replay-office", list(office(office_file)))
