"""Messages that wait in memory because the disk refuses them."""

from collections.abc import Iterable
from dataclasses import dataclass

from hubwell_edge.outbox.message import Draft, Kind


@dataclass(slots=True)
class PendingMessage:
    """Drafts and cursors that must be stored together."""

    drafts: list[Draft]
    cursors: dict[str, str]


def shed(waiting: Iterable[PendingMessage], excess: int) -> list[Draft]:
    """Take out and return the oldest telemetry, and only then events, until `excess` bytes are free."""
    given_up: list[Draft] = []
    for kinds in ({Kind.TELEMETRY}, {Kind.EVENT, Kind.GAP}):
        for parcel in waiting:
            kept: list[Draft] = []
            for draft in parcel.drafts:
                if excess > 0 and draft.kind in kinds:
                    excess -= draft.size
                    given_up.append(draft)
                else:
                    kept.append(draft)
            parcel.drafts = kept
            if excess <= 0:
                return given_up
    return given_up
