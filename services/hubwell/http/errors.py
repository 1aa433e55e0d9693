"""Errors as RFC 9457 problem details: what went wrong, with which value, and what to do about it.

Every error of the API is answered here, raised in a handler or by the framework; pages have their own (see
`hubwell.web`).
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from math import ceil
from typing import Any, Final

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY

from hubwell.access.errors import BAD_TOKEN, SIGN_IN_NEEDED, TOO_MANY_STREAMS, TooManyTriesError
from hubwell.errors import N_, DomainError, ErrorKind
from hubwell.http.database import DatabaseAwayError, SchemaMissingError
from hubwell.http.guard import authenticate
from hubwell.http.headers import HEADERS
from hubwell.http.parts import parts_of

_log: Final = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
_TYPE: Final = "urn:hubwell:problem:"
BODY_TOO_LARGE: Final = ErrorKind(
    "content-too-large",
    N_("What was sent is larger than {most} MB, and nothing of it was read. Send a smaller file."),
    status=413,
)
_REALM: Final = 'Bearer realm="hubwell"'


class FieldProblem(BaseModel):
    """One value that cannot be used."""

    field: str = Field(description="Where the value stands: `query.from`, `path.space_id`.")
    value: Any = Field(description="The value as it was received; null when there was none.")
    problem: str = Field(description="What is wrong with it.")
    do: str = Field(description="What to send instead.")


class Problem(BaseModel):
    """Problem details as in RFC 9457."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:hubwell:problem:range-too-large",
                    "code": "range-too-large",
                    "title": "The range asks for too many points",
                    "status": 422,
                    "detail": "7 series over 30 days in steps of 1 minute are 302400 points.",
                    "instance": "/api/v1/spaces/wood-workshop/readings",
                    "field": "",
                    "errors": [
                        {
                            "field": "query.resolution",
                            "value": "1m",
                            "problem": "More than 10000 points.",
                            "do": "Use resolution=1h, one quantity, or at most 23 hours at a time.",
                        }
                    ],
                }
            ]
        }
    )

    type: str = Field(description="A URI that names the kind of problem and does not change.")
    code: str = Field(description="The last word of `type`; does not change either.")
    title: str = Field(description="The kind of problem in words.")
    status: int = Field(description="The HTTP status code.")
    detail: str = Field(description="What happened this time.")
    instance: str = Field(description="The path that was asked for.")
    field: str = Field(default="", description="The input at fault; empty where no single one is.")
    errors: list[FieldProblem] = Field(default=[], description="The values at fault, where there are any.")


