"""The contract as an AsyncAPI 3.0 document, made from the topics and the models.

``scripts/generate-asyncapi`` writes it to ``docs/asyncapi.json``; nothing at run time needs this module.
"""

import ast
import inspect
import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from hubwell_wire import messages as wire
from hubwell_wire.topics import ID_PATTERN, ROOT, Channel
from hubwell_wire.units import QUANTITIES, UNITS

CONTRACT_VERSION: Final = "1.0.0"
"""The first number is the `v` of the messages; the second counts additions that old programs may ignore."""

_BOOT: Final = UUID("0192f0c1-2a30-4b1c-8d7e-5f60718293a4")
_QOS: Final = 1

Json = dict[str, Any]

_ABOUT: Final = """\
What devices and the Hubwell server say to each other over MQTT (3.1.1 or 5), as JSON in UTF-8.

**Point of view.** This document is the server's: it *receives* what devices publish on `up/telemetry`,
`up/event`, `status` and `meta`, and *sends* on `down/ack`. A device does the reverse. It publishes only
below its own device level, subscribes only to its own `down/#`, and never sets the retain flag on `up/`.

**Nothing is lost.** Every message on `up/` carries `boot` and `seq`. A device keeps each one until a receipt
on `down/ack` covers its number; the broker's PUBACK is not enough. Messages without a receipt are sent again,
and a second copy changes nothing. The server answers each batch, and each `status` with state `online`, with
a receipt.

**Strict and tolerant.** Types are taken strictly: no text becomes a number, times carry a zone, numbers are
finite, no key stands twice in one object. **Unknown fields are ignored**, at every level: later versions 1.x
add optional fields only, so that an old server understands a newer device and the reverse. What cannot be
understood is kept as rejected with a reason; where `boot` and `seq` can be read, the device is told in
`rejected` of a receipt.

**Time.** RFC 3339 with a zone. A message whose `clock` is `unsynced` is set aside on the server: a time of a
clock that was never set is not guessed.

**Size.** A payload has at most 262144 bytes, a message at most 1000 readings.
"""


class _Schemas(GenerateJsonSchema):
    """Schemas without the titles that pydantic makes of field names: they say nothing new."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        return False


def _envelope(seq: int, second: int) -> Json:
    stamp = datetime(2026, 11, 22, 21, 4, second, 123000, tzinfo=UTC)
    id_ = UUID(int=0x0192F0C12A307B1C8D7E000000000000 + seq)
    return {
        "v": 1,
        "id": id_,
        "boot": _BOOT,
        "seq": seq,
        "ts": stamp,
        "clock": "synced",
        "mono_ms": 81234 + seq,
    }


def examples() -> dict[str, list[tuple[str, wire.WireModel]]]:
    """Return examples by message, each with one line of what it shows."""
    stamp = datetime(2026, 11, 22, 21, 4, 5, tzinfo=UTC)
    climate = wire.Telemetry(
        **_envelope(4711, 5),
        r=(
            wire.Reading(s="scd41/co2", v=812.0, u="ppm"),
            wire.Reading(s="bme280/temp", v=23.4, u="Cel", t=-1500),
            wire.Reading(s="bme280/rh", v=99.9, u="%RH", q="suspect"),
        ),
    )
    tap = wire.TapData(reader="desk", badge="6f1c9a0b54e27d38c1f0a2b394857601", epoch=3)
    numbered = wire.GapData(cause="outbox-full", count=200, first=4000, last=4199)
    uncounted = wire.GapData(cause="disk-full", count=12)
    silent = wire.FaultData(part="scd41", state="silent", detail="no answer on the bus for 60 s")
    sensors = (
        wire.SensorMeta(s="scd41/co2", u="ppm", every_s=10.0),
        wire.SensorMeta(s="pir/motion", u="/"),
    )
    online = wire.Status(v=1, state="online", boot=_BOOT, ts=stamp, last_seq=4711, pending=3, clock="synced")
    refused = (wire.Refusal(seq=4709, reason="r.0.v: Input should be a valid number (got '812')"),)
    return {
        "Telemetry": [("Three readings, one of them earlier and one doubtful", climate)],
        "Tap": [("A badge at a desk", wire.Tap(**_envelope(4712, 6), type="tap", data=tap))],
        "Gap": [
            ("Numbered messages were dropped", wire.Gap(**_envelope(4713, 7), type="gap", data=numbered)),
            (
                "Messages were dropped before they had numbers",
                wire.Gap(**_envelope(4714, 8), type="gap", data=uncounted),
            ),
        ],
        "Fault": [("A sensor is silent", wire.Fault(**_envelope(4715, 9), type="fault", data=silent))],
        "Status": [("Connected", online), ("Last will", wire.Status(v=1, state="offline"))],
        "Meta": [
            ("Two sensors", wire.Meta(v=1, name="Laboratory", software="hubwell-edge 0.1.0", sensors=sensors))
        ],
        "Receipt": [
            ("Everything so far", wire.Receipt(v=1, boot=_BOOT, upto=4711)),
            (
                "A hole at 4701, and one message refused",
                wire.Receipt(v=1, boot=_BOOT, upto=4700, ranges=((4702, 4711),), rejected=refused),
            ),
        ],
    }


_CHANNELS: Final[dict[Channel, tuple[str, tuple[str, ...], str]]] = {
    Channel.TELEMETRY: ("Readings", ("Telemetry",), "What the sensors measured, many readings a message."),
    Channel.EVENT: ("Events", ("Tap", "Gap", "Fault"), "What happened: badge taps, declared gaps, faults."),
    Channel.STATUS: (
        "Status",
        ("Status",),
        "Whether the device is there. Retained; its last will is the same with state `offline`.",
    ),
    Channel.META: ("Description", ("Meta",), "What the device is and which series it sends. Retained."),
    Channel.ACK: ("Receipts", ("Receipt",), "Which messages are committed and may be deleted on the device."),
    Channel.CMD: ("Commands", (), "Reserved: version 1 sends nothing here. Devices may subscribe."),
    Channel.CONFIG: ("Configuration", (), "Reserved: version 1 sends nothing here. Devices may subscribe."),
}

_DEVICE_DOES: Final = {
    Channel.TELEMETRY: "A device publishes it with QoS 1, not retained, and again until a receipt covers it.",
    Channel.EVENT: "A device publishes it with QoS 1, not retained, and again until a receipt covers it.",
    Channel.STATUS: "A device publishes `online` with QoS 1, retained, whenever it has connected, and leaves "
    "`offline` as its last will.",
    Channel.META: "A device publishes it with QoS 1, retained, whenever it has connected.",
    Channel.ACK: "A device subscribes to it with QoS 1 and deletes what a receipt covers.",
}


def document() -> Json:
    """Return the AsyncAPI document as JSON values."""
    named = examples()
    return {
        "asyncapi": "3.0.0",
        "id": "urn:hubwell:contract:v1",
        "info": {
            "title": "Hubwell device contract",
            "version": CONTRACT_VERSION,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "tags": [{"name": "mqtt"}, {"name": "iot"}],
        },
        "defaultContentType": "application/json",
        "servers": {"hub": _server()},
        "channels": {_key(channel): _channel(channel) for channel in Channel},
        "operations": {_operation_key(channel): _operation(channel) for channel in _DEVICE_DOES},
        "components": {
            "messages": {name: _message(name, shown) for name, shown in named.items()},
            "schemas": schemas(),
            "parameters": {
                "site": _parameter("The hub's site.", "hub"),
                "device": _parameter("The device; also its user name at the broker.", "lab-pi"),
            },
            "securitySchemes": {
                "account": {
                    "type": "userPassword",
                    "description": "One account a device, named like it, with rights on its own topics.",
                }
            },
        },
    }


def to_json() -> str:
    """Return the document as the text of its file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def schemas() -> dict[str, Json]:
    """Return the JSON schema of every message and of their parts, by name."""
    models = [type(shown[0][1]) for shown in examples().values()]
    _, found = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    parts: dict[str, Json] = found["$defs"]
    words = _words_under_fields()
    for name, schema in parts.items():
        schema["additionalProperties"] = True
        for field, inner in schema["properties"].items():
            for model in getattr(wire, name).__mro__:
                if (model.__name__, field) in words:
                    inner["description"] = words[model.__name__, field]
                    break
    parts["Reading"]["properties"]["u"]["x-units"] = dict(UNITS)
    parts["Reading"]["properties"]["s"]["x-unit-of-quantity"] = dict(QUANTITIES)
    return dict(sorted(parts.items()))


