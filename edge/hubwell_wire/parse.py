"""Turn one MQTT message into a typed one, or into a reason a person can act on.

Bytes come from the broker; what leaves here is a frozen model, so nothing further inside parses again.
"""

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from hubwell_wire.messages import MESSAGES, Envelope, Meta, Receipt, Status, Telemetry, UpMessage
from hubwell_wire.topics import BadTopicError, Channel, Topic, parse_topic

MAX_PAYLOAD: Final = 256 * 1024
"""Bytes. A thousand readings take about 60 kB; more than this is a mistake or an attack."""

Message = UpMessage | Status | Meta | Receipt

_ADAPTERS: Final[dict[str, TypeAdapter[Any]]] = {channel: TypeAdapter(t) for channel, t in MESSAGES.items()}
_MAX_PROBLEMS_TOLD: Final = 3
_FIELDS_SET: Final = attrgetter("__pydantic_fields_set__")  # `model_fields_set` without a call per reading


class BadMessageError(ValueError):
    """A message that cannot be understood.

    `code` is a short stable word for counting, the text names field, value and what to do. `device`,
    `boot` and `seq` are given where they could be read all the same, so that the device can be told.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.device: str | None = None
        self.boot: UUID | None = None
        self.seq: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message with the topic that it came on."""

    topic: Topic
    message: Message


def parse(topic_text: str, payload: bytes) -> Parsed:
    """Parse topic and payload. Raises BadMessageError, never anything else."""
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
    if len(payload) > MAX_PAYLOAD:
        raise BadMessageError(
            "too-large",
            f"payload has {len(payload)} bytes; the limit is {MAX_PAYLOAD}: send fewer readings a message",
        )
    adapter = _ADAPTERS.get(topic.channel)
    if adapter is None:
        raise BadMessageError("topic", f"nobody sends to the server on {topic.channel!s}")
    try:
        message: Message = adapter.validate_json(payload)
    except ValidationError as error:
        raise _explain(error, topic, payload) from error
    if isinstance(message, Envelope) and message.device not in {None, topic.device}:
        raise BadMessageError(
            "topic-mismatch",
            f"the payload says device {message.device!r}, its topic says {topic.device!r}: mend one",
        )
    if payload.count(b'":') != _keys_of(message):
        _refuse_duplicate_keys(payload)
    return message


def _keys_of(message: Message) -> int:
    """Count the JSON keys that this message needs; more in the payload may mean that one came twice.

    Comparing counts costs far less than a second parser with a hook on each object; only a payload
    whose count differs (an added field, odd spacing, a real duplicate) is looked at again.
    """
    keys = len(message.model_fields_set)
    if isinstance(message, Telemetry):
        return keys + sum(map(len, map(_FIELDS_SET, message.r)))
    data = getattr(message, "data", None)
    return keys + (len(data.model_fields_set) if data is not None else 0)


def _refuse_duplicate_keys(payload: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise BadMessageError("duplicate-key", f"the key {key[:60]!r} stands twice in one object")
            found[key] = value
        return found

    try:
        json.loads(payload, object_pairs_hook=once)
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadMessageError("json", f"not readable as JSON: {error}") from error


def _explain(error: ValidationError, topic: Topic, payload: bytes) -> BadMessageError:
    if topic.channel is Channel.TELEMETRY and b'"type"' in payload and b'"r"' not in payload:
        return BadMessageError("topic-mismatch", "this looks like an event; send events on up/event")
    if topic.channel is Channel.EVENT and b'"r"' in payload and b'"type"' not in payload:
        return BadMessageError("topic-mismatch", "this looks like telemetry; send readings on up/telemetry")
    problems = error.errors(include_url=False, include_context=False)
    if problems[0]["type"] == "json_invalid":
        return BadMessageError("json", f"not JSON: {problems[0]['msg']}")
    # When every reading of a batch fails, pydantic adds that the batch is too short: an echo, not a cause.
    problems = [p for p in problems if p["type"] != "too_short" or p["input"] == []] or problems
    told = [_sentence(problem) for problem in problems[:_MAX_PROBLEMS_TOLD]]
    if len(problems) > _MAX_PROBLEMS_TOLD:
        told.append(f"and {len(problems) - _MAX_PROBLEMS_TOLD} more")
    return BadMessageError("unit" if "unit " in told[0] else "field", "; ".join(told))


def _sentence(problem: Any) -> str:  # noqa: ANN401 - pydantic's ErrorDetails is a private-ish TypedDict
    where = ".".join(str(part) for part in problem["loc"]) or "message"
    what = problem["msg"].removeprefix("Value error, ")
    if isinstance(problem["input"], dict | list):
        return f"{where}: {what}"
    return f"{where}: {what} (got {str(problem['input'])[:80]!r})"


def _identity(payload: bytes) -> tuple[UUID | None, int | None]:
    """Read boot and seq out of a message that is otherwise wrong, if that is possible."""
    try:
        loose = json.loads(payload[:MAX_PAYLOAD])
        boot, seq = UUID(loose["boot"]), loose["seq"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, None
    return (boot, seq) if type(seq) is int and 1 <= seq <= 2**62 else (None, None)
