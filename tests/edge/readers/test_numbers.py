"""Numbers as readers write them, and numbers that belong to no single card."""

import pytest

from hubwell_edge.readers.reader import Card
from hubwell_edge.readers.text import NotACardError, TextSettings, card_of_text


def card(text: str, **options: object) -> Card:
    return card_of_text(text, TextSettings.model_validate(options))


@pytest.mark.parametrize(
    ("text", "options", "advice"),
    [
        ("8804A1B2", {}, "whole number of 7 bytes"),
        ("B2A10488", {}, "whole number of 7 bytes"),
        ("B2A10488", {"number": "hex-reversed"}, "whole number of 7 bytes"),
        ("2282004914", {"number": "decimal"}, "whole number of 7 bytes"),
        ("88A1B2C3D4E5F6", {}, "whole number of 7 bytes"),
        ("00000000", {}, "card's own number"),
        ("FFFFFFFF", {}, "card's own number"),
        ("0", {"number": "decimal"}, "card's own number"),
        ("AAAAAAAAAAAAAA", {}, "card's own number"),
        ("01020304", {}, "use another card"),
        ("DE:AD:BE:EF", {}, "use another card"),
        ("12345678", {}, "use another card"),
        ("00000001", {}, "use another card"),
        ("04A1B2C3D4", {}, "this one has 5"),
        ("8804A1B2C3D4E5F6", {}, "this one has 8"),
        ("]Q304A1B2C3D4E5F6", {}, "options 'number' and 'prefix'"),
        ("UID:04A1B2C3D4E5F6", {}, "'prefix'"),
        ("\x0204A1B2C3\x03", {}, "option 'frame'"),
        ("0000000000", {"number": "em4100"}, "hold a card to the reader"),
        ("0A00BC614F00", {"number": "em4100"}, "checksum is wrong"),
        ("70000,1", {"number": "wiegand"}, "123,45678"),
        ("25612345", {"number": "wiegand"}, "123,45678"),
    ],
)
def test_number_that_is_no_cards_is_refused_with_what_to_set(
    text: str, options: dict[str, object], advice: str
) -> None:
    with pytest.raises(NotACardError) as refused:
        card(text, **options)
    assert advice in str(refused.value)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "options", "uid"),
    [
        ("04A1B288", {}, "04a1b288"),
        ("0488A1B2C3D4E5", {}, "0488a1b2c3d4e5"),
        ("]Q304A1B2C3D4E5F6", {"prefix": "]Q3"}, "04a1b2c3d4e5f6"),
        ("UID: 04 A1 B2 C3", {"prefix": "UID:"}, "04a1b2c3"),
        ("0A00BC614E", {"number": "em4100"}, b"em4100".hex() + "00bc614e"),
        ("00BC614E", {"number": "em4100"}, b"em4100".hex() + "00bc614e"),
        ("0A00BC614E99", {"number": "em4100"}, b"em4100".hex() + "00bc614e"),
        ("0012345678", {"number": "em4100-decimal"}, b"em4100".hex() + "00bc614e"),
        ("0888A1B2C3", {"number": "em4100"}, b"em4100".hex() + "88a1b2c3"),
        ("188,24910", {"number": "wiegand"}, b"wiegnd".hex() + "00bc614e"),
        ("188 24910", {"number": "wiegand"}, b"wiegnd".hex() + "00bc614e"),
        ("18824910", {"number": "wiegand"}, b"wiegnd".hex() + "00bc614e"),
        ("0018824910", {"number": "wiegand"}, b"wiegnd".hex() + "00bc614e"),
        ("1000,24910", {"number": "wiegand"}, b"wiegnd".hex() + "03e8614e"),
    ],
)
def test_number_in_every_notation(text: str, options: dict[str, object], uid: str) -> None:
    assert card(text, **options) == Card(uid=bytes.fromhex(uid))


def test_number_of_a_125_khz_card_is_never_taken_for_a_phone() -> None:
    assert not card("0A08BC614E", number="em4100").random_uid


def test_prefix_before_a_code() -> None:
    code = "HW1:ABCDEFGH234567ABCDEFGH22"
    assert card("]Q3" + code, prefix="]Q3") == Card(token=code)
