"""What a reader tells the person who tapped, and what the parts that tell it have to do.

Nobody has to see colours or hear: each group of verdicts has its own rhythm of light, its own rhythm of
sound, its own sign and its own words. See `patterns.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hubwell_wire.fields import Verdict

Group = Literal["yes", "ask", "no"]

GROUPS: Final[dict[Verdict, Group]] = {
    "in": "yes",
    "out": "yes",
    "moved": "yes",
    "noted": "yes",
    "code": "yes",
    "desk": "yes",
    "again": "ask",
    "phone": "ask",
    "unknown": "no",
    "full": "no",
    "revoked": "no",
    "refused": "no",
}
"""`yes`: all is well; `ask`: nothing changed, the words say what can be done; `no`: not checked in."""


class FeedbackError(Exception):
    """The part cannot show anything. The text is a sentence that a person at the device can act on."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What is to be shown. `quiet`: only the words are new, so that lights and sound stay as they are."""

    verdict: Verdict
    text: str
    quiet: bool = False

    @property
    def group(self) -> Group:
        """Which pattern belongs to it."""
        return GROUPS[self.verdict]


Wait = Callable[[float], bool]
"""Waits so many seconds and says whether something newer is to be shown, so that this should end."""


class Output(Protocol):
    """One part that shows signals. All methods block, and are called from one thread of its own."""

    @property
    def name(self) -> str:
        """Kind of the part, for the log."""
        ...

    @property
    def rest_s(self) -> float:
        """Seconds after the end of `show` until `clear` is called; 0: never."""
        ...

    def open(self) -> None:
        """Make the part ready. Raises FeedbackError."""
        ...

    def show(self, signal: Signal, wait: Wait) -> None:
        """Show it, and return when the pattern is at its end or `wait` says so. Raises FeedbackError."""
        ...

    def clear(self) -> None:
        """Go back to rest. Raises FeedbackError."""
        ...

    def close(self) -> None:
        """Let the part go. Harmless when it was never opened."""
        ...


class Feedback(Protocol):
    """All parts of one reader that show something. No method blocks the caller for longer than a moment."""

    def open(self) -> None:
        """Start. Parts that fail are reported in the log and tried again; nothing is raised."""
        ...

    def show(self, verdict: Verdict, text: str, *, provisional: bool) -> None:
        """Tell `text`; `provisional` if the server may still say otherwise."""
        ...

    def close(self) -> None:
        """Let all parts go; what is being shown is ended."""
        ...
