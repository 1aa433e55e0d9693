"""What the guard refuses, as problems: 401 with how to sign in, 403, 429 with when to come back."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import Response

from hubwell.access.errors import (
    BadTokenError,
    FormExpiredError,
    NotAllowedError,
    RefusalError,
    SignInNeededError,
    TooManyTriesError,
)
from hubwell.http.errors import ProblemError, response_for

_REALM: Final = 'Bearer realm="hubwell"'


@dataclass(frozen=True, slots=True)
class _Kind:
    status: int
    name: str
    title: str


_KINDS: Final[dict[type[RefusalError], _Kind]] = {
    SignInNeededError: _Kind(401, "sign-in-needed", "Sign in first"),
    BadTokenError: _Kind(401, "bad-token", "This token does not count"),
    NotAllowedError: _Kind(403, "not-allowed", "Your roles do not include this"),
    FormExpiredError: _Kind(403, "form-expired", "Load the page again"),
    TooManyTriesError: _Kind(429, "too-many-tries", "Too many tries"),
}


def install(app: FastAPI) -> None:
    """Let every refusal of this application leave as a problem, or as a page where a person looks."""
    app.add_exception_handler(RefusalError, _on_refusal)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusalError)  # noqa: S101 (registered for this type only)
    kind = _KINDS[type(error)]
    response = response_for(request, ProblemError(kind.status, kind.name, kind.title, str(error)))
    match error:
        case SignInNeededError() if (
            response.status_code == kind.status
        ):  # else the browser is sent to sign in
            response.headers["WWW-Authenticate"] = _REALM
        case BadTokenError():
            response.headers["WWW-Authenticate"] = f'{_REALM}, error="invalid_token"'
        case TooManyTriesError():
            response.headers["Retry-After"] = str(ceil(error.wait.total_seconds()))
        case _:
            pass
    return response
