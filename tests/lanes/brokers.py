"""MQTT brokers for tests: Debian's Mosquitto as in production, and the embedded one of `hubwell up`."""

import importlib.util
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from lanes.missing_part import missing
from lanes.servers import Server, accepts, free_port, leashed


def mosquitto_program() -> str:
    """Return where Mosquitto is; skip the test where it is missing."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        missing("mosquitto")
    return program


class Mosquitto:
    """A real Mosquitto on loopback, MQTT 3.1.1 and 5 on one port; the port survives restarts."""

    def __init__(self, folder: Path, *, persistence: bool = True, lines: tuple[str, ...] = ()) -> None:
        """Choose the folder for configuration, data and log; nothing runs yet.

        :param persistence: whether queued messages outlive a clean stop.
        :param lines: further lines of configuration, as in mosquitto.conf.
        """
        program = mosquitto_program()
        self.port = free_port()
        configuration = folder / "mosquitto.conf"
        configuration.write_text("\n".join((*self._lines(folder, persistence=persistence), *lines, "")))
        self._server = Server(
            "mosquitto", leashed([program, "-c", str(configuration)]), folder / "mosquitto.log"
        )

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id, to send signals to."""
        return self._server.pid

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        self._server.start(lambda: accepts(self.port))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it; harmless when it is not running."""
        self._server.stop(how)

    def kill(self) -> None:
        """End it as a power cut would: what it had in memory is gone."""
        self._server.kill()

    def restart(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop it by a signal and start it again on the same port."""
        self.stop(how)
        self.start()

    def _lines(self, folder: Path, *, persistence: bool) -> tuple[str, ...]:
        return (
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "user root",  # else it leaves root for a user who may not write in a test's folder
            f"persistence {str(persistence).lower()}",
            f"persistence_location {folder}/",
            "max_queued_messages 100000",
        )


EMBEDDED_REST_S = 0.2
"""The embedded broker closes some connections that come in the very moment in which another ends."""


@dataclass(frozen=True, slots=True)
class IotCore:
    """The embedded broker: one port for each version of the protocol."""

    url: str  # MQTT 3.1.1
    port: int
    v5_url: str
    v5_port: int
    server: Server


def iotcore(folder: Path) -> IotCore:
    """Start the embedded broker on loopback, as a process of its own: it has no way to stop inside ours."""
    if importlib.util.find_spec("iotcore") is None:
        missing("the package iotcore", "scripts/prepare brings it")
    v4, v5 = free_port(), free_port()
    configuration = folder / "iotcore.toml"
    configuration.write_text(
        _ROUTER + _LISTENER.format(version="v4", port=v4) + _LISTENER.format(version="v5", port=v5)
    )
    command = [sys.executable, "-m", "iotcore", "--log-level", "CRITICAL", "--config", str(configuration)]
    server = Server("iotcore", leashed(command), folder / "iotcore.log", cwd=folder)
    server.start(lambda: accepts(v4) and accepts(v5))
    return IotCore(f"mqtt://127.0.0.1:{v4}", v4, f"mqtt://127.0.0.1:{v5}", v5, server)


_ROUTER = """\
id = 0

[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""

_LISTENER = """
[{version}.1]
name = "{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 16777216
max_inflight_count = 100
dynamic_filters = true
"""
