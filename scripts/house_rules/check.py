"""Run the rules of the code base; print each rule's figures, and each place that breaks one."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from house_rules import layout, literals, module_map, places, prose
from house_rules.tables import owner_table, owners
from house_rules.tables.discover import discover
from house_rules.tree import Report, Tree

RULES: dict[str, Callable[[Tree], Report]] = {
    "table owners": owners.check,
    "owners in the documentation": owner_table.check,
    "notifications": places.check_notify,
    "vocabulary": literals.check,
    "folders": layout.check_folders,
    "words": prose.check,
    "views": places.check_views,
    "module names": layout.check_names,
    "module map": module_map.check,
}

ENFORCED: tuple[str, ...] = (
    "table owners",
    "owners in the documentation",
    "module names",
    "vocabulary",
    "notifications",
    "views",
    "folders",
    "words",
    "module map",
)
"""The rules whose findings fail the check; the others only print their figures."""


def main(arguments: list[str], root: Path) -> int:
    """Run the enforced rules, or the named ones; return 1 when one of them has findings."""
    parser = argparse.ArgumentParser(prog="check-house", description=__doc__)
    parser.add_argument("rules", nargs="*", help=f"run only these and fail on them: {', '.join(RULES)}")
    parser.add_argument(
        "--discover", action="store_true", help="print a first tables.toml from the SQL there is"
    )
    chosen = parser.parse_args(arguments)
    tree = Tree(root)
    if chosen.discover:
        sys.stdout.writelines(f"{line}\n" for line in discover(tree))
        return 0
    unknown = [name for name in chosen.rules if name not in RULES]
    if unknown:
        parser.error(f"there is no rule {unknown[0]!r}: there are {', '.join(RULES)}")
    return int(run(tree, chosen.rules or list(RULES), chosen.rules or ENFORCED))


def run(tree: Tree, names: list[str], enforced: tuple[str, ...] | list[str]) -> bool:
    """Print each rule's figures, and the findings of those that are enforced; return whether it failed."""
    failed = False
    for name in names:
        result = RULES[name](tree)
        on = name in enforced
        state = "ok" if not result.findings else f"{len(result.findings)} to mend"
        print(f"{name}: {result.figure}; {state}{'' if on else ' (not enforced yet)'}")
        if on and result.findings:
            failed = True
            sys.stdout.writelines(f"  {finding}\n" for finding in result.findings)
    return failed
