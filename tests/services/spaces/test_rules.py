"""What is entered of a space becomes settings, or every refusal at once, each of its field."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubwell.spaces import rules
from hubwell.spaces.rules import SpaceInput, WhenFull, id_for, read
from hubwell.vocabulary import LANGUAGES, SpaceFeature, SpaceKind
from hubwell_wire.topics import ID_PATTERN

RIGHT = SpaceInput(name="Lab", kind="workshop", capacity="8")


def with_(**changes: object) -> SpaceInput:
    return SpaceInput(**({"name": "Lab", "kind": "workshop", "capacity": "8"} | changes))  # type: ignore[arg-type]


def refusals(entered: SpaceInput) -> dict[str, str]:
    settings, refused = read(entered)
    assert (settings is None) == bool(refused)
    return {error.field: str(error) for error in refused}


def test_text_becomes_settings() -> None:
    settings, refused = read(
        with_(
            name="  Öökull \u0007 2 ",
            zone="north\nwing",
            opens_at="8:05",
            closes_at="01:30:00",
            when_full="REFUSE",
            features=["daylight", "step-free"],
            equipment=" 4 benches;\r\n\nA kiln; 4 benches",
            names={"it": " Laboratorio ", "fi": ""},
        )
    )
    assert refused == []
    assert settings is not None
    assert settings.name == "Öökull 2"
    assert settings.zone == "north wing"
    assert (settings.opens_at, settings.closes_at) == (time(8, 5), time(1, 30))
    assert settings.when_full is WhenFull.REFUSE
    assert settings.features == (SpaceFeature.STEP_FREE, SpaceFeature.DAYLIGHT)
    assert settings.equipment == ("4 benches", "A kiln")
    assert settings.names == {"it": "Laboratorio"}


@pytest.mark.parametrize(
    ("changes", "field", "part"),
    [
        ({"name": " \t"}, "name", "Give the space a name"),
        ({"name": "x" * 101}, "name", "100"),
        ({"kind": "sauna"}, "kind", '"sauna"'),
        ({"capacity": "0"}, "capacity", "cannot be 0"),
        ({"capacity": "-3"}, "capacity", "cannot be -3"),
        ({"capacity": ""}, "capacity", "from 1 to 100000"),
        ({"capacity": "twelve"}, "capacity", '"twelve"'),
        ({"capacity": "100001"}, "capacity", '"100001"'),
        ({"capacity": "1.5"}, "capacity", '"1.5"'),
        ({"capacity": "١٢"}, "capacity", '"١٢"'),
        ({"capacity": "9" * 5000}, "capacity", "…"),
        ({"zone": "z" * 61}, "zone", "60"),
        ({"when_full": "explode"}, "when_full", '"explode"'),
        ({"opens_at": "24:00"}, "opens_at", '"24:00"'),
        ({"closes_at": "half past five"}, "closes_at", '"half past five"'),
        ({"closes_at": "17:30:15"}, "closes_at", '"17:30:15"'),
        ({"opens_at": "08:00", "closes_at": "8:00"}, "opens_at", "08:00"),
        ({"features": ["pool"]}, "features", '"pool"'),
        ({"equipment": "\n".join(map(str, range(31)))}, "equipment", "30"),
        ({"equipment": "x" * 81}, "equipment", "80"),
        ({"names": {"it": "x" * 101}}, "names", "100"),
        ({"names": {"xx": "Lab"}}, "names", '"xx"'),
    ],
)
def test_refusal_names_field_value_and_what_to_do(changes: dict[str, object], field: str, part: str) -> None:
    found = refusals(with_(**changes))
    assert list(found) == [field]
    assert part in found[field]


def test_everything_that_is_wrong_is_refused_at_once() -> None:
    wrong = with_(name="", kind="", capacity="0", opens_at="x", closes_at="y", when_full="z", features=["-"])
    assert list(refusals(wrong)) == [
        *("name", "kind", "capacity", "when_full", "opens_at", "closes_at", "features"),
    ]


@pytest.mark.parametrize("closes_at", ["", "hub", " hub "])
def test_no_closing_time_is_the_hubs(closes_at: str) -> None:
    settings, _ = read(with_(closes_at=closes_at))
    assert settings is not None
    assert settings.closes_at is None


settings_inputs = st.builds(
    SpaceInput,
    name=st.text(min_size=1, max_size=120),
    kind=st.sampled_from([*SpaceKind, "sauna"]),
    capacity=st.one_of(st.integers(-2, 100_002).map(str), st.text(max_size=5)),
    zone=st.text(max_size=70),
    opens_at=st.one_of(st.just(""), st.times().map(lambda moment: f"{moment:%H:%M}")),
    closes_at=st.one_of(st.sampled_from(["", "hub", "25:00"]), st.times().map(lambda m: f"{m:%H:%M}")),
    when_full=st.sampled_from([*WhenFull, "", "?"]),
    personal=st.booleans(),
    features=st.lists(st.sampled_from(SpaceFeature), max_size=4),
    equipment=st.text(max_size=200),
    names=st.dictionaries(st.sampled_from(list(LANGUAGES)), st.text(max_size=20)),
)


@given(settings_inputs)
def test_settings_as_text_are_the_same_settings(entered: SpaceInput) -> None:
    settings, refused = read(entered)
    if settings is not None:
        assert refused == []
        assert read(settings.as_input()) == (settings, [])


@given(st.text(max_size=200), st.sets(st.sampled_from(["space", "space-2", "lab"])))
def test_id_made_from_a_name_is_an_id_and_not_taken(name: str, taken: set[str]) -> None:
    import re  # noqa: PLC0415 (for this one check)

    made = id_for(name, taken)
    assert re.fullmatch(ID_PATTERN, made)
    assert made not in taken


def test_id_is_near_the_name() -> None:
    assert id_for("Öökull 2", {}) == "ookull-2"
    assert id_for("Wood workshop", {"wood-workshop", "wood-workshop-2"}) == "wood-workshop-3"
    assert id_for("工房", {}) == "space"


def test_names_that_people_cannot_tell_apart_are_the_same() -> None:
    assert rules.same_name(" Wood  WORKSHOP") == rules.same_name("wood workshop")
    assert rules.same_name("Straße") == rules.same_name("STRASSE")


@pytest.mark.parametrize(
    ("opens", "closes", "open_at", "closed_at"),
    [
        ("08:00", "17:00", ["08:00", "16:59"], ["07:59", "17:00", "00:00"]),
        ("18:00", "02:00", ["18:00", "23:59", "00:00", "01:59"], ["02:00", "17:59"]),
        (None, "17:00", ["00:00", "16:59"], ["17:00", "23:59"]),
        ("08:00", None, ["08:00", "23:59"], ["00:00", "07:59"]),
        (None, None, ["00:00", "12:00", "23:59"], []),
        ("08:00", "00:00", ["08:00", "23:59"], ["00:00", "07:59"]),
    ],
)
def test_opening_hours(
    opens: str | None, closes: str | None, open_at: list[str], closed_at: list[str]
) -> None:
    def at(text: str | None) -> time | None:
        return None if text is None else time.fromisoformat(text)

    def is_open(moment: str) -> bool:
        return rules.is_open(at(opens), at(closes), time.fromisoformat(moment))

    assert [moment for moment in open_at if not is_open(moment)] == []
    assert [moment for moment in closed_at if is_open(moment)] == []
