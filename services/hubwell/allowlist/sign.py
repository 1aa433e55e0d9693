"""Sign a list of badges, so that a device takes it from nobody but its hub."""

from nacl.signing import SigningKey

from hubwell_wire.commands import Roster, SealedRoster


def seal(roster: Roster, key: SigningKey) -> SealedRoster:
    """Return the list as it travels: its text, and the Ed25519 signature of the text's UTF-8 bytes."""
    body = roster.encode()
    return SealedRoster(v=1, body=body.decode(), sig=key.sign(body).signature.hex())
