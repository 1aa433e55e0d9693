"""The record of processing activities, from the live configuration: one row for each thing that is done."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from hubwell.privacy.documents.document import Document, Section, fill
from hubwell.privacy.documents.inventory import Inventory
from hubwell.storage.tables import KEPT, Table, tables

MEASURES: Final = (
    (
        "Badge numbers never leave the reader: it makes a keyed pseudonym (HMAC-SHA256) whose key can be "
        "destroyed."
    ),
    "Every page and interface declares who may use it; without a declaration the program does not start.",
    "Numbers of people leave only for groups of five or more, in closed windows, rounded down.",
    "Personal data is in plain tables and is deleted row by row, by the hour; each deletion leaves a proof.",
    "What is done with people's data is written into a log in which every later change shows.",
    (
        "Passwords are stored as Argon2 hashes; sign-ins, codes and tokens as SHA-256; forms are protected "
        "from other sites; pages load nothing from elsewhere."
    ),
    "Keys are kept in a folder of their own, apart from the data and out of backups.",
)
_HEAD: Final = ("Activity", "Purpose", "Whose data", "Which data", "Who receives it", "Deleted")
_STORED: Final = ("Activity", "Stored as", "Deleted", "When the person is erased", "In backups")
_LEARNERS: Final = "learners, staff and visitors who use a badge or the desk"
ACTIVITIES: Final = {
    "presence": "Presence",
    "register": "Register of badges",
    "rolls": "Session rolls",
    "evacuation": "Evacuation and drill",
    "sensors": "Air, noise and use of spaces",
    "alerts": "Alerts",
    "accounts": "Accounts",
    "audit": "Audit log",
}
"""What a table's `activity` in `tables.toml` is called here."""
_OF_BADGES: Final = ("presence", "register", "rolls", "evacuation")
_ERASED: Final = {
    "cascade": "deleted",
    "delete": "deleted",
    "anonymise": "stays without the person",
}


def record(found: Inventory) -> Document:
    """Return the record."""
    settings = found.settings
    people = (
        ("Controller", settings.privacy_controller or fill("name and address of the controller")),
        ("Contact for data protection", settings.privacy_contact or fill("name, address, telephone")),
        ("Legal basis", settings.privacy_basis or fill("legal basis of each activity")),
        ("Processors", fill("who else runs or maintains the machine, the network, the sign-in, the mail")),
        ("Transfers to other countries", _transfers(found)),
    )
    return Document(
        f"Record of processing activities: {settings.hub_name}",
        found.at,
        (
            Section("Who", table=(("What", "Entry"), *people)),
            Section("What is done with data", table=(_HEAD, *_activities(found))),
            Section("What is stored of people", table=(_STORED, *_stored(found))),
            Section("How it is protected", MEASURES),
            Section(
                "To complete",
                (
                    fill("everything the hub does beside Hubwell"),
                    fill("how long backups are kept: older ones still hold an erased person"),
                ),
            ),
        ),
    )


def _stored(found: Inventory) -> list[tuple[str, ...]]:
    """Return a row for each table whose rows are about persons, by activity."""
    activities = [key for key in ACTIVITIES if _uses_badges(found) or key not in _OF_BADGES]
    shown = [table for table in tables().personal if table.activity in activities]
    shown.sort(key=lambda table: activities.index(table.activity))
    return [
        (
            ACTIVITIES[table.activity],
            table.name,
            _deleted(found, table),
            table.why or _ERASED[table.erasure],
            "yes" if table.backup else "no",
        )
        for table in shown
    ]


def _deleted(found: Inventory, table: Table) -> str:
    if table.retention == KEPT:
        return "with what it belongs to"
    return retention_sentence(found, table.retention)


def _uses_badges(found: Inventory) -> bool:
    return found.has_readers or found.enrolled > 0


def _activities(found: Inventory) -> list[tuple[str, ...]]:
    rows = [_sensors(found), _alerts(found), _accounts(found), _audit(found)]
    if _uses_badges(found):
        rows[:0] = [_presence(found), _register(found), _rolls(), _musters(found)]
    return rows


