"""The people of the school, whichever provider knows them."""

from typing import Final

PASSWORD: Final = "of tests"  # noqa: S105 (of everybody, at providers on loopback)
PEOPLE: Final[dict[str, tuple[str, str, list[str]]]] = {
    "rosa": ("Rosa", "Bērziņa", ["teachers"]),
    "juris": ("Juris", "Kļaviņš", ["pupils"]),
    "stranger": ("No", "Group", []),
}
"""First name, last name and groups by login."""
