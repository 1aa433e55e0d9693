"""Sign an allow-list with the hub's key, so that a device accepts it from its hub only."""

from nacl.signing import SigningKey

from hubwell_wire.commands import Roster, SealedRoster


def seal(roster: Roster, key: SigningKey) -> SealedRoster:
    """Return the message for a list: its JSON text and the Ed25519 signature of the text's UTF-8 bytes."""
    body = roster.encode()
    return SealedRoster(v=1, body=body.decode(), sig=key.sign(body).signature.hex())
