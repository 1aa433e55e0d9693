"""Turn the feed into server-sent events; what a space looks like in one is the caller's choice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, TypeVar

from fastapi import Request
from fastapi.sse import ServerSentEvent

from hubwell.access.errors import TOO_MANY_STREAMS
from hubwell.api.live.updates import Feed, Status
from hubwell.api.schemas import SpaceNow
from hubwell.errors import DomainError
from hubwell.evacuation.announcement import Announcement
from hubwell.http.guard import is_still_valid, principal_of
from hubwell.http.rate_limits import address_of

_LOOK_S: Final = 1.0
"""Seconds between two looks at the principal of an open stream."""
HEARTBEAT_S: Final = 15.0
_RETRY_MS: Final = 2000

MOST_OF_VISITOR: Final = 200
"""Streams from one address that are open at once: a school has one for all of its boards and browsers."""
MOST_OF_ACCOUNT: Final = 50
"""Streams of one account, person or program; they are not among those of the address."""
MOST_OF_STRANGERS: Final = 1000
"""Streams of all who are not signed in."""

Item = TypeVar("Item")


class OpenStreams:
    """Counts the event streams that are open, so that no visitor takes the memory and time of all others."""

    def __init__(self) -> None:
        self._of_visitor: Counter[str] = Counter()
        self._of_strangers = 0

    @contextmanager
    def place(self, request: Request) -> Iterator[None]:
        """Count a stream for as long as it is open. Raises DomainError where its visitor has too many."""
        principal = principal_of(request)
        visitor = principal.actor if principal.signed_in else address_of(request)
        is_stranger = not principal.signed_in
        most = MOST_OF_VISITOR if is_stranger else MOST_OF_ACCOUNT
        if self._of_visitor[visitor] >= most or (is_stranger and self._of_strangers >= MOST_OF_STRANGERS):
            raise DomainError(TOO_MANY_STREAMS)
        self._of_visitor[visitor] += 1
        self._of_strangers += is_stranger
        try:
            yield
        finally:
            self._of_visitor -= Counter([visitor])  # what reaches zero is not kept
            self._of_strangers -= is_stranger


async def events(
    feed: Feed,
    of_space: Callable[[SpaceNow], Any],
    of_status: Callable[[Status], Any],
    of_evacuation: Callable[[Announcement | None], Any],
    of_all: Callable[[], Any] | None = None,
    of_plans: Callable[[str], Any] | None = None,
    *,
    heartbeat: float = HEARTBEAT_S,
) -> AsyncIterator[ServerSentEvent]:
    """Yield `status`, `evacuation`, `space` and `alert` events as they come, and `beat` when nothing did.

    `of_all` adds a `summary` after spaces changed; `of_plans` adds `plans`, at first and after floor plans
    changed.
    """
    with feed.subscribe() as subscription:
        yield ServerSentEvent(comment="hubwell", retry=_RETRY_MS)
        while (news := await subscription.take(within=heartbeat)) is not None:
            quiet = True
            if news.status is not None:
                quiet = False
                yield ServerSentEvent(event="status", data=of_status(news.status))
            if news.evacuation:
                quiet = False
                yield ServerSentEvent(event="evacuation", data=of_evacuation(feed.evacuation))
            for space in news.spaces.values():
                quiet = False
                yield ServerSentEvent(event="space", data=of_space(space))
            if news.spaces and of_all is not None:
                yield ServerSentEvent(event="summary", data=of_all())
            if news.plans is not None and of_plans is not None:
                quiet = False
                yield ServerSentEvent(event="plans", data=of_plans(news.plans))
            for event_id, spaces in news.alerts.items():
                quiet = False
                yield ServerSentEvent(event="alert", data={"event": event_id, "spaces": spaces})
            if quiet:
                yield ServerSentEvent(event="beat", data={})


async def while_valid(request: Request, events: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield the events for as long as the principal of the request is signed in with the same roles.

    Looks before each event and every second; for anonymous requests never.
    """
    if not principal_of(request).signed_in:
        async for event in events:
            yield event
        return
    coming = asyncio.ensure_future(anext(events))
    try:
        while True:
            await asyncio.wait({coming}, timeout=_LOOK_S)
            if not await is_still_valid(request):
                return
            if coming.done():
                try:
                    event = coming.result()
                except StopAsyncIteration:
                    return
                yield event
                coming = asyncio.ensure_future(anext(events))
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await coming
