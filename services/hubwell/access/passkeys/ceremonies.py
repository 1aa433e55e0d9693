"""Register a passkey and verify a sign-in with one, by the library fido2 (WebAuthn Level 3, 7.1 and 7.2)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hubwell.access.errors import PASSKEY_REFUSED
from hubwell.access.passkeys.challenges import Challenge
from hubwell.access.passkeys.relying_party import RelyingParty
from hubwell.errors import DomainError

_LONGEST_ID: Final = 1023
_COSE_ALGORITHM: Final = 3
"""Label of the algorithm in a key (RFC 9052, 7.1)."""
_REQUIRED: Final = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey, as it is stored."""

    credential_id: bytes
    attested: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Assertion:
    """A sign-in as a browser sends it, not verified yet."""

    credential_id: bytes
    user_handle: bytes | None
    response: AuthenticationResponse


def creation_options(
    party: RelyingParty, challenge: Challenge, account_id: UUID, login: str, existing: Iterable[bytes]
) -> dict[str, Any]:
    """Return what `navigator.credentials.create` takes, as JSON: a key that is found without a login."""
    user = PublicKeyCredentialUserEntity(id=account_id.bytes, name=login, display_name=login)
    kind = PublicKeyCredentialType.PUBLIC_KEY
    options, _ = _server(party).register_begin(
        user,
        [PublicKeyCredentialDescriptor(type=kind, id=credential) for credential in existing],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=_REQUIRED,
        challenge=challenge.challenge,
    )
    return dict(options)


def request_options(party: RelyingParty, challenge: Challenge) -> dict[str, Any]:
    """Return what `navigator.credentials.get` takes, as JSON: for whichever passkey of the hub there is."""
    options, _ = _server(party).authenticate_begin(user_verification=_REQUIRED, challenge=challenge.challenge)
    return dict(options)


def register(party: RelyingParty, challenge: Challenge, sent: Mapping[str, Any]) -> Registered:
    """Verify a new passkey. Raises DomainError."""
    try:
        response = RegistrationResponse.from_dict(sent)
        data = _server(party).register_complete(_state(challenge), response)
    except Exception as error:  # parsing what a browser sent may raise anything
        raise DomainError(PASSKEY_REFUSED) from error
    attested = data.credential_data
    if response.response.client_data.cross_origin or attested is None or not _is_usable(attested):
        raise DomainError(PASSKEY_REFUSED)
    return Registered(attested.credential_id, bytes(attested), data.counter)


def _is_usable(attested: AttestedCredentialData) -> bool:
    """Return whether the id is as short as it has to be, and the key of an algorithm that was offered."""
    algorithm = attested.public_key.get(_COSE_ALGORITHM)
    return len(attested.credential_id) <= _LONGEST_ID and algorithm in CoseKey.supported_algorithms()


def read_assertion(sent: Mapping[str, Any]) -> Assertion:
    """Read a sign-in, to look its passkey up. Raises DomainError."""
    try:
        response = AuthenticationResponse.from_dict(sent)
    except Exception as error:  # parsing what a browser sent may raise anything
        raise DomainError(PASSKEY_REFUSED) from error
    return Assertion(response.raw_id, response.response.user_handle, response)


def verify(party: RelyingParty, challenge: Challenge, assertion: Assertion, attested: bytes) -> int:
    """Verify a sign-in against its stored passkey; return the authenticator's counter. Raises DomainError."""
    if assertion.response.response.client_data.cross_origin:
        raise DomainError(PASSKEY_REFUSED)
    try:
        credential = AttestedCredentialData(attested)
        _server(party).authenticate_complete(_state(challenge), [credential], assertion.response)
    except ValueError as error:
        raise DomainError(PASSKEY_REFUSED) from error
    return assertion.response.response.authenticator_data.counter


def _server(party: RelyingParty) -> Fido2Server:
    entity = PublicKeyCredentialRpEntity(id=party.id, name=party.name)
    # The origin itself and not any of its names below: the hub has one public address.
    return Fido2Server(
        entity,
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == party.origin,
    )


def _state(challenge: Challenge) -> dict[str, Any]:
    return {"challenge": websafe_encode(challenge.challenge), "user_verification": _REQUIRED}
