"""Turn the feed into server-sent events; what a space looks like in one is the caller's choice."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from fastapi.sse import ServerSentEvent

from hubwell.api.live_updates import Feed, Status
from hubwell.api.schemas import SpaceNow

HEARTBEAT_S: Final = 15.0
_RETRY_MS: Final = 2000


async def events(
    feed: Feed,
    of_space: Callable[[SpaceNow], Any],
    of_status: Callable[[Status], Any],
    of_all: Callable[[], Any] | None = None,
    *,
    heartbeat: float = HEARTBEAT_S,
) -> AsyncIterator[ServerSentEvent]:
    """Yield `status`, `space` and `alert` events as they come, and `beat` when nothing did.

    `of_all` adds a `summary` after spaces changed.
    """
    with feed.subscribe() as subscription:
        yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
        while (news := await subscription.take(within=heartbeat)) is not None:
            quiet = True
            if news.status is not None:
                quiet = False
                yield ServerSentEvent(event="status", data=of_status(news.status))
            for space in news.spaces.values():
                quiet = False
                yield ServerSentEvent(event="space", data=of_space(space))
            if news.spaces and of_all is not None:
                yield ServerSentEvent(event="summary", data=of_all())
            for event_id, spaces in news.alerts.items():
                quiet = False
                yield ServerSentEvent(event="alert", data={"event": event_id, "spaces": spaces})
            if quiet:
                yield ServerSentEvent(event="beat", data={})
