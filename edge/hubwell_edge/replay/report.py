"""The result of a replay in words: how many rows the server stored, and what became of the others."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hubwell_edge.clock import to_ms
from hubwell_edge.outbox.refused import RefusedReading
from hubwell_edge.replay.scan import Plan, shown
from hubwell_edge.replay.source import ReplaySource


@dataclass(frozen=True, slots=True)
class Result:
    """What became of the rows of a replay that came to its end."""

    name: str
    plan: Plan
    refused: dict[int, str] = field(default_factory=dict)
    """Line -> why the server did not store all of its row."""

    @property
    def stored(self) -> int:
        """Number of rows that the server has stored whole."""
        return self.plan.to_send - len(self.refused)

    def sentences(self, seconds: float) -> str:
        """Return the result in words; `seconds` is how long the replay took."""
        plan = self.plan
        if self.refused:
            rows = f"{self.stored} of {plan.to_send} rows of {self.name} arrived"
            parts = [f"{rows}, {len(self.refused)} refused ({seconds:.1f} s):\n{shown(self.refused)}"]
        else:
            parts = [f"{plan.to_send} rows of {self.name} arrived ({seconds:.1f} s)"]
        if plan.odd:
            parts.append(f"skipped: {_rows(len(plan.odd))} that cannot be read:\n{shown(plan.odd)}")
        if plan.no_value:
            parts.append(f"skipped: {_rows(plan.no_value)} without a value")
        if plan.not_in_map:
            parts.append(f"skipped: {_rows(plan.not_in_map)} of entities that the map does not name")
        if plan.missing:
            parts.append(f"skipped: {plan.missing} single values that the map lists as missing")
        return "\n".join(parts) + "\n"


def result_of(source: ReplaySource, name: str, refused: Mapping[RefusedReading, str]) -> Result:
    """Return the result; the refused readings are looked up in the file, to name their lines."""
    lines: dict[int, str] = {}
    if refused:
        for line, taken, readings in source.recorded_rows():
            for reading in readings:
                reason = refused.get(RefusedReading(reading.s, to_ms(taken), reading.v))
                if reason is not None:
                    lines.setdefault(line, reason)
    return Result(name, source.plan, lines)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
