"""Values of recorded files: decimals, groups, words, units, and what is no value."""

from pathlib import Path

import pytest

from edge.replay.recorded import layout, played, source_of, values
from hubwell_edge.replay.layout import load_map
from hubwell_edge.sources.observation import SourceError


def column(*texts: str, delimiter: str = ";") -> str:
    return f"time{delimiter}CO2\n" + "".join(
        f'01.03.2026 08:{n:02}{delimiter}"{text}"\n' for n, text in enumerate(texts)
    )


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        (("21,5", "1.234,5", "1.234"), (21.5, 1234.5, 1234.0)),
        (("21.5", "1,234.5", "1,234"), (21.5, 1234.5, 1234.0)),
        (("1 234,5", "1\u00a0234", "12\u202f345,0", "0,125"), (1234.5, 1234.0, 12345.0, 0.125)),
        (("1'234.5", "1\u2019234"), (1234.5, 1234.0)),
        (("\u22123,5", "+2,0", "-0,5"), (-3.5, 2.0, -0.5)),
        (("1.5e3", "2E-2", ".5", "5."), (1500.0, 0.02, 0.5, 5.0)),
        (("1.234.567", "1.234"), (1234567.0, 1234.0)),
        (("1,234,567", "1,234"), (1234567.0, 1234.0)),
        (("400 ppm", "21,5ppm"), (400.0, 21.5)),
        (("400", "812"), (400.0, 812.0)),
        (("0,125", "0,250"), (0.125, 0.25)),
        (("0.125", "0.250"), (0.125, 0.25)),
        (("-0,125", "1,250"), (-0.125, 1.25)),
        (("0.125", "1.250"), (0.125, 1.25)),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_numbers_of_several_languages_are_read(
    tmp_path: Path, texts: tuple[str, ...], numbers: tuple[float, ...], delimiter: str
) -> None:
    assert tuple(values(source_of(tmp_path, column(*texts, delimiter=delimiter), layout()))) == numbers


@pytest.mark.parametrize(
    ("texts", "delimiter"), [(("1,234", "400"), ";"), (("1.234", "400"), ";"), (("1,234",), ",")]
)
def test_number_that_can_be_read_in_two_ways_is_refused(
    tmp_path: Path, texts: tuple[str, ...], delimiter: str
) -> None:
    text = column(*texts, delimiter=delimiter)
    with pytest.raises(SourceError, match=f"line 2: '{texts[0]}' can be read in two ways.*decimal = ','"):
        source_of(tmp_path, text, layout())
    numbers = {sign: values(source_of(tmp_path, text, layout(top=f'decimal = "{sign}"')))[0] for sign in ".,"}
    assert sorted(numbers.values()) == [1.234, 1234.0]
    assert numbers[texts[0][1]] == 1.234


@pytest.mark.parametrize(
    "text",
    [
        "many",
        "nan",
        "inf",
        "1e400",
        "1_000",
        "12,34,5",
        "1.2.3",
        "\u0661\u0662",
        "--5",
        "0x1F",
        "#N/A",
        "5 %",
    ],
)
def test_value_that_is_no_number_is_named_with_line_and_column(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"1 of 2 rows(.|\n)*line 3: .* in 'CO2' is not a number"):
        source_of(tmp_path, column("21.5", text), layout())


def test_value_that_nothing_measures_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"line 3: room/co2: 1e\+16 ppm is beyond 1e\+15"):
        source_of(tmp_path, column("21.5", "1e16"), layout())


@pytest.mark.parametrize(
    ("series", "unit", "text", "value"),
    [
        ("room/temp", "°F", "72.5", 22.5),
        ("room/temp", "K", "293.15", 20.0),
        ("room/temp", "°C", "20.5 °C", 20.5),
        ("room/pressure", "Pa", "101325", 1013.25),
        ("room/pressure", "mmHg", "760", 1013.25),
        ("room/pressure", "inHg", "29.92", 1013.21),
        ("room/pressure", "kPa", "101.325", 1013.25),
        ("room/co2", "ppb", "812500", 812.5),
        ("room/voc", "ppb", "250", 0.25),
        ("room/pm25", "mg/m³", "0.012", 12.0),
        ("room/rh", "%", "45", 45.0),
        ("room/rh", "/", "0.45", 45.0),
        ("room/light", "fc", "10", 107.6391),
        ("room/level", "cm", "2.5", 25.0),
        ("hall/level", "mm", "2.5", 2.5),
    ],
)
def test_unit_of_the_file_is_converted(
    tmp_path: Path, series: str, unit: str, text: str, value: float
) -> None:
    plan = layout(f"CO2={series},{unit}", top='decimal = "."')
    assert values(source_of(tmp_path, column(text), plan)) == [pytest.approx(value, rel=1e-5)]


