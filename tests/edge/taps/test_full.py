"""A door knows by itself that its space is full, by who came in there."""

from edge.agent_builders import NOON, stamp
from edge.taps.door_device import NOBODY, OTHER_CARD, Counter
from edge.taps.sample_badges import BADGE, OTHER
from hubwell_edge.taps.local_presence import STAY_MS, Presence
from hubwell_edge.taps.verdicts import PLAIN, PLAIN_CROWDED
from hubwell_wire.commands import RosterSpace

ONE = RosterSpace(capacity=1, when_full="refuse")


async def test_full_space_turns_away_and_lets_in_again_when_somebody_left(counter: Counter) -> None:
    await counter.list_badges(space=ONE)
    await counter.tap()
    await counter.tap(OTHER_CARD)
    await counter.tap()
    await counter.tap(OTHER_CARD)
    assert counter.heard.verdicts == ["in?", "full?", "out?", "in?"]
    assert [tap.data.said for tap in counter.taps] == ["in", "full", "out", "in"]
    assert counter.heard.said[1][1] == PLAIN["full"]


async def test_space_that_only_warns_lets_in_and_says_that_it_is_full(counter: Counter) -> None:
    warns = ONE.model_copy(update={"when_full": "warn"})
    await counter.list_badges(space=warns, crowded={"it": "Benvenuta, ma è pieno."}, unknown="count")
    await counter.tap(OTHER_CARD)
    await counter.tap()
    await counter.tap(NOBODY)
    assert [text for _, text, _ in counter.heard.said] == [
        "Welcome.",
        "Benvenuta, ma è pieno.",
        PLAIN_CROWDED,
    ]
    assert [tap.data.said for tap in counter.taps] == ["in", "in", "in"]


async def test_list_without_a_space_turns_nobody_away(counter: Counter) -> None:
    await counter.list_badges()
    await counter.tap()
    await counter.tap(OTHER_CARD)
    assert counter.heard.verdicts == ["in?", "in?"]


async def test_who_went_on_to_another_space_makes_room(counter: Counter) -> None:
    counter.online = True
    await counter.list_badges(space=ONE)
    await counter.tap()
    await counter.orders.take(counter.answer("in"))
    await counter.orders.take(counter.answer("out"))
    counter.online = False
    await counter.tap(OTHER_CARD)
    assert counter.heard.verdicts[-1] == "in?"


async def test_silent_server_s_answer_corrects_a_full_door(counter: Counter) -> None:
    await counter.list_badges(space=ONE)
    await counter.tap()
    counter.online = True
    await counter.tap(OTHER_CARD)
    await counter.orders.take(counter.answer("in"))
    assert counter.heard.verdicts == ["in?", "full?", "in"]
    assert counter.taps[-1].data.said is None


async def test_people_count_once_and_no_longer_than_anybody_stays(counter: Counter) -> None:
    (counter.folder / "apart").mkdir()
    kept = Presence(counter.folder / "apart")
    number = (counter.outbox.outbox.boot, 1)
    kept.note([BADGE, "ab" * 16], "door", stamp(), inside=True, number=number)
    kept.note([OTHER], "door", stamp(NOON + 1000, 1000), inside=True)
    assert kept.count(stamp(NOON + STAY_MS)) == 2, "a badge with two pseudonyms is one person"
    assert kept.count(stamp(NOON + STAY_MS + 1)) == 1
    kept.note([OTHER], "door", stamp(NOON + 2000, 2000), inside=False)
    assert kept.count(stamp(NOON + 3000)) == 1
    kept.note(["ab" * 16], "door", stamp(NOON + 4000, 4000), inside=False, number=(number[0], 2))
    assert kept.count(stamp(NOON + 5000)) == 0, "and leaves with either"
    kept.close()
