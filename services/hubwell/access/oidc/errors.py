"""Reasons an OpenID Connect login fails: the log names the exact reason, the page a group of them."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from hubwell.errors import N_, DomainError, ErrorKind
from hubwell.outbound.exchange import PASSING, ExchangeError

OidcFailure = Literal[
    "away",
    "setup",
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
    "groups-overage",
    "disabled",
    "last-admin",
]
PROVIDER_AWAY: Final = ErrorKind(
    "provider-away",
    N_("The provider does not answer. Try again in a few minutes. Reason: {why}."),
    status=502,
)
PROVIDER_SETUP: Final = ErrorKind(
    "provider-setup",
    N_(
        "Sign-in through the provider does not work with its present settings, and trying again does not "
        "help. Ask an administrator of the hub. Reason: {why}."
    ),
    status=502,
)
PROVIDER_DECLINED: Final = ErrorKind(
    "provider-declined", N_("The provider did not sign you in. Reason: {why}."), status=403
)
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
GROUPS_UNKNOWN: Final = ErrorKind(
    "groups-unknown",
    N_(
        "You are in more groups than the provider lists, so your role here is not known. Ask an "
        "administrator of the hub."
    ),
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
    "setup": PROVIDER_SETUP,
    "declined": PROVIDER_DECLINED,
    "state": LOGIN_STATE_LOST,
    "expired": ANSWER_EXPIRED,
    "not-yet": ANSWER_EXPIRED,
    "no-role": NO_ROLE,
    "groups-overage": GROUPS_UNKNOWN,
    "disabled": ACCOUNT_CLOSED,
    "last-admin": LAST_ADMIN_AT_PROVIDER,
}
OTHER_ACCOUNT: Final[frozenset[OidcFailure]] = frozenset(
    ("no-role", "groups-overage", "disabled", "last-admin", "declined")
)
"""Failures of this account: the next login offers the choice of another one."""

# The codes of RFC 6749 (4.1.2.1 and 5.2), RFC 6750 and OpenID Connect Core 1.0 (3.1.2.6): no other text of a
# provider goes into log and page.
_OAUTH_CODES: Final[dict[str, OidcFailure]] = {
    "server_error": "away",
    "temporarily_unavailable": "away",
    "invalid_grant": "expired",
    **dict.fromkeys(
        (
            "access_denied",
            "account_selection_required",
            "consent_required",
            "interaction_required",
            "login_required",
            "unmet_authentication_requirements",
        ),
        "declined",
    ),
    **dict.fromkeys(
        (
            "insufficient_scope",
            "invalid_client",
            "invalid_request",
            "invalid_request_object",
            "invalid_request_uri",
            "invalid_scope",
            "invalid_token",
            "registration_not_supported",
            "request_not_supported",
            "request_uri_not_supported",
            "unauthorized_client",
            "unsupported_grant_type",
            "unsupported_response_type",
        ),
        "setup",
    ),
}
_REMEDIES: Final[Mapping[str, str]] = {
    "any-tenant": "write your tenant's id into HUBWELL_OIDC_ISSUER, in place of common or organizations",
    "certificate": "set HUBWELL_CA_FILE to the certificate authority of the provider's certificate",
    "encrypted": "let the provider sign the tokens for this client, and not encrypt them",
    "groups-overage": "let the provider send only the groups that are assigned to Hubwell",
    "invalid_client": "check HUBWELL_OIDC_CLIENT_ID and HUBWELL_OIDC_CLIENT_SECRET",
    "invalid_scope": "set HUBWELL_OIDC_SCOPES to scopes that this client may request",
    "issuer-differs": "set HUBWELL_OIDC_ISSUER to the issuer that the provider's discovery document names",
    "no-json": "check HUBWELL_OIDC_ISSUER: a page answers there, and no provider",
    "redirect": "set HUBWELL_OIDC_ISSUER to the address that the provider itself uses",
    "status-404": "check HUBWELL_OIDC_ISSUER: no provider is at this address",
    "unauthorized_client": "allow this client the authorization code flow at the provider",
}


class OidcError(DomainError):
    """A login through the provider failed; no session was created.

    `failure` is the group of reasons, `why` the exact one: an error code of OAuth, a kind of failed exchange,
    or the failure itself. `detail` is for the log. All reasons that a forged response can cause have the same
    text in the browser.
    """

    def __init__(self, failure: OidcFailure, why: str = "", detail: str = "") -> None:
        super().__init__(_KINDS.get(failure, ANSWER_NOT_TRUSTED), why=why or failure)
        self.failure: OidcFailure = failure
        self.why = why or failure
        self.detail = "; ".join(filter(None, (detail, _REMEDIES.get(self.why))))


def of_exchange(error: ExchangeError) -> OidcError:
    """Return what a failed exchange with the provider means: some pass, others need a changed setting."""
    return OidcError("away" if error.failure in PASSING else "setup", error.failure, str(error))


def of_oauth(code: Any) -> OidcError | None:  # noqa: ANN401 (JSON of the provider)
    """Return what an error code of OAuth means; None for any other value."""
    failure = _OAUTH_CODES.get(code) if isinstance(code, str) else None
    return OidcError(failure, code) if failure else None
