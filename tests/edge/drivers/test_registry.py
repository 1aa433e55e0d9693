import pytest

from hubwell_edge.config_tables import TableError
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.poll import Poller
from hubwell_edge.registry import SENSORS, build_sensors


def problem(*entries: dict[str, object]) -> str:
    with pytest.raises(TableError) as caught:
        build_sensors(entries, Hardware())
    return str(caught.value)


def test_each_driver_is_built_from_its_own_options() -> None:
    sensors = build_sensors(
        [
            {"driver": "scd4x", "bus": 2, "every_s": 30},
            {"driver": "bme280", "address": 0x77, "part": "window"},
            {"driver": "pir", "pin": 17},
        ],
        Hardware(),
    )
    assert [(one.part, one.bus, one.every_s) for one in sensors] == [
        ("scd41", "i2c-2", 30),
        ("window", "i2c-1", 10),
        ("pir", "gpio", 60),
    ]
    assert {"scd4x", "bme280", "pir"} <= set(SENSORS)


def test_meta_lists_every_series_with_its_unit() -> None:
    sensors = build_sensors([{"driver": "bme280"}, {"driver": "pir", "pin": 4, "every_s": 30}], Hardware())
    assert [(one.s, one.u, one.every_s) for one in Poller(sensors).meta()] == [
        ("bme280/temp", "Cel", 10),
        ("bme280/rh", "%RH", 10),
        ("bme280/pressure", "hPa", 10),
        ("pir/presence", "/", 30),
    ]


def test_unknown_driver_names_the_nearest_and_all() -> None:
    assert problem({"driver": "scd40"}) == (
        "sensor 1: driver 'scd40' is not known; did you mean 'scd4x'? known drivers: "
        + ", ".join(sorted(SENSORS))
    )


def test_missing_driver_says_what_to_write() -> None:
    assert "write driver = 'NAME' with one of: bme280" in problem({"pin": 17})


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"driver": "scd4x", "adress": 98},
            "option 'adress' is not known; did you mean 'address'? options: ",
        ),
        (
            {"driver": "scd4x", "every_s": 1},
            "option 'every_s' (seconds between reads; the chip needs 5) cannot be 1: ",
        ),
        ({"driver": "pir"}, "option 'pin' is missing; write pin = ... (GPIO number (BCM)"),
        ({"driver": "pir", "pin": "17"}, "cannot be '17': Input should be a valid integer"),
        ({"driver": "bme280", "address": 0x62}, "(0x76 or 0x77, by the board's SDO pin) cannot be 98: "),
        ({"driver": "bme280", "part": "Big Room"}, "option 'part' (name in series names: lower case letters"),
        (
            {"driver": "bme280", "every_s": float("inf")},
            "option 'every_s' (seconds between two reads) cannot be inf",
        ),
    ],
)
def test_wrong_option_names_the_field_and_what_to_do(entry: dict[str, object], said: str) -> None:
    text = problem({"driver": "bme280", "part": "fine"}, entry)
    assert text.startswith(f"sensor 2 ({entry['driver']}): ")
    assert said in text


def test_all_problems_are_told_together() -> None:
    assert len(problem({"driver": "x"}, {"driver": "pir", "pn": 4}).splitlines()) == 3


def test_two_sensors_of_one_name_are_refused() -> None:
    text = problem({"driver": "bme280"}, {"driver": "bme280", "address": 0x77})
    assert text == ("sensors 1 and 2 are both called 'bme280': give one another name with part = 'bme280-2'")
