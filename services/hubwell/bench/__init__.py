"""`hubwell bench`: performance measurements, as ratios within one run against stated targets."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Final, cast

from hubwell.bench.outcome import Outcome
from hubwell.settings import Settings

BENCHES: Final = {
    "enrol": "the machine's share of the ten seconds in which staff enrol a badge",
    "ingest": "rows/s from MQTT to commit, over binary COPY of the same rows into the same table",
    "muster": "time from the click that starts an evacuation to the complete list, 500 people inside",
    "pages": "the slowest page of fifty spaces with a month of readings, and the bytes of a first view",
    "race": "the slowest of 200 clients that book overlapping parts at one moment, over plain inserts",
    "search": "the search for free spaces, and for thirty dates, in 500 spaces with a year of bookings",
    "tap": "time from a tap to the server's answer at the reader, 50 taps per second beside telemetry",
    "visible": "time from publishing a reading until the API returns it",
}
"""Name to description; the module of the same name has `async def measure(settings) -> Outcome`."""

Measure = Callable[[Settings], Awaitable[Outcome]]


def run_bench(settings: Settings, name: str | None, *, as_json: bool) -> int:
    """Run one measurement and print it; return the exit code.

    0: target met, or no target; 1: target missed; 2: unknown name. Without a name the list is printed.
    """
    if name is None:
        _print_list(as_json=as_json)
        return 0
    if name not in BENCHES:
        sys.stderr.write(f"There is no bench {name!r}; there are: {', '.join(BENCHES)}.\n")
        return 2
    measure = cast("Measure", import_module(f"hubwell.bench.{name}").measure)
    outcome = asyncio.run(_awaited(measure(settings)))
    if as_json:
        sys.stdout.write(json.dumps(outcome.as_json(), indent=2) + "\n")
    else:
        sys.stdout.write(outcome.in_words() + "\n")
    return 0 if outcome.ok else 1


async def _awaited(work: Awaitable[Outcome]) -> Outcome:
    return await work


def _print_list(*, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"benches": BENCHES}, indent=2) + "\n")
        return
    for name, what in BENCHES.items():
        sys.stdout.write(f"{name:10} {what}\n")
