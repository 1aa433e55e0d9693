"""Load the named SQL beside a capability: ``-- name: what_it_does`` starts each query.

SQL stays in `.sql` files where editors and reviewers read it; Python refers to a query by its name. A test
resolves every name in the sources: it fails on a misspelt one, and on a query that nothing looks up.
"""

import re
from importlib.resources import files
from typing import LiteralString, cast

_MARKER = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries:
    """The queries of a package's SQL file, by name.

    Raises ValueError for a duplicate name, and KeyError for a look-up of an unknown one.
    """

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        parts = _MARKER.split(files(package).joinpath(file).read_text())
        names, bodies = parts[1::2], parts[2::2]
        if len(set(names)) != len(names):
            raise ValueError(f"{package}/{file}: a query name is there twice")
        self._by_name = dict(zip(names, (body.strip() for body in bodies), strict=True))

    def __getitem__(self, name: str) -> LiteralString:
        # The text comes from a file of this package, never from input: that is what LiteralString promises.
        return cast("LiteralString", self._by_name[name])

    def get(self, name: str) -> LiteralString | None:
        """Return the query with this name; None where there is none."""
        return self[name] if name in self._by_name else None
