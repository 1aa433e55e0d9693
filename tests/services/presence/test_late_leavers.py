"""People who leave after closing: their tap at the door is the end of the visit that the clock had ended."""

import itertools
from datetime import UTC, datetime, time, timedelta

import pytest

from feed.enrolled_people import enrol, verdicts, visits_of
from feed.ingest_setup import device_in, one
from feed.simulated_device import Device
from hubwell.presence.rules import Visit

ANNA = bytes([1]) * 16
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
CLOSING = {"closing_time": time(17, 30)}


def at(text: str) -> datetime:
    return DAY + timedelta(hours=int(text[:2]), minutes=int(text[3:]))


def inside_at(url: str, text: str) -> int:
    return int(one(url, "SELECT count(*) FROM visit WHERE during @> %s::timestamptz", at(text)))


@pytest.mark.parametrize("order", ["together", "late"])
def test_leaver_after_closing_is_out(url: str, lab: Device, order: str) -> None:
    person = enrol(url, ANNA)
    came, left = lab.tap(at("13:00"), ANNA), lab.tap(at("18:05"), ANNA)
    for batch in [[came, left]] if order == "together" else [[left], [came]]:
        verdicts(url, *batch, **CLOSING)
    assert visits_of(url, person) == [Visit("lab", at("13:00"), at("18:05"), "tap")]
    assert inside_at(url, "18:00") == 1
    assert inside_at(url, "19:00") == 0


def test_answer_to_a_late_leaver_is_goodbye(url: str, lab: Device, now: datetime) -> None:
    """Closing was four hours ago, the tap comes now: the person hears that they are out."""
    enrol(url, ANNA)
    one(
        url,
        "UPDATE space SET closes_at = %s WHERE id = 'lab' RETURNING id",
        (now - timedelta(hours=4)).time(),
    )
    assert verdicts(url, lab.tap(now - timedelta(hours=7), ANNA)) == []
    assert visits_of(url, one(url, "SELECT person_id FROM visit"))[0].ended_by == "inferred"
    assert verdicts(url, lab.tap(now, ANNA)) == ["out"]


def test_longest_stay_bounds_a_late_leaver(url: str, lab: Device) -> None:
    """Twelve hours after coming the tap still ends the visit, a minute later it begins another one."""
    for last, expected in (
        ("01:30", [("13:30", "01:30", "tap")]),
        ("01:31", [("13:30", "17:30", "inferred"), ("01:31", "13:31", "inferred")]),
    ):
        badge = bytes([9, int(last[3:])]) * 8
        person = enrol(url, badge)
        verdicts(url, lab.tap(at("13:30"), badge), lab.tap(at(last) + timedelta(days=1), badge), **CLOSING)
        found = [(f"{v.start:%H:%M}", f"{v.end:%H:%M}", v.ended_by) for v in visits_of(url, person)]
        assert found == expected


def test_tap_at_another_door_after_closing_is_no_leaving(url: str, lab: Device, den: Device) -> None:
    """Only the door of the visit ends it: elsewhere the person is in, and the clock's end stays."""
    for order in itertools.permutations(range(3)):
        badge = bytes([7, *order]) * 4
        person = enrol(url, badge)
        packets = [lab.tap(at("13:00"), badge), den.tap(at("17:40"), badge), den.tap(at("19:00"), badge)]
        for n in order:
            verdicts(url, packets[n], **CLOSING)
        assert visits_of(url, person) == [
            Visit("lab", at("13:00"), at("17:30"), "inferred"),
            Visit("den", at("17:40"), at("19:00"), "tap"),
        ], order


def test_second_door_of_the_space_ends_it_too(url: str, lab: Device) -> None:
    back = device_in(url, "lab", "lab-back")
    person = enrol(url, ANNA)
    verdicts(url, lab.tap(at("13:00"), ANNA), back.tap(at("22:00"), ANNA), **CLOSING)
    assert visits_of(url, person) == [Visit("lab", at("13:00"), at("22:00"), "tap")]
