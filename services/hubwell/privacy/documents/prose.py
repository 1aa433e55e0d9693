"""Make a document of its prose: a TOML file whose strings are Jinja templates over the inventory.

The values of a site (its name, its legal basis) are inserted after the file is parsed, so nothing in them can
change the structure.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, StrictUndefined

from hubwell.privacy.documents.document import Document, Section, fill
from hubwell.privacy.documents.inventory import Inventory

# S701: the text becomes Markdown and JSON; the page that shows it escapes it.
_JINJA: Final = Environment(undefined=StrictUndefined)  # noqa: S701
_SCALES: Final = (100, 1000, 10_000)

Rows = tuple[tuple[str, ...], ...]


def document(name: str, inventory: Inventory, **more: Any) -> Document:  # noqa: ANN401 (for the templates)
    """Return the document of `NAME.toml`; `more` are values and rows that the file names."""
    prose = _load(f"{name}.toml")
    values = _values(inventory) | _load("measures.toml") | more
    sections = tuple(_section(section, values) for section in prose["section"])
    return Document(_render(prose["title"], values), inventory.at, sections)


def retention_sentence(inventory: Inventory, data: str) -> str:
    """Return when a class of data is deleted, as the end of a sentence."""
    term = inventory.term(data)
    if term.keep is None:
        return "no limit set"
    if term.keep == timedelta(0):
        return "at the closing" if term.since == "closing" else "when it ends"
    days, minutes = term.keep // timedelta(days=1), term.keep // timedelta(minutes=1)
    return f"after {days} days" if days else f"after {minutes} minutes"


def _load(file: str) -> dict[str, Any]:
    return tomllib.loads(files("hubwell.privacy.documents").joinpath(file).read_text("utf-8"))


def _values(inventory: Inventory) -> dict[str, Any]:
    address = inventory.settings.webhook_url
    return {name: getattr(inventory, name) for name in Inventory.__dataclass_fields__} | {
        "quantities": inventory.quantities,
        "badges": inventory.uses_badges,
        # The host only: the rest of the address may be secret.
        "webhook": urlsplit(str(address)).hostname if address else None,
        "fill": fill,
        "scale": _scale,
        "deleted": lambda data: retention_sentence(inventory, data),
    }


def _section(section: Mapping[str, Any], values: Mapping[str, Any]) -> Section:
    text = [_render(paragraph, values) for paragraph in section.get("text", ())]
    text += values[section["more_text"]] if "more_text" in section else ()
    return Section(_render(section["title"], values), tuple(text), tuple(_rows(section, values)))


def _rows(section: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for cells in section.get("table", ()):
        yield tuple(_render(cell, values) for cell in cells)
    for row in section.get("row", ()):
        if values[row["when"]] if "when" in row else True:
            yield tuple(_render(cell, values) for cell in row["cells"])
    if "more" in section:
        yield from values[section["more"]]


def _render(text: str, values: Mapping[str, Any]) -> str:
    return _JINJA.from_string(text).render(values)


def _scale(people: int) -> str:
    """Return the order of magnitude: an exact number is of no use here."""
    bound = next((bound for bound in _SCALES if people < bound), None)
    return f"fewer than {bound}" if bound else f"{_SCALES[-1]} or more"
