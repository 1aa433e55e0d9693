"""The words and limits of the domain, each defined once: kinds, roles, languages, quantities, thresholds.

Code imports them from here; the database's views read them from functions that every upgrade creates from
these constants (`storage/vocabulary_functions.py`). The values that messages may hold are defined by the
contract (`hubwell_wire`); a test compares the two.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Final

from hubwell_wire.enumerations import Language


class SpaceKind(StrEnum):
    """The purpose of a space; the board shows the kinds in this order."""

    WORKSHOP = "workshop"
    COLLABORATION = "collaboration"
    RELAXATION = "relaxation"


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
CO2_STUFFY_UP_TO_PPM: Final = 2000.0
"""Up to this the air is stuffy, above it bad (the same table)."""
QUIET_BELOW_DB: Final = 45.0
"""Below this a space is quiet, in dB(A)."""

STALE_AFTER: Final = timedelta(minutes=5)
"""From this age on a sensor's value is not current any more, and its device is considered silent."""
BADGE_LIST_OLD_AFTER: Final = timedelta(minutes=15)
"""From this age on a device's list of badges is old: it is published at least every five minutes."""
LONGEST_VISIT: Final = timedelta(hours=12)
"""A visit without an end is ended after this time, and no correction makes one longer."""
ROLLUP_STEP: Final = timedelta(minutes=5)
"""Width of the steps that readings are rolled up to, and that plots draw."""
COUNT_WINDOW: Final = timedelta(minutes=5)
"""Width of the fixed windows in which people are counted; they begin at midnight UTC."""
COUNT_SHOWN_FOR: Final = timedelta(minutes=20)
"""How long the newest published count of people is shown, from the start of its window."""
OPEN_VISIT_IGNORED_AFTER: Final = timedelta(hours=16)
"""From this age on an open visit is ignored, even if the job that ends visits did not run."""
