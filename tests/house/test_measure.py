"""The figures of a small tree, worked out by hand."""

from pathlib import Path

import pytest

from house.small_tree import tree
from house_rules.figures import measure, percentile
from house_rules.measure import main

ONE = '''\
"""Nobody tells a hub apart; a rule that stands for a room says so."""

import os  # for paths


# Why this is odd.
def first(found: int) -> int:
    """Return one.

    It is over.
    """
    left, total = found, 0  # noqa: X001

    def inner():
        known = 1
        return known

    left = total
    return left
'''
TWO = "x = 1\n\n\nclass A:\n    async def b(self) -> None:\n        return None\n"


def test_the_figures_of_a_small_tree(tmp_path: Path) -> None:
    root = tree(tmp_path, {"a/one.py": ONE, "a/two.py": TWO, "a/__pycache__/c.py": "1"}).root
    found = measure([root / "a"])
    assert found.file_lines == [19, 6]
    # `first` has 13 lines and 4 of docstring, `inner` 3, `b` 2.
    assert sorted(found.function_lines) == [2, 3, 9]
    assert found.returns_annotated == 2
    # import, def, left, def, known, return, left, return; x, class, async def, return.
    assert (found.code_lines, found.comment_lines) == (12, 2)
    assert found.docstring_words == 14 + 5
    assert [(hit.line, hit.word.lower()) for hit in found.markers] == [
        (1, "nobody"),
        (1, "says"),
        (10, "is over"),
    ]
    # left and total in `first`, known in `inner`.
    assert found.variables == 3
    assert [(hit.line, hit.word) for hit in found.vague] == [(12, "left"), (15, "known")]


def test_the_table_is_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tree(tmp_path, {"a/one.py": ONE, "a/two.py": TWO}).root
    assert main([f"Small={root}/a", "--without", "*/one.py"], root) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "| Small | 1 | 6 / 6 / 6 | 2 / 2 / 2 | 0.0 | 100 % | 0.0 | 0.0 % |"
    assert printed[0].startswith("|  | files | lines/file med / p95 / max |")


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"Small={tmp_path}/none"], tmp_path)
    assert "write NAME=PATH with a folder or file that exists" in capsys.readouterr().err


def test_percentiles_are_values_that_occur() -> None:
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile([7], 1.0) == 7
    assert percentile([], 0.5) == 0


@pytest.mark.parametrize(
    ("text", "markers"),
    [
        ("It counts badges; the counts are kept, and a list is no longer than that.", []),
        ("There is no key. The badge's letter stands for a zone; tell the two apart.", []),
        ("Whoever asks is told by whom it was said.", ["Whoever", "told", "whom", "said"]),
        ("The list is made anew; a cookie counts no longer.", ["anew", "counts"]),
    ],
)
def test_ordinary_uses_of_a_word_are_not_counted(tmp_path: Path, text: str, markers: list[str]) -> None:
    root = tree(tmp_path, {"one.py": f'"""{text}"""\n'}).root
    assert [hit.word for hit in measure([root]).markers] == markers
