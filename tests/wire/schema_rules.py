"""The schemas of a release, and the rule that a later one may only gain optional fields.

Run at a release: ``python tests/wire/schema_rules.py > tests/wire/golden/schemas-X.Y.json``
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

from hubwell_wire import asyncapi

_WORDS = ("description", "title", "examples")
# Servers are updated before the devices that use a new unit, a new cause of a gap, or a tap without a badge.
_MAY_GROW = {"u", "cause"}
_MAY_BE_LEFT_OUT = {"TapData.badge"}


def bare() -> dict[str, Any]:
    """Give the schemas of the models without what is only for readers."""
    return {name: _bare(schema) for name, schema in asyncapi.schemas().items()}


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _bare(value)
        for key, value in schema.items()
        if key not in _WORDS and not key.startswith("x-") and key != "properties"
    }
    if "properties" in schema:  # here the keys are names of fields, one of which may be "title"
        kept["properties"] = {name: _bare(inner) for name, inner in schema["properties"].items()}
    return kept


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Give a sentence for everything in `new` that programs of `old` do not understand."""
    return [problem for name in old for problem in _breaks_of(name, old[name], new.get(name))]


def _breaks_of(name: str, old: dict[str, Any], new: dict[str, Any] | None) -> Iterator[str]:
    if new is None:
        yield f"{name} is gone"
        return
    changed = set(new.get("required", [])) ^ set(old.get("required", []))
    for field in sorted(field for field in changed if f"{name}.{field}" not in _MAY_BE_LEFT_OUT):
        now = "required" if field in new.get("required", []) else "not required"
        yield f"{name}.{field} is {now} now"
    for field, schema in old.get("properties", {}).items():
        if field not in new.get("properties", {}):
            yield f"{name}.{field} is gone"
        elif not _same(f"{name}.{field}", schema, new["properties"][field]):
            yield f"{name}.{field} was {schema} and is {new['properties'][field]}"
    others = (old.keys() | new.keys()) - {"properties", "required"}
    yield from (f"{name}: {key} was changed" for key in sorted(others) if old.get(key) != new.get(key))


def _same(where: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    if where in _MAY_BE_LEFT_OUT and "anyOf" in new and "anyOf" not in old:
        return new == {"anyOf": [old, {"type": "null"}], "default": None}
    if where.rpartition(".")[2] in _MAY_GROW and set(old.get("enum", [])) <= set(new.get("enum", [])):
        return {**old, "enum": None} == {**new, "enum": None}
    return old == new


if __name__ == "__main__":
    json.dump(bare(), sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")
