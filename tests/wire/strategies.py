"""Hypothesis strategies: any message that the contract allows."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

from hypothesis import settings
from hypothesis import strategies as st

from hubwell_wire import commands
from hubwell_wire import messages as wire
from hubwell_wire.enumerations import Language, Verdict
from hubwell_wire.units import QUANTITIES, UNITS

QUICK = settings(max_examples=60, deadline=None)
"""For every property here: no test may fail because the machine is busy."""

_ID = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
_PART = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
_TEXT = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"), include_characters="\t\r\n\u200d\ufeff"),
    max_size=120,
)
_NUMBER = st.integers(1, 2**62)
_CLOCK = st.sampled_from(["synced", "unsynced"])
_ZONE = st.just(UTC) | st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@st.composite
def series(draw: st.DrawFn) -> tuple[str, str]:
    """A series' name with a unit that fits it."""
    parts = draw(st.lists(_PART, min_size=1, max_size=3))
    quantity = draw(st.sampled_from(sorted(QUANTITIES)) | _PART)
    return "/".join([*parts, quantity]), QUANTITIES.get(quantity) or draw(st.sampled_from(sorted(UNITS)))


TIMES = st.builds(
    lambda at, ms, zone: at.replace(microsecond=ms * 1000, tzinfo=zone),
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30)),  # noqa: DTZ001 - the zone comes with the next part
    st.integers(0, 999),
    _ZONE,
)
VALUES = st.floats(allow_nan=False, allow_infinity=False)
READINGS = st.builds(
    lambda named, v, q, t: wire.Reading(s=named[0], u=named[1], v=v, q=q, t=t),
    series(),
    VALUES,
    st.sampled_from(["ok", "suspect", "inferred"]),
    st.integers(-wire.MAX_OFFSET_MS, wire.MAX_OFFSET_MS),
)
_ENVELOPE: dict[str, st.SearchStrategy[Any]] = {
    "v": st.just(1),
    "id": st.uuids(),
    "device": st.none() | st.just("lab-pi"),
    "boot": st.uuids(),
    "seq": _NUMBER,
    "ts": TIMES,
    "clock": _CLOCK,
    "mono_ms": st.integers(0, 2**62),
}
_GAPS = st.builds(
    lambda cause, count, hole: wire.GapData(cause=cause, count=count, **hole),
    st.sampled_from(["outbox-full", "disk-full", "erased"]),
    st.integers(1, 2**40),
    st.just({}) | st.tuples(_NUMBER, _NUMBER).map(lambda pair: {"first": min(pair), "last": max(pair)}),
)
_BADGE = st.binary(min_size=16, max_size=16).map(bytes.hex)
_VERDICT = st.sampled_from(get_args(Verdict))
_LANGUAGE = st.sampled_from(get_args(Language))
_SUN = st.builds(wire.SunMessage, picc=_BADGE, cmac=st.binary(min_size=8, max_size=8).map(bytes.hex))
_EPOCH = st.integers(0, 2**31 - 1)
_SAID = st.none() | _VERDICT
_TAPS = st.builds(
    wire.TapData,
    reader=_ID,
    badge=_BADGE,
    epoch=_EPOCH,
    was=st.none() | _BADGE,
    sun=st.none() | _SUN,
    said=_SAID,
) | st.builds(wire.TapData, reader=_ID, epoch=_EPOCH, sun=_SUN, said=_SAID)
_FAULTS = st.builds(
    wire.FaultData, part=_PART, state=st.sampled_from(["silent", "error", "recovered"]), detail=_TEXT
)
_SENSORS = st.builds(
    lambda named, every: wire.SensorMeta(s=named[0], u=named[1], every_s=every),
    series(),
    st.none() | st.floats(0, 1e300, exclude_min=True),
)
_SPANS = st.tuples(_NUMBER, _NUMBER).map(lambda pair: (min(pair), max(pair)))

BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "telemetry": st.builds(
        wire.Telemetry, r=st.lists(READINGS, min_size=1, max_size=6).map(tuple), **_ENVELOPE
    ),
    "event-tap": st.builds(wire.Tap, type=st.just("tap"), data=_TAPS, **_ENVELOPE),
    "event-gap": st.builds(wire.Gap, type=st.just("gap"), data=_GAPS, **_ENVELOPE),
    "event-fault": st.builds(wire.Fault, type=st.just("fault"), data=_FAULTS, **_ENVELOPE),
    "status": st.builds(
        wire.Status,
        v=st.just(1),
        state=st.sampled_from(["online", "offline"]),
        boot=st.none() | st.uuids(),
        ts=st.none() | TIMES,
        last_seq=st.none() | st.integers(0, 2**62),
        pending=st.none() | st.integers(0, 2**40),
        clock=st.none() | _CLOCK,
        roster_at=st.none() | TIMES,
    ),
    "meta": st.builds(
        wire.Meta,
        v=st.just(1),
        name=_TEXT,
        software=_TEXT,
        sensors=st.lists(_SENSORS, max_size=4).map(tuple),
        readers=st.lists(
            st.builds(wire.ReaderMeta, name=_ID, driver=_TEXT.map(lambda t: t[:60])), max_size=3
        ).map(tuple),
    ),
    "ack": st.builds(
        wire.Receipt,
        v=st.just(1),
        boot=st.uuids(),
        upto=st.integers(0, 2**62),
        ranges=st.lists(_SPANS, max_size=4).map(tuple),
        rejected=st.lists(st.builds(wire.Refusal, seq=_NUMBER, reason=st.text(max_size=40)), max_size=3).map(
            tuple
        ),
    ),
}
SENT: dict[str, st.SearchStrategy[Any]] = {
    "cmd-answer": st.builds(
        commands.Answer,
        v=st.just(1),
        type=st.just("answer"),
        boot=st.uuids(),
        seq=_NUMBER,
        verdict=_VERDICT,
        text=_TEXT,
        lang=_LANGUAGE,
    ),
    "cmd-forget": st.builds(
        commands.Forget,
        v=st.just(1),
        type=st.just("forget"),
        badges=st.lists(
            st.builds(
                commands.Tombstone, salt=_BADGE, tag=st.binary(min_size=32, max_size=32).map(bytes.hex)
            ),
            max_size=4,
        ).map(tuple),
    ),
    "cmd-muster": st.builds(
        commands.Muster,
        v=st.just(1),
        type=st.just("muster"),
        at=TIMES,
        sealed=st.binary(max_size=90).map(lambda sealed: b64encode(sealed).decode()),
    ),
    "config": st.builds(
        commands.SealedRoster,
        v=st.just(1),
        body=_TEXT,
        sig=st.binary(min_size=64, max_size=64).map(bytes.hex),
    ),
}
"""What the server says on `down/cmd` and `down/config`."""
BY_NAME |= SENT
NAMED = st.sampled_from(sorted(BY_NAME)).flatmap(lambda name: st.tuples(st.just(name), BY_NAME[name]))
"""Pairs of a kind (as `samples.topic` knows it) and a message."""
