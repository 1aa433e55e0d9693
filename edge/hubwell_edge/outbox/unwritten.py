"""Drafts that wait in memory because the disk refuses them."""

from collections.abc import Iterable
from dataclasses import dataclass

from hubwell_edge.outbox.message import DraftMessage, Kind


@dataclass(slots=True)
class UnwrittenDrafts:
    """Drafts and source cursors that must be stored in one transaction."""

    drafts: list[DraftMessage]
    cursors: dict[str, str]


def drop_oldest(batches: Iterable[UnwrittenDrafts], excess: int) -> list[DraftMessage]:
    """Remove the oldest telemetry, then the oldest events, until `excess` bytes are free; return them."""
    dropped: list[DraftMessage] = []
    for kinds in ({Kind.TELEMETRY}, {Kind.EVENT, Kind.GAP}):
        for batch in batches:
            remaining: list[DraftMessage] = []
            for draft in batch.drafts:
                if excess > 0 and draft.kind in kinds:
                    excess -= draft.size
                    dropped.append(draft)
                else:
                    remaining.append(draft)
            batch.drafts = remaining
            if excess <= 0:
                return dropped
    return dropped
