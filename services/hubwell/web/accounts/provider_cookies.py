"""Cookies of logins through the provider: one for each login that was begun, and what to ask next time."""

from typing import Final, get_args

from fastapi import Request
from fastapi.responses import Response

from hubwell.access.oidc.client import Begun, Prompt
from hubwell.access.oidc.login_state import LIFETIME_S
from hubwell.http.parts import parts_of

_PROMPT_PATH: Final = "/sign-in"
_LOGIN_PATH: Final = "/"
"""Browsers take cookies with the prefix `__Host-` with this path only."""
_PROMPT: Final = "hubwell-prompt"
_PROMPT_LIVES_S: Final = 30 * 24 * 3600
"""Longer than a provider remembers a browser without being asked."""


def keep_login(request: Request, answer: Response, begun: Begun, surplus: list[str]) -> None:
    """Give the browser the cookie of a login that was begun, and delete those it does not need."""
    for name in surplus:
        _set(request, answer, name, "", 0, _LOGIN_PATH)
    _set(request, answer, begun.cookie_name, begun.cookie, LIFETIME_S, _LOGIN_PATH)


def forget_login(request: Request, answer: Response, name: str) -> None:
    """Delete the cookie of one login, and no other."""
    _set(request, answer, name, "", 0, _LOGIN_PATH)


def ask_next_time(request: Request, answer: Response, prompt: Prompt) -> None:
    """Let the next login in this browser ask for the password, or for the account."""
    _set(request, answer, _PROMPT, prompt, _PROMPT_LIVES_S, _PROMPT_PATH)


def prompt_of(request: Request) -> Prompt | None:
    """Return what the next login in this browser has to ask."""
    value = request.cookies.get(_PROMPT)
    return next((prompt for prompt in get_args(Prompt) if prompt == value), None)


def forget_prompt(request: Request, answer: Response) -> None:
    """Let the provider decide again what it asks."""
    _set(request, answer, _PROMPT, "", 0, _PROMPT_PATH)


def _set(request: Request, answer: Response, name: str, value: str, lives_s: int, path: str) -> None:
    """Set a cookie; with a life of 0 seconds the browser deletes it."""
    answer.set_cookie(
        name,
        value,
        max_age=lives_s,
        path=path,
        secure=parts_of(request).settings.is_https,
        httponly=True,
        samesite="lax",
    )
