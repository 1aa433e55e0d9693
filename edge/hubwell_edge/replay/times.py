"""Times of recorded files, as the format and the zone of the map say.

A local time of the hour that occurs twice (daylight saving ends) has two instants; `order.py` chooses.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hubwell_edge.replay.layout import UNIX_FORMATS, TimeColumns
from hubwell_wire.plausible import OLDEST

_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's day 0, in the zone of the map
_LATEST_UNIX_S: Final = 4_102_444_800
"""The end of 2099: a number that is later in one step of a second is a time in another."""
_FRACTION: Final = re.compile(r"([0-9]{1,2}([:.])[0-9]{2}\2[0-9]{2})[.,]([0-9]{1,9})(?![0-9])")
_MIDNIGHT: Final = re.compile(r"(?<![0-9.:])24([:.])00((?:\1" + r"00)?)(?![0-9])")
_ZONE_NAME: Final = re.compile(r"\s+([A-Za-z][A-Za-z0-9/_+-]*)$")
_UTC_NAMES: Final = frozenset({"UTC", "GMT", "Z"})


class FormatError(ValueError):
    """The text of a time does not match the format."""


class Moment(NamedTuple):
    """The instants that a row's time can mean, in UTC: usually one, else the earlier and the later one.

    `local` is the time as the row has it, without a zone.
    """

    local: datetime
    early: datetime
    late: datetime

    @property
    def is_ambiguous(self) -> bool:
        """Whether clocks were put back, so that the local time occurs twice."""
        return self.early != self.late


class TimeReader:
    """Reads the times of one file."""

    def __init__(self, settings: TimeColumns, *, pattern: str | None = None) -> None:
        self._columns = settings.columns
        self._zone = ZoneInfo(settings.zone)
        self._pattern = pattern or settings.format
        self._plain = self._pattern.removesuffix("%Z").rstrip()
        self._takes_name = self._plain != self._pattern or self._pattern == "iso"
        self._without_fraction = re.sub(r"[.,]?%f", "", self._plain)

    def read(self, fields: Mapping[str, str]) -> Moment:
        """Return the time of a row.

        Raises ValueError, with a sentence, for a text that the format does not fit and for a local time that
        does not exist.
        """
        text = " ".join(fields[name].strip() for name in self._columns).strip()
        if self._pattern in UNIX_FORMATS:
            return _fixed(_unix(text, self._pattern))
        if self._pattern == "excel":
            days = timedelta(days=_float(text, "excel"))
            return self._in_zone(_EXCEL_EPOCH + timedelta(seconds=round(days.total_seconds(), 3)), text, None)
        plain, name = self._split_name(text)
        parsed = self._parse(plain, text)
        if parsed.tzinfo is not None:
            return _fixed(parsed)
        return self._in_zone(parsed, text, name)

    def _split_name(self, text: str) -> tuple[str, str | None]:
        match = _ZONE_NAME.search(text) if self._takes_name else None
        if match is not None:
            return text[: match.start()], match[1]
        if self._takes_name and self._pattern != "iso":
            raise ValueError(f"the time {text!r} ends without the name of a zone; time.format wants one (%Z)")
        return text, None

    def _parse(self, plain: str, text: str) -> datetime:
        """Parse as the pattern says; else without a fraction of a second, and with 24:00 for midnight."""
        try:
            return self._strptime(plain, self._plain)
        except ValueError:
            pass
        shorter, microseconds = _cut_fraction(plain)
        shorter, midnights = _MIDNIGHT.subn(r"00\g<1>00\g<2>", shorter)
        try:
            parsed = self._strptime(shorter, self._without_fraction)
        except ValueError:
            raise FormatError(f"the time {text[:60]!r} does not match format {self._pattern!r}") from None
        return parsed + timedelta(microseconds=microseconds, days=midnights)

    def _strptime(self, text: str, pattern: str) -> datetime:
        if self._pattern == "iso":
            return datetime.fromisoformat(text)
        return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by the caller

    def _in_zone(self, local: datetime, text: str, name: str | None) -> Moment:
        if name is not None and name.upper() in _UTC_NAMES:
            return _fixed(local.replace(tzinfo=UTC))
        early = local.replace(tzinfo=self._zone, fold=0)
        late = local.replace(tzinfo=self._zone, fold=1)
        if early.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None) != local:
            raise ValueError(
                f"the time {text!r} does not exist in {self._zone.key}: clocks were put forward; "
                "is time.zone right?"
            )
        if name is not None and name != self._zone.key:
            named = [moment for moment in (early, late) if moment.tzname() == name]
            if not named:
                raise ValueError(
                    f"the zone {name!r} of the time {text!r} is neither UTC nor {self._zone.key} "
                    f"({early.tzname()} at that time): write its numeric offset (%z), or correct time.zone"
                )
            early, late = named[0], named[-1]
        return Moment(local, early.astimezone(UTC), late.astimezone(UTC))


def swapped(pattern: str) -> str | None:
    """Return the format with day and month exchanged; None if it does not have both as numbers."""
    if "%d" not in pattern or "%m" not in pattern:
        return None
    return pattern.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")


def _cut_fraction(text: str) -> tuple[str, int]:
    """Return the text without the fraction of its seconds, and the fraction in microseconds."""
    match = _FRACTION.search(text)
    if match is None:
        return text, 0
    return text[: match.start(3) - 1] + text[match.end() :], int(match[3].ljust(6, "0")[:6])


def _unix(text: str, pattern: str) -> datetime:
    number = _float(text, pattern)
    if not _is_plausible(number / UNIX_FORMATS[pattern]):
        for other, steps in UNIX_FORMATS.items():
            if _is_plausible(number / steps):
                raise ValueError(f"{text!r} is no time in {pattern!r}; write time.format = {other!r}")
    try:
        return _UNIX_EPOCH + timedelta(seconds=number / UNIX_FORMATS[pattern])
    except OverflowError:
        raise ValueError(f"{text!r} is too large for a time") from None


def _is_plausible(seconds: float) -> bool:
    return OLDEST.timestamp() <= seconds <= _LATEST_UNIX_S


def _float(text: str, pattern: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"the time {text[:60]!r} does not match format {pattern!r}") from None
    if not abs(number) < float("inf"):
        raise ValueError(f"the time {text[:60]!r} is not a number")
    return number


def _fixed(instant: datetime) -> Moment:
    instant = instant.astimezone(UTC)
    return Moment(instant.replace(tzinfo=None), instant, instant)
