"""The contract as an AsyncAPI 3.0 document, made from the topics and the models.

``scripts/generate-asyncapi`` writes it to ``docs/asyncapi.json``; nothing at run time needs this module.
"""

import ast
import inspect
import json
from itertools import pairwise
from typing import Any, Final

from pydantic.dataclasses import is_pydantic_dataclass
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from hubwell_wire import commands, fields, messages
from hubwell_wire.commands import MusterSnapshot, Roster
from hubwell_wire.examples import Examples, examples
from hubwell_wire.fields import WireModel
from hubwell_wire.topics import ID_PATTERN, ROOT, Channel
from hubwell_wire.units import QUANTITIES, UNITS

CONTRACT_VERSION: Final = "1.3.0"
"""The first number is the `v` of the messages; the second counts additions that old programs may ignore."""

_QOS: Final = 1
_MODULES: Final = (fields, messages, commands)

Json = dict[str, Any]

_ABOUT: Final = """\
What devices and the Hubwell server say to each other over MQTT (3.1.1 or 5), as JSON in UTF-8.

**Point of view.** This document is the server's: it *receives* what devices publish on `up/telemetry`,
`up/event`, `status` and `meta`, and *sends* on `down/ack`, `down/cmd` and `down/config`. A device does the
reverse. It publishes only below its own device level, subscribes only to its own `down/#`, and never sets the
retain flag on `up/`.

**Nothing is lost.** Every message on `up/` carries `boot` and `seq`. A device keeps each one until a receipt
on `down/ack` covers its number; the broker's PUBACK is not enough. Messages without a receipt are sent again,
and a second copy changes nothing. The server answers each batch, and each `status` with state `online`, with
a receipt.

**Strict and tolerant.** Types are taken strictly: no text becomes a number, times carry a zone, numbers are
finite, no key stands twice in one object, and objects and lists are nested at most 200 deep.
**Unknown fields are ignored**, at every level: later versions 1.x add optional fields only, so that an old
server understands a newer device and the reverse. What cannot be understood is kept as rejected with a
reason; where `boot` and `seq` can be read, the device is told in `rejected` of a receipt. Single readings
that cannot be stored (an impossible value, another value for an instant that has one) are named in
`unstored`; the rest of their message is stored. A device that is not registered gets a `notice` and keeps
its messages.

**Taps.** A badge's own number never leaves its reader: a tap names a pseudonym, keyed for one epoch. The
reader is answered on `down/cmd` after the commit; while no answer comes it speaks for itself by the list of
badges on `down/config`, and an answer that comes later corrects it.

**Signed orders.** The last field of a message on `down/ack` and `down/cmd` is `sig`, where the hub has a
key: an Ed25519 signature of the topic, a line feed, and the payload's exact bytes before `,"sig"`. `at` is
when it was sent. A device that has the hub's public key carries out signed messages only, at most 5 minutes
ahead of its clock, and of erasures only those newer than the newest one carried out; others ignore both
fields. Servers are updated before their devices.

**Time.** RFC 3339 with a zone. A message whose `clock` is `unsynced` is set aside on the server: a time of a
clock that was never set is not guessed.

**Size.** A payload has at most 262144 bytes, on `down/cmd` and `down/config` at most 4194304, a message at
most 1000 readings.
"""


class _Schemas(GenerateJsonSchema):
    """Schemas without the titles that pydantic derives from field names, because they add nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's signature
        return False


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
    Channel.CMD: (
        "Commands",
        ("Answer", "Forget", "Muster"),
        "Answers to taps, erasures, and sealed musters. Devices ignore a `type` that they do not know.",
    ),
    Channel.CONFIG: (
        "List of badges",
        ("SealedRoster",),
        "What a reader needs to answer taps with the network gone, signed. Retained.",
    ),
}

_DEVICE_DOES: Final = {
    Channel.TELEMETRY: "A device publishes it with QoS 1, not retained, and again until a receipt covers it.",
    Channel.EVENT: "A device publishes it with QoS 1, not retained, and again until a receipt covers it.",
    Channel.STATUS: "A device publishes `online` with QoS 1, retained, whenever it has connected, and leaves "
    "`offline` as its last will.",
    Channel.META: "A device publishes it with QoS 1, retained, whenever it has connected.",
    Channel.ACK: "A device subscribes to it with QoS 1 and deletes what a receipt covers.",
    Channel.CMD: "A device with badge readers subscribes to it with QoS 1.",
    Channel.CONFIG: "A device with badge readers subscribes to it with QoS 1, refuses a list whose signature,"
    " site or device is wrong, and never goes back to an older one.",
}
_SENT: Final = frozenset({Channel.ACK, Channel.CMD, Channel.CONFIG})
_RETAINED: Final = frozenset({Channel.STATUS, Channel.META, Channel.CONFIG})
_INSIDE: Final[tuple[type[WireModel], ...]] = (Roster, MusterSnapshot)
"""Content that messages carry signed or sealed: described like messages, though no topic carries it bare."""


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
    """Return the JSON schemas of all messages and their parts, by name."""
    models: list[type[WireModel]] = [*(type(shown[0][1]) for shown in examples().values()), *_INSIDE]
    _, generated = models_json_schema(
        [(model, "validation") for model in models],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    parts: dict[str, Json] = generated["$defs"]
    descriptions, models_by_name = _field_descriptions(), _models()
    for name, schema in parts.items():
        schema["additionalProperties"] = True
        for field, inner in schema["properties"].items():
            for model in models_by_name[name].__mro__:
                if (model.__name__, field) in descriptions:
                    inner["description"] = descriptions[model.__name__, field]
                    break
    parts["Reading"]["properties"]["u"]["x-units"] = dict(UNITS)
    parts["Reading"]["properties"]["s"]["x-unit-of-quantity"] = dict(QUANTITIES)
    return dict(sorted(parts.items()))


def _models() -> dict[str, type]:
    return {
        name: model
        for module in _MODULES
        for name, model in vars(module).items()
        if inspect.isclass(model) and (issubclass(model, WireModel) or is_pydantic_dataclass(model))
    }


def _field_descriptions() -> dict[tuple[str, str], str]:
    """Return the text under each field of the models, by class and field.

    Read from the source here and not by pydantic (`use_attribute_docstrings`), which would make importing the
    models a third slower on every start of an agent.
    """
    descriptions = {}
    for node in (node for module in _MODULES for node in ast.parse(inspect.getsource(module)).body):
        if isinstance(node, ast.ClassDef):
            for field, below in pairwise(node.body):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(
                        value=ast.Constant(value=str(text))
                    ):
                        descriptions[node.name, name] = inspect.cleandoc(text)
    return descriptions


def _key(channel: Channel) -> str:
    return channel.value.rpartition("/")[2]


def _operation_key(channel: Channel) -> str:
    return ("send" if channel in _SENT else "receive") + _key(channel).capitalize()


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
    return {
        "action": "send" if channel in _SENT else "receive",
        "channel": {"$ref": f"#/channels/{key}"},
        "title": title,
        "summary": about,
        "description": _DEVICE_DOES[channel],
        "bindings": {
            "mqtt": {"qos": _QOS, "retain": channel in _RETAINED, "bindingVersion": "0.2.0"},
        },
        "messages": [{"$ref": f"#/channels/{key}/messages/{name}"} for name in names],
    }


def _message(name: str, shown: Examples) -> Json:
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
