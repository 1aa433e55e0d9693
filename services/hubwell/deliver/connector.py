"""The delivery queue's connection to the database, which no notification of another role can disturb."""

import json
import logging
from collections.abc import Iterable
from time import monotonic
from typing import Any, Final

from procrastinate import PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException

from hubwell.storage.retry import Backoff, WarnOnce

_LOG: Final = logging.getLogger(__name__)
_STEADY_S: Final = 10.0
"""Seconds of listening after which a failure is a new one: the back-off and the warning start again."""


class QueueConnector(PsycopgConnector):
    """Passes on that a job was inserted, and nothing else.

    The queue's channels have known names, and PostgreSQL lets every role of the database notify on them.
    Another payload would end procrastinate's worker, or have it abort a delivery that is being sent.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """Listen until cancelled, with reconnection: a lost connection would leave the queue to polling."""

        async def pass_on(*, channel: str, payload: str) -> None:
            if _is_insertion(payload):
                await on_notification(channel=channel, payload=payload)
            else:
                _LOG.warning("unreadable on %s: %.200r", channel, payload)

        backoff = Backoff()
        warn = WarnOnce(_LOG, "no notifications of the queue: %s", action="listen-failed")
        while True:
            since = monotonic()
            try:
                await super().listen_notify(on_notification=pass_on, channels=channels)
            except ConnectorException as error:
                if monotonic() - since > _STEADY_S:
                    backoff.reset()
                    warn.clear()
                warn(error.__cause__ or error)
            await backoff.wait()


def _is_insertion(payload: str) -> bool:
    try:
        message: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and message.get("type") == "job_inserted"
