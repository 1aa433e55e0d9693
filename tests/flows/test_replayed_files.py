"""A recorded file in, rows in the database and a sentence with counts and an exit code out."""

import signal
import time
from datetime import UTC, datetime

import pytest

from edge.replay.recorded import layout
from feed.ingest_setup import device_in, rows
from flows.system_processes import Program, System, eventually

UNIT = layout("CO2=room/co2,ppm", "T=room/temp,Cel", pattern="%Y-%m-%d %H:%M")
HEADER = "time,CO2,T\n"


def replay(
    system: System,
    text: str,
    plan: str = UNIT,
    *options: str,
    device: str = "lab-pi",
    name: str = "export.csv",
) -> Program:
    folder = system.folder / "files"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / "map.toml").write_text(plan)
    return system.replay(folder / name, folder / "map.toml", device, *options)


def done(program: Program) -> tuple[int, str]:
    program.begin()
    return program.wait(60), program.said()


def stored(system: System) -> list[tuple[str, datetime, float]]:
    query = "SELECT s.name, r.time, r.value FROM reading r JOIN series s ON s.id = r.series_id ORDER BY 2, 1"
    return [(name, at.astimezone(UTC), value) for name, at, value in rows(system.database, query)]


@pytest.fixture
def lab(system: System) -> System:
    device_in(system.database, "lab")
    system.ingest()
    return system


def test_repeated_hour_arrives_whole(lab: System) -> None:
    text = "time,CO2\n2025-10-26 03:50,1\n2025-10-26 03:00,2\n2025-10-26 03:10,3\n"
    code, said = done(replay(lab, text, layout(pattern="%Y-%m-%d %H:%M")))
    assert (code, "3 rows of export.csv arrived" in said) == (0, True), said
    assert stored(lab) == [
        ("room/co2", datetime(2025, 10, 26, 0, 50, tzinfo=UTC), 1.0),
        ("room/co2", datetime(2025, 10, 26, 1, 0, tzinfo=UTC), 2.0),
        ("room/co2", datetime(2025, 10, 26, 1, 10, tzinfo=UTC), 3.0),
    ]
    assert lab.run("audit", "--days", "6000").returncode == 0


def test_rows_that_clash_are_counted_by_replay_and_audit(lab: System) -> None:
    lines = [f"2026-03-01 08:{n:02},{400 + n},20" for n in range(24)]
    for n in (5, 11, 17):  # three minutes stand twice, with another value
        lines[n] = lines[n - 1].replace(f"{399 + n}", f"{900 + n}")
    code, said = done(replay(lab, HEADER + "\n".join(lines)))
    assert code == 1
    assert "21 of 24 rows of export.csv arrived, 3 refused" in said
    assert "  line 7: room/co2 has the value 404.0 at 2026-03-01T06:04:00+00:00 already, not 905.0" in said
    assert len([row for row in stored(lab) if row[0] == "room/co2"]) == 21
    audit = lab.run("audit", "--days", "6000")
    assert audit.returncode == 1
    assert "3 readings clash with another value of the same instant" in audit.stdout


def test_the_same_file_again_is_harmless(lab: System) -> None:
    text = HEADER + "2026-03-01 08:00,400,20\n2026-03-01 08:01,401,21\n"
    for _ in range(2):
        code, said = done(replay(lab, text))
        assert (code, "2 rows of export.csv arrived" in said) == (0, True)
    assert len(stored(lab)) == 4
    assert lab.audit()["clean"]


def test_series_in_another_unit_is_refused_alone_and_named(lab: System) -> None:
    level = layout("CO2=room/level,mm", pattern="%Y-%m-%d %H:%M")
    assert done(replay(lab, "time,CO2\n2026-03-01 08:00,1\n", level))[0] == 0
    plan = layout("CO2=room/level,V", "T=room/temp,Cel", pattern="%Y-%m-%d %H:%M")
    code, said = done(replay(lab, HEADER + "2026-03-01 08:01,2,20\n2026-03-01 08:02,,21\n", plan))
    assert code == 1
    assert "1 of 2 rows of export.csv arrived, 1 refused" in said
    assert "  line 2: series 'room/level' of 'lab-pi' was in 'mm' and now comes in 'V'" in said
    assert [value for name, _, value in stored(lab) if name == "room/temp"] == [20.0, 21.0]


