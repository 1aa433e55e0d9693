"""Made-up cards, keys, lists of badges and musters for the tests of taps."""

import hashlib
import os
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nacl.public import PrivateKey, SealedBox
from nacl.signing import SigningKey

from hubwell_wire.commands import (
    Answer,
    Forget,
    Muster,
    MusterSnapshot,
    Roster,
    RosterBadge,
    SealedRoster,
    Tombstone,
)
from hubwell_wire.enumerations import Verdict
from hubwell_wire.messages import Receipt
from hubwell_wire.pseudonym import EpochKey, pseudonym
from hubwell_wire.signature import with_signature

UID = bytes.fromhex("04de5f1eacc040")
OTHER_UID = bytes.fromhex("04aabbccddee11")
KEY = EpochKey(1, b"\x01" * 32)
NEXT_KEY = EpochKey(2, b"\x02" * 32)
BADGE = "4628dce36e856e9a990ff7c8a5a3ebb0"  # the reference vector: UID in the epoch of KEY
OTHER = pseudonym(OTHER_UID, KEY)
HUB = SigningKey(b"\x07" * 32)
HUB_PUBLIC = bytes(HUB.verify_key).hex()
PART_A, PART_B = "a1" * 32, "5b" * 32
OFFICERS = PrivateKey(bytes(a ^ b for a, b in zip(bytes.fromhex(PART_A), bytes.fromhex(PART_B), strict=True)))
TEXTS: Any = {
    "en": {"in": "Welcome.", "out": "Goodbye.", "unknown": "Not known.", "revoked": "Reported lost."},
    "it": {"in": "Benvenuta.", "out": "A presto."},
}


def put_keys(folder: Path, *keys: EpochKey) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    for key in keys or (KEY,):
        (folder / f"epoch-{key.epoch}.key").write_text(key.key.hex() + "\n")
    return folder


def roster(at: datetime | None = None, /, **values: Any) -> Roster:
    values = {"badges": {BADGE: RosterBadge(lang="it")}, "unknown": "refuse", "texts": TEXTS, **values}
    return Roster(**{"site": "hub", "device": "room-1", "at": at or datetime.now(UTC), **values})


def sealed(made: Roster, key: SigningKey = HUB) -> SealedRoster:
    body = made.encode()
    return SealedRoster(v=1, body=body.decode(), sig=key.sign(body).signature.hex())


def forget(*badges: str) -> Forget:
    graves = []
    for badge in badges:
        salt = os.urandom(16)
        tag = hashlib.sha256(salt + bytes.fromhex(badge)).hexdigest()
        graves.append(Tombstone(salt=salt.hex(), tag=tag))
    return Forget(v=1, type="forget", badges=tuple(graves))


def muster(snapshot: MusterSnapshot) -> Muster:
    box = SealedBox(OFFICERS.public_key).encrypt(snapshot.encode())
    return Muster(v=1, type="muster", at=snapshot.at, sealed=b64encode(box).decode())


def signed(
    topic: str, order: Answer | Forget | Muster | Receipt, at: datetime, key: SigningKey = HUB
) -> bytes:
    """Give an order as the server sends it: dated, unless it is dated already, and signed."""
    dated = order if order.at is not None else order.model_copy(update={"at": at})
    return with_signature(topic, dated.encode(), lambda covered: key.sign(covered).signature)


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def ago(**span: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(**span)


@dataclass
class RecordingFeedback:
    """A feedback that records what it showed."""

    shown: list[tuple[Verdict, str, bool]] = field(default_factory=list)
    opened: int = 0
    announced: list[str | None] = field(default_factory=list)

    @property
    def verdicts(self) -> list[str]:
        return [f"{verdict}?" if provisional else verdict for verdict, _, provisional in self.shown]

    def open(self) -> None:
        self.opened += 1

    def show(self, verdict: Verdict, text: str, *, provisional: bool) -> None:
        self.shown.append((verdict, text, provisional))

    def announce(self, text: str | None) -> None:
        self.announced.append(text)

    def close(self) -> None:
        self.opened -= 1
