"""What a badge does at a panel: it takes the space, extends or ends, and the panel shows what came of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection

from hubwell.booking import errors
from hubwell.booking.door import requests, walk_ins
from hubwell.booking.door.requests import DoorAnswer, State, Wish
from hubwell.errors import DomainError
from hubwell.web.kit.formatting import Formatter

SHOWN_FOR: Final = timedelta(seconds=45)
"""How long a press is shown: it waits for a badge first, then what came of it can be read."""
_READ_FOR: Final = timedelta(seconds=12)
_REFUSALS: Final = {
    kind.code: kind
    for kind in (
        errors.WALK_INS_OFF,
        errors.WALK_IN_TAKEN,
        errors.WALK_IN_CLOSED,
        errors.WALK_IN_SECOND,
        errors.WALK_IN_NOT_YOURS,
        errors.WALK_IN_NO_LONGER,
        errors.WALK_IN_LENGTH_UNKNOWN,
        errors.WALK_IN_NO_READER,
    )
}
_SEPARATOR: Final = ":"
Conn = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class DoorTargets:
    """Which targets for badges a panel has."""

    may_take: bool = False
    may_change: bool = False


@dataclass(frozen=True, slots=True)
class Press:
    """A button: its value, and what it says."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class WalkIn:
    """What a part says about a badge: buttons, or what became of a press."""

    headline: str
    lines: list[str] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    state: State | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a badge is waited for: the panel looks more often."""
        return self.state == "waiting"

    def shown_for(self, remaining: timedelta) -> timedelta:
        """Return how long it is shown, of the time that the part has left."""
        return min(remaining, _READ_FOR) if self.state in {"done", "refused", "expired"} else remaining


async def targets_of(conn: Conn, space_id: str, words: Formatter) -> DoorTargets:
    """Return the targets of a space that has a reader."""
    state = await walk_ins.door_state(conn, space_id, words.zone, words.now)
    return DoorTargets(walk_ins.take_refusal(state) is None, state.is_booked_now)


def wish_of(value: str) -> tuple[Wish, str]:
    """Return what a button's value means, with the minutes as text. Raises DomainError."""
    wish, _, minutes = value.partition(_SEPARATOR)
    if wish not in set(Wish):
        raise DomainError(errors.WALK_IN_LENGTH_UNKNOWN)
    return Wish(wish), minutes


async def take_part(conn: Conn, space_id: str, words: Formatter) -> WalkIn:
    """Return how long the space can be taken, or why not."""
    _ = words.translations.gettext
    state = await walk_ins.door_state(conn, space_id, words.zone, words.now)
    refusal = walk_ins.take_refusal(state)
    if refusal is not None:
        return refused_part(refusal.code, words)
    text = _("{minutes} min, until {time}")
    presses = [
        Press(
            f"{Wish.TAKE}{_SEPARATOR}{length.minutes}",
            text.format(minutes=length.minutes, time=words.time(length.end)),
        )
        for length in state.lengths(words.now)
    ]
    return WalkIn(_("How long do you need it?"), [_("Then hold your badge to the reader.")], presses)


def change_part(words: Formatter) -> WalkIn:
    """Return how what is booked now can be changed with a badge."""
    _ = words.translations.gettext
    longer = _("{minutes} min longer")
    presses = [
        Press(f"{Wish.EXTEND}{_SEPARATOR}{minutes}", longer.format(minutes=minutes))
        for minutes in walk_ins.EXTENSIONS
    ]
    presses.append(Press(Wish.END, _("End it now")))
    lines = [_("Then hold the badge that took it to the reader.")]
    return WalkIn(_("Extend or end"), lines, presses)


async def asked_part(conn: Conn, space_id: str, request: str, words: Formatter) -> WalkIn | None:
    """Return what became of a press; None where another one took its place."""
    try:
        request_id = UUID(request)
    except ValueError:
        return None
    answer = await requests.answer_to(conn, space_id, request_id, words.now)
    if answer is None:
        return None
    if answer.state == "refused":
        return refused_part(answer.refusal, words)
    return _waiting(answer, words) if answer.state == "waiting" else _over(answer, words)


def refused_part(code: str, words: Formatter) -> WalkIn:
    """Return why a badge took, extended or ended nothing."""
    _ = words.translations.gettext
    kind = _REFUSALS.get(code, errors.WALK_INS_OFF)
    return WalkIn(_("Nothing has changed"), [_(kind.text)], state="refused")


def _waiting(answer: DoorAnswer, words: Formatter) -> WalkIn:
    _ = words.translations.gettext
    minutes = answer.request.minutes
    line = {
        Wish.TAKE: _("The badge that is held to it takes this space for {minutes} minutes."),
        Wish.EXTEND: _("The badge that took this space keeps it {minutes} minutes longer."),
        Wish.END: _("The badge that took this space ends its time."),
    }[answer.request.wish]
    return WalkIn(_("Hold your badge to the reader now"), [line.format(minutes=minutes)], state="waiting")


def _over(answer: DoorAnswer, words: Formatter) -> WalkIn:
    _ = words.translations.gettext
    if answer.until is None:
        return WalkIn(_("No badge was held to the reader"), [_("Nothing has changed")], state="expired")
    if answer.request.wish is Wish.END:
        return WalkIn(_("It has ended"), [_("Thank you. It is free for others.")], state="done")
    lines = [answer.part] if answer.part else []
    lines.append(_("The same badge extends or ends it here."))
    return WalkIn(_("It is yours until {time}").format(time=_time(answer.until, words)), lines, state="done")


def _time(moment: datetime, words: Formatter) -> str:
    same_day = moment.astimezone(words.zone).date() == words.now.astimezone(words.zone).date()
    return words.time(moment) if same_day else words.clock(moment)
