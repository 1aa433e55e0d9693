"""Taps that cannot be right, while their person is inside: each has a reason, no stored visit changes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feed.enrolled_people import LONG_AGO, enrol, suspicions, told
from feed.ingest_setup import device_in, one, rows
from feed.ntag424_badge import sun_message
from feed.simulated_device import Device, Packet
from hubwell.keys import Keys
from hubwell_wire.pseudonym import pseudonym
from lanes.database_lane import Database

UID = bytes.fromhex("04de5f1eacc040")
SUN_KEY = bytes(range(16))
PLAIN, LOST = bytes([1]) * 16, bytes([2]) * 16
VISITS = "SELECT v::text FROM visit v ORDER BY id"

Make = Callable[["Inside"], Packet]


class Inside:
    """Somebody who has been in a laboratory and is in it again, with three cards: plain, signing and lost."""

    def __init__(self, url: str, keys: Keys) -> None:
        self.url, self.keys = url, keys
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.lab, self.den = device_in(url, "lab"), device_in(url, "den")
        person = enrol(url, PLAIN)
        signing = bytes.fromhex(pseudonym(UID, keys.newest_epoch()))
        enrol(url, signing, kind="sun", person=person)
        enrol(url, LOST, person=person, until=self.now - timedelta(minutes=1), since=LONG_AGO)
        came = [self.lab.tap(self.ago(minutes=50), PLAIN), self.lab.tap(self.ago(minutes=40), PLAIN)]
        assert [answer.verdict for answer in self.told(*came)] == []
        assert [answer.verdict for answer in self.told(self.signed(self.ago(seconds=8), 7))] == ["in"]

    def ago(self, **span: float) -> datetime:
        return self.now - timedelta(**span)

    def signed(
        self, at: datetime, counter: int, key: bytes = SUN_KEY, device: Device | None = None
    ) -> Packet:
        data = {"reader": "door", "epoch": 1, "sun": sun_message(UID, counter, key)}
        return (device or self.lab).event(at, "tap", data)

    def told(self, *packets: Packet) -> list[Any]:
        return told(self.url, *packets, keys_dir=self.keys.folder)


@pytest.fixture
def inside(database: Database, tmp_path: Path) -> Inside:
    keys = Keys(tmp_path / "keys")
    keys.put_sun_key(SUN_KEY.hex())
    keys.add_epoch()
    return Inside(database.url, keys)


WRONG: dict[str, tuple[Make, list[str], list[str]]] = {
    "a copied message": (lambda it: it.signed(it.now, 7), ["refused"], ["counter-replayed"]),
    "an older message": (lambda it: it.signed(it.now, 3), ["refused"], ["counter-replayed"]),
    "a copied message elsewhere": (
        lambda it: it.signed(it.now, 7, device=it.den), ["refused"], ["counter-replayed"],
    ),
    "another key's signature": (lambda it: it.signed(it.now, 9, bytes(16)), ["refused"], []),
    "a copied number of a card that signs": (
        lambda it: it.lab.tap(it.now, bytes.fromhex(pseudonym(UID, it.keys.newest_epoch()))),
        ["refused"], ["sun-forged"],
    ),
    "a badge in two places at once": (lambda it: it.den.tap(it.now, PLAIN), ["refused"], ["two-places"]),
    "a revoked badge": (lambda it: it.lab.tap(it.now, LOST), ["revoked"], ["revoked-used"]),
    "a revoked badge elsewhere": (lambda it: it.den.tap(it.now, LOST), ["revoked"], ["revoked-used"]),
    "a tap dated tomorrow": (lambda it: it.lab.tap(it.now + timedelta(days=1), PLAIN), [], []),
    "a tap dated 1970": (lambda it: it.lab.tap(datetime.fromtimestamp(0, UTC), PLAIN), [], []),
    "a stranger's badge": (lambda it: it.lab.tap(it.now, bytes([9]) * 16), ["unknown"], []),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_bad_tap_has_its_reason_and_changes_no_visit(inside: Inside, what: str) -> None:
    make, verdicts, questions = WRONG[what]
    before = rows(inside.url, VISITS)
    assert len(before) == 2

    answers = inside.told(make(inside))

    assert [answer.verdict for answer in answers] == verdicts
    assert all(answer.text for answer in answers), "in words"
    assert [kind for kind, *_ in suspicions(inside.url)] == questions
    assert rows(inside.url, VISITS) == before
    if not verdicts:
        assert str(one(inside.url, "SELECT code FROM rejected")).startswith("time-")
