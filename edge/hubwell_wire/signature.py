"""Where the signature of an order is in its payload, and which bytes it covers.

An order is a message of the server on `down/ack` or `down/cmd`. Its last field is `sig`, an Ed25519 signature
of the topic, a line feed and the payload's exact bytes before that field: no canonical JSON is needed, and an
order for one device or channel is not valid on another. A list of badges is signed inside (`SealedRoster`);
its signed bytes begin with a brace and not with a topic, so neither signature is valid for the other.
"""

import re
from collections.abc import Callable
from typing import Final

_LAST_FIELD: Final = re.compile(rb',"sig":"([0-9a-f]{128})"\}\Z')
_LAST_FIELD_BYTES: Final = len(b',"sig":""}') + 128


def with_signature(topic: str, payload: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Return an unsigned payload with its signature; `sign` returns the 64 bytes for what is covered."""
    covered = payload.removesuffix(b"}")
    return b'%b,"sig":"%b"}' % (covered, sign(_covered(topic, covered)).hex().encode())


def split_signature(topic: str, payload: bytes) -> tuple[bytes, bytes] | None:
    """Return the bytes that the signature covers and the signature; None where the last field is none."""
    match = _LAST_FIELD.search(payload, max(0, len(payload) - _LAST_FIELD_BYTES))
    if match is None:
        return None
    return _covered(topic, payload[: match.start()]), bytes.fromhex(match[1].decode())


def _covered(topic: str, before: bytes) -> bytes:
    return topic.encode() + b"\n" + before
