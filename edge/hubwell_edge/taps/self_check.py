"""Checks of epoch keys, list of badges and muster, for `check`, `doctor` and the start of the agent."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from hubwell_edge.settings import EdgeSettings, SettingsError
from hubwell_edge.taps.files.epoch_keys import KeyFolder, KeysError
from hubwell_edge.taps.files.muster_file import MusterFileError, load
from hubwell_edge.taps.files.roster import RosterStore

OLD: Final = timedelta(days=7)
"""A list older than this is reported: people enrolled since then are unknown while the server is
unreachable.
"""

_SLACK: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check; the text of a failed one gives the remedy."""

    part: str
    ok: bool
    text: str


def check_badges(settings: EdgeSettings) -> None:
    """Raise SettingsError if there is no usable epoch key: the agent must not start without one."""
    try:
        KeyFolder(settings.badges.keys_dir).epochs()
    except KeysError as error:
        raise SettingsError(str(error)) from error


def inspect_badges(settings: EdgeSettings, now: datetime | None = None) -> Iterator[CheckResult]:
    """Yield the results for the epoch keys and the list of badges."""
    yield _keys(settings.badges.keys_dir)
    yield _roster(settings, now or datetime.now(UTC))


def inspect_muster(folder: Path, now: datetime | None = None) -> CheckResult:
    """Return whether a sealed muster is stored, and its age."""
    try:
        muster = load(folder)
    except MusterFileError as error:
        return CheckResult("muster", ok=False, text=str(error))
    if muster is None:
        return CheckResult(
            "muster", ok=False, text="no muster is stored: the server sends one to muster stations"
        )
    age = age_in_words((now or datetime.now(UTC)) - muster.at)
    return CheckResult("muster", ok=True, text=f"a sealed muster is stored, {age}")


def age_in_words(age: timedelta) -> str:
    """Return an age as a phrase, for example ``2 h 5 min old``."""
    units = age_in_units(age)
    return f"{units} old" if units else "of unknown age: the clock of this device is behind"


def age_in_units(age: timedelta) -> str | None:
    """Return an age in minutes, hours or days, for example ``2 h 5 min``; None if it is in the future."""
    if age < -_SLACK:
        return None
    minutes = max(0, round(age / timedelta(minutes=1)))
    hours, rest = divmod(minutes, 60)
    days, rest_hours = divmod(hours, 24)
    if days:
        return f"{days} d {rest_hours} h"
    return f"{hours} h {rest} min" if hours else f"{minutes} min"


def _keys(folder: Path | None) -> CheckResult:
    try:
        epochs = KeyFolder(folder).epochs()
    except KeysError as error:
        return CheckResult("badge keys", ok=False, text=str(error))
    numbers = ", ".join(str(key.epoch) for key in epochs)
    text = f"badge keys of the epochs {numbers}" if len(epochs) > 1 else f"the badge key of epoch {numbers}"
    if folder is not None and stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        return CheckResult(
            "badge keys", ok=False, text=f"{text}; other users can read {folder}: chmod 700 it"
        )
    return CheckResult("badge keys", ok=True, text=text)


def _roster(settings: EdgeSettings, now: datetime) -> CheckResult:
    key = settings.badges.roster_key
    store = RosterStore(settings.outbox.dir, site=settings.site, device=settings.device, key=key)
    if key is None:
        text = "lists of badges are refused: set badges.roster_key to the hub's public key"
        return CheckResult("badge list", ok=False, text=text)
    if store.roster is None:
        text = (
            "no list of badges yet: the server sends one when it knows this device; until then taps are noted"
        )
        return CheckResult("badge list", ok=False, text=text)
    age = now - store.roster.at
    text = f"a list of {len(store.roster.badges)} badges, {age_in_words(age)}"
    if age > OLD:
        return CheckResult("badge list", ok=False, text=f"{text}: find out why no newer one arrives")
    return CheckResult("badge list", ok=True, text=text)
