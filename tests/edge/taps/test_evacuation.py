"""A reader says that there is an evacuation: with and without a tap, with and without the server."""

from datetime import timedelta

from edge.agent_builders import NOON
from edge.taps.door_device import CARD, NOBODY, DoorDevice
from edge.taps.sample_badges import roster, sealed
from hubwell_edge.clock import to_datetime
from hubwell_wire.commands import RosterEvacuation

SAID = {"en": "Leave the building.", "it": "Esci."}


def evacuation(hours: float = 1.0) -> RosterEvacuation:
    until = to_datetime(NOON) + timedelta(hours=hours)
    return RosterEvacuation.model_validate({"until": until, "texts": SAID})


async def test_every_tap_gets_the_evacuation_in_its_persons_language(device: DoorDevice) -> None:
    await device.list_badges(evacuation=evacuation())
    await device.tap(CARD)
    await device.tap(NOBODY)

    assert [(verdict, text) for verdict, text, _ in device.feedback.shown] == [
        ("in", "Esci."),
        ("unknown", "Leave the building."),
    ]
    assert [tap.data.said for tap in device.taps] == ["in", "unknown"]


async def test_it_is_shown_without_a_tap_and_ends_with_the_next_list(device: DoorDevice) -> None:
    await device.list_badges(evacuation=evacuation())
    assert device.feedback.announced == ["Leave the building."]

    await device.commands.handle(sealed(roster(to_datetime(NOON) + timedelta(seconds=1))))

    assert device.feedback.announced == ["Leave the building.", None]
    await device.tap(CARD)
    assert device.feedback.shown[-1][1] != "Esci."


async def test_device_that_hears_no_more_stops_saying_it(device: DoorDevice) -> None:
    await device.list_badges(evacuation=evacuation(hours=0.001))
    await device.tap(CARD, after_ms=60_000)
    assert device.feedback.shown[-1][1] != "Esci."


async def test_answer_of_the_server_does_not_hide_it(patient_device: DoorDevice) -> None:
    await patient_device.list_badges(evacuation=evacuation())
    await patient_device.tap(CARD, hears=0)
    await patient_device.commands.handle(patient_device.answer("in", text="Benvenuto."))
    await patient_device.tap(NOBODY, hears=1)
    assert ("in", "Esci.", False) in patient_device.feedback.shown
