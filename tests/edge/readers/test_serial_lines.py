"""Readers that write lines, over a real pseudo-terminal."""

import errno
import os
import pty
import tty
from collections.abc import Iterator

import pytest

from hubwell_edge.drivers.hardware import Hardware, SerialPort
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_edge.readers.serial_lines import SerialLineReader, SerialLineSettings

CODE = "HW1:ABCDEFGH234567ABCDEFGH22"
SOON_S = 5.0


class Scanner:
    """A serial scanner; the test is its inside."""

    def __init__(self) -> None:
        self.far, self.near = pty.openpty()
        tty.setraw(self.far)
        tty.setraw(self.near)
        self.path = os.ttyname(self.near)

    def write(self, data: bytes) -> None:
        os.write(self.far, data)

    def unplug(self) -> None:
        for descriptor in (self.far, self.near):
            if descriptor >= 0:
                os.close(descriptor)
        self.far = self.near = -1


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    scanner = Scanner()
    yield scanner
    scanner.unplug()


@pytest.fixture
def reader(scanner: Scanner) -> Iterator[SerialLineReader]:
    reader = SerialLineReader(SerialLineSettings(device=scanner.path), Hardware())
    reader.open()
    yield reader
    reader.close()


def test_numbers_and_codes(reader: SerialLineReader, scanner: Scanner) -> None:
    scanner.write(b"04:A1:B2:C3:D4:E5:F6\r\n" + CODE.encode() + b"\r\n")
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c3d4e5f6"))
    assert reader.wait(SOON_S) == Card(token=CODE)
    assert reader.wait(0.05) is None


def test_line_in_pieces(reader: SerialLineReader, scanner: Scanner) -> None:
    scanner.write(b"04a1")
    assert reader.wait(0.05) is None
    scanner.write(b"b2c3\r")
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c3"))


def test_address_of_a_signed_tap(reader: SerialLineReader, scanner: Scanner) -> None:
    scanner.write(b"https://choose.url.com/x?p=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086\n")
    card = reader.wait(SOON_S)
    assert card is not None
    assert card.sun is not None
    assert card.sun.cmac == "94eed9ee65337086"


def test_noise_without_end_stays_small_and_harms_nothing(reader: SerialLineReader, scanner: Scanner) -> None:
    for _ in range(20):
        scanner.write(b"\xff\x00noise" * 100)
        assert reader.wait(0.01) is None
    scanner.write(b"\n04a1b2c3\n")
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c3"))


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\x020A00BC614E99\x03", "em4100"),  # RDM6300: checksum, nothing behind
        (b"\x020A00BC614E99\r\n\x03", "em4100"),  # ID-12LA
        (b"\r\n\x020012345678\x03\r\n", "em4100-decimal"),
    ],
)
def test_frame_of_stx_and_etx(scanner: Scanner, data: bytes, number: str) -> None:
    settings = {"device": scanner.path, "frame": "stx-etx", "number": number}
    framed = SerialLineReader(SerialLineSettings.model_validate(settings), Hardware())
    framed.open()
    expected = Card(uid=b"em4100" + bytes.fromhex("00bc614e"))
    scanner.write(data[:5])
    assert framed.wait(0.05) is None
    scanner.write(data[5:] + data)
    assert [framed.wait(SOON_S), framed.wait(SOON_S), framed.wait(1.2)] == [expected, expected, None]
    assert framed.take_unreadable() is None
    framed.close()


def test_text_without_an_end_is_noticed_once(reader: SerialLineReader, scanner: Scanner) -> None:
    scanner.write(b"\x0204A1B2C3\x03")
    assert reader.wait(SOON_S) is None
    assert "option 'frame'" in (reader.take_unreadable() or "")
    assert reader.wait(1.2) is None
    assert reader.take_unreadable() is None


def test_unplugged(reader: SerialLineReader, scanner: Scanner) -> None:
    scanner.unplug()
    with pytest.raises(ReaderSilentError):
        reader.wait(SOON_S)


def test_held_by_another_program(reader: SerialLineReader, scanner: Scanner) -> None:
    assert reader.name == "door"
    second = SerialLineReader(SerialLineSettings(device=scanner.path), Hardware())
    with pytest.raises(ReaderError, match="another program holds"):
        second.open()


def test_without_the_right() -> None:
    def refuse(path: str, _baud: int) -> SerialPort:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    with pytest.raises(ReaderError, match="group dialout"):
        SerialLineReader(SerialLineSettings(device="/dev/ttyACM0"), Hardware(serial=refuse)).open()


def test_not_there() -> None:
    reader = SerialLineReader(SerialLineSettings(device="/dev/hubwell-none"), Hardware())
    with pytest.raises(ReaderSilentError, match="correct 'device'"):
        reader.open()


def test_standard_input() -> None:
    near, far = os.pipe()
    keep = os.dup(0)
    try:
        os.dup2(near, 0)
        reader = SerialLineReader(SerialLineSettings(device="-"), Hardware())
        reader.open()
        os.write(far, b"04a1b2c3\n")
        assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c3"))
        os.close(far)
        with pytest.raises(ReaderSilentError, match="no more data can arrive"):
            reader.wait(SOON_S)
        reader.close()
    finally:
        os.dup2(keep, 0)
        os.close(keep)
        os.close(near)