def test_nothing_is_sent_of_a_file_with_odd_rows_unless_they_are_skipped(lab: System) -> None:
    text = (
        HEADER
        + "2026-03-01 08:00,400,20\n2026-03-01 08:01,oops,21\n2026-03-01 08:02,,\n2026-03-01 08:03,NA,22\n"
    )
    plan = UNIT.replace("[time]", 'missing = ["NA"]\n[time]')
    code, said = done(replay(lab, text, plan))
    assert (code, "1 of 4 rows cannot be read, nothing was sent" in said) == (2, True), said
    assert "  line 3: 'oops' in 'CO2' is not a number" in said
    assert stored(lab) == []
    code, said = done(replay(lab, text, plan, "--skip-bad"))
    assert code == 0, said
    for sentence in (
        "2 rows of export.csv arrived",
        "skipped: 1 row that cannot be read:\n  line 3: 'oops'",
        "skipped: 1 row without a value",
        "skipped: 1 single values that the map lists as missing",
    ):
        assert sentence in said
    assert len(stored(lab)) == 3


def test_month_first_reading_of_a_day_first_file_sends_nothing(lab: System) -> None:
    text = "time,CO2\n" + "".join(
        f"{day:02}/03/2026 {hour:02}:00,400\n" for day in (1, 2, 3) for hour in range(24)
    )
    code, said = done(replay(lab, text, layout(pattern="%m/%d/%Y %H:%M"), "--skip-bad"))
    assert (code, "days and months are exchanged" in said) == (2, True), said
    assert stored(lab) == []


def test_outbox_begins_another_file_at_its_beginning_and_goes_on_with_one_that_grew(lab: System) -> None:
    box = ("--outbox", str(lab.folder / "box"))
    first = HEADER + "".join(f"2026-03-01 08:{n:02},{n},20\n" for n in range(10))
    assert done(replay(lab, first, UNIT, *box))[0] == 0
    other = HEADER + "".join(f"2026-03-02 08:{n:02},{n},20\n" for n in range(10))
    code, said = done(replay(lab, other, UNIT, *box))
    assert (code, "10 rows of export.csv arrived" in said) == (0, True)
    assert len(stored(lab)) == 40
    code, said = done(replay(lab, other + "2026-03-02 09:00,99,20\n", UNIT, *box))
    assert (code, "11 rows of export.csv arrived" in said) == (0, True)
    assert len(stored(lab)) == 42
    assert lab.audit()["clean"]


def test_refused_rows_are_still_counted_after_a_kill(system: System) -> None:
    device_in(system.database, "lab")
    ingest = system.ingest()
    lines = [f"2026-03-01 {n // 60:02}:{n % 60:02},{n},20" for n in range(1200)]
    lines[3] = lines[2].replace(",2,", ",777,")
    box = ("--outbox", str(system.folder / "box"), "--speed", "20000")
    program = replay(system, HEADER + "\n".join(lines), UNIT, *box)
    program.begin()
    eventually(lambda: bool(rows(system.database, "SELECT FROM unstored")), "the clash is in the ledger")
    time.sleep(0.5)
    program.kill()
    assert len(stored(system)) < 2 * 1200 - 1
    ingest.kill()
    ingest.begin()
    program.begin()
    assert program.wait(60) == 1, program.tail()
    assert "1199 of 1200 rows of export.csv arrived, 1 refused" in program.said()
    assert "line 5: room/co2 has the value 2.0" in program.said()


def test_device_that_is_not_registered_is_named_within_ten_seconds(lab: System) -> None:
    began = time.monotonic()
    code, said = done(replay(lab, HEADER + "2026-03-01 08:00,400,20\n", UNIT, device="attic-pi"))
    assert time.monotonic() - began < 30  # ten seconds, and the start of a program on a busy machine
    assert code == 1
    assert "device 'attic-pi' is not registered: `hubwell device add attic-pi --space SPACE`" in said


def test_server_that_is_silent_is_explained_within_ten_seconds(system: System) -> None:
    program = replay(system, HEADER + "2026-03-01 08:00,400,20\n")
    program.begin("No receipt of the server yet. Check that `hubwell ingest` runs", within=10)
    program.stop(signal.SIGINT, within=10)


@pytest.mark.parametrize("after_s", [0.0, 0.3, 0.6, 1.0])
def test_early_end_prints_no_traceback(lab: System, after_s: float) -> None:
    lines = "".join(f"2026-03-01 {n // 60 % 24:02}:{n % 60:02},{n},20\n" for n in range(1440))
    program = replay(lab, HEADER + lines, UNIT, "--speed", "60")
    program.begin()
    time.sleep(after_s)
    program.stop(signal.SIGINT, within=10)
    assert "Traceback" not in program.said()
    assert "rror" not in program.said()
