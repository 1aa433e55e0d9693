"""The signals shown to a person after a tap, and the interface of the outputs that show them.

No signal depends on seeing colours or on hearing: each group of verdicts has its own rhythm of light, its own
rhythm of sound, its own sign and its own text. See `patterns.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from hubwell_wire.enumerations import Verdict

Group = Literal["yes", "ask", "no"]

Shown = Verdict | Literal["evacuation"]
"""What is shown: a verdict on a tap, or an evacuation, also without a tap."""

GROUPS: Final[dict[Shown, Group]] = {
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
    "evacuation": "no",
}
"""`yes`: success; `ask`: nothing changed, the text explains what the person can do; `no`: not checked in."""


class FeedbackError(Exception):
    """The output cannot show anything. The text is a sentence with advice for a person at the device."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A verdict, or an evacuation, with its text.

    `quiet`: only the text is new, so lights and sound are not played again.
    """

    verdict: Shown
    text: str
    quiet: bool = False

    @property
    def group(self) -> Group:
        """The group that selects the pattern."""
        return GROUPS[self.verdict]


Wait = Callable[[float], bool]
"""Waits the given seconds; returns True early when a newer signal should interrupt the current one."""


class Output(Protocol):
    """One output that shows signals. All methods block and are called from one thread of its own."""

    @property
    def name(self) -> str:
        """Kind of the output, for the log."""
        ...

    @property
    def rest_s(self) -> float:
        """Seconds from the end of `show` to the call of `clear`; 0: never."""
        ...

    def open(self) -> None:
        """Prepare the output. Raises FeedbackError."""
        ...

    def show(self, signal: Signal, wait: Wait) -> None:
        """Show a signal; return at the end of its pattern, or when `wait` returns True.

        Raises FeedbackError.
        """
        ...

    def clear(self) -> None:
        """Return to the idle state. Raises FeedbackError."""
        ...

    def close(self) -> None:
        """Release the output. Harmless when it was never opened."""
        ...


class Feedback(Protocol):
    """All outputs of one reader. No method blocks its caller for more than a moment."""

    def open(self) -> None:
        """Start the outputs. A failing output is logged and tried again; nothing is raised."""
        ...

    def show(self, verdict: Verdict, text: str, *, provisional: bool) -> None:
        """Show a verdict and its text; `provisional` while the server may still decide otherwise."""
        ...

    def announce(self, text: str | None) -> None:
        """Show an evacuation between taps, until it is None again."""
        ...

    def close(self) -> None:
        """Stop the current signal and release all outputs."""
        ...
