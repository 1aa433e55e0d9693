"""Messages from and to devices: what capabilities need of a connection to the broker.

The subscriber and the publisher implement the two protocols. Each process creates its connection and hands it
to the capabilities, which therefore need no MQTT client.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

MessageHandler = Callable[[str, bytes], None]
"""Called with the topic and the payload of a message."""


class BrokerUnavailableError(Exception):
    """The broker is away or did not confirm; try again later."""


class DeviceMessages(Protocol):
    """A connection to the broker that comes and goes."""

    def subscribe(
        self, topic_filter: str, on_message: MessageHandler, *, on_connect: Callable[[], None]
    ) -> None:
        """Have messages on these topics given to `on_message`; to be called before it connects.

        `on_connect` is called with each new connection: the broker may have forgotten what it held.
        """

    async def connected(self) -> None:
        """Wait until there is a connection."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 and wait until the broker has it. Raises BrokerUnavailableError."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message as the broker delivered it.

    ``retain`` is True for the broker's stored copy, sent on subscription, and False for a new message.
    ``packet_id`` (None at QoS 0: nothing to acknowledge) is only valid on the ``connection`` it came on.
    """

    topic: str
    payload: bytes
    retain: bool
    packet_id: int | None
    connection: int


class MessageSource(Protocol):
    """Messages of devices, which stay with the broker until they are acknowledged."""

    async def batch(self, *, most: int, wait_s: float) -> list[Delivery]:
        """Wait for a message for as long as it takes, then for up to `most` or `wait_s` seconds more."""

    def acknowledge(self, deliveries: Iterable[Delivery]) -> None:
        """Let the broker delete these: call after the commit, in the order of receipt."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message at QoS 1 to the connection and return; dropped while there is none."""
