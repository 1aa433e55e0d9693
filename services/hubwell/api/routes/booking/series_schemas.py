"""Bodies and answers about series of bookings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from hubwell.api.routes.booking.schemas import BookingBody, BookingShown
from hubwell.booking.read_model import Reader
from hubwell.booking.rules import BookingInput
from hubwell.booking.series.occurrences import ClockChange, Note
from hubwell.booking.series.plan import SeriesChange, SeriesInput, SeriesPlan
from hubwell.booking.series.preview import PreviewDate
from hubwell.booking.series.read_model import DateState, Series, SeriesDate
from hubwell.booking.taken import Conflict
from hubwell.workflows.booking_series import Chosen, Scope

_DATE = "Original start on the clocks of the series, which names the date: 2026-12-08T09:30."
_MOST_NAMED = 400
DateProblem = Literal["taken", "closed", "no-such-time", "too-long", "past"]
SkipReason = Literal["taken", "closed", "no-such-time", "too-long", "past", "left-out"]


class BookingSeriesBody(BookingBody):
    """A series to be booked. The times are those of its first date."""

    model_config = ConfigDict(extra="forbid")

    rule: str = Field(
        description="How it repeats, as in RFC 5545: FREQ (DAILY, WEEKLY, MONTHLY or YEARLY), INTERVAL, "
        "BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, COUNT and UNTIL. At most 400 dates.",
        examples=["FREQ=WEEKLY;BYDAY=TU;COUNT=10"],
    )
    last_day: str = Field("", description="The last day, where the rule has no end: 2027-02-02.")
    clock_change: ClockChange = Field(
        ClockChange.SHIFT,
        description="Of a start that the clocks skip in spring: `shift` both ends by as much as the clocks "
        "are put forward, or `skip` the date.",
    )
    skip: list[str] = Field(
        default=[],
        max_length=_MOST_NAMED,
        description="Dates that are left out, as the preview names them. All others must be free.",
    )

    @property
    def given(self) -> SeriesInput:
        """What was entered."""
        own = {"rule", "last_day", "clock_change", "skip"}
        booking = BookingInput(**self.model_dump(exclude=own) | {"people": str(self.people)})
        return SeriesInput(
            booking=booking,
            rule=self.rule,
            last_day=self.last_day,
            clock_change=self.clock_change,
            skip=self.skip,
        )


class ChosenDatesBody(BaseModel):
    """Which dates of a series are meant. One alone is a booking, and is changed as such."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope = Field(description="`all` dates to come, or those from `date` on: `following`.")
    date: str = Field("", description=_DATE + " For `following`.")

    @property
    def chosen(self) -> Chosen:
        """Which dates are meant."""
        return Chosen(self.scope, self.date)


class ChangeBookingSeriesBody(ChosenDatesBody):
    """What changes of the dates of a series; what is left out stays as it is."""

    space: str | None = Field(None, description="Id of another space; then of the whole of it.")
    parts: list[int] | None = Field(None, max_length=100, description="None named: the whole space.")
    start_time: str | None = Field(None, description="Time of the day on the clocks of the series: 10:00.")
    end_time: str | None = Field(
        None, description="Time of the day: 11:30. Where the dates end on the next day, that of the next day."
    )
    people: int | None = None
    title: str | None = None
    shows_title: bool | None = None
    leave: list[str] = Field(
        default=[],
        max_length=_MOST_NAMED,
        description="Dates that stay as they are, as the preview of the change names them.",
    )

    @property
    def given(self) -> SeriesChange:
        """What was entered."""
        values = self.model_dump(exclude={"scope", "date"})
        return SeriesChange(**values | {"people": None if self.people is None else str(self.people)})


class ConflictShown(BaseModel):
    """A booking that is in the way."""

    start: datetime
    end: datetime
    title: str | None = Field(description="Null where it is kept from you.")

    @classmethod
    def of(cls, conflict: Conflict) -> "ConflictShown":
        """Return what is in the way."""
        return cls(start=conflict.start, end=conflict.end, title=conflict.title or None)


