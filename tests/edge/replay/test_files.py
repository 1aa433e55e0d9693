"""Files as programs and spreadsheets write them: encodings, delimiters, lines before the header, exports."""

import asyncio
from pathlib import Path

import pytest

from edge.agent_builders import ROOT
from edge.replay.recorded import layout, played, source_of, times, values
from hubwell_edge.replay.layout import load_map
from hubwell_edge.replay.source import ReplaySource
from hubwell_edge.sources.observation import SourceError

NAME = "Lämpötila (°C)"
PLAN = layout(f"{NAME}=room/temp,°C")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "cp1257", "iso8859-15", "mac-roman"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encoding_is_found_by_the_names_of_the_columns(tmp_path: Path, encoding: str, newline: str) -> None:
    text = (
        f"time;{NAME};Õhk\n01.03.2026 08:00;21,5;1\n"
        if encoding in {"cp1257", "utf-8"}
        else (f"time;{NAME};x\n01.03.2026 08:00;21,5;1\n")
    )
    assert values(source_of(tmp_path, text.replace("\n", newline).encode(encoding), PLAN)) == [21.5]


def test_latvian_code_page_is_found_though_another_decodes_it_too(tmp_path: Path) -> None:
    text = "Laiks;Mitrums;Temperatūra\n01.03.2026 08:00;40;21,5\n".encode("cp1257")
    plan = layout("Temperatūra=room/temp,Cel", time="Laiks", zone="Europe/Riga")
    assert values(source_of(tmp_path, text, plan)) == [21.5]


def test_encoding_of_the_map_is_used(tmp_path: Path) -> None:
    text = "time;Температура\n01.03.2026 08:00;21,5\n".encode("cp1251")
    plan = layout("Температура=room/temp,Cel", top='encoding = "cp1251"')
    assert values(source_of(tmp_path, text, plan)) == [21.5]
    with pytest.raises(SourceError, match="has no column 'Температура'"):
        source_of(tmp_path, text, plan.replace('encoding = "cp1251"', ""))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "before", ["", "Exported by X\n\n", 'Room: "Lab, 1st floor"; north\nSerial;123\n;;;\n']
)
def test_header_is_found_after_a_preamble(tmp_path: Path, delimiter: str, before: str) -> None:
    text = f"{before}time{delimiter} CO2 \n01.03.2026 08:00{delimiter}400\n"
    assert values(source_of(tmp_path, text, layout())) == [400.0]


@pytest.mark.parametrize("first", ["sep=;\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
def test_line_of_excel_that_names_the_delimiter_is_obeyed(tmp_path: Path, first: str) -> None:
    assert values(source_of(tmp_path, f"{first}time;CO2\n01.03.2026 08:00;400,5\n", layout())) == [400.5]


def test_delimiter_at_the_end_of_each_line_is_no_column(tmp_path: Path) -> None:
    assert values(
        source_of(tmp_path, "time;CO2;\n01.03.2026 08:00;400;\n01.03.2026 08:01;401\n", layout())
    ) == [
        400.0,
        401.0,
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("time;T\n01.03.2026 08:00;20\n", "has no column 'CO2'; it has: time, T"),
        ("time;CO2;CO2\n01.03.2026 08:00;20;21\n", "several columns 'CO2'"),
        ("", "is empty"),
        ("time;CO2\n", "no row to send"),
        (b"PK\x03\x04rest of a workbook", "save the table as CSV"),
        ("time;CO2\n01.03.2026 08:00;400;7\n", "line 2: it has 3 fields instead of 2"),
        ("time;CO2\n01.03.2026 08:00\n", "line 2: it has 1 fields instead of 2"),
    ],
)
def test_file_that_does_not_fit_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        source_of(tmp_path, content, layout())


@pytest.mark.parametrize("skip_bad", [False, True])
@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        (3, '01.03.2026 08:00;400;"open', "01.03.2026 09:00;500;x"),
        (3, '01.03.2026 08:00;"400;x', '01.03.2026 09:00;500;"y"'),
        (3, '01.03.2026 08:00;"400;x', '01.03.2026 09:00;500";y'),
        (3, '"01.03.2026 08:00;400;x', '01.03.2026 09:00";500;y'),
    ],
)
def test_open_quotation_mark_swallows_no_line(
    tmp_path: Path, line: int, before: str, after: str, *, skip_bad: bool
) -> None:
    """Of 23 rows all but one would be gone, and the summary would count one."""
    between = [f"01.03.2026 08:{n:02};{410 + n};" for n in range(1, 21)]
    text = "\n".join(["time;CO2;note", "01.03.2026 07:59;399;", before, *between, after])
    with pytest.raises(SourceError, match=rf"line {line}: a quotation mark is not closed .* up to 24 "):
        source_of(tmp_path, text, layout(), skip_bad=skip_bad)


