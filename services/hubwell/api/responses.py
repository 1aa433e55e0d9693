"""Responses other than success, as the OpenAPI document describes them; each is a problem."""

from typing import Any, Final

from hubwell.http.errors import Problem

Responses = dict[int | str, dict[str, Any]]

NO_DATABASE: Final[Responses] = {
    503: {"model": Problem, "description": "The database is away or has no tables of this release."},
}
MAY_FAIL: Final[Responses] = {
    500: {"model": Problem, "description": "A mistake in Hubwell."},
    **NO_DATABASE,
}
BAD_VALUE: Final[Responses] = {
    422: {"model": Problem, "description": "A value cannot be used; `errors` says which and what to do."}
}
NO_SPACE: Final[Responses] = {404: {"model": Problem, "description": "There is no such space."}}
NEEDS_ROLE: Final[Responses] = {
    401: {"model": Problem, "description": "This is not for everybody: sign in, or send a token."},
    403: {"model": Problem, "description": "Your roles do not include this."},
}
NOT_THERE: Final[Responses] = {404: {"model": Problem, "description": "There is none with this id."}}
NOT_NOW: Final[Responses] = {
    409: {"model": Problem, "description": "Not as things are now; `code` and `detail` say why."}
}
WRITES: Final[Responses] = {**NEEDS_ROLE, **BAD_VALUE, **MAY_FAIL}
"""Of operations that need a role and take a body."""
