"""Every kind of refusal in the tree: its code, its text, its translations, and that it is raised."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Formatter

import pytest

import hubwell
from hubwell.errors import ErrorKind
from hubwell.i18n import translations_for
from hubwell.vocabulary import LANGUAGES

SERVER = Path(hubwell.__file__).parent
TREES = {path: ast.parse(path.read_text()) for path in sorted(SERVER.rglob("*.py"))}


def creates_kind(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ErrorKind"


def kinds() -> Iterator[tuple[str, ErrorKind]]:
    """Yield every constant with the name under which it is raised."""
    for path, tree in TREES.items():
        if any(creates_kind(node) for node in ast.walk(tree)):
            module = import_module(".".join(("hubwell", *path.relative_to(SERVER).with_suffix("").parts)))
            for name, value in vars(module).items():
                if isinstance(value, ErrorKind) and f"\n{name}: Final = ErrorKind(" in path.read_text():
                    yield name, value


KINDS = dict(kinds())


def parameters(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field is not None}


def test_each_kind_is_a_constant_of_its_own_name() -> None:
    created = sum(creates_kind(node) for tree in TREES.values() for node in ast.walk(tree))
    assert created == len(KINDS) > 30


def test_codes_and_texts_are_unique() -> None:
    for values in ([kind.code for kind in KINDS.values()], [kind.text for kind in KINDS.values()]):
        assert [value for value, times in Counter(values).items() if times > 1] == []


def test_no_text_is_written_anywhere_else() -> None:
    written = Counter(
        node.value
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    pages = "".join(path.read_text() for path in sorted(SERVER.rglob("*.html")))
    for kind in KINDS.values():
        assert written[kind.text] == 1, kind
        assert kind.text not in pages, kind


def test_texts_are_sentences_and_codes_are_words() -> None:
    for kind in KINDS.values():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.code), kind
        assert re.fullmatch(r"[A-Z{].*[.?]", kind.text), kind
        assert 400 <= kind.status < 600, kind


def test_each_kind_is_raised() -> None:
    used = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert sorted(KINDS.keys() - used) == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_each_text_is_translated_with_its_parameters(language: str) -> None:
    translations = translations_for(language)
    for kind in KINDS.values():
        translated = translations.gettext(kind.text)
        assert translated != kind.text, kind.code
        assert parameters(translated) == parameters(kind.text), kind.code
