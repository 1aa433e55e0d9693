"""The report of an evacuation or a drill: counts and times, no names. Stored as JSON in `muster.report`."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from hubwell.evacuation.rules import Finding, Provenance, Reconciled, Sensed, Tally


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SpaceAtStart(_Part):
    """Badges and sensors of one space at the moment of opening."""

    space_id: str
    space: str = Field(description="Name of the space.")
    zone: str
    badges: int = Field(description="People with an open visit.")
    people_sensed: int | None = Field(description="A sensor's headcount; null without a counter.")
    somebody_sensed: bool | None = Field(description="Null without a current value.")
    provenance: Provenance = Field(description="Of the sensors' values.")
    sensed_at: datetime | None
    finding: Finding
    without_badge: int = Field(description="People without a badge, at least.")

    @classmethod
    def of(cls, space_id: str, space: str, zone: str, counts: Reconciled) -> "SpaceAtStart":
        """Return the report's entry for a space from its reconciled counts."""
        return cls(
            space_id=space_id,
            space=space,
            zone=zone,
            badges=counts.badges,
            people_sensed=counts.sensed.people,
            somebody_sensed=counts.sensed.somebody,
            provenance=counts.sensed.provenance,
            sensed_at=counts.sensed.at,
            finding=counts.finding,
            without_badge=counts.without_badge,
        )

    def reconciled(self) -> Reconciled:
        """Return the reconciled counts that this entry was made from."""
        sensed = Sensed(self.provenance, self.somebody_sensed, self.people_sensed, self.sensed_at)
        return Reconciled(self.badges, sensed, self.finding)


class Count(_Part):
    """Counts of people at the end, of one zone or of the whole hub."""

    people: int
    safe: int
    missing: int
    expected: int = Field(description="Not ticked off until the end.")
    tapped_out: int = Field(description="Tapped out after the opening.")
    late: int = Field(description="Tapped in after the opening.")
    visitors: int = Field(default=0, description="Entered by officers, among `people`.")
    without_badge: int = Field(description="Sensed at the start without a badge, at least.")
    first_tick_s: int | None = Field(description="Seconds from the opening to the first person ticked off.")
    last_tick_s: int | None = Field(description="Seconds from the opening to the last person ticked off.")

    @classmethod
    def of(cls, tally: Tally, without_badge: int) -> "Count":
        """Return the report's counts from a tally and the people sensed without a badge."""
        return cls(
            people=tally.people,
            safe=tally.safe,
            missing=tally.missing,
            expected=tally.expected,
            tapped_out=tally.tapped_out,
            late=tally.late,
            visitors=tally.visitors,
            without_badge=without_badge,
            first_tick_s=tally.first_tick_s,
            last_tick_s=tally.last_tick_s,
        )


class ZoneCount(Count):
    """The counts of one zone; `zone` is empty for spaces without a zone."""

    zone: str


class Report(_Part):
    """The report of a muster; until it is closed only `start` is set."""

    began_as_drill: bool = Field(default=False, description="The drill became an alarm.")
    closed_by_itself: bool = Field(default=False, description="Hubwell closed it after the longest time.")
    start: tuple[SpaceAtStart, ...] = ()
    total: Count | None = None
    zones: tuple[ZoneCount, ...] = ()
