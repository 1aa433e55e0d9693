"""What the desk stores, says and corrects; the server is the test."""

import asyncio
import logging
from uuid import UUID

import pytest

from edge.agent_builders import NOON, stamp, until
from edge.taps.door_device import CARD, NOBODY, OTHER_CARD, DoorDevice
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
from hubwell_edge.taps.verdicts import DEFAULT_TEXTS
from hubwell_wire.commands import RosterBadge, RosterReader


async def test_server_s_answer_is_told_when_it_comes_in_time(patient_device: DoorDevice) -> None:
    await patient_device.list_badges()
    presented = asyncio.create_task(patient_device.tap())
    await until(lambda: patient_device.outbox.outbox.last_seq == 1)
    await patient_device.commands.handle(patient_device.answer("moved", text="Sei qui adesso."))
    await presented
    assert patient_device.feedback.shown == [("moved", "Sei qui adesso.", False)]
    (tap,) = patient_device.taps
    assert (tap.data.badge, tap.data.reader, tap.data.epoch, tap.data.said) == (BADGE, "door", 1, None)


async def test_answer_without_words_gets_those_of_the_list(patient_device: DoorDevice) -> None:
    await patient_device.list_badges()
    presented = asyncio.create_task(patient_device.tap())
    await until(lambda: patient_device.outbox.outbox.last_seq == 1)
    await patient_device.commands.handle(patient_device.answer("in"))
    await presented
    assert patient_device.feedback.shown == [("in", "Benvenuta.", False)]


async def test_answer_that_overtakes_the_commit_is_told_all_the_same(patient_device: DoorDevice) -> None:
    await patient_device.commands.handle(patient_device.answer("in", seq=1))
    await patient_device.tap()
    assert patient_device.feedback.verdicts == ["in"]


async def test_silent_server_means_a_local_answer_and_a_later_one_corrects_it(device: DoorDevice) -> None:
    device.online = True
    await device.list_badges()
    await device.tap()
    assert device.feedback.shown == [("in", "Benvenuta.", True)]
    assert device.taps[0].data.said is None, "it was not decided yet when the tap was stored"
    await device.commands.handle(device.answer("full", text="Full."))
    assert device.feedback.shown[1:] == [("full", "Full.", False)]
    await device.tap()
    assert device.feedback.verdicts[2] == "in?", "who was not let in is not in"


