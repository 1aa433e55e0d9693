"""A door knows by itself that its space is full, by who came in there."""

from edge.agent_builders import NOON, stamp
from edge.taps.door_device import NOBODY, OTHER_CARD, DoorDevice
from edge.taps.sample_badges import BADGE, OTHER
from hubwell_edge.taps.local_presence import LONGEST_STAY_MS, LocalPresence
from hubwell_edge.taps.verdicts import DEFAULT_CROWDED, DEFAULT_TEXTS
from hubwell_wire.commands import RosterSpace

ONE = RosterSpace(capacity=1, when_full="refuse")


async def test_full_space_turns_away_and_lets_in_again_when_somebody_left(device: DoorDevice) -> None:
    await device.list_badges(space=ONE)
    await device.tap()
    await device.tap(OTHER_CARD)
    await device.tap()
    await device.tap(OTHER_CARD)
    assert device.feedback.verdicts == ["in?", "full?", "out?", "in?"]
    assert [tap.data.said for tap in device.taps] == ["in", "full", "out", "in"]
    assert device.feedback.shown[1][1] == DEFAULT_TEXTS["full"]


async def test_space_that_only_warns_lets_in_and_says_that_it_is_full(device: DoorDevice) -> None:
    warns = ONE.model_copy(update={"when_full": "warn"})
    await device.list_badges(space=warns, crowded={"it": "Benvenuta, ma è pieno."}, unknown="count")
    await device.tap(OTHER_CARD)
    await device.tap()
    await device.tap(NOBODY)
    assert [text for _, text, _ in device.feedback.shown] == [
        "Welcome.",
        "Benvenuta, ma è pieno.",
        DEFAULT_CROWDED,
    ]
    assert [tap.data.said for tap in device.taps] == ["in", "in", "in"]


async def test_list_without_a_space_turns_nobody_away(device: DoorDevice) -> None:
    await device.list_badges()
    await device.tap()
    await device.tap(OTHER_CARD)
    assert device.feedback.verdicts == ["in?", "in?"]


async def test_who_went_on_to_another_space_makes_room(device: DoorDevice) -> None:
    device.online = True
    await device.list_badges(space=ONE)
    await device.tap()
    await device.commands.handle(device.answer("in"))
    await device.commands.handle(device.answer("out"))
    device.online = False
    await device.tap(OTHER_CARD)
    assert device.feedback.verdicts[-1] == "in?"


async def test_silent_server_s_answer_corrects_a_full_door(device: DoorDevice) -> None:
    await device.list_badges(space=ONE)
    await device.tap()
    device.online = True
    await device.tap(OTHER_CARD)
    await device.commands.handle(device.answer("in"))
    assert device.feedback.verdicts == ["in?", "full?", "in"]
    assert device.taps[-1].data.said is None


async def test_people_count_once_and_no_longer_than_anybody_stays(device: DoorDevice) -> None:
    (device.folder / "apart").mkdir()
    separate = LocalPresence(device.folder / "apart")
    number = (device.outbox.outbox.boot, 1)
    separate.record([BADGE, "ab" * 16], "door", stamp(), inside=True, number=number)
    separate.record([OTHER], "door", stamp(NOON + 1000, 1000), inside=True)
    assert separate.count(stamp(NOON + LONGEST_STAY_MS)) == 2, "a badge with two pseudonyms is one person"
    assert separate.count(stamp(NOON + LONGEST_STAY_MS + 1)) == 1
    separate.record([OTHER], "door", stamp(NOON + 2000, 2000), inside=False)
    assert separate.count(stamp(NOON + 3000)) == 1
    separate.record(["ab" * 16], "door", stamp(NOON + 4000, 4000), inside=False, number=(number[0], 2))
    assert separate.count(stamp(NOON + 5000)) == 0, "and leaves with either"
    separate.close()
