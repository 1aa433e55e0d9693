"""Readers that type: the bytes of `struct input_event` through a real pipe."""

import errno
import importlib
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator

import pytest

from edge.readers.virtual_card import PREPARE
from hubwell_edge.drivers.hardware import Hardware, Keyboard
from hubwell_edge.drivers.sensor import SensorError
from hubwell_edge.readers.reader import Card, ReaderError, ReaderSilentError
from hubwell_edge.readers.wedge import EVENT, KEYS, KeyParser, Wedge, WedgeSettings
from lanes.missing_part import missing

CODE = "HW1:ABCDEFGH234567ABCDEFGH22"
SOON_S = 5.0
EV_SYN, EV_KEY, EV_MSC = 0, 1, 4
KEY_5, ENTER, SHIFT, PAD_ENTER = 6, 28, 42, 96
"""Codes of <linux/input-event-codes.h>."""


class PipeKeyboard:
    """An input device whose events the test writes."""

    def __init__(self) -> None:
        self.fd, self.far = os.pipe()
        self.closed = False

    def type(self, data: bytes) -> None:
        os.write(self.far, data)

    def close(self) -> None:
        self.closed = True


def event(code: int, value: int, kind: int = EV_KEY) -> bytes:
    return EVENT.pack(1_700_000_000, 0, kind, code, value)


def key(code: int) -> bytes:
    sync = event(0, 0, EV_SYN)
    return event(4, 30, EV_MSC) + event(code, 1) + sync + event(code, 0) + sync


def typed(text: str) -> bytes:
    """What a reader sends to type this text as a keyboard of the United States."""
    plain = {one: code for code, (one, _) in reversed(KEYS.items())}
    shifted = {one: code for code, (_, one) in KEYS.items()}
    return b"".join(
        key(plain[one]) if one in plain else event(SHIFT, 1) + key(shifted[one]) + event(SHIFT, 0)
        for one in text
    )


@pytest.fixture
def keyboard() -> Iterator[PipeKeyboard]:
    keyboard = PipeKeyboard()
    yield keyboard
    os.close(keyboard.fd)
    if keyboard.far >= 0:
        os.close(keyboard.far)


def make(keyboard: Keyboard, **options: object) -> Wedge:
    settings = WedgeSettings.model_validate({"device": "/dev/input/by-id/usb-reader", **options})
    reader = Wedge(settings, Hardware(keyboard=lambda _path: keyboard))
    reader.open()
    return reader


def test_codes_are_those_of_linux() -> None:
    if importlib.util.find_spec("evdev") is None:
        missing("evdev", PREPARE)
    codes = importlib.import_module("evdev").ecodes
    names = {
        "a": "A",
        "z": "Z",
        "0": "0",
        "9": "9",
        "-": "MINUS",
        "/": "SLASH",
        " ": "SPACE",
        "[": "LEFTBRACE",
    }
    assert {codes.ecodes[f"KEY_{name}"]: character for character, name in names.items()}.items() <= {
        code: plain for code, (plain, _) in KEYS.items()
    }.items()
    assert KEYS[codes.KEY_SEMICOLON] == (";", ":")
    assert [KEYS[codes.ecodes[f"KEY_KP{digit}"]][0] for digit in range(10)] == list("0123456789")
    assert (codes.KEY_ENTER, codes.KEY_LEFTSHIFT, codes.KEY_KPENTER) == (ENTER, SHIFT, PAD_ENTER)


@pytest.mark.parametrize("piece", [1, 7, EVENT.size, 10_000])
def test_parser_takes_pieces_of_any_size(piece: int) -> None:
    data = typed("04a1B2") + key(ENTER) + typed("HW1:AB") + key(PAD_ENTER) + typed("rest")
    parser = KeyParser()
    lines = [line for at in range(0, len(data), piece) for line in parser.feed(data[at : at + piece])]
    assert lines == ["04a1B2", "HW1:AB"]


def test_held_key_is_one_character() -> None:
    parser = KeyParser()
    held = event(KEY_5, 1) + event(KEY_5, 2) + event(KEY_5, 2) + event(KEY_5, 0)
    assert list(parser.feed(held + key(ENTER))) == ["5"]


@pytest.mark.parametrize(
    ("options", "text", "uid"),
    [
        ({}, "04A1B2C3D4E5F6", "04a1b2c3d4e5f6"),
        ({}, "04a1b2c3", "04a1b2c3"),
        ({"number": "hex-reversed"}, "F6E5D4C3B2A104", "04a1b2c3d4e5f6"),
        ({"number": "decimal"}, "0077705923", "04a1b2c3"),
        ({"number": "decimal-reversed"}, "3283263748", "04a1b2c3"),
        ({"number": "decimal", "number_bytes": 7}, "1303689068602870", "04a1b2c3d4e5f6"),
    ],
)
def test_numbers_in_every_format(
    keyboard: PipeKeyboard, options: dict[str, object], text: str, uid: str
) -> None:
    reader = make(keyboard, **options)
    keyboard.type(typed(text) + key(ENTER))
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex(uid))


