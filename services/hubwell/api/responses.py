"""Responses other than success, as the OpenAPI document describes them; each is a problem."""

from typing import Any, Final

from hubwell.errors import ErrorKind
from hubwell.http.errors import Problem

Responses = dict[int | str, dict[str, Any]]

NO_DATABASE: Final[Responses] = {
    503: {"model": Problem, "description": "The database is not available or has no tables of this release."},
}
MAY_FAIL: Final[Responses] = {
    500: {"model": Problem, "description": "An error in Hubwell."},
    **NO_DATABASE,
}
BAD_VALUE: Final[Responses] = {
    422: {"model": Problem, "description": "A value cannot be used; `errors` says which and what to do."}
}
NO_SPACE: Final[Responses] = {404: {"model": Problem, "description": "There is no such space."}}
NEEDS_ROLE: Final[Responses] = {
    401: {"model": Problem, "description": "Not public: sign in, or send a token."},
    403: {"model": Problem, "description": "Your roles do not allow this."},
}
WRITES: Final[Responses] = {**NEEDS_ROLE, **BAD_VALUE, **MAY_FAIL}
"""Of operations that need a role and take a body."""


def refused(*kinds: ErrorKind) -> Responses:
    """Describe the refusals of an operation by status: the code of each with its text."""
    texts: dict[int | str, list[str]] = {422: [BAD_VALUE[422]["description"], ""]}
    for kind in kinds:
        texts.setdefault(kind.status, []).append(f"- `{kind.code}`: {kind.text}")
    return {status: {"model": Problem, "description": "\n".join(lines)} for status, lines in texts.items()}
