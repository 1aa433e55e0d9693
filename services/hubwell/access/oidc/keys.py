"""The provider's key set (RFC 7517), and which of its keys may have signed a token."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from hubwell.access.oidc.errors import OidcError

PublicKey = RSAKey | ECKey | OKPKey
_KINDS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    **dict.fromkeys(("Ed25519", "EdDSA"), ("OKP", "Ed25519")),
}
"""The kind of key and the curve of each algorithm. Asymmetric signatures only: neither `none` nor HMAC."""
ALGORITHMS: Final = tuple(_KINDS)
_TWO_NAMES: Final = ("Ed25519", "EdDSA")
"""Names of one algorithm (RFC 9864)."""
_SMALLEST_RSA_BITS: Final = 2048
"""RFC 7518, 3.3."""
_MOST_KEYS_TRIED: Final = 8
"""Keys that are tried for one token, where several fit."""


@dataclass(frozen=True, slots=True)
class ProviderKeys:
    """The keys of a provider that can verify a signature."""

    keys: tuple[PublicKey, ...]

    def fitting(self, algorithm: str, key_id: object) -> Sequence[PublicKey]:
        """Return the keys that may have signed a token with this algorithm and key id, at most eight.

        A key without an id fits every id, and a token without an id may be signed by every key.
        """
        keys = [key for key in self.keys if _signs_with(key, algorithm)]
        if isinstance(key_id, str):
            keys = [key for key in keys if key.get("kid", key_id) == key_id]
        return keys[:_MOST_KEYS_TRIED]


def provider_keys(document: Mapping[str, Any]) -> ProviderKeys:
    """Return the keys of a key set that verify signatures; others are ignored (RFC 7517, 5).

    Raises OidcError if there is none.
    """
    entries = document.get("keys")
    keys = [_signing_key(item) for item in entries] if isinstance(entries, list) else []
    usable = tuple(key for key in keys if key is not None)
    if not usable:
        detail = f"of {len(keys)} keys that the provider publishes, none verifies signatures"
        raise OidcError("setup", "no-keys", detail)
    return ProviderKeys(usable)


def _signing_key(item: object) -> PublicKey | None:
    """Return the key; None for one that is for encryption, symmetric, too short, or that cannot be read."""
    if not isinstance(item, dict) or item.get("kty") == "oct":
        return None
    if item.get("alg") in _TWO_NAMES:
        item = {name: value for name, value in item.items() if name != "alg"}  # the curve says the same
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # of a short key, which is refused below
            key = JWKRegistry.import_key(item)
    except (JoseError, LookupError, TypeError, ValueError):
        return None
    if not isinstance(key, PublicKey) or key.get("use", "sig") != "sig":
        return None
    operations = key.get("key_ops")
    if operations and "verify" not in operations:
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _SMALLEST_RSA_BITS:
        return None
    return key


def _signs_with(key: PublicKey, algorithm: str) -> bool:
    kind, curve = _KINDS[algorithm]
    is_kind = key.key_type == kind and (not curve or getattr(key, "curve_name", "") == curve)
    return is_kind and key.get("alg", algorithm) == algorithm
