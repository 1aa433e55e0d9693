"""From a card to what is sent of it: pseudonyms in place of its number, which goes no further than here."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubwell_edge.readers.reader import Card
from hubwell_wire.commands import Roster
from hubwell_wire.fields import Verdict
from hubwell_wire.messages import SunMessage, TapData
from hubwell_wire.pseudonym import EpochKey, pseudonym, token_pseudonym


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a card stands for, as far as a device can know. `badge` is None where only the server can tell."""

    badge: str | None
    epoch: int
    was: str | None = None
    sun: SunMessage | None = None

    @property
    def badges(self) -> tuple[str, ...]:
        """The pseudonyms by which the person may be on a list, the newest first."""
        return tuple(badge for badge in (self.badge, self.was) if badge is not None)

    def tap(self, reader: str, said: Verdict | None) -> TapData:
        """Return the tap that is sent."""
        return TapData(
            reader=reader, badge=self.badge, epoch=self.epoch, was=self.was, sun=self.sun, said=said
        )


def hides_itself(card: Card) -> bool:
    """Tell whether the card has nothing that stays the same from tap to tap, as phones do."""
    return card.random_uid and card.sun is None and card.token is None


def identify(card: Card, epochs: Sequence[EpochKey], roster: Roster | None) -> Identity:
    """Return whom a card stands for. `epochs` are the keys, the newest first; there is at least one.

    Raises ValueError for a code that is none of ours, without repeating it.
    """
    newest = epochs[0]
    badge = _pseudonym(card, newest)
    known = roster.badges if roster is not None else {}
    was = None
    if badge is not None and badge not in known:
        # A badge that is not enrolled is never linked over a change of keys.
        older = (_pseudonym(card, key) for key in epochs[1:])
        was = next((old for old in older if old is not None and old in known), None)
    return Identity(badge, newest.epoch, was, card.sun)


def _pseudonym(card: Card, key: EpochKey) -> str | None:
    if card.token is not None:
        return token_pseudonym(card.token, key)
    if card.uid is None or card.random_uid:
        return None
    return pseudonym(card.uid, key)