def retention_sentence(found: Inventory, data: str) -> str:
    """Say how long a class of data stays."""
    term = found.term(data)
    if term.keep is None:
        return "no limit set"
    if term.keep == timedelta(0):
        return "at the closing" if term.since == "closing" else "when it ends"
    days, minutes = term.keep // timedelta(days=1), term.keep // timedelta(minutes=1)
    return f"after {days} days" if days else f"after {minutes} minutes"


def _presence(found: Inventory) -> tuple[str, ...]:
    unknown = (
        "Badges that nobody enrolled are counted without a person."
        if found.settings.unknown_badges == "count"
        else "Badges that nobody enrolled leave no row."
    )
    return (
        ACTIVITIES["presence"],
        "know which spaces are used, close what is full, find everybody in an evacuation",
        _LEARNERS,
        f"pseudonym, space, times of coming and going. {unknown}",
        "the person; the safety officer during a muster; counts of groups for everybody",
        f"taps {retention_sentence(found, 'tap')}, visits {retention_sentence(found, 'visit')}",
    )


def _register(found: Inventory) -> tuple[str, ...]:
    nameless = f" ({found.nameless} of {found.enrolled} entries have no name)" if found.enrolled else ""
    return (
        ACTIVITIES["register"],
        "recognise a badge, revoke a lost one",
        _LEARNERS,
        f"name if the person wants one{nameless}, language, badges as pseudonyms, when they were valid",
        "staff at the desk",
        "on request at once, or when the person leaves",
    )


def _rolls() -> tuple[str, ...]:
    return (
        ACTIVITIES["rolls"],
        "the purpose that whoever enters the session has to write down",
        "participants of a session",
        "names of who was in the space during the session; read from visits, never copied",
        "whoever entered the session",
        "by itself, at the time set with the session",
    )


def _musters(found: Inventory) -> tuple[str, ...]:
    stations = f"; {found.muster_stations} stations hold a sealed copy" if found.muster_stations else ""
    return (
        ACTIVITIES["evacuation"],
        "account for everybody in an evacuation",
        _LEARNERS,
        f"who is probably inside, where, since when, whether found{stations}",
        "the safety officer, in an alarm or with the leave of a second person; each look is logged",
        f"the list at its closing, the report without names {retention_sentence(found, 'muster-report')}",
    )


def _sensors(found: Inventory) -> tuple[str, ...]:
    quantities = ", ".join(sorted(found.quantities)) or "nothing yet"
    rooms = f" {found.personal_spaces} rooms of one person: shown to nobody." if found.personal_spaces else ""
    return (
        ACTIVITIES["sensors"],
        "healthy air, less noise, free spaces found",
        "whoever is in a small room: its readings may tell whether somebody is in",
        f"{quantities}; levels only, no sound and no picture.{rooms}",
        "five-minute means for everybody, finer readings for facilities, safety and administration",
        retention_sentence(found, "reading"),
    )


def _alerts(found: Inventory) -> tuple[str, ...]:
    hook = _webhook(found)
    return (
        ACTIVITIES["alerts"],
        "tell who is responsible about bad air",
        "nobody's",
        "space, rule, readings, who was told when",
        f"board{f', webhook at {hook}' if hook else ''}",
        retention_sentence(found, "delivery"),
    )


def _accounts(found: Inventory) -> tuple[str, ...]:
    provider = ", identity at the sign-in provider" if found.identities else ""
    return (
        ACTIVITIES["accounts"],
        "let staff and others sign in",
        f"{found.accounts} people with an account",
        f"login, name, roles, language, password hash{provider}, time of the last sign-in",
        "administration",
        "when the person leaves; sign-ins when they end",
    )


def _audit(found: Inventory) -> tuple[str, ...]:
    return (
        ACTIVITIES["audit"],
        "show what was done with people's data",
        "people with an account, and those whose data was touched",
        "ids, actions and numbers; no names and no pseudonyms",
        "administration",
        retention_sentence(found, "audit-log"),
    )


def _transfers(found: Inventory) -> str:
    hook = _webhook(found)
    said = f"alerts go to {hook}; " if hook else "Hubwell itself sends nothing to other organisations; "
    return said + fill("whether the network, backups or the sign-in provider transfer anything")


def _webhook(found: Inventory) -> str:
    """Return the host only: the rest of the address may be secret."""
    address = found.settings.webhook_url
    return urlsplit(str(address)).hostname or "" if address else ""
