"""Decide what may be stored: pure rules on parsed messages, with the time passed in.

Each refusal is one sentence that names the value and the remedy. One odd reading does not take its message
along: it is set aside alone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from hubwell_wire.messages import Envelope, Meta, Reading, Status, Telemetry
from hubwell_wire.parse import BadMessageError
from hubwell_wire.plausible import LARGEST, Problem, time_problem, value_problem


def check_clock(message: Envelope, now: datetime) -> None:
    """Raise BadMessageError for a message whose own time cannot be right.

    A device whose clock was never set sends ``unsynced``: its times are not guessed; the message is
    rejected whole, so that an operator can date it.
    """
    if message.clock == "unsynced":
        raise BadMessageError(
            "clock-unsynced",
            f"the device's clock was never set in this boot (it says {message.ts.isoformat()}): "
            "give the device network time; the message is kept under `hubwell rejected`",
        )
    problem = time_problem(message.ts, now)
    if problem is not None:
        raise BadMessageError(*problem)


def reported_at(state: Status | Meta, now: datetime, *, retained: bool) -> datetime | None:
    """Return when a device reported a state: its own time, if its clock was set, else that of the arrival.

    A message that the broker kept may be of any age: without a time of its own it has none. A clock that is
    ahead gives no time after `now`.
    """
    own = state.ts if isinstance(state, Status) and state.clock != "unsynced" else None
    if own is not None and time_problem(own, now) is None:
        return min(own, now)
    return None if retained else now


def list_made_at(state: Status, now: datetime) -> datetime | None:
    """Return when the list of badges of a device was made; None without one, or for no possible time."""
    made = state.roster_at
    return None if made is None or time_problem(made, now) is not None else min(made, now)


def odd_readings(message: Envelope, now: datetime) -> dict[int, Problem]:
    """Return the readings that cannot be right, by their place in the message, each with its problem.

    Raises BadMessageError, with the first problem, if no reading of the message can be stored.
    """
    if not isinstance(message, Telemetry) or _all_plausible(message, now):
        return {}
    odd = {
        place: problem
        for place, reading in enumerate(message.r)
        if (problem := _problem(message, reading, now)) is not None
    }
    refuse_if_none_is_left(message, odd)
    return odd


def refuse_if_none_is_left(message: Telemetry, odd: dict[int, Problem]) -> None:
    """Raise BadMessageError, with the first problem, if all readings of a message are odd."""
    if len(odd) == len(message.r):
        raise BadMessageError(*odd[min(odd)])


def _all_plausible(message: Telemetry, now: datetime) -> bool:
    """Judge the extremes only, which are usually right, so that a batch costs no call for each reading."""
    values = [reading.v for reading in message.r]
    if min(values) < -LARGEST or max(values) > LARGEST:
        return False
    return all(
        time_problem(message.ts + timedelta(milliseconds=offset), now) is None
        for offset in message.offsets_ms()
    )


def _problem(message: Telemetry, reading: Reading, now: datetime) -> Problem | None:
    time = message.ts + timedelta(milliseconds=reading.t)
    return time_problem(time, now) or value_problem(reading.s, reading.v, reading.u)


def check_text(message: BaseModel, payload: bytes) -> None:
    """Raise BadMessageError for a text with a NUL character, which PostgreSQL cannot hold."""
    if rb"\u0000" not in payload:
        return
    for name, text in _texts(message.model_dump(mode="json"), "message"):
        if "\0" in text:
            raise BadMessageError("field", f"{name}: the text {text[:80]!r} holds a NUL: send it without")


def _texts(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield every text in JSON values with its path, for example ``data.detail``."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key if name == "message" else f"{name}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, f"{name}.{index}")
