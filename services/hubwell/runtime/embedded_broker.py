"""The MQTT broker between devices and the server: an embedded one on loopback, or an external one.

The embedded broker is `iotcore`: MQTT 3.1.1 and 5, without rights by topic and without persistence, so it
serves one machine only. Server and devices have a port and an account each, because every user of the machine
reaches its ports: the server's password is new at each start, that of devices is kept in the data folder, so
that the settings of a device stay valid. No message is lost when it ends: a device deletes
a message on the server's receipt, not on the broker's. `python -m hubwell.runtime.embedded_broker` is the
broker process of `hubwell up`.
"""

import argparse
import asyncio
import logging
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hubwell.runtime.logs import set_up_logs
from hubwell.runtime.parent_death import leashed

LOOPBACK = "127.0.0.1"
SERVER_PORT, DEVICE_PORT = 1883, 1884
MAX_PAYLOAD = 1024 * 1024  # bytes; a larger message closes the connection it comes by
_ANSWER_WITHIN = 2.0  # seconds
_SERVER, _DEVICES = "server", "devices"  # accounts, each on its own port
_SERVER_PASSWORD = "HUBWELL_EMBEDDED_SERVER_PASSWORD"  # noqa: S105  (names of variables)
_DEVICE_PASSWORD = "HUBWELL_EMBEDDED_DEVICE_PASSWORD"  # noqa: S105
_PASSWORD_FILE = "device-password"  # noqa: S105  (a name)
_PASSWORD = re.compile(r"[0-9a-f]{32}")
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
[v5.1.connections.auth]
server = "{server_password}"

[v4.1]
name = "devices"
listen = "{host}:{device_port}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = {max_payload}
max_inflight_count = 100
dynamic_filters = true
[v4.1.connections.auth]
devices = "{device_password}"
"""


def kept_device_password(data_dir: Path) -> str:
    """Return the password of devices, from a file of the data folder that only its user can read.

    It is made at the first start, and again where the file does not hold one. Raises OSError.
    """
    file = data_dir / _PASSWORD_FILE
    with suppress(OSError, UnicodeDecodeError):
        password = file.read_text("ascii").strip()
        if _PASSWORD.fullmatch(password):
            return password
    password = secrets.token_hex(16)
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w") as text:
        text.write(password + "\n")
    return password


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

    def __init__(self, *, server_port: int, device_port: int, device_password: str = "") -> None:
        """Set two free ports, one for each version of MQTT; without a password a new one is made."""
        self.server_port = server_port
        self.device_port = device_port
        self._server_password = secrets.token_hex(16)
        self._device_password = device_password or secrets.token_hex(16)

    @property
    def server_url(self) -> str:
        """URL for the server's processes, which use MQTT 5; it holds a password."""
        return _url(_SERVER, self._server_password, self.server_port)

    @property
    def device_url(self) -> str:
        """URL for devices, which use MQTT 3.1.1; it holds a password."""
        return _url(_DEVICES, self._device_password, self.device_port)

    def command(self) -> list[str]:
        """Command line of the broker process, which needs `environment`; the process ends with its parent."""
        ports = ["--server-port", str(self.server_port), "--device-port", str(self.device_port)]
        return leashed([sys.executable, "-m", "hubwell.runtime.embedded_broker", *ports])

    def environment(self) -> dict[str, str]:
        """Variables of the broker process: other users of the machine could read its arguments."""
        return {_SERVER_PASSWORD: self._server_password, _DEVICE_PASSWORD: self._device_password}

    async def ready(self) -> bool:
        """Return whether the broker accepts a device's connection; the port for devices opens last."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN):
                reader, writer = await asyncio.open_connection(LOOPBACK, self.device_port)
                try:
                    writer.write(_connect(_DEVICES, self._device_password))
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


def _url(account: str, password: str, port: int) -> str:
    return f"mqtt://{account}:{password}@{LOOPBACK}:{port}"


def _connect(account: str, password: str) -> bytes:
    """Return a CONNECT packet (MQTT 3.1.1, 3.1): clean session, user name and password, 5 s keep-alive."""
    texts = (text.encode() for text in ("hubwell-look", account, password))
    rest = b"\x00\x04MQTT\x04\xc2\x00\x05" + b"".join(len(text).to_bytes(2) + text for text in texts)
    return bytes([0x10, len(rest)]) + rest


def serve(*, server_port: int, device_port: int) -> None:
    """Run the embedded broker in this process until a signal ends it.

    The passwords come from the environment; without them new ones are made, and printed in the addresses.
    """
    from iotcore.iotcore import IotCoreBroker  # noqa: PLC0415  (4 MB of Rust that only this process needs)

    set_up_logs()
    passwords = [
        os.environ.get(name) or secrets.token_hex(16) for name in (_SERVER_PASSWORD, _DEVICE_PASSWORD)
    ]
    text = _CONFIGURATION.format(
        host=LOOPBACK,
        server_port=server_port,
        device_port=device_port,
        max_payload=MAX_PAYLOAD,
        server_password=passwords[0],
        device_password=passwords[1],
    )
    with tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="hubwell-broker-") as file:  # mode 0600
        file.write(text)
        file.flush()
        broker = IotCoreBroker(config_path=file.name)
    broker.check_ports()
    logging.getLogger(__name__).info(
        "broker on %s: port %s for MQTT 5, port %s for MQTT 3.1.1", LOOPBACK, server_port, device_port
    )
    if _SERVER_PASSWORD not in os.environ:  # a person started it, and has to know
        for name, account, password, port in (
            ("HUBWELL_BROKER_URL", _SERVER, passwords[0], server_port),
            ("HUBWELL_EDGE__BROKER__URL", _DEVICES, passwords[1], device_port),
        ):
            print(f"{name}={_url(account, password, port)}", flush=True)  # noqa: T201  (a program's own output)
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
