"""What the desk stores, says and corrects; the server is the test."""

import asyncio
import logging
from uuid import UUID

import pytest

from edge.agent_builders import NOON, stamp, until
from edge.taps.door_device import CARD, NOBODY, OTHER_CARD, Counter
from edge.taps.sample_badges import (
    BADGE,
    OTHER,
    UID,
    bytes_below,
    forget,
    roster,
    sealed,
)
from hubwell_edge.clock import to_datetime
from hubwell_edge.outbox.file import OutboxUnavailableError
from hubwell_edge.readers.reader import Card
from hubwell_edge.taps.tap_handler import Door
from hubwell_edge.taps.verdicts import PLAIN
from hubwell_wire.commands import RosterBadge, RosterReader


async def test_server_s_answer_is_told_when_it_comes_in_time(patient: Counter) -> None:
    await patient.list_badges()
    presented = asyncio.create_task(patient.tap())
    await until(lambda: patient.outbox.outbox.last_seq == 1)
    await patient.orders.take(patient.answer("moved", text="Sei qui adesso."))
    await presented
    assert patient.heard.said == [("moved", "Sei qui adesso.", False)]
    (tap,) = patient.taps
    assert (tap.data.badge, tap.data.reader, tap.data.epoch, tap.data.said) == (BADGE, "door", 1, None)


async def test_answer_without_words_gets_those_of_the_list(patient: Counter) -> None:
    await patient.list_badges()
    presented = asyncio.create_task(patient.tap())
    await until(lambda: patient.outbox.outbox.last_seq == 1)
    await patient.orders.take(patient.answer("in"))
    await presented
    assert patient.heard.said == [("in", "Benvenuta.", False)]


async def test_answer_that_overtakes_the_commit_is_told_all_the_same(patient: Counter) -> None:
    await patient.orders.take(patient.answer("in", seq=1))
    await patient.tap()
    assert patient.heard.verdicts == ["in"]


async def test_silent_server_means_a_local_answer_and_a_later_one_corrects_it(counter: Counter) -> None:
    counter.online = True
    await counter.list_badges()
    await counter.tap()
    assert counter.heard.said == [("in", "Benvenuta.", True)]
    assert counter.taps[0].data.said is None, "it was not decided yet when the tap was stored"
    await counter.orders.take(counter.answer("full", text="Full."))
    assert counter.heard.said[1:] == [("full", "Full.", False)]
    await counter.tap()
    assert counter.heard.verdicts[2] == "in?", "who was not let in is not in"