async def test_correction_is_not_told_to_the_next_person(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    first = device.answer("out")
    await device.tap(OTHER_CARD)
    await device.commands.handle(first)
    assert device.feedback.verdicts == ["in?", "in?"]
    await device.tap()
    assert device.feedback.verdicts[2] == "in?", "learned in silence that they were out"


async def test_without_a_connection_it_speaks_at_once_and_the_tap_says_what(device: DoorDevice) -> None:
    await device.list_badges(badges={BADGE: RosterBadge(lang="it"), OTHER: RosterBadge(revoked=True)})
    for card in (CARD, CARD, CARD, OTHER_CARD, NOBODY):
        await device.tap(card)
    assert device.feedback.verdicts == ["in?", "out?", "in?", "revoked?", "unknown?"]
    assert [tap.data.said for tap in device.taps] == ["in", "out", "in", "revoked", "unknown"]
    assert [tap.seq for tap in device.taps] == [1, 2, 3, 4, 5]


async def test_clock_that_was_never_set_means_that_no_answer_can_come(patient_device: DoorDevice) -> None:
    patient_device.clock.advance(0, synced=False)
    await patient_device.list_badges()
    await patient_device.tap()
    assert patient_device.feedback.verdicts == ["in?"]
    assert patient_device.outbox.outbox.unsent(10)[0].stamp.synced is False
    assert await patient_device.outbox.restamp(stamp(NOON, patient_device.clock.at.mono_ms)) == 1
    (tap,) = patient_device.taps
    assert (tap.clock, tap.ts, tap.data.said) == ("synced", to_datetime(NOON), "in")


async def test_second_tap_of_the_same_gesture_is_no_tap(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    await device.tap(after_ms=4999)
    await device.tap(OTHER_CARD, after_ms=0)
    await device.tap(after_ms=1)
    assert device.feedback.verdicts == ["in?", "again", "in?", "out?"]
    assert len(device.taps) == 3


async def test_other_reader_takes_the_same_badge_at_once(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    device.door = Door("back", device.feedback)
    await device.tap(after_ms=10)
    assert [tap.data.reader for tap in device.taps] == ["door", "back"]


async def test_phone_is_refused_kindly_and_not_sent(device: DoorDevice) -> None:
    await device.tap(Card(uid=bytes.fromhex("08a1b2c3")))
    assert device.feedback.verdicts == ["phone"]
    assert device.taps == []


async def test_without_a_list_taps_are_noted(device: DoorDevice) -> None:
    await device.tap()
    assert device.feedback.verdicts == ["noted?"]
    await device.commands.handle(device.answer("in"))
    await device.list_badges()
    await device.tap()
    assert device.feedback.verdicts == ["noted?", "in", "out?"]


async def test_kiosk_is_asked_with_more_patience_and_never_opens_a_door(patient_device: DoorDevice) -> None:
    await patient_device.list_badges(readers={"door": RosterReader(purpose="kiosk")})
    presented = asyncio.create_task(patient_device.tap())
    await until(lambda: patient_device.outbox.outbox.last_seq == 1)
    await patient_device.commands.handle(patient_device.answer("code", text="K7QF-92MD"))
    await presented
    assert patient_device.feedback.shown == [("code", "K7QF-92MD", False)]
    patient_device.online = False
    await patient_device.tap()
    assert patient_device.feedback.shown[1] == ("code", DEFAULT_TEXTS["code"], True)


async def test_tap_while_the_disk_refuses_is_answered_and_kept_in_memory(
    device: DoorDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    device.online = True
    await device.list_badges()

    def refuse(*_: object, **__: object) -> None:
        raise OutboxUnavailableError("no space")

    with monkeypatch.context() as broken:
        broken.setattr(device.outbox.outbox._file, "write", refuse)
        await device.tap()
    assert device.feedback.verdicts == ["in?"]
    assert device.outbox.outbox.unwritten == 1
    device.outbox.outbox._retry_at = 0
    await device.tap(OTHER_CARD)
    assert [tap.data.badge for tap in device.taps] == [BADGE, OTHER]
    await device.commands.handle(device.answer("out"))
    assert device.feedback.verdicts == ["in?", "in?", "out"], "the answer is for the newest of the two"


async def test_restart_in_between_keeps_taps_list_and_who_is_in(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    await device.close()
    await device.open()
    await device.tap()
    assert device.feedback.verdicts == ["in?", "out?"]
    assert [tap.seq for tap in device.taps] == [1, 2]


async def test_answer_of_an_earlier_run_or_another_boot_changes_nothing(device: DoorDevice) -> None:
    await device.commands.handle(device.answer("in", seq=77))
    other = device.answer("in", seq=1).model_copy(update={"boot": UUID(int=5)})
    await device.commands.handle(other)
    await device.tap()
    assert device.feedback.verdicts == ["noted?"]


async def test_who_left_elsewhere_comes_in_again_and_nothing_is_shown(device: DoorDevice) -> None:
    device.online = True
    await device.list_badges()
    await device.tap()
    await device.commands.handle(device.answer("in"))
    await device.commands.handle(device.answer("out"))
    assert device.feedback.verdicts == ["in?", "in"], "nobody stands there"
    await device.tap()
    assert device.feedback.verdicts == ["in?", "in", "in?"]


async def test_who_was_answered_in_time_and_left_elsewhere_comes_in_again(patient_device: DoorDevice) -> None:
    await patient_device.list_badges()
    presented = asyncio.create_task(patient_device.tap())
    await until(lambda: patient_device.outbox.outbox.last_seq == 1)
    for verdict in ("in", "out"):  # before the person was told anything
        await patient_device.commands.handle(patient_device.answer(verdict))
    await presented
    patient_device.online = False
    await patient_device.tap()
    assert patient_device.feedback.verdicts == ["in", "in?"]


@pytest.mark.parametrize("restarted_again", [False, True])
async def test_leaving_elsewhere_is_learned_after_a_restart_and_kept(
    device: DoorDevice, *, restarted_again: bool
) -> None:
    await device.list_badges()
    await device.tap()
    await device.close()
    await device.open()
    await device.commands.handle(device.answer("out"))
    if restarted_again:
        await device.close()
        await device.open()
    await device.tap()
    assert device.feedback.verdicts == ["in?", "in?"]


async def test_leaving_is_of_the_tap_that_it_names(device: DoorDevice) -> None:
    await device.list_badges()
    for _ in range(3):
        await device.tap()
    await device.tap(OTHER_CARD)
    await device.close()
    await device.open()
    assert device.feedback.verdicts == ["in?", "out?", "in?", "in?"]
    other_boot = device.answer("out", seq=3).model_copy(update={"boot": UUID(int=5)})
    for answer in (device.answer("out", seq=1), other_boot):
        await device.commands.handle(answer)
    for card in (CARD, OTHER_CARD):
        await device.tap(card)
    assert device.feedback.verdicts[4:] == ["out?", "out?"]


async def test_who_left_and_is_on_no_list_leaves_no_byte_when_erased(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    await device.commands.handle(device.answer("out"))
    await device.outbox.erase({BADGE})
    later = roster(to_datetime(NOON + 60_000), badges={})
    await device.commands.handle(sealed(later))
    assert BADGE.encode() in bytes_below(device.folder)
    await device.commands.handle(forget(BADGE))
    assert BADGE.encode() not in bytes_below(device.folder)


async def test_late_answer_to_an_earlier_tap_says_nothing_of_now(device: DoorDevice) -> None:
    device.online = True
    await device.list_badges()
    for _ in range(3):
        await device.tap()
    await device.commands.handle(device.answer("out", seq=1))
    await device.tap()
    assert device.feedback.verdicts == ["in?", "out?", "in?", "out?"]


async def test_answer_after_a_restart_corrects_who_is_in(device: DoorDevice) -> None:
    await device.list_badges()
    for _ in range(2):
        await device.tap()
    await device.close()
    await device.open()
    await device.commands.handle(device.answer("moved"))
    await device.tap()
    assert device.feedback.verdicts == ["in?", "out?", "out?"]


async def test_missing_key_sends_people_to_the_desk_and_says_why(
    device: DoorDevice, caplog: pytest.LogCaptureFixture
) -> None:
    (device.folder / "keys" / "epoch-1.key").unlink()
    await device.tap()
    assert device.feedback.verdicts == ["desk"]
    assert "there is no key for badges" in caplog.text


async def test_nothing_about_a_person_is_logged(device: DoorDevice, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await device.list_badges()
    for card in (CARD, NOBODY, Card(uid=bytes.fromhex("08a1b2c3")), Card(token="HW1:nothing")):  # noqa: S106
        await device.tap(card)
    await device.commands.handle(device.answer("full"))
    await device.commands.handle(forget(BADGE))
    text = caplog.text.lower()
    assert not [word for word in (UID.hex(), BADGE, "08a1b2c3", "nothing") if word in text]


async def test_forgotten_badge_is_unknown_from_then_on(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    pending = device.answer("in")
    await device.commands.handle(forget(BADGE))
    await device.commands.handle(pending)
    await device.tap()
    assert device.feedback.verdicts == ["in?", "unknown?"]


async def test_people_of_yesterday_are_deleted_without_a_tap(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    assert BADGE.encode() in (device.folder / "presence.db-wal").read_bytes()
    device.clock.advance(17 * 3600 * 1000)
    device.tap_handler.start()
    await until(lambda: not device.tap_handler._presence.badges)
