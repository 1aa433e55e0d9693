import json
from datetime import timedelta
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from edge.agent_builders import stamp
from edge.taps.sample_badges import BADGE, HUB_PUBLIC, OTHER, ago, bytes_below, roster, sealed
from hubwell_edge.clock import to_ms
from hubwell_edge.taps.files.roster import FILE, RosterError, RosterStore
from hubwell_wire.commands import RosterBadge, SealedRoster

MADE = ago(hours=1)
NOW = stamp(to_ms(ago()))


def shelf(folder: Path, key: str | None = HUB_PUBLIC) -> RosterStore:
    return RosterStore(folder, site="hub", device="room-1", key=key)


def test_right_list_is_kept_over_a_restart_for_its_owner_only(tmp_path: Path) -> None:
    first = shelf(tmp_path)
    assert first.roster is None
    assert first.update(sealed(roster(MADE)), NOW)
    assert shelf(tmp_path).roster == roster(MADE)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_older_list_is_refused_and_the_same_one_is_nothing_new(tmp_path: Path) -> None:
    held = shelf(tmp_path)
    held.update(sealed(roster(MADE)), NOW)
    assert not held.update(sealed(roster(MADE)), NOW)
    with pytest.raises(RosterError, match="older than the stored one"):
        held.update(sealed(roster(MADE - timedelta(seconds=1))), NOW)
    with pytest.raises(RosterError, match="older than the stored one"):
        shelf(tmp_path).update(sealed(roster(MADE - timedelta(seconds=1))), NOW)
    assert held.update(sealed(roster(MADE + timedelta(seconds=1))), NOW)


def spoilt(made: SealedRoster) -> SealedRoster:
    return made.model_copy(update={"body": made.body.replace("refuse", "count")})


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (sealed(roster(MADE), SigningKey(b"\x08" * 32)), "signature of a list of badges is not the hub's"),
        (spoilt(sealed(roster(MADE))), "signature of a list of badges is not the hub's"),
        (sealed(roster(MADE, device="room-2")), "is for hub/room-2, not for this device"),
        (sealed(roster(MADE, site="other")), "is for other/room-1, not for this device"),
        (
            sealed(roster(MADE + timedelta(hours=1, minutes=6))),
            "is dated .*: set the clock of the server, or of this device",
        ),
    ],
)
def test_wrong_list_is_refused_with_a_sentence_and_nothing_is_kept(
    tmp_path: Path, wrong: SealedRoster, sentence: str
) -> None:
    held = shelf(tmp_path)
    with pytest.raises(RosterError, match=sentence) as caught:
        held.update(wrong, NOW)
    assert BADGE not in str(caught.value)
    assert held.roster is None
    assert list(tmp_path.iterdir()) == []


def test_list_of_a_clock_that_is_a_little_ahead_is_kept(tmp_path: Path) -> None:
    assert shelf(tmp_path).update(sealed(roster(MADE + timedelta(hours=1, minutes=4))), NOW)


def test_signed_nonsense_is_refused_without_repeating_it(tmp_path: Path) -> None:
    from edge.taps.sample_badges import HUB  # noqa: PLC0415 - only here

    body = json.dumps({"badges": {BADGE: 5}})
    nonsense = SealedRoster(v=1, body=body, sig=HUB.sign(body.encode()).signature.hex())
    with pytest.raises(RosterError, match="cannot be understood") as caught:
        shelf(tmp_path).update(nonsense, NOW)
    assert BADGE not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "sentence"), [(None, r"set badges\.roster_key"), ("ab", "not an Ed25519 key")]
)
def test_without_the_hub_s_key_every_list_is_refused(tmp_path: Path, key: str | None, sentence: str) -> None:
    with pytest.raises(RosterError, match=sentence):
        shelf(tmp_path, key).update(sealed(roster(MADE)), NOW)


def test_list_from_the_future_is_taken_while_our_own_clock_is_not_set(tmp_path: Path) -> None:
    assert shelf(tmp_path).update(sealed(roster(MADE)), stamp(0, synced=False))


def test_forgotten_badge_is_gone_from_memory_and_disk(tmp_path: Path) -> None:
    held = shelf(tmp_path)
    held.update(sealed(roster(MADE, badges={BADGE: RosterBadge(), OTHER: RosterBadge()})), NOW)
    held.forget({BADGE})
    assert held.roster is not None
    assert set(held.roster.badges) == {OTHER}
    assert BADGE.encode() not in bytes_below(tmp_path)
    assert shelf(tmp_path).roster == held.roster
    assert not held.update(sealed(roster(MADE)), NOW), "the retained list of before must not bring it back"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", roster(MADE, device="room-2").encode()])
def test_file_that_is_no_list_of_this_device_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert shelf(tmp_path).roster is None
    assert not (tmp_path / FILE).exists()


def test_list_of_another_device_does_not_stay_on_disk(tmp_path: Path) -> None:
    shelf(tmp_path).update(sealed(roster(MADE)), NOW)
    moved = RosterStore(tmp_path, site="hub", device="room-9", key=HUB_PUBLIC)
    assert moved.roster is None
    assert bytes_below(tmp_path) == b""
