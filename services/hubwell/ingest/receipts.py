"""Number ranges and the receipts made of them: pure arithmetic, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

from hubwell_wire import messages
from hubwell_wire.topics import Channel, Topic

_MOST_RANGES: Final = 100
"""Ranges above the watermark in one receipt; later receipts cover the rest."""

Span = tuple[int, int]
"""First and last number, both included."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt and the device that it is for."""

    device: str
    message: messages.Receipt

    def topic(self, site: str) -> Topic:
        """Return the topic on which the device listens for it."""
        return Topic(site, self.device, Channel.ACK)


def spans_of(numbers: Iterable[int]) -> list[Span]:
    """Return the runs of consecutive numbers, in order."""
    spans: list[Span] = []
    for number in sorted(set(numbers)):
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def multirange(spans: Iterable[Span]) -> Multirange[int]:
    """Return spans as PostgreSQL's int8multirange."""
    return Multirange([Range(first, last + 1, "[)") for first, last in spans])


def spans_in(value: Multirange[int]) -> list[Span]:
    """Return the spans of a multirange as the database hands it over (half open, in order)."""
    return [(r.lower, r.upper - 1) for r in value if r.lower is not None and r.upper is not None]


def make_receipt(
    device: str,
    boot: UUID,
    safe: Sequence[Span],
    refused: Iterable[tuple[int, str]] = (),
    unstored: Iterable[messages.Unstored] = (),
) -> Receipt:
    """Return the cumulative receipt for everything that is safe in one boot of a device."""
    upto = safe[0][1] if safe and safe[0][0] == 1 else 0
    above = safe[1:] if upto else safe
    refusals = tuple(messages.Refusal(seq=seq, reason=reason[:300]) for seq, reason in refused)
    return Receipt(
        device,
        messages.Receipt(
            v=1,
            boot=boot,
            upto=upto,
            ranges=tuple(above[:_MOST_RANGES]),
            rejected=refusals,
            unstored=tuple(unstored),
        ),
    )


def make_notice(device: str, boot: UUID, reason: str) -> Receipt:
    """Return a receipt that confirms nothing, for a device whose messages cannot be stored at present."""
    return Receipt(device, messages.Receipt(v=1, boot=boot, upto=0, notice=reason))
