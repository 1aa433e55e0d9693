"""Say in the reader's language why something about accounts cannot be done."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from hubwell.access.accounts import AccountError, Reason
from hubwell.access.oidc.errors import OidcError, OidcFailure
from hubwell.access.tokens import TokenError
from hubwell.vocabulary import Role
from hubwell.web.kit.formatting import Formatter


def role_names(words: Formatter) -> Mapping[str, str]:
    """Return what each role is called, with what it may do."""
    _ = words.translations.gettext
    return {
        Role.LEARNER: _("Learner: sees their own visits"),
        Role.STAFF: _("Staff: enrols badges, checks people in, keeps the roll of their sessions"),
        Role.FACILITIES: _("Facilities: reads devices, air and use of spaces"),
        Role.OSH: _("Safety at work: alerts and musters"),
        Role.ADMIN: _("Administrator: accounts, keys, retention, audit log"),
    }


def short_role_names(words: Formatter) -> Mapping[str, str]:
    """Return what each role is called."""
    _ = words.translations.gettext
    return {
        Role.LEARNER: _("Learner"),
        Role.STAFF: _("Staff"),
        Role.FACILITIES: _("Facilities"),
        Role.OSH: _("Safety at work"),
        Role.ADMIN: _("Administrator"),
    }


def account_mistake(words: Formatter, error: AccountError) -> dict[str, str]:
    """Return the field at fault and the sentence for it."""
    _ = words.translations.gettext
    said: dict[Reason, tuple[str, str]] = {
        "login-taken": ("login", _("This login is taken. Choose another one.")),
        "login-not-plain": ("login", _("Enter a login of 1 to 120 characters, without blanks.")),
        "name-long": ("name", _("Enter a name of at most 120 characters.")),
        "password-short": ("password", _("Choose a password of at least 12 characters.")),
        "password-long": ("password", _("Choose a password of at most 1000 characters.")),
        "password-is-login": ("password", _("Choose a password that is not your login.")),
        "last-admin": ("", _("This is the last administrator. Make another one first.")),
        "hub-has-admin": ("", _("This hub has an administrator already. Sign in instead.")),
        "account-unknown": ("", _("There is no such account. It may have been erased in the meantime.")),
    }
    return dict([said[error.reason]])


def token_mistake(words: Formatter, error: TokenError) -> dict[str, str]:
    """Return the field at fault and the sentence for it."""
    _ = words.translations.gettext
    said = {
        "token-unnamed": ("name", _("Enter a name that says which program uses the token.")),
        "roles-missing": ("roles", _("Choose at least one role.")),
        "token-name-taken": ("name", _("There was a token of this name already. Choose another name.")),
        "token-unknown": ("", _("There is no such token.")),
    }
    return dict([said[error.reason]])


def provider_doubt(words: Formatter, error: OidcError) -> str:
    """Say why a sign-in through the provider came to nothing."""
    _ = words.translations.gettext
    late = _("The provider's answer is too old, or a clock is wrong. Try again.")
    said: dict[OidcFailure, str] = {
        "away": _("The provider does not answer. Try again in a few minutes."),
        "declined": _("The provider did not sign you in."),
        "state": _("This sign-in is over or was begun in another browser. Begin again."),
        "no-role": _("The provider knows you, but you have no role here yet. Ask those who run the hub."),
        "disabled": _("This account was closed. Ask those who run the hub."),
        "last-admin": _(
            "Your groups at the provider no longer make you an administrator, and you are the last one of "
            "this hub. Make another one first."
        ),
        "expired": late,
        "not-yet": late,
    }
    forged = _("The provider's answer cannot be trusted, so nobody was signed in. Begin again.")
    return said.get(error.why, forged)


def wait(words: Formatter, time: timedelta) -> str:
    """Say when something may be tried again."""
    minutes = max(1, ceil(time.total_seconds() / 60))
    return words.translations.ngettext(
        "This was tried too often. Try again in {n} minute.",
        "This was tried too often. Try again in {n} minutes.",
        minutes,
    ).format(n=minutes)
