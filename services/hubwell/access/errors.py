"""Errors of requests, accounts and service tokens."""

from datetime import timedelta
from math import ceil
from typing import Final

from hubwell.errors import N_, DomainError, ErrorKind

SIGN_IN_NEEDED: Final = ErrorKind(
    "sign-in-needed", N_("Sign in, or send a token: this is not public."), status=401
)
BAD_TOKEN: Final = ErrorKind(
    "bad-token", N_("This token is not valid: it is unknown, was revoked, or has expired."), status=401
)
NOT_ALLOWED: Final = ErrorKind(
    "not-allowed",
    N_("Your roles do not allow this. An administrator can change them."),
    status=403,
)
SCREEN_ONLY: Final = ErrorKind(
    "screen-only",
    N_("This browser is paired as a screen and opens nothing but what the screen shows."),
    status=403,
)
FORM_EXPIRED: Final = ErrorKind(
    "form-expired",
    N_(
        "This form has expired: it was open for too long, or you have signed in again since. Nothing was "
        "changed. Go back, reload the page and send it again."
    ),
    status=403,
)
TOO_MANY_TRIES: Final = ErrorKind(
    "too-many-tries", N_("Too many attempts. Try again in {minutes} min."), status=429
)
TOO_MANY_STREAMS: Final = ErrorKind(
    "too-many-streams",
    N_(
        "Too many live connections are open from your network or with your account. Close some of them, or "
        "try again later."
    ),
    status=429,
)

LOGIN_TAKEN: Final = ErrorKind("login-taken", N_("This login is taken. Choose another one."), "login", 409)
LOGIN_NOT_PLAIN: Final = ErrorKind(
    "login-not-plain", N_("Enter a login of 1 to {most} characters, without spaces."), "login"
)
PASSWORD_SHORT: Final = ErrorKind(
    "password-short", N_("Choose a password of at least {least} characters."), "password"
)
PASSWORD_LONG: Final = ErrorKind(
    "password-long", N_("Choose a password of at most {most} characters."), "password"
)
PASSWORD_COMMON: Final = ErrorKind(
    "password-common",
    N_("This password is easy to guess. Choose three or more words that do not belong together."),
    "password",
)
PASSWORD_IS_LOGIN: Final = ErrorKind(
    "password-is-login", N_("Choose a password that is not your login."), "password"
)
ACCOUNT_UNKNOWN: Final = ErrorKind(
    "account-unknown",
    N_("There is no such account. It may have been erased in the meantime."),
    status=404,
)
LAST_ADMIN: Final = ErrorKind(
    "last-admin", N_("This is the last administrator. Add another one first."), status=409
)
HUB_HAS_ADMIN: Final = ErrorKind(
    "hub-has-admin", N_("This hub has an administrator already. Sign in instead."), status=409
)
OWN_ACCOUNT: Final = ErrorKind("own-account", N_("Another administrator can erase your account."), status=409)

BADGE_NEW: Final = ErrorKind(
    "badge-new",
    N_("This badge was given out less than a day ago. Use another one, or try again tomorrow."),
    "code",
    409,
)

TOKEN_UNNAMED: Final = ErrorKind(
    "token-unnamed", N_("Enter the name of the program that uses the token."), "name"
)
ROLES_MISSING: Final = ErrorKind("roles-missing", N_("Choose at least one role."), "roles")
TOKEN_NAME_TAKEN: Final = ErrorKind(
    "token-name-taken", N_("A token had this name before. Choose another name."), "name", 409
)
TOKEN_UNKNOWN: Final = ErrorKind("token-unknown", N_("There is no such token."), status=404)


class TooManyTriesError(DomainError):
    """A rate limit was exceeded; `wait` is the time until the next try is allowed."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(TOO_MANY_TRIES, minutes=max(1, ceil(wait / timedelta(minutes=1))))
        self.wait = wait


CURRENT_PASSWORD_WRONG: Final = ErrorKind(
    "current-password-wrong", N_("This is not your current password."), "current"
)
PASSKEY_REFUSED: Final = ErrorKind(
    "passkey-refused", N_("This passkey was not accepted. Try again, or sign in with your password.")
)
PASSKEY_TOO_LATE: Final = ErrorKind(
    "passkey-too-late", N_("This took longer than five minutes, or was sent twice. Start again.")
)
PASSKEY_NAME_MISSING: Final = ErrorKind(
    "passkey-name-missing", N_("Give the passkey a name, for example the device that keeps it."), "name"
)
PASSKEY_NAME_LONG: Final = ErrorKind(
    "passkey-name-long", N_("The name of a passkey has at most {most} characters."), "name"
)
PASSKEYS_FULL: Final = ErrorKind(
    "passkeys-full", N_("An account has at most {most} passkeys. Remove one first."), status=409
)
PASSKEY_KNOWN: Final = ErrorKind("passkey-known", N_("This passkey is registered already."), status=409)
PASSKEY_GONE: Final = ErrorKind("passkey-gone", N_("There is no such passkey any more."), status=404)
PASSKEYS_NOT_HERE: Final = ErrorKind(
    "passkeys-not-here",
    N_("Passkeys cannot work at this hub's address. Your account's page says why."),
    status=409,
)
PASSKEY_NEEDS_PASSWORD: Final = ErrorKind(
    "passkey-needs-password",
    N_("Your account has no password here: your provider decides how you sign in."),
    status=409,
)
