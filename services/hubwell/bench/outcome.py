"""What a measurement found: always the same object, whatever was measured."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measurement. `ratio` and `target` are None where there is no limit to compare with."""

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
        """Return the same for people."""
        lines = [f"{self.name}: {'target met' if self.ok else 'TARGET MISSED'}"]
        lines += [f"  {key}: {value}" for key, value in self.figures.items()]
        for key, value in (self.ratio or {}).items():
            aim = (self.target or {}).get(key)
            lines.append(f"  ratio {key}: {value:.3f}" + (f" (target {aim})" if aim is not None else ""))
        return "\n".join(lines)
