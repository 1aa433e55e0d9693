"""Messages of the server on `down/cmd` and `down/config`: answers, erasures, musters, lists of badges.

Frozen pydantic models like those of `messages`; the text under a field is its description in the published
contract.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, FailFast, Field, StringConstraints

from hubwell_wire.enumerations import Language, Verdict
from hubwell_wire.fields import (
    MAX_DETAIL,
    Id,
    Pseudonym,
    ReaderName,
    Sequence,
    Signature,
    Text,
    Timestamp,
    Version,
    WireModel,
)


class Answer(WireModel):
    """The server's answer to one tap, for the person who stands there; on `down/cmd`.

    It comes after the commit. Where the reader has spoken already it corrects it. A later one for the same
    tap, `out` and without a text, is for the device alone: the person has left without a tap at its door.
    """

    v: Version
    """Version of the contract."""
    type: Literal["answer"]
    """Says which command it is."""
    boot: Id
    """The numbering that it is about."""
    seq: Sequence
    """Number of the tap."""
    verdict: Verdict
    """What became of the tap."""
    text: Annotated[Text, StringConstraints(max_length=MAX_DETAIL)] = ""
    """The same in words, in the person's language."""
    lang: Language = "en"
    """The language of `text`."""
    at: Timestamp | None = None
    """When the server sent it: refused when it is more than 5 minutes ahead."""
    sig: Signature | None = None
    """Ed25519 signature of topic, line feed and the payload's bytes before this last field; hexadecimal."""


class Tombstone(WireModel):
    """An erased badge that nobody can recognise but who holds its pseudonym already."""

    salt: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """16 random bytes in hexadecimal."""
    tag: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the salt's bytes followed by the pseudonym's 16 bytes, in hexadecimal."""


class Forget(WireModel):
    """Delete every waiting tap of these badges and declare the hole as `erased`; on `down/cmd`."""

    v: Version
    """Version of the contract."""
    type: Literal["forget"]
    """Says which command it is."""
    badges: Annotated[tuple[Tombstone, ...], Field(max_length=1000, strict=False), FailFast()]
    """Whose taps; also dropped from lists and from what the device knows of who is in."""
    at: Timestamp | None = None
    """When the server sent it: refused when it is more than 5 minutes ahead, or not
    after the newest one carried out."""
    sig: Signature | None = None
    """Ed25519 signature of topic, line feed and the payload's bytes before this last field; hexadecimal."""


class Muster(WireModel):
    """Who is probably inside, for a muster with the server gone; on `down/cmd`.

    Sealed: a device keeps it and cannot read it.
    """

    v: Version
    """Version of the contract."""
    type: Literal["muster"]
    """Says which command it is."""
    at: Timestamp
    """When it was true."""
    sealed: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/=]*$")]
    """A `MusterSnapshot` as JSON in a NaCl sealed box (X25519, XSalsa20-Poly1305), base64."""
    sig: Signature | None = None
    """Ed25519 signature of topic, line feed and the payload's bytes before this last field; hexadecimal."""


class MusterEntry(WireModel):
    """One person who is probably inside."""

    name: str
    """Name, or a label for who has none."""
    space: str
    """Id of the space."""
    zone: str
    """Zone of the space."""
    since: Timestamp
    """Since when."""
    badges: tuple[Pseudonym, ...] = Field(default=(), strict=False)
    """Pseudonyms of the person's badges, so that later taps at the device itself can be counted in."""


_LANGUAGES: Final = frozenset(get_args(Language))
_VERDICTS: Final = frozenset(get_args(Verdict))


def _known_language(value: object) -> object:
    """Treat an unknown language as none: an older device must not reject the whole list."""
    return value if not isinstance(value, str) or value in _LANGUAGES else None


