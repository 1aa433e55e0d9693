"""Validate an ID token (OpenID Connect Core 1.0, 3.1.3.7)."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jws import extract_compact

from hubwell.access.oidc.errors import OidcError
from hubwell.access.oidc.keys import ALGORITHMS, ProviderKeys

_GOOGLE: Final = "https://accounts.google.com"
_OTHER_SPELLING: Final = {_GOOGLE: _GOOGLE.removeprefix("https://")}
"""Issuers that providers write in a second way, as they document (OpenID Connect Core 1.0, 15.6.2)."""
_DOTS_OF_ENCRYPTED: Final = 4
_LEEWAY_S: Final = 60
"""Seconds that the provider's clock and this server's may differ."""
_LONGEST_SUBJECT: Final = 255
"""Characters; OpenID Connect Core 1.0, 2."""


class UnknownKeyError(OidcError):
    """No key in the cached key set of the provider verifies the token."""

    def __init__(self) -> None:
        super().__init__("signature")


def signed_claims(token: str, keys: ProviderKeys) -> dict[str, Any]:
    """Return the claims of a token after verifying its signature. Raises OidcError.

    Raises UnknownKeyError, a kind of OidcError, if no key of the set verifies it.
    """
    header = _header_of(token)
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise OidcError("algorithm")
    for key in keys.fitting(algorithm, header.get("kid")):
        try:
            return dict(jwt.decode(token, key, algorithms=ALGORITHMS).claims)
        except BadSignatureError:
            continue
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise OidcError("malformed") from error
    raise UnknownKeyError


def _header_of(token: str) -> Mapping[str, Any]:
    """Return the header of a signed token. Raises OidcError."""
    if token.count(".") == _DOTS_OF_ENCRYPTED:
        raise OidcError("setup", "encrypted")
    try:
        return extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise OidcError("malformed") from error


def check_claims(claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> str:
    """Check issuer, audience, nonce and times of a token; return its subject. Raises OidcError.

    `now` is the Unix time in seconds.
    """
    audiences = _audiences(claims)
    if claims.get("iss") not in (issuer, _OTHER_SPELLING.get(issuer, issuer)):
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
    # RFC 7519, 4.1.5: a token must not be accepted before this time; what is no time cannot be kept.
    if "nbf" in claims and not (_is_number(claims["nbf"]) and claims["nbf"] <= now + _LEEWAY_S):
        raise OidcError("not-yet")
    subject = claims.get("sub")
    if isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT and subject.isprintable():
        return subject
    raise OidcError("malformed")


def check_userinfo(claims: Mapping[str, Any], *, issuer: str, client_id: str) -> None:
    """Check issuer and audience of a signed UserInfo response (OpenID Connect Core 1.0, 5.3.2), where named.

    Raises OidcError.
    """
    if claims.get("iss", issuer) != issuer:
        raise OidcError("issuer")
    if "aud" in claims and client_id not in _audiences(claims):
        raise OidcError("audience")


def _audiences(claims: Mapping[str, Any]) -> Sequence[object]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _is_number(value: object) -> bool:
    """Return whether a claim is a number. NaN, which Python's JSON accepts, fails every comparison later."""
    return isinstance(value, int | float) and not isinstance(value, bool)
