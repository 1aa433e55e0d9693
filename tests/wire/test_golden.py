import json

import pytest

from hubwell_wire.commands import Answer, Forget, Muster, MusterSnapshot, SealedRoster
from hubwell_wire.messages import Fault, Gap, Meta, Receipt, Status, Tap, Telemetry
from wire.golden_messages import FUTURE, GOLDEN, MESSAGES, parsed, payload
from wire.schema_rules import bare, breaks

KINDS = {Telemetry, Tap, Gap, Fault, Status, Meta, Receipt, Answer, Forget, Muster, SealedRoster}
RELEASES = sorted(GOLDEN.glob("schemas-*.json"))


def test_every_kind_of_message_has_golden_files() -> None:
    assert {type(parsed(name)) for name in MESSAGES} == KINDS
    assert {type(parsed(name, payload(f"future/{name}"))) for name in FUTURE} == KINDS


@pytest.mark.parametrize("name", MESSAGES)
def test_golden_message_parses_and_is_written_with_the_same_meaning(name: str) -> None:
    message = parsed(name)
    written = message.encode()
    assert json.loads(written) == json.loads(payload(name))
    assert parsed(name, written) == message


@pytest.mark.parametrize("name", FUTURE)
def test_added_optional_fields_change_nothing(name: str) -> None:
    assert parsed(name, payload(f"future/{name}")) == parsed(name)


@pytest.mark.parametrize("name", ["muster", "muster-0.1"])
def test_content_of_a_sealed_muster_is_read_and_written_with_the_same_meaning(name: str) -> None:
    golden = payload(f"inside/{name}")
    snapshot = MusterSnapshot.model_validate_json(golden)
    assert json.loads(snapshot.encode()) == json.loads(golden)


def test_language_that_a_device_does_not_know_leaves_the_list_readable() -> None:
    golden = json.loads(payload("inside/muster")) | {"lang": "sv", "later_field": 1}
    snapshot = MusterSnapshot.model_validate_json(json.dumps(golden))
    assert (snapshot.lang, snapshot.inside[0].name) == (None, "Ada Made-Up")


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.stem)
def test_models_only_gained_optional_fields_since(release: str) -> None:
    # When this fails: see golden/README.md. The files stay as they are.
    old = json.loads((GOLDEN / release).read_text(encoding="utf-8"))
    assert breaks(old, bare()) == []


def test_first_release_is_guarded() -> None:
    assert GOLDEN / "schemas-0.1.json" in RELEASES


OLD = {
    "Thing": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "u": {"enum": ["ppm"]}},
        "required": ["a"],
    }
}


def changed(required: list[str], **properties: object) -> dict[str, object]:
    return {"Thing": {"type": "object", "properties": properties, "required": required}}


A, B, U, W = {"type": "integer"}, {"type": "string"}, {"enum": ["ppm"]}, {"enum": ["ppb"]}


def test_badge_of_a_tap_may_be_left_out_and_nothing_else() -> None:
    text = {"type": "string"}
    left_out = {"anyOf": [text, {"type": "null"}], "default": None}
    old = {"TapData": {"properties": {"badge": text, "epoch": A}, "required": ["badge", "epoch"]}}
    new = {"TapData": {"properties": {"badge": left_out, "epoch": A}, "required": ["epoch"]}}
    worse = {"TapData": {"properties": {"badge": {**left_out, "default": ""}, "epoch": A}, "required": []}}
    assert breaks(old, new) == []
    assert [told.split()[0] for told in breaks(old, worse)] == ["TapData.epoch", "TapData.badge"]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (OLD, []),
        (changed(["a"], a=A, b=B, u=U, c={"type": "number"}), []),
        (changed(["a"], a=A, b=B, u={"enum": ["ppm", "ppb"]}), []),
        (changed(["a", "c"], a=A, b=B, u=U, c=A), ["Thing.c is required now"]),
        (changed(["a", "b"], a=A, b=B, u=U), ["Thing.b is required now"]),
        (changed([], a=A, b=B, u=U), ["Thing.a is not required now"]),
        (changed(["a"], a=A, u=U), ["Thing.b is gone"]),
        (changed(["a"], a=B, b=B, u=U), ["Thing.a was {'type': 'integer'} and is {'type': 'string'}"]),
        (changed(["a"], a=A, b=B, u=W), ["Thing.u was {'enum': ['ppm']} and is {'enum': ['ppb']}"]),
        ({}, ["Thing is gone"]),
    ],
)  # fmt: skip
def test_rule_tells_what_breaks_older_programs(new: dict[str, object], told: list[str]) -> None:
    assert breaks(OLD, new) == told
