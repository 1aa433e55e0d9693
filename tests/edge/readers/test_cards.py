"""What a card tells, and what it does not: contract, signed messages, registry of readers."""

import pytest

from hubwell_edge.config_tables import TableError
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.readers.card_debounce import GONE_AFTER_S, CardDebounce
from hubwell_edge.readers.ntag424 import addresses, read_sun, sun_of_address
from hubwell_edge.readers.reader import Card, ReaderError
from hubwell_edge.readers.simulated import Simulated, SimulatedSettings
from hubwell_edge.registry import READERS, build_readers
from hubwell_edge.sim.chips.cards import CommandCard, MemoryCard, Ntag424, ndef_file
from hubwell_wire.messages import SunMessage

CODE = "HW1:ABCDEFGH234567ABCDEFGH22"
UID = bytes.fromhex("04a1b2c3d4e5f6")
SUN = SunMessage(picc="ef963ff7828658a599f3041510671e88", cmac="94eed9ee65337086")
AN12196 = "choose.url.com/ntag424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086"
NDEF_MESSAGE = ndef_file(AN12196)[2:].rstrip(b"\x00")


def test_card_shows_nothing_of_itself() -> None:
    shown = repr(Card(uid=UID, token=CODE, sun=SUN)) + str(Card(uid=UID))
    assert "04a1" not in shown.lower()
    assert "x04" not in shown
    assert CODE not in shown
    assert SUN.picc not in shown


@pytest.mark.parametrize("length", [0, 3, 5, 8, 11])
def test_number_of_another_length_is_no_card(length: int) -> None:
    with pytest.raises(ValueError, match=f"this one has {length}"):
        Card(uid=bytes(length))


def test_nothing_is_no_card() -> None:
    with pytest.raises(ValueError, match="a number, a token or a signed message"):
        Card()


@pytest.mark.parametrize(
    ("uid", "random"), [("08a1b2c3", True), ("04a1b2c3", False), ("08a1b2c3d4e5f6", False)]
)
def test_random_number_has_four_bytes_and_begins_with_08(uid: str, *, random: bool) -> None:
    assert Card(uid=bytes.fromhex(uid)).random_uid is random


def test_signed_message_with_the_names_of_the_application_note() -> None:
    card = Ntag424(UID, address=lambda: AN12196)
    assert read_sun(card.exchange, "e", "c") == SUN
    assert read_sun(card.exchange, "p", "c") is None


@pytest.mark.parametrize(
    "card", [MemoryCard(UID), CommandCard(UID), Ntag424(UID, address=lambda: "hub.example")]
)
def test_card_without_signed_message(card: MemoryCard | CommandCard) -> None:
    assert read_sun(card.exchange, "p", "c") is None


def test_long_file_is_read_in_parts() -> None:
    card = Ntag424(UID, address=lambda: "hub.example/" + "x" * 120 + AN12196.partition("ntag424")[2])
    assert read_sun(card.exchange, "e", "c") == SUN


@pytest.mark.parametrize(
    "address",
    [
        "hub.example",
        "x?p=12&c=34",
        "x?p=zz963ff7828658a599f3041510671e88&c=94eed9ee65337086",
        "http://[x?p=1&c=2",
    ],
)
def test_other_address_is_no_signed_message(address: str) -> None:
    assert sun_of_address(address, "p", "c") is None


def cut(data: bytes) -> list[bytes]:
    return [data[:at] for at in range(len(data))]


@pytest.mark.parametrize("message", [*cut(NDEF_MESSAGE), b"\xff" * 40, b"\x00" * 40])
def test_corrupt_file_gives_no_address(message: bytes) -> None:
    assert list(addresses(message)) == []


def test_second_record_is_found() -> None:
    text = b"\x91\x01\x03T\x02en"
    link = b"\x59\x01\x04\x01UX\x04a.b"
    assert list(addresses(text + link)) == ["a.b"]


def test_card_that_moves_is_one_presentation_until_it_is_gone() -> None:
    debounce = CardDebounce()
    looks = [
        (0.0, UID),
        (0.1, None),
        (0.2, UID),
        (0.2 + GONE_AFTER_S + 0.1, None),
        (0.8, UID),
        (0.9, b"else"),
    ]
    assert [debounce.is_new(uid, now) for now, uid in looks] == [True, False, False, False, True, True]


def test_simulated_reader_repeats_itself_for_a_seed() -> None:
    def run(seed: int) -> list[Card]:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        settings = SimulatedSettings(seed=seed, every_s=5, cards=3, phones=0.2)
        reader = Simulated(settings, Hardware(), clock=lambda: now[0], sleep=sleep)
        reader.open()
        cards = [card for _ in range(400) if (card := reader.wait(0.5)) is not None]
        assert 10 < len(cards) < 100
        return cards

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert len({card.uid for card in run(1) if not card.random_uid}) == 3
    assert any(card.random_uid for card in run(1))


def test_registry_builds_every_kind() -> None:
    needed = {"wedge": {"device": "/dev/input/x"}, "line": {"device": "-"}}
    tables = [{"driver": kind, "name": f"door-{kind}", **needed.get(kind, {})} for kind in READERS]
    readers = build_readers(tables, Hardware())
    assert [(one.driver, one.name) for one in readers] == [(kind, f"door-{kind}") for kind in READERS]
    for reader in readers:
        reader.close()
        if reader.driver != "simulated":
            with pytest.raises(ReaderError, match="is not open"):
                reader.wait(0.01)


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ([{"driver": "pn53"}], "did you mean 'pn532'"),
        ([{}], "'driver' is missing"),
        ([{"driver": "wedge"}], "option 'device' is missing"),
        ([{"driver": "pcsc", "raeder": "ACR"}], "did you mean 'reader'"),
        ([{"driver": "pn532", "interface": "i2c"}], "option 'interface'"),
        ([{"driver": "pcsc", "name": "Front Door"}], "lower case letters"),
        ([{"driver": "pcsc"}, {"driver": "pn532"}], "both called 'door'"),
        ([{"driver": "pn532"}, {"driver": "pn532", "name": "b"}], "both on '/dev/serial0'"),
    ],
)
def test_wrong_table_is_explained(tables: list[dict[str, object]], sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        build_readers(tables, Hardware())
    assert sentence in str(caught.value)


def test_all_problems_come_at_once() -> None:
    with pytest.raises(TableError) as caught:
        build_readers([{"driver": "x"}, {"driver": "wedge", "nme": "a"}], Hardware())
    assert len(str(caught.value).splitlines()) == 3
