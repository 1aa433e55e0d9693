"""Files as spreadsheets, loggers and exports write them, through the command to the stored readings."""

from datetime import UTC

from edge.replay.recorded import layout
from feed.ingest_setup import device_in, rows
from flows.system_processes import Program, System

NARROW = "\N{NO-BREAK SPACE}"
FILES: dict[str, tuple[bytes, str, list[tuple[str, str, float]]]] = {
    "excel": (  # code page, line with the delimiter, lines before the header, comma in the value
        (
            "sep=;\r\nExport of the lab\r\n\r\n"
            f"Aika;Lämpötila (°C);Valo\r\n6.1.2026 24.00;21,5;1{NARROW}234,5\r\n"
        ).encode("cp1252"),
        layout("Lämpötila (°C)=room/temp,°C", "Valo=room/light,lx", time="Aika", pattern="%d.%m.%Y %H.%M"),
        [("room/light", "2026-01-06T22:00:00Z", 1234.5), ("room/temp", "2026-01-06T22:00:00Z", 21.5)],
    ),
    "logger": (  # UTF-16, Unix times with and without a fraction
        "time,CO2\n1767592800,712\n1767592860.5,713\n".encode("utf-16"),
        layout(pattern="unix"),
        [("room/co2", "2026-01-05T06:00:00Z", 712.0), ("room/co2", "2026-01-05T06:01:00.500000Z", 713.0)],
    ),
    "home-assistant": (  # one column of values for several entities, words for states, mixed fractions
        (
            b"entity_id,state,last_changed\nsensor.co2,812,2025-11-01T10:00:00Z\n"
            b"binary_sensor.motion,on,2025-11-01T10:00:01.250Z\nbinary_sensor.motion,off,2025-11-01T10:01:00Z\n"
            b"sensor.t,unavailable,2025-11-01T10:01:01Z\n"
        ),
        layout(
            "sensor.co2=a/co2,ppm",
            "binary_sensor.motion=a/presence,/",
            "sensor.t=a/temp,°F",
            time="last_changed",
            pattern="iso",
            top='missing = ["unavailable"]\nlong = { entity = "entity_id", value = "state" }',
        ),
        [
            ("a/co2", "2025-11-01T10:00:00Z", 812.0),
            ("a/presence", "2025-11-01T10:00:01.250000Z", 1.0),
            ("a/presence", "2025-11-01T10:01:00Z", 0.0),
        ],
    ),
    "units": (
        b"time;F;Pa;Hg;B\n01.03.2026 08:00;72.5;101325;760;812500\n",
        layout("F=a/temp,°F", "Pa=a/pressure,Pa", "Hg=b/pressure,mmHg", "B=a/co2,ppb", top='decimal = "."'),
        [
            ("a/co2", "2026-03-01T06:00:00Z", 812.5),
            ("a/pressure", "2026-03-01T06:00:00Z", 1013.25),
            ("a/temp", "2026-03-01T06:00:00Z", 22.5),
            ("b/pressure", "2026-03-01T06:00:00Z", 1013.25),
        ],
    ),
    "zones": (
        b"time,CO2\n2025-10-26 03:30 EEST,1\n2025-10-26 03:30 EET,2\n2025-10-26 03:30 UTC,3\n",
        layout(pattern="%Y-%m-%d %H:%M %Z"),
        [
            ("room/co2", "2025-10-26T00:30:00Z", 1.0),
            ("room/co2", "2025-10-26T01:30:00Z", 2.0),
            ("room/co2", "2025-10-26T03:30:00Z", 3.0),
        ],
    ),
}


def stored(system: System, device: str) -> list[tuple[str, str, float]]:
    query = """SELECT s.name, r.time, r.value FROM reading r JOIN series s ON s.id = r.series_id
               WHERE s.device_id = %s ORDER BY s.name, r.time"""
    return [
        (series, at.astimezone(UTC).isoformat().replace("+00:00", "Z"), round(value, 3))
        for series, at, value in rows(system.database, query, device)
    ]


def replay(system: System, name: str, content: bytes, plan: str) -> Program:
    device_in(system.database, "lab", name)
    (system.folder / name).mkdir()
    file, toml = system.folder / name / "export.csv", system.folder / name / "map.toml"
    file.write_bytes(content)
    toml.write_text(plan, encoding="utf-8")
    program = system.replay(file, toml, name)
    program.begin()
    return program


def test_files_of_other_programs_arrive_with_their_times_and_values(system: System) -> None:
    system.ingest()
    running = {name: replay(system, name, content, plan) for name, (content, plan, _) in FILES.items()}
    codes = {name: (program.wait(60), program.said()) for name, program in running.items()}
    found = {name: stored(system, name) for name in FILES}
    assert found == {name: sorted(points) for name, (_, _, points) in FILES.items()}, codes
    assert {name: code for name, (code, _) in codes.items()} == dict.fromkeys(FILES, 0), codes


def test_zone_that_cannot_be_is_refused_and_nothing_is_sent(system: System) -> None:
    content = b"time,CO2\n2026-03-01 08:00 PST,400\n"
    program = replay(system, "lab-pi", content, layout(pattern="%Y-%m-%d %H:%M %Z"))
    assert program.wait(60) == 2, program.said()
    assert "Traceback" not in program.said()
    assert "line 2: " in program.said()
    assert "zone 'PST'" in program.said()
    assert stored(system, "lab-pi") == []
