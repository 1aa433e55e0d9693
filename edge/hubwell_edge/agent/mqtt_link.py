"""MQTT connection of this device through aiomqtt: identity, last will, and errors as sentences.

Used by the uplink and by the doctor. Workarounds for the library (2.5) are in this module only.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hubwell_edge.settings import EdgeSettings
from hubwell_wire.messages import Status
from hubwell_wire.topics import Channel, Topic

TIMEOUT_S: Final = 10.0
_SESSION_EXPIRY_S: Final = 86_400
_TAKEN_OVER: Final = 0x8E
_FAILURE: Final = 0x80
_WRONG_ACCOUNT: Final = frozenset({4, 5, 0x86, 0x87})
"""CONNACK codes of 3.1.1 and 5 for a wrong user name or password, or no right to connect."""

T = TypeVar("T")

_LIBRARY_LOG: Final = logging.getLogger(f"{__name__}.aiomqtt")
# An answer that comes after the call was cancelled is no error; the library logs it as one, with a traceback.
_LIBRARY_LOG.addFilter(lambda record: not str(record.msg).startswith("Unexpected message ID"))


class _Client(aiomqtt.Client):
    """A client whose calls can always be cancelled.

    aiomqtt waits with `asyncio.wait_for`, which before Python 3.12 loses a cancellation that arrives together
    with the broker's answer: a task that publishes in a loop would then never end.
    """

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - as in the library
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await fut
        except TimeoutError:
            raise aiomqtt.MqttError("Operation timed out") from None


def make_client(settings: EdgeSettings, *, suffix: str = "") -> aiomqtt.Client:
    """Return a client that is not connected yet.

    With a `suffix` it has another identifier than the agent's.
    """
    address = settings.address
    newest = settings.broker.protocol == 5  # noqa: PLR2004 - the protocol's number is its name
    will = Status(v=1, state="offline").encode()
    return _Client(
        address.host,
        address.port,
        username=address.username,
        password=address.password,
        identifier=client_id(settings) + suffix,
        protocol=aiomqtt.ProtocolVersion.V5 if newest else aiomqtt.ProtocolVersion.V311,
        # With the library's default (clean on first connect) Mosquitto discards the session on a restart.
        clean_session=None if newest else False,
        clean_start=False if newest else MQTT_CLEAN_START_FIRST_ONLY,
        properties=_connect_properties() if newest else None,
        will=None if suffix else aiomqtt.Will(topic(settings, Channel.STATUS), will, qos=1, retain=True),
        keepalive=settings.broker.keepalive_s,
        timeout=TIMEOUT_S,
        logger=_LIBRARY_LOG,
        # Without TCP_NODELAY a small publish may wait 40 ms for the answer to the one before.
        socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
        tls_context=settings.broker.tls_context(),
        # Unconfirmed publishes stay at the library's 20 at a time: it does not heed the broker's Receive
        # Maximum, which Mosquitto sets to 20, and going over it costs the connection.
    )


def client_id(settings: EdgeSettings) -> str:
    """Return the stable client identifier of the device."""
    return f"hubwell-{settings.site}-{settings.device}"


def topic(settings: EdgeSettings, channel: Channel) -> str:
    """Return the topic of one of this device's channels."""
    return str(Topic(settings.site, settings.device, channel))


def watch_refusals(client: aiomqtt.Client, refused: Callable[[str], None]) -> None:
    """Call `refused` with the reason whenever the broker refuses a publish (MQTT 5 only).

    aiomqtt's `publish` returns normally after a refusal, so this hooks into paho's callback.
    """
    inner = client._client  # noqa: SLF001 - aiomqtt 2.x hides the reason code of PUBACK
    original: Any = inner.on_publish

    def on_publish(paho: Any, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:  # noqa: ANN401
        if reason.is_failure:
            refused(str(reason))
        original(paho, userdata, mid, reason, properties)

    inner.on_publish = on_publish


def refused_subscription(codes: Any) -> str | None:  # noqa: ANN401 - tuple of int or list of ReasonCode
    """Return the reason if the broker refused a subscription, else None."""
    for code in codes:
        if getattr(code, "value", code) >= _FAILURE:
            return str(code)
    return None


def was_taken_over(error: BaseException) -> bool:
    """Return whether the broker closed the connection because another client used the same identifier."""
    for link in (error, error.__cause__):
        code = getattr(link, "rc", None)
        if isinstance(code, ReasonCode) and code.value == _TAKEN_OVER:
            return True
    return False


def explain(error: BaseException, settings: EdgeSettings) -> str:
    """Return a sentence that names the connection problem and what to do."""
    where = f"{settings.address.host}:{settings.address.port}"
    code = getattr(error, "rc", None)
    if isinstance(error, MqttConnectError):
        if getattr(code, "value", code) in _WRONG_ACCOUNT:
            return f"broker {where} refuses the account: check mqtt_username and mqtt_password ({error})"
        return f"broker {where} refuses the connection: {error}"
    text = str(error)
    if "Connection refused" in text:
        return f"no broker answers at {where}: check that it runs, and broker.url"
    if "Name or service not known" in text or "name resolution" in text:
        return f"the name {settings.address.host} cannot be resolved in this network: check broker.url"
    if "CERTIFICATE" in text or "certificate" in text:
        return (
            f"the certificate of broker {where} is not accepted ({text}): check broker.ca_file and the clock"
        )
    return f"connection to broker {where}: {text or type(error).__name__}"


def _connect_properties() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it untyped
    properties.SessionExpiryInterval = _SESSION_EXPIRY_S
    return properties
