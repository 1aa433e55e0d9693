"""Feedback as lines on standard output, to try things without hardware."""

import sys

from hubwell_edge.config_tables import Options
from hubwell_edge.drivers.hardware import Hardware
from hubwell_edge.feedback.output import FeedbackError, Signal, Wait
from hubwell_edge.feedback.patterns import SIGNS


class ConsoleSettings(Options):
    """A console of the device file; it has no options."""


class Console:
    """Standard output."""

    name = "console"
    rest_s = 0.0

    def __init__(self, settings: ConsoleSettings, hardware: Hardware) -> None:
        del settings, hardware

    def open(self) -> None:
        """Do nothing."""

    def show(self, signal: Signal, wait: Wait) -> None:
        """Write a line. Raises FeedbackError."""
        del wait
        try:
            sys.stdout.write(f"{SIGNS[signal.group]} {signal.verdict}: {signal.text}\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:
            raise FeedbackError(f"standard output does not accept text: {error}") from error

    def clear(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: standard output belongs to the process."""
