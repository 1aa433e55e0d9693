"""`hubwell bench`: speeds as ratios of one run, against stated targets."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Final, cast

from hubwell.bench.outcome import Outcome
from hubwell.settings import Settings

BENCHES: Final = {
    "enrol": "what the machine takes of the ten seconds in which staff enrol a badge",
    "ingest": "rows/s from MQTT to commit, over binary COPY of the same rows into the same table",
    "muster": "time from the press that starts an evacuation to the whole list, 500 people inside",
    "tap": "time from a tap to the server's answer at the reader, 50 a second with telemetry beside it",
    "visible": "time from publishing a reading to seeing it in the API",
}
"""Name -> what it measures; the module of the same name has `async def measure(settings) -> Outcome`."""

Measure = Callable[[Settings], Awaitable[Outcome]]


def run_bench(settings: Settings, name: str | None, *, as_json: bool) -> int:
    """Run one measurement and print it; return 1 when its target is missed, 2 for an unknown name."""
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
