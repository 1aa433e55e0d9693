"""Responses of the API as pydantic models, with units and an example.

Times are UTC in ISO 8601. A value that is older than five minutes, or than one and a half
of its sensor's own intervals (at most a quarter of an hour), is null and its state unknown.
"""

from datetime import datetime, time
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, CO2_STUFFY_UP_TO_PPM, SpaceFeature, SpaceKind
from hubwell_wire.enumerations import Language

SeriesState = Literal["ok", "in-doubt", "silent", "never"]
MissingReason = Literal["in-doubt", "silent", "no-sensor"]
Resolution = Literal["raw", "1m", "5m", "1h"]

_ALERT = {
    "id": "0d5f0a3e-6a7c-4f6e-9a59-0f3c6a4bb0c1",
    "rule": "co2-asr-a3.6",
    "rule_version": 1,
    "space_id": "wood-workshop",
    "space_name": "Wood workshop",
    "opened_at": "2026-11-22T12:05:00Z",
    "resolved_at": None,
    "value": 1180.4,
    "peak": 1312.9,
    "unit": "ppm",
    "clause": "ASR A3.6 (Lüftung) section 4.2, table 1: 1000-2000 ppm, check and improve airing",
    "evidence": {"window_minutes": 15, "mean": 1180.4, "coverage": 0.98, "readings": 89, "occupied": True},
    "deliveries": [{"channel": "board", "delivered_at": "2026-11-22T12:05:02Z", "attempts": 1}],
}
_SPACE = {
    "id": "wood-workshop",
    "name": "Wood workshop",
    "kind": "workshop",
    "capacity": 14,
    "zone": "Ground floor, north",
    "personal": False,
    "state": "used",
    "check_outs_missing": False,
    "fullness": "third",
    "people": 5,
    "people_from": "2026-11-22T12:10:00Z",
    "air": "stuffy",
    "air_reason": None,
    "presence_reason": None,
    "air_unjudged": None,
    "co2_ppm": 1184.2,
    "temperature_c": 21.4,
    "humidity_percent": 38.2,
    "noise_db": 63.1,
    "light_lx": 480.0,
    "last_heard": "2026-11-22T12:20:08.120Z",
    "presence_heard": "2026-11-22T12:20:08.120Z",
    "air_heard": "2026-11-22T12:20:06.620Z",
    "silent_sensors": 0,
    "opens_at": "08:00:00",
    "closes_at": None,
    "open": True,
    "features": ["step-free"],
    "equipment": ["4 workbenches"],
    "names": {"it": "Falegnameria"},
    "alerts": [_ALERT],
}
_READINGS = {
    "space_id": "wood-workshop",
    "from": "2026-11-22T11:00:00Z",
    "to": "2026-11-22T12:00:00Z",
    "resolution": "1h",
    "series": [
        {
            "device_id": "wood-workshop-1",
            "name": "scd41/co2",
            "quantity": "co2",
            "unit": "ppm",
            "points": [
                {
                    "time": "2026-11-22T11:00:00Z",
                    "mean": 934.0,
                    "min": 702.0,
                    "max": 1203.0,
                    "n": 360,
                    "suspect": 0,
                }
            ],
        }
    ],
}
_DEVICE = {
    "id": "wood-workshop-1",
    "name": "Wood workshop",
    "space_id": "wood-workshop",
    "space_name": "Wood workshop",
    "software": "hubwell-edge 0.1.0",
    "registered_at": "2026-09-01T06:00:00Z",
    "status": "online",
    "status_at": "2026-11-22T06:00:00Z",
    "last_heard": "2026-11-22T12:20:08.512Z",
    "silent": False,
    "silent_since": None,
    "roster_at": None,
    "series": [
        {
            "name": "scd41/co2",
            "quantity": "co2",
            "unit": "ppm",
            "time": "2026-11-22T12:20:06.620Z",
            "value": 1184.2,
            "quality": "ok",
            "heard": "2026-11-22T12:20:06.620Z",
            "state": "ok",
        }
    ],
}


def _example(value: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [value]}, populate_by_name=True)


