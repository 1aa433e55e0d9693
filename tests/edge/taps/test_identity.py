import pytest

from edge.taps.sample_badges import BADGE, KEY, NEXT_KEY, UID, ago, roster
from hubwell_edge.readers.reader import Card
from hubwell_edge.taps.identity import identify, lacks_stable_id
from hubwell_wire.commands import RosterBadge
from hubwell_wire.messages import SunMessage
from hubwell_wire.pseudonym import pseudonym, token_pseudonym

SUN = SunMessage(picc="ef963ff7828658a599f3041510671e88", cmac="94eed9ee65337086")
PHONE = bytes.fromhex("08a1b2c3")
CODE = "HW1:ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FORGED = "HW1:forged"
LISTED = roster(ago(hours=1))


def test_card_becomes_the_pseudonym_of_the_reference_vector() -> None:
    who = identify(Card(uid=UID), [KEY], None)
    assert (who.badge, who.epoch, who.was) == (BADGE, 1, None)


def test_badge_on_the_list_is_linked_over_a_change_of_keys() -> None:
    who = identify(Card(uid=UID), [NEXT_KEY, KEY], LISTED)
    assert (who.badge, who.epoch, who.was) == (pseudonym(UID, NEXT_KEY), 2, BADGE)


def test_badge_that_is_not_enrolled_is_never_linked() -> None:
    for listed in (None, roster(ago(hours=1), badges={})):
        assert identify(Card(uid=UID), [NEXT_KEY, KEY], listed).was is None


def test_badge_that_is_listed_under_its_new_name_tells_the_old_one_no_more() -> None:
    both = roster(ago(hours=1), badges={BADGE: RosterBadge(), pseudonym(UID, NEXT_KEY): RosterBadge()})
    assert identify(Card(uid=UID), [NEXT_KEY, KEY], both).was is None


def test_code_of_a_phone_stands_for_its_person() -> None:
    assert identify(Card(token=CODE), [KEY], None).badge == token_pseudonym(CODE, KEY)
    with pytest.raises(ValueError, match="not a code of this hub") as caught:
        identify(Card(token=FORGED), [KEY], None)
    assert "forged" not in str(caught.value)


def test_proof_of_a_card_is_no_name_of_it() -> None:
    """Another keyed hash: who has a list of badges cannot work it out."""
    proofs = {
        identify(Card(uid=UID), [KEY], None).proof,
        identify(Card(uid=UID), [NEXT_KEY], None).proof,
        identify(Card(token=CODE), [KEY], None).proof,
    }
    assert len(proofs - {None, BADGE, token_pseudonym(CODE, KEY)}) == 3
    assert identify(Card(uid=PHONE, sun=SUN), [KEY], None).proof is None


def test_phone_with_a_random_number_is_not_taken_for_a_badge() -> None:
    assert lacks_stable_id(Card(uid=PHONE))
    assert not lacks_stable_id(Card(uid=UID))
    assert not lacks_stable_id(Card(uid=PHONE, sun=SUN))
    assert not lacks_stable_id(Card(uid=PHONE, token=CODE))


def test_card_that_hides_its_number_and_signs_goes_without_a_pseudonym() -> None:
    tap = identify(Card(uid=PHONE, sun=SUN), [NEXT_KEY, KEY], LISTED).tap("door", None)
    assert (tap.badge, tap.sun, tap.epoch) == (None, SUN, 2)


def test_card_that_signs_and_shows_its_number_gives_both() -> None:
    tap = identify(Card(uid=UID, sun=SUN), [KEY], LISTED).tap("door", "in")
    assert (tap.badge, tap.sun, tap.said) == (BADGE, SUN, "in")
