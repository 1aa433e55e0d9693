"""Alerts shown on the boards: which of them watchers got, and which had a notification that was missed."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from hubwell.api import live_state

_OVERLAP: Final = timedelta(seconds=30)
"""A delivery has the time at which its transaction began, and is seen when that has committed."""


class AlertNews:
    """Gives each alert once, whether its notification or the look at the database came first."""

    def __init__(self) -> None:
        self._since = datetime.now(UTC)
        self._passed_on: dict[int, datetime] = {}
        """When an alert's event was passed on, by the id of the event."""

    def is_new(self, event: int) -> bool:
        """Note an alert's event as passed on; return whether it was not before."""
        if event in self._passed_on:
            return False
        self._passed_on[event] = datetime.now(UTC)
        return True

    async def missed(self, conn: AsyncConnection[Any]) -> dict[int, list[str]]:
        """Return the spaces of alerts shown since the last look and not passed on, by the id of the event."""
        (look,) = await live_state.rows(conn, "alerts_shown", {"since": self._since})
        shown = {int(event): [space] for event, space in (look["shown"] or {}).items()}
        missed = {event: spaces for event, spaces in shown.items() if self.is_new(event)}
        self._since = look["looked_at"] - _OVERLAP
        self._passed_on = {
            event: at for event, at in self._passed_on.items() if at > datetime.now(UTC) - 2 * _OVERLAP
        }
        return missed