@pytest.mark.parametrize(
    ("series", "unit", "reason"),
    [
        ("room/temp", "ppm", "unit 'ppm' does not fit series 'room/temp'; 'temp' is in 'Cel'.*°F"),
        ("room/co2", "°F", "unit '°F' does not fit series 'room/co2'"),
        ("room/level", "furlong", "unit 'furlong' of series 'room/level' is unknown"),
        ("Room CO2", "ppm", "s: 'Room CO2' is not SENSOR/QUANTITY"),
    ],
)
def test_unit_or_series_that_cannot_be_is_refused_with_what_can(
    tmp_path: Path, series: str, unit: str, reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        source_of(tmp_path, column("1"), layout(f"CO2={series},{unit}"))


def test_switches_are_words_and_maps_may_name_their_own(tmp_path: Path) -> None:
    words = ("on", "OFF", "True", "open", "detected", "clear", "1", "0", "päällä")
    plan = layout("CO2=door/presence,/") + '\nvalues = { "Päällä" = 1 }'
    assert values(source_of(tmp_path, column(*words), plan)) == [1, 0, 1, 1, 1, 0, 1, 0, 1]
    with pytest.raises(SourceError, match="'on' in 'CO2' is not a number"):
        source_of(tmp_path, column("on"), layout())


def test_missing_words_are_skipped_and_counted_and_rows_without_a_value_too(tmp_path: Path) -> None:
    text = "time;CO2;T\n01.03.2026 08:00;NA;20\n01.03.2026 08:01;;\n01.03.2026 08:02;na;Unavailable\n;;\n\n"
    plan = layout("CO2=room/co2,ppm", "T=room/temp,Cel", top='missing = ["NA", "unavailable"]')
    source = source_of(tmp_path, text, plan)
    assert [(series, value) for series, _, value in played(source)] == [("room/temp", 20.0)]
    found = source.plan
    assert (found.rows, found.to_send, found.no_value, found.missing) == (3, 1, 2, 1)


def test_odd_rows_are_all_listed_and_skipped_when_asked(tmp_path: Path) -> None:
    lines = ["time;CO2", *(f"01.03.2026 08:{n:02};{400 + n}" for n in range(40))]
    for place in range(5, 17):
        lines[place] = lines[place].rpartition(";")[0] + ";broken"
    lines[20] = "01.03.2026 08:19"
    with pytest.raises(
        SourceError, match=r"13 of 40 rows(.|\n)*line 6: .*\n(.|\n)*and 3 more(.|\n)*--skip-bad"
    ):
        source_of(tmp_path, "\n".join(lines), layout())
    source = source_of(tmp_path, "\n".join(lines), layout(), skip_bad=True)
    assert len(played(source)) == 27
    assert source.plan.odd[21] == "it has 1 fields instead of 2"


def test_file_that_the_map_does_not_fit_is_not_sent_with_skip_bad_either(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="2 of 3 rows cannot be read, so the map does not fit this file"):
        source_of(tmp_path, column("a", "b", "1"), layout(), skip_bad=True)
    with pytest.raises(SourceError, match="no row to send"):
        source_of(tmp_path, column("", ""), layout())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('unit = "ppm"', 'unit = "furlong"'), "unit 'furlong'"),
        (('zone = "Europe/Helsinki"', 'zone = "Europe/Helsingi"'), "did you mean 'Europe/Helsinki'"),
        (('zone = "Europe/Helsinki"', 'zone = "Mars/Base"'), "zone 'Mars/Base' is not known"),
        (("[time]", "[tiem]"), "time: Field required"),
        (('unit = "ppm"', "unit ="), "is not TOML"),
        (("[time]", 'encoding = "utf-9"\n[time]'), "encoding 'utf-9' is not known"),
    ],
)
def test_map_that_is_wrong_says_where(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    plan = tmp_path / "map.toml"
    plan.write_text(layout().replace(*change))
    with pytest.raises(SourceError, match=reason):
        load_map(plan)


@pytest.mark.parametrize(
    ("text", "top"),
    [
        ("time;A\n01.03.2026 08:00;68\n", ""),
        ("time;e;v\n01.03.2026 08:00;A;68\n", 'long = { entity = "e", value = "v" }'),
    ],
)
def test_column_that_is_two_series_is_sent_as_both(tmp_path: Path, text: str, top: str) -> None:
    plan = layout("A=a/temp,°F", "A=b/temp,Cel", top=top)
    found = {series: value for series, _, value in played(source_of(tmp_path, text, plan))}
    assert found == {"a/temp": 20.0, "b/temp": 68.0}


def test_series_listed_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'room/co2' is listed twice"):
        source_of(tmp_path, column("1"), layout("CO2=room/co2,ppm", "T=room/co2,ppm"))
