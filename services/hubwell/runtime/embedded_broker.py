"""The MQTT broker between devices and the server: an embedded one on loopback, or an external one.

The embedded broker is `iotcore`: MQTT 3.1.1 and 5, without access control and without persistence, so it
serves one machine only. No message is lost when it ends: a device deletes a message on the server's receipt,
not on the broker's. `python -m hubwell.runtime.embedded_broker` is the broker process of `hubwell up`.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from hubwell.runtime.parent_death import leashed

LOOPBACK = "127.0.0.1"
SERVER_PORT, DEVICE_PORT = 1883, 1884
MAX_PAYLOAD = 1024 * 1024  # bytes; a larger message closes the connection it comes by
_ANSWER_WITHIN = 2.0  # seconds
_CONNECT = b"\x10\x18\x00\x04MQTT\x04\x02\x00\x05\x00\x0chubwell-look"  # MQTT 3.1.1 §3.1, clean session
_CONNACK = b"\x20\x02\x00\x00"  # §3.2, accepted
_DISCONNECT = b"\xe0\x00"  # §3.14

# Segments are kept in memory per subscribed filter, the oldest is dropped: at most 32 MiB for the server's
# subscription. What is dropped there is sent again by the device, which has no receipt for it.
_CONFIGURATION = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 4194304
max_segment_count = 8

[v5.1]
name = "server"
listen = "{host}:{server_port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {max_payload}
max_inflight_count = 1000
dynamic_filters = true

[v4.1]
name = "devices"
listen = "{host}:{device_port}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = {max_payload}
max_inflight_count = 100
dynamic_filters = true
"""


class Broker(Protocol):
    """The addresses of a broker."""

    @property
    def server_url(self) -> str:
        """URL for the server's processes, which use MQTT 5."""

    @property
    def device_url(self) -> str:
        """URL for devices, which use MQTT 3.1.1."""


class ExternalBroker:
    """A broker that Hubwell does not run; one port for every version of MQTT."""

    def __init__(self, url: str) -> None:
        """Use the broker at `url`: mqtt:// or mqtts://USER:PASSWORD@HOST:PORT."""
        self.server_url = self.device_url = url


class EmbeddedBroker:
    """The broker process of this machine, as a command line for a supervisor; bound to loopback."""

    def __init__(self, *, server_port: int, device_port: int) -> None:
        """Set two free ports: the embedded broker listens on one for each version of MQTT."""
        self.server_port = server_port
        self.device_port = device_port

    @property
    def server_url(self) -> str:
        """URL for the server's processes, which use MQTT 5."""
        return f"mqtt://{LOOPBACK}:{self.server_port}"

    @property
    def device_url(self) -> str:
        """URL for devices, which use MQTT 3.1.1."""
        return f"mqtt://{LOOPBACK}:{self.device_port}"

    def command(self) -> list[str]:
        """Command line of the broker process; the process ends with its parent."""
        ports = ["--server-port", str(self.server_port), "--device-port", str(self.device_port)]
        return leashed([sys.executable, "-m", "hubwell.runtime.embedded_broker", *ports])

    async def ready(self) -> bool:
        """Return whether the broker accepts a connection; the port for devices opens last."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.device_port)
                try:
                    writer.write(_CONNECT)
                    answer = await reader.readexactly(len(_CONNACK))
                    writer.write(_DISCONNECT)
                    await writer.drain()
                finally:
                    writer.close()
                    with suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False
        return answer == _CONNACK


def serve(*, server_port: int, device_port: int) -> None:
    """Run the embedded broker in this process until a signal ends it."""
    from iotcore.iotcore import IotCoreBroker  # noqa: PLC0415  (4 MB of Rust that only this process needs)

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    # rumqttd's router logs every packet as an error, which would fill the log under load.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    text = _CONFIGURATION.format(
        host=LOOPBACK, server_port=server_port, device_port=device_port, max_payload=MAX_PAYLOAD
    )
    with tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="hubwell-broker-") as file:
        file.write(text)
        file.flush()
        broker = IotCoreBroker(config_path=file.name)
    broker.check_ports()
    logging.getLogger(__name__).info(
        "broker on %s: port %s for MQTT 5, port %s for MQTT 3.1.1", LOOPBACK, server_port, device_port
    )
    broker.run_forever()


def main(arguments: Sequence[str] = ()) -> int:
    """Run the embedded broker as a program, by default on ports 1883 (MQTT 5) and 1884 (MQTT 3.1.1)."""
    parser = argparse.ArgumentParser(description="The embedded MQTT broker, on loopback.")
    parser.add_argument("--server-port", type=int, default=SERVER_PORT, help="port for MQTT 5")
    parser.add_argument("--device-port", type=int, default=DEVICE_PORT, help="port for MQTT 3.1.1")
    options = parser.parse_args(arguments)
    try:
        serve(server_port=options.server_port, device_port=options.device_port)
    except OSError as error:
        print(f"The broker cannot start: {error}", file=sys.stderr)  # noqa: T201  (a program's own output)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
