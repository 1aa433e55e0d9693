"""Rules of RFC 5545 for series: read, written in one form, and turned into dates on the clocks.

The dates come from python-dateutil. Its search for the next date ends with the calendar only, in the year
9999: after 8,000 years of days for a rule that no day fits. So dates are looked for 7,600 years later, which
is the same calendar (it repeats every 400 years), and brought back: a rule without dates costs a third of a
second of processor time at most.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from hubwell.booking.local_time import Skipped, resolve
from hubwell.booking.series import errors
from hubwell.errors import DomainError

MOST_DATES: Final = 400
MOST_AHEAD: Final = timedelta(days=1830)
"""How far from today a series may end: five years."""
EXAMPLE: Final = "FREQ=WEEKLY;BYDAY=TU"
_LONGEST_TEXT: Final = 500
_LONGEST_QUOTED: Final = 40
_CALENDAR_REPEATS: Final = 7600
_LAST_YEAR: Final = 9999 - _CALENDAR_REPEATS
_DAY_OF_WEEK: Final = "(?:MO|TU|WE|TH|FR|SA|SU)"
_PLACE: Final = r"[+-]?[1-9]\d{0,2}"
_VALUES: Final = {
    "FREQ": re.compile(r"DAILY|WEEKLY|MONTHLY|YEARLY", re.ASCII),
    "INTERVAL": re.compile(r"[1-9]\d{0,2}", re.ASCII),
    "BYDAY": re.compile(rf"(?:{_PLACE})?{_DAY_OF_WEEK}(?:,(?:{_PLACE})?{_DAY_OF_WEEK}){{0,20}}", re.ASCII),
    "BYMONTHDAY": re.compile(r"[+-]?(?:[1-9]|[12]\d|3[01])(?:,[+-]?(?:[1-9]|[12]\d|3[01])){0,61}", re.ASCII),
    "BYMONTH": re.compile(r"(?:[1-9]|1[0-2])(?:,(?:[1-9]|1[0-2])){0,11}", re.ASCII),
    "BYSETPOS": re.compile(rf"{_PLACE}(?:,{_PLACE}){{0,9}}", re.ASCII),
    "COUNT": re.compile(r"[1-9]\d{0,4}", re.ASCII),
    "UNTIL": re.compile(r"\d{8}(?:T\d{6}Z?)?", re.ASCII),
    "WKST": re.compile(_DAY_OF_WEEK, re.ASCII),
}
_TOO_OFTEN: Final = ("SECONDLY", "MINUTELY", "HOURLY")
_WRITTEN: Final = ("FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS")
_SHORTEST_MONTH: Final = 28
_MOST_WEEKS_OF_MONTH: Final = 5
_MOST_WEEKS_OF_YEAR: Final = 53


@dataclass(frozen=True, slots=True)
class Rule:
    """How a series repeats. `text` has neither its number of dates nor its end; WKST is always written.

    `until` is an end as RFC 5545 has it: a day, a time on the clocks, or an instant.
    """

    text: str
    count: int | None = None
    until: date | datetime | None = None


def read_rule(text: str) -> Rule:
    """Read a rule, with or without RRULE: before it. Raises DomainError."""
    tidy = text.strip().upper().removeprefix("RRULE:")
    if len(tidy) > _LONGEST_TEXT:
        raise _unreadable(tidy)
    parts: dict[str, str] = {}
    for part in tidy.split(";"):
        name, equals, value = part.partition("=")
        if name == "FREQ" and value in _TOO_OFTEN:
            raise DomainError(errors.FREQUENCY_REFUSED, value=value)
        if not equals or name in parts or name not in _VALUES or not _VALUES[name].fullmatch(value):
            raise _unreadable(part)
        parts[name] = value
    _check(parts)
    return Rule(
        ";".join(f"{name}={parts[name]}" for name in _WRITTEN if name in parts)
        + f";WKST={parts.get('WKST', 'MO')}",
        int(parts["COUNT"]) if "COUNT" in parts else None,
        _until(parts["UNTIL"]) if "UNTIL" in parts else None,
    )


def _check(parts: dict[str, str]) -> None:
    """Refuse what RFC 5545 forbids together. Raises DomainError."""
    often = parts.get("FREQ")
    if often is None:
        raise _unreadable(";".join(f"{name}={value}" for name, value in parts.items()))
    if "COUNT" in parts and "UNTIL" in parts:
        raise DomainError(errors.TWO_ENDS)
    short = often in {"DAILY", "WEEKLY"}
    if short and any(char.isdigit() for char in parts.get("BYDAY", "")):
        raise _unreadable(f"BYDAY={parts['BYDAY']}")
    most = _MOST_WEEKS_OF_YEAR if often == "YEARLY" and "BYMONTH" not in parts else _MOST_WEEKS_OF_MONTH
    if any(int(place) > most for place in re.findall(r"\d+", parts.get("BYDAY", ""))):
        raise _unreadable(f"BYDAY={parts['BYDAY']}")
    if often == "WEEKLY" and "BYMONTHDAY" in parts:
        raise _unreadable(f"BYMONTHDAY={parts['BYMONTHDAY']}")
    if "BYSETPOS" in parts and (short or not {"BYDAY", "BYMONTHDAY"} & parts.keys()):
        raise _unreadable(f"BYSETPOS={parts['BYSETPOS']}")


def _until(text: str) -> date | datetime:
    try:
        if len(text) == len("20261101"):
            return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 (a day has no zone)
        if text.endswith("Z"):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 (on the clocks of the series)
    except ValueError as error:
        raise _unreadable(f"UNTIL={text}") from error


def dates_of(
    rule: Rule, first: datetime, last_day: date | None, zone: ZoneInfo, today: date
) -> list[datetime]:
    """Return the local starts of a series, from `first` on where the rule fits it. Raises DomainError.

    It ends with the number of dates, the last day or the end of the rule, whichever it has.
    """
    if rule.count is None and rule.until is None and last_day is None:
        raise DomainError(errors.ENDLESS)
    if last_day is not None and not (rule.count is None and rule.until is None):
        raise DomainError(errors.TWO_ENDS)
    if rule.count is not None and rule.count > MOST_DATES:
        raise DomainError(errors.TOO_MANY_DATES, most=MOST_DATES)
    furthest = today + MOST_AHEAD
    too_far = DomainError(errors.LAST_DATE_TOO_FAR, most=MOST_AHEAD.days)
    found: list[datetime] = []
    for local in _starts(rule.text, first):
        if local.date() > (last_day or local.date()) or _is_after(local, rule.until, zone):
            break
        if len(found) == MOST_DATES:
            raise DomainError(errors.TOO_MANY_DATES, most=MOST_DATES)
        if local.date() > furthest:
            raise too_far
        found.append(local)
        if len(found) == rule.count:
            break
    if not found:
        raise DomainError(errors.NO_DATES)
    return found


def _starts(text: str, first: datetime) -> Iterator[datetime]:
    """Yield the dates of a rule, from the calendar of 7,600 years later."""
    if first.year > _LAST_YEAR:
        return
    try:
        dates = rrulestr(text, dtstart=first.replace(year=first.year + _CALENDAR_REPEATS))
    except ValueError as error:  # a place in the set that no year has
        raise _unreadable(text) from error
    for later in dates:
        yield later.replace(year=later.year - _CALENDAR_REPEATS)


def leaves_months_out(text: str, first: datetime) -> bool:
    """Return whether a rule means a day of the month that some months do not have."""
    if "FREQ=MONTHLY" not in text or "BYDAY=" in text:
        return False
    found = re.search(r"BYMONTHDAY=([\d,+-]+)", text)
    days = [abs(int(day)) for day in found[1].split(",")] if found else [first.day]
    return min(days) > _SHORTEST_MONTH


def _is_after(local: datetime, until: date | datetime | None, zone: ZoneInfo) -> bool:
    """Return whether a local start is past the end of a rule."""
    if until is None:
        return False
    if not isinstance(until, datetime):
        return local.date() > until
    if until.tzinfo is None:
        return local > until
    moment = resolve(local, zone)
    return (local.replace(tzinfo=zone) if isinstance(moment, Skipped) else moment) > until


def _unreadable(part: str) -> DomainError:
    return DomainError(errors.RULE_UNREADABLE, value=part[:_LONGEST_QUOTED] or "-", example=EXAMPLE)
