"""Responses of the API as pydantic models, with units and an example.

Times are UTC in ISO 8601. A value older than five minutes is null and its state unknown.
"""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from hubwell.vocabulary import CO2_FRESH_BELOW_PPM, CO2_STUFFY_UP_TO_PPM, SpaceKind

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
    "fullness": "third",
    "people": 5,
    "people_from": "2026-11-22T12:10:00Z",
    "air": "stuffy",
    "co2_ppm": 1184.2,
    "temperature_c": 21.4,
    "humidity_percent": 38.2,
    "noise_db": 63.1,
    "light_lx": 480.0,
    "last_heard": "2026-11-22T12:20:08.120Z",
    "presence_heard": "2026-11-22T12:20:08.120Z",
    "air_heard": "2026-11-22T12:20:06.620Z",
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
                {"time": "2026-11-22T11:00:00Z", "mean": 934.0, "min": 702.0, "max": 1203.0, "n": 360}
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
        }
    ],
}
_HEALTH = {
    "status": "ok",
    "database": {"engine": "timescale-community", "postgresql": "17.2", "timescaledb": "2.23.0"},
    "schema": {"current": "0001", "needed": "0001"},
    "newest_reading": {"measured_at": "2026-11-22T12:20:08.512Z", "age_s": 1.4},
    "deliveries_waiting": 0,
    "stream": "live",
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
    people: int | None = Field(
        description="About how many people were there in the five minutes from `people_from`, rounded down "
        "to a multiple of five; null for fewer than five, and where the number would give so few away."
    )
    people_from: datetime | None = None
    air: Literal["fresh", "stuffy", "bad", "unknown"] = Field(
        description=f"CO2 below {CO2_FRESH_BELOW_PPM:.0f} ppm, up to {CO2_STUFFY_UP_TO_PPM:.0f} ppm, above "
        "(ASR A3.6)."
    )
    co2_ppm: float | None = Field(validation_alias="co2", description="Parts per million.")
    temperature_c: float | None = Field(validation_alias="temp", description="Degrees Celsius.")
    humidity_percent: float | None = Field(validation_alias="rh", description="Relative humidity.")
    noise_db: float | None = Field(validation_alias="noise", description="A-weighted decibels.")
    light_lx: float | None = Field(validation_alias="light", description="Lux.")
    last_heard: datetime | None = Field(description="Time of the newest reading, of whatever age.")
    presence_heard: datetime | None = Field(description="The same, of the sensors that see people.")
    air_heard: datetime | None = Field(description="The same, of the CO2 sensors.")
    alerts: list[Alert] = Field(default=[], description="Episodes that are open.")


class Spaces(BaseModel):
    """All spaces."""

    spaces: list[SpaceNow]


class RawPoint(BaseModel):
    """One reading."""

    time: datetime = Field(description="When it was measured.")
    value: float
    quality: Literal["ok", "inferred", "suspect"]


class StepPoint(BaseModel):
    """The readings of one step of time; a step without any is left out."""

    time: datetime = Field(description="When the step begins.")
    mean: float
    min: float
    max: float
    n: int = Field(description="Readings in the step.")


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


class Device(BaseModel):
    """A device and whether it is heard."""

    model_config = _example(_DEVICE)

    id: str
    name: str
    space_id: str | None
    space_name: str | None
    software: str | None
    registered_at: datetime
    status: Literal["online", "offline", "unknown"] = Field(description="State of its connection.")
    status_at: datetime | None
    last_heard: datetime | None = Field(description="Its newest reading, or when it came online.")
    silent: bool = Field(description="Nothing for five minutes, or for three of its own intervals.")
    silent_since: datetime | None
    roster_at: datetime | None = Field(
        default=None, description="Since when its readers have their list of badges, to a quarter of an hour."
    )
    series: list[SeriesNow]


class Devices(BaseModel):
    """All devices."""

    devices: list[Device]


class Alerts(BaseModel):
    """Episodes that are open, and those that ended lately."""

    open: list[Alert]
    recent: list[Alert]


class DatabaseHealth(BaseModel):
    """What answers at the other end."""

    engine: Literal["plain", "timescale-apache", "timescale-community"]
    postgresql: str
    timescaledb: str | None


class SchemaHealth(BaseModel):
    """Whether the tables are those of this release."""

    current: str | None
    needed: str


class NewestReading(BaseModel):
    """The newest reading that was committed. Taps are left out."""

    measured_at: datetime | None
    age_s: float | None = Field(description="Seconds.")


class Health(BaseModel):
    """Whether Hubwell works, judged from its database."""

    model_config = _example(_HEALTH)

    status: Literal["ok"]
    database: DatabaseHealth
    schema_state: SchemaHealth = Field(alias="schema")
    newest_reading: NewestReading
    deliveries_waiting: int
    stream: Literal["live", "polling", "away"] = Field(
        description="How changes reach the board: at once, every few seconds, or not at all."
    )
