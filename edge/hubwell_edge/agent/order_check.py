"""Whether an order in the server's name (receipt, answer, erasure, muster) is the hub's own.

A device that has the hub's public key obeys signed orders only: an account on the broker, or the broker
itself, cannot have it delete messages that the server does not have. A device without the key cannot check.
"""

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Final

from hubwell_edge.clock import Stamp, to_datetime
from hubwell_edge.settings import EdgeSettings
from hubwell_edge.taps.files.private_file import replace_file
from hubwell_edge.taps.files.roster import AHEAD, signed_by
from hubwell_wire.commands import Answer, Forget, Muster
from hubwell_wire.messages import Receipt
from hubwell_wire.signature import split_signature

logger: Final = logging.getLogger(__name__)

FILE: Final = "orders.json"

Order = Answer | Forget | Muster | Receipt
_NAMES: Final = {Answer: "an answer", Forget: "an erasure", Muster: "a muster", Receipt: "a receipt"}


class OrderRefusedError(Exception):
    """An order is refused; the sentence gives the reason and what to do, always the same for one reason."""


class OrderCheck:
    """Checks orders of one device, and remembers the newest erasure, so that no older one is replayed.

    Receipts confirm what stays confirmed, answers are for one tap, and of musters the newest is kept:
    a copy of those changes nothing. A badge that was erased may be enrolled again, so a copy of its erasure
    would delete new taps.
    """

    def __init__(self, settings: EdgeSettings) -> None:
        self._key = settings.badges.roster_key
        self._path = settings.outbox.dir / FILE
        self._newest = _load(self._path) if self._key is not None else None

    def check(self, topic: str, payload: bytes, order: Order, now: Stamp) -> bool:
        """Return whether to carry the order out: False for the second copy of an erasure.

        Raises OrderRefusedError.
        """
        if self._key is None:
            return True
        name, signed = _NAMES[type(order)], split_signature(topic, payload)
        if signed is None or order.at is None:
            raise OrderRefusedError(
                f"{name} without a signature is refused: update the server, which is updated before its "
                "devices; if it is up to date, another account writes in its name: look at the "
                "broker's accounts"
            )
        if not signed_by(self._key, *signed):
            raise OrderRefusedError(
                f"the signature of {name} is not the hub's: compare badges.roster_key; if it is right, "
                "another account writes in the server's name: look at the broker's accounts"
            )
        latest = to_datetime(now.wall_ms) + AHEAD if now.synced else None
        if latest is not None and order.at > latest:
            raise OrderRefusedError(
                f"{name} is dated more than 5 minutes ahead: set the clock of the server, or of this device"
            )
        return not isinstance(order, Forget) or self._is_new(order.at, latest)

    def _is_new(self, at: datetime, latest: datetime | None) -> bool:
        newest = self._newest
        # One from the future was carried out while this clock was not set: it must not block all others.
        if newest is None or at > newest or (latest is not None and newest > latest):
            return True
        if at == newest:  # QoS 1 may deliver twice
            return False
        raise OrderRefusedError(
            "an erasure is older than the newest one carried out: it was replayed, or the server's clock was "
            "set back"
        )

    def carried_out(self, order: Order) -> None:
        """Remember an erasure, in memory and on disk; does nothing for other orders."""
        if self._key is None or not isinstance(order, Forget) or order.at is None:
            return
        self._newest = order.at
        try:
            replace_file(self._path, json.dumps({"forget": order.at.isoformat()}).encode())
        except OSError as error:
            text = "the newest erasure cannot be noted: %s"
            logger.warning(text, error.strerror, extra={"action": "orders-refused"})


def _load(path: Path) -> datetime | None:
    try:
        newest = datetime.fromisoformat(json.loads(path.read_bytes())["forget"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("%s is ignored: %s", path, error, extra={"action": "orders-lost"})
        return None
    return newest if newest.tzinfo is not None else None
