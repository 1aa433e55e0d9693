"""Recorded files of tests: written as bytes, read by the source, compared as times and values."""

import asyncio
from datetime import datetime
from pathlib import Path

from hubwell_edge.replay.layout import load_map
from hubwell_edge.replay.source import ReplaySource

Point = tuple[str, datetime, float]


def layout(
    *columns: str,
    time: str = "time",
    pattern: str = "%d.%m.%Y %H:%M",
    zone: str = "Europe/Helsinki",
    top: str = "",
) -> str:
    """Give a map; each column is written ``NAME=SERIES,UNIT``."""
    tables = [
        '[[columns]]\ncolumn = "{}"\nseries = "{}"\nunit = "{}"'.format(name, *rest.split(","))
        for name, _, rest in (column.rpartition("=") for column in columns or ("CO2=room/co2,ppm",))
    ]
    clock = f'[time]\ncolumns = ["{time}"]\nformat = "{pattern}"\nzone = "{zone}"'
    return "\n".join([top, clock, *tables])


def source_of(folder: Path, text: str | bytes, plan: str, *, skip_bad: bool = False) -> ReplaySource:
    """Write file and map, and give the source; raises what the first pass raises."""
    file, toml = folder / "export.csv", folder / "map.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    toml.write_text(plan, encoding="utf-8")
    return ReplaySource(file, load_map(toml), skip_bad=skip_bad)


def played(source: ReplaySource, cursor: str | None = None) -> list[Point]:
    """Give what the source sends, in its order."""

    async def play() -> list[Point]:
        return [
            (reading.s, observation.taken, reading.v)
            async for observation in source.observations(cursor)
            for reading in observation.readings
            if observation.taken is not None
        ]

    return asyncio.run(play())


def values(source: ReplaySource) -> list[float]:
    return [value for _, _, value in played(source)]


def times(source: ReplaySource) -> list[str]:
    """Give the times of what is sent as texts in UTC."""
    return [f"{taken:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z" for _, taken, _ in played(source)]
