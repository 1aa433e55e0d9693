"""Dates and times as the API reads them: ISO 8601 text, never a number."""

import re
from datetime import date
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}.*", re.ASCII)


def _date_text(value: Any) -> Any:  # noqa: ANN401 (whatever was sent)
    """Refuse what pydantic would read as seconds since 1970."""
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise PydanticCustomError("date_format", "Input should be a date such as 2026-11-22")
    if isinstance(value, int | float):
        raise PydanticCustomError("date_format", "Input should be a text with a date such as 2026-11-22")
    return value


def _time_text(value: Any) -> Any:  # noqa: ANN401 (whatever was sent)
    """Refuse what pydantic would read as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not _TIME.fullmatch(value)):
        raise PydanticCustomError("time_format", "Input should be a time such as 2026-11-22T21:00:00Z")
    return value


IsoDate = Annotated[date, BeforeValidator(_date_text)]
"""A day, as YYYY-MM-DD."""
IsoTime = Annotated[AwareDatetime, BeforeValidator(_time_text)]
"""A moment with its zone, in ISO 8601."""
