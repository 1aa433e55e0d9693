"""Output of `hubwell up`: one line per step, with a spinner on a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

_WIDTH = 12


class Terminal:
    """Prints the progress of the start to standard output, and problems to standard error."""

    def __init__(self, console: Console | None = None, problems: Console | None = None) -> None:
        """Use these consoles instead of standard output and standard error."""
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._problems = problems or Console(highlight=False, soft_wrap=True, stderr=True)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[list[str]]:
        """Show a step while it runs, then a line with its result, the texts appended to the list."""
        started = time.monotonic()
        texts: list[str] = []
        if self._console.is_terminal:
            # Letters only, here and below: not every terminal speaks UTF-8.
            with self._console.status(f"{name:{_WIDTH}}{escape(doing)} ...", spinner="line"):
                yield texts
        else:
            self._console.print(f"  {name:{_WIDTH}}{escape(doing)} ...")
            yield texts
        took = time.monotonic() - started
        result = escape(" ".join(texts) or "ready")
        self._console.print(f"  {name:{_WIDTH}}[green]{result}[/] ({took:.1f} s)")

    def print_line(self, text: str) -> None:
        """Print a line."""
        self._console.print(escape(text))

    def address(self, url: str) -> None:
        """Print the address of the running system."""
        self._console.print(f"\n  Hubwell is up:  [bold]{escape(url)}[/]\n  Ctrl-C stops it.\n")

    def stopping(self) -> None:
        """Print that the processes are being stopped."""
        self._console.print("  Stopping ...")

    def problem(self, text: str) -> None:
        """Print a problem that occurred while running."""
        self._problems.print(f"{time.strftime('%H:%M:%S')} [yellow]{escape(text)}[/]")

    def refuse(self, sentence: str) -> None:
        """Print why the start failed."""
        self._problems.print(f"[red]{escape(sentence)}[/]")
