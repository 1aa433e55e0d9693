"""Signed taps against the vector of NXP AN12196 (page 12), step by step."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from feed.ntag424_badge import cmac, sun_message
from hubwell.presence.ntag424 import ForgedError, SunRead, read_sun

KEY = bytes(16)
PICC = bytes.fromhex("EF963FF7828658A599F3041510671E88")
MAC = bytes.fromhex("94EED9EE65337086")
UID = bytes.fromhex("04DE5F1EACC040")


def test_every_step_of_the_vector() -> None:
    decryptor = Cipher(algorithms.AES(KEY), modes.CBC(bytes(16))).decryptor()
    plain = decryptor.update(PICC) + decryptor.finalize()
    assert plain.hex() == "c704de5f1eacc0403d0000da5cf60941"
    assert (plain[0], plain[1:8], int.from_bytes(plain[8:11], "little")) == (0xC7, UID, 61)
    vector = bytes.fromhex("3cc300010080") + plain[1:11]
    assert vector.hex() == "3cc30001008004de5f1eacc0403d0000"
    session = cmac(KEY, vector)
    assert session.hex() == "3fb5f6e3a807a03d5e3570ace393776f"
    full = cmac(session, b"")
    assert full.hex() == "e194c7ee12d9f7ee8a65c8331b704386"
    assert full[1::2] == MAC


def test_genuine_message_is_read() -> None:
    assert read_sun(PICC, MAC, KEY) == SunRead(UID, 61)


def test_card_number_does_not_show() -> None:
    shown = repr(read_sun(PICC, MAC, KEY))
    assert UID.hex() not in shown.lower()
    assert repr(UID)[2:-1] not in shown


@pytest.mark.parametrize("byte", range(8))
def test_changed_signature_is_forged(byte: int) -> None:
    wrong = bytearray(MAC)
    wrong[byte] ^= 1
    with pytest.raises(ForgedError) as forged:
        read_sun(PICC, bytes(wrong), KEY)
    assert forged.value.uid == UID
    assert UID.hex() not in str(forged.value)


@pytest.mark.parametrize(
    ("picc", "mac", "key"),
    [
        (b"", MAC, KEY),
        (PICC[:15], MAC, KEY),
        (PICC * 2, MAC, KEY),
        (PICC, MAC[:7], KEY),
        (PICC, b"", KEY),
        (bytes(16), MAC, KEY),
        (PICC, MAC, b"\1" * 16),
    ],
)
def test_what_is_no_message_is_forged(picc: bytes, mac: bytes, key: bytes) -> None:
    with pytest.raises(ForgedError):
        read_sun(picc, mac, key)


@given(
    uid=st.binary(min_size=7, max_size=7),
    counter=st.integers(0, 2**24 - 1),
    key=st.binary(min_size=16, max_size=16),
)
def test_what_a_card_signs_is_read_back(uid: bytes, counter: int, key: bytes) -> None:
    said = sun_message(uid, counter, key)
    assert read_sun(bytes.fromhex(said["picc"]), bytes.fromhex(said["cmac"]), key) == SunRead(uid, counter)


@given(picc=st.binary(min_size=16, max_size=16), mac=st.binary(min_size=8, max_size=8))
def test_noise_is_forged(picc: bytes, mac: bytes) -> None:
    with pytest.raises(ForgedError):
        read_sun(picc, mac, KEY)
