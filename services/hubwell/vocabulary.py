"""The words and limits of the domain, each defined once: kinds, roles, languages, quantities, thresholds.

Code imports them from here; the database's views read them from functions that every upgrade creates from
these constants (`storage/vocabulary_functions.py`). The values that messages may hold are defined by the
contract (`hubwell_wire`); a test compares the two.
"""

from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Final
from uuid import UUID

from hubwell_wire.enumerations import Language


class SpaceKind(StrEnum):
    """The purpose of a space; the board shows the kinds in this order."""

    WORKSHOP = "workshop"
    COLLABORATION = "collaboration"
    RELAXATION = "relaxation"


class SpaceFeature(StrEnum):
    """What people may need of a space, as the register states it; forms show them in this order."""

    STEP_FREE = "step-free"
    HEARING_LOOP = "hearing-loop"
    QUIET = "quiet"
    """A place to be quiet, whatever its sensors measure now."""
    DAYLIGHT = "daylight"


LARGEST_CAPACITY: Final = 100_000
"""People of one space; what is larger is a slip of the keyboard."""


CODE_ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Characters of codes that people copy: without 0 and O, 1 and I, which are easily confused."""


class Quality(IntEnum):
    """What a reading is worth, as in `reading.quality`: good below SUSPECT, in doubt from there on."""

    OK = 0
    INFERRED = 1
    SUSPECT = 2
    STUCK = 3
    """The value has not changed for too long (`hubwell_wire.plausible`); set by the server only."""


class Role(StrEnum):
    """The rights of an account or token. Roles do not contain each other; an account may have several."""

    LEARNER = "learner"
    """A person who sees their own visits: by an account, or by a code from the kiosk."""
    STAFF = "staff"
    """Enrols badges, checks people in at the desk, keeps the roll of their own sessions."""
    FACILITIES = "facilities"
    """Reads devices, air and use of spaces."""
    OSH = "osh"
    """Occupational safety and health: alerts and evacuations."""
    ADMIN = "admin"
    """Accounts, keys, retention, the audit log. Sees no visits of others."""


BY_A_PROGRAM: Final = UUID(int=0)
"""In place of the account that made another one or set its password, where a program did with its token."""
LANGUAGES: Final[dict[Language, str]] = {
    "en": "English",
    "it": "Italiano",
    "fi": "Suomi",
    "et": "Eesti",
    "lv": "Latviešu",
    "nl": "Nederlands",
}
"""Each language's code (ISO 639-1) and its own name."""
SOURCE_LANGUAGE: Final[Language] = "en"
"""The language of the texts in the code."""

CO2: Final = "co2"
PRESENCE_QUANTITIES: Final = ("presence", "motion", "occupancy")
"""Quantities of presence sensors: a value above 0 means that the space is in use."""
HEADCOUNT: Final = "people/count"
"""A series of this name, or one that ends in it, counts the people in its space."""

CO2_FRESH_BELOW_PPM: Final = 1000.0
"""Below this the air is fresh; from here on the air rule raises (ASR A3.6, section 4.2, table 1)."""
CO2_CLEAR_BELOW_PPM: Final = 900.0
"""The air rule ends an episode below this mean: lower than where it began, so that it cannot flap."""
CO2_STUFFY_UP_TO_PPM: Final = 2000.0
"""Up to this the air is stuffy, above it bad (the same table)."""
QUIET_BELOW_DB: Final = 45.0
"""Below this a space is quiet, in dB(A)."""

HOLD_STEPS: Final = 1.5
"""A reading is valid until the next one of its series, which may be late by half a step."""
LONGEST_HOLD: Final = timedelta(minutes=15)
"""No reading is valid for longer than this without another: the air of a room changes within minutes."""
SLOWEST_JUDGED: Final = timedelta(minutes=11)
"""Air that is measured less often than this is judged by no rule of 15 minutes: ten minutes, and one by which
a sensor that declares ten may be late."""
SLOWEST_DECLARED: Final = timedelta(hours=26)
"""A device that declares a longer step counts as one with this: else it would never be silent. Once a day is
possible, also where clocks are put back and an hour is lost."""
RHYTHM_LEAST_STEPS: Final = 4
"""A series that declares no step has a rhythm from this many steps on: their median, if enough are near."""
RHYTHM_NEAR: Final = 1 / 3
"""A step is near the median within this share of it."""
RHYTHM_NEAR_SHARE: Final = 0.75
"""The share of the steps that is near the median in a series with a rhythm."""
RHYTHM_READINGS: Final = 7
"""The newest readings of a series that show its rhythm."""
STALE_AFTER: Final = timedelta(minutes=5)
"""From this age on a sensor's value is not current any more, and its device is considered silent."""
NOBODY_SENSED_AFTER: Final = 2 * STALE_AFTER
"""Where sensors saw no person for this time, visits that began before it are forgotten check-outs."""
ADDED_UP_WITHIN: Final = timedelta(minutes=15)
"""How old a change of readings is at most that is no part of the hours yet; the worker adds up every 20 s."""
BADGE_LIST_OLD_AFTER: Final = timedelta(minutes=15)
"""From this age on a device's list of badges is old: it is published at least every five minutes."""
SIGN_OF_LIFE_EVERY: Final = timedelta(seconds=15)
"""Pause between two signs of life of a process of the server."""
HANGS_AFTER: Final = timedelta(seconds=50)
"""From this age of its last sign of life on a process is considered hanging: three were missed."""
LONGEST_VISIT: Final = timedelta(hours=12)
"""A visit without an end is ended after this time, and no correction makes one longer."""
MOST_SERIES: Final = 200
"""Series of one device; a Raspberry Pi with every driver has about twenty."""
REJECTED_WITHIN: Final = timedelta(days=10)
"""The time for which what was set aside of one device is added up."""
REJECTED_BYTES: Final = 4 * 1024 * 1024
"""Bytes of messages set aside that are kept of one device in that time, and of all strangers together."""
REJECTED_ROWS: Final = 2000
"""Messages set aside that get a row of their own, of one device in that time."""
MOST_UNREGISTERED: Final = 100
"""Devices that are heard and not registered, of which something is kept; ignored ones are not among them."""
UNREGISTERED_KEPT: Final = timedelta(days=30)
"""How long a device that is not registered is kept after it was last heard."""
ROLLUP_STEP: Final = timedelta(minutes=5)
"""Width of the steps that readings are rolled up to, and that plots draw."""
COUNT_WINDOW: Final = timedelta(minutes=5)
"""Width of the fixed windows in which people are counted; they begin at midnight UTC."""
COUNT_SHOWN_FOR: Final = timedelta(minutes=20)
"""How long the newest published count of people is shown, from the start of its window."""
OPEN_VISIT_IGNORED_AFTER: Final = timedelta(hours=16)
"""From this age on an open visit is ignored, even if the job that ends visits did not run."""
