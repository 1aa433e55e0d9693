import math

import pytest

from hubwell_edge.sim import physics

ROOM = {"people": 20, "volume_m3": 180, "air_changes": 2.0, "outdoor": 420, "per_person": 0.020}


def test_co2_steady_state_of_the_reference_room() -> None:
    assert physics.co2_steady(**ROOM) == pytest.approx(1531.1, abs=0.05)


@pytest.mark.parametrize(("minutes", "expected"), [(5, 590.58), (30, 1122.4), (60, 1380.7)])
def test_co2_of_the_reference_room_after_a_while(minutes: int, expected: float) -> None:
    ppm = physics.co2_after(420, hours=minutes / 60, **ROOM)
    assert ppm == pytest.approx(expected, abs=0.05)


def test_co2_step_has_the_reference_coefficients() -> None:
    remaining = physics.co2_after(1420, hours=5 / 60, **{**ROOM, "people": 0}) - 420
    each = physics.co2_after(420, hours=5 / 60, **{**ROOM, "people": 1}) - 420
    assert remaining / 1000 == pytest.approx(0.846482, abs=5e-7)
    assert each == pytest.approx(8.5288, abs=5e-5)


def test_co2_many_small_steps_equal_one_large_step() -> None:
    ppm = 420.0
    for _ in range(360):
        ppm = physics.co2_after(ppm, hours=1 / 360, **ROOM)
    assert ppm == pytest.approx(physics.co2_after(420, hours=1, **ROOM), abs=1e-6)


def test_co2_decay_of_an_empty_room() -> None:
    rate = math.log(1080 / 480) / 0.75
    ppm = physics.co2_after(1500, people=0, volume_m3=180, air_changes=rate, hours=0.75)
    assert rate == pytest.approx(1.081, abs=5e-4)
    assert ppm == pytest.approx(900)


def test_co2_of_a_sealed_room_only_rises() -> None:
    assert physics.co2_after(420, people=9, volume_m3=180, air_changes=0, hours=1) == pytest.approx(1420)


def test_levels_add_as_energy() -> None:
    assert physics.level_sum((2, 85)) == pytest.approx(88.01, abs=0.005)
    assert physics.level_sum((1, 85), (0, 120), (1, 85)) == pytest.approx(88.01, abs=0.005)


def test_saturation_at_twenty_degrees() -> None:
    assert physics.saturation(20) == pytest.approx(17.3, abs=0.1)
    assert physics.relative_humidity(17.28 / 2, 20) == pytest.approx(50, abs=0.3)


def test_room_in_balance_keeps_its_temperature() -> None:
    air = {"volume_m3": 100.0, "air_changes": 1.0, "window_air_changes": 0.0, "hours": 10 / 3600}
    loss = (0.2 + physics.AIR_HEAT * 0.3) * 100 * (20 - 5)
    assert physics.temperature_after(20, outdoor=5, watts=loss, **air) == pytest.approx(20)
    assert physics.temperature_after(20, outdoor=5, watts=0, **air) < 20
    assert physics.temperature_after(20, outdoor=5, watts=loss, **{**air, "window_air_changes": 6}) < 20


@pytest.mark.parametrize(("temperature", "sign"), [(10, 1), (20.5, 0), (23, 0), (30, -1)])
def test_heating_below_and_cooling_well_above_the_set_point(temperature: float, sign: int) -> None:
    watts = physics.heat_demand(temperature, 20.5, 100)
    assert (watts > 0) - (watts < 0) == sign
    assert abs(watts) <= 4000
