import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hubwell
from hubwell.storage.queries import Queries
from hubwell.storage.tables import KEPT, tables

ROOT = Path(hubwell.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
OF_TABLES = ("erasure.sql", "removal.sql", "retention.sql")
"""Their queries have the names of tables and of classes of data, by which `storage.tables` looks them up."""
FILES = sorted(
    file
    for file in ROOT.rglob("*.sql")
    if file.parent.parent.name != "storage" and file.name not in OF_TABLES
)
NAME = re.compile(r"^-- name: (\w+)", re.MULTILINE)


def test_queries_are_found_by_name() -> None:
    queries = Queries("hubwell.spaces")
    assert queries["spaces"].startswith("SELECT id")
    with pytest.raises(KeyError):
        queries["nonsense"]


def test_name_that_is_there_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "doubled"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "queries.sql").write_text("-- name: a\nSELECT 1\n\n-- name: a\nSELECT 2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="is there twice"):
        Queries("doubled")


def sql_file(call: ast.Call) -> Path:
    """Return the file that a call of `Queries` reads."""
    words = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    package, name = ([str(word) for word in words] + ["queries.sql"])[:2]
    return Path(*package.split(".")[1:]) / name


def is_queries(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Queries"


class Module:
    """A module's queries: which file each of its variables reads, and which names it looks up."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.tree = ast.parse(source)
        self.files: dict[str, Path] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value and is_queries(node.value):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                assert isinstance(target, ast.Name)
                assert isinstance(node.value, ast.Call)
                self.files[target.id] = sql_file(node.value)

    def add_imported(self, modules: dict[str, "Module"]) -> None:
        """Add the variables that other modules define: `from package.module import SQL`, or `module.SQL`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    defining = modules.get(node.module)
                    if defining and alias.name in defining.files:
                        self.files[alias.asname or alias.name] = defining.files[alias.name]
                    whole = modules.get(f"{node.module}.{alias.name}")
                    for variable, file in whole.files.items() if whole else ():
                        self.files[f"{alias.asname or alias.name}.{variable}"] = file

    def looked_up(self) -> Iterator[tuple[int, Path, str]]:
        """Return line, file and name of each look-up of a literal name."""
        for node in ast.walk(self.tree):
            if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
                continue
            name = str(node.slice.value)
            if isinstance(node.value, ast.Call) and is_queries(node.value):
                yield node.lineno, sql_file(node.value), name
            elif (variable := ast.unparse(node.value)) in self.files:
                yield node.lineno, self.files[variable], name

    def mentioned(self) -> set[str]:
        """Return the literal strings: a name that is passed on to a function that looks it up is one."""
        return {
            node.value
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    by_name = {name_of(path): Module(name_of(path), path.read_text()) for path in MODULES}
    for module in by_name.values():
        module.add_imported(by_name)
    return list(by_name.values())


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)


def named(file: Path) -> set[str]:
    path = ROOT / file
    return set(NAME.findall(path.read_text())) if path.is_file() else set()


def test_every_name_that_is_looked_up_exists(modules: list[Module]) -> None:
    missing = [
        f"{module.name}:{line}: {file} has no query {name!r}"
        for module in modules
        for line, file, name in module.looked_up()
        if name not in named(file)
    ]
    assert missing == []


def test_every_query_is_looked_up(modules: list[Module]) -> None:
    """A name that is passed on misspelt leaves the query that it means without a user, and is found here."""
    unused = []
    looked_up = {(file, name) for module in modules for _, file, name in module.looked_up()}
    for path in FILES:
        users = [module for module in modules if path.relative_to(ROOT) in module.files.values()]
        mentioned = set[str]().union(*(module.mentioned() for module in users))
        unused += [
            f"{path.relative_to(ROOT)}: {name}"
            for name in sorted(named(path) - mentioned)
            if (path.relative_to(ROOT), name) not in looked_up
        ]
    assert unused == []


@pytest.mark.parametrize("file", OF_TABLES)
def test_queries_of_tables_are_named_after_what_they_concern(file: str) -> None:
    described = tables()
    entries = described.retention if file == "retention.sql" else (*described.tables, *described.outside)
    names = {(entry.owner, entry.name.replace("-", "_")) for entry in entries}
    # A class with several tables has a query for each further one (`further_queries`).
    names |= {(table.owner, table.name) for table in described.tables if table.retention != KEPT}
    prefix = "empty_" if file == "retention.sql" else "anonymise_"
    strangers = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in ROOT.rglob(file)
        for name in named(path)
        if (path.parent.name, name.removeprefix(prefix)) not in names
    ]
    assert strangers == []


def test_misspelt_name_is_found() -> None:
    planted = Module("planted", '_SQL = Queries("hubwell.spaces")\n_SQL["spaces"]; _SQL["spaecs"]')
    assert [(line, name) for line, file, name in planted.looked_up() if name not in named(file)] == [
        (2, "spaecs")
    ]
