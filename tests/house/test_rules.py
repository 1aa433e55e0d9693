"""Each rule: a planted violation fails with its place and a sentence, and a tree in order passes."""

from pathlib import Path

import pytest

from house.small_tree import lines, server_tree, tree
from house_rules import check, layout, literals, places, prose
from house_rules.tree import Tree

VOCABULARY = """\
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal


class Role(StrEnum):
    STAFF = "staff"
    ADMIN = "admin"


SPACE_KINDS: Final = ("workshop", "relaxation")
Language = Literal["en", "it"]
STALE_AFTER: Final = timedelta(minutes=5)
STUFFY: Final = 1000
_PRIVATE = ("a", "b")
"""
USES = """\
'''Of "workshop" and "relaxation".'''

from datetime import timedelta

from hubwell.vocabulary import SPACE_KINDS

LABELS = {"workshop": "Workshop", "relaxation": "Relaxation"}
CONVENTIONS = {"en": "en_GB"}
ENDINGS = ("workshop", "md")
PAUSE = timedelta(minutes=6)


def kind(value: str, language: str = "en") -> bool:
    return value in SPACE_KINDS and len(value) < 1001
"""
VIEW = """\
CREATE VIEW space_now AS
SELECT name, value * 1000 AS value FROM space
JOIN staleness ON age < staleness.after WHERE people > 0;
"""
MIGRATION = """\
CREATE TABLE t (k text CHECK (k IN ('workshop', 'relaxation')));
CREATE VIEW space_now AS SELECT 1;
SELECT pg_notify('a', 'b');
"""
QUERY = "-- name: now\nSELECT interval '6 minutes', a FROM space_now WHERE kind = %(kind)s AND n < 1000\n"
WINDOW = """\
-- name: window
SELECT a FROM b WHERE kind IN ('workshop', 'x')
    AND t > now() - interval '5 minutes'
"""
VIEW_WITH_NUMBERS = """\
CREATE VIEW b AS SELECT 1
FROM a WHERE co2 >= 1000
AND people < 5 AND t > now() - interval '7 minutes';
"""
FUNCTION = """\
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$
SELECT CASE WHEN
a < 12 THEN 'x' END $$;
"""
NO_NAME = "in a view has no name: take it from a reference table or the rule's data."
NOTIFY = 'SEND = "SELECT pg_notify(%s, %s)"\n\n\ndef loop(conn):\n    return conn.notifies()\n'
GOOD = {
    "vocabulary.py": VOCABULARY,
    "web/text.py": USES,
    "storage/notify.py": NOTIFY,
    "storage/views/space_now.sql": VIEW,
    "storage/migrations/versions/0001_start.sql": MIGRATION,
    "storage/migrations/0003_more.sql": "CREATE TABLE more (kind text DEFAULT 'workshop');\n",
    "air/queries.sql": QUERY,
}


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    path = tmp_path / "allowed.toml"
    path.write_text(
        '[[allowed]]\nfile = "services/hubwell/web/kinds.py"\nliterals = ["workshop"]\nwhy = "A reason."\n',
        encoding="utf-8",
    )
    return path


def with_file(path: str, text: str) -> dict[str, str]:
    return {**GOOD, path: text}


def test_a_tree_in_order_passes_every_rule(tmp_path: Path) -> None:
    made = server_tree(tmp_path / "tree", GOOD)
    nothing = tmp_path / "nothing.toml"
    nothing.touch()
    assert lines(literals.check(made, nothing)) == []
    for rule in (
        places.check_notify,
        places.check_views,
        layout.check_folders,
        layout.check_names,
        prose.check,
    ):
        assert lines(rule(made)) == []