async def test_correction_is_not_told_to_the_next_person(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    first = counter.answer("out")
    await counter.tap(OTHER_CARD)
    await counter.orders.take(first)
    assert counter.heard.verdicts == ["in?", "in?"]
    await counter.tap()
    assert counter.heard.verdicts[2] == "in?", "learned in silence that they were out"


async def test_without_a_connection_it_speaks_at_once_and_the_tap_says_what(counter: Counter) -> None:
    await counter.list_badges(badges={BADGE: RosterBadge(lang="it"), OTHER: RosterBadge(revoked=True)})
    for card in (CARD, CARD, CARD, OTHER_CARD, NOBODY):
        await counter.tap(card)
    assert counter.heard.verdicts == ["in?", "out?", "in?", "revoked?", "unknown?"]
    assert [tap.data.said for tap in counter.taps] == ["in", "out", "in", "revoked", "unknown"]
    assert [tap.seq for tap in counter.taps] == [1, 2, 3, 4, 5]


async def test_clock_that_was_never_set_means_that_no_answer_can_come(patient: Counter) -> None:
    patient.clock.advance(0, synced=False)
    await patient.list_badges()
    await patient.tap()
    assert patient.heard.verdicts == ["in?"]
    assert patient.outbox.outbox.unsent(10)[0].stamp.synced is False
    assert await patient.outbox.restamp(stamp(NOON, patient.clock.at.mono_ms)) == 1
    (tap,) = patient.taps
    assert (tap.clock, tap.ts, tap.data.said) == ("synced", to_datetime(NOON), "in")


async def test_second_tap_of_the_same_gesture_is_no_tap(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    await counter.tap(after_ms=4999)
    await counter.tap(OTHER_CARD, after_ms=0)
    await counter.tap(after_ms=1)
    assert counter.heard.verdicts == ["in?", "again", "in?", "out?"]
    assert len(counter.taps) == 3


async def test_other_reader_takes_the_same_badge_at_once(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    counter.door = Door("back", counter.heard)
    await counter.tap(after_ms=10)
    assert [tap.data.reader for tap in counter.taps] == ["door", "back"]


async def test_phone_is_refused_kindly_and_not_sent(counter: Counter) -> None:
    await counter.tap(Card(uid=bytes.fromhex("08a1b2c3")))
    assert counter.heard.verdicts == ["phone"]
    assert counter.taps == []


async def test_without_a_list_taps_are_noted(counter: Counter) -> None:
    await counter.tap()
    assert counter.heard.verdicts == ["noted?"]
    await counter.orders.take(counter.answer("in"))
    await counter.list_badges()
    await counter.tap()
    assert counter.heard.verdicts == ["noted?", "in", "out?"]


async def test_kiosk_is_asked_with_more_patience_and_never_opens_a_door(patient: Counter) -> None:
    await patient.list_badges(readers={"door": RosterReader(purpose="kiosk")})
    presented = asyncio.create_task(patient.tap())
    await until(lambda: patient.outbox.outbox.last_seq == 1)
    await patient.orders.take(patient.answer("code", text="K7QF-92MD"))
    await presented
    assert patient.heard.said == [("code", "K7QF-92MD", False)]
    patient.online = False
    await patient.tap()
    assert patient.heard.said[1] == ("code", PLAIN["code"], True)


async def test_tap_while_the_disk_refuses_is_answered_and_kept_in_memory(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    counter.online = True
    await counter.list_badges()

    def refuse(*_: object, **__: object) -> None:
        raise OutboxUnavailableError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(counter.outbox.outbox._file, "write", refuse)
        await counter.tap()
    assert counter.heard.verdicts == ["in?"]
    assert counter.outbox.outbox.waiting == 1
    counter.outbox.outbox._retry_at = 0
    await counter.tap(OTHER_CARD)
    assert [tap.data.badge for tap in counter.taps] == [BADGE, OTHER]
    await counter.orders.take(counter.answer("out"))
    assert counter.heard.verdicts == ["in?", "in?", "out"], "the answer is for the newest of the two"


async def test_restart_in_between_keeps_taps_list_and_who_is_in(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    await counter.close()
    await counter.open()
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "out?"]
    assert [tap.seq for tap in counter.taps] == [1, 2]


async def test_answer_of_an_earlier_run_or_another_boot_changes_nothing(counter: Counter) -> None:
    await counter.orders.take(counter.answer("in", seq=77))
    other = counter.answer("in", seq=1).model_copy(update={"boot": UUID(int=5)})
    await counter.orders.take(other)
    await counter.tap()
    assert counter.heard.verdicts == ["noted?"]


async def test_who_left_elsewhere_comes_in_again_and_nothing_is_shown(counter: Counter) -> None:
    counter.online = True
    await counter.list_badges()
    await counter.tap()
    await counter.orders.take(counter.answer("in"))
    await counter.orders.take(counter.answer("out"))
    assert counter.heard.verdicts == ["in?", "in"], "nobody stands there"
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "in", "in?"]


async def test_who_was_answered_in_time_and_left_elsewhere_comes_in_again(patient: Counter) -> None:
    await patient.list_badges()
    presented = asyncio.create_task(patient.tap())
    await until(lambda: patient.outbox.outbox.last_seq == 1)
    for verdict in ("in", "out"):  # before the person was told anything
        await patient.orders.take(patient.answer(verdict))
    await presented
    patient.online = False
    await patient.tap()
    assert patient.heard.verdicts == ["in", "in?"]


@pytest.mark.parametrize("restarted_again", [False, True])
async def test_leaving_elsewhere_is_learned_after_a_restart_and_kept(
    counter: Counter, *, restarted_again: bool
) -> None:
    await counter.list_badges()
    await counter.tap()
    await counter.close()
    await counter.open()
    await counter.orders.take(counter.answer("out"))
    if restarted_again:
        await counter.close()
        await counter.open()
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "in?"]


async def test_leaving_is_of_the_tap_that_it_names(counter: Counter) -> None:
    await counter.list_badges()
    for _ in range(3):
        await counter.tap()
    await counter.tap(OTHER_CARD)
    await counter.close()
    await counter.open()
    assert counter.heard.verdicts == ["in?", "out?", "in?", "in?"]
    other_boot = counter.answer("out", seq=3).model_copy(update={"boot": UUID(int=5)})
    for answer in (counter.answer("out", seq=1), other_boot):
        await counter.orders.take(answer)
    for card in (CARD, OTHER_CARD):
        await counter.tap(card)
    assert counter.heard.verdicts[4:] == ["out?", "out?"]


async def test_who_left_and_is_on_no_list_leaves_no_byte_when_erased(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    await counter.orders.take(counter.answer("out"))
    await counter.outbox.erase({BADGE})
    later = roster(to_datetime(NOON + 60_000), badges={})
    await counter.orders.take(sealed(later))
    assert BADGE.encode() in bytes_below(counter.folder)
    await counter.orders.take(forget(BADGE))
    assert BADGE.encode() not in bytes_below(counter.folder)


async def test_late_answer_to_an_earlier_tap_says_nothing_of_now(counter: Counter) -> None:
    counter.online = True
    await counter.list_badges()
    for _ in range(3):
        await counter.tap()
    await counter.orders.take(counter.answer("out", seq=1))
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "out?", "in?", "out?"]


async def test_answer_after_a_restart_corrects_who_is_in(counter: Counter) -> None:
    await counter.list_badges()
    for _ in range(2):
        await counter.tap()
    await counter.close()
    await counter.open()
    await counter.orders.take(counter.answer("moved"))
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "out?", "out?"]


async def test_missing_key_sends_people_to_the_desk_and_says_why(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    (counter.folder / "keys" / "epoch-1.key").unlink()
    await counter.tap()
    assert counter.heard.verdicts == ["desk"]
    assert "there is no key for badges" in caplog.text


async def test_nothing_about_a_person_is_logged(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await counter.list_badges()
    for card in (CARD, NOBODY, Card(uid=bytes.fromhex("08a1b2c3")), Card(token="HW1:nothing")):  # noqa: S106
        await counter.tap(card)
    await counter.orders.take(counter.answer("full"))
    await counter.orders.take(forget(BADGE))
    text = caplog.text.lower()
    assert not [word for word in (UID.hex(), BADGE, "08a1b2c3", "nothing") if word in text]


async def test_forgotten_badge_is_unknown_from_then_on(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    pending = counter.answer("in")
    await counter.orders.take(forget(BADGE))
    await counter.orders.take(pending)
    await counter.tap()
    assert counter.heard.verdicts == ["in?", "unknown?"]


async def test_people_of_yesterday_are_deleted_without_a_tap(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    assert BADGE.encode() in (counter.folder / "presence.db-wal").read_bytes()
    counter.clock.advance(17 * 3600 * 1000)
    counter.desk.start()
    await until(lambda: not counter.desk._presence.badges)
