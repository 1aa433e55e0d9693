"""Print the figures of packages side by side, as a table in Markdown.

Each argument is NAME=PATH, with several paths after commas; without arguments the server and the edge are
measured. Nothing is downloaded: `python3 -m pip install --no-deps --target FOLDER procrastinate` puts a
package into a folder that can be measured.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from house_rules.figures import Figures, measure, percentile
from house_rules.tree import Tree

HEADINGS = (
    "",
    "files",
    "lines/file med / p95 / max",
    "function lines med / p95 / max",
    "comments per 100 code lines",
    "return types",
    "dialect markers per 1,000 docstring words",
    "vague variable names",
)


def main(arguments: list[str], root: Path) -> int:
    """Print the table. Exits with an error message for an invalid argument."""
    parser = argparse.ArgumentParser(
        prog="measure-code", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packages", nargs="*", metavar="NAME=PATH", help="what to measure and its name")
    parser.add_argument(
        "--without", action="append", default=[], metavar="GLOB", help="leave these files out"
    )
    parser.add_argument("--words", action="store_true", help="list each marker and vague name with its place")
    chosen = parser.parse_args(arguments)
    packages = [_package(parser, text) for text in chosen.packages] or defaults(Tree(root))
    measured = {name: measure(paths, chosen.without) for name, paths in packages}
    for line in table(measured):
        print(line)
    for figures in measured.values() if chosen.words else ():
        for hit in (*figures.markers, *figures.vague):
            print(f"{hit.path}:{hit.line}: {hit.word}")
    return 0


def defaults(tree: Tree) -> list[tuple[str, list[Path]]]:
    """Return the folders that are measured without arguments."""
    return [("Hubwell server", [tree.server]), ("Hubwell edge", [tree.edge])]


def _package(parser: argparse.ArgumentParser, text: str) -> tuple[str, list[Path]]:
    name, equals, places = text.partition("=")
    paths = [Path(place) for place in places.split(",")]
    if not equals or not all(path.exists() for path in paths):
        parser.error(f"{text!r}: write NAME=PATH with a folder or file that exists")
    return name, paths


def table(measured: dict[str, Figures]) -> Iterator[str]:
    """Return the lines of the table, one row for each package."""
    yield _row(HEADINGS)
    yield _row(["---"] * len(HEADINGS))
    for name, figures in measured.items():
        yield _row((f"**{name}**" if name.startswith("Hubwell") else name, *_cells(figures)))


def _cells(figures: Figures) -> Iterator[str]:
    yield f"{len(figures.file_lines):,}"
    yield _spread(figures.file_lines)
    yield _spread(figures.function_lines)
    yield f"{figures.comments_per_100_lines:.1f}"
    yield f"{figures.return_percent:.0f} %"
    yield f"{figures.markers_per_1000_words:.1f}"
    yield f"{figures.vague_percent:.1f} %"


def _spread(values: list[int]) -> str:
    return " / ".join(f"{percentile(values, share):,}" for share in (0.5, 0.95, 1.0))


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"
