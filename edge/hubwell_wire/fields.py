"""Field types of messages (numbers, times, texts, pseudonyms) and the base class of all messages.

Parsing is strict (text is not converted to numbers, times without a zone are rejected), but ignores unknown
fields, so that an old server understands a newer device. Imported by `messages` and `commands`.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

MAX_NUMBER: Final = 2**62
MAX_DETAIL: Final = 300
"""Characters in the description of a fault."""

EXAMPLE_TIME: Final = "2026-11-22T21:04:05.123Z"


def _rfc3339(value: datetime) -> str:
    try:
        value = value.astimezone(UTC)
    except OverflowError:  # within a day of datetime's limits: the time has no UTC form
        return value.isoformat(timespec="milliseconds")
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _written_out(value: object) -> object:
    """Reject numbers, which pydantic would guess to be seconds or milliseconds, and incomplete times."""
    if isinstance(value, datetime) or (isinstance(value, str) and value[13:14] == value[16:17] == ":"):
        return value
    raise ValueError(f"not a time: write it as {EXAMPLE_TIME}")


# PostgreSQL cannot store NUL; the others move a terminal's cursor or reverse the order of letters.
_CONTROL_SET: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
_CONTROL: Final = re.compile(f"[{_CONTROL_SET}]")


def _without_control(text: str) -> str:
    match = _CONTROL.search(text)
    if match:
        code = ord(match[0])
        name = "NUL (U+0000)" if code == 0 else f"U+{code:04X}"
        raise ValueError(f"holds the control character {name}: send it without")
    return text


def as_text(text: str, limit: int = MAX_DETAIL) -> str:
    """Return any text, for example of an exception, in the form that the contract allows.

    Control characters and halves of surrogate pairs become '?'; `limit` is in characters.
    """
    return _CONTROL.sub("?", text[:limit].encode("utf-8", "replace").decode())


Version = Annotated[int, Field(ge=1, le=1), WithJsonSchema({"type": "integer", "const": 1})]
"""Not ``Literal[1]``, which would accept ``true`` as 1."""
Id = Annotated[UUID, Field(strict=False)]
Timestamp = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_written_out),
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
]
"""RFC 3339 with zone; written in UTC with milliseconds."""
Sequence = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
Span = Annotated[
    tuple[Sequence, Sequence],
    Field(strict=False),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": MAX_NUMBER},
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
"""First and last number, both included."""
Text = Annotated[
    str, AfterValidator(_without_control), Field(json_schema_extra={"pattern": f"^[^{_CONTROL_SET}]*$"})
]
"""Text for people: no control characters except tab and line break."""

Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
"""Ed25519, 64 bytes in hexadecimal."""
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Epoch = Annotated[int, Field(ge=0, le=2**31 - 1)]
ReaderName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class WireModel(BaseModel):
    """Base of all messages: frozen, strict, unknown fields ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    def encode(self) -> bytes:
        """Return the JSON bytes of the MQTT payload; optional fields with their default are omitted."""
        return self.model_dump_json(exclude_defaults=True, by_alias=True).encode()
