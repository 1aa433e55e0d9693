"""What `hubwell up` says: one line per step, a spinner on a real terminal, plain lines elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

_WIDTH = 12


class Terminal:
    """The person's view of the start; problems go to standard error."""

    def __init__(self, console: Console | None = None, problems: Console | None = None) -> None:
        """Write to standard output, and problems to standard error, unless told."""
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._problems = problems or Console(highlight=False, soft_wrap=True, stderr=True)

    @contextmanager
    def step(self, name: str, doing: str) -> Iterator[list[str]]:
        """Show a step while it lasts, then one line of it, made of what was appended to the list."""
        started = time.monotonic()
        said: list[str] = []
        if self._console.is_terminal:
            # Letters only, here and below: not every terminal speaks UTF-8.
            with self._console.status(f"{name:{_WIDTH}}{escape(doing)} ...", spinner="line"):
                yield said
        else:
            self._console.print(f"  {name:{_WIDTH}}{escape(doing)} ...")
            yield said
        took = time.monotonic() - started
        result = escape(" ".join(said) or "ready")
        self._console.print(f"  {name:{_WIDTH}}[green]{result}[/] ({took:.1f} s)")

    def say(self, text: str) -> None:
        """Print a line."""
        self._console.print(escape(text))

    def address(self, url: str) -> None:
        """Print the one address of a system that is up."""
        self._console.print(f"\n  Hubwell is up:  [bold]{escape(url)}[/]\n  Ctrl-C stops it.\n")

    def stopping(self) -> None:
        """Print that the end has begun."""
        self._console.print("  Stopping ...")

    def problem(self, text: str) -> None:
        """Print what went wrong while running."""
        self._problems.print(f"{time.strftime('%H:%M:%S')} [yellow]{escape(text)}[/]")

    def refuse(self, sentence: str) -> None:
        """Print why it cannot start."""
        self._problems.print(f"[red]{escape(sentence)}[/]")
