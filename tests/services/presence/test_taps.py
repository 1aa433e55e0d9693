"""Taps through ingest: what becomes of them, and what the person at the reader is told."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feed.enrolled_people import enrol, person_of, suspicions, told, verdicts, visits_of
from feed.ingest_setup import commit, device_in, ingest_of, one, rows
from feed.notifications import listen_to
from feed.simulated_device import Device, Packet
from hubwell.events import TapAnswered
from hubwell.presence.reader_messages import texts_for_roster
from hubwell.presence.rules import Visit
from hubwell.storage.connect import connect_sync

ANNA, BEN, CLEO, STRANGER = (bytes([n]) * 16 for n in range(1, 5))


def nothing_stored(url: str) -> bool:
    query = (
        "SELECT (SELECT count(*) FROM tap) + (SELECT count(*) FROM visit) + (SELECT count(*) FROM desk_tap)"
    )
    return bool(one(url, query) == 0)


def execute(url: str, query: Any, *values: Any) -> None:
    with connect_sync(url, name="test") as conn:
        conn.execute(query, values)


def reader(url: str, device: Device, purpose: str) -> None:
    execute(url, "INSERT INTO reader VALUES (%s, 'door', %s)", device.name, purpose)


def test_answer_says_which_tap_and_what_became_of_it(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA)
    tap = lab.tap(now, ANNA)
    (answer,) = told(url, tap)
    assert answer == TapAnswered(
        device_id="lab-pi",
        boot=lab.boot,
        seq=1,
        verdict="in",
        text="Welcome. You are checked in.",
        language="en",
    )
    assert told(url, tap) == [], "a second copy is no second tap"


def test_person_is_answered_in_their_language(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA, language="fi")
    enrol(url, BEN)
    answers = told(url, lab.tap(now, ANNA), lab.tap(now, BEN), lab.tap(now, STRANGER), language="it")
    texts = texts_for_roster()
    assert [(a.language, a.verdict, a.text) for a in answers] == [
        ("fi", "in", texts["fi"]["in"]),
        ("it", "in", texts["it"]["in"]),
        ("it", "unknown", texts["it"]["unknown"]),
    ]


def test_in_out_moved_again(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA)
    den = device_in(url, "den")
    begin = now - timedelta(minutes=8)
    at = [begin + timedelta(minutes=n) for n in range(4)]
    packets = [lab.tap(at[0], ANNA), lab.tap(at[0] + timedelta(seconds=2), ANNA), den.tap(at[1], ANNA)]
    assert verdicts(url, *packets, den.tap(at[2], ANNA)) == ["in", "again", "moved", "out"]


def test_several_badges_are_one_person(url: str, lab: Device, now: datetime) -> None:
    person = enrol(url, ANNA)
    enrol(url, BEN, person=person)
    at = now - timedelta(minutes=5)
    assert verdicts(url, lab.tap(at, ANNA), lab.tap(now, BEN)) == ["in", "out"]
    assert visits_of(url, person) == [Visit("lab", at, now, "tap")]


def test_late_tap_counts_and_nobody_is_told(url: str, lab: Device, now: datetime) -> None:
    person = enrol(url, ANNA)
    at = now - timedelta(minutes=11)
    assert told(url, lab.tap(at, ANNA)) == []
    assert visits_of(url, person) == [Visit("lab", at, None, None)]


def test_unknown_badge_leaves_no_row(url: str, lab: Device, now: datetime) -> None:
    assert verdicts(url, lab.tap(now, STRANGER)) == ["unknown"]
    assert nothing_stored(url)
    assert one(url, "SELECT count(*) FROM person") == 0


def test_unknown_badge_is_counted_where_the_hub_wants_that(url: str, lab: Device, now: datetime) -> None:
    begin = now - timedelta(minutes=9)
    packets = [lab.tap(begin, STRANGER), lab.tap(now, STRANGER), lab.tap(begin, ANNA)]
    assert verdicts(url, *packets[1:], unknown_badges="count") == ["in", "in"]
    assert verdicts(url, packets[0], unknown_badges="count") == ["in"]
    assert visits_of(url, person_of(url, STRANGER)) == [Visit("lab", begin, now, "tap")]
    assert rows(url, "SELECT DISTINCT kind, name FROM person") == [("counted", "")]


def test_revoked_badge_is_refused_and_noted(url: str, lab: Device, now: datetime) -> None:
    lost_at = now - timedelta(minutes=3)
    person = enrol(url, ANNA, until=lost_at)
    assert verdicts(url, lab.tap(now, ANNA)) == ["revoked"]
    assert nothing_stored(url)
    assert suspicions(url) == [("revoked-used", "lab", None)]
    assert verdicts(url, lab.tap(lost_at - timedelta(minutes=2), ANNA)) == ["in"], "it was good then"
    assert len(visits_of(url, person)) == 1


def test_tap_before_the_badge_was_enrolled_is_not_this_persons(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA, since=now - timedelta(minutes=1))
    assert verdicts(url, lab.tap(now - timedelta(minutes=2), ANNA)) == ["unknown"]
    assert nothing_stored(url)
    assert suspicions(url) == []


def test_tap_dated_tomorrow_is_set_aside(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA)
    assert told(url, lab.tap(now + timedelta(days=1), ANNA)) == []
    assert nothing_stored(url)
    assert rows(url, "SELECT code, payload FROM rejected") == [("time-future", b"")]


def test_badge_in_two_places_at_once_is_a_question(url: str, lab: Device, now: datetime) -> None:
    person = enrol(url, ANNA)
    den = device_in(url, "den")
    first, second = told(url, lab.tap(now, ANNA), den.tap(now + timedelta(seconds=4), ANNA))
    assert (first.verdict, second.verdict) == ("in", "refused")
    assert "another reader" in second.text
    assert visits_of(url, person) == [Visit("lab", now, None, None)]
    assert suspicions(url) == [("two-places", "den", "lab")]
    assert rows(url, "SELECT space_id, verdict FROM tap ORDER BY time") == [
        ("lab", "counts"), ("den", "doubtful")
    ]  # fmt: skip


def test_erased_badge_is_dropped_unread(url: str, lab: Device, now: datetime) -> None:
    """Also where unknown badges are counted: nothing of it may come back."""
    tag = hashlib.sha256(b"salt" + ANNA).digest()
    execute(url, "INSERT INTO erased VALUES (%s, %s, %s)", b"salt", tag, now + timedelta(days=1))
    assert verdicts(url, lab.tap(now, ANNA), unknown_badges="count") == ["unknown"]
    assert nothing_stored(url)
    assert one(url, "SELECT count(*) FROM person") == 0


@pytest.fixture
def hall(url: str) -> Device:
    """Give the door of a space for one that turns away whoever comes when it is full."""
    device = device_in(url, "hall", capacity=1)
    execute(url, "UPDATE space SET when_full = 'refuse' WHERE id = 'hall'")
    enrol(url, ANNA)
    assert verdicts(url, device.tap(datetime.now(UTC) - timedelta(minutes=5), ANNA)) == ["in"]
    return device


def test_full_space_turns_away(url: str, hall: Device, lab: Device, now: datetime) -> None:
    ben, cleo = enrol(url, BEN), enrol(url, CLEO)
    assert verdicts(url, lab.tap(now - timedelta(minutes=2), BEN)) == ["in"]
    assert verdicts(url, hall.tap(now, BEN), hall.tap(now, CLEO)) == ["full", "full"]
    assert [visit.space_id for visit in visits_of(url, ben)] == ["lab"], "turned away is not moved"
    assert visits_of(url, cleo) == []
    assert rows(url, "SELECT DISTINCT verdict FROM tap WHERE space_id = 'hall' AND time = %s", now) == [
        ("full",)
    ]
    assert verdicts(url, hall.tap(now, ANNA)) == ["out"]
    assert verdicts(url, hall.tap(now + timedelta(seconds=1), CLEO)) == ["in"]


def test_forgotten_check_outs_turn_nobody_away(url: str, now: datetime) -> None:
    """The sensors have seen no person for a quarter of an hour: the space that one never left is not full."""
    hall = device_in(url, "hall", capacity=1)
    execute(url, "UPDATE space SET when_full = 'refuse' WHERE id = 'hall'")
    enrol(url, ANNA)
    enrol(url, BEN)
    commit(url, [hall.tap(now - timedelta(minutes=40), ANNA)])
    commit(url, [hall.telemetry(now - timedelta(minutes=ago), {"presence": 0.0}) for ago in range(1, 16)])
    assert verdicts(url, hall.tap(now, BEN)) == ["in"]
    assert verdicts(url, hall.tap(now, CLEO)) == ["unknown"]
    enrol(url, CLEO)
    assert verdicts(url, hall.tap(now + timedelta(seconds=9), CLEO)) == ["full"], "Ben has just come"


def test_who_was_let_in_while_the_server_was_away_was_inside(url: str, hall: Device, now: datetime) -> None:
    ben, cleo = enrol(url, BEN), enrol(url, CLEO)
    late = now - timedelta(minutes=2)
    assert verdicts(url, hall.tap(late, BEN)) == ["in"]
    said = {"reader": "door", "badge": CLEO.hex(), "epoch": 1, "said": "in"}
    (answer,) = told(url, hall.event(now, "tap", said))
    assert (answer.verdict, "full" in answer.text) == ("in", True)
    assert visits_of(url, ben) == [Visit("hall", late, None, None)]
    assert visits_of(url, cleo) == [Visit("hall", now, None, None)]


def test_who_was_turned_away_by_the_reader_was_not_inside(url: str, hall: Device, now: datetime) -> None:
    ben = enrol(url, BEN)
    said = {"reader": "door", "badge": BEN.hex(), "epoch": 1, "said": "full"}
    assert verdicts(url, hall.event(now - timedelta(minutes=5), "tap", said)) == ["full"]
    assert visits_of(url, ben) == []


def test_space_that_only_warns(url: str, now: datetime) -> None:
    hall = device_in(url, "hall", capacity=1)
    enrol(url, ANNA)
    person = enrol(url, BEN)
    first, second = told(url, hall.tap(now, ANNA), hall.tap(now, BEN))
    assert [first.verdict, second.verdict] == ["in", "in"]
    assert first.text != second.text
    assert "full" in second.text
    assert len(visits_of(url, person)) == 1


def test_two_processes_let_one_into_the_last_place(url: str, now: datetime) -> None:
    hall = device_in(url, "hall", capacity=1)
    execute(url, "UPDATE space SET when_full = 'refuse' WHERE id = 'hall'")
    people = [bytes([40 + n]) * 16 for n in range(8)]
    for badge in people:
        enrol(url, badge)
    taps = [hall.tap(now, badge) for badge in people]

    async def both() -> list[str]:
        async with ingest_of(url) as one_of_two, ingest_of(url, worker="2") as other:
            done = await asyncio.gather(
                *(w.commit(t) for w, t in ((one_of_two, taps[::2]), (other, taps[1::2])))
            )
        return [answer.verdict for outcomes in done for outcome in outcomes for answer in outcome.answers]

    assert sorted(asyncio.run(both())) == ["full"] * 7 + ["in"]
    assert one(url, "SELECT count(*) FROM visit") == 1


def test_tap_that_the_database_refuses_stands_alone(url: str, lab: Device, now: datetime) -> None:
    """What is sent without waiting for its answer is still taken apart until the cause stands alone."""
    den = device_in(url, "den")
    people = [enrol(url, badge) for badge in (ANNA, BEN, CLEO)]
    execute(url, "ALTER TABLE visit ADD CONSTRAINT visit_never_here CHECK (space_id <> 'den')")
    assert verdicts(url, lab.tap(now, ANNA), den.tap(now, BEN), lab.tap(now, CLEO)) == ["in", "in"]
    assert [len(visits_of(url, person)) for person in people] == [1, 0, 1]
    ((code, reason),) = rows(url, "SELECT code, reason FROM rejected")
    assert (code, "visit_never_here" in reason) == ("database", True)


def test_tap_at_a_desk_waits_for_staff_and_is_no_visit(url: str, lab: Device, now: datetime) -> None:
    reader(url, lab, "desk")
    enrol(url, ANNA)
    with connect_sync(url, name="desk") as desk:
        desk.execute(listen_to("hubwell_desk").encode())
        assert verdicts(url, lab.tap(now, STRANGER), lab.tap(now, ANNA)) == ["desk", "desk"]
        assert len(list(desk.notifies(timeout=5, stop_after=2))) == 2
    assert rows(url, "SELECT device_id, reader, badge, epoch, kind, tapped_at FROM desk_tap ORDER BY id") == [
        ("lab-pi", "door", STRANGER, 1, "badge", now),
        ("lab-pi", "door", ANNA, 1, "badge", now),
    ]
    assert one(url, "SELECT count(*) FROM tap") == 0
    verdicts(url, lab.tap(now - timedelta(minutes=3), BEN))
    assert one(url, "SELECT count(*) FROM desk_tap") == 2, "what is too late for the desk is not kept"


def proven(device: Device, at: datetime, badge: bytes) -> Packet:
    """Return the tap of a card that was there; what it proves is the same for all."""
    data = {"reader": "door", "badge": badge.hex(), "epoch": 1, "proof": "ab" * 16}
    return device.event(at, "tap", data)


def test_kiosk_shows_a_code_to_whom_it_knows(url: str, lab: Device, now: datetime) -> None:
    reader(url, lab, "kiosk")
    person = enrol(url, ANNA)
    execute(url, "UPDATE credential_pseudonym SET proof = sha256(decode(repeat('ab', 16), 'hex'))")
    known, stranger = told(url, proven(lab, now, ANNA), proven(lab, now, STRANGER))
    assert (known.verdict, stranger.verdict) == ("code", "unknown")
    assert known.text.startswith("Your code: ")
    assert rows(url, "SELECT person_id FROM visit_code") == [(person,)]
    code = known.text.removeprefix("Your code: ")
    assert (
        one(url, "SELECT count(*) FROM visit_code WHERE encode(code_hash, 'escape') LIKE %s", f"%{code}%")
        == 0
    )
    assert told(url, proven(lab, now - timedelta(minutes=2), ANNA)) == [], "nobody stands there any more"
    assert nothing_stored(url)


def test_device_that_belongs_to_no_space_says_nothing(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA)
    execute(url, "UPDATE device SET space_id = NULL")
    assert told(url, lab.tap(now, ANNA)) == []
    assert nothing_stored(url)


def relinked(device: Device, at: datetime, badge: bytes, was: bytes) -> Packet:
    data = {"reader": "door", "badge": badge.hex(), "epoch": 2, "was": was.hex()}
    return device.event(at, "tap", data)


def test_new_epoch_links_who_is_enrolled(url: str, lab: Device, now: datetime) -> None:
    person = enrol(url, ANNA)
    begin = now - timedelta(minutes=5)
    with connect_sync(url, name="worker") as worker:
        worker.execute(listen_to("hubwell_roster").encode())
        assert verdicts(url, lab.tap(begin, ANNA), relinked(lab, now, BEN, ANNA)) == ["in", "out"]
        assert len(list(worker.notifies(timeout=5, stop_after=1))) == 1
    found = "SELECT badge, epoch FROM credential_pseudonym ORDER BY epoch"
    assert rows(url, found) == [(ANNA, 1), (BEN, 2)]
    assert visits_of(url, person) == [Visit("lab", begin, now, "tap")]
    assert verdicts(url, relinked(lab, now, CLEO, ANNA)) == ["unknown"], "one badge has one name an epoch"
    assert rows(url, found) == [(ANNA, 1), (BEN, 2)]


def test_new_epoch_never_links_who_is_only_counted(url: str, lab: Device, now: datetime) -> None:
    begin = now - timedelta(minutes=5)
    packets = [lab.tap(begin, ANNA), relinked(lab, now, BEN, ANNA)]
    assert verdicts(url, *packets, unknown_badges="count") == ["in", "in"]
    assert person_of(url, ANNA) != person_of(url, BEN)


def test_new_epoch_does_not_revive_a_lost_badge(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA, until=now - timedelta(days=1))
    assert verdicts(url, relinked(lab, now, BEN, ANNA)) == ["revoked"]
    assert one(url, "SELECT count(*) FROM credential_pseudonym") == 1


def test_reader_says_once_that_an_account_was_linked(url: str, lab: Device, now: datetime) -> None:
    enrol(url, ANNA, language="it")
    execute(url, "UPDATE person SET link_untold = true")
    at = now - timedelta(seconds=30)
    first, second = (told(url, lab.tap(at + timedelta(seconds=n), ANNA))[0].text for n in (0, 20))
    assert first.startswith(texts_for_roster()["it"]["in"])
    assert len(first) > len(texts_for_roster()["it"]["in"]) + 20
    assert second == texts_for_roster()["it"]["out"]
