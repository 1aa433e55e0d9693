"""Refusals about bookings. Each names the field and what to do."""

from typing import Final

from hubwell.errors import N_, ErrorKind

START_UNREADABLE: Final = ErrorKind(
    "booking-start-unreadable",
    N_("Enter the start on the hub's clocks, with its day and without an offset, such as {example}."),
    "start",
)
END_UNREADABLE: Final = ErrorKind(
    "booking-end-unreadable",
    N_("Enter the end on the hub's clocks, with its day and without an offset, such as {example}."),
    "end",
)
START_SKIPPED: Final = ErrorKind(
    "booking-start-skipped",
    N_("On {day} the clocks go forward, so nothing can begin at {time}. The next time is {next}."),
    "start",
)
END_SKIPPED: Final = ErrorKind(
    "booking-end-skipped",
    N_("On {day} the clocks go forward, so nothing can end at {time}. The next time is {next}."),
    "end",
)
ENDS_FIRST: Final = ErrorKind(
    "booking-ends-first", N_("The end is not after the start. Choose a later end."), "end"
)
TOO_LONG: Final = ErrorKind(
    "booking-too-long",
    N_("A booking lasts at most {most} hours. End it earlier, and book the rest separately."),
    "end",
)
START_PAST: Final = ErrorKind("booking-start-past", N_("This start has passed. Start now or later."), "start")
END_PAST: Final = ErrorKind(
    "booking-end-past", N_("This end has passed. Choose a later one, or end the booking now."), "end"
)
TOO_FAR_AHEAD: Final = ErrorKind(
    "booking-too-far-ahead",
    N_("Bookings can be made at most {most} days ahead. Choose an earlier day."),
    "start",
)
BOOKING_ZONE_UNKNOWN: Final = ErrorKind(
    "booking-zone-unknown",
    N_("There is no time zone {value}. Leave it out for the hub's own, {zone}."),
    "zone",
)
PEOPLE_UNREADABLE: Final = ErrorKind(
    "booking-people-unreadable", N_("Enter how many people come, as a number from 1."), "people"
)
TOO_MANY_PEOPLE: Final = ErrorKind(
    "booking-too-many-people",
    N_("There is room for {most} people at most. Choose a larger space or more of its parts."),
    "people",
)
BOOKING_TITLE_MISSING: Final = ErrorKind(
    "booking-title-missing", N_("Enter what the space is for, for example Robotics."), "title"
)
BOOKING_TITLE_TOO_LONG: Final = ErrorKind(
    "booking-title-too-long", N_("This has at most {most} characters. Shorten it."), "title"
)
SPACE_CLOSED: Final = ErrorKind(
    "booking-space-closed",
    N_("{space} is open from {opens} to {closes}. Choose a time within these hours, or another space."),
    "start",
)
SPACE_NOT_BOOKABLE: Final = ErrorKind(
    "booking-space-not-bookable",
    N_("This is one person's room, which cannot be booked. Choose another space."),
    "space",
)
BOOKING_SPACE_ARCHIVED: Final = ErrorKind(
    "booking-space-archived", N_("This space is not used any more. Choose another space."), "space"
)
PART_UNKNOWN: Final = ErrorKind(
    "booking-part-unknown",
    N_("The space has no such part. Choose among its parts, or leave them out for the whole space."),
    "parts",
)
SPACE_TAKEN: Final = ErrorKind(
    "booking-space-taken",
    N_("{space} is not free at that time. Choose another time or another space."),
    "space",
    409,
)
WALK_INS_OFF: Final = ErrorKind(
    "walk-ins-off",
    N_("This space cannot be taken with a badge. Choose another space, or ask at the desk."),
    status=409,
)
WALK_IN_TAKEN: Final = ErrorKind(
    "walk-in-taken", N_("Nothing is free here right now. Choose another space."), status=409
)
WALK_IN_CLOSED: Final = ErrorKind(
    "walk-in-closed", N_("This space is closed, or closes within minutes. Choose another space."), status=409
)
WALK_IN_SECOND: Final = ErrorKind(
    "walk-in-second", N_("This badge has taken a space already. End that first."), status=409
)
WALK_IN_NOT_YOURS: Final = ErrorKind(
    "walk-in-not-yours",
    N_(
        "This badge has nothing booked here right now. "
        "Hold the badge that took it to the reader, or ask at the desk."
    ),
    status=409,
)
WALK_IN_NO_LONGER: Final = ErrorKind(
    "walk-in-no-longer", N_("It cannot last longer: the space closes then, or is booked next."), status=409
)
WALK_IN_LENGTH_UNKNOWN: Final = ErrorKind(
    "walk-in-length-unknown", N_("Choose one of the times that the panel shows."), "minutes"
)
WALK_IN_NO_READER: Final = ErrorKind(
    "walk-in-no-reader",
    N_("No badge reader of this space can be reached. Ask at the desk."),
    status=409,
)
BOOKING_GONE: Final = ErrorKind(
    "booking-gone",
    N_("There is no such booking. It may have been deleted in the meantime."),
    status=404,
)
NOT_YOURS: Final = ErrorKind(
    "booking-not-yours",
    N_("Only the person who booked, facilities and administrators can change this booking. Ask one of them."),
    status=403,
)
BOOKING_OVER: Final = ErrorKind(
    "booking-over", N_("This booking is over or cancelled. Book again instead."), status=409
)
NOT_CANCELLED: Final = ErrorKind(
    "booking-not-cancelled", N_("This booking is not cancelled: there is nothing to undo."), status=409
)
DOOR_REQUEST_GONE: Final = ErrorKind(
    "door-request-gone", N_("There is no such request at this door. A newer one took its place."), status=404
)
NOT_RELEASED: Final = ErrorKind(
    "booking-not-released", N_("This booking was not released: there is nothing to take back."), status=409
)
RELEASE_UNREADABLE: Final = ErrorKind(
    "booking-release-unreadable",
    N_("Enter the minutes from {least} to {most}, or leave it empty: then no booking is released."),
    "release",
)
NOT_BEGUN: Final = ErrorKind(
    "booking-not-begun", N_("This booking has not begun. Cancel it instead."), status=409
)
CHANGED_MEANWHILE: Final = ErrorKind(
    "booking-changed-meanwhile",
    N_("This booking was changed in the meantime. Load it again, then repeat your change if it still fits."),
    status=412,
)
VERSION_MISSING: Final = ErrorKind(
    "booking-version-missing",
    N_("Send the booking's ETag as If-Match, so that no later change is overwritten."),
    status=428,
)
BOOKING_KEY_UNREADABLE: Final = ErrorKind(
    "idempotency-key-unreadable",
    N_("An Idempotency-Key has 1 to 255 printable characters. Send for example a random UUID."),
    "Idempotency-Key",
)
KEY_REUSED: Final = ErrorKind(
    "idempotency-key-reused",
    N_("This Idempotency-Key was sent with another request. Send a new key for another booking."),
    "Idempotency-Key",
)
PARTS_UNREADABLE: Final = ErrorKind(
    "parts-unreadable",
    N_("A space has 1 to {most} parts with different names of at most {longest} characters each."),
    "parts",
)
PARTS_IN_USE: Final = ErrorKind(
    "parts-in-use",
    N_(
        "The space has bookings that have not ended, so the number of its parts stays as it is. "
        "Names can be changed. Cancel these bookings first, or wait for their end."
    ),
    "parts",
    409,
)
TURNAROUND_UNREADABLE: Final = ErrorKind(
    "turnaround-unreadable", N_("Enter the minutes after each booking, from 0 to {most}."), "turnaround"
)
SEARCH_TOO_LONG: Final = ErrorKind(
    "booking-range-too-long", N_("Ask for at most {most} days, with the first day first."), "until"
)