def test_quotation_marks_inside_a_line_and_lines_inside_a_note_are_no_trouble(tmp_path: Path) -> None:
    rows = ['"said ""no"""', '"two\nlines"', '5" pipe', r'"say \"hi\""', '"a" b']
    text = "time;CO2;note\n" + "".join(
        f"01.03.2026 08:{n:02};{400 + n};{note}\n" for n, note in enumerate(rows)
    )
    assert values(source_of(tmp_path, text, layout())) == [400.0, 401.0, 402.0, 403.0, 404.0]
    with pytest.raises(SourceError, match=r"  line 5: 'x' in 'CO2' is not a number"):
        source_of(tmp_path, text.replace("402", "x"), layout())


def test_folder_and_missing_file_are_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(layout())
    plan = load_map(tmp_path / "map.toml")
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file")):
        with pytest.raises(SourceError, match=f"cannot read .*{reason}"):
            ReplaySource(path, plan)
    with pytest.raises(SourceError, match="cannot read the map"):
        load_map(tmp_path)


HOME_ASSISTANT = """entity_id,state,last_changed
sensor.office_co2,812,2025-11-01T10:00:00.000Z
binary_sensor.office_motion,on,2025-11-01T10:00:01.250Z
sensor.office_temperature,unavailable,2025-11-01T10:00:02.000Z
sensor.office_temperature,70.7,2025-11-01T10:01:00Z
light.office,on,2025-11-01T10:01:01.000Z
"""


def test_long_format_of_home_assistant(tmp_path: Path) -> None:
    plan = layout(
        "sensor.office_co2=office/co2,ppm",
        "binary_sensor.office_motion=office/motion,/",
        "sensor.office_temperature=office/temp,°F",
        time="last_changed",
        pattern="iso",
        top='missing = ["unavailable", "unknown"]\nlong = { entity = "entity_id", value = "state" }',
    )
    source = source_of(tmp_path, HOME_ASSISTANT, plan)
    assert [(series, round(value, 6)) for series, _, value in played(source)] == [
        ("office/co2", 812.0),
        ("office/motion", 1.0),
        ("office/temp", 21.5),
    ]
    assert times(source)[1] == "2025-11-01T10:00:01.25Z"
    found = source.plan
    assert (found.rows, found.to_send, found.no_value, found.not_in_map) == (5, 3, 1, 1)


AIRTHINGS = """recorded;CO2 ppm;HUMIDITY %rH;PRESSURE hPa;TEMP °C;VOC ppb
2026-01-05T08:00:00;712.0;31.5;1003.2;21.4;88.0
2026-01-05T08:05:00;;;;;
"""
NETATMO = """Name;Long;Lat;ModuleName;ModuleType
"Hub";24,9;60,1;"Lab";"NAModule4"
Timestamp;"Timezone : Europe/Helsinki";Temperature;Humidity;CO2
1767592800;"2026/01/05 08:00:00";21,4;31;712
"""