class PreviewDateShown(BaseModel):
    """What would become of a date."""

    date: str = Field(description=_DATE)
    start: datetime | None = Field(
        description="Null where the clocks skip the start and the date is left out."
    )
    end: datetime | None
    problem: DateProblem | None = Field(description="Why it cannot be booked; null where it can.")
    chosen: bool = Field(description="Whether it would be booked: it is not to be left out.")
    notes: list[Note] = Field(description="What changed clocks do to it.")
    conflicts: list[ConflictShown]

    @classmethod
    def of(cls, date: PreviewDate) -> "PreviewDateShown":
        """Return a date."""
        term = date.occurrence.term
        return cls.model_validate(
            {
                "date": _key(date.occurrence.at),
                "start": term and term.start,
                "end": term and term.end,
                "problem": date.problem or None,
                "chosen": date.chosen,
                "notes": list(date.occurrence.notes),
                "conflicts": [ConflictShown.of(each) for each in date.conflicts],
            }
        )


class BookingSeriesPreview(BaseModel):
    """The dates of a series before anything is saved."""

    rule: str = Field(description="The rule as it is stored, without its end; empty for a change.")
    dates: list[PreviewDateShown]
    free: int = Field(description="How many dates can be booked.")

    @classmethod
    def of(cls, dates: Sequence[PreviewDate], plan: SeriesPlan | None = None) -> "BookingSeriesPreview":
        """Return a preview."""
        shown = [PreviewDateShown.of(date) for date in dates]
        return cls(rule=plan.rule if plan else "", dates=shown, free=sum(not each.problem for each in shown))


class BookingSeriesDateShown(BaseModel):
    """A date of a series."""

    date: str = Field(description=_DATE)
    state: DateState = Field(
        description="As `planned`, `changed` alone, `cancelled`, or `skipped` when the series was booked."
    )
    why: SkipReason | None = Field(description="Why it was left out; null where it was not.")
    booking: BookingShown | None = Field(description="Null where it was left out.")

    @classmethod
    def of(cls, date: SeriesDate, reader: Reader, zone: ZoneInfo) -> "BookingSeriesDateShown":
        """Return a date as a reader may see it."""
        booking = date.booking and BookingShown.of(date.booking, reader, zone)
        return cls.model_validate(
            {"date": _key(date.at), "state": date.state, "why": date.why or None, "booking": booking}
        )


class BookingSeriesShown(BaseModel):
    """A series of bookings."""

    id: UUID
    space: str = Field(description="Id of the space.")
    space_name: str
    parts: list[int]
    rule: str = Field(description="How it repeats, as in RFC 5545, without its end.")
    zone: str = Field(description="IANA time zone of its clocks.")
    first: str = Field(description="Start of its first date on its clocks.")
    last: str = Field(description="Start of its last date on its clocks.")
    minutes: int = Field(description="How long each date lasts on the clocks.")
    clock_change: ClockChange
    title: str | None = Field(description="Null where it is kept from you.")
    shows_title: bool
    people: int
    yours: bool = Field(description="Whether you may change it.")
    booked_by: str = Field(description="Name of the account; empty for programs and erased accounts.")
    version: int = Field(description="The same as the ETag.")
    created_at: datetime
    cancelled_at: datetime | None = Field(description="When dates were cancelled with the series.")
    dates: list[BookingSeriesDateShown]

    @classmethod
    def of(cls, series: Series, reader: Reader, zone: ZoneInfo) -> "BookingSeriesShown":
        """Return a series as a reader may see it."""
        return cls(
            id=series.id,
            space=series.space_id,
            space_name=series.space,
            parts=list(series.parts),
            rule=series.rule,
            zone=series.zone.key,
            first=_key(series.first_at),
            last=_key(series.last_at),
            minutes=int(series.lasts.total_seconds() // 60),
            clock_change=series.clock_change,
            title=series.title_for(reader) or None,
            shows_title=series.shows_title,
            people=series.people,
            yours=series.may_change(reader),
            booked_by=series.owner_name,
            version=series.version,
            created_at=series.created_at,
            cancelled_at=series.cancelled_at,
            dates=[BookingSeriesDateShown.of(date, reader, zone) for date in series.dates],
        )


class BookingSeriesRestored(BaseModel):
    """A series whose cancelling was undone."""

    series: BookingSeriesShown
    not_free: int = Field(description="Dates that stay cancelled, because others have booked meanwhile.")


def _key(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"
