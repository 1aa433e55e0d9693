"""What the oldest Python that Hubwell runs on, Debian 12's 3.11.2, does otherwise than a later one."""

import ast

from lanes.paths import PROJECT

HALVES = [PROJECT / "edge", PROJECT / "services"]


def test_nothing_is_raised_inside_except_star() -> None:
    """Before 3.11.4 what is raised there comes out in a group, so that nobody who waits for it catches it."""
    raised = [
        f"{path.relative_to(PROJECT)}:{statement.lineno}"
        for half in HALVES
        for path in half.rglob("*.py")
        for handled in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(handled, ast.TryStar)
        for handler in handled.handlers
        for statement in ast.walk(handler)
        if isinstance(statement, ast.Raise)
    ]
    assert raised == []
