"""Facts of the domain are stated in `vocabulary.py` only: refuse their literals anywhere else.

In modules: two or more words of one group in a set, list, tuple, Literal or class body; a comparison with one
word; a duration or a compared number of the vocabulary. In SQL: a word or a duration of the vocabulary; in
views also any other interval, and any number that something is compared with, except 0 and 1.

`allowed.toml` lists what stays, file by file, each with its reason.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlglot import tokenize

from house_rules import vocabulary
from house_rules.tree import VIEWS, Finding, Report, Tree, parse, report
from house_rules.vocabulary import Vocabulary

ALLOWED = Path(__file__).with_name("allowed.toml")
_AMOUNT = re.compile(r"(\d+)\s*(second|minute|hour|day|week)s?")
_BODY = re.compile(r"\$\w*\$")
_COMPARING = frozenset(("<", "<=", ">", ">=", "=", "<>", "!="))
_BEFORE_WORD = _COMPARING | {"(", ",", "["}


class Literal(NamedTuple):
    """A literal with its line, and the name that the vocabulary has for it, if any."""

    line: int
    text: str
    name: str | None


def check(tree: Tree, allowed: Path = ALLOWED) -> Report:
    """Refuse literals of the vocabulary outside of it, and unused entries of the allow list."""
    home = vocabulary.path_of(tree)
    if not home.exists():
        return report("no vocabulary.py", [Finding(tree.name(home), 1, "Write it: the domain's words.")])
    words = vocabulary.read(home)
    literals = [(tree.name(path), literal) for path, literal in _literals(tree, words)]
    permitted = _permitted(allowed)
    wrong = [
        Finding(file, literal.line, _sentence(literal))
        for file, literal in literals
        if (file, literal.text) not in permitted
    ]
    needed = permitted & {(file, literal.text) for file, literal in literals}
    for file, text in permitted - needed:
        wrong.append(Finding(file, 1, f"{text!r} is no longer here: take it out of {allowed.name}."))
    figure = f"{len(words.groups)} groups of words, {len(words.durations)} durations, "
    figure += f"{len(words.numbers)} numbers; {len(literals)} literals elsewhere, {len(needed)} allowed"
    return report(figure, wrong)


def _permitted(allowed: Path) -> set[tuple[str, str]]:
    """Return the pairs of file and literal that are allowed with a reason."""
    entries = tomllib.loads(allowed.read_text(encoding="utf-8")).get("allowed", [])
    return {(entry["file"], text) for entry in entries if entry.get("why") for text in entry["literals"]}


def _sentence(literal: Literal) -> str:
    if literal.name is None:
        return f"{literal.text} in a view has no name: take it from a reference table or the rule's data."
    return f"{literal.text} is stated in the vocabulary: use {literal.name}."


def _literals(tree: Tree, words: Vocabulary) -> Iterator[tuple[Path, Literal]]:
    home = vocabulary.path_of(tree)
    for path in tree.server_files("py"):
        if path != home and not tree.is_migration(path):
            yield from ((path, literal) for literal in _in_module(parse(path), words))
    for path in tree.server_files("sql"):
        if not tree.is_migration(path):
            is_view = path.is_relative_to(tree.server / VIEWS)
            text = path.read_text(encoding="utf-8")
            yield from ((path, literal) for literal in _in_sql(text, words, is_view=is_view))


def _in_module(module: ast.Module, words: Vocabulary) -> Iterator[Literal]:
    for node in ast.walk(module):
        match node:
            case ast.Set(elts=items) | ast.List(elts=items) | ast.Tuple(elts=items):
                yield from _collected(node.lineno, items, words)
            case ast.ClassDef(body=body):
                values = [item.value for item in body if isinstance(item, ast.Assign)]
                yield from _collected(node.lineno, values, words)
            case ast.Compare(left=left, comparators=others):
                yield from _compared([left, *others], words)
            case ast.MatchValue(value=value):
                yield from _compared([value], words)
            case ast.Call(func=ast.Name(id="timedelta")):
                if name := words.durations.get(_timedelta(node)):
                    yield Literal(node.lineno, ast.unparse(node), name)


def _collected(line: int, items: list[ast.expr], words: Vocabulary) -> Iterator[Literal]:
    texts = {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    if name := words.two_of(texts):
        yield from (Literal(line, text, name) for text in texts & words.groups[name])


def _compared(sides: list[ast.expr], words: Vocabulary) -> Iterator[Literal]:
    for side in sides:
        match side:
            case ast.Constant(value=str(text)) if name := words.name_of(text):
                yield Literal(side.lineno, text, name)
            case ast.Constant(value=int() | float() as number) if name := words.numbers.get(number):
                yield Literal(side.lineno, str(number), name)
            case _:
                pass


def _timedelta(call: ast.Call) -> timedelta | None:
    """Return the duration of a call with constant numbers; None for computed arguments."""
    amounts = {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if keyword.arg and isinstance(keyword.value, ast.Constant)
    }
    if call.args or len(amounts) < len(call.keywords):
        return None
    return timedelta(**{unit: float(str(amount)) for unit, amount in amounts.items()})


def _in_sql(text: str, words: Vocabulary, *, is_view: bool) -> Iterator[Literal]:
    """Return the literals of SQL, also those in the bodies of its functions."""
    tokens = tokenize(text, read="postgres")
    sources = ["", *(text[token.start : token.end + 1] for token in tokens), ""]
    for before, source, after, token in zip(sources, sources[1:], sources[2:], tokens, strict=False):
        line = text.count("\n", 0, token.start) + 1
        compared = before in _COMPARING or after in _COMPARING
        if _BODY.match(source):
            inside = _in_sql(token.text, words, is_view=is_view)
            yield from (literal._replace(line=line + literal.line - 1) for literal in inside)
        elif before.lower() == "interval":
            name = words.durations.get(_interval(token.text))
            if name or is_view:
                yield Literal(line, token.text, name)
        elif source.startswith("'") and (compared or before in _BEFORE_WORD):
            if name := words.name_of(token.text):
                yield Literal(line, token.text, name)
        elif is_view and compared and _may_be_threshold(source):
            yield Literal(line, source, words.numbers.get(float(source)))


def _may_be_threshold(text: str) -> bool:
    return text.replace(".", "").isdigit() and text not in ("0", "1")


def _interval(text: str) -> timedelta | None:
    match = _AMOUNT.fullmatch(text.strip())
    return timedelta(**{f"{match[2]}s": int(match[1])}) if match else None
