"""Print rows for a person as a table, or for a machine as JSON."""

import json
import sys
from collections.abc import Mapping, Sequence

from hubwell.doctor.typed_commands import in_text


def say(text: str) -> None:
    """Print a text; the commands in it are printed as they are typed in this installation."""
    print(in_text(text))


def print_rows(rows: Sequence[Mapping[str, object]], *, title: str, as_json: bool) -> None:
    """Print rows that share their keys. JSON is one object with the title as its key."""
    from rich.console import Console
    from rich.table import Table

    if as_json:
        json.dump({title: rows}, sys.stdout, default=str, indent=2)
        sys.stdout.write("\n")
        return
    if not rows:
        sys.stdout.write(f"No {title}.\n")
        return
    table = Table(title=title.capitalize(), title_justify="left")
    for key, value in rows[0].items():
        number = isinstance(value, int | float)
        table.add_column(key.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else in_text(str(value)) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
