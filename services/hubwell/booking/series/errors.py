"""Refusals about series of bookings. Each names the field and what to do."""

from typing import Final

from hubwell.errors import N_, ErrorKind

RULE_UNREADABLE: Final = ErrorKind(
    "series-rule-unreadable",
    N_("This rule cannot be read at {value}. Enter one as in RFC 5545, such as {example}."),
    "rule",
)
FREQUENCY_REFUSED: Final = ErrorKind(
    "series-frequency-refused",
    N_("A series repeats by day, week, month or year. Choose DAILY, WEEKLY, MONTHLY or YEARLY."),
    "rule",
)
ENDLESS: Final = ErrorKind(
    "series-endless", N_("Enter when the series ends: its last day, or the number of dates."), "last_day"
)
LAST_DAY_UNREADABLE: Final = ErrorKind(
    "series-last-day-unreadable", N_("Enter the last day with its year, such as {example}."), "last_day"
)
TWO_ENDS: Final = ErrorKind(
    "series-two-ends", N_("Enter the last day or the number of dates, not both."), "last_day"
)
TOO_MANY_DATES: Final = ErrorKind(
    "series-too-many-dates", N_("A series has at most {most} dates. End it earlier."), "last_day"
)
LAST_DATE_TOO_FAR: Final = ErrorKind(
    "series-last-date-too-far",
    N_("A series ends at most {most} days from today. End it earlier."),
    "last_day",
)
NO_DATES: Final = ErrorKind(
    "series-no-dates",
    N_("No day up to the end of the series fits this rule. Change the rule or the end."),
    "rule",
)
OVERLAPS_ITSELF: Final = ErrorKind(
    "series-overlaps-itself",
    N_("One date lasts, with the minutes to prepare, until the next has begun. Make the dates shorter."),
    "end",
)
DATES_TAKEN: Final = ErrorKind(
    "series-dates-taken",
    N_("{number} of {all} dates cannot be booked. Leave these dates out, or choose another time or space."),
    "skip",
    409,
)
NOTHING_CHOSEN: Final = ErrorKind(
    "series-nothing-chosen",
    N_("No date is left to be booked. Choose another time or another space."),
    "skip",
)
SKIP_UNREADABLE: Final = ErrorKind(
    "series-skip-unreadable",
    N_("Enter each date to be left out as the preview has it, such as {example}."),
    "skip",
)
BOOKING_SERIES_GONE: Final = ErrorKind(
    "booking-series-gone",
    N_("There is no such series. It may have been deleted in the meantime."),
    status=404,
)
DATE_UNKNOWN: Final = ErrorKind(
    "series-date-unknown",
    N_("The series has no such date to come. Load the series again and choose one of its dates."),
    "date",
)
TIME_UNREADABLE: Final = ErrorKind(
    "series-time-unreadable", N_("Enter the time of the day, such as {example}."), "start_time"
)
END_TIME_UNREADABLE: Final = ErrorKind(
    "series-end-time-unreadable", N_("Enter the end as a time of the day, such as {example}."), "end_time"
)
NOTHING_TO_COME: Final = ErrorKind(
    "series-nothing-to-come",
    N_("No date of this series is still to come as planned. Book a new series instead."),
    status=409,
)
SERIES_NOT_CANCELLED: Final = ErrorKind(
    "series-not-cancelled",
    N_("No date to come was cancelled with the series: there is nothing to undo."),
    status=409,
)
NOT_SKIPPED: Final = ErrorKind(
    "series-date-not-skipped",
    N_("This date is not among the dates that were left out. Load the series again."),
    status=404,
)
