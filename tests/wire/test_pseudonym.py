import pytest

from hubwell_wire.pseudonym import EpochKey, pseudonym, token_pseudonym

UID = bytes.fromhex("04de5f1eacc040")
KEY = EpochKey(1, b"\x01" * 32)


def test_reference_vector() -> None:
    assert pseudonym(UID, KEY) == "4628dce36e856e9a990ff7c8a5a3ebb0"


@pytest.mark.parametrize("text", [UID.hex().encode(), UID.hex().upper().encode(), b"", UID + b"\x00"])
def test_hex_text_and_odd_lengths_are_refused_without_showing_the_number(text: bytes) -> None:
    with pytest.raises(ValueError, match="raw bytes") as caught:
        pseudonym(text, KEY)
    assert "04de5f" not in str(caught.value).lower()


@pytest.mark.parametrize("length", [4, 7, 10])
def test_every_length_of_card_number_works(length: int) -> None:
    assert len(pseudonym(bytes(length), KEY)) == 32


def test_another_key_gives_another_pseudonym() -> None:
    assert pseudonym(UID, EpochKey(2, b"\x02" * 32)) != pseudonym(UID, KEY)


def test_key_does_not_show() -> None:
    assert repr(KEY) == "EpochKey(epoch=1)"


def test_weak_key_and_negative_epoch_are_refused() -> None:
    with pytest.raises(ValueError, match="has 16 bytes; it needs 32"):
        EpochKey(1, b"\x01" * 16)
    with pytest.raises(ValueError, match="counted from 0"):
        EpochKey(-1, b"\x01" * 32)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_code_of_a_phone_has_a_domain_of_its_own() -> None:
    assert token_pseudonym(LETTERS, KEY) == "2c137d490e1a2dad5ff1a7d702127c6a"
    assert token_pseudonym(LETTERS, EpochKey(2, b"\x02" * 32)) != token_pseudonym(LETTERS, KEY)


@pytest.mark.parametrize("text", ["HW1:" + LETTERS, "hw1:" + LETTERS.lower(), f" {LETTERS}\r\n"])
def test_code_may_come_with_its_prefix_and_as_a_scanner_types_it(text: str) -> None:
    assert token_pseudonym(text, KEY) == token_pseudonym(LETTERS, KEY)


@pytest.mark.parametrize(
    "token", ["", "GUESSME", "04de5f1eacc040", "HW1:", "A" * 65, "GUESS-" * 5, "GUESSÜ" * 5]
)
def test_token_that_could_be_guessed_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ValueError, match="not a code of this hub") as caught:
        token_pseudonym(token, KEY)
    assert "GUESS" not in str(caught.value)