@pytest.mark.parametrize(
    ("text", "plan", "points"),
    [
        (  # Airthings: semicolons, ISO times without a zone, empty cells between the slower sensors
            AIRTHINGS,
            layout(
                "CO2 ppm=wave/co2,ppm", "HUMIDITY %rH=wave/rh,%rH", "VOC ppb=wave/voc,ppb",
                time="recorded", pattern="iso", zone="Europe/Oslo",
            ),
            [712.0, 31.5, 0.088],
        ),
        (  # Netatmo: a preamble of two tables, Unix times beside local ones, comma as decimal sign
            NETATMO,
            layout("Temperature=lab/temp,Cel", "CO2=lab/co2,ppm", time="Timestamp", pattern="unix"),
            [21.4, 712.0],
        ),
        (  # Grafana: formatted values with their unit, quoted
            '"Time","co2 office","temp office"\n"2026-01-05 08:00:00","712 ppm","21.4 °C"\n',
            layout(
                "co2 office=office/co2,ppm", "temp office=office/temp,°C", time="Time", pattern="iso"
            ),
            [712.0, 21.4],
        ),
        (  # Excel in Finland: cp1252, point in the time, comma in the value, narrow groups
            "Aika;Valo (lx)\r\n5.1.2026 8.00;1\u00a0234,5\r\n".encode("cp1252"),
            layout("Valo (lx)=lab/light,lx", time="Aika", pattern="%d.%m.%Y %H.%M"),
            [1234.5],
        ),
        (  # Excel in Italy: slashes, points between groups
            "Data;Luce\r\n05/01/2026 08:00;1.234,5\r\n13/01/2026 08:00;12,5\r\n".encode("cp1252"),
            layout("Luce=lab/light,lx", time="Data", pattern="%d/%m/%Y %H:%M", zone="Europe/Rome"),
            [1234.5, 12.5],
        ),
        (  # Excel in the Netherlands: dashes, one-digit days
            "Datum;Temperatuur\r\n5-1-2026 8:00;21,5\r\n".encode("cp1252"),
            layout("Temperatuur=lab/temp,Cel", time="Datum", pattern="%d-%m-%Y %H:%M", zone="CET"),
            [21.5],
        ),
    ],
    ids=["airthings", "netatmo", "grafana", "excel-fi", "excel-it", "excel-nl"],
)  # fmt: skip
def test_export_is_read(tmp_path: Path, text: str | bytes, plan: str, points: list[float]) -> None:
    source = source_of(tmp_path, text, plan)
    assert values(source) == [pytest.approx(point) for point in points]
    assert times(source)[0].startswith("2026-01-05T0")


def test_recorded_rooms_are_read_whole(shared_data: Path) -> None:
    maps = ROOT / "firmware_configs" / "replay"
    for name, stem, rows, columns in (
        ("uci357_occupancy_detection/datatest.txt", "uci357", 2665, 6),
        ("uci864_room_occupancy_estimation/Occupancy_Estimation.csv", "uci864", 10129, 17),
    ):
        source = ReplaySource(shared_data / name, load_map(maps / f"{stem}.toml"))
        assert len(played(source)) == rows * columns


def test_cursor_is_bound_to_the_content(tmp_path: Path) -> None:
    def export(*numbers: int) -> str:
        return "time;CO2\n" + "".join(f"01.03.2026 08:{n:02};{n}\n" for n in numbers)

    source = source_of(tmp_path, export(1, 2, 3), layout())

    async def last_cursor() -> str:
        return [o.cursor async for o in source.observations(None)][1] or ""

    cursor = asyncio.run(last_cursor())
    assert [value for _, _, value in played(source, cursor)] == [3.0]
    grown = source_of(tmp_path, export(1, 2, 3, 4, 5), layout())
    assert [value for _, _, value in played(grown, cursor)] == [3.0, 4.0, 5.0]
    other = source_of(tmp_path, export(7, 8, 9), layout())
    assert [value for _, _, value in played(other, cursor)] == [7.0, 8.0, 9.0]
    shorter = source_of(tmp_path, export(1), layout())
    assert [value for _, _, value in played(shorter, cursor)] == [1.0]
    mapped_otherwise = source_of(tmp_path, export(1, 2, 3), layout(zone="Europe/Rome"))
    assert len(played(mapped_otherwise, cursor)) == 3
    assert len(played(source, "2")) == 3  # a cursor of release 0.1
