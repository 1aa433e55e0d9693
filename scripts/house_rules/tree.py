"""The source tree as the rules see it: its files by package, and what a rule reports."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MIGRATIONS = "storage/migrations"
VIEWS = "storage/views"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A place that breaks a rule, and a sentence with the remedy."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Report:
    """What a rule measured, in one line, and the places that break it."""

    figure: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """A checkout of the repository: `root` holds `services/hubwell` and `edge`."""

    root: Path

    @property
    def server(self) -> Path:
        """The folder of the server's package."""
        return self.root / "services" / "hubwell"

    @property
    def edge(self) -> Path:
        """The folder with the edge's packages."""
        return self.root / "edge"

    def name(self, path: Path) -> str:
        """Return a path as the report shows it, relative to the root."""
        return path.relative_to(self.root).as_posix()

    def package(self, path: Path) -> str:
        """Return the package (or top-level module) under `hubwell` that a file belongs to."""
        return path.relative_to(self.server).parts[0].removesuffix(".py")

    def packages(self) -> set[str]:
        """Return the names of all packages and modules directly under `hubwell`."""
        return {self.package(path) for path in self.server_files("py")}

    def is_migration(self, path: Path) -> bool:
        """Return whether a file is part of the migrations."""
        return path.is_relative_to(self.server / MIGRATIONS)

    def server_files(self, ending: str) -> Iterator[Path]:
        """Return the server's files with this ending, in order."""
        return files(self.server, ending)


def files(folder: Path, ending: str) -> Iterator[Path]:
    """Return a folder's files with this ending, in order, without caches and hidden folders."""
    for path in sorted(folder.rglob(f"*.{ending}")):
        inner = path.relative_to(folder).parts
        if not any(part == "__pycache__" or part.startswith(".") for part in inner):
            yield path


@cache
def parse(path: Path) -> ast.Module:
    """Return a module's syntax tree. Raises SyntaxError."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def docstrings(module: ast.Module) -> Iterator[ast.Constant]:
    """Return the docstrings of a module, of its classes and functions, and those under attributes."""
    for node in ast.walk(module):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for statement in body:
            # A string as a statement documents the attribute above it, although Python discards it.
            match statement:
                case ast.Expr(value=ast.Constant(value=str()) as text):
                    yield text


def report(figure: str, findings: Iterable[Finding]) -> Report:
    """Return a report with its findings in the order of the files, each once."""
    return Report(figure, tuple(sorted(set(findings))))
