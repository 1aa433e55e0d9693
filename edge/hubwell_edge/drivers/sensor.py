"""The interface of sensor drivers, and the values that they return.

A driver handles one part, blocks while it does, and has no part in threads, asyncio, time stamps or MQTT.
`poll.py` turns its values into observations for the agent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol, runtime_checkable

from pydantic import Field, StringConstraints

from hubwell_edge.config_tables import Options
from hubwell_wire.plausible import STUCK_READS


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one quantity (`co2`, `temp`, ...) in its SenML unit."""

    quantity: str
    value: float
    unit: str
    quality: Literal["ok", "suspect"] = "ok"


@dataclass(frozen=True, slots=True)
class Channel:
    """Properties of one quantity of a part.

    Values outside `low`..`high` (in `unit`) are impossible for this part. A channel that shows the same value
    `stuck_after` times in a row is stuck (0: never, because a constant value is normal, as for a switch).
    """

    unit: str
    low: float
    high: float
    stuck_after: int = 0


class SensorError(Exception):
    """The part gave no usable value. The text is a sentence with advice for a person at the device."""

    state: Literal["silent", "error"] = "error"


class SensorSilentError(SensorError):
    """The part or its bus is present, but it gives no new value."""

    state = "silent"


class Sensor(Protocol):
    """One part on one bus. All methods block and are called from the one thread of that bus."""

    @property
    def part(self) -> str:
        """First half of the series names, for example ``scd41``; unique on a device."""
        ...

    @property
    def bus(self) -> str:
        """Name of the bus or other resource shared with other parts, for example ``i2c-1``.

        Each has one thread.
        """
        ...

    @property
    def every_s(self) -> float:
        """Seconds between two reads."""
        ...

    @property
    def timeout_s(self) -> float:
        """Seconds after which opening or reading is considered hung."""
        ...

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The quantities that this part measures, by name."""
        ...

    def open(self) -> None:
        """Prepare the part for reading. Raises SensorError."""
        ...

    def read(self) -> Sequence[Measurement]:
        """Return new values; empty if the part needs more time. Raises SensorError."""
        ...

    def close(self) -> None:
        """Release the part. Harmless when it was never opened, and before another `open`."""
        ...


Changed = Callable[[Sequence[Measurement]], None]

PartName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
    Field(description="name in series names: lower case letters, digits and hyphens"),
]


@runtime_checkable
class WatchableSensor(Sensor, Protocol):
    """A sensor that also reports a change when it happens, without waiting for the next read."""

    def watch(self, changed: Changed) -> None:
        """Set the function that is called, from any thread, for each change. Set it before `open`."""
        ...


class SensorSettings(Options):
    """Options of every sensor in the device file; each driver adds its own."""

    part: PartName
    every_s: Annotated[float, Field(gt=0, le=86400, description="seconds between two reads")] = 10
    timeout_s: Annotated[float, Field(gt=0, le=60, description="seconds after which a read is hung")] = 5


class I2CSettings(SensorSettings):
    """Bus and address of an I2C part."""

    bus: Annotated[int, Field(ge=0, le=99, description="the 1 in /dev/i2c-1")] = 1
    address: Annotated[int, Field(ge=0x08, le=0x77, description="as `i2cdetect -y 1` shows it, 0x62")]
    stuck_after: Annotated[
        int, Field(ge=0, le=100_000, description="reads with the same value until it is suspect; 0: never")
    ] = STUCK_READS
