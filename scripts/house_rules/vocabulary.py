"""Read the words, durations and numbers that `services/hubwell/vocabulary.py` states."""

import ast
import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import get_args

from house_rules.tree import Tree, parse


@dataclass(slots=True)
class Vocabulary:
    """The values of the module, each with its name there."""

    groups: dict[str, frozenset[str]] = field(default_factory=dict)
    durations: dict[timedelta | None, str] = field(default_factory=dict)
    numbers: dict[float, str] = field(default_factory=dict)

    def name_of(self, word: str) -> str | None:
        """Return the largest group that holds a word; None when the vocabulary does not have it."""
        holding = [name for name, words in self.groups.items() if word in words]
        return max(holding, key=lambda name: len(self.groups[name]), default=None)

    def two_of(self, words: set[str]) -> str | None:
        """Return a group that two or more of these words belong to."""
        return next((name for name, group in self.groups.items() if len(group & words) > 1), None)


def path_of(tree: Tree) -> Path:
    """Return the path of the vocabulary."""
    return tree.server / "vocabulary.py"


def read(path: Path) -> Vocabulary:
    """Import the module and collect its public constants and enumerations."""
    spec = importlib.util.spec_from_file_location("checked_vocabulary", path)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - the path ends in .py
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    vocabulary = Vocabulary()
    for name in _defined(path):
        _add(vocabulary, name, getattr(module, name))
    return vocabulary


def _defined(path: Path) -> Iterator[str]:
    """Return the public names that the module itself binds: imported ones are not its own."""
    for node in parse(path).body:
        match node:
            case ast.ClassDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def _add(found: Vocabulary, name: str, value: object) -> None:
    if isinstance(value, timedelta):
        found.durations.setdefault(value, name)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value not in (0, 1):
        found.numbers.setdefault(float(value), name)
    elif words := frozenset(_words(value)):
        found.groups[name] = words


def _words(value: object) -> Iterator[str]:
    members: list[object]
    if isinstance(value, type):
        members = [member.value for member in value] if issubclass(value, Enum) else []
    elif isinstance(value, str):
        members = [value]
    elif isinstance(value, Mapping | tuple | list | set | frozenset):
        members = list(value)
    else:
        members = list(get_args(value))
    for member in members:
        word = member.value if isinstance(member, Enum) else member
        if isinstance(word, str):
            yield word
