"""What paired screens have to know at once: that they changed, and the answer of a tap at a kiosk's reader.

An answer may hold a one-time code, of which the database has only the hash. So ingest seals it (NaCl's sealed
box) to a key that one API process holds in memory, and notifies: nothing readable is stored, and a role that
listens on the database reads nothing.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from psycopg import AsyncConnection

from hubwell.events import TapAnswered
from hubwell.storage.queries import Queries

_SQL: Final = Queries("hubwell.screens")
SHOWN_FOR: Final = timedelta(seconds=8)
"""How long an answer stays on a kiosk."""
CODE_SHOWN_FOR: Final = timedelta(seconds=45)
"""The same with a code, which takes a while to copy or to photograph."""


_FRESH: Final = timedelta(seconds=30)
"""Answers to older taps are not shown: somebody else may stand at the kiosk."""


@dataclass(frozen=True, slots=True)
class KioskAnswer:
    """An answer as the reader itself shows it; `code` is the one-time code in it, empty without one."""

    verdict: str
    text: str
    language: str
    code: str = ""

    @property
    def shown_for(self) -> timedelta:
        """How long it stays."""
        return CODE_SHOWN_FOR if self.code else SHOWN_FOR


@dataclass(frozen=True, slots=True)
class ReaderAnswer:
    """The answer to a tap, with its reader and its time, and the one-time code in the text, if any."""

    reader: str
    at: datetime
    answer: TapAnswered
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Shown:
    answer: KioskAnswer
    until: datetime


async def payloads_for(conn: AsyncConnection[Any], answers: Sequence[ReaderAnswer]) -> list[str]:
    """Return a notification for each screen beside the readers of these answers."""
    now = datetime.now(UTC)
    fresh = [item for item in answers if now - item.at <= _FRESH]
    if not fresh:
        return []
    values = {"devices": list({item.answer.device_id for item in fresh}), "now": now}
    rows = await (await conn.execute(_SQL["kiosks_of"], values)).fetchall()
    beside: dict[tuple[str, str], list[tuple[UUID, bytes]]] = defaultdict(list)
    for device_id, reader, screen_id, key in rows:
        beside[device_id, reader].append((screen_id, key))
    return [
        _sealed(screen_id, key, item)
        for item in fresh
        for screen_id, key in beside.get((item.answer.device_id, item.reader), ())
    ]


def changed_payloads(screen_ids: Iterable[str]) -> list[str]:
    """Return a notification for each screen that was changed or revoked."""
    return [json.dumps({"screen": screen_id}) for screen_id in sorted(screen_ids)]


def _sealed(screen_id: UUID, key: bytes, item: ReaderAnswer) -> str:
    answer = item.answer
    content = KioskAnswer(answer.verdict, answer.text, answer.language, item.code)
    box = SealedBox(PublicKey(key)).encrypt(json.dumps(asdict(content)).encode())
    return json.dumps({"screen": str(screen_id), "sealed": b64encode(box).decode()})


class ScreenNotices:
    """The notices of one API process, and the newest answer of each kiosk until it has been shown."""

    def __init__(self) -> None:
        self._key = PrivateKey.generate()
        self._shown: dict[UUID, _Shown] = {}
        self._watching: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self.closed = False

    @property
    def public_key(self) -> bytes:
        """The key to which answers for this process are sealed."""
        return bytes(self._key.public_key)

    def receive(self, payload: str, now: datetime) -> None:
        """Take a notification; one for another process changes nothing. Raises ValueError for others."""
        try:
            message = json.loads(payload)
            screen_id, sealed = UUID(message["screen"]), message.get("sealed")
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no screen in it: {error!r}") from error
        if sealed is not None:
            try:
                content = json.loads(SealedBox(self._key).decrypt(b64decode(sealed)))
            except CryptoError:
                return
            answer = KioskAnswer(**content)
            self._shown[screen_id] = _Shown(answer, now + answer.shown_for)
        for watcher in self._watching.get(screen_id, ()):
            watcher.set()

    def answer(self, screen_id: UUID, now: datetime) -> KioskAnswer | None:
        """Return the answer that a kiosk shows now; one whose time is over is forgotten."""
        for past in [key for key, shown in self._shown.items() if shown.until <= now]:
            del self._shown[past]
        shown = self._shown.get(screen_id)
        return None if shown is None else shown.answer

    def remaining(self, screen_id: UUID, now: datetime) -> float | None:
        """Return for how many seconds the answer of a kiosk is still shown; None without one."""
        shown = self._shown.get(screen_id)
        return None if shown is None else max(0.0, (shown.until - now).total_seconds())

    @contextmanager
    def watch(self, screen_id: UUID) -> Iterator[asyncio.Event]:
        """Give an event that is set at each notice of a screen, and when the server stops."""
        notified = asyncio.Event()
        self._watching[screen_id].add(notified)
        try:
            yield notified
        finally:
            self._watching[screen_id].discard(notified)
            if not self._watching[screen_id]:
                del self._watching[screen_id]

    def wake_all(self) -> None:
        """Let every screen look: notifications may have been missed."""
        for watchers in self._watching.values():
            for watcher in watchers:
                watcher.set()

    def close(self) -> None:
        """End what watches, so that the server can stop."""
        self.closed = True
        self.wake_all()
