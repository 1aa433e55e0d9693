"""The whole of Hubwell on one machine: which parts there are, in which order, with which settings."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from hubwell.broker import LOOPBACK, Broker, EmbeddedBroker, ExternalBroker
from hubwell.storage.cluster import environment
from hubwell.storage.embedded import EmbeddedPostgres
from hubwell.up.checks import check_port, check_space, free_port
from hubwell.up.child import Part
from hubwell.up.leash import leashed
from hubwell.up.running import Running
from hubwell.up.supervisor import Supervisor
from hubwell.up.terminal import Terminal

_BROKER_PORTS = (1883, 1884)  # for MQTT 5 and for 3.1.1; others when these are taken
_SITE = "hub"


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose."""

    port: int
    data: Path
    demo: bool


class System:
    """One `hubwell up`: checks, starts the parts in order, and says where the page is."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        """Take the options; nothing happens yet."""
        self._options = options
        self._terminal = terminal
        self._data = options.data.absolute()
        self._postgres = EmbeddedPostgres(self._data)
        self._broker: Broker = ExternalBroker("")
        self._host = os.environ.get("HUBWELL_HTTP_HOST", LOOPBACK)
        self._port = options.port

    async def run(self) -> None:
        """Run until a signal.

        :raises CannotStartError: with one sentence for the person at the terminal.
        """
        check_space(self._data)
        self._port = check_port(self._host, self._options.port)
