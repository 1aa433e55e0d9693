"""The parts that show something: pins, displays, the lamps of an ACR122U, a console."""

import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.readers.virtual_card import VirtualReader
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.feedback.acr122u import BUZZER_SILENT_ON_CARD, COMMANDS, OFF, Acr122u, Acr122uSettings
from hubwell_edge.feedback.console import Console, ConsoleSettings
from hubwell_edge.feedback.gpio import Gpio, GpioSettings
from hubwell_edge.feedback.output import FeedbackError, Group, Signal
from hubwell_edge.feedback.patterns import PATTERNS
from hubwell_edge.feedback.screen import Screen, ScreenSettings, plain
from hubwell_edge.sim.chips.cards import MemoryCard
from hubwell_edge.sim.chips.pins import SimulatedPins
from hubwell_wire.enumerations import Verdict

GREEN, RED, BUZZER = 23, 24, 25
EXAMPLES: dict[Group, Verdict] = {"yes": "in", "ask": "phone", "no": "revoked"}


def at_once(_seconds: float) -> bool:
    return False


@pytest.fixture
def pins() -> SimulatedPins:
    return SimulatedPins()


def levels(pins: SimulatedPins) -> tuple[bool, ...]:
    return tuple(pins.is_high(number) for number in (GREEN, RED, BUZZER))


def lamps(pins: SimulatedPins, *, active_high: bool = True) -> Gpio:
    settings = GpioSettings(green=GREEN, red=RED, buzzer=BUZZER, active_high=active_high)
    return Gpio(settings, Hardware(pins=lambda: pins))


@pytest.mark.parametrize("group", ["yes", "ask", "no"])
def test_pins_play_the_pattern_and_rest(pins: SimulatedPins, group: Group) -> None:
    output = lamps(pins)
    output.open()
    assert levels(pins) == (False, False, False)
    seen: list[tuple[float, tuple[bool, ...]]] = []

    def wait(seconds: float) -> bool:
        seen.append((seconds, levels(pins)))
        return False

    output.show(Signal(EXAMPLES[group], "words"), wait)
    assert seen == [(step.seconds, (step.green, step.red, step.tone)) for step in PATTERNS[group]]
    assert levels(pins) == (False, False, False)
    output.close()


def test_pins_that_are_on_when_low(pins: SimulatedPins) -> None:
    output = lamps(pins, active_high=False)
    output.open()
    assert levels(pins) == (True, True, True)
    output.close()


def test_pins_go_dark_when_something_newer_comes(pins: SimulatedPins) -> None:
    output = lamps(pins)
    output.open()
    output.show(Signal("in", "words"), lambda _seconds: True)
    assert levels(pins) == (False, False, False)
    output.close()


def test_words_alone_make_no_second_sound(pins: SimulatedPins) -> None:
    output = lamps(pins)
    output.open()
    output.show(Signal("in", "words", quiet=True), lambda _seconds: pytest.fail("it plays"))
    output.close()


def test_pin_in_use_is_a_sentence_and_the_others_are_freed(pins: SimulatedPins) -> None:
    first, second = lamps(pins), lamps(pins)
    first.open()
    with pytest.raises(FeedbackError, match="no other program uses them"):
        second.open()
    second.close()
    first.close()
    second.open()
    second.close()


@pytest.fixture
def display() -> Iterator[tuple[int, str]]:
    """A serial display: what it hears, and its path."""
    far, near = pty.openpty()
    tty.setraw(far)
    tty.setraw(near)
    yield far, os.ttyname(near)
    os.close(far)
    os.close(near)


def show(screen: Screen, signal: Signal) -> None:
    screen.open()
    screen.show(signal, at_once)


def test_terminal_shows_sign_and_words(display: tuple[int, str]) -> None:
    far, path = display
    screen = Screen(ScreenSettings(device=path, columns=40), Hardware())
    show(screen, Signal("in", "Tervetuloa, hyvää päivää"))
    assert os.read(far, 1000).decode() == "\x1b[2J\x1b[H✔ Tervetuloa, hyvää päivää"
    screen.clear()
    assert os.read(far, 1000) == b"\x1b[2J\x1b[H"
    screen.close()


def test_customer_display_gets_plain_letters_in_its_rows(display: tuple[int, str]) -> None:
    far, path = display
    settings = ScreenSettings(device=path, style="customer-display", encoding="ascii")
    screen = Screen(settings, Hardware())
    show(screen, Signal("unknown", "Šo žetonu mēs nepazīstam, lūdzu, vērsies pie darbinieka"))
    words = os.read(far, 1000)
    assert words == b"\x0cX So zetonu mes\r\nnepazistam,..."
    assert all(len(row) <= 20 for row in words[1:].split(b"\r\n"))
    screen.close()


def test_file_gets_a_line_for_each(tmp_path: Path) -> None:
    file = tmp_path / "taps.txt"
    screen = Screen(ScreenSettings(device=str(file), style="lines"), Hardware())
    show(screen, Signal("in", "Welcome"))
    screen.show(Signal("full", "The space\nis full"), at_once)
    screen.clear()
    screen.close()
    assert file.read_text() == "✔ Welcome\n✘ The space is full\n"
    assert screen.rest_s == 0


def test_display_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    for settings in (
        ScreenSettings(device=str(tmp_path / "none" / "x")),
        ScreenSettings(device="/dev/hubwell-none", style="customer-display"),
    ):
        with pytest.raises(FeedbackError, match="correct 'device'"):
            Screen(settings, Hardware()).open()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Õpilane äöü šž", "Opilane aou sz"),
        ("āčēģīķļņšūž", "acegiklnsuz"),
        ("perché è così", "perche e cosi"),
        ("coëfficiënt", "coefficient"),
        ("it\u2019s \u201cfull\u201d\u2026", 'it\'s "full"...'),
        ("日", "?"),
    ],
)
def test_plain_letters_of_the_six_languages(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_acr122u_takes_its_command_with_a_card_on_it(virtual_reader: VirtualReader) -> None:
    output = Acr122u(Acr122uSettings(reader=virtual_reader.name), Hardware())
    with virtual_reader.card(MemoryCard(b"\x04\x01\x02\x03")):
        output.open()
        for verdict in EXAMPLES.values():
            output.show(Signal(verdict, "words"), at_once)
        output.show(Signal("in", "words", quiet=True), at_once)
        output.clear()
    output.close()
    assert virtual_reader.commands == [BUZZER_SILENT_ON_CARD, *COMMANDS.values(), OFF]


def test_acr122u_without_card_and_without_escape_commands_says_so(virtual_reader: VirtualReader) -> None:
    output = Acr122u(Acr122uSettings(reader=virtual_reader.name), Hardware())
    output.open()
    with pytest.raises(FeedbackError, match="escape commands"):
        output.show(Signal("in", "words"), at_once)
    output.close()


def test_acr122u_that_is_not_there_is_named(virtual_reader: VirtualReader) -> None:
    with pytest.raises(FeedbackError, match="'ACR122' is plugged in"):
        Acr122u(Acr122uSettings(), Hardware()).open()
    assert virtual_reader.commands == []


def test_lamps_differ_in_rhythm_and_in_sound() -> None:
    timings = {command[5:] for command in COMMANDS.values()}
    assert len(timings) == len(COMMANDS)


def test_console_writes_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(ConsoleSettings(), Hardware())
    console.show(Signal("moved", "You are now in the wood workshop"), at_once)
    assert capsys.readouterr().out == "✔ moved: You are now in the wood workshop\n"
