"""Validates tables of a device file that name a kind: `[[sensor]]`, `[[reader]]`, `[[reader.feedback]]`.

Each kind has an options model; every problem is reported as one line with a hint.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails


class TableError(ValueError):
    """Tables of the device file are wrong; the text has one line with advice for each problem."""


class Options(BaseModel):
    """Base of the options of a kind: frozen, strict, and an unknown option is an error."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


O = TypeVar("O", bound=Options)  # noqa: E741 - the option type


def kind_of(where: str, key: str, entry: Mapping[str, object], kinds: Mapping[str, object]) -> str:
    """Return the value of `key` in a table if it is one of `kinds`. Raises TableError."""
    name = entry.get(key)
    if isinstance(name, str) and name in kinds:
        return name
    names = ", ".join(sorted(kinds))
    if name is None:
        raise TableError(f"{where}: {key!r} is missing; write {key} = 'NAME' with one of: {names}")
    raise TableError(f"{where}: {key} {name!r} is not known; {_close(str(name), kinds)}known {key}s: {names}")


def options_of(where: str, options: Mapping[str, object], settings: type[O]) -> O:
    """Return the validated options. Raises TableError with a line for each problem."""
    try:
        return settings.model_validate(dict(options))
    except ValidationError as error:
        lines = [f"{where}: {_sentence(problem, settings)}" for problem in error.errors()]
        raise TableError("\n".join(lines)) from None


def _sentence(problem: ErrorDetails, settings: type[Options]) -> str:
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    option = str(problem["loc"][0])
    fields = settings.model_fields
    if problem["type"] == "extra_forbidden":
        return f"option {option!r} is not known; {_close(option, fields)}options: {', '.join(sorted(fields))}"
    field = fields.get(option)
    meaning = f" ({field.description})" if field is not None and field.description else ""
    if problem["type"] == "missing":
        return f"option {option!r} is missing; write {option} = ...{meaning}"
    return f"option {option!r}{meaning} cannot be {problem['input']!r}: {message}"


def _close(name: str, candidates: Mapping[str, object]) -> str:
    close = get_close_matches(name, candidates, n=1)
    return f"did you mean {close[0]!r}? " if close else ""
