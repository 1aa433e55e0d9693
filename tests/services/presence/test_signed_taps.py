"""Taps of cards that sign them (NTAG 424 DNA): genuine, copied, forged, over a change of keys."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feed.enrolled_people import enrol, person_of, suspicions, verdicts, visits_of
from feed.ingest_setup import one, rows
from feed.ntag424_badge import sun_message
from feed.simulated_device import Device, Packet
from hubwell.keys import Keys
from hubwell.presence.rules import Visit
from hubwell.storage.connect import connect_sync
from hubwell_wire.pseudonym import pseudonym

ANNA = bytes([1]) * 16
UID = bytes.fromhex("04de5f1eacc040")
SUN_KEY = bytes(range(16))


def nothing_stored(url: str) -> bool:
    return bool(one(url, "SELECT (SELECT count(*) FROM tap) + (SELECT count(*) FROM visit)") == 0)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(tmp_path / "keys")
    keys.put_sun_key(SUN_KEY.hex())
    keys.add_epoch()
    return keys


@pytest.fixture
def card(url: str, keys: Keys) -> bytes:
    """Give the pseudonym of an enrolled card that signs."""
    badge = bytes.fromhex(pseudonym(UID, keys.newest_epoch()))
    enrol(url, badge, kind="sun")
    return badge


def signed(device: Device, at: datetime, counter: int, key: bytes = SUN_KEY, **more: Any) -> Packet:
    data = {"reader": "door", "epoch": 1, "sun": sun_message(UID, counter, key), **more}
    return device.event(at, "tap", data)


def test_signed_taps_count_while_their_counter_rises(
    url: str, lab: Device, now: datetime, card: bytes, keys: Keys
) -> None:
    begin = now - timedelta(minutes=5)
    first, copy = signed(lab, begin, 7), signed(lab, now, 7)
    folder = {"keys_dir": keys.folder}
    assert verdicts(url, first, copy, signed(lab, now, 6), **folder) == ["in", "refused", "refused"]
    assert [kind for kind, *_ in suspicions(url)] == ["counter-replayed"]  # once for a moment
    assert visits_of(url, person_of(url, card)) == [Visit("lab", begin, None, None)]
    assert verdicts(url, signed(lab, now, 8), **folder) == ["out"]
    assert rows(url, "SELECT counter, seen_at FROM signed_message") == [(7, begin), (8, now)]


def test_forged_signature_is_refused_and_noted(
    url: str, lab: Device, now: datetime, card: bytes, keys: Keys
) -> None:
    forged = signed(lab, now, 9, bytes(16), badge=card.hex())
    assert verdicts(url, forged, keys_dir=keys.folder) == ["refused"]
    wrong = sun_message(UID, 9, SUN_KEY) | {"cmac": "00" * 8}
    data = {"reader": "door", "epoch": 1, "sun": wrong}
    later = now + timedelta(seconds=1)
    assert verdicts(url, lab.event(later, "tap", data), keys_dir=keys.folder) == ["refused"]
    assert suspicions(url) == [("sun-forged", "lab", None)] * 2
    assert nothing_stored(url)
    assert one(url, "SELECT count(*) FROM signed_message") == 0


def test_copied_number_of_a_signing_card_is_refused(
    url: str, lab: Device, now: datetime, card: bytes, keys: Keys
) -> None:
    assert verdicts(url, lab.tap(now, card), keys_dir=keys.folder) == ["refused"]
    assert suspicions(url) == [("sun-forged", "lab", None)]
    assert nothing_stored(url)


def test_signing_card_is_linked_over_a_change_of_keys(
    url: str, lab: Device, now: datetime, card: bytes, keys: Keys
) -> None:
    keys.add_epoch()
    assert verdicts(url, signed(lab, now, 1), keys_dir=keys.folder) == ["in"]
    newest = bytes.fromhex(pseudonym(UID, keys.newest_epoch()))
    assert rows(url, "SELECT badge, epoch FROM credential_pseudonym ORDER BY epoch") == [
        (card, 1),
        (newest, 2),
    ]


def test_signing_card_at_the_desk(url: str, lab: Device, now: datetime, keys: Keys) -> None:
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES (%s, 'door', 'desk')", [lab.name])
    assert verdicts(url, signed(lab, now, 1), keys_dir=keys.folder) == ["desk"]
    badge = bytes.fromhex(pseudonym(UID, keys.newest_epoch()))
    assert rows(url, "SELECT badge, epoch, kind FROM desk_tap") == [(badge, 1, "sun")]


def test_hub_without_the_key_refuses_what_it_cannot_check(
    url: str, lab: Device, now: datetime, tmp_path: Path
) -> None:
    assert verdicts(url, signed(lab, now, 1), keys_dir=tmp_path / "none") == ["refused"]
    assert verdicts(url, signed(lab, now, 2, badge=ANNA.hex()), keys_dir=tmp_path / "none") == ["refused"]
    assert nothing_stored(url)


def test_card_number_is_nowhere(
    url: str, lab: Device, now: datetime, card: bytes, keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    verdicts(
        url, signed(lab, now, 5), signed(lab, now, 5), signed(lab, now, 5, bytes(16)), keys_dir=keys.folder
    )
    written = caplog.text.lower()
    for table in (
        "tap",
        "visit",
        "suspicion",
        "credential",
        "credential_pseudonym",
        "rejected",
        "message",
        "event",
    ):
        written += repr(rows(url, f"SELECT t::text FROM {table} t")).lower()  # noqa: S608 - names from this file
    assert card.hex() in written, "the test looks where it should"
    assert UID.hex() not in written
    assert card.hex() not in caplog.text
