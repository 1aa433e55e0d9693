from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hubwell_edge.sim.scenario import DEMO, SERIES, Scenario, load_scenario, readings, sensors
from hubwell_wire.units import unit_problem

SPACE: dict[str, Any] = {
    "id": "den",
    "device": "den-1",
    "name": "Den",
    "kind": "collaboration",
    "zone": "Cellar",
    "capacity": 3,
    "volume_m3": 60,
    "air_changes": [["00:00", 1.0]],
    "window": {"opens_above": 1200, "closes_below": 800, "air_changes": 6},
}
HUB: dict[str, Any] = {
    "title": "Small",
    "site": "small",
    "timezone": "Europe/Rome",
    "latitude": 45.0,
    "longitude": 7.7,
    "spaces": [SPACE],
}


def programme(**changes: Any) -> dict[str, Any]:
    group = {"name": "all", "learners": 2, "places": ["den"], **changes}
    return {"name": "Day", "starts": "09:00", "block_min": 60, "break_min": 10, "groups": [group]}


def test_demo_has_the_three_kinds_of_space_and_one_device_each() -> None:
    demo = load_scenario()
    assert {space.kind for space in demo.spaces} == {"workshop", "collaboration", "relaxation"}
    assert len({space.device for space in demo.spaces}) == len(demo.spaces) >= 8


def test_demo_is_packaged_with_the_contract() -> None:
    assert DEMO.is_file()


def test_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    copy = tmp_path / "hub.toml"
    copy.write_text(DEMO.read_text(encoding="utf-8").replace("seed = 2026", "seed = 5"), encoding="utf-8")
    assert load_scenario(copy).seed == 5


def test_units_fit_the_contract() -> None:
    assert [unit_problem(name, unit) for name, unit in SERIES] == [None] * len(SERIES)
    assert len(sensors(load_scenario())) == len(readings((0.0,) * len(SERIES))) == len(SERIES)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timezone": "Europe/Nowhere"}, "time zone 'Europe/Nowhere' is unknown"),
        ({"spaces": [SPACE, SPACE]}, "space 'den' is listed twice"),
        ({"spaces": [SPACE, {**SPACE, "id": "den-two"}]}, "device 'den-1' is listed twice"),
        ({"spaces": [{**SPACE, "air_changes": [["06:00", 2.0]]}]}, "begin at 00:00"),
        ({"spaces": [{**SPACE, "colour": "red"}]}, "Extra inputs"),
        ({"programmes": [programme(places=["attic"])]}, "'attic', which is not a space"),
        ({"programmes": [programme(learners=4)]}, "has room for 3"),
        ({"people": {"rest": 0.8, "outside": 0.5}}, "together at most 1"),
    ],
)
def test_scenario_that_does_not_fit_says_what_is_wrong(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Scenario.model_validate({**HUB, **changes})


def test_window_that_closes_above_its_opening_is_refused() -> None:
    window = {"opens_above": 800, "closes_below": 900, "air_changes": 6}
    with pytest.raises(ValidationError, match="must close below"):
        Scenario.model_validate({**HUB, "spaces": [{**SPACE, "window": window}]})