def test_code_of_a_phone(keyboard: PipeKeyboard) -> None:
    reader = make(keyboard)
    keyboard.type(typed(CODE) + key(ENTER))
    assert reader.wait(SOON_S) == Card(token=CODE)


def test_two_cards_in_one_go_are_two(keyboard: PipeKeyboard) -> None:
    reader = make(keyboard)
    keyboard.type(typed("04a1b2c3") + key(ENTER) + typed("04a1b2c4") + key(ENTER))
    cards = [reader.wait(SOON_S), reader.wait(SOON_S), reader.wait(0.05)]
    assert cards == [Card(uid=bytes.fromhex("04a1b2c3")), Card(uid=bytes.fromhex("04a1b2c4")), None]


@pytest.mark.parametrize("text", ["hello", "04a1b", "04a1b2c3d4", "12"])
def test_what_is_no_card_is_said_without_its_text(
    keyboard: PipeKeyboard, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    reader = make(keyboard)
    with caplog.at_level(logging.DEBUG):
        keyboard.type(typed(text) + key(ENTER))
        assert reader.wait(0.1) is None
    assert "neither a card number" in caplog.text
    assert text not in caplog.text.replace("wedge.py", "")


SYN_DROPPED = event(3, 0, EV_SYN)


def test_line_with_lost_events_is_dropped_to_the_next_enter(keyboard: PipeKeyboard) -> None:
    """What is left of it would be another card's number."""
    reader = make(keyboard)
    keyboard.type(typed("04a1b2") + SYN_DROPPED + typed("04a1b2c3") + key(ENTER))
    assert reader.wait(0.2) is None
    assert "hold the card to the reader again" in (reader.take_unreadable() or "")
    keyboard.type(typed("04a1b2c4") + key(ENTER))
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c4"))
    assert reader.take_unreadable() is None


def test_shift_whose_release_was_lost_does_not_stick(keyboard: PipeKeyboard) -> None:
    reader = make(keyboard)
    keyboard.type(event(SHIFT, 1) + SYN_DROPPED + key(ENTER) + typed("04a1b2c3") + key(ENTER))
    keyboard.type(event(SHIFT, 1) + typed("") + key(ENTER) + typed("04a1b2c4") + key(ENTER))
    found = [card for _ in range(4) if (card := reader.wait(0.1)) is not None]
    assert found == [Card(uid=bytes.fromhex(uid)) for uid in ("04a1b2c3", "04a1b2c4")]


def test_text_that_no_enter_ends_is_noticed(keyboard: PipeKeyboard) -> None:
    reader = make(keyboard, pause_s=0.5)
    keyboard.type(typed("04a1b2c3d4e5f6"))
    assert reader.wait(0.05) is None
    assert reader.take_unreadable() is None
    assert reader.wait(1) is None
    assert "Enter at the end" in (reader.take_unreadable() or "")
    keyboard.type(typed("04a1b2c3") + key(ENTER))
    assert reader.wait(SOON_S) == Card(uid=bytes.fromhex("04a1b2c3"))


def test_device_pulled_out(keyboard: PipeKeyboard) -> None:
    reader = make(keyboard)
    os.close(keyboard.far)
    keyboard.far = -1
    with pytest.raises(ReaderSilentError, match="plug door in"):
        reader.wait(SOON_S)
    reader.close()
    assert keyboard.closed


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOENT, "correct 'device'"),
        (errno.EACCES, "group input"),
        (errno.EBUSY, "another program"),
        (errno.EIO, "failed"),
    ],
)
def test_device_that_cannot_be_taken_says_why(code: int, advice: str) -> None:
    def refuse(_path: str) -> Keyboard:
        raise OSError(code, os.strerror(code))

    reader = Wedge(WedgeSettings(device="/dev/input/event99"), Hardware(keyboard=refuse))
    with pytest.raises(ReaderError, match=advice):
        reader.open()


def test_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "evdev", None)
    with pytest.raises(SensorError, match=r"pip install hubwell\[readers\]"):
        Wedge(WedgeSettings(device="/dev/input/event99"), Hardware()).open()


def test_real_library_names_a_device_that_is_not_there() -> None:
    if importlib.util.find_spec("evdev") is None:
        missing("evdev", PREPARE)
    reader = Wedge(WedgeSettings(device="/dev/input/hubwell-none"), Hardware())
    with pytest.raises(ReaderSilentError, match="hubwell-none does not exist"):
        reader.open()
