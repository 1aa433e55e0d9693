"""Validate an ID token (OpenID Connect Core 1.0, 3.1.3.7)."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    InvalidKeyIdError,
    JoseError,
    MissingAlgorithmError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import KeySet

from hubwell.access.oidc.errors import OidcError

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
    "EdDSA",
)
"""Asymmetric signatures only: neither ``none`` nor HMAC with the client secret."""
_LEEWAY_S: Final = 60
"""Seconds that the provider's clock and this server's may differ."""
_LONGEST_SUBJECT: Final = 255
"""Characters; OpenID Connect Core 1.0, 2."""


class UnknownKeyError(OidcError):
    """The token is signed with a key that is not in the cached key set of the provider."""

    def __init__(self) -> None:
        super().__init__("signature")


def signed_claims(token: str, keys: KeySet) -> dict[str, Any]:
    """Return the claims of a token after verifying its signature. Raises OidcError.

    Raises UnknownKeyError, a kind of OidcError, if the key set has no key of the token's id.
    """
    try:
        return dict(jwt.decode(token, keys, algorithms=_ALGORITHMS).claims)
    except InvalidKeyIdError as error:
        raise UnknownKeyError from error
    except (UnsupportedAlgorithmError, MissingAlgorithmError) as error:
        raise OidcError("algorithm") from error
    except BadSignatureError as error:
        raise OidcError("signature") from error
    except (JoseError, ValueError, TypeError) as error:
        raise OidcError("malformed") from error


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> str:
    """Check issuer, audience, nonce and times of a token; return its subject. Raises OidcError.

    `now` is the Unix time in seconds.
    """
    audience = claims.get("aud")
    audiences: Sequence[object] = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        raise OidcError("issuer")
    if client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != client_id):
        raise OidcError("audience")
    if claims.get("azp", client_id) != client_id:
        raise OidcError("audience")
    if not isinstance(claims.get("nonce"), str) or not hmac.compare_digest(
        claims["nonce"].encode(errors="replace"), nonce.encode()
    ):
        raise OidcError("nonce")
    if not (_is_number(claims.get("exp")) and claims["exp"] > now - _LEEWAY_S):
        raise OidcError("expired")
    if not (_is_number(claims.get("iat")) and claims["iat"] <= now + _LEEWAY_S):
        raise OidcError("not-yet")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise OidcError("malformed")
    return subject


def _is_number(value: object) -> bool:
    """Return whether a claim is a number. NaN, which Python's JSON accepts, fails every comparison later."""
    return isinstance(value, int | float) and not isinstance(value, bool)
