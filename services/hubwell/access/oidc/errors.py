"""Reasons an OpenID Connect login fails: the log names the exact reason, the page a group of them."""

from typing import Final, Literal

from hubwell.errors import N_, DomainError, ErrorKind

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
PROVIDER_AWAY: Final = ErrorKind(
    "provider-away", N_("The provider does not answer. Try again in a few minutes."), status=502
)
PROVIDER_DECLINED: Final = ErrorKind("provider-declined", N_("The provider did not sign you in."), status=403)
LOGIN_STATE_LOST: Final = ErrorKind(
    "login-state-lost",
    N_("This sign-in has expired or was started in another browser. Start again."),
    status=403,
)
ANSWER_NOT_TRUSTED: Final = ErrorKind(
    "provider-answer-not-trusted",
    N_("The provider's response is not valid, so you were not signed in. Start again."),
    status=403,
)
ANSWER_EXPIRED: Final = ErrorKind(
    "provider-answer-expired",
    N_("The provider's response has expired, or a clock is wrong. Try again."),
    status=403,
)
NO_ROLE: Final = ErrorKind(
    "no-role",
    N_("You have no role here yet. Ask an administrator of the hub."),
    status=403,
)
ACCOUNT_CLOSED: Final = ErrorKind(
    "account-closed", N_("This account is closed. Ask an administrator of the hub."), status=403
)
LAST_ADMIN_AT_PROVIDER: Final = ErrorKind(
    "last-admin-at-provider",
    N_(
        "Your groups at the provider no longer make you an administrator, and you are the last one of this "
        "hub. Make another one first."
    ),
    status=403,
)
_KINDS: Final[dict[OidcFailure, ErrorKind]] = {
    "away": PROVIDER_AWAY,
    "declined": PROVIDER_DECLINED,
    "state": LOGIN_STATE_LOST,
    "expired": ANSWER_EXPIRED,
    "not-yet": ANSWER_EXPIRED,
    "no-role": NO_ROLE,
    "disabled": ACCOUNT_CLOSED,
    "last-admin": LAST_ADMIN_AT_PROVIDER,
}


class OidcError(DomainError):
    """A login through the provider failed; no session was created.

    `failure` is for the log. All reasons that a forged response can cause have the same text in the browser.
    """

    def __init__(self, failure: OidcFailure) -> None:
        super().__init__(_KINDS.get(failure, ANSWER_NOT_TRUSTED))
        self.failure: OidcFailure = failure
