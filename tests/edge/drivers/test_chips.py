import subprocess
import sys

import pytest

from hubwell_edge.registry import build_sensors
from hubwell_edge.sim.chips import scd41, simulated_hardware, simulated_i2c
from hubwell_edge.sim.chips.bus import SimulatedI2C
from hubwell_edge.sim.chips.pins import BLOCK_S, is_person_present


def ask(chip: scd41.Scd41, command: int) -> bytes:
    chip.write(command.to_bytes(2, "big"))
    return chip.read(3)


def test_crc_is_the_one_of_the_data_sheet() -> None:
    assert scd41.crc8(b"\xbe\xef") == 0x92


def test_argument_with_a_wrong_crc_is_refused() -> None:
    chip = scd41.Scd41()
    altitude = (440).to_bytes(2, "big")
    with pytest.raises(OSError, match="121"):
        chip.write(b"\x24\x27" + altitude + b"\x00")
    chip.write(b"\x24\x27" + altitude + bytes([scd41.crc8(altitude)]))
    assert ask(chip, 0x2322)[:2] == altitude


def test_measuring_chip_refuses_what_needs_it_idle() -> None:
    chip = scd41.Scd41()
    assert ask(chip, scd41.SERIAL_NUMBER)
    chip.write(scd41.START.to_bytes(2, "big"))
    with pytest.raises(OSError, match="121"):
        ask(chip, scd41.SERIAL_NUMBER)
    chip.write(scd41.STOP.to_bytes(2, "big"))
    assert ask(chip, scd41.SERIAL_NUMBER)


@pytest.mark.parametrize("command", [b"\x21", b"\x12\x34", b"\x12\x34\x00\x00\x81"])
def test_unknown_or_cut_command_is_refused(command: bytes) -> None:
    with pytest.raises(OSError, match="121"):
        scd41.Scd41().write(command)


def test_nothing_measured_gives_nothing_to_read() -> None:
    chip = scd41.Scd41()
    chip.write(scd41.READ_MEASUREMENT.to_bytes(2, "big"))
    with pytest.raises(OSError, match="121"):
        chip.read(9)


def test_scan_shows_who_answers() -> None:
    bus = simulated_i2c()
    assert bus.scan() == [0x62, 0x76]
    assert SimulatedI2C({}).scan() == []


def test_same_seed_gives_the_same_values_and_they_move() -> None:
    def values(seed: int) -> list[float]:
        (sensor,) = build_sensors([{"driver": "bme280"}], simulated_hardware(seed))
        sensor.open()
        return [one.value for _ in range(5) for one in sensor.read()]

    assert values(7) == values(7)
    assert values(7) != values(8)
    assert len(set(values(7))) > 5


def test_simulated_pin_sees_people_come_and_go() -> None:
    hardware = simulated_hardware(3)
    (sensor,) = build_sensors([{"driver": "pir", "pin": 17}], hardware)
    sensor.open()
    assert [one.value in {0.0, 1.0} for one in sensor.read()] == [True]
    sensor.close()
    seen = {is_person_present(3, "GPIO17", block * BLOCK_S) for block in range(20)}
    assert seen == {True, False}


def test_drivers_and_models_are_imported_without_any_hardware_library() -> None:
    code = (
        "import sys, hubwell_edge.drivers.poll, hubwell_edge.sim.chips\n"
        "print([m for m in sys.modules if m.split('_')[0] in ('adafruit', 'gpiod', 'busio', 'board')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