@pytest.mark.parametrize(
    ("path", "text", "finding"),
    [
        ("web/a.py", "\nX = 'LISTEN hubwell_desk'\n", "web/a.py:2: LISTEN outside of storage/notify"),
        ("web/a.py", 'Y = f"NOTIFY {1}"\n', "web/a.py:1: NOTIFY outside of storage/notify"),
        ("web/a.py", "async def f(c):\n    async for _ in c.notifies():\n        pass\n",
         "web/a.py:2: notifies outside of storage/notify: use its channels and its functions."),
        ("air/b.sql", "-- name: a\n-- LISTEN to nothing\nSELECT pg_notify('a', '')\n",
         "air/b.sql:3: pg_notify outside of storage/notify"),
        ("storage/migrations/0003_more.sql", "SELECT pg_notify('a', '');\n",
         "storage/migrations/0003_more.sql:1: pg_notify outside of storage/notify"),
    ],
)  # fmt: skip
def test_notifications_stay_in_their_module(tmp_path: Path, path: str, text: str, finding: str) -> None:
    (found,) = lines(places.check_notify(server_tree(tmp_path, with_file(path, text))))
    assert found.startswith(finding)


@pytest.mark.parametrize(
    ("path", "text", "findings"),
    [
        ("web/a.py", "A = ['workshop', 'relaxation']\n",
         ["web/a.py:1: relaxation is stated in the vocabulary: use SPACE_KINDS.",
          "web/a.py:1: workshop is stated in the vocabulary: use SPACE_KINDS."]),
        ("web/a.py", "from typing import Literal\nA = Literal['en', 'it', 'xx']\n",
         ["web/a.py:2: en is stated in the vocabulary: use Language.",
          "web/a.py:2: it is stated in the vocabulary: use Language."]),
        ("web/a.py", "class R:\n    A = 'staff'\n    B = 'admin'\n",
         ["web/a.py:1: admin is stated in the vocabulary: use Role.",
          "web/a.py:1: staff is stated in the vocabulary: use Role."]),
        ("web/a.py", "def f(kind):\n    return kind == 'workshop'\n",
         ["web/a.py:2: workshop is stated in the vocabulary: use SPACE_KINDS."]),
        ("web/a.py", "def f(role):\n    match role:\n        case 'admin':\n            return 1\n",
         ["web/a.py:3: admin is stated in the vocabulary: use Role."]),
        ("web/a.py", "from datetime import timedelta\nA = timedelta(seconds=300)\n",
         ["web/a.py:2: timedelta(seconds=300) is stated in the vocabulary: use STALE_AFTER."]),
        ("web/a.py", "def f(co2):\n    return co2 >= 1000\n",
         ["web/a.py:2: 1000 is stated in the vocabulary: use STUFFY."]),
        ("air/b.sql", WINDOW,
         ["air/b.sql:2: workshop is stated in the vocabulary: use SPACE_KINDS.",
          "air/b.sql:3: 5 minutes is stated in the vocabulary: use STALE_AFTER."]),
        ("storage/views/b.sql", VIEW_WITH_NUMBERS,
         ["storage/views/b.sql:2: 1000 is stated in the vocabulary: use STUFFY.",
          f"storage/views/b.sql:3: 5 {NO_NAME}",
          f"storage/views/b.sql:3: 7 minutes {NO_NAME}"]),
        ("storage/views/b.sql", FUNCTION,
         [f"storage/views/b.sql:3: 12 {NO_NAME}"]),
    ],
)  # fmt: skip
def test_literals_stay_in_the_vocabulary(tmp_path: Path, path: str, text: str, findings: list[str]) -> None:
    nothing = tmp_path / "nothing.toml"
    nothing.touch()
    assert lines(literals.check(server_tree(tmp_path / "tree", with_file(path, text)), nothing)) == findings


def test_a_literal_may_be_allowed_with_a_reason_while_it_is_there(tmp_path: Path, allowed: Path) -> None:
    texts = with_file("web/kinds.py", "def f(kind):\n    return kind == 'workshop'\n")
    assert lines(literals.check(server_tree(tmp_path / "tree", texts), allowed)) == []
    (found,) = lines(literals.check(server_tree(tmp_path / "other", GOOD), allowed))
    assert found == "web/kinds.py:1: 'workshop' is no longer here: take it out of allowed.toml."


def test_a_tree_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    (found,) = lines(literals.check(server_tree(tmp_path, {"app.py": ""})))
    assert found == "vocabulary.py:1: Write it: the domain's words."


