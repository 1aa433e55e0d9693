"""Changes as they happen, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from hubwell.access.errors import TOO_MANY_STREAMS
from hubwell.api.dependencies import STREAM_PLACE, LiveFeed
from hubwell.api.evacuation_view import open_evacuation
from hubwell.api.live.stream import events, while_valid
from hubwell.api.live.updates import Status
from hubwell.api.responses import MAY_FAIL, Responses, refused
from hubwell.api.schemas import EvacuationNow, SpaceNow
from hubwell.evacuation.announcement import Announcement
from hubwell.http.dependencies import AppSettings
from hubwell.http.guard import PUBLIC

_RESPONSES: Final[Responses] = {
    200: {
        "description": "Begins with `status`, `evacuation` and every space, then each space that changed, "
        "at most about once a second.",
        "content": {
            "text/event-stream": {
                "examples": {
                    "space": {
                        "summary": "A space changed; the data is what GET /spaces/{id} says.",
                        "value": 'event: space\ndata: {"id":"wood-workshop","state":"used", ...}\n\n',
                    },
                    "status": {
                        "summary": "How changes arrive: live, polling or away.",
                        "value": 'event: status\ndata: {"state":"live","since":"2026-11-22T12:00Z"}\n\n',
                    },
                    "alert": {
                        "summary": "An alert was delivered; GET /alerts tells more.",
                        "value": 'event: alert\ndata: {"event":17,"spaces":["wood-workshop"]}\n\n',
                    },
                    "evacuation": {
                        "summary": "Whether everybody has to leave; the data is what GET /evacuation says.",
                        "value": 'event: evacuation\ndata: {"evacuation":{"kind":"alarm",'
                        '"since":"2026-11-22T12:00Z","assembly_point":"Car park north"}}\n\n',
                    },
                    "beat": {
                        "summary": "Nothing changed for 15 seconds.",
                        "value": "event: beat\ndata: {}\n\n",
                    },
                }
            }
        },
    }
}

api = APIRouter(prefix="/api/v1/stream", tags=["Spaces"], responses=MAY_FAIL, dependencies=[PUBLIC])


@api.get(
    "",
    summary="Changes as they happen (server-sent events)",
    operation_id="streamChanges",
    response_class=EventSourceResponse,
    responses=_RESPONSES | {429: refused(TOO_MANY_STREAMS)[429]},
    dependencies=[STREAM_PLACE],
)
async def stream_changes(
    request: Request, feed: LiveFeed, settings: AppSettings
) -> AsyncIterator[ServerSentEvent]:
    """Reconnecting is safe at any time: the stream begins with everything as it is now."""

    def evacuation_json(open_now: Announcement | None) -> dict[str, Any]:
        return EvacuationNow(evacuation=open_evacuation(open_now, settings)).model_dump(mode="json")

    async for event in while_valid(request, events(feed, _space_json, _status_json, evacuation_json)):
        yield event


def _space_json(space: SpaceNow) -> dict[str, Any]:
    return space.model_dump(mode="json")


def _status_json(status: Status) -> dict[str, Any]:
    return {"state": status.state, "since": status.since}
