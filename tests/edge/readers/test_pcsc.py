"""PC/SC through real pcscd and pyscard, with a virtual reader and virtual cards."""

import logging
import sys
from collections.abc import Iterator

import pytest

from edge.readers.virtual_card import VirtualReader
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.readers.ntag424 import SELECT_NDEF_APPLICATION
from hubwell_edge.readers.pcsc import GET_UID, Pcsc, PcscSettings
from hubwell_edge.readers.reader import Card, Reader, ReaderError, ReaderSilentError
from hubwell_edge.sim.chips.cards import CommandCard, MemoryCard, Ntag424, phone

UID = bytes.fromhex("04a1b2c3d4e5f6")
AN12196 = "choose.url.com/ntag424?p=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
"""The address of NXP AN12196 p. 12."""
SOON_S = 5.0


@pytest.fixture
def reader(virtual_reader: VirtualReader) -> Iterator[Pcsc]:
    reader = Pcsc(PcscSettings(reader=virtual_reader.name), Hardware())
    reader.open()
    yield reader
    reader.close()


def wait(reader: Reader) -> Card:
    card = reader.wait(SOON_S)
    assert card is not None
    return card


def test_cards_come_and_go(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    assert reader.wait(0.05) is None
    with virtual_reader.card(MemoryCard(UID)):
        assert wait(reader) == Card(uid=UID)
        assert reader.wait(0.6) is None, "a card that stays is reported once"
    with virtual_reader.card(MemoryCard(bytes(reversed(UID)))):
        assert wait(reader).uid == bytes(reversed(UID))


def test_same_card_again_is_another_presentation(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    for _ in range(2):
        with virtual_reader.card(MemoryCard(UID)):
            assert wait(reader).uid == UID
        assert reader.wait(1) is None


def test_ntag_424_gives_its_signed_message(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    with virtual_reader.card(Ntag424(bytes.fromhex("04de5f1eacc040"), address=lambda: AN12196)):
        card = wait(reader)
    assert card.uid == bytes.fromhex("04de5f1eacc040")
    assert card.sun is not None
    assert card.sun.picc == "ef963ff7828658a599f3041510671e88"
    assert card.sun.cmac == "94eed9ee65337086"


def test_card_without_the_application_gives_its_number(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    with virtual_reader.card(CommandCard(UID)):
        assert wait(reader) == Card(uid=UID)
    assert SELECT_NDEF_APPLICATION in virtual_reader.commands


def test_card_without_commands_is_asked_for_its_number_only(
    reader: Pcsc, virtual_reader: VirtualReader
) -> None:
    with virtual_reader.card(MemoryCard(UID)):
        wait(reader)
    assert virtual_reader.commands == [GET_UID]


def test_phone_is_recognised(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    with virtual_reader.card(phone(b"\x01\x02\x03")):
        assert wait(reader).random_uid


def test_number_of_an_unusable_length_is_passed_over_and_not_told(
    reader: Pcsc, virtual_reader: VirtualReader, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), virtual_reader.card(MemoryCard(b"\x01\x02\x03\x04\x05\x06\x07\x08")):
        assert reader.wait(1.5) is None
    assert "8" in caplog.text
    reason = reader.take_unreadable()  # what light, sound and word at the reader begin with
    assert reason is not None
    assert "this one has 8" in reason
    assert reader.take_unreadable() is None, "once"
    assert "0102030405060708" not in caplog.text.replace(" ", "")


def test_pcscd_that_ends_is_said(reader: Pcsc, virtual_reader: VirtualReader) -> None:
    virtual_reader.stop()
    with pytest.raises(ReaderError):
        reader.wait(SOON_S)
    reader.close()
    with pytest.raises(ReaderSilentError, match="pcscd is not running"):
        reader.open()


def test_reader_that_is_not_there_is_named(virtual_reader: VirtualReader) -> None:
    reader = Pcsc(PcscSettings(reader="ACR122"), Hardware())
    with pytest.raises(ReaderSilentError, match=r"'ACR122' is plugged in; there are: Hubwell virtual"):
        reader.open()
    reader.close()
    assert virtual_reader.commands == []


def test_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard.scard", None)
    with pytest.raises(ReaderError, match="scripts/prepare-readers"):
        Pcsc(PcscSettings(), Hardware()).open()
