"""What a check of the doctor found."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The state of one part, and the remedy if one is needed."""

    part: str
    state: State
    found: str
    advice: str = ""
