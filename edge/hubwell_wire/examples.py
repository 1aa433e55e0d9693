"""Examples of every message for the published contract; only `asyncapi.py` and tests use them."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from hubwell_wire import commands
from hubwell_wire import messages as wire
from hubwell_wire.fields import WireModel

Examples = list[tuple[str, WireModel]]
"""Messages of one kind, each with a line that describes it."""

_BOOT: Final = UUID("0192f0c1-2a30-4b1c-8d7e-5f60718293a4")
_NOON: Final = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_BADGE: Final = "6f1c9a0b54e27d38c1f0a2b394857601"
_OLD_BADGE: Final = "0b94857601f0a2b36f1c9a54e27d38c1"

Json = dict[str, Any]


def _envelope(seq: int, second: int) -> Json:
    stamp = datetime(2026, 11, 22, 21, 4, second, 123000, tzinfo=UTC)
    id_ = UUID(int=0x0192F0C12A307B1C8D7E000000000000 + seq)
    return {
        "v": 1,
        "id": id_,
        "boot": _BOOT,
        "seq": seq,
        "ts": stamp,
        "clock": "synced",
        "mono_ms": 81234 + seq,
    }


def examples() -> dict[str, Examples]:
    """Return the examples by message name."""
    return {**_measured(), **_happened(), **_described(), **_sent()}


def _measured() -> dict[str, Examples]:
    readings = (
        wire.Reading(s="scd41/co2", v=812.0, u="ppm"),
        wire.Reading(s="bme280/temp", v=23.4, u="Cel", t=-1500),
        wire.Reading(s="bme280/rh", v=99.9, u="%RH", q="suspect"),
    )
    climate = wire.Telemetry(**_envelope(4711, 5), r=readings)
    return {"Telemetry": [("Three readings, one of them earlier and one doubtful", climate)]}


def _happened() -> dict[str, Examples]:
    tap = wire.TapData(reader="door", badge=_BADGE, epoch=3)
    relinked = wire.TapData(reader="door", badge=_BADGE, epoch=4, was=_OLD_BADGE, said="revoked")
    sun = wire.SunMessage(picc="ef963ff7828658a599f3041510671e88", cmac="94eed9ee65337086")
    signed = wire.TapData(reader="door", epoch=4, sun=sun)
    numbered = wire.GapData(cause="outbox-full", count=200, first=4000, last=4199)
    uncounted = wire.GapData(cause="disk-full", count=12)
    silent = wire.FaultData(part="scd41", state="silent", detail="no answer on the bus for 60 s")
    return {
        "Tap": [
            ("A badge at a door", wire.Tap(**_envelope(4712, 6), type="tap", data=tap)),
            (
                "A listed badge after a change of keys; the reader has told that it is revoked",
                wire.Tap(**_envelope(4716, 10), type="tap", data=relinked),
            ),
            ("A card that signs its taps", wire.Tap(**_envelope(4717, 11), type="tap", data=signed)),
        ],
        "Gap": [
            ("Numbered messages were dropped", wire.Gap(**_envelope(4713, 7), type="gap", data=numbered)),
            (
                "Messages were dropped before they had numbers",
                wire.Gap(**_envelope(4714, 8), type="gap", data=uncounted),
            ),
        ],
        "Fault": [("A sensor is silent", wire.Fault(**_envelope(4715, 9), type="fault", data=silent))],
    }


def _described() -> dict[str, Examples]:
    stamp = datetime(2026, 11, 22, 21, 4, 5, tzinfo=UTC)
    sensors = (
        wire.SensorMeta(s="scd41/co2", u="ppm", every_s=10.0),
        wire.SensorMeta(s="pir/motion", u="/"),
    )
    readers = (wire.ReaderMeta(name="door", driver="pn532"),)
    online = wire.Status(v=1, state="online", boot=_BOOT, ts=stamp, last_seq=4711, pending=3, clock="synced")
    listed = wire.Status(**{**dict(online), "roster_at": _NOON})
    software = "hubwell-edge 0.1.0"
    return {
        "Status": [
            ("Connected", online),
            ("Connected, with a list of badges", listed),
            ("Last will", wire.Status(v=1, state="offline")),
        ],
        "Meta": [
            ("Two sensors", wire.Meta(v=1, name="Laboratory", software=software, sensors=sensors)),
            ("A badge reader", wire.Meta(v=1, name="Entrance", software=software, readers=readers)),
        ],
    }


def _sent() -> dict[str, Examples]:
    refused = (wire.Refusal(seq=4709, reason="r.0.v: Input should be a valid number (got '812')"),)
    clashing = wire.Unstored(
        seq=4711,
        readings=(2,),
        reason="scd41/co2 has the value 612.0 at 2026-11-24T09:58:00+00:00 already, not 598.0",
    )
    unregistered = "device 'attic-pi' is not registered: `hubwell device add attic-pi --space SPACE`"
    signed = wire.Receipt(v=1, boot=_BOOT, upto=4711, at=_NOON, sig="5e" * 64)
    welcome = commands.Answer(
        v=1, type="answer", boot=_BOOT, seq=4712, verdict="in", text="Benvenuta, sei dentro.", lang="it"
    )
    tombstone = commands.Tombstone(salt="00112233445566778899aabbccddeeff", tag=f"{0xC0FFEE:064x}")
    muster = commands.Muster(v=1, type="muster", at=_NOON, sealed="c2VhbGVkIGZvciB0d28gb2ZmaWNlcnM=")
    return {
        "Receipt": [
            ("Everything so far", wire.Receipt(v=1, boot=_BOOT, upto=4711)),
            (
                "A hole at 4701, and one message refused",
                wire.Receipt(v=1, boot=_BOOT, upto=4700, ranges=((4702, 4711),), rejected=refused),
            ),
            (
                "The third reading of message 4711 meets another value of its instant",
                wire.Receipt(v=1, boot=_BOOT, upto=4711, unstored=(clashing,)),
            ),
            ("A device that is not registered", wire.Receipt(v=1, boot=_BOOT, upto=0, notice=unregistered)),
            ("Signed, to a device with the hub's key", signed),
        ],
        "Answer": [("Somebody came in", welcome)],
        "Forget": [
            ("One badge is erased", commands.Forget(v=1, type="forget", badges=(tombstone,))),
        ],
        "Muster": [("Who is probably inside, sealed", muster)],
        "SealedRoster": [
            (
                "A list with one badge",
                commands.SealedRoster(v=1, body=_roster().encode().decode(), sig="5e" * 64),
            ),
        ],
    }


def _roster() -> commands.Roster:
    return commands.Roster(
        site="hub",
        device="lab-pi",
        at=_NOON,
        unknown="refuse",
        badges={_BADGE: commands.RosterBadge(lang="it")},
        readers={"counter": commands.RosterReader(purpose="desk")},
        texts={"it": {"in": "Benvenuta, sei dentro.", "out": "A presto."}},
        space=commands.RosterSpace(id="lab", zone="East", capacity=12, when_full="refuse"),
        crowded={"it": "Benvenuta, sei dentro, ma è pieno."},
    )