class MusterSnapshot(WireModel):
    """What a `Muster` holds when it is opened."""

    at: Timestamp
    """When it was true."""
    inside: Annotated[tuple[MusterEntry, ...], Field(strict=False)]
    """Everybody who is probably inside."""
    people: Annotated[tuple[MusterEntry, ...], Field(strict=False)] = ()
    """Everybody who is enrolled and not inside: who taps in later is known by name."""
    lang: Annotated[Language | None, BeforeValidator(_known_language)] = None
    """Language of `texts`, the hub's own."""
    zone: str = "UTC"
    """Time zone of the hub, a name of the IANA database: the list is printed in its local time."""
    spaces: dict[str, str] = Field(default={})
    """Names of the hub's spaces, by id."""
    texts: dict[str, str] = Field(default={})
    """Sentences of the list in the hub's language, with their values in braces. A device uses those that it
    knows (`title`, `age`, `age_unknown`, `no_zone`, `person`, `later`, `total`, `no_own_taps`, `nameless`),
    and English for the rest.
    """


class SealedRoster(WireModel):
    """The list of badges as it goes over `down/config`, retained: text and signature.

    The signature is over the bytes of `body`, so that nobody needs to write JSON in one canonical way.
    """

    v: Version
    """Version of the contract."""
    body: str
    """A `Roster` as JSON text."""
    sig: Signature
    """Ed25519 signature of the body's UTF-8 bytes, 64 bytes in hexadecimal."""


def _known_texts(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {
        language: {verdict: text for verdict, text in texts.items() if verdict in _VERDICTS}
        if isinstance(texts, dict)
        else texts
        for language, texts in value.items()
        if language in _LANGUAGES
    }


def _known_languages(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {language: text for language, text in value.items() if language in _LANGUAGES}


class RosterBadge(WireModel):
    """One badge that a reader knows."""

    lang: Annotated[Language | None, BeforeValidator(_known_language)] = None
    """Language that its person chose."""
    revoked: bool = False
    """Reported lost or replaced."""


class RosterReader(WireModel):
    """What a reader of the device is for."""

    purpose: Literal["space", "desk", "kiosk"]
    """A space's door, staff's desk, or a kiosk that shows one-time codes."""


class RosterSpace(WireModel):
    """The space whose doors the device's readers are, and what becomes of whoever comes when it is full.

    How many are in is not told: the device counts who came in by its own doors.
    """

    id: str = ""
    """Id of the space."""
    zone: str = ""
    """Zone of the space: on a muster, whoever tapped in here later is there."""
    capacity: Annotated[int, Field(ge=1)]
    """How many people it holds."""
    when_full: Literal["warn", "refuse"]
    """Let people in and say that it is full, or turn them away."""


class RosterEvacuation(WireModel):
    """An evacuation or a drill that is open: every reader shows it, with and without a tap."""

    until: Timestamp
    """A device that gets no newer list stops showing it then."""
    texts: Annotated[dict[Language, str], BeforeValidator(_known_languages)]
    """What to do and where to gather, in each language."""


class Roster(WireModel):
    """What a device needs to answer taps with the network gone. It holds no names."""

    site: str
    """The site it is made for."""
    device: str
    """The device it is made for."""
    at: Timestamp
    """When it was made: a device shows its age and never goes back to an older one."""
    unknown: Literal["refuse", "count"]
    """What the hub does with badges that are not on the list."""
    badges: dict[Pseudonym, RosterBadge]
    """The badges by pseudonym, of every epoch that still has a key."""
    readers: dict[ReaderName, RosterReader] = Field(default={})
    """The device's readers that are not a space's door."""
    texts: Annotated[dict[Language, dict[Verdict, str]], BeforeValidator(_known_texts)]
    """What a reader says, in each language. A device leaves out what it does not know."""
    lang: Language = "en"
    """The hub's own language, for who chose none."""
    space: RosterSpace | None = None
    """The space that the device's doors lead to, if it has one."""
    crowded: Annotated[dict[Language, str], BeforeValidator(_known_languages)] = Field(default={})
    """What a reader says in each language to who is let in though the space is full."""
    evacuation: RosterEvacuation | None = None
    """Present while everybody has to leave."""


Command = Annotated[Answer | Forget | Muster, Field(discriminator="type")]