def _words_under_fields() -> dict[tuple[str, str], str]:
    """Return the text under each field of the models, by class and field.

    Read from the source here and not by pydantic (`use_attribute_docstrings`): that would take a third
    longer to import the models, on every start of an agent.
    """
    found = {}
    for node in ast.parse(inspect.getsource(wire)).body:
        if isinstance(node, ast.ClassDef):
            for field, below in pairwise(node.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                        value=ast.Constant(value=str(text))
                    ):
                        found[node.name, name] = inspect.cleandoc(text)
    return found


def _key(channel: Channel) -> str:
    return channel.value.rpartition("/")[2]


def _operation_key(channel: Channel) -> str:
    return ("send" if channel is Channel.ACK else "receive") + _key(channel).capitalize()


def _server() -> Json:
    return {
        "host": "{broker}:{port}",
        "protocol": "mqtts",
        "protocolVersion": "3.1.1",
        "description": "The hub's broker, over TLS. Everything here is valid on MQTT 3.1.1 and on 5.",
        "variables": {
            "broker": {"description": "Host name of the broker.", "default": "hub.example"},
            "port": {"description": "TCP port.", "default": "8883"},
        },
        "security": [{"$ref": "#/components/securitySchemes/account"}],
    }


def _channel(channel: Channel) -> Json:
    title, names, about = _CHANNELS[channel]
    return {
        "address": f"{ROOT}/{{site}}/{{device}}/{channel}",
        "title": title,
        "description": about,
        "parameters": {
            "site": {"$ref": "#/components/parameters/site"},
            "device": {"$ref": "#/components/parameters/device"},
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _operation(channel: Channel) -> Json:
    title, names, about = _CHANNELS[channel]
    key = _key(channel)
    retained = channel in {Channel.STATUS, Channel.META}
    return {
        "action": "send" if channel is Channel.ACK else "receive",
        "channel": {"$ref": f"#/channels/{key}"},
        "title": title,
        "summary": about,
        "description": _DEVICE_DOES[channel],
        "bindings": {"mqtt": {"qos": _QOS, "retain": retained, "bindingVersion": "0.2.0"}},
        "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in names],
    }


def _message(name: str, shown: list[tuple[str, wire.WireModel]]) -> Json:
    about = inspect.getdoc(type(shown[0][1])) or ""
    return {
        "name": name,
        "title": name,
        "summary": about.partition("\n")[0],
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "examples": [
            {"name": f"{name}{number}", "summary": summary, "payload": json.loads(message.encode())}
            for number, (summary, message) in enumerate(shown, start=1)
        ],
    }


def _parameter(about: str, example: str) -> Json:
    return {"description": f"{about} Matches `{ID_PATTERN}`.", "examples": [example]}
