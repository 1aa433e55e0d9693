"""An hour of messages of several devices, and everything that they leave behind."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from feed.ingest_setup import rows
from feed.simulated_device import Device, Packet

NOW = datetime.now(UTC).replace(microsecond=0)

BADGES = [bytes([n]) * 16 for n in range(4)]

# Everything that a batch leaves behind, but for surrogate keys and times of arrival.
LEFT_BEHIND = {
    "readings": "SELECT device_id, name, time, value FROM reading r JOIN series s ON s.id = r.series_id",
    "ledger": "SELECT boot, seq, m.id, time, verdict FROM message m JOIN stream s ON s.id = m.stream_id",
    "streams": "SELECT boot, received, declared, last_seq FROM stream",
    "taps": "SELECT badge, time, space_id, verdict FROM tap JOIN credential_pseudonym USING (credential_id)",
    "visits": """SELECT badge, space_id, during, ended_by FROM visit JOIN credential c USING (person_id)
                 JOIN credential_pseudonym p ON p.credential_id = c.id""",
    "suspicions": """SELECT badge, kind, at, space_id, other_space_id
                     FROM suspicion JOIN credential_pseudonym USING (credential_id)""",
    "episodes": "SELECT rule, space_id, opened_at, resolved_at FROM episode",
    "events": "SELECT DISTINCT type, space_id FROM event",
    "rejected": "SELECT topic, code FROM rejected",
}


def left_behind(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(rows(url, query), key=repr) for name, query in LEFT_BEHIND.items()}


def day(devices: Sequence[Device]) -> list[Packet]:
    """An hour of several devices: stuffy air, people coming and going, a fault, rubbish."""
    packets = []
    for minute in range(60):
        at = NOW - timedelta(hours=30) + timedelta(minutes=minute)
        for index, device in enumerate(devices):
            values = {"co2": 1500.0 if 15 < minute < 40 else 600.0, "presence": 1.0, "temp": 20.0 + minute}
            packets.append(device.telemetry(at, values))
            if minute % 7 == index:
                packets.append(device.tap(at, BADGES[(minute + index) % len(BADGES)]))
            if minute == 30:
                packets += [device.fault(at), device.raw(b"{" + b" " * index)]
    return packets
