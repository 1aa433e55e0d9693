"""Parses one MQTT message into a typed model, or into an error with a reason that a person can act on.

Payloads come from the broker; the result is a frozen model, so no further module parses again.
"""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from hubwell_wire.commands import Answer, Forget, Muster, SealedRoster
from hubwell_wire.fields import EXAMPLE_TIME, MAX_NUMBER, WireModel
from hubwell_wire.messages import (
    MESSAGES,
    Envelope,
    Fault,
    Gap,
    Meta,
    Reading,
    Receipt,
    Status,
    Tap,
    Telemetry,
    UpMessage,
)
from hubwell_wire.topics import BadTopicError, Channel, Topic, parse_topic
from hubwell_wire.units import UnitError

MAX_PAYLOAD: Final = 256 * 1024
"""Bytes. A thousand readings take about 60 kB; a larger payload is a mistake or an attack."""

MAX_DEPTH: Final = 200
"""Objects and lists inside one another, the message itself included, also in a field that nobody reads.

The parser's own limit, the same for every Python; a test holds the two together. Version 1 needs three.
"""

MAX_ROSTER: Final = 4 * 1024 * 1024
"""Bytes of a list of badges or of a muster: about 60 per badge, so enough for 50,000 of them."""

Message = UpMessage | Status | Meta | Receipt | Answer | Forget | Muster | SealedRoster

_ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {channel: TypeAdapter(t) for channel, t in MESSAGES.items()}
_FROM_SERVER: Final = (Answer, Forget, Muster, SealedRoster)
"""Rare messages, whose keys are always checked for duplicates."""
_LARGE: Final = (Channel.CMD, Channel.CONFIG)
_TOO_DEEP: Final = "recursion limit exceeded"
"""The parser's words for what is nested deeper than MAX_DEPTH."""
_MAX_PROBLEMS_SHOWN: Final = 3
_MAX_VALUE_SHOWN: Final = 80
_EVENT_TYPES: Final = ("tap", "gap", "fault")
_COMMAND_TYPES: Final = ("answer", "forget", "muster")
_TYPES: Final = {Channel.EVENT: (_EVENT_TYPES, "event"), Channel.CMD: (_COMMAND_TYPES, "command")}
_TAGS: Final = frozenset((*_EVENT_TYPES, *_COMMAND_TYPES))
_NEVER_REPEATED: Final = frozenset({"badge", "was", "sun", "badges", "sealed", "body", "text"})
"""Fields whose values are never repeated: they may contain a card's number or a one-time code."""

_WHAT_TO_DO: Final = {
    "missing": "add it",
    "finite_number": "leave a reading without a value out",
    "timezone_aware": f"write it in UTC, as {EXAMPLE_TIME}",
    "uuid_parsing": "write it as 0192f0c1-2a30-7b1c-8d7e-0123456789ab",
    "too_long": "send more messages instead",
}
"""Advice by pydantic's type of error, where pydantic's own message contains none."""


class BadMessageError(ValueError):
    """A message that cannot be understood.

    `code` is a short stable word for counting; the text names field, value and remedy. `device`, `boot` and
    `seq` are set where they could be read from the message, so that the device can be notified.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.device: str | None = None
        self.boot: UUID | None = None
        self.seq: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message with its topic."""

    topic: Topic
    message: Message


def parse(topic_text: str, payload: bytes) -> Parsed:
    """Parse topic and payload. Raises BadMessageError, and no other exception."""
    try:
        topic = parse_topic(topic_text)
    except BadTopicError as error:
        raise BadMessageError("topic", str(error)) from error
    try:
        return Parsed(topic, _parse_payload(topic, payload))
    except BadMessageError as error:
        error.device = topic.device
        error.boot, error.seq = _identity(payload)
        raise


