"""The record of processing activities, from the live configuration; the prose is in `record.toml`."""

from typing import Final

from hubwell.privacy.documents.document import Document
from hubwell.privacy.documents.inventory import Inventory
from hubwell.privacy.documents.prose import Rows, document, retention_sentence
from hubwell.storage.tables import KEPT, Table, tables

ACTIVITIES: Final = {
    "presence": "Presence",
    "register": "Register of badges",
    "rolls": "Session rolls",
    "bookings": "Bookings of spaces",
    "evacuation": "Evacuation and drill",
    "sensors": "Air, noise and use of spaces",
    "alerts": "Alerts",
    "accounts": "Accounts",
    "audit": "Audit log",
}
"""Names of the activities that tables have in `tables.toml`."""
_OF_BADGES: Final = ("presence", "register", "rolls", "evacuation")
_ERASED: Final = {
    "cascade": "deleted",
    "delete": "deleted",
    "anonymise": "kept without the person",
}


def record(inventory: Inventory) -> Document:
    """Return the record."""
    return document("record", inventory, activities=ACTIVITIES, stored=_stored(inventory))


def _stored(inventory: Inventory) -> Rows:
    """Return a row for each table with rows about persons, by activity."""
    activities = [key for key in ACTIVITIES if inventory.uses_badges or key not in _OF_BADGES]
    shown = [table for table in tables().personal if table.activity in activities]
    shown.sort(key=lambda table: activities.index(table.activity))
    return tuple(
        (
            ACTIVITIES[table.activity],
            table.name,
            _deleted(inventory, table),
            table.why or _ERASED[table.erasure],
            "yes" if table.backup else "no",
        )
        for table in shown
    )


def _deleted(inventory: Inventory, table: Table) -> str:
    if table.retention == KEPT:
        return "with the rows that it belongs to"
    return retention_sentence(inventory, table.retention)
