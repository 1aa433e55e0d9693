"""Rules for defects: kinds, notes, and how long a report can be taken back. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Self
from uuid import UUID

from hubwell.defects import errors
from hubwell.errors import DomainError

SAME_REPORT_WITHIN: Final = timedelta(seconds=10)
"""A second report of a kind in a space within this time is a double tap, and the same report."""
UNDO_FOR: Final = timedelta(minutes=2)
"""How long the newest report can be taken back."""
CLOSED_SHOWN_FOR: Final = timedelta(days=30)
LONGEST_NOTE: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST: Final = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND


class DefectKind(StrEnum):
    """What is broken; panels and forms show the kinds in this order."""

    ELECTRICITY = "electricity"
    """A lamp or a socket."""
    FURNITURE = "furniture"
    """Furniture, a door or a window."""
    MACHINE = "machine"
    """A machine or a tool."""
    DISPLAY = "display"
    """A screen, a projector or a computer."""
    CLIMATE = "climate"
    """Heating or air."""
    WATER = "water"
    """Water or a toilet."""
    SENSOR = "sensor"
    """A sensor or a badge reader."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReportKey:
    """One report of a defect: which defect, and when. The sender alone sees it, and may take it back."""

    defect_id: UUID
    at: datetime

    def __str__(self) -> str:
        """Return it as addresses and forms hold it."""
        return f"{self.defect_id}.{(self.at - _EPOCH) // _MICROSECOND}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the report that an address or a form names; None if it names none."""
        defect, _, moment = text[:80].partition(".")
        if not (moment.isascii() and moment.isdigit()) or int(moment) > _LATEST:
            return None
        try:
            return cls(UUID(defect), _EPOCH + int(moment) * _MICROSECOND)
        except ValueError:
            return None


def kind_of(chosen: str) -> DefectKind:
    """Return the chosen kind. Raises DomainError for none of them."""
    try:
        return DefectKind(chosen)
    except ValueError:
        raise DomainError(errors.DEFECT_KIND_UNKNOWN) from None


def plain_note(typed: str) -> str:
    """Return a note without blanks around it and with single ones inside. Raises DomainError."""
    note = " ".join("".join(char if char.isprintable() else " " for char in typed).split())
    if len(note) > LONGEST_NOTE:
        raise DomainError(errors.DEFECT_NOTE_LONG, most=LONGEST_NOTE)
    return note
