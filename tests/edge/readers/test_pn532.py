"""Adafruit's PN532 library against a model of the chip: over a pseudo-terminal, and over SPI."""

import errno
import os
from collections.abc import Iterator

import pytest

from hubwell_edge.drivers.hardware import Hardware, SerialPort, library
from hubwell_edge.readers.pn532 import Pn532, Pn532Settings
from hubwell_edge.readers.reader import Card, Reader, ReaderError, ReaderSilentError
from hubwell_edge.sim.chips.attached import SelectPin, SerialCable, SpiBus
from hubwell_edge.sim.chips.cards import CommandCard, MemoryCard, Ntag424, phone
from hubwell_edge.sim.chips.pn532 import FIRMWARE, Pn532Chip

UID = bytes.fromhex("04a1b2c3d4e5f6")
AN12196 = "choose.url.com/ntag424?p=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
SOON_S = 5.0
NO_CARD_S = 0.1


@pytest.fixture
def chip() -> Pn532Chip:
    return Pn532Chip()


@pytest.fixture
def cable(chip: Pn532Chip) -> Iterator[SerialCable]:
    cable = SerialCable(chip)
    yield cable
    cable.close()


@pytest.fixture(params=["uart", "spi"])
def reader(request: pytest.FixtureRequest, chip: Pn532Chip) -> Iterator[Reader]:
    if request.param == "uart":
        cable: SerialCable = request.getfixturevalue("cable")
        reader = Pn532(Pn532Settings(port=cable.path), Hardware())
    else:
        hardware = Hardware(spi=lambda _bus, _pin: (SpiBus(chip), SelectPin()))
        reader = Pn532(Pn532Settings(interface="spi"), hardware)
    reader.open()
    yield reader
    reader.close()


class WatchedBus(SpiBus):
    """Keeps each transfer as it is on the wires, and whether the chip was selected meanwhile."""

    def __init__(self, chip: Pn532Chip, select: SelectPin) -> None:
        super().__init__(chip)
        self.select = select
        self.selected: list[bool] = []
        self.written: list[bytes] = []
        self.read: list[tuple[int, bytes]] = []

    def write(self, buffer: bytes | bytearray) -> None:
        self.selected.append(not self.select.value)
        self.written.append(bytes(buffer))
        super().write(buffer)

    def write_readinto(self, buffer_out: bytes | bytearray, buffer_in: bytearray) -> None:
        asked = buffer_out[0]  # the library gives one buffer for both ways
        self.selected.append(not self.select.value)
        super().write_readinto(buffer_out, buffer_in)
        self.read.append((asked, bytes(buffer_in[1:])))


def wait(reader: Reader) -> Card:
    card = reader.wait(SOON_S)
    assert card is not None
    return card


def leave(reader: Reader, chip: Pn532Chip) -> None:
    chip.card = None
    assert reader.wait(0.6) is None


def test_card_is_reported_once_for_each_presentation(reader: Reader, chip: Pn532Chip) -> None:
    assert reader.wait(NO_CARD_S) is None
    for _ in range(2):
        chip.card = MemoryCard(UID)
        assert wait(reader) == Card(uid=UID)
        assert reader.wait(0.3) is None
        leave(reader, chip)


@pytest.mark.parametrize("length", [4, 7, 10])
def test_numbers_of_all_lengths(reader: Reader, chip: Pn532Chip, length: int) -> None:
    chip.card = MemoryCard(bytes(range(16, 16 + length)))
    assert wait(reader).uid == bytes(range(16, 16 + length))


def test_card_that_cannot_be_used_is_told_once(reader: Pn532, chip: Pn532Chip) -> None:
    chip.card = MemoryCard(bytes(range(16, 24)))
    assert reader.wait(0.3) is None
    reason = reader.take_unreadable()  # what light, sound and word at the reader begin with
    assert reason is not None
    assert "this one has 8" in reason
    assert reader.take_unreadable() is None
    assert reader.wait(0.3) is None
    assert reader.take_unreadable() is None, "a card that stays is told once"


def test_another_card_at_once(reader: Reader, chip: Pn532Chip) -> None:
    chip.card = MemoryCard(UID)
    wait(reader)
    chip.card = MemoryCard(UID[::-1])
    assert wait(reader).uid == UID[::-1]


def test_phone_that_stays_is_reported_once_though_its_number_changes(reader: Reader, chip: Pn532Chip) -> None:
    chip.card = phone(b"\x01\x02\x03")
    assert wait(reader).random_uid
    chip.card = phone(b"\x04\x05\x06")
    assert reader.wait(0.2) is None


