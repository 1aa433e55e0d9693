"""Hours of use in steps of five minutes, with numbers worked out by hand."""

from hubwell.history.rules import Tally


def test_used_free_and_unknown_are_the_whole_time() -> None:
    tally = Tally()
    tally.add(0b1111_1111, 0b1111)
    tally.add(0, 0)
    tally.add(0b11, 0b10, of=3)
    assert (tally.used, tally.free, tally.unknown) == (5, 5, 4 + 12 + 1)
    assert tally.share == 0.5


def test_nothing_known_has_no_share() -> None:
    assert Tally(unknown=12).share is None
