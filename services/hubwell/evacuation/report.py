"""What stays of a muster: counts and times, no names. Kept as JSON in `muster.report`."""

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
    people_sensed: int | None = Field(description="A sensor's headcount; null where none counts.")
    somebody_sensed: bool | None = Field(description="Null where no sensor tells.")
    provenance: Provenance = Field(description="Of what was sensed.")
    sensed_at: datetime | None
    finding: Finding
    without_badge: int = Field(description="People without a badge, at least.")

    @classmethod
    def of(cls, space_id: str, space: str, zone: str, found: Reconciled) -> "SpaceAtStart":
        """Keep what was found in a space."""
        return cls(
            space_id=space_id,
            space=space,
            zone=zone,
            badges=found.badges,
            people_sensed=found.sensed.people,
            somebody_sensed=found.sensed.somebody,
            provenance=found.sensed.provenance,
            sensed_at=found.sensed.at,
            finding=found.finding,
            without_badge=found.without_badge,
        )

    def reconciled(self) -> Reconciled:
        """Return what was found."""
        sensed = Sensed(self.provenance, self.somebody_sensed, self.people_sensed, self.sensed_at)
        return Reconciled(self.badges, sensed, self.finding)


class Count(_Part):
    """How far a zone, or all of the hub, came."""

    people: int
    safe: int
    missing: int
    expected: int = Field(description="Neither found safe nor missed until the end.")
    tapped_out: int = Field(description="Tapped out after the opening.")
    late: int = Field(description="Tapped in after the opening.")
    without_badge: int = Field(description="Sensed at the start without a badge, at least.")
    first_tick_s: int | None = Field(description="Seconds from the opening to the first person ticked off.")
    last_tick_s: int | None = Field(description="Seconds from the opening to the last person ticked off.")

    @classmethod
    def of(cls, tally: Tally, without_badge: int) -> "Count":
        """Keep a tally."""
        return cls(
            people=tally.people,
            safe=tally.safe,
            missing=tally.missing,
            expected=tally.expected,
            tapped_out=tally.tapped_out,
            late=tally.late,
            without_badge=without_badge,
            first_tick_s=tally.first_tick_s,
            last_tick_s=tally.last_tick_s,
        )


class ZoneCount(Count):
    """One zone's count; `zone` is empty for spaces that are in none."""

    zone: str


class Report(_Part):
    """A muster without its people. Until it is closed only `start` is filled in."""

    began_as_drill: bool = Field(default=False, description="A drill that turned out to be real.")
    closed_by_itself: bool = Field(default=False, description="Nobody closed it, so Hubwell did.")
    start: tuple[SpaceAtStart, ...] = ()
    total: Count | None = None
    zones: tuple[ZoneCount, ...] = ()