def _parse_payload(topic: Topic, payload: bytes) -> Message:
    limit = MAX_ROSTER if topic.channel in _LARGE else MAX_PAYLOAD
    if len(payload) > limit:
        raise BadMessageError(
            "too-large",
            f"payload has {len(payload)} bytes; the limit is {limit}: send fewer readings a message",
        )
    try:
        message: Message = _ADAPTERS[topic.channel].validate_json(payload)
    except ValidationError as error:
        raise _explain(error, topic, payload) from error
    if isinstance(message, Envelope) and message.device not in {None, topic.device}:
        raise BadMessageError(
            "topic-mismatch",
            f"device: the payload has {str(message.device)[:_MAX_VALUE_SHOWN]!r}, its topic has "
            f"{topic.device!r}: correct one",
        )
    if isinstance(message, _FROM_SERVER) or _may_repeat_a_key(message, payload):
        _refuse_duplicate_keys(payload)
    return message


def _may_repeat_a_key(message: Message, payload: bytes) -> bool:
    """Return whether the payload may contain more keys than the message needs.

    Counting colons costs far less than a second parser with a hook on each object. Every key has one, and a
    time has at least two; so if there are no more than that, no key occurs twice. Other payloads are checked
    more closely: those with a zone or text with a colon, an added field, blanks, or a real duplicate.
    """
    keys = _keys_of(message)
    if payload.count(b":") == keys + 2 * _times_of(message) and b"\\" not in payload:
        return False
    # Text that looks like a key only adds to this count, so a duplicate cannot hide behind it.
    return payload.count(b'":') != keys or any(colon in payload for colon in (b" :", b"\n:", b"\t:", b"\r:"))


def _times_of(message: Message) -> int:
    if isinstance(message, Envelope):
        return 1
    if isinstance(message, Receipt):
        return message.at is not None
    return (message.ts is not None) + (message.roster_at is not None) if isinstance(message, Status) else 0


def _keys_of(message: Message) -> int:
    """Return how many JSON keys this message needs, which is never more than its payload has."""
    keys = len(message.model_fields_set)
    inner: Iterable[WireModel]
    if isinstance(message, Telemetry):
        return keys + _keys_of_readings(message.r)
    if isinstance(message, Meta):
        inner = (*message.sensors, *message.readers)
    elif isinstance(message, Receipt):
        inner = (*message.rejected, *message.unstored)
    elif isinstance(message, Tap):
        inner = (message.data,) if message.data.sun is None else (message.data, message.data.sun)
    elif isinstance(message, Gap | Fault):
        inner = (message.data,)
    else:
        inner = ()
    return keys + sum(len(part.model_fields_set) for part in inner)


def _keys_of_readings(readings: Collection[Reading]) -> int:
    """Return how many keys these readings need: optional ones only where they differ from their default."""
    omitted = [reading.t for reading in readings].count(0) + [reading.q for reading in readings].count("ok")
    return len(readings) * len(fields(Reading)) - omitted


