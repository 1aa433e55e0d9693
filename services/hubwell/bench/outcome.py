"""The result of a measurement, the same type for all of them, and its two printed forms."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one measurement. `ratio` and `target` are None for a measurement without a target."""

    name: str
    figures: dict[str, Any]
    ratio: dict[str, float] | None
    target: dict[str, float] | None
    ok: bool

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "name": self.name,
            "figures": self.figures,
            "ratio": self.ratio,
            "target": self.target,
            "ok": self.ok,
        }

    def in_words(self) -> str:
        """Return the lines that are printed without `--json`."""
        lines = [f"{self.name}: {'target met' if self.ok else 'TARGET MISSED'}"]
        lines += [f"  {key}: {value}" for key, value in self.figures.items()]
        for key, value in (self.ratio or {}).items():
            aim = (self.target or {}).get(key)
            lines.append(f"  ratio {key}: {value:.3f}" + (f" (target {aim})" if aim is not None else ""))
        return "\n".join(lines)