def test_a_folder_has_at_most_twelve_files_of_a_kind(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(13)]
    texts = {f"web/desk/{name}.py": "" for name in names[:12]} | {
        "web/desk/__init__.py": "",
        "web/desk/a.sql": "",
    }
    texts |= {f"web/static/{name}.py": "" for name in names}
    assert lines(layout.check_folders(server_tree(tmp_path, texts))) == []
    made = server_tree(
        tmp_path, {"web/desk/m12.py": ""} | {f"web/board/templates/{name}.html": "" for name in names}
    )
    assert lines(layout.check_folders(made)) == [
        "web/board/templates:1: 13 templates in one folder, at most 12: make a package of some.",
        "web/desk:1: 13 modules in one folder, at most 12: make a package of some.",
    ]


def test_a_folder_of_the_edge_is_counted_too(tmp_path: Path) -> None:
    made = tree(tmp_path, {f"edge/hubwell_edge/m{number}.py": "" for number in range(13)})
    assert layout.check_folders(made).findings[0].path == "edge/hubwell_edge"


@pytest.mark.parametrize("path", ["web/helpers.py", "common/a.py", "air/file_utils.py", "web/base.py"])
def test_a_module_has_a_name(tmp_path: Path, path: str) -> None:
    (found,) = lines(layout.check_names(server_tree(tmp_path, with_file(path, ""))))
    assert found.startswith(f"{path}:1: ")
    assert found.endswith("is no name; use the noun that the module is about.")


def test_docstrings_and_variables_keep_to_their_budget(tmp_path: Path) -> None:
    plain = (
        '"""'
        + "word " * 199
        + '\n{}"""\n\n\ndef f() -> int:\n    """Return it."""\n    {} = 1\n    return {}\n'
    )
    assert (
        lines(prose.check(server_tree(tmp_path / "a", {"a.py": plain.format("nobody", "row", "row")}))) == []
    )
    over = server_tree(tmp_path / "b", {"a.py": plain.format("nobody told", "found", "found")})
    why = "in a docstring; 9.9 markers per 1,000 words, at most 5.0: name the thing or the role."
    assert lines(prose.check(over)) == [
        f"a.py:2: “nobody” (1 times) {why}",
        f"a.py:2: “told” (1 times) {why}",
        "a.py:7: “found” (1 times) as a variable; 100.0 % vague variables, at most 2.0: name what it holds.",
    ]


@pytest.mark.parametrize(
    ("path", "text", "finding"),
    [
        ("storage/migrations/0003_more.sql", "SELECT 1;\nCREATE OR REPLACE VIEW a AS SELECT 1;\n",
         "storage/migrations/0003_more.sql:2: the view a is created here: define it in storage/views, once"),
        ("web/a.py", '\nX = "CREATE VIEW a AS SELECT 1"\n', "web/a.py:2: the view a is created here"),
        ("storage/views/again.sql", "SELECT 1;\n\nCREATE VIEW space_now AS SELECT 1;\n",
         "storage/views/again.sql:3: the view space_now is created 2 times: define it once."),
        ("storage/migrations/0001_b.sql", "CREATE VIEW old AS SELECT 1;\n",
         "storage/migrations/0001_b.sql:1: the view old is not in storage/views: define it there."),
    ],
)  # fmt: skip
def test_a_view_is_defined_once(tmp_path: Path, path: str, text: str, finding: str) -> None:
    assert any(
        found.startswith(finding)
        for found in lines(places.check_views(server_tree(tmp_path, with_file(path, text))))
    )


def test_only_rules_that_are_on_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: Tree = server_tree(tmp_path, {"web/utils.py": ""})
    assert not check.run(made, ["module names"], [])
    assert capsys.readouterr().out == "module names: 1 modules; 1 to mend (not enforced yet)\n"
    assert check.run(made, ["module names"], ["module names"])
    assert capsys.readouterr().out == (
        "module names: 1 modules; 1 to mend\n"
        "  services/hubwell/web/utils.py:1: utils: utils is no name; use the noun that the module is about.\n"
    )


def test_what_is_enforced_is_a_rule() -> None:
    assert set(check.ENFORCED) <= check.RULES.keys()