def test_ntag_424_gives_its_signed_message(reader: Reader, chip: Pn532Chip) -> None:
    chip.card = Ntag424(bytes.fromhex("04de5f1eacc040"), address=lambda: AN12196)
    card = wait(reader)
    assert card.sun is not None
    assert (card.sun.picc, card.sun.cmac) == ("ef963ff7828658a599f3041510671e88", "94eed9ee65337086")


def test_card_with_other_commands_gives_its_number(reader: Reader, chip: Pn532Chip) -> None:
    chip.card = CommandCard(UID)
    assert wait(reader) == Card(uid=UID)


def test_chip_without_power_is_said(reader: Reader, chip: Pn532Chip) -> None:
    chip.dead = True
    with pytest.raises(ReaderSilentError, match="check power and wires"):
        reader.wait(SOON_S)
    reader.close()
    with pytest.raises(ReaderSilentError, match="check power and wires"):
        reader.open()
    chip.dead = False
    reader.close()
    reader.open()
    chip.card = MemoryCard(UID)
    assert wait(reader).uid == UID


def test_one_corrupt_answer_is_borne_and_many_are_a_fault(reader: Reader, chip: Pn532Chip) -> None:
    chip.card, chip.garble = MemoryCard(UID), 1
    assert wait(reader).uid == UID
    leave(reader, chip)
    chip.card, chip.garble = MemoryCard(UID), 1000
    with pytest.raises(ReaderError, match="shorten the cable"):
        reader.wait(SOON_S)


def test_cable_pulled_out(chip: Pn532Chip) -> None:
    cable = SerialCable(chip)
    reader = Pn532(Pn532Settings(port=cable.path), Hardware())
    reader.open()
    cable.close()
    with pytest.raises(ReaderSilentError, match="does not answer"):
        reader.wait(SOON_S)
    reader.close()


def test_port_held_by_another_program(cable: SerialCable) -> None:
    first, second = (Pn532(Pn532Settings(port=cable.path), Hardware()) for _ in range(2))
    first.open()
    with pytest.raises(ReaderError, match="another program holds"):
        second.open()
    second.close()
    first.close()
    second.open()
    second.close()


def test_port_without_the_right() -> None:
    def refuse(path: str, _baud: int) -> SerialPort:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with pytest.raises(ReaderError, match="group dialout"):
        Pn532(Pn532Settings(), Hardware(serial=refuse)).open()


def test_port_that_is_not_there() -> None:
    reader = Pn532(Pn532Settings(port="/dev/hubwell-none"), Hardware())
    with pytest.raises(ReaderSilentError, match="/dev/hubwell-none"):
        reader.open()
    reader.close()


def test_spi_has_the_lowest_bit_first_and_selects_the_chip_for_each_transfer(chip: Pn532Chip) -> None:
    select = SelectPin()
    bus = WatchedBus(chip, select)
    library("adafruit_pn532.spi").PN532_SPI(bus, select)
    assert bus.written[-1] == bytes.fromhex("800000ff407f2b405400")  # 01, 00 00 ff 02 fe d4 02 2a 00
    ready, acknowledged = (0x40, b"\x80"), (0xC0, bytes.fromhex("0000ff00ff00"))
    answer = bytes.fromhex("0000ff605fabc04c8060e01700")  # 00 00 ff 06 fa d5 03 32 01 06 07 e8 00
    assert bus.read[-4:] == [ready, acknowledged, ready, (0xC0, answer)]
    assert all(bus.selected)
    assert select.value, "the chip is still selected"
    assert bus.try_lock(), "the bus is still taken"


def test_firmware_over_spi(chip: Pn532Chip) -> None:
    pn532 = library("adafruit_pn532.spi").PN532_SPI(SpiBus(chip), SelectPin())
    assert bytes(pn532.firmware_version) == FIRMWARE


def test_spi_and_its_pin_are_asked_for_as_set_and_let_go(chip: Pn532Chip) -> None:
    asked, let_go = [], []

    class Bus(SpiBus):
        def deinit(self) -> None:
            let_go.append("bus")

    class Pin(SelectPin):
        def deinit(self) -> None:
            let_go.append("pin")

    def spi(bus: int, pin: int) -> tuple[Bus, Pin]:
        asked.append((bus, pin))
        return Bus(chip), Pin()

    reader = Pn532(Pn532Settings(interface="spi", spi_bus=1, select_pin=17), Hardware(spi=spi))
    reader.open()
    assert (reader.bus, let_go) == ("spi-1", [])
    reader.close()
    assert asked == [(1, 17)]
    assert sorted(let_go) == ["bus", "pin"]


def test_spi_that_this_machine_does_not_have_is_a_sentence() -> None:
    reader = Pn532(Pn532Settings(interface="spi"), Hardware())
    with pytest.raises(ReaderError, match="SPI"):
        reader.open()
    reader.close()