class ProblemError(Exception):
    """Raised by an endpoint; becomes a problem with this status."""

    def __init__(
        self, status: int, kind: str, title: str, detail: str, errors: list[FieldProblem] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.errors = errors or []
        self.field = ""
        self.members: Mapping[str, Any] = {}
        """Extension members (RFC 9457, 3.2)."""


def not_found(field: str, value: str, what: str, do: str) -> ProblemError:
    """Return the problem of something that is not there."""
    problem = FieldProblem(field=field, value=value, problem=f"There is no {what} with this id.", do=do)
    return ProblemError(404, "not-found", "Not found", f"There is no {what} {value!r}.", [problem])


def of_database(error: Exception) -> ProblemError:
    """Return the problem of a database that cannot answer."""
    if isinstance(error, SchemaMissingError):
        return ProblemError(
            503,
            "database-not-migrated",
            "The database is not ready",
            "The database has no tables of this release. Run `hubwell migrate`.",
        )
    return ProblemError(
        503,
        "database-away",
        "The database is not available",
        "The database does not answer. Nothing is lost: devices keep their messages until it is back. "
        "Try again in a few seconds; `hubwell doctor` says what is wrong.",
    )


def of_refusal(error: DomainError) -> ProblemError:
    """Return the problem of an action that was refused; its title is the code in words."""
    title = error.code.replace("-", " ").capitalize()
    problem = ProblemError(error.kind.status, error.code, title, str(error))
    problem.field = error.field
    problem.members = error.members
    if error.also:
        problem.errors = [
            FieldProblem(
                field=each.field,
                value=each.params.get("value"),
                problem=each.code.replace("-", " "),
                do=str(each),
            )
            for each in (error, *error.also)
        ]
    return problem


def response_for(request: Request, problem: ProblemError, refusal: DomainError | None = None) -> Response:
    """Render a problem as the answer to this request: as JSON, or as a page for browsers.

    A page gets the refusal itself, for its sentence in the reader's language.
    """
    page: Response | None = parts_of(request).error_page(request, problem.kind, problem.status, refusal)
    if page is not None:
        return page
    body = Problem(
        type=_TYPE + problem.kind,
        code=problem.kind,
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        instance=request.url.path,
        field=problem.field,
        errors=problem.errors,
    )
    headers = {"Retry-After": "5"} if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(
        body.model_dump(mode="json") | dict(problem.members), problem.status, headers, MEDIA_TYPE
    )


def of_http(error: HTTPException) -> ProblemError:
    """Return the problem of an error of the framework: no such path, wrong method, unreadable body."""
    if error.status_code == HTTPStatus.BAD_REQUEST:
        what = "Send JSON in UTF-8, as /api/v1/openapi.json describes it."
        return ProblemError(422, "bad-parameters", "A value cannot be used", f"{error.detail}. {what}")
    title = HTTPStatus(error.status_code).phrase
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address. /api/v1/openapi.json lists what there is."
    return ProblemError(error.status_code, title.lower().replace(" ", "-"), title, detail)


def of_validation(error: RequestValidationError) -> ProblemError:
    """Return the problem of parameters that do not fit their declaration."""
    errors = [_field_problem(item) for item in error.errors()]
    detail = " ".join(f"{item.field}: {item.problem}" for item in errors)
    return ProblemError(422, "bad-parameters", "A value cannot be used", detail, errors)


def _field_problem(item: dict[str, Any]) -> FieldProblem:
    value = item.get("input")
    return FieldProblem(
        field=".".join(str(part) for part in item["loc"]),
        value=value if isinstance(value, str | int | float | bool | None) else repr(value)[:200],
        problem=f"{item['msg']}.",
        do=_WHAT_TO_DO.get(item["type"], "See /api/v1/openapi.json for what fits here."),
    )


_TIME: Final = (
    "Send a time with its zone in ISO 8601, such as 2026-11-22T21:00:00Z (a + must be written %2B)."
)
_WHAT_TO_DO: Final = {
    "timezone_aware": _TIME,
    "time_format": _TIME,
    "date_format": "Send a date as year-month-day: 2026-11-22.",
    "datetime_from_date_parsing": _TIME,
    "datetime_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "literal_error": "Send one of the values that the message names.",
    "enum": "Send one of the values that the message names.",
    "string_pattern_mismatch": "Send an id: lower-case letters, digits and '-'.",
    "int_parsing": "Send a whole number.",
    "less_than_equal": "Send a smaller number.",
    "greater_than_equal": "Send a larger number.",
    "missing": "Send a value.",
}


def install(app: FastAPI) -> None:
    """Let every error of this application leave as a problem, or as a page where the application has one."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(DomainError, on_refusal)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(DatabaseAwayError, on_database)
    app.add_exception_handler(SchemaMissingError, on_database)
    app.add_exception_handler(psycopg.DataError, _on_data)
    app.add_exception_handler(OverflowError, _on_data)  # a day before the calendar's first, in another zone
    app.add_exception_handler(Exception, _on_bug)


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (registered for this type only)
    return response_for(request, error)


async def on_refusal(request: Request, error: Exception) -> Response:
    """Answer for an action that was refused."""
    assert isinstance(error, DomainError)  # noqa: S101 (registered for this type only)
    response = response_for(request, of_refusal(error), error)
    if error.kind is SIGN_IN_NEEDED and response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _REALM  # a browser is redirected to the login page instead
    elif error.kind is BAD_TOKEN:
        response.headers["WWW-Authenticate"] = f'{_REALM}, error="invalid_token"'
    elif isinstance(error, TooManyTriesError):
        response.headers["Retry-After"] = str(ceil(error.wait.total_seconds()))
    elif error.kind is TOO_MANY_STREAMS:
        response.headers["Retry-After"] = "15"
    return response


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this type only)
    with suppress(DatabaseAwayError, SchemaMissingError, DomainError):
        await authenticate(request)  # no route asked who this is, and the page shows what they can go to
    if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return await on_refusal(request, too_large(request.scope.get(MAX_BODY_SIZE_SCOPE_KEY, 0)))
    response = response_for(request, of_http(error))
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names one route's methods only
        response.headers["Allow"] = ", ".join(sorted(parts_of(request).routes.methods(request.url.path)))
    return response


def too_large(most: int) -> DomainError:
    """Return the refusal of a body with more than so many bytes."""
    return DomainError(BODY_TOO_LARGE, most=most // 2**20)


async def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this type only)
    return response_for(request, of_validation(error))


async def on_database(request: Request, error: Exception) -> Response:
    """Answer for a database that cannot answer."""
    return response_for(request, of_database(error))


async def _on_data(request: Request, error: Exception) -> Response:
    """Answer for a value that cannot be held: a NUL in a text, a number or a time out of range.

    Logged without the database's words: they may repeat the value.
    """
    sqlstate = error.sqlstate if isinstance(error, psycopg.DataError) else None
    _log.warning("a value was refused: %s", sqlstate or type(error).__name__, extra={"action": "bad-value"})
    problem = ProblemError(
        422,
        "bad-parameters",
        "A value cannot be used",
        "A text holds a NUL, or a number or a time is out of range.",
    )
    return response_for(request, problem)


async def _on_bug(request: Request, error: Exception) -> Response:
    del error  # the server logs it with its trace
    problem = ProblemError(
        500,
        "unexpected",
        "An error occurred in Hubwell",
        "This is a mistake in Hubwell, not in your request. The server's log has the details.",
    )
    response = response_for(request, problem)
    response.headers.update(HEADERS)  # this answer is made outside of the middleware
    return response