class Created(BaseModel):
    """The id of what was made."""

    id: UUID


class Delivered(BaseModel):
    """A delivery of an alert."""

    channel: str = Field(description="`board` or `webhook`.")
    delivered_at: datetime | None = Field(description="Null while it waits.")
    attempts: int


class Alert(BaseModel):
    """An episode: a rule that holds, or held, in a space."""

    model_config = _example(_ALERT)

    id: UUID
    rule: str
    rule_version: int
    space_id: str
    space_name: str
    opened_at: datetime
    resolved_at: datetime | None = Field(description="Null while the rule holds.")
    value: float = Field(description="What the rule judged when it opened, in `unit`.")
    peak: float = Field(description="The worst value so far, in `unit`.")
    unit: str | None
    clause: str | None = Field(description="The rule's source.")
    evidence: dict[str, Any] = Field(description="What the verdict rests on: window, coverage, readings.")
    deliveries: list[Delivered] = Field(default=[], description="Filled by /alerts only.")


class SpaceNow(BaseModel):
    """A space as it is now."""

    model_config = _example(_SPACE)

    id: str
    name: str
    kind: SpaceKind
    capacity: int = Field(description="People.")
    zone: str
    personal: bool = Field(
        default=False, description="One person's room: values that reveal presence are left out."
    )
    state: Literal["free", "used", "unknown"] = Field(
        description="`free` needs a fresh sensor reading; silence is `unknown`."
    )
    fullness: Literal["nobody", "third", "half", "most", "full"] | None = Field(
        description="How full, in a word, by `people`; null if it is not known."
    )
    check_outs_missing: bool = Field(
        default=False,
        description="The space is probably free: its sensors have seen no person for ten minutes, although "
        "not all people who checked in have checked out.",
    )
    people: int | None = Field(
        description="About how many people are there, rounded down to a multiple of five; null for fewer "
        "than five, and where the number would give so few away."
    )
    people_from: datetime | None = Field(
        default=None,
        description="Start of the five minutes in which `people` were counted, if these are the newest that "
        "are closed; null if the group has changed by less than five since an earlier count.",
    )
    air: Literal["fresh", "stuffy", "bad", "unknown"] = Field(
        description=f"CO2 below {CO2_FRESH_BELOW_PPM:.0f} ppm, up to {CO2_STUFFY_UP_TO_PPM:.0f} ppm, above "
        "(ASR A3.6)."
    )
    air_reason: MissingReason | None = Field(
        default=None,
        description="Why the air is `unknown`: CO2 sensors in doubt or silent, or none at all.",
    )
    presence_reason: MissingReason | None = Field(
        default=None, description="The same, of the sensors that detect people."
    )
    air_unjudged: Literal["in-doubt", "silent", "too-seldom", "people-unknown"] | None = Field(
        default=None,
        description="Why the air rule cannot judge the space now: its CO2 sensors are in doubt, silent, or "
        "measure less often than every ten minutes, or it is not known whether people are there.",
    )
    co2_ppm: float | None = Field(validation_alias="co2", description="Parts per million.")
    temperature_c: float | None = Field(validation_alias="temp", description="Degrees Celsius.")
    humidity_percent: float | None = Field(validation_alias="rh", description="Relative humidity.")
    noise_db: float | None = Field(validation_alias="noise", description="A-weighted decibels.")
    light_lx: float | None = Field(validation_alias="light", description="Lux.")
    last_heard: datetime | None = Field(description="Time of the newest reading, of whatever age.")
    presence_heard: datetime | None = Field(description="The same, of the sensors that see people.")
    air_heard: datetime | None = Field(description="The same, of the CO2 sensors.")
    silent_sensors: int = Field(
        default=0, description="Sensors (parts of devices) that were heard once and are silent now."
    )
    opens_at: time | None = Field(default=None, description="Local time; null where none is stated.")
    closes_at: time | None = Field(default=None, description="Local time; null for the hub's closing time.")
    open: bool = Field(default=True, description="Whether it is open now, by these times and the hub's zone.")
    features: list[SpaceFeature] = Field(default=[], description="What people may need, as it is entered.")
    equipment: list[str] = Field(default=[], description="Things that are there, as they are entered.")
    names: dict[Language, str] = Field(default={}, description="Names in other languages.")
    alerts: list[Alert] = Field(default=[], description="Episodes that are open.")

    def named(self, language: str) -> "SpaceNow":
        """Return the space with its name in a language, where it has one."""
        own = {str(code): name for code, name in self.names.items()}.get(language)
        return self if own is None else self.model_copy(update={"name": own})


