import json
import subprocess
import sys
from typing import Any

import pytest

from hubwell_wire import messages
from hubwell_wire.asyncapi import document, to_json
from hubwell_wire.examples import examples
from hubwell_wire.parse import MAX_PAYLOAD, MAX_ROSTER, parse
from hubwell_wire.topics import Channel
from lanes.missing_part import missing
from lanes.paths import NODE_PACKAGES, PROJECT, node_program
from wire.golden_messages import FUTURE, MESSAGES, parsed, payload

ERROR = 0
CHECK = PROJECT / "tests" / "wire" / "asyncapi_check.mjs"
WRITTEN = PROJECT / "docs" / "asyncapi.json"


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(WRITTEN.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the reference parser and a schema validator say, in Node, of our document and a spoilt one."""
    node = node_program()
    if node is None:
        missing("Node", "scripts/prepare dev brings it")
    if not (NODE_PACKAGES / "node_modules" / "@asyncapi" / "parser").is_dir():
        missing("the Node package @asyncapi/parser")
    spoilt = document()
    del spoilt["operations"]["sendAck"]["action"]
    spoilt["components"]["messages"]["Telemetry"]["examples"][0]["payload"]["seq"] = "4711"
    file = tmp_path_factory.mktemp("asyncapi") / "spoilt.json"
    file.write_text(json.dumps(spoilt), encoding="utf-8")
    done = subprocess.run(
        [str(node), str(CHECK), str(NODE_PACKAGES), str(WRITTEN), str(file)],
        input=json.dumps(golden()), check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def golden() -> dict[str, list[Any]]:
    """Give the golden messages, of this release and of the future, by the name of their schema."""
    named: dict[str, list[Any]] = {}
    for name in MESSAGES:
        kept = named.setdefault(type(parsed(name)).__name__, [])
        kept.append(json.loads(payload(name)))
        if name in FUTURE:
            kept.append(json.loads(payload(f"future/{name}")))
    return named


def test_published_document_is_what_the_models_say() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == to_json(), "run scripts/generate-asyncapi"


def test_program_tells_when_the_document_is_up_to_date() -> None:
    subprocess.run([sys.executable, str(PROJECT / "scripts" / "generate-asyncapi"), "--check"], check=True)


def test_reference_parser_finds_no_error(looked: list[dict[str, Any]]) -> None:
    assert [found for found in looked[0]["said"] if found["severity"] == ERROR] == []


def test_examples_and_golden_messages_fit_the_schemas(looked: list[dict[str, Any]]) -> None:
    assert looked[0]["unfit"] == []


def test_spoilt_document_is_found_out(looked: list[dict[str, Any]]) -> None:
    errors = [found for found in looked[1]["said"] if found["severity"] == ERROR]
    assert [found["path"] for found in errors] == [["operations", "sendAck"]]
    assert [found["name"] for found in looked[1]["unfit"]] == ["Telemetry"]


def test_every_channel_is_described_with_its_address(written: dict[str, Any]) -> None:
    addresses = {channel["address"] for channel in written["channels"].values()}
    assert addresses == {f"hub/v1/{{site}}/{{device}}/{channel.value}" for channel in Channel}
    for channel in written["channels"].values():
        assert channel["parameters"].keys() == {"site", "device"}


def test_operations_are_the_server_s_with_qos_and_retain(written: dict[str, Any]) -> None:
    told = {}
    for operation in written["operations"].values():
        binding = operation["bindings"]["mqtt"]
        assert (binding["qos"], binding["bindingVersion"]) == (1, "0.2.0")
        address = written["channels"][operation["channel"]["$ref"].rpartition("/")[2]]["address"]
        told[address.removeprefix("hub/v1/{site}/{device}/")] = (operation["action"], binding["retain"])
    assert told == {
        "up/telemetry": ("receive", False),
        "up/event": ("receive", False),
        "status": ("receive", True),
        "meta": ("receive", True),
        "down/ack": ("send", False),
        "down/cmd": ("send", False),
        "down/config": ("send", True),
    }
    assert set(told) == set(messages.MESSAGES)


def test_examples_are_messages_that_hubwell_understands(written: dict[str, Any]) -> None:
    seen = set()
    for channel in written["channels"].values():
        topic = channel["address"].format(site="hub", device="lab-pi")
        for name in channel["messages"]:
            for example in written["components"]["messages"][name]["examples"]:
                message = parse(topic, json.dumps(example["payload"]).encode()).message
                assert type(message).__name__ == name
                seen.add(name)
    assert seen == set(written["components"]["messages"]) == set(examples())


def test_every_field_is_described(written: dict[str, Any]) -> None:
    for name, schema in written["components"]["schemas"].items():
        assert schema["description"], name
        for field, inner in schema["properties"].items():
            assert "$ref" in inner or inner["description"], f"{name}.{field}"


def test_what_is_signed_or_sealed_is_described_too(written: dict[str, Any]) -> None:
    schemas = written["components"]["schemas"]
    assert {"Roster", "RosterBadge", "MusterSnapshot", "MusterEntry"} <= set(schemas)
    assert not {"Roster", "MusterSnapshot"} & set(written["components"]["messages"])


def test_units_are_explained_and_added_fields_are_tolerated_in_words(written: dict[str, Any]) -> None:
    reading = written["components"]["schemas"]["Reading"]["properties"]
    assert set(reading["u"]["enum"]) == set(reading["u"]["x-units"])
    assert set(reading["s"]["x-unit-of-quantity"].values()) <= set(reading["u"]["enum"])
    assert "Unknown fields are ignored" in written["info"]["description"]
    assert written["info"]["license"]["name"] == "Apache-2.0"


def test_document_names_the_limits_of_the_code(written: dict[str, Any]) -> None:
    told = " ".join(written["info"]["description"].split())
    assert f"{MAX_PAYLOAD} bytes, on `down/cmd` and `down/config` at most {MAX_ROSTER}" in told
    assert f"{messages.MAX_READINGS} readings" in told
    assert (
        written["components"]["schemas"]["Telemetry"]["properties"]["r"]["maxItems"] == messages.MAX_READINGS
    )
