"""From a card to the identity that is sent: pseudonyms replace the card's number, which goes no further."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubwell_edge.readers.reader import Card
from hubwell_wire.commands import Roster
from hubwell_wire.enumerations import Verdict
from hubwell_wire.messages import SunMessage, TapData
from hubwell_wire.pseudonym import EpochKey, proof, pseudonym, token_proof, token_pseudonym


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of a card as far as a device can derive it.

    `badge` is the pseudonym of the newest epoch, or None where only the server can derive it from `sun`.
    `was` is the pseudonym of an earlier epoch that the list of badges contains. `proof` shows in the newest
    epoch that the card itself was here.
    """

    badge: str | None
    epoch: int
    was: str | None = None
    sun: SunMessage | None = None
    proof: str | None = None

    @property
    def badges(self) -> tuple[str, ...]:
        """The pseudonyms by which the person may be on the list, the newest first."""
        return tuple(badge for badge in (self.badge, self.was) if badge is not None)

    def tap(self, reader: str, said: Verdict | None) -> TapData:
        """Return the tap event at a reader; `said` is the verdict already shown, if any."""
        return TapData(
            reader=reader,
            badge=self.badge,
            epoch=self.epoch,
            was=self.was,
            sun=self.sun,
            proof=self.proof,
            said=said,
        )


def lacks_stable_id(card: Card) -> bool:
    """Return whether the card has nothing that stays the same from tap to tap, as with phones."""
    return card.random_uid and card.sun is None and card.token is None


def identify(card: Card, epochs: Sequence[EpochKey], roster: Roster | None) -> Identity:
    """Return the identity of a card. `epochs` has at least one key, the newest first.

    Raises ValueError for a QR code that is not one of Hubwell's, without repeating its text.
    """
    newest = epochs[0]
    badge = _pseudonym(card, newest)
    listed = roster.badges if roster is not None else {}
    was = None
    if badge is not None and badge not in listed:
        # Only enrolled badges are linked across a change of keys; others stay unlinkable by design.
        older = (_pseudonym(card, key) for key in epochs[1:])
        was = next((old for old in older if old is not None and old in listed), None)
    return Identity(badge, newest.epoch, was, card.sun, _proof(card, newest))


def _proof(card: Card, key: EpochKey) -> str | None:
    if card.token is not None:
        return token_proof(card.token, key)
    if card.uid is None or card.random_uid:
        return None
    return proof(card.uid, key)


def _pseudonym(card: Card, key: EpochKey) -> str | None:
    if card.token is not None:
        return token_pseudonym(card.token, key)
    if card.uid is None or card.random_uid:
        return None
    return pseudonym(card.uid, key)
