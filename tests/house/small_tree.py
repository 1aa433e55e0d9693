"""A small tree of files in place of the repository."""

from pathlib import Path

from house_rules.tree import Report, Tree

SERVER = "services/hubwell/"


def server_tree(root: Path, texts: dict[str, str]) -> Tree:
    """Write files under `services/hubwell` and return the tree."""
    return tree(root, {SERVER + name: text for name, text in texts.items()})


def tree(root: Path, texts: dict[str, str]) -> Tree:
    """Write files and return the tree."""
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Tree(root)


def lines(report: Report) -> list[str]:
    """Return the findings as they are printed, without the folder of the server."""
    return [str(finding).replace(SERVER, "") for finding in report.findings]
