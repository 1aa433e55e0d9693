"""Why a sign-in through a provider comes to nothing."""

from typing import Final, Literal

OidcFailure = Literal[
    "away",
    "declined",
    "state",
    "malformed",
    "algorithm",
    "signature",
    "issuer",
    "audience",
    "nonce",
    "expired",
    "not-yet",
    "no-role",
    "disabled",
    "last-admin",
]
_SENTENCES: Final[dict[OidcFailure, str]] = {
    "away": "the provider does not answer as a provider of OpenID Connect should",
    "declined": "the provider did not sign anybody in",
    "state": "this answer belongs to no sign-in that was begun in this browser, or to one that is over",
    "malformed": "the provider's token cannot be read",
    "algorithm": "the provider's token is not signed in a way that proves who wrote it",
    "signature": "the signature of the provider's token is wrong",
    "issuer": "the token was written by another provider",
    "audience": "the token was written for another program",
    "nonce": "the token belongs to another sign-in",
    "expired": "the token is too old",
    "not-yet": "the token is from the future: one of the clocks is wrong",
    "no-role": "nobody gave this account a role here",
    "disabled": "this account was closed here",
    "last-admin": "its groups no longer give it the role of the last administrator: make another one first",
}


class OidcError(Exception):
    """A sign-in through the provider is refused, nothing was changed; `why` is for translating."""

    def __init__(self, why: OidcFailure) -> None:
        super().__init__(_SENTENCES[why])
        self.why: OidcFailure = why