def _refuse_duplicate_keys(payload: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for key, value in pairs:
            if key in fields:
                raise BadMessageError(
                    "duplicate-key", f"the key {key[:60]!r} occurs twice in one object: send it once"
                )
            fields[key] = value
        return fields

    try:
        json.loads(payload, object_pairs_hook=once)
    except BadMessageError:
        raise
    except (RecursionError, ValueError) as error:
        raise BadMessageError("json", f"not readable as JSON: {error}") from error


def _explain(error: ValidationError, topic: Topic, payload: bytes) -> BadMessageError:
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        return BadMessageError("json", _not_json(problems[0]["msg"].removeprefix("Invalid JSON: "), payload))
    kinds = {(problem["type"], problem["loc"]) for problem in problems}
    if topic.channel is Channel.TELEMETRY and ("missing", ("r",)) in kinds and b'"type"' in payload:
        return BadMessageError("topic-mismatch", "this looks like an event; send events on up/event")
    if topic.channel is Channel.EVENT and ("union_tag_not_found", ()) in kinds and b'"r"' in payload:
        return BadMessageError("topic-mismatch", "this looks like telemetry; send readings on up/telemetry")
    # When the first reading of a batch fails, pydantic also reports a batch that is too short: a mere effect.
    problems = [p for p in problems if p["type"] != "too_short" or p["input"] == []] or problems
    sentences = [_sentence(problem, topic.channel) for problem in problems[:_MAX_PROBLEMS_SHOWN]]
    if len(problems) > _MAX_PROBLEMS_SHOWN:
        sentences.append(f"and {len(problems) - _MAX_PROBLEMS_SHOWN} more")
    is_unit = isinstance(problems[0].get("ctx", {}).get("error"), UnitError)
    return BadMessageError("unit" if is_unit else "field", "; ".join(sentences))


def _not_json(what: str, payload: bytes) -> str:
    if payload.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        return f"not JSON: {what}: it begins with a byte-order mark; send UTF-8 without one"
    if _TOO_DEEP in what:
        return f"not JSON: {what}: send objects and lists nested at most {MAX_DEPTH} deep"
    return f"not JSON: {what} (it begins {payload[:20]!r}): send one JSON object in UTF-8"


def _sentence(problem: Any, channel: Channel) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a private-ish TypedDict
    kind, value = problem["type"], problem["input"]
    if kind in {"union_tag_not_found", "union_tag_invalid"}:
        tag = problem["ctx"].get("tag")
        types, kind = _TYPES[channel]
        unknown = f"{str(tag)[:_MAX_VALUE_SHOWN]!r} is not a known {kind} of version 1"
        return f"type: {'Field required' if tag is None else unknown}: use one of {', '.join(types)}"
    where = _where(problem["loc"])
    sentence = f"{where}: {problem['msg'].removeprefix('Value error, ')}"
    if (
        kind != "missing"
        and not isinstance(value, dict | list)
        and _NEVER_REPEATED.isdisjoint(problem["loc"])
    ):
        sentence += f" (got {_shown(value)})"
    advice = _advice(kind, where, value)
    return f"{sentence}: {advice}" if advice else sentence


def _advice(kind: str, where: str, value: object) -> str | None:
    if where == "v" and kind != "missing":
        return "the receiver supports version 1 of the contract"
    if kind in {"int_type", "float_type"} and isinstance(value, str):
        return "write it without quotation marks"
    return _WHAT_TO_DO.get(kind)


def _where(loc: tuple[str | int, ...]) -> str:
    # pydantic puts the type of an event or command before its fields; the payload has no such level.
    parts = loc[1:] if loc and loc[0] in _TAGS else loc
    return ".".join(map(str, parts)) or "message"


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return repr(value[:_MAX_VALUE_SHOWN]) if isinstance(value, str) else str(value)[:_MAX_VALUE_SHOWN]


_HEAD_BYTES: Final = 4096
_OBJECT_BEGINS: Final = re.compile(rb"\s*\{")
_FLAT_FIELD: Final = re.compile(
    rb'\s*"(?P<name>\w{1,20})"\s*:\s*'
    rb'(?:"(?P<text>[^"\\]{0,100})"|(?P<number>[0-9]{1,19})|[\w.+-]{1,30})\s*(?P<next>[,}])'
)


def _identity(payload: bytes) -> tuple[UUID | None, int | None]:
    """Return boot and seq of a message that is otherwise invalid, where they can be read."""
    loose: Any
    try:
        whole = len(payload) <= MAX_PAYLOAD and not _is_too_deep(payload)
        loose = json.loads(payload) if whole else _head_of(payload)
    except (RecursionError, ValueError):
        loose = _head_of(payload)
    try:
        boot, seq = UUID(loose["boot"]), loose["seq"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    return (boot, seq) if type(seq) is int and 1 <= seq <= MAX_NUMBER else (None, None)


def _is_too_deep(payload: bytes) -> bool:
    """Return whether the payload exceeds the parser's depth.

    That of `json` differs between Python versions.
    """
    try:
        from_json(payload)
    except ValueError as error:
        return _TOO_DEEP in str(error)
    return False


def _head_of(payload: bytes) -> dict[str, str | int | None]:
    """Return the fields at the beginning of the payload, up to the first that holds an object or a list.

    Later content is ignored: a number inside an inner object must not be taken for the message's.
    """
    fields: dict[str, str | int | None] = {}
    head = payload[:_HEAD_BYTES]
    match = _OBJECT_BEGINS.match(head)
    while match is not None:
        match = _FLAT_FIELD.match(head, match.end())
        if match is not None:
            text, number = match["text"], match["number"]
            value = text.decode("utf-8", "replace") if text is not None else int(number) if number else None
            fields[match["name"].decode()] = value
            if match["next"] == b"}":
                break
    return fields
