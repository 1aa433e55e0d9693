"""Days and months that the map exchanges: a day-first file read month-first gives other, valid dates."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hubwell_edge.replay.layout import TimeColumns
from hubwell_edge.replay.times import TimeReader, swapped

_JUMP: Final = timedelta(days=20)
"""A step that exchanged days and months make at each midnight: it is about a month long."""
_NEXT_DAYS: Final = timedelta(days=4)
"""What is left of such a step when they are put right: a night, or a long weekend."""


class DayMonthCheck:
    """Compares the dates, as the map reads them, with the same dates with day and month exchanged."""

    def __init__(self, settings: TimeColumns) -> None:
        self._settings = settings
        self._other = swapped(settings.format)
        self._possible = self._other is not None and not settings.checked
        self._reader = TimeReader(settings, pattern=self._other)
        self._last: tuple[datetime, datetime] | None = None
        self._first_bad: tuple[int, str] | None = None
        self._bad = self._jumps = self._steps = 0

    def good(self, local: datetime) -> None:
        """Take a time that the map's format fits."""
        if not self._possible:
            return
        if local.day > 12:  # noqa: PLR2004 - there is no such month
            self._possible = False
            return
        self._steps += self._last is not None and local != self._last[0]
        exchanged = local.replace(month=local.day, day=local.month)
        if self._last is not None and abs(local - self._last[0]) >= _JUMP:
            self._jumps += 1
            self._possible = abs(exchanged - self._last[1]) <= _NEXT_DAYS
        elif self._last is not None and abs(exchanged - self._last[1]) >= _JUMP:
            self._possible = False
        self._last = local, exchanged

    def bad(self, line: int, fields: Mapping[str, str]) -> None:
        """Take a row whose time the map's format does not fit."""
        if not self._possible:
            return
        text = " ".join(fields.get(name, "").strip() for name in self._settings.columns)
        try:
            self._reader.read(fields)
        except (KeyError, ValueError):
            # A line that does not begin with a date, such as a footer, is no evidence either way.
            self._possible = not text[:1].isdigit()
        else:
            self._bad += 1
            self._first_bad = self._first_bad or (line, text)

    def problem(self) -> str | None:
        """Return why the whole file cannot be right as the map reads it, or None."""
        # Where every step is that long, the file has a reading a month.
        if not self._possible or not (self._bad or 0 < self._jumps < self._steps):
            return None
        format_, other = self._settings.format, self._other
        if self._first_bad is not None:
            line, text = self._first_bad
            evidence = f"{self._bad} rows have no such date, the first is line {line} ({text!r})"
        else:
            evidence = f"it makes {self._jumps} jumps of a month at midnight, {other!r} makes none"
        return (
            f"days and months are exchanged: time.format {format_!r} does not fit this file, {other!r} does "
            f"({evidence}). "
            "Correct the map; if it is right all the same, write checked = true below [time]"
        )
