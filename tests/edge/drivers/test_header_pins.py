"""The header's pins through gpiod, down to its calls of the kernel: chips that a test describes."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import pytest

from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.drivers.header_pins import HeaderPins
from hubwell_edge.drivers.pir import Pir, PirSettings
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.feedback.gpio import Gpio, GpioSettings
from hubwell_edge.feedback.output import FeedbackError

gpiod = pytest.importorskip("gpiod", reason="the library for pins is for Linux")
ACTIVE, INACTIVE = gpiod.line.Value.ACTIVE, gpiod.line.Value.INACTIVE


@dataclass
class Kernel:
    """What stands under gpiod: chips by their devices, and the pins that somebody holds."""

    devices: Path
    labels: dict[str, str]
    closed: set[str] = field(default_factory=set)
    held: dict[int, Any] = field(default_factory=dict)
    values: dict[int, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    gone: bool = False

    def __post_init__(self) -> None:
        for name in self.labels:
            (self.devices / name).touch()
        # The real signature: what gpiod does not know fails here too.
        request_lines = create_autospec(gpiod.request_lines, side_effect=self._request)
        self.gpiod = SimpleNamespace(
            Chip=self._chip, LineSettings=gpiod.LineSettings, line=gpiod.line, request_lines=request_lines
        )
        self.pins = HeaderPins(self.gpiod, self.devices)
        self.hardware = Hardware(pins=lambda: self.pins)

    @contextmanager
    def _chip(self, path: str) -> Iterator[Any]:
        name = Path(path).name
        if name in self.closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        yield SimpleNamespace(get_info=lambda: SimpleNamespace(label=self.labels[name], num_lines=54))

    def _value(self, number: int) -> Any:
        if self.gone:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return self.values[number]

    def _request(self, path: str, *, consumer: str, config: dict[int, Any]) -> Any:
        assert consumer == "hubwell-edge"
        ((number, settings),) = config.items()
        if number in self.held:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        self.asked.append(Path(path).name)
        self.held[number] = settings
        self.values[number] = settings.output_value
        return SimpleNamespace(
            get_value=self._value,
            set_value=self.values.__setitem__,
            release=lambda: self.held.pop(number),
        )


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path, {"gpiochip0": "brcmvirt-gpio", "gpiochip1": "pinctrl-bcm2711"})


@pytest.mark.parametrize(
    ("labels", "header"),
    [
        ({"gpiochip0": "pinctrl-bcm2835", "gpiochip1": "raspberrypi-exp-gpio"}, "gpiochip0"),
        ({"gpiochip0": "pinctrl-bcm2711", "gpiochip1": "raspberrypi-exp-gpio"}, "gpiochip0"),
        ({"gpiochip0": "gpio-brcmstb@107d508500", "gpiochip4": "pinctrl-rp1"}, "gpiochip4"),
        ({"gpiochip0": "pinctrl-rp1", "gpiochip10": "gpio-brcmstb@107d508500"}, "gpiochip0"),
    ],
)
def test_header_is_found_by_its_label_on_every_raspberry_pi(
    tmp_path: Path, labels: dict[str, str], header: str
) -> None:
    kernel = Kernel(tmp_path, labels)
    kernel.pins.input(17, active_high=True).close()
    assert kernel.asked == [header]


@pytest.mark.parametrize(("active_high", "bias"), [(True, "PULL_DOWN"), (False, "PULL_UP")])
def test_motion_sensor_rests_inactive_by_a_resistor(kernel: Kernel, *, active_high: bool, bias: str) -> None:
    sensor = Pir(PirSettings(pin=17, active_high=active_high), kernel.hardware)
    sensor.open()
    asked = kernel.held[17]
    assert asked.direction == gpiod.line.Direction.INPUT
    assert asked.bias == gpiod.line.Bias[bias]
    assert asked.active_low is not active_high
    kernel.values[17] = ACTIVE
    assert [one.value for one in sensor.read()] == [1.0]
    kernel.values[17] = INACTIVE
    assert [one.value for one in sensor.read()] == [0.0]
    sensor.close()
    assert kernel.held == {}


@pytest.mark.parametrize("active_high", [True, False])
def test_lamps_are_off_from_the_first_moment_and_switch(kernel: Kernel, *, active_high: bool) -> None:
    lamps = Gpio(GpioSettings(green=23, red=24, active_high=active_high), kernel.hardware)
    lamps.open()
    for number in (23, 24):
        asked = kernel.held[number]
        assert asked.direction == gpiod.line.Direction.OUTPUT
        assert asked.output_value == INACTIVE
        assert asked.active_low is not active_high
    lamps._set(green=True, red=False)
    assert kernel.values == {23: ACTIVE, 24: INACTIVE}
    lamps.close()
    assert kernel.held == {}


def test_pin_that_another_program_holds_is_a_sentence(kernel: Kernel) -> None:
    kernel.pins.output(17, active_high=True)
    with pytest.raises(SensorError, match=r"^GPIO17 cannot be used for pir \(Device or resource busy\)"):
        Pir(PirSettings(pin=17), kernel.hardware).open()
    with pytest.raises(FeedbackError, match=r"^its pins cannot be used \(Device or resource busy\)"):
        Gpio(GpioSettings(green=17), kernel.hardware).open()


def test_header_that_this_user_may_not_open_is_a_sentence(kernel: Kernel) -> None:
    kernel.closed.add("gpiochip1")
    with pytest.raises(SensorError, match=r"\(Permission denied\).* in the group gpio$"):
        Pir(PirSettings(pin=17), kernel.hardware).open()


def test_chip_of_something_else_that_is_closed_does_not_matter(kernel: Kernel) -> None:
    kernel.closed.add("gpiochip0")
    kernel.pins.input(17, active_high=True)


def test_machine_without_a_header_says_so(tmp_path: Path) -> None:
    sensor = Pir(PirSettings(pin=17), Kernel(tmp_path, {"gpiochip0": "gpio-ich"}).hardware)
    with pytest.raises(SensorError, match="this machine has no header of a Raspberry Pi"):
        sensor.open()


def test_real_library_finds_no_header_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        HeaderPins(gpiod, tmp_path).input(17, active_high=True)


def test_pin_that_cannot_be_read_any_more_is_a_sentence(kernel: Kernel) -> None:
    sensor = Pir(PirSettings(pin=17), kernel.hardware)
    sensor.open()
    kernel.gone = True
    with pytest.raises(SensorError, match=r"^GPIO17 of pir cannot be read \(No such device\)$"):
        sensor.read()
    sensor.close()
    with pytest.raises(SensorError, match="cannot be read"):
        sensor.open()
    assert kernel.held == {}
