from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.agent_builders import BADGE, NOON, reading, stamp
from hubwell_edge import clock
from hubwell_edge.agent.batch import Batch
from hubwell_edge.clock import Stamp, SystemClock, to_ms, to_rfc3339
from hubwell_edge.outbox.message import DraftMessage, Kind
from hubwell_edge.sources.observation import Observation
from hubwell_wire.messages import MAX_READINGS, TapData, Telemetry
from hubwell_wire.parse import parse

NOON_TIME = datetime(2026, 11, 22, 12, tzinfo=UTC)


def _offsets(draft: DraftMessage) -> list[int]:
    boot = "00000000-0000-0000-0000-000000000001"
    envelope = f'{{"v":1,"id":"{boot}","boot":"{boot}","seq":1,"ts":"2026-11-22T12:00:00Z",'
    payload = (envelope + '"clock":"synced","mono_ms":1,').encode() + draft.body[1:]
    message = parse("hub/v1/hub/room-1/up/telemetry", payload).message
    assert isinstance(message, Telemetry)
    return [r.t for r in message.r]


def test_clock_in_trust_mode_is_believed() -> None:
    assert SystemClock("trust").now().synced


def test_clock_in_auto_mode_needs_a_word_and_then_stays_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    word = False
    monkeypatch.setattr(clock, "is_synchronised", lambda: word)
    auto = SystemClock("auto")
    assert not auto.now().synced
    word = True
    assert auto.now().synced
    word = False
    assert auto.now().synced


def test_timesyncd_flag_counts_as_synchronised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flag = tmp_path / "synchronized"
    monkeypatch.setattr(clock, "_TIMESYNCD_FLAG", flag)
    monkeypatch.setattr(clock, "_is_kernel_synchronised", lambda: False)
    assert not clock.is_synchronised()
    flag.touch()
    assert clock.is_synchronised()


def test_kernel_is_asked_without_error() -> None:
    assert clock._is_kernel_synchronised() in {True, False}
    assert clock.boot_clock_ms() > 0


def test_times_are_exact_milliseconds() -> None:
    assert to_ms(NOON_TIME + timedelta(milliseconds=7)) == NOON + 7
    assert to_rfc3339(NOON + 7) == "2026-11-22T12:00:00.007Z"


def test_batch_offsets_follow_the_boot_clock() -> None:
    batch = Batch()
    for ms in (0, 1000, 2000):
        batch.add("s", Observation(readings=(reading(t=-5),)), stamp(NOON + ms + ms // 1000, 500 + ms))
    drafts, cursors = batch.take()
    assert len(drafts) == 1
    assert _offsets(drafts[0]) == [-5, 995, 1995]
    assert drafts[0].stamp == stamp(NOON, 500)
    assert cursors == {}


def test_batch_of_recorded_times_keeps_them_and_the_last_cursor() -> None:
    batch = Batch()
    for n in range(3):
        taken = NOON_TIME + timedelta(minutes=n)
        observation = Observation(readings=(reading(n),), taken=taken, cursor=str(n))
        batch.add("s", observation, stamp(0, 77, synced=False))
    drafts, cursors = batch.take()
    assert _offsets(drafts[0]) == [0, 60_000, 120_000]
    assert drafts[0].stamp == Stamp(NOON, 77, synced=True)
    assert cursors == {"s": "2"}


@pytest.mark.parametrize(
    "second",
    [
        stamp(NOON + 3_600_000, 1100),  # the clock was set
        stamp(NOON + 100, 1100, synced=False),  # its state changed
    ],
)
def test_batch_begins_a_new_message_when_the_clock_changed(second: Stamp) -> None:
    batch = Batch()
    batch.add("s", Observation(readings=(reading(),)), stamp(NOON, 1000))
    batch.add("s", Observation(readings=(reading(),)), second)
    assert [draft.stamp for draft in batch.take()[0]] == [stamp(NOON, 1000), second]


def test_batch_never_goes_over_the_limits_of_a_message() -> None:
    batch = Batch()
    for n in range(MAX_READINGS + 1):
        batch.add("s", Observation(readings=(reading(),), taken=NOON_TIME + timedelta(minutes=n)), stamp())
    batch.add("s", Observation(readings=(reading(),), taken=NOON_TIME - timedelta(days=9)), stamp())
    assert [len(_offsets(draft)) for draft in batch.take()[0]] == [MAX_READINGS, 1, 1]


def test_batch_keeps_events_in_order_and_marks_them_urgent() -> None:
    batch = Batch()
    batch.add("s", Observation(readings=(reading(),)), stamp())
    before = batch.urgent
    batch.add("s", Observation(event=TapData(reader="desk", badge=BADGE, epoch=1)), stamp())
    batch.add("s", Observation(readings=(reading(),)), stamp())
    assert (before, batch.urgent) == (False, True)
    assert [draft.kind for draft in batch.take()[0]] == [Kind.TELEMETRY, Kind.EVENT, Kind.TELEMETRY]
    assert batch.take() == ([], {})


def test_observation_is_readings_or_one_event() -> None:
    event = TapData(reader="desk", badge=BADGE, epoch=1)
    with pytest.raises(ValueError, match="either readings or one event"):
        Observation()
    with pytest.raises(ValueError, match="either readings or one event"):
        Observation(readings=(reading(),), event=event)
    with pytest.raises(ValueError, match="needs a zone"):
        Observation(event=event, taken=NOON_TIME.replace(tzinfo=None))
