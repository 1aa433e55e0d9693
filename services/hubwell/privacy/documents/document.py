"""A document for the site's data protection work: sections of text and tables, as Markdown or JSON.

The documents are in English: they are inputs for a person who completes, translates and signs them.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

FILL: Final = "FILL IN"
"""Marks a place that only the site can fill in."""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs and perhaps a table, whose first row is its head."""

    title: str
    text: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document: title, time and sections."""

    title: str
    made_at: datetime
    sections: tuple[Section, ...]
    marker: str = FILL

    def as_markdown(self) -> str:
        """Return it as Markdown."""
        lines = [f"# {self.title}", "", f"Made on {self.made_at:%Y-%m-%d at %H:%M} UTC.", ""]
        for section in self.sections:
            lines += [f"## {section.title}", ""]
            for paragraph in section.text:
                lines += [paragraph, ""]
            if section.table:
                lines += [*_table(section.table), ""]
        return "\n".join(lines).rstrip("\n") + "\n"

    def as_json(self) -> str:
        """Return it as JSON, tables as lists of objects."""
        sections = [asdict(section) | {"table": _objects(section.table)} for section in self.sections]
        content = {"title": self.title, "made_at": self.made_at.isoformat(), "sections": sections}
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def fill(what: str) -> str:
    """Mark a place that the site fills in."""
    return f"[{FILL}: {what}]"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    head, *body = rows
    return [_row(head), _row(["---"] * len(head)), *(_row(row) for row in body)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _objects(rows: Sequence[Sequence[str]]) -> list[dict[str, str]]:
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