class Evacuation(BaseModel):
    """An evacuation or a drill that is open: everybody has to leave."""

    model_config = ConfigDict(from_attributes=True)

    kind: Literal["drill", "alarm"]
    since: datetime
    assembly_point: str = Field(description="Where people gather, in the hub's words; empty where not set.")


class EvacuationNow(BaseModel):
    """Whether there is one now."""

    evacuation: Evacuation | None


class Spaces(BaseModel):
    """All spaces."""

    evacuation: Evacuation | None = Field(
        description="An open evacuation or drill: no space is to be offered, whatever its state."
    )
    spaces: list[SpaceNow]


class RawPoint(BaseModel):
    """One reading."""

    time: datetime = Field(description="When it was measured.")
    value: float
    quality: Literal["ok", "inferred", "suspect"]


class StepPoint(BaseModel):
    """The readings of one step of time; a step without any is left out."""

    time: datetime = Field(description="When the step begins.")
    mean: float | None = Field(description="Of the good readings, like `min` and `max`; null without any.")
    min: float | None
    max: float | None
    n: int = Field(description="Good readings in the step.")
    suspect: int = Field(description="Readings in doubt, which are part of no value.")


class SeriesPoints(BaseModel):
    """The points of one sensor's quantity, in order of time."""

    device_id: str
    name: str
    quantity: str
    unit: str = Field(description="SenML symbol (RFC 8428).")
    points: list[RawPoint] | list[StepPoint] = Field(
        description="Readings (`raw`), or steps of time with mean, lowest, highest and count."
    )


class Readings(BaseModel):
    """Readings of a space in a range of time."""

    model_config = _example(_READINGS)

    space_id: str
    start: datetime = Field(alias="from", description="Inclusive, rounded down to a whole step.")
    end: datetime = Field(alias="to", description="Exclusive, rounded up to a whole step.")
    resolution: Resolution
    series: list[SeriesPoints]


class SeriesNow(BaseModel):
    """A sensor's newest reading, of whatever age."""

    name: str
    quantity: str
    unit: str
    time: datetime | None
    value: float | None
    quality: Literal["ok", "inferred", "suspect"] | None
    heard: datetime | None = Field(
        description="When it was heard: the time of the newest reading, in steps of five minutes without the "
        "right to single readings; null if never, and in one person's room."
    )
    state: SeriesState | None = Field(
        description="`in-doubt`: the newest value cannot be right; check the sensor. `silent`: none "
        "for five minutes, or for three of its own intervals."
    )


class Device(BaseModel):
    """A device and whether it is heard."""

    model_config = _example(_DEVICE)

    id: str
    name: str
    space_id: str | None
    space_name: str | None
    software: str | None
    registered_at: datetime
    status: Literal["online", "offline", "unknown"] = Field(
        description="State of its connection; `unknown` where it said `online` and is silent since."
    )
    status_at: datetime | None = Field(description="When that was reported, by the device's own clock.")
    last_heard: datetime | None = Field(description="Its newest reading, or when it last said `online`.")
    silent: bool = Field(description="Nothing for five minutes, or for three of its own intervals.")
    silent_since: datetime | None
    roster_at: datetime | None = Field(
        default=None, description="Since when its readers have their list of badges, to a quarter of an hour."
    )
    series: list[SeriesNow]

    @property
    def doubtful(self) -> bool:
        """Whether the newest value of one of its series cannot be right."""
        return any(series.state == "in-doubt" for series in self.series)


class Devices(BaseModel):
    """All devices."""

    devices: list[Device]


class Alerts(BaseModel):
    """Episodes that are open, and those that ended lately."""

    open: list[Alert]
    recent: list[Alert]
