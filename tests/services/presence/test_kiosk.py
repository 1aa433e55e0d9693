"""Codes at a kiosk: for a card that was there, never for a pseudonym, which may come from a list."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from feed.enrolled_people import enrol, told, verdicts
from feed.ingest_setup import device_in, one, rows
from feed.simulated_device import Device, Packet
from hubwell.access.kiosks import MOST_REQUESTS
from hubwell.storage.connect import connect_sync
from hubwell_wire.pseudonym import EpochKey, proof, pseudonym

KEYS = [EpochKey(1, b"\x01" * 32), EpochKey(2, b"\x02" * 32)]
UIDS = [b"\x04" + bytes([n] * 6) for n in range(1, 7)]
BADGES = [bytes.fromhex(pseudonym(uid, KEYS[0])) for uid in UIDS]
DOOR_FIRST = "Please hold your badge to the reader of a space first, then ask for a code here again."
NO_CODE = "A code cannot be shown here. Please ask the staff."


@pytest.fixture
def kiosk(url: str) -> Device:
    device = device_in(url, "hall", "kiosk-pi")
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES ('kiosk-pi', 'kiosk', 'kiosk')")
    return device


def held(
    device: Device, at: datetime, n: int, *, reader: str = "door", epoch: int = 1, **more: Any
) -> Packet:
    """What an agent sends of a card that is held to a reader."""
    key = KEYS[epoch - 1]
    data = {"reader": reader, "badge": pseudonym(UIDS[n], key), "epoch": epoch, "proof": proof(UIDS[n], key)}
    return device.event(at, "tap", data | more)


def test_card_that_was_at_a_door_gets_a_code(url: str, lab: Device, kiosk: Device, now: datetime) -> None:
    person = enrol(url, BADGES[0])
    assert [a.text for a in told(url, held(kiosk, now, 0, reader="kiosk"))] == [DOOR_FIRST]
    assert verdicts(url, held(lab, now, 0)) == ["in"]
    (answer,) = told(url, held(kiosk, now, 0, reader="kiosk"))
    assert answer.verdict == "code"
    assert rows(url, "SELECT person_id FROM visit_code") == [(person,)]
    stored = one(url, "SELECT proof FROM credential_pseudonym")
    assert stored == hashlib.sha256(bytes.fromhex(proof(UIDS[0], KEYS[0]))).digest(), (
        "and never the proof itself"
    )


def test_in_an_evacuation_a_kiosk_says_to_leave_and_shows_no_code(
    url: str, lab: Device, kiosk: Device, now: datetime
) -> None:
    enrol(url, BADGES[0])
    told(url, held(lab, now, 0))
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO muster (kind) VALUES ('alarm')")
    (answer,) = told(url, held(kiosk, now, 0, reader="kiosk"))
    assert "leave the building now" in answer.text
    assert answer.verdict != "code"
    assert rows(url, "SELECT FROM visit_code") == []


@pytest.mark.parametrize(
    "forged", [{"proof": None}, {"proof": "00" * 16}, {"proof": proof(UIDS[5], KEYS[0])}],
    ids=["none", "made up", "of another card"],
)  # fmt: skip
def test_kiosks_account_with_a_list_of_badges_opens_nobody(
    url: str, lab: Device, kiosk: Device, now: datetime, forged: dict[str, Any]
) -> None:
    """It publishes each pseudonym as a tap of its own reader, and of a reader that it makes up."""
    for n, badge in enumerate(BADGES[:5]):
        enrol(url, badge)
        verdicts(url, held(lab, now - timedelta(minutes=1), n))
    fields = {name: value for name, value in forged.items() if value is not None}
    for n, badge in enumerate(BADGES[:5]):
        data = {"badge": badge.hex(), "epoch": 1, **fields}
        verdicts(url, kiosk.event(now, "tap", {"reader": "made-up", **data}))
        (answer,) = told(url, kiosk.event(now, "tap", {"reader": "kiosk", **data}))
        assert (answer.verdict, answer.text) == ("refused", NO_CODE), n
    assert one(url, "SELECT count(*) FROM visit_code") == 0
    assert rows(url, "SELECT actor, action, subject FROM audit_entry") == [
        ("ingest", "kiosk.refused", "device:kiosk-pi")
    ], "once an hour"


def test_kiosks_account_cannot_teach_a_proof(url: str, kiosk: Device, now: datetime) -> None:
    """Of a badge that no door has seen: neither as its kiosk nor as a door that it makes up."""
    enrol(url, BADGES[0])
    invented = {"badge": BADGES[0].hex(), "epoch": 1, "proof": "ab" * 16}
    for reader in ("made-up", "kiosk"):
        verdicts(url, kiosk.event(now, "tap", {"reader": reader, **invented}))
    assert one(url, "SELECT proof FROM credential_pseudonym") is None
    assert one(url, "SELECT count(*) FROM visit_code") == 0


def test_later_door_cannot_replace_a_proof(
    url: str, lab: Device, den: Device, kiosk: Device, now: datetime
) -> None:
    enrol(url, BADGES[0])
    verdicts(url, held(lab, now - timedelta(minutes=1), 0), held(den, now, 0, proof="ab" * 16))
    assert verdicts(url, held(kiosk, now, 0, reader="kiosk")) == ["code"]


def test_proof_of_the_next_epoch_comes_from_the_door_that_links_it(
    url: str, lab: Device, kiosk: Device, now: datetime
) -> None:
    enrol(url, BADGES[0])
    verdicts(url, held(lab, now - timedelta(minutes=2), 0))
    verdicts(url, held(lab, now - timedelta(minutes=1), 0, epoch=2, was=BADGES[0].hex()))
    assert verdicts(url, held(kiosk, now, 0, reader="kiosk", epoch=2)) == ["code"]
    assert verdicts(url, held(kiosk, now, 0, reader="kiosk", epoch=2, proof=proof(UIDS[0], KEYS[0]))) == [
        "refused"
    ]


def test_kiosk_has_a_limit_of_codes(url: str, lab: Device, kiosk: Device, now: datetime) -> None:
    enrol(url, BADGES[0])
    verdicts(url, held(lab, now, 0))
    found = verdicts(url, *[held(kiosk, now, 0, reader="kiosk") for _ in range(MOST_REQUESTS + 2)])
    assert found == ["code"] * MOST_REQUESTS + ["refused"] * 2
    other = device_in(url, "hall", "kiosk-2")
    with connect_sync(url, name="test") as conn:
        conn.execute("INSERT INTO reader VALUES ('kiosk-2', 'kiosk', 'kiosk')")
    assert verdicts(url, held(other, now, 0, reader="kiosk")) == ["code"]
    assert one(url, "SELECT detail->>'why' FROM audit_entry") == "too-many"
