"""Measure a package: sizes of files and functions, comments, annotations, prose and names."""

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from house_rules.tree import docstrings, files, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
_NOT_CODE = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)

# Directives for tools are not counted as comments.
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|pragma|fmt:|ruff:|mypy:|pyright|!|-\*-)")


@dataclass(frozen=True, slots=True)
class WordList:
    """The content of `words.toml`: markers and vague names with their budgets."""

    markers: re.Pattern[str]
    markers_per_1000_words: float
    vague: frozenset[str]
    vague_percent: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A word at its place."""

    path: Path
    line: int
    word: str


@dataclass(slots=True)
class Figures:
    """The figures of one package."""

    file_lines: list[int] = field(default_factory=list)
    function_lines: list[int] = field(default_factory=list)
    returns_annotated: int = 0
    code_lines: int = 0
    comment_lines: int = 0
    docstring_words: int = 0
    markers: list[Hit] = field(default_factory=list)
    variables: int = 0
    vague: list[Hit] = field(default_factory=list)

    @property
    def markers_per_1000_words(self) -> float:
        """Dialect markers per 1,000 words of docstrings."""
        return 1000 * len(self.markers) / (self.docstring_words or 1)

    @property
    def vague_percent(self) -> float:
        """Share of local variables with a vague name, in per cent."""
        return 100 * len(self.vague) / (self.variables or 1)

    @property
    def comments_per_100_lines(self) -> float:
        """Lines with a comment per 100 lines of code."""
        return 100 * self.comment_lines / (self.code_lines or 1)

    @property
    def return_percent(self) -> float:
        """Share of functions with a return type, in per cent."""
        return 100 * self.returns_annotated / (len(self.function_lines) or 1)


@cache
def word_list() -> WordList:
    """Return the words that are counted, and their budgets."""
    document = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    prose, variables = document["docstrings"], document["variables"]
    markers = "|".join(prose["markers"])
    return WordList(
        re.compile(rf"\b(?:{markers})\b", re.IGNORECASE),
        prose["markers_per_1000_words"],
        frozenset(variables["vague"]),
        variables["vague_percent"],
    )


def measure(folders: Iterable[Path], without: Sequence[str] = ()) -> Figures:
    """Measure the Python files under some folders, without those whose path matches one of the patterns."""
    figures = Figures()
    for folder in folders:
        for path in [folder] if folder.is_file() else files(folder, "py"):
            if not any(path.match(pattern) for pattern in without):
                _measure_file(figures, path)
    return figures


def _measure_file(figures: Figures, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    module = parse(path)
    figures.file_lines.append(len(text.splitlines()))
    _count_lines(figures, text, module)
    _count_words(figures, path, module)
    for node in ast.walk(module):
        if isinstance(node, Function):
            figures.function_lines.append(_length(node))
            figures.returns_annotated += node.returns is not None
            _count_names(figures, path, node)


def _length(function: Function) -> int:
    """Return the lines from `def` to the end, without those of the docstring."""
    assert function.end_lineno is not None  # noqa: S101 - parsed from text, so it has one
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    text = function.body[0]
    return lines - ((text.end_lineno or text.lineno) - text.lineno + 1)


def _count_lines(figures: Figures, text: str, module: ast.Module) -> None:
    prose = {
        line
        for node in docstrings(module)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            figures.comment_lines += _DIRECTIVE.match(token.string) is None
        elif token.type not in _NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    figures.code_lines += len(code - prose)


def _count_words(figures: Figures, path: Path, module: ast.Module) -> None:
    for node in docstrings(module):
        text = str(node.value)
        figures.docstring_words += len(text.split())
        for match in word_list().markers.finditer(text):
            line = node.lineno + text.count("\n", 0, match.start())
            figures.markers.append(Hit(path, line, match[0]))


def _count_names(figures: Figures, path: Path, function: Function) -> None:
    """Count the variables that a function itself binds, each name once."""
    first: dict[str, int] = {}
    for node in _own_nodes(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id.strip("_"):
            name = node.id.strip("_")
            first[name] = min(node.lineno, first.get(name, node.lineno))
    figures.variables += len(first)
    vague = first.keys() & word_list().vague
    figures.vague.extend(Hit(path, first[name], name) for name in sorted(vague))


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """Return the nodes of a function without those of functions and classes inside of it."""
    waiting: list[ast.AST] = [function]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            yield child
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                waiting.append(child)


def percentile(values: Sequence[int], share: float) -> int:
    """Return the smallest value that is not below this share of the values (nearest rank); 0 of none."""
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(int(rank), 1) - 1] if ordered else 0
